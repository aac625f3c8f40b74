"""The policy of sudo as sudo itself parses it: who is asked for a password, how often, and what is kept of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Unpack

from pydantic import JsonValue

from hardener.catalogue import observations as seen
from hardener.catalogue.control import (
    Control,
    CouldNotLook,
    Declared,
    Host,
    NotApplicable,
    Parameter,
    Violation,
    command,
)
from hardener.catalogue.expectations import Expectation, every, satisfying, shown
from hardener.model import Disruption, Severity
from hardener.untrusted import json_of

MEDIUM = Severity.MEDIUM
EVERYBODY = "everybody"
SUDOERS = "cvtsudoers -e -f json /etc/sudoers"
"""The whole policy with its includes read and its aliases expanded, as sudo itself parses it."""
DROP_IN = "/etc/sudoers.d/zz-hardener"

_read_once = lru_cache(maxsize=4)


def _is_installed(host: Host) -> bool:
    if host.run(SUDOERS).rc != seen.COMMAND_NOT_FOUND:
        return True
    return not {"sudo", "sudo-ldap"}.isdisjoint(seen.installed_packages(host))


def _policy(host: Host) -> Mapping[str, Any]:
    """The sudoers policy; raises where sudo would not obey all of it, or there is none."""
    if not _is_installed(host):
        raise NotApplicable("sudo is not installed")
    return _parsed(seen.ask(host, SUDOERS))


@_read_once
def _parsed(text: str) -> Mapping[str, Any]:
    try:
        policy = json_of(text)
    except ValueError as error:
        raise CouldNotLook(f"cvtsudoers answers no JSON: {error}") from error
    if not isinstance(policy, dict) or not policy:
        raise CouldNotLook("cvtsudoers knows of no policy")
    return policy


def _option(host: Host, name: str, unset: JsonValue) -> JsonValue:
    """Whom a default is for → its value, of which the last one wins; ``unset`` for everybody where nothing says.

    What has to be set is unset where there is no sudo yet, so that the apply that installs it sets it too.
    """
    values: dict[str, JsonValue] = {EVERYBODY: unset}
    if unset is None and not _is_installed(host):
        return values
    for entry in _policy(host).get("Defaults", ()):
        scope = ", ".join(_name(item) for item in entry.get("Binding", ())) or EVERYBODY
        for option in entry["Options"]:
            if name in option:
                values[scope] = option[name]
    return values


def _name(item: Mapping[str, Any]) -> str:
    """Somebody or something in a list of sudoers, in its own spelling: ``admin``, ``%sudo``, ``#1000``, ``!eve``."""
    marks = {"usergroup": "%", "usergid": "%#", "userid": "#", "netgroup": "+", "nonunixgroup": "%:"}
    kind = next((key for key in item if key != "negated"), "")
    return ("!" if item.get("negated") else "") + marks.get(kind, "") + str(item.get(kind, ""))


def _passwordless(host: Host) -> JsonValue:
    """Who need not give a password → for which commands. root is never asked for one."""
    allowed: dict[str, list[JsonValue]] = {}
    for entry in _policy(host).get("User_Specs", ()):
        for commands in entry["Cmnd_Specs"]:
            if {"authenticate": False} in commands.get("Options", ()):
                for name in map(_name, entry["User_List"]):
                    allowed.setdefault(name, []).extend(_name(item) for item in commands["Commands"])
    return {name: [*dict.fromkeys(map(str, items))] for name, items in allowed.items() if name != "root"}


def _only(allowed: Sequence[str]) -> Expectation:
    """Nobody but these."""

    def complaints(observed: Mapping[str, Sequence[str]]) -> Sequence[str]:
        return tuple(
            f"lets {name} run {shown(commands)} without a password"
            for name, commands in observed.items()
            if name not in allowed
        )

    return Expectation(f"nobody but {shown(allowed)}" if allowed else "nobody", complaints)


