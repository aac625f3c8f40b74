"""The container of a bundle: a zip archive without compression, and the same bytes for the same members.

Any program opens it. Ours reads only what it would have written itself: it takes the members one after the other from
the front, makes the archive anew, and compares both. So nothing can hide in a field that readers ignore, a directory
cannot contradict the members, and no member is larger than the bytes it takes.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator, Mapping

MOST_BYTES = 2**31
"""Of a whole bundle."""
MOST_MEMBERS = 50_000
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*")
_LONGEST_NAME = 200

# Field by field as in PKWARE's APPNOTE 4.3: version 2.0, no flags, stored, 1 January 1980 at midnight.
_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_LOCAL_MARK, _CENTRAL_MARK, _END_MARK = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_VERSION, _MIDNIGHT, _NEW_YEAR = 20, 0, 0x21
_MADE_BY_UNIX = 3 << 8 | _VERSION
_PRIVATE_FILE = 0o100600 << 16


class BundleDamaged(Exception):
    """The bytes are no bundle, or not any more; the text says where and why."""


def written(members: Mapping[str, bytes]) -> bytes:
    """The archive of some members, in the order of their names; ``ValueError`` where a name or size is none of ours."""
    return b"".join(_parts(members))


def _parts(members: Mapping[str, bytes]) -> Iterator[bytes]:
    directory: list[bytes] = []
    offset = 0
    for name, body in sorted(members.items()):
        if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
            raise ValueError(f"no name for a member: {name!r}")
        encoded, sums = name.encode(), (zlib.crc32(body), len(body), len(body))
        times = (_MIDNIGHT, _NEW_YEAR)
        header = _LOCAL.pack(_LOCAL_MARK, _VERSION, 0, 0, *times, *sums, len(encoded), 0) + encoded
        entry = _CENTRAL.pack(
            *(_CENTRAL_MARK, _MADE_BY_UNIX, _VERSION, 0, 0, *times, *sums),
            *(len(encoded), 0, 0, 0, 0, _PRIVATE_FILE, offset),
        )
        directory.append(entry + encoded)
        offset += len(header) + len(body)
        yield from (header, body)
    size, count = sum(map(len, directory)), len(directory)
    if offset + size + _END.size > MOST_BYTES or count > MOST_MEMBERS:
        raise ValueError(f"{count} members of {offset} bytes are more than a bundle holds")
    yield from directory
    yield _END.pack(_END_MARK, 0, 0, count, count, size, offset, 0)


def read(data: bytes) -> Mapping[str, bytes]:
    """The members by name; ``BundleDamaged`` where these are not exactly the bytes that ``written`` makes of them."""
    if len(data) > MOST_BYTES:
        raise BundleDamaged(f"larger than {MOST_BYTES} bytes")
    members: dict[str, bytes] = {}
    offset = 0
    while data[offset : offset + 4] == _LOCAL_MARK:
        name, body, offset = _member(data, offset)
        if name in members:
            raise BundleDamaged(f"{name} is there twice")
        if len(members) == MOST_MEMBERS:
            raise BundleDamaged(f"more than {MOST_MEMBERS} members")
        members[name] = body
    if not members:
        raise BundleDamaged("not a bundle")
    again = written(members)
    if again != data:
        raise BundleDamaged(_difference(data, again, offset))
    return members


def _member(data: bytes, offset: int) -> tuple[str, bytes, int]:
    """Name and body of the member whose header begins at an offset, and where the next one begins."""
    begins = offset + _LOCAL.size
    if begins > len(data):
        raise BundleDamaged("cut short within a header")
    _, _, flags, method, _, _, checksum, stored, size, length, extra = _LOCAL.unpack(data[offset:begins])
    raw = data[begins : begins + length]
    name = raw.decode("ascii", "backslashreplace")
    if not _NAME.fullmatch(name) or length > _LONGEST_NAME:
        raise BundleDamaged(f"{name[:_LONGEST_NAME]!r} is no name of a member")
    if (flags, method, extra) != (0, 0, 0) or stored != size:
        raise BundleDamaged(f"{name} is stored otherwise than in a bundle: packed, encrypted, or with extra fields")
    ends = begins + length + size
    if ends > len(data):
        raise BundleDamaged(f"cut short within {name}")
    body = data[begins + length : ends]
    if zlib.crc32(body) != checksum:
        raise BundleDamaged(f"{name} was changed: its checksum is another")
    return name, body, ends


def _difference(data: bytes, again: bytes, directory: int) -> str:
    if len(data) < len(again) and again.startswith(data):
        return "cut short within the directory"
    if data.startswith(again):
        return f"{len(data) - len(again)} bytes follow its end"
    where = next(
        (place for place, (one, other) in enumerate(zip(data, again, strict=False)) if one != other), len(again)
    )
    part = "directory" if where >= directory else "header of a member"
    return f"the {part} was changed, at byte {where}, or its members are in another order"
