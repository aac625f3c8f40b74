"""Keeps what breaks on one target with that target: in words, and told apart from the target's own trouble."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TypeVar

from hardener.errors import HardenerError

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Trouble:
    """What went wrong with one target."""

    words: str
    """One line."""
    is_our_fault: bool = False
    """Whether this program broke, and not the target."""

    @property
    def fields(self) -> Mapping[str, object]:
        """The fields by which a result or a plan tells it."""
        return {"problem": self.words, "is_our_fault": self.is_our_fault}


def trouble(error: Exception) -> Trouble:
    """An error while one target was handled; whatever nobody foresaw is a fault of ours, and says where it can be seen.

    With ``HARDENER_DEBUG`` in the environment its traceback goes to stderr.
    """
    if isinstance(error, HardenerError):
        return Trouble(str(error))
    if os.environ.get("HARDENER_DEBUG"):
        traceback.print_exception(error)
    said = next(iter(str(error).splitlines()), "")
    kind = type(error).__name__
    return Trouble(f"a fault of our own: {kind}{f': {said}' if said else ''} (HARDENER_DEBUG=1 shows where)", True)  # noqa: FBT003


def side_by_side(
    items: Sequence[Item],
    work: Callable[[Item], Result],
    broken: Callable[[Item, Exception], Result],
    *,
    workers: int,
    name: str,
) -> Iterator[tuple[Item, Result]]:
    """The work on each item in a thread of its own, so many at once; each with its result, as they finish.

    An item whose work raises has the result that ``broken`` makes of that, and costs the others nothing. An
    interruption waits for none of them.
    """
    if not items:
        return
    pool = ThreadPoolExecutor(max_workers=min(workers, len(items)), thread_name_prefix=name)
    try:
        pending = {pool.submit(work, item): item for item in items}
        for future in as_completed(pending):
            item, error = pending[future], future.exception()
            if isinstance(error, Exception):
                yield item, broken(item, error)
            else:
                yield item, future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
