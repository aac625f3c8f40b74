"""A bundle of a small store, made once: keys, chain, run and bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from tempfile import TemporaryDirectory
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hardener.evidence import Packed, PrivateKey, pack
from hardener.evidence.bundle import STATEMENT
from hardener.evidence.container import read
from hardener.evidence.envelope import Statement, signed, told
from hardener.model import Access, Become, Link, Run
from hardener.store import Store
from tests.unit.store.nights import FIRST_NIGHT, night, result
from tests.unit.waivers import waiver

KEY, OTHER_KEY = (PrivateKey(Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)) for number in (1, 2))
REPORTS = {"report.html": b"<!doctype html><title>A report</title>", "report.csv": b"control,outcome\n"}


@cache
def sample() -> tuple[Run, tuple[Link, ...]]:
    """The last of five nights of three targets, and its chain; the second night was pruned."""
    access = Access(at=FIRST_NIGHT, host_key="ssh-ed25519 SHA256:abc", become=Become())
    with TemporaryDirectory() as folder:
        store = Store(f"{folder}/runs.sqlite")
        for number in range(1, 6):
            seen = [result(f"web{index}", f"m{index}", alpha_one=number, alpha_two=99) for index in range(3)]
            results = [item.model_copy(update={"access": access}) for item in seen]
            store.save(night(number, *results, waivers=(waiver("accepted"),)))
        run, chain = store.load_chained("latest")
    gone = {"pruned": datetime(2026, 6, 1, tzinfo=UTC)}
    return run, tuple(link.model_copy(update=gone if link.run == "night-002" else {}) for link in chain)


@cache
def sealed() -> bytes:
    """The bundle of that run."""
    run, chain = sample()
    return pack(Packed(run=run, chain=chain, reports=REPORTS, plan=b"{}"), KEY)


def members() -> dict[str, bytes]:
    """What is in it."""
    return dict(read(sealed()))


def statement() -> Statement:
    """What it says of itself."""
    return told(members()[STATEMENT])


def restated(changes: Mapping[str, Any], key: PrivateKey = KEY) -> bytes:
    """The envelope of that statement with other words in its predicate."""
    whole = statement()
    return signed(whole.model_copy(update={"predicate": whole.predicate.model_copy(update=changes)}), key)


def envelope_fields() -> dict[str, Any]:
    """The envelope as JSON values."""
    fields: dict[str, Any] = json.loads(members()[STATEMENT])
    return fields
