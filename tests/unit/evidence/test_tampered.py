"""A hundred bundles that somebody changed after they were signed: each is found out, and each with its reason."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import random
import struct
import zipfile
from collections.abc import Callable, Iterator

import pytest

from hardener.evidence import verify
from hardener.evidence.bundle import RUN, STATEMENT
from hardener.evidence.container import written
from hardener.evidence.envelope import signed
from hardener.model import NOTHING_BEFORE, Link, canonical, chained_digest
from tests.unit.evidence.samples import KEY, OTHER_KEY, envelope_fields, members, restated, sample, sealed, statement
from tests.unit.forging import forgeries

SEED = 20261121
Case = tuple[str, Callable[[], bytes], str]
"""A name, what makes the bundle, and the beginning or a part of the reason."""


def replaced(**bodies: bytes | None) -> bytes:
    """The bundle with other members, by name with ``__`` for ``/``; ``None`` takes one out."""
    changed: dict[str, bytes | None] = {**members()}
    changed |= {name.replace("__", "/"): body for name, body in bodies.items()}
    return written({name: body for name, body in changed.items() if body is not None})


def bit_flips() -> Iterator[Case]:
    """A bit anywhere: in a body, a header, the directory, the signature."""
    dice, whole = random.Random(SEED), sealed()
    for _ in range(40):
        place, bit = dice.randrange(len(whole)), dice.randrange(8)

        def flipped(place: int = place, bit: int = bit) -> bytes:
            data = bytearray(whole)
            data[place] ^= 1 << bit
            return bytes(data)

        yield f"bit {bit} of byte {place}", flipped, ""


def cuts() -> Iterator[Case]:
    dice, whole = random.Random(SEED), sealed()
    for length in sorted({dice.randrange(len(whole)) for _ in range(14)}):
        yield f"first {length} bytes", lambda length=length: whole[:length], "bundle: "  # type: ignore[misc]
    yield "nothing", lambda: b"", "bundle: not a bundle"
    yield "a byte more", lambda: whole + b"\0", "bundle: 1 bytes follow its end"


def with_envelope(**changes: object) -> bytes:
    fields = {**envelope_fields(), **changes}
    return replaced(**{STATEMENT: (json.dumps(fields, indent=1) + "\n").encode()})


def members_changed() -> Iterator[Case]:
    """Members that were exchanged, taken out, put in, or rewritten, each in a sound archive."""
    held = members()
    swapped = {"transcripts__00001.json.gz": held["transcripts/00002.json.gz"]}
    swapped |= {"transcripts__00002.json.gz": held["transcripts/00001.json.gz"]}
    yield "two transcripts swapped", lambda: replaced(**swapped), "transcripts/00001.json.gz was changed"
    for name in sorted(set(held) - {STATEMENT}):
        key = name.replace("/", "__")
        yield f"{name} gone", lambda key=key: replaced(**{key: None}), f"{name} is missing"  # type: ignore[misc]
        body = held[name] + b" "
        yield f"{name} longer", lambda key=key, body=body: replaced(**{key: body}), f"{name} was changed"  # type: ignore[misc]
    yield "a member more", lambda: replaced(note=b"all is well"), "note was added: the statement does not name it"
    yield "no statement", lambda: replaced(**{STATEMENT: None}), "statement.dsse.json is missing"
    run, _ = sample()
    better = run.model_copy(update={"results": run.results[:2]})
    fewer = gzip.compress(b"".join(canonical(better)), mtime=0)
    yield "a target less in the run", lambda: replaced(**{RUN: fewer}), "run.json.gz was changed"


def envelopes_changed() -> Iterator[Case]:
    fields = envelope_fields()
    payload = base64.b64decode(fields["payload"])
    other = base64.b64encode(payload.replace(b"night-005", b"night-006")).decode()
    changed = "statement.dsse.json: the statement or its signature was changed after it was signed"
    yield "another payload", lambda: with_envelope(payload=other), changed
    (signature,) = fields["signatures"]
    zero = {**signature, "sig": base64.b64encode(bytes(64)).decode()}
    yield "an empty signature", lambda: with_envelope(signatures=[zero]), changed
    short = {**signature, "sig": "AAAA"}
    yield "a short signature", lambda: with_envelope(signatures=[short]), changed
    yield "no signature", lambda: with_envelope(signatures=[]), "no DSSE envelope with one signature"
    yield "two signatures", lambda: with_envelope(signatures=[signature] * 2), "no DSSE envelope with one signature"
    foreign = f"signed with another key: {OTHER_KEY.public.id}"
    yield "signed anew", lambda: replaced(**{STATEMENT: signed(statement(), OTHER_KEY)}), foreign
    posing = json.loads(signed(statement(), OTHER_KEY))["signatures"][0]["sig"]
    lie = {**signature, "sig": posing}
    yield "signed anew under the same key id", lambda: with_envelope(signatures=[lie]), changed
    was = "statement.dsse.json: the envelope was changed after it was signed"
    yield "another payload type", lambda: with_envelope(payloadType="text/plain"), was
    yield "a field more", lambda: with_envelope(note="trust me"), was
    yield "no JSON", lambda: replaced(**{STATEMENT: b"{" * 100_000}), "no DSSE envelope"


def rechained(links: list[Link]) -> tuple[Link, ...]:
    """Links that follow each other, whatever was left out between."""
    made: list[Link] = []
    for link in links:
        before = made[-1].chained if made else NOTHING_BEFORE
        made.append(link.model_copy(update={"chained": chained_digest(before, link.run, link.digest)}))
    return tuple(made)


def chains_changed() -> Iterator[Case]:
    """What only the signer could do: even with the right key, a chain with a hole is none."""
    run, chain = sample()

    def of(*links: Link) -> bytes:
        return replaced(**{STATEMENT: restated({"chain": links})})

    gap = "chain: run night-004 does not follow run night-002: one of them was changed, or a run between was removed"
    yield "a run dropped", lambda: of(*chain[:2], *chain[3:]), gap
    yield "the first run dropped", lambda: of(*chain[1:]), "chain: run night-002 does not follow the beginning"
    yield "this run dropped", lambda: of(*chain[:-1]), f"chain: does not end with run {run.id}"
    yield "no chain", of, f"chain: does not end with run {run.id}"
    yield "two runs swapped", lambda: of(chain[1], chain[0], *chain[2:]), "chain: run night-002 does not follow"
    altered = chain[2].model_copy(update={"digest": "0" * 64})
    yield "a run altered", lambda: of(*chain[:2], altered, *chain[3:]), "chain: run night-003 does not follow"
    last = rechained([*chain[:4], chain[4].model_copy(update={"digest": "0" * 64})])
    yield "this run altered", lambda: of(*last), "run.json.gz is not the run that the chain ends with"


def zipped(*entries: tuple[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """An archive as other programs write it."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, body in entries:
            with pytest.warns(UserWarning, match="Duplicate") if name in archive.namelist() else _quiet():
                archive.writestr(name, body)
    return made.getvalue()


