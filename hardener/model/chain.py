"""The chain that holds runs together: each link holds the digest of its run, and of the link before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import datetime

from hardener.model.names import RunId
from hardener.model.run import Run, TargetResult
from hardener.model.word import Word

NOTHING_BEFORE = "0" * 64
"""What the first link follows."""


class Link(Word):
    """One run in the chain. It stays when its run is pruned."""

    run: RunId
    digest: str
    """SHA-256 of the run's canonical form, in hexadecimal."""
    chained: str
    """SHA-256 over the link before, the run's id and its digest: see ``chained_digest``."""
    pruned: datetime | None = None
    """When the run was removed from the store for its age; ``None`` where it is kept."""


def canonical(run: Run) -> Iterator[bytes]:
    """A run as JSON that is the same bytes for the same run, in parts: no two results are held at once.

    Keys are sorted, nothing is between the words, and what has its default value is left out, so that a field added
    later changes no digest of an earlier run. The whole is what ``Run.model_validate_json`` reads.
    """
    head = run.model_dump(mode="json", exclude={"results", "before"}, exclude_defaults=True)
    parts = {name: _json(value) for name, value in head.items()}
    whole = [*parts, "before", "results"]
    for number, name in enumerate(sorted(whole)):
        yield f'{"," if number else "{"}"{name}":'.encode()
        if name in parts:
            yield parts[name]
        else:
            yield from _listed(run.before if name == "before" else run.results)
    yield b"}"


def _listed(results: Iterable[TargetResult]) -> Iterator[bytes]:
    yield b"["
    for number, result in enumerate(results):
        yield (b"," if number else b"") + _json(result.model_dump(mode="json", exclude_defaults=True))
    yield b"]"


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode()


def digest_of(run: Run) -> str:
    """SHA-256 of a run's canonical form, in hexadecimal."""
    digest = hashlib.sha256()
    for part in canonical(run):
        digest.update(part)
    return digest.hexdigest()


def chained_digest(before: str, run: str, digest: str) -> str:
    """What a link holds: SHA-256 of three lines, the link before, the run's id and its digest."""
    return hashlib.sha256(f"{before}\n{run}\n{digest}\n".encode()).hexdigest()


def breaks(links: Iterable[Link]) -> Iterator[str]:
    """Where a chain does not hold, one line each; the links from the first one on."""
    before, run_before = NOTHING_BEFORE, None
    for link in links:
        if link.chained != chained_digest(before, link.run, link.digest):
            after = f"run {run_before}" if run_before else "the beginning"
            yield f"run {link.run} does not follow {after}: one of them was changed, or a run between was removed"
        before, run_before = link.chained, link.run
