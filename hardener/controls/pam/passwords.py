"""When accounts are locked, and what new passwords have to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, Host, Parameter
from hardener.catalogue.expectations import (
    Expectation,
    any_of,
    at_least,
    between,
    equals,
    present_fields,
    satisfying,
)
from hardener.catalogue.kinds import Judge, review
from hardener.controls.pam import probes
from hardener.model import Disruption, Severity

COMPLEXITY = ("minclass", "dcredit", "ucredit", "lcredit", "ocredit", "minlen")


def _up_to(limit: object) -> Expectation:
    return between(1, limit)


def _for_good_or_at_least(seconds: object) -> Expectation:
    """0 keeps an account locked until somebody opens it."""
    least = equals(0) if seconds == 0 else at_least(seconds)
    return any_of(least, equals(0))


def _not_off(_: object) -> Expectation:
    return satisfying("not 0", lambda value: value is not None and str(value) != "0")


def _word(_: object) -> Expectation:
    return probes.in_words("set")


def _setting(file: str, stack: str, key: str, judge: Judge, broken: str, **declared: Any) -> Control:
    """A key that ``pam_<file>`` reads from its file. Values: ``pam_<file>`` by key."""

    def observe(host: Host) -> JsonValue:
        value = probes.settings(host, file, stack).get(key)
        return None if value is None else seen.number_or_text(value)

    return Control(
        observe=observe,
        expect=lambda values: judge(values[0]),
        parameters=[Parameter(file, (key,), judge)],
        remedy=f"Sets it in {file}.conf, whose lines win over those of its drop-ins.",
        severity=Severity.MEDIUM,
        violation=probes.broken_setting(f"{file}.conf", broken),
        **declared,
    )


def _lockout(key: str, *, judge: Judge, broken: str, **words: str) -> Control:
    """When pam_faillock locks an account, that of an administrator too."""
    return _setting(
        "faillock",
        "auth",
        key,
        judge,
        broken,
        subject=f"faillock-{key.replace('_', '-')}",
        disruption=Disruption.LOCKOUT,
        **words,
    )


def _quality(key: str, *, judge: Judge, broken: str, **words: str) -> Control:
    """What pam_pwquality asks of a password."""
    subject = f"quality-{key.replace('_', '-')}"
    return _setting("pwquality", "password", key, judge, broken, subject=subject, **words)


def _root_lockout(host: Host) -> JsonValue:
    found = probes.settings(host, "faillock", "auth")
    return {key: found[key] for key in ("even_deny_root", "root_unlock_time") if key in found}


def _root_is_locked(values: Sequence[Any]) -> Expectation:
    both = present_fields({"even_deny_root": probes.in_words("set"), "root_unlock_time": at_least(values[1])})

    def complaints(observed: Mapping[str, Any]) -> Sequence[str]:
        return both.complaints(observed) if observed else ("root is never locked",)

    return Expectation(f"root is locked too, for {values[1]} seconds or more", complaints)


def _complexity(host: Host) -> JsonValue:
    found: Mapping[str, str] = probes.settings(host, "pwquality", "password")
    return {key: found.get(key) for key in COMPLEXITY}


CONTROLS = [
    _lockout(
        "deny",
        judge=_up_to,
        broken="deny = 50",
        title="An account is locked after five failed logins at most",
        why="Every further try is a guess; five are enough for honest mistakes.",
    ),
    _lockout(
        "unlock_time",
        judge=_for_good_or_at_least,
        broken="unlock_time = 60",
        title="A locked account stays locked for a quarter of an hour",
        why="A lock that opens within a minute still allows thousands of guesses a day.",
    ),
    Control(
        subject="faillock-root",
        title="root is locked after failed logins too",
        why="root is the one account every attacker knows the name of. Its lock opens by itself, so that nobody can "
        "keep the administrators out for long.",
        severity=Severity.MEDIUM,
        observe=_root_lockout,
        expect=_root_is_locked,
        disruption=Disruption.LOCKOUT,
        parameters=[
            Parameter("faillock", ("even_deny_root",), _word),
            Parameter("faillock", ("root_unlock_time",), lambda _: at_least(60)),
        ],
        remedy="Sets both in faillock.conf.",
        violation=probes.broken_setting("faillock.conf", "even_deny_root", "root_unlock_time"),
    ),
    _quality(
        "difok",
        judge=at_least,
        broken="difok = 1",
        title="A new password differs from the old one",
        why="Whoever knows the old password guesses one that differs in its last digit.",
    ),
    _quality(
        "minlen",
        judge=at_least,
        broken="minlen = 6",
        title="A password has 14 characters or more",
        why="Length is what makes guessing expensive.",
    ),
    review(
        "quality-complexity",
        _complexity,
        title="The mixture of characters in passwords is what the site wants",
        why="Some sites must ask for classes of characters; longer passwords do more for safety.",
        severity=Severity.MEDIUM,
    ),
    _quality(
        "maxrepeat",
        judge=_up_to,
        broken="maxrepeat = 0",
        title="At most three equal characters follow each other",
        why="Rows of one character make a password long and leave it easy to guess.",
    ),
    _quality(
        "maxsequence",
        judge=_up_to,
        broken="maxsequence = 0",
        title="At most three characters follow each other in sequence",
        why="Runs like 12345 and abcde are among the first guesses.",
    ),
    _quality(
        "dictcheck",
        judge=_not_off,
        broken="dictcheck = 0",
        title="Passwords are looked up in a dictionary",
        why="Words and their common spellings are what guessing programs start with.",
    ),
    _quality(
        "enforcing",
        judge=_not_off,
        broken="enforcing = 0",
        title="Bad passwords are refused, not only warned about",
        why="A warning is read once.",
    ),
    _quality(
        "enforce_for_root",
        judge=_word,
        broken="enforce_for_root",
        title="Bad passwords are refused to root too",
        why="root sets passwords for others as well as for itself.",
    ),
]
