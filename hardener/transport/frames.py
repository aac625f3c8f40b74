"""Reads one stream of a conversation as it arrives: what stands in frames, and the few words that may precede them.

Each byte is looked at once, however the target cuts its lines, and in short steps, so that an interruption is noticed
at once. Of an answer no more is held than its limit. A frame closes by the mark of its own index, at the start of a
line; one that the next begins in spite of is none, and costs its question alone.
"""

from __future__ import annotations

import re
from typing import NamedTuple

PROMPT = " password "
"""Behind the nonce: sudo's prompt, on a line that does not end."""
READY = " ready"
"""Behind the nonce: a shell that will read its program."""
PIECE = 65536
"""Bytes that are looked at in one step."""
MARK_LIMIT = 80
"""Most bytes of a mark behind its nonce."""
SAID_LIMIT = 16384
"""Bytes that are kept of what stands outside of all frames: the last ones, where a refusal says why."""

# Exact: the target knows the nonce, and what it says of its clock may be no number.
_BEGIN = re.compile(rb" (\d{1,6}) begin")
_END = re.compile(rb" (\d{1,6}) end (\d{1,3})(?: (\d{1,12}\.\d{1,9}) (\d{1,12}\.\d{1,9})| *)")
_PROMPT, _READY, _DONE = PROMPT.encode(), READY.encode(), b" done"


class Frame(NamedTuple):
    """What one stream of one question was; ``seconds``: how long it took, where the target could tell."""

    output: bytes
    """At most one byte more than its limit: it is too long then."""
    status: int
    seconds: float | None


class FrameReader:
    """One stream of a batch of so many questions; ``limit``: most bytes of an answer.

    ``frames``: those that are closed, by the index of their question; the first of an index counts. ``has_begun``: the
    program runs; whatever came before was the login shell's or sudo's. ``prompts``: how often a password was asked for.
    """

    def __init__(self, nonce: str, *, questions: int, limit: int) -> None:
        self.frames: dict[int, Frame] = {}
        self.has_begun = self.is_ready = self.is_done = False
        self.prompts = 0
        self._nonce, self._questions, self._limit = nonce.encode(), questions, limit
        self._pending, self._said, self._body = bytearray(), bytearray(), bytearray()
        self._index: int | None = None
        self._size = 0
        self._is_at_line_start = True

    @property
    def said(self) -> bytes:
        """The end of what stands outside of all frames."""
        return bytes((self._said + (self._pending if self._index is None else b""))[-SAID_LIMIT:])

    def feed(self, data: bytes) -> None:
        """Read on."""
        for start in range(0, len(data), PIECE):
            self._pending += data[start : start + PIECE]
            self._read_pending()

    def _read_pending(self) -> None:
        """Read all that is certain: what may be the beginning of a mark stays."""
        pending, length, done = self._pending, len(self._nonce), 0
        while (found := pending.find(self._nonce, done)) >= 0:
            behind = found + length
            self._take(pending[done:found])
            done = found
            ends = pending.find(b"\n", behind, behind + MARK_LIMIT)
            is_prompt = self._index is None and pending.startswith(_PROMPT, behind)
            if ends < 0 and not is_prompt and len(pending) - behind < MARK_LIMIT:
                break
            if is_prompt:
                self.prompts += 1
                done = behind + len(_PROMPT)
            elif ends >= 0 and self._is_read(pending[behind:ends]):
                done = ends + 1
                self._is_at_line_start = True
            else:
                self._take(pending[found:behind])
                done = behind
        else:
            certain = max(done, len(pending) - length + 1)
            self._take(pending[done:certain])
            done = certain
        del pending[:done]

    def _take(self, data: bytearray) -> None:
        """Some bytes that are no mark."""
        if not data:
            return
        self._is_at_line_start = data.endswith(b"\n")
        if self._index is None:
            self._said += data
            del self._said[: max(0, len(self._said) - SAID_LIMIT)]
            return
        self._size += len(data)
        self._body += data[: max(0, self._limit + 2 - len(self._body))]

    def _is_read(self, mark: bytearray) -> bool:
        """Whether what stands behind a nonce on its line is a mark in this place, after doing what it says."""
        is_outside, begin, end = self._index is None, _BEGIN.fullmatch(mark), _END.fullmatch(mark)
        if begin and (is_outside or self._is_at_line_start):
            self._index, self.has_begun = int(begin[1]), True
        elif end and not is_outside and self._is_at_line_start and self._size and int(end[1]) == self._index:
            self._close(int(end[2]), round(float(end[4]) - float(end[3]), 2) if end[3] else None)
        elif mark == _DONE and self._is_at_line_start:
            self._index, self.has_begun, self.is_done = None, True, True
        elif mark == _READY and is_outside:
            self.is_ready = True
        else:
            return False
        self._body, self._size = bytearray(), 0
        return True

    def _close(self, status: int, seconds: float | None) -> None:
        """Keep the frame that ends; the line break before its mark is not the answer's."""
        index, self._index = self._index, None
        if index is not None and index < self._questions and index not in self.frames:
            output = bytes(memoryview(self._body)[: min(self._size - 1, self._limit + 1)])
            self.frames[index] = Frame(output, status, seconds)
