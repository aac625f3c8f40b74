"""Which modules every login and every change of a password goes through, and with which arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pydantic import JsonValue

from hardener.catalogue.control import Control, Host, Parameter, Violation
from hardener.catalogue.expectations import (
    at_least,
    equals,
    every,
    fields,
    nothing,
    satisfying,
    something,
)
from hardener.controls.pam import probes
from hardener.model import Disruption, Facts, HeldBack, Severity, Values, few

STACKS = ("auth", "account", "password", "session")
UNIX = [Parameter("unix", (name,), equals) for name in ("nullok", "remember", "yescrypt", "use_authtok")]
"""All of them for every control about pam_unix: its profile is written whole."""


PWHISTORY = [
    Parameter("pwhistory", ("remember",), at_least),
    *(Parameter("pwhistory", (name,), equals) for name in ("enforce_for_root", "use_authtok")),
]


def _profiles(*names: str) -> Sequence[Parameter]:
    return [Parameter("profiles", (name,), equals) for name in names]


def _modules_of(module: str) -> Callable[[Host], JsonValue]:
    def observe(host: Host) -> JsonValue:
        return {stack: [line.shown for line in probes.lines_of(host, stack, module)] for stack in STACKS}

    return observe


def _faillock(host: Host) -> JsonValue:
    """Which of the three lines are there: before a login, after a failure, and for the account."""
    auth = probes.lines_of(host, "auth", "pam_faillock.so")
    return {
        "before the password is asked": [line.shown for line in auth if line.value("preauth") is not None],
        "after a wrong password": [line.shown for line in auth if line.value("authfail") is not None],
        "for the account": [line.shown for line in probes.lines_of(host, "account", "pam_faillock.so")],
    }


def _argument(module: str, argument: str) -> Callable[[Host], JsonValue]:
    """The value of an argument in the password stack; ``None`` where the module or the argument is missing."""

    def observe(host: Host) -> JsonValue:
        lines = probes.lines_of(host, "password", module)
        return lines[0].value(argument) if lines else None

    return observe


def _lines_with(argument: str) -> Callable[[Host], JsonValue]:
    """The lines of pam_unix that have an argument they should not have."""

    def observe(host: Host) -> JsonValue:
        lines = [line for stack in STACKS for line in probes.lines_of(host, stack, "pam_unix.so")]
        return [line.shown for line in lines if line.value(argument) is not None]

    return observe


def _hash(host: Host) -> JsonValue:
    """The arguments of pam_unix in the password stack, one of which names the algorithm."""
    lines = probes.lines_of(host, "password", "pam_unix.so")
    return [*lines[0].arguments] if lines else []


def _strong(arguments: Sequence[str]) -> bool:
    return not {"yescrypt", "sha512"}.isdisjoint(arguments)


def _changed_by_hand(host: Host, _: Facts, __: Values) -> HeldBack | None:
    files = probes.changed_by_hand(host)
    if not files:
        return None
    return HeldBack(
        reason=f"{few(files)} {'was' if len(files) == 1 else 'were'} changed by hand, and pam-auth-update leaves such "
        "files alone",
        go_on="make the change a profile of pam-auth-update, and have it write them anew (pam-auth-update --force)",
    )


def _stack(subject: str, **declared: Any) -> Control:
    """What all share: the remedy and what it can do."""
    words: dict[str, Any] = {
        "severity": Severity.MEDIUM,
        "disruption": Disruption.LOCKOUT,
        "remedy": "Has pam-auth-update write the stacks from a profile; a stack changed by hand is left alone.",
        "hazards": [_changed_by_hand],
    }
    return Control(subject=subject, **{**words, **declared})


CONTROLS = [
    _stack(
        "unix-in-every-stack",
        title="Local accounts are checked in every login stack",
        why="A stack without the module that knows local accounts lets in whoever another module does not refuse.",
        observe=_modules_of("pam_unix.so"),
        expect=lambda _: every(something(), "pam_unix is in all four stacks"),
        parameters=UNIX,
        violation=probes.broken_profile("hardener-unix", r"/required[[:blank:]]*pam_unix.so/d"),
    ),
    _stack(
        "faillock",
        title="Failed logins are counted, and locked accounts refused",
        why="Without a counter passwords are guessed as fast as the host can answer.",
        observe=_faillock,
        expect=lambda _: every(something(), "pam_faillock before and after the password, and for the account"),
        parameters=_profiles("hardener-faillock", "hardener-faillock-notify"),
        violation=Violation([f"{probes.UPDATE} --disable hardener-faillock hardener-faillock-notify"]),
    ),
    _stack(
        "pwquality",
        title="New passwords are judged before they are taken",
        why="People choose what they can remember, which is what others can guess.",
        observe=_argument("pam_pwquality.so", "retry"),
        expect=lambda _: satisfying("in the password stack, with retry", lambda value: value not in {None, ""}),
        parameters=_profiles("pwquality"),
        violation=Violation([f"{probes.UPDATE} --disable pwquality"]),
    ),
    _stack(
        "pwhistory",
        title="New passwords are compared with old ones",
        why="A password that leaked last year is tried again this year.",
        observe=_modules_of("pam_pwhistory.so"),
        expect=lambda _: fields({"password": something()}),
        parameters=PWHISTORY,
        violation=Violation([f"{probes.UPDATE} --disable hardener-pwhistory"]),
    ),
    _stack(
        "pwhistory-remember",
        title="The last 24 passwords cannot be taken again",
        why="A short memory lets people go round in circles back to the password they like.",
        observe=_argument("pam_pwhistory.so", "remember"),
        expect=lambda values: at_least(values[0]),
        parameters=PWHISTORY,
        violation=probes.broken_profile("hardener-pwhistory", "s/remember=[0-9]*/remember=2/"),
    ),
    _stack(
        "pwhistory-root",
        title="Old passwords are refused to root too",
        why="The most powerful account would otherwise be the one with the oldest password.",
        observe=_argument("pam_pwhistory.so", "enforce_for_root"),
        expect=lambda _: probes.in_words("enforce_for_root is set"),
        parameters=PWHISTORY,
        violation=probes.broken_profile("hardener-pwhistory", "s/ enforce_for_root//"),
    ),
    _stack(
        "pwhistory-token",
        title="The history judges the password that was judged before",
        why="Asking a second time would let another password through than the one whose quality was judged.",
        observe=_argument("pam_pwhistory.so", "use_authtok"),
        expect=lambda _: probes.in_words("use_authtok is set"),
        parameters=PWHISTORY,
        violation=probes.broken_profile("hardener-pwhistory", "s/ use_authtok//"),
    ),
    _stack(
        "unix-empty-passwords",
        severity=Severity.HIGH,
        title="Empty passwords are refused",
        why="An account without a password is open to everybody who knows its name.",
        observe=_lines_with("nullok"),
        expect=lambda _: nothing(),
        parameters=UNIX,
        violation=probes.broken_profile("hardener-unix", "s/pam_unix.so/pam_unix.so nullok/"),
    ),
    _stack(
        "unix-history",
        severity=Severity.LOW,
        title="The history of passwords is kept in one place",
        why="pam_unix keeps its own history in old hashes; two histories disagree.",
        observe=_lines_with("remember"),
        expect=lambda _: nothing(),
        parameters=UNIX,
        violation=probes.broken_profile("hardener-unix", "s/obscure/obscure remember=5/"),
    ),
    _stack(
        "unix-hash",
        severity=Severity.HIGH,
        title="New passwords are stored as strong hashes",
        why="A stolen file of weak hashes is a file of passwords.",
        observe=_hash,
        expect=lambda _: satisfying("yescrypt or sha512", _strong),
        parameters=UNIX,
        violation=probes.broken_profile("hardener-unix", "s/yescrypt/md5/"),
    ),
    _stack(
        "unix-token",
        title="The password that is stored is the one that was judged",
        why="Asking a second time would store another password than the one whose quality was judged.",
        observe=_argument("pam_unix.so", "use_authtok"),
        expect=lambda _: probes.in_words("use_authtok is set"),
        parameters=UNIX,
        violation=probes.broken_profile("hardener-unix", "s/use_authtok//"),
    ),
]
