"""``python -m tests.fuzz.cost``: processor time and memory of each reader, for a hostile answer and for twice as much.

Ends with 1 where twice the answer takes more than 2.5 times the time, or any more than 64 MiB.
"""

from __future__ import annotations

import json
import os
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress

from hardener.audit import examine
from hardener.catalogue.sshd_ports import LISTENERS
from hardener.conductor import checkpoint_answers
from hardener.errors import ApplyError, TransportError
from hardener.facts import FACT_LIMIT, LAST_RUN
from hardener.model import Answer, Question
from hardener.playbook.events import MOST_TEXT, Outcome, record
from hardener.transport.batch import OUTPUT_LIMIT, Batch
from hardener.transport.exchange import CONVERSATION_LIMIT, converse
from tests.unit.builders import healthy, selection, target

NONCE = "0123456789abcdef0123456789abcdef"
CHUNK = 65536
ROUNDS = 3
MOST_TIMES = 2.5
MOST_MEMORY = 64 * 1024**2
LEAST_SECONDS = 0.02
"""Less processor time than that says nothing of how it grows."""

Reader = Callable[[bytes, int], None]
"""Reads so many bytes that are one unit again and again."""


class _Target:
    """A target that says one chunk after another."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self.chunks = chunks

    def send(self, data: bytes) -> None:
        """Nobody reads it."""

    def close_input(self) -> None:
        """Nobody notices."""

    def receive(self, _seconds: float) -> tuple[bytes, bytes] | None:
        """The next chunk."""
        chunk = next(self.chunks, None)
        return None if chunk is None else (chunk, b"")


def _converse(chunks: Iterator[bytes]) -> None:
    batch = Batch(questions=[Question(command=str(index)) for index in range(400)], nonce=NONCE)
    with suppress(TransportError):
        converse(_Target(chunks), batch, become=None, password=None)


def _stream(unit: bytes, size: int) -> None:
    piece = unit * max(1, CHUNK // len(unit))
    _converse(iter([piece] * (size // len(piece))))


def _fill(unit: bytes, size: int) -> None:
    """As much as is kept of each answer, in frames that close."""

    def chunks() -> Iterator[bytes]:
        for index in range(size // OUTPUT_LIMIT + 1):
            yield f"{NONCE} {index} begin\n".encode()
            yield from [unit] * (OUTPUT_LIMIT // len(unit))
            yield f"\n{NONCE} {index} end 0\n".encode()

    _converse(chunks())


def _repeated(unit: bytes, size: int) -> bytes:
    return unit * (size // len(unit))


def _fact(question: str) -> Reader:
    return lambda unit, size: _identify(question, _repeated(unit, size))


def _identify(question: str, told: bytes) -> None:
    examine(selection("none"), target(), healthy() | {question: Answer(exit_status=0, stdout=told)})


def _answer(unit: bytes, size: int) -> None:
    for read in (checkpoint_answers.status, checkpoint_answers.rolled_back):
        with suppress(ApplyError):
            read(b'{"left":[' + _repeated(unit + b",", size - 64)[:-1] + b'],"undone":[],"conflicts":[]}')


def _event(unit: bytes, size: int) -> None:
    rows = [{"kind": "setting", "subject": "/etc/x", "after": unit.decode()}] * (size // len(unit))
    data = {"host": "node", "task": "Do it", "res": {"changed": True, "diff": rows}}
    record({"event": "runner_on_ok", "event_data": data}, {"node": Outcome()}, lambda _host, _task: None)


BEGIN, END = f"{NONCE} 0 begin\n".encode(), f"\n{NONCE} 0 end 0\n".encode()
MARKS = {
    "begins": BEGIN,
    "ends": END,
    "empty answers": BEGIN + END,
    "nonces": NONCE.encode(),
    "half a nonce": NONCE[:-1].encode(),
    "lines": b"\n",
    "no line": b"x",
}
ROWS = {"rows": b'LISTEN 0 1 *:22 *:* "sshd"\n', "lines": b"\n", "9": b"9"}
ITEMS = {"objects": b"{}", "texts": b'"x"', "odd texts": json.dumps("é\x1b" * 99).encode()}
TEXTS = {"short": b"x", "long": b"eyJ" * 999, "lines": b"a b\n" * 999}
CASES: Sequence[tuple[str, Reader, Mapping[str, bytes], int]] = (
    ("frames", _stream, MARKS, CONVERSATION_LIMIT // 8),
    ("full frames", _fill, {"no line": b"x" * CHUNK}, CONVERSATION_LIMIT),
    ("last run", _fact(LAST_RUN), {"[": b"[", "9": b"9", "objects": b"{},"}, FACT_LIMIT),
    ("ports", _fact(LISTENERS), ROWS, FACT_LIMIT),
    ("checkpoint", _answer, ITEMS, checkpoint_answers.LIMIT),
    ("events", _event, TEXTS, MOST_TEXT // 8),
)


def _seconds(read: Reader, unit: bytes, size: int) -> float:
    """The least processor time of some rounds."""
    found = []
    for _ in range(ROUNDS):
        began = time.process_time()
        read(unit, size)
        found.append(time.process_time() - began)
    return min(found)


def _halves(read: Reader, unit: bytes, size: int) -> tuple[float, float]:
    """Processor time for half of it, and for all; again where a busy machine may have spoilt the measure."""
    for _ in range(ROUNDS):
        half, whole = _seconds(read, unit, size // 2), _seconds(read, unit, size)
        if whole <= MOST_TIMES * half:
            break
    return half, whole


def _memory(read: Reader, unit: bytes, size: int) -> int:
    tracemalloc.start()
    try:
        read(unit, size)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _resident(read: Reader, unit: bytes, size: int) -> int:
    """How much the resident memory of a process of its own grows."""
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        before = _status("VmRSS")
        read(unit, size)
        os.write(writes, str(max(0, _status("VmHWM") - before)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writes)
    with os.fdopen(reads) as pipe:
        return int(pipe.read() or -1)


def _status(name: str) -> int:
    """A number of this process in bytes."""
    with open("/proc/self/status", encoding="ascii") as file:  # noqa: PTH123  (not a file of anybody's)
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(f"{name}:"))


def main() -> int:
    """Measure everything, and print a line of each."""
    print(
        f"{'reader':14} {'answer':14} {'bytes':>10} {'seconds':>8} {'half':>8} {'times':>6} {'MiB':>6} {'resident':>8}"
    )
    is_bad = False
    for name, read, units, limit in CASES:
        for label, unit in units.items():
            half, whole = _halves(read, unit, limit)
            memory, resident = _memory(read, unit, limit), _resident(read, unit, limit)
            times = whole / max(half, 1e-9)
            is_bad |= (times > MOST_TIMES and whole > LEAST_SECONDS) or max(memory, resident) > MOST_MEMORY
            sizes = f"{memory / 1024**2:6.1f} {resident / 1024**2:8.1f}"
            print(f"{name:14} {label:14} {limit:10} {whole:8.3f} {half:8.3f} {times:6.2f} {sizes}", flush=True)
    return int(is_bad)


if __name__ == "__main__":
    sys.exit(main())
