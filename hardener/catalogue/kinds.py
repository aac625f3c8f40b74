"""Kinds: factories for controls that differ only in a name and a number.

Every kind knows how to observe, what to expect, and how to violate; a declaration adds the words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Unpack

from pydantic import JsonValue

from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, Declared, Host, NotApplicable, Parameter, Violation, command
from hardener.catalogue.expectations import (
    AFTER_REBOOT,
    NOW,
    Expectation,
    any_of,
    equals,
    every,
    fields,
    mode_at_most,
    now_and_after_reboot,
    one_of,
    present_fields,
    subset_of,
)
from hardener.model import Disruption, Trait

Judge = Callable[[Any], Expectation]

HOST_KERNEL = {Trait.CONTAINER: "the kernel belongs to the machine the container runs on"}
HOST_MOUNTS = {Trait.CONTAINER: "whatever starts the container decides its mounts"}


def _subject(name: str) -> str:
    """A name as an id: kebab case."""
    return "".join(letter if letter.isalnum() else "-" for letter in name.lower()).strip("-")


def _with_reasons(declared: Declared, reasons: Mapping[Trait, str]) -> Declared:
    """The declaration with a kind's own reasons added; what the declaration says itself wins."""
    return Declared(**{**declared, "unless": {**reasons, **declared.get("unless", {})}})  # type: ignore[typeddict-item]



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
        subject=subject or _subject(keys[0].partition(".")[2]),
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
        **(declared if all(key.startswith("net.") for key in keys) else _with_reasons(declared, HOST_KERNEL)),
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
        subject=f"module-{_subject(module)}",
        observe=observe,
        expect=expect,
        parameters=[Parameter("blocked_modules", (module,), _runs_nothing)],
        remedy="Blocks the module for modprobe and unloads it where nothing uses it.",
        violation=Violation([command("sed --in-place /%s/d /etc/modprobe.d/hardener.conf", module)]),
        **_with_reasons(declared, HOST_KERNEL),
    )


def _runs_nothing(_: object) -> Expectation:
    return one_of("/bin/false", "/bin/true", "/usr/bin/false", "/usr/bin/true")


def separate_mount(
    path: str,
    *,
    remedy: str,
    is_remediable: bool,
    violation: Violation,
    parameters: Sequence[Parameter] = (),
    **declared: Unpack[Declared],
) -> Control:
    """A directory that is a file system of its own, now and after a reboot."""

    def observe(host: Host) -> JsonValue:
        return {NOW: path in seen.mounted(host), AFTER_REBOOT: path in seen.mounted_at_boot(host)}

    return Control(
        subject=f"{_subject(path)}-separate",
        observe=observe,
        expect=lambda _: now_and_after_reboot(equals(True)),
        parameters=parameters,
        remedy=remedy,
        is_remediable=is_remediable,
        violation=violation,
        **_with_reasons(declared, HOST_MOUNTS),
    )


def mount_option(path: str, option: str, **declared: Unpack[Declared]) -> Control:
    """A mount option of a file system that is mounted separately, live and in what the next boot mounts.

    Values: ``<role>_options`` by path and option.
    """

    def observe(host: Host) -> JsonValue:
        mounted, at_boot = seen.mounted(host), seen.mounted_at_boot(host)
        if path not in mounted and path not in at_boot:
            raise NotApplicable(f"{path} is not a separate file system")
        return {
            NOW: option in mounted[path]["options"] if path in mounted else "not mounted",
            AFTER_REBOOT: option in at_boot[path] if path in at_boot else "not mounted",
        }

    return Control(
        subject=f"{_subject(path)}-{option}",
        observe=observe,
        expect=lambda values: now_and_after_reboot(equals(values[0])),
        parameters=[Parameter("options", (path, option), equals)],
        remedy="Adds the option to the entry in fstab or to the mount unit, and remounts.",
        violation=Violation([command("mount --options remount,%s %s", option.removeprefix("no"), path)]),
        **_with_reasons(declared, HOST_MOUNTS),
    )