class _quiet:  # noqa: N801  (reads as a context beside pytest.warns)
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


def lying(name: bytes, size: int) -> bytes:
    """A member that says it is as large as that."""
    return struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, 0, 0, 0x21, 0, size, size, len(name), 0) + name


PATHS = ("../../etc/passwd", "/etc/passwd", "a/../../b", "C:\\x", "a//b", ".hidden", "a\nb", "ü", "a" * 300)


def hostile() -> Iterator[Case]:
    """Archives made to hurt whoever opens them."""
    held = list(members().items())
    for path in PATHS:
        yield f"path {path[:20]!r}", lambda path=path: zipped((path, b"x"), *held), "is no name of a member"  # type: ignore[misc]
    bomb = zipped(("bomb", bytes(50_000_000)), method=zipfile.ZIP_DEFLATED)
    yield "a bomb", lambda: bomb, "bomb is stored otherwise than in a bundle"
    yield "a name twice", lambda: zipped(*sorted(held), held[0]), f"{held[0][0]} is there twice"
    yield "members in another order", lambda: zipped(*sorted(held, reverse=True)), "was changed, at byte"
    yield "a member of 4 GiB", lambda: lying(b"large", 2**32 - 1), "cut short within large"
    yield "something before it", lambda: b"#!/bin/sh\n" + sealed(), "bundle: not a bundle"
    inner = gzip.compress(bytes(3 * 2**20))
    many = replaced(**{RUN: inner})
    yield "a run that unpacks to zeros", lambda: many, "run.json.gz was changed"
    yield "a gzip cut short", lambda: replaced(**{RUN: inner[:-20]}), "run.json.gz cannot be unpacked"
    yield "a run that is no gzip", lambda: replaced(**{RUN: b"run"}), "run.json.gz cannot be unpacked"


