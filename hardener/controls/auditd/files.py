"""Who may read and change the audit log, auditd's configuration and its tools."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, Host, Parameter, Violation
from hardener.catalogue.expectations import Expectation, equals, every, fields, mode_at_most, one_of
from hardener.catalogue.kinds import HOST_KERNEL, file_modes
from hardener.controls.auditd.shared import log_file, log_group, of_auditd
from hardener.model import Severity

GROUPS = ("root", "adm")
CONFIGURATION = ("/etc/audit/*.conf", "/etc/audit/*.rules", "/etc/audit/*/*.conf", "/etc/audit/*/*.rules")
TOOLS = tuple(f"/sbin/{name}" for name in ("auditctl", "aureport", "ausearch", "autrace", "auditd", "augenrules"))


def _declared(**more: Any) -> dict[str, Any]:
    return {"severity": Severity.MEDIUM, "needs_root": True, "unless": HOST_KERNEL, **more}


def _log(subject: str, pattern: str, shell_pattern: Callable[[str], str], **declared: Any) -> Control:
    """Files or directories of the log, wherever it is. Values: ``auditd_log_modes`` by pattern."""

    def observe(host: Host) -> JsonValue:
        found = seen.file_attributes(host, shell_pattern(log_file(host)))
        given = {"log_group": group} if (group := log_group(host)) not in GROUPS else {}
        return {path: {**item, **given} for path, item in found.items()}

    def expect(values: Any) -> Expectation:
        def complaints(item: Mapping[str, Any]) -> Sequence[str]:
            # Of the group to which auditd gives its log, the control about log_group speaks.
            group = one_of(*GROUPS, *([item["log_group"]] if "log_group" in item else []))
            return fields({"mode": mode_at_most(values[0]), "owner": equals("root"), "group": group}).complaints(item)

        words = f"mode {values[0]} or stricter, owner root, group {' or '.join(GROUPS)} or log_group"
        return every(Expectation(words, complaints), words)

    return of_auditd(
        Control(
            subject=subject,
            observe=observe,
            expect=expect,
            parameters=[Parameter("log_modes", (pattern,), mode_at_most)],
            remedy="Gives it to root and log_group, and takes the surplus permission bits; no bit is ever added.",
            **_declared(**declared),
        )
    )


CONTROLS = [
    _log(
        "log-files",
        "{log_file}*",
        lambda file: f"{shlex.quote(file)}*",
        title="Only root and adm may read the audit log, and only root may write it",
        why="The log names every program and file people used; whoever can write it can take their traces out.",
        violation=Violation(
            [
                "touch /var/log/audit/audit.log.9 /var/log/audit/audit.log.8",
                "chmod 0644 /var/log/audit/audit.log.9",
                "chown operator:plain /var/log/audit/audit.log.8",
            ]
        ),
    ),
    _log(
        "log-directory",
        "{log_directory}/",
        lambda file: f"{shlex.quote(file.rpartition('/')[0])}/",
        title="The directory of the audit log is closed to others",
        why="Names, sizes and times of log files tell when something was going on.",
        violation=Violation(["chmod 0755 /var/log/audit"]),
    ),
    of_auditd(
        file_modes(
            "configuration-files",
            *CONFIGURATION,
            **_declared(
                title="Only root may read and change what auditd does",
                why="The rules tell an intruder what goes unseen, and a changed one makes more of it.",
                violation=Violation(
                    [
                        "chmod 0644 /etc/audit/plugins.d/syslog.conf",
                        "chown operator /etc/audit/audit-stop.rules",
                        "chgrp plain /etc/audit/zos-remote.conf",
                    ]
                ),
            ),
        )
    ),
    of_auditd(
        file_modes(
            "tools",
            *TOOLS,
            **_declared(
                title="Only root may change auditd and its tools",
                why="A tool that leaves out some records is as good as a log without them.",
                violation=Violation(
                    ["chmod g+w /sbin/aureport", "chown operator /sbin/ausearch", "chgrp plain /sbin/augenrules"]
                ),
            ),
        )
    ),
]