def unneeded_service(subject: str, *units: str, **declared: Unpack[Declared]) -> Control:
    """Units of a service nobody needs: absent, or neither running nor started at boot.

    Values: ``<role>_units`` by unit. Units are masked and not their packages removed: what else hangs on a package
    (rpcbind on NFS clients, the rsync command) goes on working, and the way back is one command.
    """

    def observe(host: Host) -> JsonValue:
        files, active = seen.unit_file_states(host), seen.unit_active_states(host)
        return {
            unit: {NOW: active.get(unit, "inactive"), AFTER_REBOOT: files.get(unit, "absent")}
            for unit in units
            if unit in files or active.get(unit, "inactive") != "inactive"
        }

    stopped = one_of("inactive", "failed")
    not_started = one_of("masked", "disabled", "static", "indirect", "alias", "absent")
    return Control(
        subject=subject,
        observe=observe,
        expect=lambda _: every(fields({NOW: stopped, AFTER_REBOOT: not_started}), "no unit of it runs or starts at boot"),
        parameters=[Parameter("units", (unit,), equals) for unit in units],
        remedy="Stops and masks the units; the package stays.",
        violation=Violation([_start_unit(units)]),
        **declared,
    )


def _start_unit(units: Sequence[str]) -> str:
    """Starts and enables the last of some units, made up where no package brings it.

    The others are unmasked, for a service may need its socket; systemd reads its files once, and nothing is waited for.
    """
    service = units[-1]
    return command(
        "systemctl --quiet --no-reload unmask" + " %s" * len(units) + "; "
        "[ -e /etc/init.d/%s ] || systemctl cat %s >/dev/null 2>&1 || "
        "printf '[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n' "
        "> /usr/lib/systemd/system/%s; "
        "systemctl --quiet --no-reload enable %s; systemctl daemon-reload; systemctl --no-block start %s",
        *units,
        service.removesuffix(".service"),
        *[service] * 4,
    )


def absent_packages(subject: str, *packages: str, **declared: Unpack[Declared]) -> Control:
    """Packages that are not installed. Values: ``<role>_packages`` by package."""

    def observe(host: Host) -> JsonValue:
        installed = seen.installed_packages(host)
        return {package: "present" if package in installed else "absent" for package in packages}

    return Control(
        subject=subject,
        observe=observe,
        expect=lambda values: fields(dict(zip(packages, map(equals, values), strict=True))),
        parameters=[Parameter("packages", (package,), equals) for package in packages],
        remedy="Removes the package; its configuration stays.",
        violation=Violation([_install_empty_package(packages[0])]),
        **declared,
    )


def _install_empty_package(package: str) -> str:
    """Installs a package of that name with nothing in it: real to dpkg, newer than what others conflict with."""
    return command(
        "folder=$(mktemp --directory) && mkdir $folder/DEBIAN && printf "
        "'Package: %%s\\nVersion: 99:0\\nArchitecture: all\\nMaintainer: lab <lab@localhost>\\nDescription: empty\\n' %s "
        "> $folder/DEBIAN/control && dpkg-deb --build $folder $folder.deb && dpkg --install $folder.deb; "
        "rm --recursive $folder $folder.deb",
        package,
    )


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
        "remedy": "Sets the option in a drop-in that sshd reads first, after `sshd -t` has accepted it, and reloads sshd.",
        "needs_root": True,
        "violation": Violation([command("sed --in-place -e 1i%s -e %s /etc/ssh/sshd_config", line, f"$a{line}")]),
        **declared,
    }


def file_modes(
    subject: str,
    *patterns: str,
    violation: Violation,
    groups: Sequence[str] = ("root",),
    shared: Mapping[str, Sequence[str]] | None = None,
    **declared: Unpack[Declared],
) -> Control:
    """Regular files that belong to root and grant no more than a mode. Values: ``<role>_file_modes`` by pattern.

    ``shared``: a wider mode → the groups with which it is acceptable too.
    """

    def observe(host: Host) -> JsonValue:
        return {pattern: dict(seen.file_attributes(host, pattern)) for pattern in patterns}

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
        parameters=[Parameter("file_modes", (pattern,), mode_at_most) for pattern in patterns],
        remedy="Gives the files to root and takes the surplus permission bits; no bit is ever added.",
        violation=violation,
        **declared,
    )


def review(subject: str, observe: Callable[[Host], JsonValue], **declared: Unpack[Declared]) -> Control:
    """A manual control: gathers what a person needs to decide, and never passes."""
    return Control(
        subject=subject,
        observe=observe,
        expect=None,
        remedy="None: a person decides, from the evidence.",
        is_remediable=False,
        **declared,
    )
