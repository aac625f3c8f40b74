"""Time: one daemon keeps the clock right, and asks the servers the site trusts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import JsonValue

from hardener.catalogue import expectations as accept
from hardener.catalogue import hazards
from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, CouldNotLook, Declared, Hazard, Host, Parameter, Violation, command
from hardener.catalogue.expectations import AFTER_REBOOT, NOW, Expectation
from hardener.catalogue.kinds import running_service, systemd_setting
from hardener.model import Disruption, Facts, HeldBack, Severity, Trait, Values

DAEMONS = {"timesyncd": "systemd-timesyncd.service", "chrony": "chrony.service"}
OTHERS = ("ntpsec.service", "ntp.service", "openntpd.service")
"""Time daemons that nobody can choose here, and that must not run beside the chosen one."""
HOST_CLOCK = {Trait.CONTAINER: "the clock belongs to the machine the container runs on"}
TIMESYNCD = {"time_choice.daemon": "timesyncd"}
CHRONY = {"time_choice.daemon": "chrony"}
PUBLIC_POOL = "pool.ntp.org"
DAEMON = "[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n"
"""A unit that pretends to be a second daemon, as printf spells it."""


def _servers(value: object) -> Expectation:
    """A site that names servers of its own means exactly those; the public pool only stands in for some servers."""
    return accept.something() if PUBLIC_POOL in str(value) else accept.equals(value)


def _daemons(host: Host) -> JsonValue:
    """Every time daemon the host has: whether it runs, and whether it starts at boot."""
    units = (*DAEMONS.values(), *OTHERS)
    files, active = seen.unit_file_states(host, *units), seen.unit_active_states(host, *units)
    return {
        unit: {NOW: active.get(unit, "inactive"), AFTER_REBOOT: files[unit]}
        for unit in units
        if files.get(unit, "alias") != "alias"
    }


def _other_in_charge(host: Host, _: Facts, values: Values) -> HeldBack | None:
    """Another daemon than the one chosen that keeps the clock, unless it is the one Debian has by itself."""
    chosen = DAEMONS[values["time_choice"]["daemon"]]
    others = [unit for unit in (*DAEMONS.values(), *OTHERS) if unit not in (chosen, DAEMONS["timesyncd"])]
    active = seen.unit_active_states(host, *others)
    unit = next(
        (one for one in others if active.get(one) == "active" and values["time_others"][one] != hazards.REPLACED), None
    )
    if unit is None:
        return None
    keep = "set time_choice.daemon to chrony" if unit == DAEMONS["chrony"] else "waive this control"
    return HeldBack(
        reason=f"{unit} keeps the clock here, and the servers it asks and the hosts it serves would be lost",
        go_on=f"{keep} to keep it, or set time_others[{unit}] to {hazards.REPLACED}",
    )


def _exactly_one(values: Sequence[Any]) -> Expectation:
    chosen = DAEMONS[values[0]]
    running = accept.fields({NOW: accept.equals("active"), AFTER_REBOOT: accept.one_of("enabled", "static")})
    stopped = accept.fields(
        {
            NOW: accept.one_of("inactive", "failed"),
            AFTER_REBOOT: accept.one_of("masked", "disabled", "static", "indirect"),
        }
    )

    def complaints(observed: Mapping[str, Any]) -> Sequence[str]:
        wanted = {unit: running if unit == chosen else stopped for unit in (chosen, *observed)}
        return accept.fields(wanted).complaints(observed)

    return Expectation(f"{chosen} runs, and no other time daemon", complaints)


def _chrony_configuration(host: Host) -> Sequence[Sequence[str]]:
    """Every directive chronyd obeys, in words: those it prints itself, and those of its directories of sources.

    None where chrony is not installed: it is the choice made, so nothing else keeps the clock right.
    """
    question = (
        "chronyd -p && for file in $(chronyd -p | sed -n 's|^sourcedir \\(.*\\)|\\1/*.sources|p'); "
        'do [ ! -f "$file" ] || sed \'$a\\\' "$file"; done'
    )
    if host.run(question).rc == seen.COMMAND_NOT_FOUND and "chrony" not in seen.installed_packages(host):
        return []
    return [line.split() for line in seen.ask(host, question).splitlines() if line.strip()]


def _chrony_sources(host: Host) -> JsonValue:
    """The names of the servers and pools chronyd asks."""
    rows = _chrony_configuration(host)
    return " ".join(dict.fromkeys(row[1] for row in rows if row[0] in {"server", "pool", "peer"} and len(row) > 1))


def _chrony_users(host: Host) -> JsonValue:
    """Whom chronyd runs as now, and whom its configuration names; Debian's own default is ``_chrony``."""
    named = [row[1] for row in _chrony_configuration(host) if row[0] == "user" and len(row) > 1]
    processes = host.run("ps -o user:32= -C chronyd")
    if processes.rc not in {0, 1}:
        raise CouldNotLook(f"ps failed with status {processes.rc}")
    running = ", ".join(sorted(set(processes.stdout.split())))
    return {NOW: running or None, AFTER_REBOOT: named[-1] if named else "_chrony"}


