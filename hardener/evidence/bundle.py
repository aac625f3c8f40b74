"""Packs a run, everything that is told of it, and the signed statement about all of that."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from hardener.evidence.container import BundleDamaged, written
from hardener.evidence.envelope import About, Predicate, Statement, Subject, signed
from hardener.evidence.keys import Signer
from hardener.model import Link, Run, TargetResult, canonical

STATEMENT = "statement.dsse.json"
RUN = "run.json.gz"
"""The canonical form, whose digest is in the chain."""
LARGE = 2**20
"""Bytes beyond which a report is packed; smaller ones open with a click."""
MOST_UNPACKED = 2**31
"""Bytes of one packed member."""


@dataclass(frozen=True, kw_only=True)
class Packed:
    """What goes into a bundle."""

    run: Run
    chain: Sequence[Link]
    """From the first run of the store to this one."""
    reports: Mapping[str, bytes] = field(default_factory=dict)
    """By file name."""
    plan: bytes | None = None
    """The approved plan an apply went by."""


def pack(packed: Packed, signer: Signer) -> bytes:
    """The bundle; the same run, reports and key give the same bytes."""
    members = dict(_members(packed))
    digests = {name: hashlib.sha256(body).hexdigest() for name, body in sorted(members.items())}
    statement = Statement(
        subject=[Subject(name=name, digest={"sha256": digest}) for name, digest in digests.items()],
        predicate=_predicate(packed.run, packed.chain),
    )
    return written({**members, STATEMENT: signed(statement, signer)})


def _members(packed: Packed) -> Iterable[tuple[str, bytes]]:
    run = packed.run
    yield RUN, _zipped(b"".join(canonical(run)))
    yield "catalogue.json", _json([_plain(record) for record in run.controls.values()])
    yield "waivers.json", _json([_plain(waiver) for waiver in run.waivers])
    for folder, results in (("transcripts", run.results), ("transcripts-before", run.before)):
        for number, result in enumerate(results, start=1):
            yield f"{folder}/{number:05}.json.gz", _zipped(_json(_transcript(result)))
    for name, body in packed.reports.items():
        yield (f"reports/{name}.gz", _zipped(body)) if len(body) > LARGE else (f"reports/{name}", body)
    if packed.plan is not None:
        yield "plan.json", packed.plan


def _transcript(result: TargetResult) -> Mapping[str, Any]:
    """Who was asked, how, and every question with its answer."""
    whole = _plain(result)
    return {name: whole[name] for name in ("target", "access", "facts", "problem", "transcript")}


def _predicate(run: Run, chain: Sequence[Link]) -> Predicate:
    return Predicate(
        run=run.id,
        kind=run.kind,
        profile=run.profile,
        operator=run.operator,
        tool_version=run.tool_version,
        targets=[
            About(
                target=result.target,
                machine_id=result.facts.machine_id if result.facts else None,
                host_key=result.access.host_key if result.access else None,
            )
            for result in run.results
        ],
        chain=chain,
    )


def _plain(value: BaseModel) -> dict[str, Any]:
    return value.model_dump(mode="json")


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=True) + "\n").encode()


def _zipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def unzipped(data: bytes) -> bytes:
    """What a packed member holds; ``BundleDamaged`` where it is broken, or larger than anything of ours."""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        whole = unpacker.decompress(data, MOST_UNPACKED)
    except zlib.error as error:
        raise BundleDamaged(f"cannot be unpacked: {error}") from None
    if not unpacker.eof or unpacker.unused_data:
        raise BundleDamaged(f"cannot be unpacked: cut short, larger than {MOST_UNPACKED} bytes, or more than one")
    return whole
