"""Services that a host is there for: what it may serve, and what is stopped as nobody needs it, agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from hardener.catalogue import observations as seen
from hardener.catalogue.control import Hazard, Host
from hardener.catalogue.expectations import Expectation, one_of
from hardener.catalogue.kinds.services import NEEDED
from hardener.controls.services.ports import Listener, is_allowed, read_listeners
from hardener.errors import ConfigError
from hardener.model import Facts, HeldBack, Values

MASKED = "masked"
ALLOWED = "services_listening.allowed"
PROGRAMS = {
    "cups.service": "cupsd",
    "isc-dhcp-server.service": "dhcpd",
    "isc-dhcp-server6.service": "dhcpd",
    "tftpd-hpa.service": "in.tftpd",
}
"""Unit → the program that listens for it, where that is not called as the unit is."""


def masked_or_needed(_: object) -> Expectation:
    """What a site may say of a unit, whatever the default is."""
    return one_of(MASKED, NEEDED)


def agree(values: Values, locations: Mapping[str, str]) -> Values:
    """Units whose programs the site lets serve are needed, unless it says itself that they are to be stopped.

    A pattern that leaves the program open names none. Raises ``ConfigError``, with both places, for a contradiction.
    """
    units = dict(values["services_units"])
    for unit, state in units.items():
        pattern = next((one for one in values["services_listening"]["allowed"] if _names(one, unit)), None)
        if pattern is None or state == NEEDED:
            continue
        if location := locations.get(f"services_units.{unit}"):
            other = locations.get(ALLOWED, locations.get("services_listening", "the defaults"))
            raise ConfigError(f"{unit} is {state}, and {ALLOWED} lets it serve: {pattern} ({other})", location=location)
        units[unit] = NEEDED
    return {**values, "services_units": units}


def _names(pattern: str, unit: str) -> bool:
    program = pattern.rsplit(maxsplit=1)[-1]
    return program.strip("*") != "" and fnmatchcase(PROGRAMS.get(unit, unit.rpartition(".")[0]), program)


def serves_what_is_open(*units: str) -> Hazard:
    """One of these units serves what the site has opened without saying which program it is for."""

    def hazard(host: Host, _: Facts, values: Values) -> HeldBack | None:
        for listener in read_listeners(seen.ask(host, seen.SOCKETS)):
            if listener.unit not in units or values["services_units"][listener.unit] == NEEDED:
                continue
            for where in _opened_by(listener, values):
                return HeldBack(
                    reason=f"{listener.unit} serves {listener.protocol} {listener.port}, which {where} opens",
                    go_on=f"name {listener.protocol} {listener.port} {listener.programs[0]} in {ALLOWED} to keep it, "
                    f"or take the port out of {where}",
                )
        return None

    return hazard


def _opened_by(listener: Listener, values: Values) -> Iterator[str]:
    """The values that let others come to a socket."""
    if is_allowed(listener, values["services_listening"]["allowed"]):
        yield ALLOWED
    for name, service in values["firewall_services"]["inbound"].items():
        if _opens(service, listener):
            yield f"firewall_services.inbound.{name}"


def _opens(service: Mapping[str, Any], listener: Listener) -> bool:
    ports: Sequence[Any] = service.get("ports", ())
    is_protocol = service.get("protocol", listener.protocol) == listener.protocol
    return is_protocol and listener.port in {str(port) for port in ports}
