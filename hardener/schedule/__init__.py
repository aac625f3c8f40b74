"""The nightly audit as a systemd timer: what its units say, and how they come, go and are asked."""

from hardener.schedule.nightly import Nightly
from hardener.schedule.status import Status
from hardener.schedule.systemd import Systemd
from hardener.schedule.units import SERVICE, TIMER, unit_texts

__all__ = ["SERVICE", "TIMER", "Nightly", "Status", "Systemd", "unit_texts"]
