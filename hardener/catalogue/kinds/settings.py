"""The kind about settings of systemd's own programs, which read a file and its drop-ins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from pydantic import JsonValue

from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, Declared, Host, Parameter, Violation, command
from hardener.catalogue.expectations import equals
from hardener.catalogue.kinds.shared import Judge, subject_of


def systemd_setting(
    name: str,
    *,
    file: str,
    section: str,
    variable: str,
    broken: str,
    judge: Judge = equals,
    **declared: Unpack[Declared],
) -> Control:
    """One setting of ``/etc/<file>`` as its program reads it. Values: ``<role>_<variable>`` by name.

    ``file``: ``systemd/journald.conf``; ``broken``: a value that is not acceptable.
    """

    def observe(host: Host) -> JsonValue:
        value = seen.systemd_settings(host, file).get((section, name))
        return None if value is None else seen.number_or_text(value)

    return Control(
        subject=subject_of(name),
        observe=observe,
        expect=lambda values: judge(values[0]),
        parameters=[Parameter(variable, (name,), judge)],
        remedy="Sets it in a drop-in that is read last, and restarts what reads it.",
        violation=Violation(_without(file, section, name, broken)),
        **declared,
    )


def _without(file: str, section: str, name: str, broken: str) -> Sequence[str]:
    """Commands that take a setting from every drop-in, and give the main file another value."""
    drop_ins = f"/etc/{file}.d"
    return [
        command("[ ! -d %s ] || find %s -type f -exec sed --in-place %s {} +", drop_ins, drop_ins, f"/^{name}=/d"),
        command("printf %s >> %s", f"\\n[{section}]\\n{name}={broken}\\n", f"/etc/{file}"),
    ]
