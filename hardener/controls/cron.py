"""Job schedulers: cron runs, only root reads what it runs for the system, and only listed users give it work."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import JsonValue

from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, Host, NotApplicable, Parameter, Violation, command
from hardener.catalogue.expectations import Expectation, equals, fields, mode_at_most, one_of, satisfying
from hardener.catalogue.kinds import file_modes, running_service
from hardener.model import Disruption, Severity


@dataclass(frozen=True)
class _Scheduler:
    """A program that runs jobs of users: its package, where the jobs are, and who has to read its lists."""

    package: str
    jobs: str
    variables: tuple[str, str]
    """Of the role: for the users, and for the modes of the lists."""
    groups: Sequence[str]
    deny_groups: Sequence[str]


CRON = _Scheduler(
    package="cron",
    jobs="/var/spool/cron/crontabs",
    variables=("allow", "list_modes"),
    groups=("crontab", "root"),
    deny_groups=("crontab", "root"),
)
AT = _Scheduler(
    package="at",
    jobs="/var/spool/cron/atjobs",
    variables=("at_allow", "at_list_modes"),
    groups=("daemon",),
    deny_groups=("daemon", "root"),
)


def _where_installed(package: str, control: Control) -> Control:
    """The control, for hosts that have the package it is about."""

    def observe(host: Host) -> JsonValue:
        if package not in seen.installed_packages(host):
            raise NotApplicable(f"{package} is not installed")
        return control.observe(host)

    return replace(control, observe=observe)


def _list_of(allow: str, deny: str, jobs: str) -> Callable[[Host], JsonValue]:
    """Who may use a scheduler, and who has jobs in it without being listed; all of it in one question.

    Users choose how many jobs there are: their owners are all that is told.
    """
    question = (
        f'for file in {allow} {deny}; do [ ! -f "$file" ] || stat -L -c "file %n %a %U %G" "$file"; done; '
        f"[ ! -f {allow} ] || sed 's/^/listed /' {allow}; "
        f"[ ! -d {jobs} ] || find {jobs} -maxdepth 1 -ignore_readdir_race -type f ! -name '.*' -printf 'owner %u\\n' | "
        "sort -u"
    )

    def observe(host: Host) -> JsonValue:
        rows = [line.split() for line in seen.ask(host, question).splitlines()]
        files: dict[str, JsonValue] = {
            row[1]: {"mode": row[2].zfill(4), "owner": row[3], "group": row[4]} for row in rows if row[0] == "file"
        }
        listed = {name for row in rows if row[0] == "listed" for name in row[1:]}
        owners = {row[1] for row in rows if row[0] == "owner"}
        return {
            "allow": files.get(allow),
            "deny": files.get(deny),
            "listed": [*sorted(listed)],
            "unlisted with jobs": [*sorted(owners - listed - {"root"})],
        }

    return observe


def _closed(mode: str, groups: Sequence[str]) -> Expectation:
    """A file that only root changes, and nobody reads but root and a scheduler's group."""
    wanted = fields({"mode": mode_at_most(mode), "owner": equals("root"), "group": one_of(*groups)})
    words = f"mode {mode} or stricter, owner root, group {' or '.join(groups)}"
    return Expectation(words, lambda observed: ("is missing",) if observed is None else wanted.complaints(observed))


def _listed_only(values: Sequence[Any], scheduler: _Scheduler) -> Expectation:
    """The list exists, is closed, and has the site's users on it; whom else it lists was for the site to decide."""
    users, mode, deny_mode = values
    closed, closed_deny = _closed(mode, scheduler.groups), _closed(deny_mode, scheduler.deny_groups)

    def complaints(observed: Mapping[str, Any]) -> Sequence[str]:
        found = [f"allow {text}" for text in closed.complaints(observed["allow"])]
        if observed["deny"] is not None:
            found += [f"deny {text}" for text in closed_deny.complaints(observed["deny"])]
        if observed["allow"] is None:
            owners = ", ".join(observed["unlisted with jobs"])
            found += [f"will also list those who have jobs now: {owners}"] if owners else []
            return tuple(found)
        missing = ", ".join(user for user in users if user not in observed["listed"])
        found += [f"allow does not list {missing}"] if missing else []
        return tuple(found)

    return Expectation(f"allow lists {', '.join(users)}, {closed.words}; deny is absent or as strict", complaints)


def _user_names(_: object) -> Expectation:
    def accepts(users: Sequence[object]) -> bool:
        return bool(users) and all(
            isinstance(user, str) and re.fullmatch(r"[^\s:/#-][^\s:/#]*", user) for user in users
        )

    return satisfying("a list of user names", accepts)


def _users_of(scheduler: _Scheduler, subject: str, **words: Any) -> Control:
    """Only listed users may give a scheduler work."""
    allow, deny = f"/etc/{scheduler.package}.allow", f"/etc/{scheduler.package}.deny"
    users, modes = scheduler.variables
    control = Control(
        subject=subject,
        severity=Severity.MEDIUM,
        observe=_list_of(allow, deny, scheduler.jobs),
        expect=lambda values: _listed_only(values, scheduler),
        parameters=[
            Parameter(users, ("users",), _user_names),
            Parameter(modes, (allow,), mode_at_most),
            Parameter(modes, (deny,), mode_at_most),
        ],
        remedy="Makes the list where there is none, of the parameter's users and of those who have jobs now, for they "
        "could neither see nor stop them any more. A list that exists only gains the parameter's users. No job is "
        "touched.",
        needs_root=True,
        disruption=Disruption.LOCKOUT,
        violation=Violation([command("rm -f %s; touch %s && chmod 0666 %s", allow, deny, deny)]),
        **words,
    )
    return _where_installed(scheduler.package, control)


def _root_only(subject: str, *patterns: str, what: str) -> Control:
    """What cron runs for the system."""
    return file_modes(
        subject,
        *patterns,
        title=f"Only root may look at or change {what}",
        why="Whoever can write there runs as root at the next full hour; whoever can read it learns what runs when.",
        severity=Severity.MEDIUM,
        violation=Violation([command("chmod 0777 %s", patterns[0])]),
    )


CONTROLS = [
    _where_installed(
        "cron",
        running_service(
            "daemon",
            "cron.service",
            title="cron runs, and starts at boot",
            why="Log rotation, updates and integrity checks are jobs: where it stopped, nobody notices for months.",
            severity=Severity.MEDIUM,
        ),
    ),
    _root_only("crontab", "/etc/crontab", what="the system's crontab"),
    _root_only("hourly", "/etc/cron.hourly/", what="the hourly jobs"),
    _root_only("daily", "/etc/cron.daily/", what="the daily jobs"),
    _root_only("weekly", "/etc/cron.weekly/", what="the weekly jobs"),
    _root_only("monthly", "/etc/cron.monthly/", "/etc/cron.yearly/", what="the monthly and yearly jobs"),
    _root_only("d", "/etc/cron.d/", what="the jobs that packages bring"),
    _users_of(
        CRON,
        "users",
        title="Only listed users may have crontabs",
        why="A job outlives the login, and the account's new password, of whoever left it there.",
    ),
    _users_of(
        AT,
        "at-users",
        title="Only listed users may use at",
        why="It is a second way to leave jobs behind. A list that at, which runs as daemon, cannot read is no list: "
        "everybody may then use it.",
    ),
]
