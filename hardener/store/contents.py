"""Bytes that are kept once, found by the hash of what they say."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

from sqlalchemy import Connection, Table, func, select

from hardener.store import schema

Item = TypeVar("Item")

MOST_PARAMETERS = 500
"""Values in one statement; databases limit them."""


class Refusal(Exception):
    """The store cannot do what it was asked; the text says why, in the part of a line after where the store is."""


class Damaged(Refusal):
    """The store holds something no program of ours has written so, or misses something; the text says what."""


def digest(data: bytes) -> bytes:
    """What content is found by."""
    return hashlib.sha256(data).digest()


def batches(items: Iterable[Item], size: int = MOST_PARAMETERS) -> Iterator[Sequence[Item]]:
    """The items, so many at a time."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def next_number(connection: Connection, table: Table) -> int:
    """A key above all others; its own until the transaction ends, since writers take turns."""
    return int(connection.execute(select(func.coalesce(func.max(table.c.number), 0))).scalar_one()) + 1


class Contents:
    """The contents of a store, as one transaction puts and gets them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._numbers: dict[bytes, int] = {}
        self._bodies: dict[int, bytes] = {}

    def put(self, items: Iterable[bytes]) -> Mapping[bytes, int]:
        """The number of each item, by the item; what is not there yet is added."""
        digests = {item: digest(item) for item in set(items)}
        self._find(digests.values())
        new = {key: item for item, key in digests.items() if key not in self._numbers}
        if new:
            first = next_number(self._connection, schema.content)
            rows = [
                {"number": number, "digest": key, "body": zlib.compress(item)}
                for number, (key, item) in enumerate(new.items(), start=first)
            ]
            self._connection.execute(schema.content.insert(), rows)
            self._numbers |= {key: number for number, key in enumerate(new, start=first)}
        return {item: self._numbers[key] for item, key in digests.items()}

    def find(self, items: Iterable[bytes]) -> Mapping[bytes, int]:
        """The number of each item that is there, by the item."""
        digests = {item: digest(item) for item in items}
        self._find(digests.values())
        return {item: self._numbers[key] for item, key in digests.items() if key in self._numbers}

    def _find(self, keys: Iterable[bytes]) -> None:
        table = schema.content
        for batch in batches(sorted({key for key in keys if key not in self._numbers})):
            query = select(table.c.digest, table.c.number).where(table.c.digest.in_(batch))
            self._numbers |= {bytes(key): number for key, number in self._connection.execute(query)}

    def get(self, numbers: Collection[int]) -> Mapping[int, bytes]:
        """What is kept under some numbers; ``Damaged`` where that is missing or cannot be unpacked."""
        table = schema.content
        for batch in batches(sorted(self._unread(numbers))):
            query = select(table.c.number, table.c.body).where(table.c.number.in_(batch))
            self._bodies |= {
                number: unpacked(body, f"content {number}") for number, body in self._connection.execute(query)
            }
        if missing := self._unread(numbers):
            raise Damaged(f"content {min(missing)} is missing")
        return {number: self._bodies[number] for number in numbers}

    def _unread(self, numbers: Iterable[int]) -> set[int]:
        # A difference with the keys of a dict would walk through all of them, however few numbers are asked for.
        return {number for number in numbers if number not in self._bodies}


def unpacked(body: bytes, what: str) -> bytes:
    """Bytes as they were before they were compressed."""
    try:
        return zlib.decompress(body)
    except zlib.error as error:
        raise Damaged(f"{what} cannot be unpacked: {error}") from None
