"""How passwords age: what new accounts get, which a role sets, and what existing ones have, which is for a person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Unpack

from pydantic import JsonValue

from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, CouldNotLook, Declared, Host, Parameter, Violation, command
from hardener.catalogue.expectations import Expectation, at_least, between, every, nothing, one_of
from hardener.catalogue.kinds import Judge, review
from hardener.controls.accounts.shared import (
    HIGH,
    LOW,
    MEDIUM,
    SET,
    Shadow,
    extra_line,
    login_definitions,
    shadows,
)
from hardener.untrusted import number

NOT_OURS = "None: a new limit can expire or lock an account at once, so whoever knows it decides, and uses chage on it."
TODAY = "echo $(($(date +%s) / 86400))"


def _up_to(least: int) -> Judge:
    return lambda most: between(least, most)


def _strong_hash(_: object) -> Expectation:
    return one_of("YESCRYPT", "SHA512")


def _definition(key: str, subject: str, *, judge: Judge, broken: str, **declared: Unpack[Declared]) -> Control:
    """A key of login.defs, for accounts that are made from now on. Values: ``accounts_login_defs`` by key."""

    def observe(host: Host) -> JsonValue:
        value = login_definitions(host).get(key)
        return None if value is None else seen.number_or_text(value)

    return Control(
        subject=subject,
        observe=observe,
        expect=lambda values: judge(values[0]),
        parameters=[Parameter("login_defs", (key,), judge)],
        remedy="Sets it in /etc/login.defs; accounts that exist keep what they have.",
        violation=Violation(
            [command("sed --in-place -e %s -e %s /etc/login.defs", rf"/^\s*{key}\s/d", f"$a{key} {broken}")]
        ),
        **declared,
    )


def _existing(
    subject: str,
    field: Callable[[Shadow], int | None],
    parameter: Parameter,
    *,
    broken: str,
    **declared: Unpack[Declared],
) -> Control:
    """An age of the accounts that have a password, judged by the value new accounts get.

    ``broken``: the fields of /etc/shadow after the name, for an account that violates it.
    """
    declared["needs_root"] = True

    def expect(values: Sequence[Any]) -> Expectation:
        expectation = parameter.judge(values[0])
        return every(expectation, f"{expectation.words}, for every account with a password")

    return Control(
        subject=subject,
        observe=lambda host: {entry.name: field(entry) for entry in shadows(host) if entry.password == SET},
        expect=expect,
        parameters=[parameter],
        remedy=NOT_OURS,
        is_remediable=False,
        violation=extra_line("/etc/shadow", f"lab-{subject}:{broken}"),
        **declared,
    )


def _inactive_default(host: Host) -> JsonValue:
    """The days after expiry that new accounts get, as useradd itself says."""
    lines = dict(line.partition("=")[::2] for line in seen.ask(host, "useradd -D").splitlines())
    return seen.number_or_text(lines["INACTIVE"]) if lines.get("INACTIVE") else None


def _least_ages(host: Host) -> JsonValue:
    """The least age of a password, for new accounts and for each that has a password."""
    existing: dict[str, JsonValue] = {entry.name: entry.least_age for entry in shadows(host) if entry.password == SET}
    return {"new accounts": login_definitions(host).get("PASS_MIN_DAYS"), "existing": existing}


def _changed_in_future(host: Host) -> JsonValue:
    """Accounts whose password was changed after today, with the day; days count in UTC, as in /etc/shadow."""
    today = seen.ask(host, TODAY).strip()
    if not today.isdecimal():
        raise CouldNotLook(f"date says that today is {today!r}")
    last = number(today)
    return {entry.name: entry.changed for entry in shadows(host) if (entry.changed or 0) > last}


GREATEST = Parameter("login_defs", ("PASS_MAX_DAYS",), _up_to(1))
WARNING = Parameter("login_defs", ("PASS_WARN_AGE",), at_least)
INACTIVE = Parameter("useradd", ("INACTIVE",), _up_to(0))

CONTROLS = [
    _definition(
        "PASS_MAX_DAYS",
        "password-greatest-age",
        title="The passwords of new accounts expire within a year",
        why="A password that somebody got hold of unnoticed works for ever if it never has to change.",
        severity=MEDIUM,
        judge=_up_to(1),
        broken="99999",
    ),
    _existing(
        "password-greatest-age-existing",
        lambda entry: entry.greatest_age,
        GREATEST,
        title="The passwords of existing accounts expire within a year",
        why="The default for new accounts changes nothing for those that are there already.",
        severity=MEDIUM,
        broken="$6$lab$lab:19000:0:99999:7:45::",
    ),
    review(
        "password-least-age",
        _least_ages,
        title="How soon a password may be changed again is the site's own decision",
        why="Some want a day's wait so that nobody runs through the history of old passwords; it also keeps people "
        "from replacing a password that has leaked.",
        severity=LOW,
        needs_root=True,
    ),
    _definition(
        "PASS_WARN_AGE",
        "password-warning",
        title="New accounts are warned a week before their password expires",
        why="Who is warned in time changes the password with thought, and is not locked out in the middle of work.",
        severity=LOW,
        judge=at_least,
        broken="3",
    ),
    _existing(
        "password-warning-existing",
        lambda entry: entry.warning,
        WARNING,
        title="Existing accounts are warned a week before their password expires",
        why="The default for new accounts changes nothing for those that are there already.",
        severity=LOW,
        broken="$6$lab$lab:19000:0:365:3:45::",
    ),
    _definition(
        "ENCRYPT_METHOD",
        "password-hash",
        title="New passwords are stored as strong hashes",
        why="Weak hashes turn a stolen copy of the shadow file into passwords within hours.",
        severity=HIGH,
        judge=_strong_hash,
        broken="MD5",
    ),
    Control(
        subject="inactive",
        title="New accounts lock 45 days after their password expires",
        why="An account nobody uses is one whose abuse nobody notices. Existing accounts keep what they have: given "
        "this limit, one whose password expired long ago would be locked at once, automation included.",
        severity=MEDIUM,
        observe=_inactive_default,
        expect=lambda values: between(0, values[0]),
        parameters=[INACTIVE],
        remedy="Sets the default of useradd; accounts that exist keep what they have.",
        violation=Violation(["useradd -D --inactive -1"]),
    ),
    _existing(
        "inactive-existing",
        lambda entry: entry.inactive,
        INACTIVE,
        title="Existing accounts lock 45 days after their password expires",
        why="The default for new accounts changes nothing for those that are there already.",
        severity=MEDIUM,
        broken="$6$lab$lab:19000:0:365:7:::",
    ),
    Control(
        subject="password-change-dates",
        title="No password was last changed in the future",
        why="A date to come puts off the expiry of a password, by a wrong clock or on purpose.",
        severity=MEDIUM,
        observe=_changed_in_future,
        expect=lambda _: nothing(),
        remedy="None: setting the date back can expire the password at once; find out how it came about.",
        is_remediable=False,
        needs_root=True,
        violation=extra_line("/etc/shadow", "lab-future:!:48000:0:365:7:45::"),
    ),
]
