"""Kinds about what nobody needs: units and packages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from pydantic import JsonValue

from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, Declared, Host, Parameter, Violation, command
from hardener.catalogue.expectations import (
    AFTER_REBOOT,
    NOW,
    Expectation,
    equals,
    every,
    fields,
    one_of,
    version_at_least,
)
from hardener.catalogue.hazards import cannot_be_had
from hardener.catalogue.kinds.shared import Judge
from hardener.model import Disruption

NEEDED = "needed"
"""What a site says of a unit that its hosts are there for."""


def unneeded_service(subject: str, *units: str, judge: Judge = equals, **declared: Unpack[Declared]) -> Control:
    """Units of a service nobody needs: absent, or neither running nor started at boot.

    Values: ``<role>_units`` by unit; one that is ``NEEDED`` may run. Units are masked and not their packages removed:
    what else hangs on a package (rpcbind on NFS clients, the rsync command) goes on working, and the way back is one
    command.
    """

    def observe(host: Host) -> JsonValue:
        files, active = seen.unit_file_states(host, *units), seen.unit_active_states(host, *units)
        return {
            unit: {NOW: active.get(unit, "inactive"), AFTER_REBOOT: files.get(unit, "absent")}
            for unit in units
            if unit in files or active.get(unit, "inactive") != "inactive"
        }

    stopped = one_of("inactive", "failed")
    not_started = one_of("masked", "disabled", "static", "indirect", "alias", "absent")
    ended = every(fields({NOW: stopped, AFTER_REBOOT: not_started}), "no unit of it runs or starts at boot")

    def expect(values: Sequence[Any]) -> Expectation:
        # Parameters that a control has besides come last.
        needed = [unit for unit, value in zip(units, values, strict=False) if value == NEEDED]
        if not needed:
            return ended
        return Expectation(
            f"{ended.words}, but for {', '.join(needed)}",
            lambda seen: ended.complaints({unit: state for unit, state in seen.items() if unit not in needed}),
        )

    return Control(
        subject=subject,
        observe=observe,
        expect=expect,
        parameters=[Parameter("units", (unit,), judge) for unit in units],
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


def running_service(subject: str, unit: str, **declared: Unpack[Declared]) -> Control:
    """A unit that runs and starts at boot. Values: ``<role>_units`` by unit."""

    def observe(host: Host) -> JsonValue:
        return {
            NOW: seen.unit_active_states(host, unit).get(unit, "inactive"),
            AFTER_REBOOT: seen.unit_file_states(host, unit).get(unit, "absent"),
        }

    return Control(
        subject=subject,
        observe=observe,
        expect=lambda _: fields({NOW: equals("active"), AFTER_REBOOT: one_of("enabled", "static", "alias")}),
        parameters=[Parameter("units", (unit,), equals)],
        remedy="Unmasks, enables and starts the unit.",
        violation=Violation([command("systemctl --quiet disable %s; systemctl --quiet stop %s", unit, unit)]),
        **declared,
    )


def installed_packages(
    subject: str, *packages: str, instead: Sequence[str] = (), **declared: Unpack[Declared]
) -> Control:
    """Packages that have to be there. Values: ``<role>_present`` by package.

    ``instead``: packages of which any one does what all of these do.
    """

    def observe(host: Host) -> JsonValue:
        installed = seen.installed_packages(host)
        replaced = not installed.isdisjoint(instead)
        return {package: "present" if replaced or package in installed else "absent" for package in packages}

    return Control(
        subject=subject,
        observe=observe,
        expect=lambda values: fields(dict(zip(packages, map(equals, values), strict=True))),
        parameters=[Parameter("present", (package,), equals) for package in packages],
        remedy="Installs the package, without what it only recommends.",
        violation=Violation([_forget_package(packages[0])]),
        **Declared(**{**declared, "hazards": [*declared.get("hazards", ()), cannot_be_had(*packages)]}),
    )


def recent_package(package: str, *, broken: str, **declared: Unpack[Declared]) -> Control:
    """A package that is not older than a version. Values: ``<role>_oldest`` by package.

    ``broken``: a version that is too old, and recent enough for the packages that depend on it.
    """

    def observe(host: Host) -> JsonValue:
        return seen.ask(host, "dpkg-query --show --showformat='${Version}' %s", package)

    return Control(
        subject=f"{package}-recent",
        observe=observe,
        expect=lambda values: version_at_least(values[0]),
        parameters=[Parameter("oldest", (package,), version_at_least)],
        remedy="Upgrades this package and no other.",
        violation=Violation(
            [
                command(
                    "sed --in-place %s /var/lib/dpkg/status",
                    rf"/^Package: {package}$/,/^$/ s/^Version: .*/Version: {broken}/",
                )
            ]
        ),
        **declared,
    )


def _forget_package(package: str) -> str:
    """Lets dpkg believe that a package was removed; its files stay, so that nothing else breaks meanwhile."""
    return command(
        "sed --in-place %s /var/lib/dpkg/status",
        rf"/^Package: {package}$/,/^$/ s/^Status: .*/Status: deinstall ok config-files/",
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
        **Declared(**{"disruption": Disruption.REMOVAL, **declared}),
    )


def _install_empty_package(package: str) -> str:
    """Installs a package of that name with nothing in it: real to dpkg, newer than what others conflict with."""
    return command(
        "folder=$(mktemp --directory) && mkdir $folder/DEBIAN && printf "
        "'Package: %%s\\nVersion: 99:0\\nArchitecture: all\\nMaintainer: lab <l@localhost>\\nDescription: empty\\n' %s "
        "> $folder/DEBIAN/control && dpkg-deb --build $folder $folder.deb && dpkg --install $folder.deb; "
        "rm --recursive $folder $folder.deb",
        package,
    )
