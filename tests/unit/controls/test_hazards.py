"""What holds a remedy back on a host: whatever is in charge there, who gets in, and what cannot be done."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardener.catalogue.control import Control
from hardener.catalogue.discovery import discover
from hardener.catalogue.hazards import OUR_PACKAGES
from hardener.catalogue.observations import active_units_question
from hardener.content import roles_directory
from hardener.controls.pam import probes
from hardener.documents import merged
from hardener.inventory import role_defaults
from hardener.model import HeldBack
from tests.unit.builders import FACTS
from tests.unit.controls.recorded import RecordedHost

CATALOGUE = discover()
VALUES = role_defaults(roles_directory())
PACKAGES = "dpkg-query --show --showformat='${Package} ${db:Status-Status}\\n'"
SELINUX = "[ ! -e /sys/fs/selinux/enforce ] || cat /sys/fs/selinux/enforce"
RSYSLOG = "rsyslogd -N1 -o /dev/stdout 2>/dev/null"

Answers = Mapping[str, tuple[int, str, str]]


def held(control: Control, answers: Answers, **values: Mapping[str, str]) -> HeldBack | None:
    """What holds a control back on a host with these answers, where a site sets these values."""
    host = RecordedHost(answers)
    found = (hazard(host, FACTS, merged(VALUES, values)) for hazard in control.hazards)
    return next(filter(None, found), None)


def running(*units: str) -> Answers:
    """What a host answers on which these units run."""
    return {active_units_question(): (0, "".join(f"{unit} active\n" for unit in units), "")}


def installed(*packages: str) -> Answers:
    """What a host answers on which these packages are installed."""
    return {PACKAGES: (0, "".join(f"{name} installed\n" for name in packages), "")}


UFW = """\
Status: active

