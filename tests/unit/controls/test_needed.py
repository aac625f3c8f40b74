"""What a host may serve and what is stopped because nobody needs it are one thing, told by two values that agree."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from hardener.catalogue.discovery import discover
from hardener.catalogue.observations import SOCKETS, active_units_question, unit_files_question
from hardener.content import roles_directory
from hardener.controls.services.needed import agree
from hardener.documents import merged
from hardener.errors import ConfigError
from hardener.inventory import role_defaults
from hardener.model import HeldBack, Values
from tests.unit.builders import FACTS, target
from tests.unit.controls.recorded import RecordedHost

CATALOGUE = discover()
DEFAULTS = role_defaults(roles_directory())
NGINX = 'tcp LISTEN 0 511 0.0.0.0:443 0.0.0.0:* users:(("nginx",pid=5,fd=6)) cgroup:/system.slice/nginx.service\n'
SNMPD = 'udp UNCONN 0 0 0.0.0.0:161 0.0.0.0:* users:(("snmpd",pid=6,fd=6)) cgroup:/system.slice/snmpd.service\n'
LOCAL = 'tcp LISTEN 0 511 127.0.0.1:443 0.0.0.0:* users:(("nginx",pid=5,fd=6)) cgroup:/system.slice/nginx.service\n'


def allowing(*patterns: str) -> Values:
    """The defaults, and what may listen besides."""
    before = DEFAULTS["services_listening"]["allowed"]
    return {**DEFAULTS, "services_listening": {"allowed": [*before, *patterns]}}


@pytest.mark.parametrize(
    ("pattern", "needed"),
    [
        ("tcp 443 nginx", ["nginx.service"]),
        ("tcp * nginx*", ["nginx.service"]),
        ("udp 67 dhcpd", ["isc-dhcp-server.service", "isc-dhcp-server6.service"]),
        ("udp 69 in.tftpd", ["tftpd-hpa.service"]),
        ("tcp 8080 our-program", []),
        ("tcp 443 *", []),
    ],
)
def test_what_is_named_as_served_is_needed(pattern: str, needed: list[str]) -> None:
    agreed = agree(allowing(pattern), {})
    changed = {unit for unit, state in agreed["services_units"].items() if state != DEFAULTS["services_units"][unit]}
    assert sorted(changed) == sorted(needed)
    assert agree(agreed, {}) == agreed


def test_the_defaults_agree_already() -> None:
    assert agree(DEFAULTS, {}) == DEFAULTS


def test_a_site_that_says_both_is_told_where() -> None:
    places = {"services_units.nginx.service": "all.yml:3", "services_listening.allowed": "web.yml:2"}
    with pytest.raises(ConfigError) as raised:
        agree(allowing("tcp 443 nginx"), places)
    assert str(raised.value) == (
        "all.yml:3: nginx.service is masked, and services_listening.allowed lets it serve: tcp 443 nginx (web.yml:2)"
    )


def test_every_target_gets_values_that_agree() -> None:
    chosen = target().model_copy(update={"values": allowing("tcp 443 nginx")})
    assert CATALOGUE.agreed(chosen, {}).values["services_units"]["nginx.service"] == "needed"
    with pytest.raises(ConfigError):
        CATALOGUE.agreed(chosen, {"services_units.nginx.service": "profile.yml:3"})


def host(*units: str, sockets: str = "") -> RecordedHost:
    """A host on which these units run and start at boot."""
    files = "".join(f"{unit} enabled enabled\n" for unit in units)
    return RecordedHost(
        {
            unit_files_question(): (0, files, ""),
            active_units_question(): (0, "".join(f"{unit} active\n" for unit in units), ""),
            SOCKETS: (0, sockets, ""),
        }
    )


def complaints(values: Values, *units: str) -> Sequence[str]:
    """What is wrong with a web server's host."""
    control = CATALOGUE["services-web-server"]
    expectation = control.expectation(values)
    assert expectation is not None
    return expectation.complaints(control.observe(host(*units)))


def test_a_needed_unit_may_run_and_no_other() -> None:
    needed = agree(allowing("tcp 443 nginx"), {})
    assert complaints(needed, "nginx.service") == ()
    assert complaints(needed, "nginx.service", "apache2.service") == complaints(needed, "apache2.service") != ()
    assert complaints(DEFAULTS, "nginx.service") != ()
    expectation = CATALOGUE["services-web-server"].expectation(needed)
    assert expectation is not None
    assert expectation.words == "no unit of it runs or starts at boot, but for nginx.service"


def held(control: str, sockets: str, values: Values) -> HeldBack | None:
    (hazard,) = CATALOGUE[control].hazards
    return hazard(host(sockets=sockets), FACTS, values)


OPEN = {"firewall_services": {"inbound": {"https": {"protocol": "tcp", "ports": [443, "8443"]}}}}


@pytest.mark.parametrize(
    ("values", "where"),
    [
        (allowing("tcp 443 *"), "services_listening.allowed"),
        (merged(DEFAULTS, OPEN), "firewall_services.inbound.https"),
    ],
)
def test_what_serves_on_a_port_that_the_site_has_opened_is_held_back(values: Values, where: str) -> None:
    found = held("services-web-server", NGINX + SNMPD, values)
    assert found is not None
    assert found.reason == f"nginx.service serves tcp 443, which {where} opens"
    assert "name tcp 443 nginx in services_listening.allowed to keep it" in found.go_on
    assert held("services-snmp-server", NGINX + SNMPD, values) is None


def test_what_nobody_opened_and_what_is_needed_is_not_held_back() -> None:
    assert held("services-web-server", NGINX, DEFAULTS) is None
    assert held("services-web-server", LOCAL, allowing("tcp 443 *")) is None
    assert held("services-web-server", NGINX, agree(allowing("tcp 443 nginx"), {})) is None
