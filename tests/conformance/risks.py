"""Reads every task of every role for what it can take away: a package, a running unit, or somebody's access."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hardener.catalogue.control import Control, Parameter
from hardener.catalogue.discovery import Catalogue
from hardener.content import roles_directory
from hardener.model import Values

REMOVES, STOPS, ACCESS = "removes packages", "stops or restarts units", "changes who gets in"
ACCESS_FILES = re.compile(
    r"/etc/(ssh/|sudoers|pam\.d/|security/(faillock|access)|hardener/firewall|cron\.|at\.|grub\.d/.*password)"
)

Arguments = Mapping[str, Any]


def _of_path(arguments: Arguments) -> str | None:
    """Whether a file that decides over access is written."""
    paths = str(arguments.get("path") or arguments.get("dest") or arguments)
    return ACCESS if ACCESS_FILES.search(paths) else None


def _of_apt(arguments: Arguments) -> str | None:
    return REMOVES if "absent" in arguments else None


def _of_systemd(arguments: Arguments) -> str | None:
    return None if set(arguments) == {"daemon_reload"} else STOPS


def _never(_: Arguments) -> None:
    return None


MODULES: Mapping[str, Callable[[Arguments], str | None]] = {
    "apt_packages": _of_apt,
    "ansible.builtin.systemd_service": _of_systemd,
    "units": lambda _: STOPS,
    "enforced_profiles": lambda _: STOPS,  # a program that runs on may no longer do what it did
    "packet_filter": lambda _: ACCESS,
    "pam_profiles": lambda _: ACCESS,
    "ansible.builtin.group": lambda _: ACCESS,
    **dict.fromkeys(
        [
            "ansible.builtin.file",
            "actions",
            "ansible.builtin.command",
            "file_modes",
            "first_line",
            "allowed_users",
            "keyed_file",
            "log_files",
            "matched_line",
            "text_files",
        ],
        _of_path,
    ),
    **dict.fromkeys(
        [
            "ansible.builtin.import_tasks",
            "ansible.builtin.meta",
            "ansible.builtin.stat",
            "audit_log_info",
            "dconf_settings",
            "grub_menu",
            "audit_rules",
            "live_sysctl",
            "mount_options",
            "unloaded_modules",
        ],
        _never,
    ),
}
"""What a module can do with its arguments. A module that is not here has not been thought about."""
KEYWORDS = {"name", "when", "notify", "listen", "register", "vars", "changed_when", "check_mode", "become", "no_log"}


@dataclass(frozen=True)
class Risk:
    """A task that can take something away, and the controls whose remedy it is."""

    role: str
    task: str
    kind: str
    controls: Sequence[Control]


def risks(catalogue: Catalogue, defaults: Values) -> Sequence[Risk]:
    """Every such task of every role, handlers under the tasks that notify them."""
    found = []
    for role in catalogue.roles():
        tasks = list(_tasks(roles_directory() / role / "tasks" / "main.yml"))
        handlers = list(_tasks(roles_directory() / role / "handlers" / "main.yml"))
        for task in [*tasks, *handlers]:
            module = _module(task)
            if kind := MODULES[module](task[module] or {}):
                sources = [task] if task in tasks else [item for item in tasks if _notifies(item, task)]
                text = yaml.safe_dump(sources)
                concerned = list(_concerned(catalogue, role, text))
                taking = [
                    control for control, item in concerned if kind != STOPS or not _only_starts(item, role, defaults)
                ]
                if taking or not concerned:
                    found.append(
                        Risk(role, task["name"], kind, list({control.id: control for control in taking}.values()))
                    )
    return found


def _tasks(file: Path, when: object = None) -> Iterator[dict[str, Any]]:
    """The tasks of a file and of those it imports, each with the condition of its import."""
    yield from _flat((yaml.safe_load(file.read_text()) or []) if file.is_file() else [], file.parent, when)


def _flat(tasks: Sequence[dict[str, Any]], folder: Path, when: object) -> Iterator[dict[str, Any]]:
    for task in tasks:
        whole = {**task, "when": [when, task.get("when")]} if when else task
        if "ansible.builtin.import_tasks" in task:
            yield from _tasks(folder / task["ansible.builtin.import_tasks"], whole.get("when"))
        elif "block" in task:
            yield from _flat(task["block"], folder, whole.get("when"))
        else:
            yield whole


def _module(task: Mapping[str, Any]) -> str:
    (module,) = set(task) - KEYWORDS
    return module


def _notifies(task: Mapping[str, Any], handler: Mapping[str, Any]) -> bool:
    notified = task.get("notify", [])
    names = [notified] if isinstance(notified, str) else notified
    return bool({handler["name"], handler.get("listen")} & set(names))


def _concerned(catalogue: Catalogue, role: str, text: str) -> Iterator[tuple[Control, Parameter]]:
    """The remediable controls of a role with the values that a task's text uses."""
    for control in catalogue.values():
        for parameter in control.parameters if control.role == role and control.is_remediable else ():
            if re.search(rf"\b{parameter.variable(role)}\b", text):
                yield control, parameter


def _only_starts(parameter: Parameter, role: str, defaults: Values) -> bool:
    return bool(parameter.value(role, defaults) == "running")


def risks_page(found: Sequence[Risk]) -> str:
    """The risks as a page of Markdown."""
    rows = [
        f"| {risk.role} | {risk.task} | {risk.kind} | "
        + ", ".join(f"`{control.id}` ({control.disruption.value})" for control in risk.controls)
        + " |\n"
        for risk in found
    ]
    return _HEADER + "".join(rows)


_HEADER = """\
# What a remedy can take away

Written by `make docs` from the tasks of the roles: every task that can remove a package, stop or restart a unit, or
change who gets in, with the controls whose remedy it is and the disruption each of them declares. A plan shows the
disruption of what it would change; `hardener apply --controls` leaves out what you do not want.

| role | task | can do | controls (disruption) |
|---|---|---|---|
"""