To                         Action      From
--                         ------      ----
22/tcp                     ALLOW       Anywhere
443/tcp                    ALLOW       10.0.0.0/8
22/tcp (v6)                ALLOW       Anywhere (v6)
"""
FIREWALLD = "public (active)\n  target: default\n  services: dhcpv6-client ssh\n  ports: \n  rich rules: \n"


@pytest.mark.parametrize("name", ["input-policy", "table", "single-engine", "ufw", "at-boot"])
def test_a_firewall_at_work_is_kept_and_what_would_be_lost_is_named(name: str) -> None:
    control = CATALOGUE[f"firewall-{name}"]
    answers = {**running(), **installed("ufw"), "ufw status": (0, UFW, "")}
    found = held(control, answers)
    assert found is not None
    assert found.reason == (
        "ufw is in charge of the packet filter, and 3 rules of its own (22/tcp ALLOW Anywhere; "
        "443/tcp ALLOW 10.0.0.0/8; 22/tcp (v6) ALLOW Anywhere (v6)) would be lost"
    )
    assert found.go_on.endswith("set firewall_others.ufw to replaced")
    assert held(control, answers, firewall_others={"ufw": "replaced"}) is None


def test_a_firewall_that_is_only_installed_holds_nothing_back() -> None:
    answers = {**running(), **installed("ufw"), "ufw status": (0, "Status: inactive\n", "")}
    assert held(CATALOGUE["firewall-table"], answers) is None
    assert held(CATALOGUE["firewall-table"], {**running(), **installed()}) is None


@pytest.mark.parametrize(
    ("unit", "question", "said", "named"),
    [
        ("firewalld", "firewall-cmd --list-all", FIREWALLD, "1 rule of its own (services: dhcpv6-client ssh)"),
        (
            "netfilter-persistent",
            "iptables-save && ip6tables-save",
            "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
            "1 rule of its own (-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT)",
        ),
        ("firewalld", "firewall-cmd --list-all", "", "what it decides would be lost"),
    ],
)
def test_other_firewalls_are_asked_what_they_do(unit: str, question: str, said: str, named: str) -> None:
    answers = {**running(f"{unit}.service"), **installed(), question: (0, said, "")}
    found = held(CATALOGUE["firewall-single-engine"], answers)
    assert found is not None
    assert named in found.reason


@pytest.mark.parametrize(
    "name",
    [
        "apparmor-loaded",
        "apparmor-enforced",
        "bootloader-argument-apparmor",
        "bootloader-argument-security",
        "packages-apparmor",
    ],
)
@pytest.mark.parametrize(("mode", "words"), [("1\n", "enforcing"), ("0\n", "permissive")])
def test_selinux_stays_in_charge_of_a_host_that_runs_it(name: str, mode: str, words: str) -> None:
    answers = {**installed("apparmor", "apparmor-utils"), **apt("apparmor"), SELINUX: (0, mode, "")}
    found = held(CATALOGUE[name], answers)
    assert found is not None
    assert found.reason.startswith(f"SELinux is in charge here ({words})")
    assert held(CATALOGUE[name], answers, apparmor_others={"selinux": "replaced"}) is None


def test_a_host_without_selinux_gets_apparmor() -> None:
    assert held(CATALOGUE["bootloader-argument-security"], {SELINUX: (0, "", "")}) is None


@pytest.mark.parametrize(
    ("units", "choice", "is_held_back"),
    [
        (["chrony.service"], "timesyncd", True),
        (["ntpsec.service"], "timesyncd", True),
        (["ntpsec.service"], "chrony", True),
        (["chrony.service"], "chrony", False),
        (["systemd-timesyncd.service"], "chrony", False),
        (["systemd-timesyncd.service"], "timesyncd", False),
        ([], "timesyncd", False),
    ],
)
def test_the_daemon_that_keeps_the_clock_stays_until_it_is_asked_for(
    units: Sequence[str], choice: str, is_held_back: bool
) -> None:
    control = CATALOGUE["time-one-daemon"]
    found = held(control, running(*units), time_choice={"daemon": choice})
    assert (found is not None) is is_held_back
    if found is not None:
        assert units[0] in found.reason
        replaced = dict.fromkeys(units, "replaced")
        assert held(control, running(*units), time_choice={"daemon": choice}, time_others=replaced) is None


def rsyslog(*lines: str) -> Answers:
    """A host whose rsyslogd has these lines."""
    text = "".join(f"{line}\n" for line in (*lines, "##### END   CONFIG: /etc/rsyslog.conf"))
    return {**running("rsyslog.service"), **installed("rsyslog"), RSYSLOG: (0, text, "")}


@pytest.mark.parametrize(
    ("line", "does"),
    [
        ("*.* @@siem.example.org:6514", "sends messages to other hosts"),
        ('action(type="omfwd" target="10.0.0.5" port="514")', "sends messages to other hosts"),
        ('input(type="imudp" port="514")', "takes messages of other hosts"),
        ("$InputTCPServerRun 514", "takes messages of other hosts"),
    ],
)
def test_an_rsyslog_that_others_rely_on_stays(line: str, does: str) -> None:
    control = CATALOGUE["logging-one-system"]
    found = held(control, rsyslog("*.* /var/log/syslog", line))
    assert found is not None
    assert found.reason == f"rsyslog {does} ({line}), which would stop"
    assert held(control, rsyslog(line), logging_choice={"system": "rsyslog"}) is None
    assert held(control, rsyslog(line), logging_others={"rsyslog.service": "replaced"}) is None


def test_an_rsyslog_that_only_writes_files_or_does_not_run_holds_nothing_back() -> None:
    assert held(CATALOGUE["logging-one-system"], rsyslog("*.* /var/log/syslog")) is None
    assert held(CATALOGUE["logging-one-system"], {**rsyslog("*.* @@siem"), **running()}) is None


def apt(*known: str) -> Answers:
    """What apt says it has; nothing where its lists were never read."""
    (question,) = _asked(CATALOGUE["packages-auditd"], installed())
    return {question: (0, "".join(f"{name}\n" for name in known) or "*\n", "")}


def _asked(control: Control, answers: Answers) -> Sequence[str]:
    """What a hazard asks beyond these answers."""
    host = RecordedHost(answers)
    with suppress(KeyError):
        [hazard(host, FACTS, VALUES) for hazard in control.hazards]
    return [question for question in host.asked if question not in answers]


def test_a_package_that_apt_does_not_have_is_held_back_alone() -> None:
    auditd = CATALOGUE["packages-auditd"]
    found = held(auditd, {**installed("nftables"), **apt("audispd-plugins", "aide")})
    assert found is not None
    assert found.reason == "apt has no auditd to install"
    assert held(auditd, {**installed("nftables"), **apt("auditd", "audispd-plugins")}) is None
    assert held(auditd, {**installed("auditd"), **apt("audispd-plugins")}) is None
    assert held(auditd, {**installed(), **apt()}) is None


def test_one_question_asks_for_all_packages() -> None:
    wanted = [control for control in CATALOGUE.values() if any(item.name == "present" for item in control.parameters)]
    assert {item.path[0] for control in wanted for item in control.parameters if item.name == "present"} == OUR_PACKAGES


# --- the stacks of PAM ------------------------------------------------------------------------------------------------

PAM = ("etc/pam.d", "var/lib/pam", "usr/share/pam-configs")
PROGRAM = Path("/usr/sbin/pam-auth-update")


def can_be_asked() -> bool:
    """Whether this machine's pam-auth-update looks at another directory than its own."""
    return PROGRAM.exists() and "--root" in PROGRAM.read_text(encoding="utf-8")