def _named_accounts(_: object) -> Expectation:
    """What a site may allow: accounts and groups by name, never all of them."""
    return satisfying(
        "names of accounts or %groups",
        lambda names: all(isinstance(name, str) and re.fullmatch(r"%?[a-z_][\w.-]*\$?", name) for name in names),
    )


def _switched_on(_: object) -> Expectation:
    return satisfying("yes", lambda value: value is True)


def _a_file(_: object) -> Expectation:
    return satisfying("a file", lambda path: isinstance(path, str) and path.startswith("/"))


def _minutes(most: object) -> Expectation:
    """Minutes, of which sudo takes fractions; a negative number means for ever, and off means none."""

    def in_range(observed: object) -> bool:
        if observed is False:
            return True
        return re.fullmatch(r"\d+(\.\d*)?", str(observed)) is not None and float(str(observed)) <= int(str(most))

    return satisfying(f"0 to {most} minutes", in_range)


def _default(
    option: str,
    parameter: Parameter,
    *,
    subject: str,
    broken: str,
    unset: JsonValue = None,
    **declared: Unpack[Declared],
) -> Control:
    """A default of sudo, for everybody and for whomever another one is bound to. Values: by option."""
    declared["needs_root"] = True
    declared["disruption"] = Disruption.LOCKOUT

    def expect(values: Sequence[Any]) -> Expectation:
        expectation = parameter.judge(values[0])
        return every(expectation, expectation.words)

    return Control(
        subject=subject,
        observe=lambda host: _option(host, option, unset),
        expect=expect,
        parameters=[parameter],
        remedy=f"Sets it in {DROP_IN}, which is read last, once visudo has accepted it. A default for certain users, "
        "hosts or commands is for a person.",
        violation=Violation(
            [
                command("sed --in-place %s %s", rf"/\b{option}\b/d", DROP_IN),
                command("echo %s > %s", f"Defaults {broken}", f"/etc/sudoers.d/lab-{subject}"),
            ]
        ),
        **declared,
    )


CONTROLS = [
    _default(
        "use_pty",
        Parameter("flags", ("use_pty",), _switched_on),
        subject="pty",
        broken="!use_pty",
        title="sudo runs commands on a terminal of their own",
        why="A command that shares its user's terminal can leave a process behind that types there as that user.",
        severity=MEDIUM,
    ),
    _default(
        "logfile",
        Parameter("settings", ("logfile",), _a_file),
        subject="log",
        broken="!logfile",
        title="sudo keeps a log of its own",
        why="Who did what as root is found in one file, and not among everything else the host says.",
        severity=Severity.LOW,
    ),
    Control(
        subject="passwordless",
        title="sudo asks everybody for a password, but for the accounts that the site names",
        why="Whoever gets at the session of somebody who is not asked is root at once. Automation logs in with a key "
        "and has no password to give: name its accounts in sudo_passwordless.",
        severity=MEDIUM,
        observe=_passwordless,
        expect=lambda values: _only(values[0]),
        parameters=[Parameter("passwordless", ("allowed",), _named_accounts)],
        remedy="None: a program that takes NOPASSWD away may cut off the automation it serves, itself included.",
        is_remediable=False,
        needs_root=True,
        violation=Violation(
            ["echo 'plain ALL=(ALL) NOPASSWD: /bin/true' > /etc/sudoers.d/lab-passwordless"],
            undo=["rm /etc/sudoers.d/lab-passwordless"],
        ),
    ),
    _default(
        "authenticate",
        Parameter("flags", ("authenticate",), _switched_on),
        subject="authentication",
        broken="!authenticate",
        unset=True,
        title="Nobody has switched off that sudo asks for passwords",
        why="One forgotten word makes every session of every administrator a session of root.",
        severity=MEDIUM,
    ),
    _default(
        "timestamp_timeout",
        Parameter("settings", ("timestamp_timeout",), _minutes),
        subject="remembers",
        broken="timestamp_timeout=-1",
        unset=15,
        title="sudo remembers a password for 15 minutes at most",
        why="Whoever comes by an unlocked terminal within that time is root without a question.",
        severity=MEDIUM,
    ),
]
