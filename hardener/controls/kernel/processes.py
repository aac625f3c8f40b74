"""How the kernel protects processes from each other, and their memory from the disk."""

from __future__ import annotations

from pydantic import JsonValue

from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, Host, NotApplicable, Parameter, Violation
from hardener.catalogue.expectations import at_least, equals, fields
from hardener.catalogue.kinds import sysctl
from hardener.controls.kernel.shared import MEDIUM


def _limit_on_cores(host: Host) -> JsonValue:
    """The hard limit PAM gives every user: of all matching lines in its files, the one it reads last."""
    listing = seen.ask(
        host,
        "cat /etc/security/limits.conf && find /etc/security/limits.d -name '*.conf' | LC_ALL=C sort"
        " | xargs --no-run-if-empty cat",
    )
    rows = [line.split() for line in listing.splitlines() if not line.lstrip().startswith("#")]
    limits = [row[3] for row in rows if len(row) > 3 and row[0] == "*" and row[1] in {"hard", "-"} and row[2] == "core"]
    return seen.number_or_text(limits[-1]) if limits else None


def _core_collector(host: Host) -> JsonValue:
    """What systemd-coredump does with a core, after all its drop-ins."""
    if "systemd-coredump" not in seen.installed_packages(host):
        raise NotApplicable("systemd-coredump is not installed")
    settings: dict[str, JsonValue] = {"Storage": None, "ProcessSizeMax": None}
    for line in seen.ask(host, "systemd-analyze --no-pager cat-config systemd/coredump.conf").splitlines():
        name, separator, value = line.partition("=")
        if separator and name.strip() in settings:
            settings[name.strip()] = seen.number_or_text(value.strip())
    return settings


CONTROLS = [
    sysctl(
        "kernel.randomize_va_space",
        title="Address space layout is fully randomised",
        why="An attacker who cannot predict addresses cannot jump to them.",
        severity=MEDIUM,
    ),
    sysctl(
        "kernel.yama.ptrace_scope",
        judge=at_least,
        title="A process may trace only its descendants",
        why="Otherwise one program taken over reads the secrets of every other program of the same user.",
        severity=MEDIUM,
    ),
    Control(
        subject="core-limit",
        title="Users get no core dumps",
        why="A core dump writes a process's secrets to a disk, where they outlive it.",
        severity=MEDIUM,
        observe=_limit_on_cores,
        expect=lambda values: equals(values[0]),
        parameters=[Parameter("limits", ("* hard core",), equals)],
        remedy="Adds the limit to a file of its own that PAM reads last; it counts from the next login on.",
        violation=Violation(["sed --in-place /core/d /etc/security/limits.d/zz-hardener.conf"]),
    ),
    sysctl(
        "fs.suid_dumpable",
        title="Programs that change their user leave no core dumps",
        why="The memory of a set-user-id program holds what its caller must not see.",
        severity=MEDIUM,
    ),
    Control(
        subject="core-collector",
        title="Collected core dumps are thrown away",
        why="systemd-coredump keeps the memory of crashed processes, passwords and keys with it.",
        severity=MEDIUM,
        observe=_core_collector,
        expect=lambda values: fields({"Storage": equals(values[0]), "ProcessSizeMax": equals(values[1])}),
        parameters=[Parameter("coredump", ("Storage",), equals), Parameter("coredump", ("ProcessSizeMax",), equals)],
        remedy="Sets both in a drop-in of systemd-coredump.",
        violation=Violation(["rm --force /etc/systemd/coredump.conf.d/zz-hardener.conf"]),
    ),
]