def pam_host(root: Path) -> RecordedHost:
    """A host with the files of a directory."""
    script = probes.MANAGED_LINES.replace("cd /", f"cd {root}/")
    told = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    return RecordedHost({probes.MANAGED_LINES: (told.returncode, told.stdout, told.stderr)})


def is_refused_by_pam_auth_update(root: Path) -> bool:
    """What the program itself says of these files."""
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "DEBCONF_DB_OVERRIDE": f"File{{{root}/debconf}}"}
    told = subprocess.run(
        ["pam-auth-update", "--root", str(root), "--package"], env=quiet, capture_output=True, text=True, check=False
    )
    return "Local modifications" in told.stderr


EDITS: Mapping[str, Any] = {
    "nothing": lambda text: text,
    "a comment before the blocks": lambda text: f"# ours\n{text}",
    "a line before the blocks": lambda text: f"auth required pam_env.so\n{text}",
    "a line after the end": lambda text: f"{text}auth optional pam_ours.so\n",
    "a line in a block": lambda text: text.replace(
        "# here's the fallback", "auth optional pam_ours.so\n# here's the fallback"
    ),
    "another control": lambda text: text.replace("[success=1 default=ignore]", "sufficient"),
    "another jump": lambda text: text.replace("success=1", "success=2"),
    "another argument": lambda text: text.replace("pam_unix.so", "pam_unix.so audit"),
    "an argument less": lambda text: text.replace(" nullok", ""),
    "a module less": lambda text: "\n".join(line for line in text.split("\n") if "pam_unix.so" not in line),
    "no block": lambda text: text.replace("# here are the per-package modules", "# modules"),
    "no end": lambda text: text.replace("# end of pam-auth-update config", ""),
    "an empty file": lambda _: "",
}


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stacks as pam-auth-update has written them here."""
    root = tmp_path_factory.mktemp("pam")
    for place in PAM:
        shutil.copytree(f"/{place}", root / place)
    if is_refused_by_pam_auth_update(root):
        pytest.skip("the stacks of this machine were changed by hand")
    return root


@pytest.mark.skipif(not can_be_asked(), reason="pam-auth-update cannot be asked about another directory here")
@settings(max_examples=15, deadline=None)
@given(edit=st.sampled_from(sorted(EDITS)), stack=st.sampled_from(probes.MANAGED))
def test_what_counts_as_changed_by_hand_is_what_pam_auth_update_says(pristine: Path, edit: str, stack: str) -> None:
    root = pristine.parent / f"{pristine.name}-edited"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(pristine, root)
    file = root / "etc" / "pam.d" / f"common-{stack}"
    file.write_text(EDITS[edit](file.read_text()))
    found = probes.changed_by_hand(pam_host(root))
    assert bool(found) is is_refused_by_pam_auth_update(root), (edit, stack)
    assert found in ([], [f"/etc/pam.d/common-{stack}"])


def test_a_stack_changed_by_hand_is_held_back_and_named(pristine: Path, tmp_path: Path) -> None:
    shutil.copytree(pristine, tmp_path / "root")
    file = tmp_path / "root" / "etc" / "pam.d" / "common-auth"
    file.write_text(EDITS["a line in a block"](file.read_text()))
    (hazard,) = CATALOGUE["pam-faillock"].hazards
    found = hazard(pam_host(tmp_path / "root"), FACTS, VALUES)
    assert found is not None
    assert found.reason == ("/etc/pam.d/common-auth was changed by hand, and pam-auth-update leaves such files alone")
