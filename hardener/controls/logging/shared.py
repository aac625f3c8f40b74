"""What the topics of logging share: the choice, references, and settings that are switches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hardener.catalogue.control import Declared, Hazard
from hardener.catalogue.expectations import Expectation, one_of
from hardener.model import Disruption, Severity

JOURNALD = {"logging_choice.system": "journald"}
RSYSLOG = {"logging_choice.system": "rsyslog"}
ON = ("yes", "true", "on", "1")
OFF = ("no", "false", "off", "0")


def declared(
    numbers: tuple[str | None, str | None],
    severity: Severity = Severity.MEDIUM,
    *,
    title: str,
    why: str,
    chosen: Mapping[str, str] | None = None,
) -> Declared:
    """What all controls of logging share; ``numbers`` are the recommendations for Debian 12 and 13."""
    references: dict[str, str | Sequence[str]] = {
        "nist-800-53": ("AU-2", "AU-9", "AU-12"),
        "cis-controls-8": "8.2",
        "pci-dss-4": "10.2.1",
    }
    benchmarks = zip(("cis-debian12", "cis-debian13"), numbers, strict=True)
    references |= {benchmark: number for benchmark, number in benchmarks if number}
    words = Declared(title=title, why=why, level=1, severity=severity, references=references)
    if chosen:
        words["chosen"] = chosen
    return words


def restarting(words: Declared, *hazards: Hazard) -> Declared:
    """The same, for a control whose remedy restarts a logging service."""
    return Declared(**{**words, "disruption": Disruption.RESTART, "hazards": hazards})


def as_root(words: Declared) -> Declared:
    """The same, for a control that only root can observe."""
    return Declared(**{**words, "needs_root": True})


def switch(value: object) -> Expectation:
    """On or off, in any of the spellings systemd knows."""
    return one_of(*(ON if str(value) in ON else OFF))
