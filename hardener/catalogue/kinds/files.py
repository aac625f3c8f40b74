"""Kinds about the modes and owners of files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from pydantic import JsonValue

from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, Declared, Host, Parameter, Violation
from hardener.catalogue.expectations import Expectation, any_of, equals, every, fields, mode_at_most, one_of


def file_modes(
    subject: str,
    *patterns: str,
    violation: Violation,
    variable: str = "file_modes",
    groups: Sequence[str] = ("root",),
    shared: str | None = None,
    **declared: Unpack[Declared],
) -> Control:
    """Files that belong to root and grant no more than a mode. Values: ``<role>_<variable>`` by pattern.

    A pattern that ends with a slash is about directories. ``groups``: those accepted; the role gives a file of another
    group to the first one. ``shared``: the variable that says by pattern with which ``mode`` further ``groups`` are
    acceptable.
    """

    def observe(host: Host) -> JsonValue:
        found = {pattern: seen.file_attributes(host, pattern) for pattern in patterns}
        return {pattern: {path: {**item} for path, item in files.items()} for pattern, files in found.items()}

    def expect(values: Sequence[Any]) -> Expectation:
        modes, wider = values[: len(patterns)], values[len(patterns) :] or [None] * len(patterns)
        wanted = {
            pattern: any_of(_of_root(mode, groups), *([_of_root(**further)] if further else []))
            for pattern, mode, further in zip(patterns, modes, wider, strict=True)
        }
        return fields({pattern: every(expectation, expectation.words) for pattern, expectation in wanted.items()})

    return Control(
        subject=subject,
        observe=observe,
        expect=expect,
        parameters=[
            *(Parameter(variable, (pattern,), mode_at_most) for pattern in patterns),
            *([Parameter(shared, (pattern,), equals) for pattern in patterns] if shared else []),
        ],
        remedy="Gives the files to root and takes the surplus permission bits; no bit is ever added.",
        violation=violation,
        **declared,
    )


def _of_root(mode: str, groups: Sequence[str]) -> Expectation:
    both = fields({"mode": mode_at_most(mode), "owner": equals("root"), "group": one_of(*groups)})
    return Expectation(f"mode {mode} or stricter, owner root, group {' or '.join(groups)}", both.complaints)
