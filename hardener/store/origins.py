"""Since when some findings are as they are, and after what."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from hardener.model import Around, Outcome
from hardener.store.around import around
from hardener.store.history import Applies, Asked, beginnings
from hardener.store.reading import ResultReader


@dataclass(frozen=True)
class Wanted:
    """Of which findings of one result the origin is wanted."""

    result: int
    outcomes: Mapping[str, Outcome]
    references: Mapping[str, int]
    """By control, the last result that saw something else: what changed the target before it is no cause."""


@dataclass(frozen=True)
class Origin:
    """Where a finding comes from."""

    began: int
    """When the run started that first saw its outcome, in seconds since 1970."""
    cause: str
    """Which run of ours changed the target in between, in words; empty if none did."""
    around: Around | None


def origins(
    connection: Connection, reader: ResultReader, wanted: Mapping[int, Wanted], commands: Collection[str]
) -> Mapping[tuple[int, str], Origin]:
    """By subject and control; ``commands``: whose answers are wanted around each change."""
    asked = {subject: Asked(item.result, item.outcomes) for subject, item in wanted.items()}
    began = beginnings(connection, reader, asked)
    references = {key: wanted[key[0]].references[key[1]] for key in began}
    applies = Applies(connection, [*references.values(), *(item.result for item in wanted.values())])
    firsts = {item.value_since for key, item in began.items() if item.value_since > references[key]}
    answers = around(connection, reader, firsts, commands)
    return {
        key: Origin(
            began=item.began,
            cause=applies.between(key[0], references[key], item.value_since),
            around=answers.get(item.value_since),
        )
        for key, item in began.items()
    }
