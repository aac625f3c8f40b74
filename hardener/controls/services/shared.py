"""What the declarations about servers and clients share."""

from __future__ import annotations

from collections.abc import Mapping

from hardener.catalogue.control import Declared
from hardener.model import Severity


def declared(numbers: tuple[str, str], severity: Severity, words: Mapping[str, str]) -> Declared:
    """``numbers`` are the recommendations for Debian 12 and 13; ``words`` are ``title`` and ``why``."""
    references = {
        "cis-debian12": numbers[0],
        "cis-debian13": numbers[1],
        "nist-800-53": ("CM-7", "CM-11"),
        "cis-controls-8": "4.8",
        "pci-dss-4": "2.2.4",
    }
    return Declared(level=1, severity=severity, references=references, title=words["title"], why=words["why"])