def resealed(run: bytes) -> bytes:
    """Another run in the bundle, and a statement about that which the right key has signed."""
    packed = gzip.compress(run, mtime=0)
    whole = statement()
    digest = {"sha256": hashlib.sha256(packed).hexdigest()}
    subject = tuple(item.model_copy(update={"digest": digest}) if item.name == RUN else item for item in whole.subject)
    return replaced(**{RUN: packed, STATEMENT: signed(whole.model_copy(update={"subject": subject}), KEY)})


def runs_forged() -> Iterator[Case]:
    """What only the signer could do, with each field of the run: the chain knows another one."""
    run, _ = sample()
    form = b"".join(canonical(run))
    every = [json.dumps(item, sort_keys=True, separators=(",", ":")).encode() for item in forgeries(json.loads(form))]
    for number, forged in enumerate(random.Random(SEED).sample(every, 150)):
        reason = "run.json.gz is not the run that the chain ends with"
        yield f"run forged, {number}", lambda forged=forged: resealed(forged), reason  # type: ignore[misc]
    for name in ("../../../../home/user/ck", "-rf", "a/b", ""):
        yield f"id {name!r}", lambda name=name: replaced(**{STATEMENT: restated({"run": name})}), "no statement of ours"  # type: ignore[misc]
    deep = b'{"results":' + b"[" * 100_000
    yield "a run nested deeply", lambda: resealed(deep), "run.json.gz is not the run"


CASES = [
    case
    for cases in (bit_flips, cuts, members_changed, envelopes_changed, chains_changed, hostile, runs_forged)
    for case in cases()
]


def test_there_are_a_hundred_of_them_and_more() -> None:
    assert len({make() for _, make, _ in CASES} - {sealed()}) >= 100


@pytest.mark.parametrize(("make", "reason"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_tampered_bundle_is_found_out_with_its_reason(make: Callable[[], bytes], reason: str) -> None:
    verified = verify(make(), KEY.public)
    assert verified.run is None
    assert verified.problems
    assert any(reason in problem for problem in verified.problems), verified.problems
    assert all("\n" not in problem for problem in verified.problems)


def test_every_bit_counts() -> None:
    """One bit of every byte that is no member's body: readers of archives ignore half of them."""
    whole = sealed()
    spans = [(whole.index(body), len(body)) for body in members().values()]
    inside = {place for start, length in spans for place in range(start, start + length)}
    for place in set(range(len(whole))) - inside:
        data = bytearray(whole)
        data[place] ^= 1 << place % 8
        assert verify(bytes(data), KEY.public).problems, place


def test_a_chain_made_anew_by_its_owner_shows_beside_an_earlier_bundle() -> None:
    _, chain = sample()
    made = rechained([*chain[:1], *chain[2:]])
    data = replaced(**{STATEMENT: restated({"chain": made})})
    assert verify(data, KEY.public).problems == ()
    assert verify(data, KEY.public, chain[:3]).problems == (
        "chain: where the earlier bundle has run night-002 it has another: night-003",
    )
