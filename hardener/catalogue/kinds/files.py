"""Kinds about the modes and owners of files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    shared: Mapping[str, Sequence[str]] | None = None,
    **declared: Unpack[Declared],
) -> Control:
    """Files that belong to root and grant no more than a mode. Values: ``<role>_<variable>`` by pattern.

    A pattern that ends with a slash is about directories. ``groups``: those accepted; the role gives a file of another
    group to the first one. ``shared``: a wider mode → the groups with which it is acceptable too.
    """

    def observe(host: Host) -> JsonValue:
        found = {pattern: seen.file_attributes(host, pattern) for pattern in patterns}
        return {pattern: {path: {**item} for path, item in files.items()} for pattern, files in found.items()}

    def attributes(mode: str, names: Sequence[str]) -> Expectation:
        both = fields({"mode": mode_at_most(mode), "owner": equals("root"), "group": one_of(*names)})
        return Expectation(f"mode {mode} or stricter, owner root, group {' or '.join(names)}", both.complaints)

    def expect(values: Sequence[Any]) -> Expectation:
        wider = [attributes(mode, names) for mode, names in (shared or {}).items()]
        wanted = {
            pattern: any_of(attributes(mode, groups), *wider) for pattern, mode in zip(patterns, values, strict=True)
        }
        return fields({pattern: every(expectation, expectation.words) for pattern, expectation in wanted.items()})

    return Control(
        subject=subject,
        observe=observe,
        expect=expect,
        parameters=[Parameter(variable, (pattern,), mode_at_most) for pattern in patterns],
        remedy="Gives the files to root and takes the surplus permission bits; no bit is ever added.",
        violation=violation,
        **declared,
    )
