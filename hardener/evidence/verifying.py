"""Verifies a bundle with nothing but a public key, and names everything about it that is not as it was signed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from hardener.evidence.bundle import RUN, STATEMENT, unzipped
from hardener.evidence.container import BundleDamaged, read
from hardener.evidence.envelope import Predicate, Statement, StatementBroken, opened, told
from hardener.evidence.keys import PublicKey
from hardener.model import Link, Run, breaks


@dataclass(frozen=True)
class Verified:
    """What a verification came to."""

    problems: tuple[str, ...]
    """One line for each thing that was changed; none where the bundle is what was signed."""
    about: Predicate | None = None
    """What the statement says, as far as there is one."""
    run: Run | None = None
    """The run, where there are no problems."""


def verify(data: bytes, key: PublicKey, earlier: Sequence[Link] = ()) -> Verified:
    """Whether a bundle is what the owner of a key signed.

    ``earlier`` is the chain of a bundle that was verified before: this one's has to go on from it.
    """
    try:
        members = read(data)
    except BundleDamaged as damage:
        return Verified((f"bundle: {damage}",))
    if STATEMENT not in members:
        return Verified((f"{STATEMENT} is missing: nothing says what the bundle held",))
    problems = []
    try:
        statement = opened(members[STATEMENT], key)
    except StatementBroken as broken:
        problems.append(f"{STATEMENT}: {broken}")
        try:
            statement = told(members[STATEMENT])
        except StatementBroken:
            return Verified(tuple(problems))
    problems += _members(statement, members)
    problems += _chain(statement.predicate, earlier)
    run, found = _run(statement.predicate, members.get(RUN))
    problems += found
    return Verified(tuple(problems), statement.predicate, None if problems else run)


def _members(statement: Statement, members: Mapping[str, bytes]) -> Iterator[str]:
    signed = statement.digests
    if len(signed) != len(statement.subject):
        yield f"{STATEMENT}: names a member twice"
    for name, digest in signed.items():
        if name not in members:
            yield f"{name} is missing"
        elif hashlib.sha256(members[name]).hexdigest() != digest:
            yield f"{name} was changed: its digest is another than the statement's"
    yield from (
        f"{name} was added: the statement does not name it" for name in members if name not in {*signed, STATEMENT}
    )


def _chain(about: Predicate, earlier: Sequence[Link]) -> Iterator[str]:
    chain = about.chain
    yield from (f"chain: {line}" for line in breaks(chain))
    if not chain or chain[-1].run != about.run:
        yield f"chain: does not end with run {about.run}"
    for before, now in zip(earlier, chain, strict=False):
        if before.chained != now.chained:
            yield f"chain: where the earlier bundle has run {before.run} it has another: {now.run}"
            return
    if len(chain) < len(earlier):
        yield f"chain: ends before run {earlier[-1].run}, which the earlier bundle has"


def _run(about: Predicate, body: bytes | None) -> tuple[Run | None, Sequence[str]]:
    """The run, and what is wrong with it: it has to be the one whose digest is in the chain."""
    if body is None:
        return None, ()  # that it is missing is said already
    try:
        form = unzipped(body)
    except BundleDamaged as damage:
        return None, [f"{RUN} {damage}"]
    if about.chain and hashlib.sha256(form).hexdigest() != about.chain[-1].digest:
        return None, [f"{RUN} is not the run that the chain ends with"]
    try:
        return Run.model_validate_json(form), ()
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        return None, [f"{RUN}: {where}: {error.errors()[0]['msg']} (made by a later version?)"]