def _running(daemon: str, *, title: str) -> Control:
    """The daemon of a choice, which has to run where it is the choice made."""
    why = "A time daemon that is only installed corrects nothing."
    unit = DAEMONS[daemon]
    declared = _declared(chosen={"time_choice.daemon": daemon}, title=title, why=why)
    control = running_service(daemon, unit, **declared)
    return replace(control, parameters=[Parameter("daemons", (daemon, unit), accept.equals)])


def _timesyncd_servers(name: str, title: str, why: str) -> Control:
    return systemd_setting(
        name,
        file="systemd/timesyncd.conf",
        section="Time",
        variable="servers",
        judge=_servers,
        broken="",
        **_declared(chosen=TIMESYNCD, title=title, why=why),
    )


def _declared(
    *,
    chosen: Mapping[str, str] | None = None,
    hazards: Sequence[Hazard] = (),
    title: str,
    why: str,
) -> Declared:
    """What all controls of the clock share."""
    declared = Declared(title=title, why=why, severity=Severity.MEDIUM)
    declared["unless"] = HOST_CLOCK
    declared["disruption"] = Disruption.RESTART
    declared["hazards"] = hazards
    if chosen:
        declared["chosen"] = chosen
    return declared


CONTROLS = [
    Control(
        subject="one-daemon",
        observe=_daemons,
        expect=_exactly_one,
        parameters=[
            Parameter("choice", ("daemon",), lambda _: accept.one_of(*DAEMONS)),
            *(Parameter("daemons", (daemon,), accept.equals) for daemon in DAEMONS),
            *(Parameter("others", (unit,), hazards.kept_or_replaced) for unit in (DAEMONS["chrony"], *OTHERS)),
        ],
        remedy="Enables and starts the daemon chosen, and stops and masks every other.",
        violation=Violation(
            [
                command("printf %s > /usr/lib/systemd/system/openntpd.service", DAEMON),
                "systemctl --quiet unmask openntpd.service",
                "systemctl daemon-reload; systemctl --quiet enable openntpd.service",
            ]
        ),
        **_declared(
            hazards=[_other_in_charge],
            title="Exactly one daemon keeps the clock right",
            why="Without any the clock drifts until logs make no sense; two pull it back and forth.",
        ),
    ),
    _timesyncd_servers(
        "NTP",
        title="timesyncd asks the time servers of the site",
        why="Whoever answers decides what time it is, and with it which certificates and tickets still hold.",
    ),
    _timesyncd_servers(
        "FallbackNTP",
        title="timesyncd has servers to fall back on",
        why="When the first servers are gone, the clock should not drift until somebody notices.",
    ),
    _running("timesyncd", title="systemd-timesyncd runs and starts at boot"),
    Control(
        subject="chrony-sources",
        observe=_chrony_sources,
        expect=lambda values: _servers(values[0]),
        parameters=[Parameter("servers", ("NTP",), _servers)],
        remedy="Names the servers in a file that chronyd reads, takes others from its main file, and restarts it.",
        violation=Violation(
            [
                "find /etc/chrony -type f -exec sed --in-place --regexp-extended '/^\\s*(server|pool|peer)\\s/d' {} +",
                "rm --force /run/chrony-dhcp/*.sources",
            ]
        ),
        **_declared(
            chosen=CHRONY,
            title="chrony asks the time servers of the site",
            why="Whoever answers decides what time it is, and with it which certificates and tickets still hold.",
        ),
    ),
    Control(
        subject="chrony-user",
        observe=_chrony_users,
        expect=lambda values: accept.now_and_after_reboot(accept.equals(values[0])),
        parameters=[Parameter("chrony", ("user",), accept.equals)],
        remedy="Names the user in the main file of chrony, and restarts it.",
        violation=Violation(["printf 'user root\\n' >> /etc/chrony/chrony.conf"]),
        **_declared(
            chosen=CHRONY,
            title="chronyd runs as a user of its own",
            why="A bug in a program that listens to the network should not make its finder root.",
        ),
    ),
    _running("chrony", title="chrony runs and starts at boot"),
]
