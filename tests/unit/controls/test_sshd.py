"""What the controls of sshd see and say, from answers of Debian 12 and 13 nodes."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from hardener.catalogue.control import Control, CouldNotLook, NotApplicable
from hardener.catalogue.discovery import catalogue_of
from hardener.content import roles_directory
from hardener.controls import sshd
from hardener.model import Disruption, Facts, Platform
from tests.unit.controls.recorded import RecordedHost

VALUES = yaml.safe_load((roles_directory() / "sshd" / "defaults" / "main.yml").read_text())
CATALOGUE = catalogue_of([("sshd", sshd.CONTROLS)])
OPTIONS = "sshd -T -C user=root,host=localhost,addr=0.0.0.0"
PACKAGES = "dpkg-query --show --showformat='${Package} ${db:Status-Status}\\n'"

STOCK = """\
port 22
usepam yes
logingracetime 120
maxauthtries 6
maxsessions 10
clientaliveinterval 0
clientalivecountmax 3
permitrootlogin yes
ignorerhosts yes
hostbasedauthentication no
gssapiauthentication no
permitemptypasswords no
disableforwarding no
ciphers chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr,aes128-gcm@openssh.com,aes256-gcm@openssh.com
macs umac-64-etm@openssh.com,umac-128-etm@openssh.com,hmac-sha2-256-etm@openssh.com,hmac-sha2-512
banner none
kexalgorithms sntrup761x25519-sha512,sntrup761x25519-sha512@openssh.com,curve25519-sha256,diffie-hellman-group14-sha256
loglevel INFO
maxstartups 10:30:100
permituserenvironment no
"""
TRIXIE_EXCHANGES = "kexalgorithms mlkem768x25519-sha256,sntrup761x25519-sha512@openssh.com,curve25519-sha256\n"
HARDENED = """\
usepam yes
logingracetime 60
maxauthtries 4
maxsessions 10
clientaliveinterval 15
clientalivecountmax 3
permitrootlogin no
ignorerhosts yes
hostbasedauthentication no
gssapiauthentication no
permitemptypasswords no
disableforwarding yes
ciphers chacha20-poly1305@openssh.com,aes256-gcm@openssh.com
macs hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com,hmac-sha2-512,hmac-sha2-256
banner /etc/issue.net
kexalgorithms sntrup761x25519-sha512@openssh.com,curve25519-sha256
loglevel VERBOSE
maxstartups 10:30:60
allowgroups sudo
allowgroups sudo
permituserenvironment no
"""
VIOLATED = """\
usepam no
logingracetime 0
maxauthtries 6
maxsessions 64
clientaliveinterval 0
clientalivecountmax 0
permitrootlogin yes
ignorerhosts no
hostbasedauthentication yes
gssapiauthentication yes
permitemptypasswords yes
disableforwarding no
ciphers 3des-cbc
macs hmac-md5
banner none
kexalgorithms diffie-hellman-group14-sha1
loglevel SILENT
maxstartups 10:30:100
permituserenvironment yes
"""
OF_OPTIONS = [name for name, control in CATALOGUE.items() if control.needs_root]


def answering(options: str, *, banner: int = 0) -> RecordedHost:
    return RecordedHost({OPTIONS: (0, options, ""), "test -s /etc/issue.net": (banner, "", "")})


def complaints(control: Control, host: RecordedHost) -> Any:
    expectation = control.expectation(VALUES)
    assert expectation is not None
    return expectation.complaints(control.observe(host))


@pytest.mark.parametrize("name", OF_OPTIONS)
def test_every_option_passes_hardened_and_fails_violated(name: str) -> None:
    assert complaints(CATALOGUE[name], answering(HARDENED)) == ()
    assert complaints(CATALOGUE[name], answering(VIOLATED)) != ()


def test_a_stock_server_fails_where_the_distribution_is_soft_only() -> None:
    assert {name for name in OF_OPTIONS if complaints(CATALOGUE[name], answering(STOCK))} == {
        "sshd-access",
        "sshd-banner",
        "sshd-clientaliveinterval",
        "sshd-disableforwarding",
        "sshd-logingracetime",
        "sshd-macs",
        "sshd-maxauthtries",
        "sshd-maxstartups",
        "sshd-permitrootlogin",
    }


def test_a_newer_key_exchange_is_accepted_and_never_written() -> None:
    control = CATALOGUE["sshd-kexalgorithms"]
    assert complaints(control, answering(TRIXIE_EXCHANGES)) == ()
    assert "mlkem768x25519-sha256" not in VALUES["sshd_options"]["kexalgorithms"]


@pytest.mark.parametrize("name", OF_OPTIONS)
def test_an_sshd_that_refuses_its_configuration_is_no_pass(name: str) -> None:
    said = "/etc/ssh/sshd_config: line 1: Bad configuration option: nonsense\n"
    with pytest.raises(CouldNotLook, match="Bad configuration option"):
        CATALOGUE[name].observe(RecordedHost({OPTIONS: (255, "", said)}))


def test_a_host_without_sshd_has_nothing_to_judge_and_one_with_a_hidden_sshd_has() -> None:
    missing = {OPTIONS: (127, "", "sh: 1: sshd: not found"), PACKAGES: (0, "openssh-client installed\n", "")}
    with pytest.raises(NotApplicable):
        CATALOGUE["sshd-usepam"].observe(RecordedHost(missing))
    hidden = {**missing, PACKAGES: (0, "openssh-server installed\n", "")}
    with pytest.raises(CouldNotLook):
        CATALOGUE["sshd-usepam"].observe(RecordedHost(hidden))


def test_a_banner_needs_a_file_with_text() -> None:
    control = CATALOGUE["sshd-banner"]
    assert complaints(control, answering(HARDENED, banner=1)) == ("has text is no",)
    with pytest.raises(CouldNotLook):
        control.observe(answering(HARDENED, banner=2))


@pytest.mark.parametrize("line", ["allowusers a\nallowusers b", "allowgroups sudo", "denyusers c", "denygroups d"])
def test_any_list_limits_who_may_log_in(line: str) -> None:
    assert complaints(CATALOGUE["sshd-access"], answering(STOCK + line + "\n")) == ()


def test_members_of_a_list_are_observed_once() -> None:
    assert CATALOGUE["sshd-access"].observe(answering(HARDENED)) == {"allowgroups": ["sudo"]}


@pytest.mark.parametrize(
    ("option", "value", "is_acceptable"),
    [
        ("clientaliveinterval", 300, True),
        ("clientaliveinterval", 0, False),
        ("logingracetime", 30, True),
        ("logingracetime", 0, False),
        ("maxauthtries", 3, True),
        ("maxauthtries", 0, False),
        ("maxauthtries", 5, False),
        ("maxstartups", "5:30:60", True),
        ("maxstartups", "10:30:100", False),
        ("loglevel", "INFO", True),
        ("loglevel", "DEBUG", False),
        ("macs", ["hmac-sha2-512", "hmac-sha1"], True),
        ("macs", ["hmac-md5"], False),
        ("kexalgorithms", ["mlkem768x25519-sha256"], True),
        ("ciphers", [], False),
        ("banner", "/etc/ssh/banner", True),
        ("banner", "none", False),
        ("permitrootlogin", "prohibit-password", False),
    ],
)
def test_what_a_site_may_choose(option: str, value: object, is_acceptable: bool) -> None:
    parameter = CATALOGUE[f"sshd-{option}"].parameters[0]
    assert parameter.judge(parameter.value("sshd", VALUES)).accepts(value) is is_acceptable


def test_a_site_may_choose_its_groups_but_not_none() -> None:
    judge = CATALOGUE["sshd-access"].parameters[0].judge(["sudo"])
    assert judge.accepts(["wheel", "ops"])
    assert not judge.accepts([])


def files(pattern: str, listing: str) -> RecordedHost:
    return RecordedHost(
        {f'for path in {pattern}; do [ ! -f "$path" ] || stat -L -c "%a %U %G %n" "$path"; done': (0, listing, "")}
    )


@pytest.mark.parametrize(
    ("attributes", "is_acceptable"),
    [
        ("600 root root", True),
        ("400 root root", True),
        ("640 root _ssh", True),
        ("640 root ssh_keys", True),
        ("640 root root", False),
        ("600 nobody root", False),
        ("644 root _ssh", False),
    ],
)
def test_private_keys(attributes: str, is_acceptable: bool) -> None:
    host = files("/etc/ssh/ssh_host_*_key", f"{attributes} /etc/ssh/ssh_host_rsa_key\n")
    assert (complaints(CATALOGUE["sshd-private-host-keys"], host) == ()) is is_acceptable


@pytest.mark.parametrize(("mode", "is_acceptable"), [("644", True), ("444", True), ("666", False)])
def test_public_keys(mode: str, is_acceptable: bool) -> None:
    host = files("/etc/ssh/ssh_host_*_key.pub", f"{mode} root root /etc/ssh/ssh_host_rsa_key.pub\n")
    assert (complaints(CATALOGUE["sshd-public-host-keys"], host) == ()) is is_acceptable


def test_the_configuration_with_its_drop_ins() -> None:
    main = files("/etc/ssh/sshd_config", "600 root root /etc/ssh/sshd_config\n")
    drop_ins = files("/etc/ssh/sshd_config.d/*.conf", "644 root root /etc/ssh/sshd_config.d/50-cloud.conf\n")
    said = complaints(CATALOGUE["sshd-configuration-access"], RecordedHost({**main.answers, **drop_ins.answers}))
    assert said == ("/etc/ssh/sshd_config.d/*.conf /etc/ssh/sshd_config.d/50-cloud.conf mode is 0644",)


def facts(operator: str, *groups: str) -> Facts:
    platform = Platform(family="debian", release="12")
    return Facts(
        platform=platform,
        kernel="6.1",
        machine_id="0",
        operator=operator,
        operator_groups=groups,
        is_root=True,
        has_python=True,
    )


@pytest.mark.parametrize(
    ("groups", "operator", "is_held_back"),
    [
        (["sudo"], facts("admin", "admin", "sudo"), False),
        (["ops", "su*"], facts("admin", "sudo"), False),
        (["sudo"], facts("ansible", "ansible"), True),
        (["sudo"], facts("root", "root"), True),
        ([], facts("admin", "sudo"), True),
        ("sudo", facts("admin", "s", "u", "d", "o"), True),
    ],
)
def test_access_is_held_back_where_it_would_lock_the_operator_out(
    groups: object, operator: Facts, is_held_back: bool
) -> None:
    control = CATALOGUE["sshd-access"]
    assert control.disruption is Disruption.LOCKOUT
    (hazard,) = control.hazards
    held = hazard(RecordedHost({}), operator, {"sshd_access": {"allowgroups": groups}})
    assert (held is not None) is is_held_back
    assert held is None or "sshd_access.allowgroups" in held.go_on


def test_root_stays_for_an_operator_who_is_root() -> None:
    control = CATALOGUE["sshd-permitrootlogin"]
    assert control.disruption is Disruption.LOCKOUT
    (hazard,) = control.hazards
    assert hazard(RecordedHost({}), facts("root", "root"), VALUES)
    assert hazard(RecordedHost({}), facts("admin", "sudo"), VALUES) is None


def test_one_option_is_one_item_of_the_drop_in() -> None:
    items = [(item.name, *item.path) for control in CATALOGUE.values() for item in control.parameters]
    assert len(items) == len(set(items))
    wanted = {*VALUES["sshd_options"], *VALUES["sshd_access"], *VALUES["sshd_file_modes"]}
    assert {item[1] for item in items} == wanted
