"""Services: nothing runs, listens or is installed that a server does not need."""

from hardener.controls.services import clients, ports, servers
from hardener.controls.services.needed import agree

__all__ = ["CONTROLS", "agree"]

CONTROLS = [*servers.CONTROLS, *clients.CONTROLS, *ports.CONTROLS]
