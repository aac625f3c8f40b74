"""How auditd runs, and what it does with its log: how long it keeps it, and what happens when there is no more room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from hardener.catalogue.control import Control, Host, Parameter, Violation, command
from hardener.catalogue.expectations import at_least, equals, fields, one_of
from hardener.catalogue.kinds import HOST_KERNEL, Judge, running_service
from hardener.catalogue.observations import number_or_text
from hardener.controls.auditd.shared import FULL_NODES, KUBERNETES, configuration, of_auditd
from hardener.model import Disruption, Severity


def _among(*values: str) -> Judge:
    return lambda _: one_of(*values)


def _settings(subject: str, judges: Mapping[str, Judge], broken: str, **more: Any) -> Control:
    """Settings of auditd.conf that belong to one requirement. Values: ``auditd_settings`` by setting."""

    def observe(host: Host) -> JsonValue:
        found = configuration(host)
        return {name: number_or_text(found[name].lower()) if name in found else None for name in judges}

    def expect(values: Sequence[Any]) -> Any:
        return fields({name: judge(value) for (name, judge), value in zip(judges.items(), values, strict=True)})

    declared: dict[str, Any] = {
        "severity": Severity.MEDIUM,
        "needs_root": True,
        "unless": HOST_KERNEL,
        "remedy": "Sets it in auditd.conf, and has auditd read it again.",
        "violation": Violation([_written(name, broken) for name in judges]),
    }
    return of_auditd(
        Control(
            subject=subject,
            observe=observe,
            expect=expect,
            parameters=[Parameter("settings", (name,), judge) for name, judge in judges.items()],
            **{**declared, **more},
        )
    )


def _written(name: str, value: str) -> str:
    return command("sed --in-place %s /etc/audit/auditd.conf", f"s/^{name} =.*/{name} = {value}/")


CONTROLS = [
    of_auditd(
        running_service(
            "service",
            "auditd.service",
            title="auditd runs, now and after a reboot",
            why="Without it the kernel's records go to the system log, if anywhere, where they mix with all else.",
            severity=Severity.MEDIUM,
            unless=HOST_KERNEL,
        )
    ),
    _settings(
        "log-size",
        {"max_log_file": at_least},
        "1",
        title="A log file of auditd has a useful size",
        why="Files that are too small turn over so often that nobody finds the one that matters.",
    ),
    _settings(
        "log-retention",
        {"max_log_file_action": equals},
        "ROTATE",
        title="auditd never deletes its own records",
        why="Whoever can make enough noise could otherwise wash their own traces away. Somebody has to archive "
        "the log, for a full disk can stop the host: the comments in the role's defaults say more.",
        unless={**HOST_KERNEL, **FULL_NODES},
    ),
    _settings(
        "disk-full",
        {"disk_full_action": _among("halt", "single"), "disk_error_action": _among("syslog", "single", "halt")},
        "IGNORE",
        title="A host that cannot record does not go on as if nothing were wrong",
        why="What happens while nothing is recorded never happened, as far as anybody can tell later.",
        remedy="Sets both in auditd.conf, unless the disk is nearly full already, and has auditd read it again.",
        disruption=Disruption.LOCKOUT,
        unless={**HOST_KERNEL, **KUBERNETES},
    ),
    _settings(
        "space-left",
        {
            "space_left_action": _among("email", "exec", "single", "halt"),
            "admin_space_left_action": _among("single", "halt"),
        },
        "IGNORE",
        title="Somebody is told when room for records runs low, and the last reserve is not used up",
        why="A warning in time is the difference between an archived log and a stopped host.",
        remedy="Sets both in auditd.conf, unless the disk is nearly full already, and has auditd read it again.",
        disruption=Disruption.LOCKOUT,
        unless={**HOST_KERNEL, **KUBERNETES},
    ),
    _settings(
        "log-group",
        {"log_group": _among("root", "adm")},
        "users",
        title="auditd gives its log to root or adm",
        why="The group of the log decides who else reads what everybody did.",
        remedy="None: whoever reads the log as a member of that group would be cut off; set log_group in auditd.conf.",
        is_remediable=False,
        violation=Violation([_written("log_group", "users")], undo=[_written("log_group", "adm")]),
    ),
]
