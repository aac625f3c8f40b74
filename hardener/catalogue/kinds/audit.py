"""The kind about audit rules: what the kernel records, now and after a reboot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Unpack

from pydantic import JsonValue

from hardener.catalogue.audit_rules import LOCKED, AuditState, audit_state, not_covered, read_rule, required_rule
from hardener.catalogue.control import Control, CouldNotLook, Declared, Host, Parameter, Violation, command
from hardener.catalogue.expectations import AFTER_REBOOT, NOW, Expectation
from hardener.catalogue.kinds.shared import HOST_KERNEL, Judge, with_reasons
from hardener.catalogue.listing import MOST_NAMED
from hardener.catalogue.walk import Found

PROGRAM = "{program}"
"""Stands in a rule for every program of a list that only the host knows."""


def covering(lines: Sequence[str]) -> Expectation:
    """Other lines that record at least what these do."""

    def complaints(others: Sequence[str]) -> Sequence[str]:
        for line in others:
            required_rule(line)
        return tuple(f"lacks {line}" for line in not_covered(lines, others))

    return Expectation("; ".join(lines), complaints)


def audit_rule(
    name: str,
    key: str,
    *about: str,
    programs: Callable[[Host], Found] | None = None,
    judge: Judge = covering,
    **declared: Unpack[Declared],
) -> Control:
    """Rules that are loaded, and that will be at the next boot. Values: ``<role>_rules`` by name, a list of lines.

    ``key`` and ``about``, system calls and paths, pick what is shown of a host's rules. ``programs`` finds the programs
    for which ``{program}`` stands. ``judge``: which other lines a site may want; by default any that cover the role's.
    """

    def observe(host: Host) -> JsonValue:
        found = programs(host) if programs else Found(())
        paths = [entry.path for entry in found.entries]
        observed = _rules_about(audit_state(host), [*about, *paths], key)
        return {**_shown(found, paths), **observed} if programs else observed

    def expect(values: Sequence[Any]) -> Expectation:
        words = f"records {', '.join(about) or 'all of these programs'}, now and after a reboot"
        return Expectation(words, lambda observed: _complaints(values[0], observed))

    return Control(
        subject=f"rules-{name}",
        observe=observe,
        expect=expect,
        parameters=[Parameter("rules", (name,), judge)],
        remedy="Writes a file of rules and loads all rules; where the running ones are locked, the next boot does.",
        violation=Violation([command("sed --in-place '$d' %s", f"/etc/audit/rules.d/50-hardener-{name}.rules")]),
        **with_reasons(declared, HOST_KERNEL),
    )


def _rules_about(state: AuditState, names: Sequence[str], key: str) -> dict[str, JsonValue]:
    """What a host's rules say of some system calls and paths, with rules about everything and rules of that key."""
    plain = {name.rstrip("/") for name in names}

    def shown(lines: Sequence[str]) -> list[JsonValue]:
        rules = [(line, read_rule(line)) for line in lines]
        return [line for line, rule in rules if rule and (rule.names & plain or key in rule.keys or not rule.names)]

    unknown: list[JsonValue] = [
        f"{arch} {name}"
        for arch, known in state.syscalls.items()
        for name in names
        if not name.startswith("/") and name not in known
    ]
    return {
        NOW: shown(state.loaded),
        AFTER_REBOOT: shown(state.on_disk),
        "locked": state.enabled == LOCKED,
        **({"unknown system calls": unknown} if unknown else {}),
    }


def _complaints(lines: Sequence[str], observed: Mapping[str, Any]) -> Sequence[str]:
    """Which of the lines a host's rules do not cover, and whether only a reboot can help.

    ``CouldNotLook`` where they cover all there are to be seen, and there may be more.
    """
    programs = observed.get("programs", [PROGRAM])
    wanted = {line.replace(PROGRAM, program): program for line in lines for program in programs}
    unknown = observed.get("unknown system calls", ())
    lacking = {moment: not_covered(wanted, observed[moment], unknown) for moment in (NOW, AFTER_REBOOT)}
    lists = {moment: "; ".join(_names(wanted, found)) for moment, found in lacking.items() if found}
    hint = " (the running rules are locked: only a reboot loads others)" if observed["locked"] and NOW in lists else ""
    unlisted = [f"has programs nobody looked at: {item}" for item in observed.get("more programs", ())]
    if not lists and not unlisted and observed.get("not looked at"):
        raise CouldNotLook(f"could not look at {', '.join(observed['not looked at'][:MOST_NAMED])}")
    if len(set(lists.values())) == 1:
        return (f"{' and '.join(lists)} lacks {lists.popitem()[1]}{hint}", *unlisted)
    told = [f"{moment} lacks {text}{hint if moment == NOW else ''}" for moment, text in lists.items()]
    return (*told, *unlisted)


def _shown(found: Found, paths: Sequence[str]) -> dict[str, JsonValue]:
    """The programs that rules are compared with, and what keeps them from being all there are."""
    more, unseen = ([item.shown for item in items] for items in (found.more, found.unseen))
    return {
        "programs": [*paths],
        **({"more programs": [*more]} if more else {}),
        **({"not looked at": [*unseen]} if unseen else {}),
    }


def _names(wanted: Mapping[str, str], found: Sequence[str]) -> Sequence[str]:
    """What a complaint calls the rules found lacking: by their programs, where they are made for those."""
    return list(dict.fromkeys(line if wanted[line] == PROGRAM else wanted[line] for line in found))
