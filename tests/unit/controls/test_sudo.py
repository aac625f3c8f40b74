"""What the controls of sudo and su see and say, from policies as cvtsudoers writes them."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as some

from hardener.catalogue.control import CouldNotLook, NotApplicable
from hardener.catalogue.discovery import catalogue_of, discover
from hardener.content import roles_directory
from hardener.controls import sudo
from hardener.controls.accounts import shared
from hardener.controls.sudo import policy, su
from tests.unit.controls.recorded import RecordedHost

VALUES = yaml.safe_load((roles_directory() / "sudo" / "defaults" / "main.yml").read_text())
CATALOGUE = catalogue_of([("sudo", sudo.CONTROLS)])
CATALOGUE_OF_ALL = discover()
PACKAGES = "dpkg-query --show --showformat='${Package} ${db:Status-Status}\\n'"
PAM = "cat /etc/pam.d/su"
ROOT_OK = "auth\tsufficient pam_rootok.so\n"
WHEEL = "auth       required   pam_wheel.so use_uid group=sugroup\n"


def defaults(*options: dict[str, Any], bound: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"Options": list(options), **({"Binding": bound} if bound else {})}


def specification(users: list[dict[str, Any]], *commands: str, **options: bool) -> dict[str, Any]:
    chosen = {"Options": [{name: value} for name, value in options.items()]} if options else {}
    listed = [{"command": item} for item in commands]
    return {
        "User_List": users,
        "Host_List": [{"hostname": "ALL"}],
        "Cmnd_Specs": [{"runasusers": [{"username": "ALL"}], "Commands": listed, **chosen}],
    }


def sudoers(*entries: dict[str, Any], users: tuple[dict[str, Any], ...] = ()) -> RecordedHost:
    text = json.dumps({"Defaults": list(entries), "User_Specs": list(users)})
    return RecordedHost({policy.SUDOERS: (0, text, "")})


def complaints(name: str, host: RecordedHost, values: Any = VALUES) -> list[str]:
    control = CATALOGUE[f"sudo-{name}"]
    expectation = control.expectation(values)
    assert expectation is not None
    return list(expectation.complaints(control.observe(host)))


ANN = [{"username": "ann"}]


@pytest.mark.parametrize(
    ("name", "entries", "said"),
    [
        ("pty", [], ["everybody is unset"]),
        ("pty", [defaults({"env_reset": True}, {"use_pty": True})], []),
        ("pty", [defaults({"use_pty": True}), defaults({"use_pty": False})], ["everybody is no"]),
        ("pty", [defaults({"use_pty": True}), defaults({"use_pty": False}, bound=ANN)], ["ann is no"]),
        ("log", [], ["everybody is unset"]),
        ("log", [defaults({"logfile": "/var/log/sudo.log"})], []),
        ("log", [defaults({"logfile": "/x"}), defaults({"logfile": False})], ["everybody is no"]),
        ("authentication", [], []),
        ("authentication", [defaults({"authenticate": False})], ["everybody is no"]),
        ("authentication", [defaults({"authenticate": False}), defaults({"authenticate": True})], []),
        (
            "authentication",
            [defaults({"authenticate": False}, bound=[{"usergroup": "ops"}, {"userid": 1000}])],
            ["%ops, #1000 is no"],
        ),
        ("remembers", [], []),
        ("remembers", [defaults({"timestamp_timeout": "15"})], []),
        ("remembers", [defaults({"timestamp_timeout": "2.5"})], []),
        ("remembers", [defaults({"timestamp_timeout": False})], []),
        ("remembers", [defaults({"timestamp_timeout": "15.5"})], ["everybody is 15.5"]),
        ("remembers", [defaults({"timestamp_timeout": "-1"})], ["everybody is -1"]),
        ("remembers", [defaults({"timestamp_timeout": "60"}, bound=ANN)], ["ann is 60"]),
    ],
)
def test_the_last_default_counts_for_each(name: str, entries: list[dict[str, Any]], said: list[str]) -> None:
    assert complaints(name, sudoers(*entries)) == said


def test_who_needs_no_password_is_named_with_the_commands() -> None:
    host = sudoers(
        users=(
            specification([{"username": "root"}], "ALL", authenticate=False),
            specification([{"usergroup": "sudo"}], "ALL", setenv=True),
            specification([{"username": "admin"}, {"netgroup": "ops"}], "/bin/a", "/bin/b", authenticate=False),
            specification([{"username": "admin"}], "/bin/a", authenticate=False),
            specification([{"username": "plain"}], "ALL", authenticate=True),
        )
    )
    assert complaints("passwordless", host) == [
        "lets admin run /bin/a, /bin/b without a password",
        "lets +ops run /bin/a, /bin/b without a password",
    ]
    named = {**VALUES, "sudo_passwordless": {"allowed": ["admin"]}}
    assert complaints("passwordless", host, named) == ["lets +ops run /bin/a, /bin/b without a password"]


@pytest.mark.parametrize(
    ("names", "is_accepted"),
    [
        (["ansible"], True),
        (["%automation", "svc-x$"], True),
        ([], True),
        (["ALL"], False),
        (["!eve"], False),
        ([1], False),
    ],
)
def test_a_site_names_accounts_and_never_all(names: list[Any], is_accepted: bool) -> None:
    (parameter,) = CATALOGUE["sudo-passwordless"].parameters
    assert parameter.judge([]).accepts(names) == is_accepted


@pytest.mark.parametrize(
    "answer", [(1, "", "cvtsudoers: unable to open /etc/sudoers"), (0, "", ""), (0, "{}", ""), (0, "[]", "")]
)
def test_a_policy_that_cannot_be_read_is_no_pass(answer: tuple[int, str, str]) -> None:
    for name in ("passwordless", "authentication", "remembers"):
        with pytest.raises(CouldNotLook):
            complaints(name, RecordedHost({policy.SUDOERS: answer}))


MISSING = (127, "", "sh: 1: cvtsudoers: not found")
WITHOUT = RecordedHost({policy.SUDOERS: MISSING, PACKAGES: (0, "sudo config-files\n", "")})


def test_a_host_without_sudo_is_told_apart_from_one_whose_tool_is_missing() -> None:
    for name in ("passwordless", "authentication", "remembers"):
        with pytest.raises(NotApplicable):
            complaints(name, WITHOUT)
    for name in ("pty", "log", "passwordless"):
        with pytest.raises(CouldNotLook):
            complaints(name, RecordedHost({policy.SUDOERS: MISSING, PACKAGES: (0, "sudo installed\n", "")}))


@pytest.mark.parametrize("name", ["pty", "log"])
def test_what_has_to_be_set_once_there_is_a_sudo_is_set_by_the_apply_that_installs_it(name: str) -> None:
    assert complaints(name, WITHOUT) == ["everybody is unset"]
    assert CATALOGUE_OF_ALL["packages-sudo"].is_needed_by(f"sudo-{name}")


def pam(text: str, groups: str = "sugroup:990:\nadmin:1000:\n") -> RecordedHost:
    passwd = "root:shadowed:0:0::/root:/bin/sh\nann:shadowed:1001:990::/home/ann:/bin/sh\n"
    if "ann" not in groups:
        passwd = passwd.replace(":990:", ":1001:")
    answers = {PAM: text, shared.GROUP: groups.replace("ann", ""), shared.PASSWD: passwd}
    return RecordedHost({question: (0, answer, "") for question, answer in answers.items()})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ROOT_OK + WHEEL + "@include common-auth\n", []),
        (ROOT_OK + WHEEL.replace("required", "REQUISITE"), []),
        (ROOT_OK + "auth required \\\n  /lib/security/pam_wheel.so use_uid group=sugroup # comment\n", []),
        (ROOT_OK + "# " + WHEEL + "@include common-auth\n", ["everybody may try su"]),
        (ROOT_OK + WHEEL.replace("use_uid", "use_uid deny"), ["everybody may try su"]),
        (ROOT_OK + WHEEL.replace("use_uid", "use_uid root_only"), ["everybody may try su"]),
        (ROOT_OK + WHEEL.replace("required", "sufficient"), ["everybody may try su"]),
        (ROOT_OK + WHEEL.replace("auth", "account"), ["everybody may try su"]),
        (ROOT_OK + WHEEL.replace("use_uid ", ""), ["asks the real user is no"]),
        (ROOT_OK + WHEEL.replace("sugroup", "gone"), ["group exists is no"]),
        (ROOT_OK + "auth required pam_wheel.so use_uid\n", ["group exists is no"]),
        (ROOT_OK + "@include common-auth\n" + WHEEL, ["ways around it has include common-auth"]),
        (ROOT_OK + "auth [success=done] pam_x.so\n" + WHEEL, ["ways around it has [success=done] pam_x.so"]),
        (ROOT_OK + "auth required pam_env.so\n" + WHEEL, []),
    ],
)
def test_su_is_limited_in_a_way_that_holds(text: str, said: list[str]) -> None:
    assert complaints("su", pam(text)) == said


def test_members_by_any_way_are_members() -> None:
    assert complaints("su", pam(ROOT_OK + WHEEL, "sugroup:990:admin\n")) == ["members has admin"]
    assert complaints("su", pam(ROOT_OK + WHEEL, "sugroup:990:\nann:1:\n")) == ["members has ann"]


@given(some.text())
def test_any_text_is_a_pam_service_or_none(text: str) -> None:
    for line in su._auth_lines(text):
        assert line.control
        assert line.module in text


JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(),
    lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
)


@given(JSON)
def test_a_policy_of_any_shape_is_a_mapping_or_an_error(document: Any) -> None:
    try:
        assert policy._parsed(json.dumps(document)) == document
    except CouldNotLook:
        assert not isinstance(document, dict) or not document


@given(some.floats(allow_nan=False, allow_infinity=False, min_value=-100, max_value=100))
def test_minutes(minutes: float) -> None:
    text = f"{minutes:.3f}"
    assert policy._minutes(15).accepts(text) == (not text.startswith("-") and float(text) <= 15)
