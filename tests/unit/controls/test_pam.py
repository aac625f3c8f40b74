"""What the controls of PAM see in the stacks and the settings of their modules."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hardener.catalogue.discovery import catalogue_of
from hardener.content import roles_directory
from hardener.controls import pam
from hardener.controls.pam import probes
from hardener.inventory import role_defaults
from tests.unit.controls.recorded import RecordedHost

CATALOGUE = catalogue_of([("pam", pam.CONTROLS)])
VALUES = role_defaults(roles_directory())
STACKS = """\
common-account:account	required	pam_faillock.so
common-account:account	[success=1 new_authtok_reqd=done default=ignore]	pam_unix.so
common-account:account	requisite			pam_deny.so
common-auth:# here are the per-package modules (the "Primary" block)
common-auth:auth	requisite	pam_faillock.so preauth
common-auth:auth	[success=2 default=ignore]	pam_unix.so try_first_pass
common-auth:auth	[default=die]	pam_faillock.so authfail
common-auth:auth	requisite			pam_deny.so
common-password:password	requisite	pam_pwquality.so retry=3
common-password:password	requisite	pam_pwhistory.so remember=24 enforce_for_root use_authtok try_first_pass
common-password:password	[success=1 default=ignore]	pam_unix.so obscure try_first_pass yescrypt use_authtok
common-session:session	required	pam_unix.so
common-session:-session	optional	pam_systemd.so
"""
FAILLOCK = "# deny = 3\ndeny = 5\nunlock_time=900\neven_deny_root\nroot_unlock_time = 60\n"
PWQUALITY = """\
minlen = 8
difok = 2
minlen = 14
maxrepeat = 3
maxsequence = 3
dictcheck = 1
enforcing = 1
enforce_for_root
"""


def files(name: str) -> str:
    paths = f"/etc/security/{name}.conf.d/*.conf /etc/security/{name}.conf"
    return f'for file in {paths}; do [ ! -e "$file" ] || cat "$file"; done'


def host(stacks: str = STACKS, faillock: str = FAILLOCK, pwquality: str = PWQUALITY) -> RecordedHost:
    listing = "cd /etc/pam.d && grep -H '' common-auth common-account common-password common-session"
    return RecordedHost(
        {listing: (0, stacks, ""), files("faillock"): (0, faillock, ""), files("pwquality"): (0, pwquality, "")}
    )


def complaints(name: str, on: RecordedHost) -> Any:
    control = CATALOGUE[name]
    expectation = control.expectation(VALUES)
    assert expectation is not None
    return list(expectation.complaints(control.observe(on)))


@pytest.mark.parametrize("name", [name for name, control in CATALOGUE.items() if not control.is_manual])
def test_a_hardened_host_has_nothing_to_complain_about(name: str) -> None:
    assert complaints(name, host()) == []


@pytest.mark.parametrize(
    ("name", "text", "other"),
    [
        ("pam-unix-in-every-stack", "common-session:session	required	pam_unix.so\n", ""),
        ("pam-faillock", "pam_faillock.so preauth", "pam_faillock.so"),
        ("pam-faillock", "common-account:account	required	pam_faillock.so\n", ""),
        ("pam-pwquality", "pam_pwquality.so retry=3", "pam_cracklib.so retry=3"),
        ("pam-pwhistory", "pam_pwhistory.so", "pam_history.so"),
        ("pam-pwhistory-remember", "remember=24", "remember=5"),
        ("pam-pwhistory-remember", "remember=24 ", ""),
        ("pam-pwhistory-root", "enforce_for_root use_authtok", "use_authtok"),
        ("pam-pwhistory-token", "enforce_for_root use_authtok", "enforce_for_root"),
        ("pam-unix-empty-passwords", "pam_unix.so try_first_pass", "pam_unix.so nullok try_first_pass"),
        ("pam-unix-history", "pam_unix.so obscure", "pam_unix.so obscure remember=5"),
        ("pam-unix-hash", "yescrypt", "md5"),
        ("pam-unix-token", "yescrypt use_authtok", "yescrypt"),
        ("pam-faillock-deny", "pam_faillock.so authfail", "pam_faillock.so authfail deny=9"),
    ],
)
def test_one_word_of_a_stack_makes_the_difference(name: str, text: str, other: str) -> None:
    assert text in STACKS
    assert complaints(name, host(stacks=STACKS.replace(text, other)))


@pytest.mark.parametrize(
    ("name", "faillock", "said"),
    [
        ("pam-faillock-deny", "deny = 50\n", ["is 50"]),
        ("pam-faillock-deny", "", ["is unset"]),
        ("pam-faillock-unlock-time", "unlock_time = 0\n", []),
        ("pam-faillock-unlock-time", "unlock_time = 60\n", ["is 60"]),
        ("pam-faillock-root", "even_deny_root\n", []),
        ("pam-faillock-root", "root_unlock_time = 59\n", ["root_unlock_time is 59"]),
        ("pam-faillock-root", "deny = 5\n", ["root is never locked"]),
    ],
)
def test_when_an_account_is_locked(name: str, faillock: str, said: list[str]) -> None:
    assert complaints(name, host(faillock=faillock)) == said


@pytest.mark.parametrize(
    ("name", "pwquality", "said"),
    [
        ("pam-quality-minlen", "minlen = 20\n", []),
        ("pam-quality-minlen", "minlen = 14\nminlen = 8\n", ["is 8"]),
        ("pam-quality-maxrepeat", "maxrepeat = 0\n", ["is 0"]),
        ("pam-quality-dictcheck", "dictcheck = 0\n", ["is 0"]),
        ("pam-quality-enforce-for-root", "", ["is unset"]),
    ],
)
def test_what_passwords_have_to_be(name: str, pwquality: str, said: list[str]) -> None:
    assert complaints(name, host(pwquality=pwquality)) == said


WORD = some.text("abcdefghijklmnopqrstuvwxyz_=0123456789", min_size=1)


@given(
    kind=some.sampled_from(["auth", "account", "password", "session"]),
    control=some.sampled_from(["required", "[success=1 default=ignore]", "sufficient"]),
    module=some.from_regex(r"pam_[a-z]{1,9}\.so", fullmatch=True),
    arguments=some.lists(WORD, max_size=4),
    blank=some.sampled_from([" ", "\t", " \t "]),
)
def test_a_line_is_read_whatever_its_blanks(
    kind: str, control: str, module: str, arguments: list[str], blank: str
) -> None:
    text = f"common-{kind}:{blank.join([kind, control, module, *arguments])}\n"
    (line,) = probes.read_lines(text)
    assert (line.type, line.control, line.module, list(line.arguments)) == (kind, control, module, arguments)
