"""Kinds about the kernel: its settings and its modules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from pydantic import JsonValue

from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, Declared, Host, NotApplicable, Parameter, Violation, command
from hardener.catalogue.expectations import (
    AFTER_REBOOT,
    NOW,
    Expectation,
    equals,
    fields,
    now_and_after_reboot,
    one_of,
    present_fields,
)
from hardener.catalogue.kinds.shared import HOST_KERNEL, Judge, subject_of, with_reasons


def sysctl(*keys: str, subject: str | None = None, judge: Judge = equals, **declared: Unpack[Declared]) -> Control:
    """Kernel settings that belong to one requirement: the running value and the one that wins at the next boot.

    Values: ``<role>_sysctl`` by key. A key under ``net.`` lives in the network namespace, so a container has its own;
    all others are the host's.
    """

    def observe(host: Host) -> JsonValue:
        running = seen.ask(host, "sysctl --ignore " + " ".join(["%s"] * len(keys)), *keys)
        now = dict(line.split(" = ", 1) for line in running.splitlines() if " = " in line)
        if not now:
            raise NotApplicable(f"this kernel has no {keys[0]}")
        at_boot = seen.sysctl_at_boot(host)
        return {key: _running_and_at_boot(text, seen.setting_at_boot(at_boot, key)) for key, text in now.items()}

    def expect(values: Sequence[Any]) -> Expectation:
        wanted = {key: judge(value) for key, value in zip(keys, values, strict=True)}
        return present_fields({key: now_and_after_reboot(expectation) for key, expectation in wanted.items()})

    return Control(
        subject=subject or subject_of(keys[0].partition(".")[2]),
        observe=observe,
        expect=expect,
        parameters=[Parameter("sysctl", (key,), judge) for key in keys],
        remedy="Writes the values to a sysctl.d file that is read last, and loads them.",
        violation=Violation(
            [
                command("sed --in-place /%s/d /etc/sysctl.d/zz-hardener.conf", keys[-1]),
                command("sysctl --quiet --write %s=$((! $(sysctl --values %s)))", keys[0], keys[0]),
            ]
        ),
        **(declared if all(key.startswith("net.") for key in keys) else with_reasons(declared, HOST_KERNEL)),
    )


def _running_and_at_boot(running: str, boot: tuple[str, str] | None) -> JsonValue:
    value, file = boot or ("set by no file", None)
    return {NOW: seen.number_or_text(running.strip()), AFTER_REBOOT: seen.number_or_text(value), "set by": file}


def blocked_module(module: str, **declared: Unpack[Declared]) -> Control:
    """A kernel module that is neither loaded nor loadable.

    Values: ``<role>_blocked_modules``: what modprobe runs instead of loading it.
    """
    name = module.replace("-", "_")

    def observe(host: Host) -> JsonValue:
        settings = seen.module_settings(host)
        installs = [" ".join(row[2:]) for row in settings if row[:2] == ["install", name]]
        return {
            "loaded": name in seen.loaded_modules(host),
            "built into the kernel": name in seen.builtin_modules(host),
            "loads as": installs[-1] if installs else "itself",
            "blacklisted": ["blacklist", name] in settings,
        }

    def expect(values: Sequence[Any]) -> Expectation:
        return fields(
            {
                "loaded": equals(False),
                "built into the kernel": equals(False),
                "loads as": _runs_nothing(values[0]),
                "blacklisted": equals(True),
            }
        )

    return Control(
        subject=f"module-{subject_of(module)}",
        observe=observe,
        expect=expect,
        parameters=[Parameter("blocked_modules", (module,), _runs_nothing)],
        remedy="Blocks the module for modprobe and unloads it where nothing uses it.",
        violation=Violation([command("sed --in-place /%s/d /etc/modprobe.d/hardener.conf", module)]),
        **with_reasons(declared, HOST_KERNEL),
    )


def _runs_nothing(_: object) -> Expectation:
    return one_of("/bin/false", "/bin/true", "/usr/bin/false", "/usr/bin/true")
