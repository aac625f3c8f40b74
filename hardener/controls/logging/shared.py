"""What the topics of logging share: the choice, and settings that are switches."""

from __future__ import annotations

from hardener.catalogue.expectations import Expectation, one_of

JOURNALD = {"logging_choice.system": "journald"}
RSYSLOG = {"logging_choice.system": "rsyslog"}
ON = ("yes", "true", "on", "1")
OFF = ("no", "false", "off", "0")


def switch(value: object) -> Expectation:
    """On or off, in any of the spellings systemd knows."""
    return one_of(*(ON if str(value) in ON else OFF))
