"""Services: nothing runs, listens or is installed that a server does not need."""

from hardener.controls.services import clients, ports, servers

CONTROLS = [*servers.CONTROLS, *clients.CONTROLS, *ports.CONTROLS]
