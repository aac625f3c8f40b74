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
                {"number": number, "digest": key, "body": packed(item)}
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


DICTIONARY = b"".join(
    (
        b'"access":{"at":"2026-01-01T03:00:00.000000Z","host_key":"ssh-ed25519 SHA256:",',
        b'"become":{"user":"root","method":"sudo"}},',
        b'"walk":{"started":"2026-01-01T03:00:00Z","seconds":0.123,"directories":[]},"questions":["cat /etc/',
        b'{"outcome":"fail","observed":{"now":"","after reboot":""},"expected":"now and after reboot: ","reason":"is ',
        b'{"outcome":"pass","observed":null,"expected":"","reason":"","questions":["',
        b'{"groups":[],"access":null,"values":{},"changes":[],"transcript":{"round_trips":1},"problem":null,',
        b'"seconds":1.000,"walk":null,"tasks":0,"checkpoint":null}',
        b'{"exit_status":1,"stdout":"","stderr":"sh: 1: : not found\\n","problem":null}',
        b'{"exit_status":0,"stdout":"\\n","stderr":"","problem":null}',
    )
)
"""What small bodies are made of, the commonest last: zlib refers to it, and a quiet night's row takes two fifths.

Bodies cannot be unpacked without it: another one needs another version of the schema, and a reader of both.
"""


def packed(data: bytes) -> bytes:
    """Bytes as a body keeps them."""
    packer = zlib.compressobj(zdict=DICTIONARY)
    return packer.compress(data) + packer.flush()


def unpacked(body: bytes, what: str) -> bytes:
    """Bytes as they were before they were packed, with the dictionary or, up to version 4, without."""
    unpacker = zlib.decompressobj(zdict=DICTIONARY)
    try:
        data = unpacker.decompress(body)
    except zlib.error as error:
        raise Damaged(f"{what} cannot be unpacked: {error}") from None
    if not unpacker.eof:
        raise Damaged(f"{what} cannot be unpacked: it is cut short")
    return data
