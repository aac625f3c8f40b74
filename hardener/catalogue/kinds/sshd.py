"""Kinds about the effective configuration of sshd."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from pydantic import JsonValue

from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, Declared, Host, Parameter, Violation, command
from hardener.catalogue.expectations import equals, subset_of
from hardener.catalogue.kinds.shared import Judge
from hardener.model import Disruption


def sshd_option(option: str, *, judge: Judge = equals, broken: str, **declared: Unpack[Declared]) -> Control:
    """One option of the effective sshd configuration. Values: ``<role>_options`` by option, in lower case."""

    def observe(host: Host) -> JsonValue:
        values = seen.sshd_options(host).get(option, ())
        return seen.number_or_text(values[-1]) if values else None

    return Control(
        subject=option,
        observe=observe,
        expect=lambda values: judge(values[0]),
        parameters=[Parameter("options", (option,), judge)],
        **_sshd(declared, option, broken),
    )


def sshd_algorithms(
    option: str, *, broken: str, newer: Sequence[str] = (), tolerable: Sequence[str] = (), **declared: Unpack[Declared]
) -> Control:
    """One list of algorithms sshd offers. Values: ``<role>_options`` by option, a list of all that is allowed.

    ``newer`` names are as good as those of the list, but unknown to some release, whose sshd would not start with
    them: they are accepted where they are met and never written. ``tolerable`` names are for sites that need them.
    """

    def observe(host: Host) -> JsonValue:
        values = seen.sshd_options(host).get(option, ())
        return [name for value in values for name in value.split(",")]

    return Control(
        subject=option,
        observe=observe,
        expect=lambda values: subset_of([*values[0], *newer]),
        parameters=[Parameter("options", (option,), lambda value: subset_of([*value, *newer, *tolerable]))],
        **_sshd(declared, option, broken),
    )


def _sshd(declared: Declared, option: str, broken: str) -> dict[str, Any]:
    """What all sshd options share: the remedy, the violation, and the need for root to read the host keys.

    The violation comes first and last: of MaxStartups sshd obeys the last value it meets, of all others the first.
    """
    line = f"{option} {broken}"
    return {
        "disruption": Disruption.RESTART,
        "remedy": "Sets it in a drop-in that sshd reads first, once `sshd -t` has accepted it, and reloads sshd.",
        "needs_root": True,
        "violation": Violation([command("sed --in-place -e 1i%s -e %s /etc/ssh/sshd_config", line, f"$a{line}")]),
        **declared,
    }
