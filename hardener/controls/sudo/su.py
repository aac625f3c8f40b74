"""su: limited to a group that nobody is in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, Host, Parameter, Violation, command
from hardener.catalogue.expectations import Expectation, fields, is_true, nothing, satisfying, something
from hardener.controls.accounts.shared import groups, users
from hardener.model import Disruption, Severity


@dataclass(frozen=True)
class _Line:
    """An auth line of a PAM service."""

    control: str
    module: str
    options: tuple[str, ...]


def _auth_lines(text: str) -> Sequence[_Line]:
    """The auth lines of a PAM service file, in order; an ``@include`` counts as one."""
    lines = []
    for line in re.sub(r"\\\n", " ", text).splitlines():
        words = line.partition("#")[0].strip()
        if match := re.fullmatch(r"-?auth\s+(\[[^\]]*\]|\S+)\s+(\S+)\s*(.*)", words, re.IGNORECASE):
            lines.append(_Line(match[1].lower(), match[2].rpartition("/")[2], tuple(match[3].split())))
        elif match := re.fullmatch(r"@include\s+(\S+)", words):
            lines.append(_Line("include", match[1], ()))
    return lines


def _restricts(line: _Line) -> bool:
    """Whether nobody outside a group gets past this line, whoever they want to become."""
    inverted = {"deny", "trust", "root_only"} & set(line.options)
    return line.module == "pam_wheel.so" and line.control in {"required", "requisite"} and not inverted


def _su(host: Host) -> JsonValue:
    """The group su is limited to, its members, and what lets others in before it is asked for."""
    lines = _auth_lines(seen.ask(host, "cat /etc/pam.d/su"))
    place = next((number for number, line in enumerate(lines) if _restricts(line)), None)
    if place is None:
        return {"limited to group": None}
    options = dict(option.partition("=")[::2] for option in lines[place].options)
    name = options.get("group", "wheel")
    group = next((group for group in groups(host) if group.name == name), None)
    members = [*group.members, *(user.name for user in users(host) if user.gid == group.gid)] if group else []
    harmless = {"required", "requisite", "optional"}
    earlier = [f"{line.control} {line.module}" for line in lines[:place] if line.control not in harmless]
    return {
        "limited to group": name,
        "group exists": group is not None,
        "members": [*dict.fromkeys(members)],
        "asks the real user": "use_uid" in options,
        "ways around it": [way for way in earlier if way != "sufficient pam_rootok.so"],
    }


def _limited(_: Sequence[Any]) -> Expectation:
    limited = fields(
        {
            "limited to group": something(),
            "group exists": is_true(),
            "members": nothing(),
            "asks the real user": is_true(),
            "ways around it": nothing(),
        }
    )

    def complaints(observed: Mapping[str, Any]) -> Sequence[str]:
        return limited.complaints(observed) if observed["limited to group"] else ("everybody may try su",)

    return Expectation("only members of a group that has none may use su", complaints)


def _group_name(_: object) -> Expectation:
    return satisfying("the name of a group", lambda name: re.fullmatch(r"[a-z_][a-z0-9_-]*", str(name)) is not None)


CONTROLS = [
    # Never in the way of the tool, which knows no other way to become root than sudo.
    Control(
        subject="su",
        title="su is limited to a group that nobody is in",
        why="su takes root's own password from anybody, as often as they like, and does not tell who knows it; with "
        "sudo everybody gives their own. root itself may still use su, which services rely on.",
        severity=Severity.MEDIUM,
        observe=_su,
        expect=_limited,
        parameters=[Parameter("su", ("group",), _group_name)],
        remedy="Creates the group, and asks for it in /etc/pam.d/su right after root was let through. Members of the "
        "group, and lines that others put before it, are for a person.",
        disruption=Disruption.LOCKOUT,
        violation=Violation([command("sed --in-place %s /etc/pam.d/su", r"/^auth.*pam_wheel\.so/d")]),
    ),
]
