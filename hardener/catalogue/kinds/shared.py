"""What several kinds share: names as ids, and reasons that come with a kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hardener.catalogue.control import Declared
from hardener.catalogue.expectations import Expectation
from hardener.model import Trait

Judge = Callable[[Any], Expectation]

HOST_KERNEL = {Trait.CONTAINER: "the kernel belongs to the machine the container runs on"}
HOST_MOUNTS = {Trait.CONTAINER: "whatever starts the container decides its mounts"}


def subject_of(name: str) -> str:
    """A name as an id: kebab case."""
    return "".join(letter if letter.isalnum() else "-" for letter in name.lower()).strip("-")


def with_reasons(declared: Declared, reasons: Mapping[Trait, str]) -> Declared:
    """The declaration with a kind's own reasons added; what the declaration says itself wins."""
    return Declared(**{**declared, "unless": {**reasons, **declared.get("unless", {})}})
