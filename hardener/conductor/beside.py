"""Work beside the main thread, which alone hears of an interruption, so that one can end it and still be told."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Event, Thread
from typing import TypeVar

Result = TypeVar("Result")


def in_a_thread(work: Callable[[], Result]) -> SimpleQueue[Callable[[], Result]]:
    """Do something beside; the queue gets what gives its result, or raises what it raised.

    The queue of C alone: an interruption in the middle of any other wait of Python's may leave it locked for ever.
    Nobody waits for the thread when the program ends.
    """
    ended: SimpleQueue[Callable[[], Result]] = SimpleQueue()

    def done() -> None:
        future: Future[Result] = Future()
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001  (it is raised where it is waited for)
            future.set_exception(error)
        ended.put(future.result)

    Thread(target=done, name="playbook", daemon=True).start()
    return ended


def waited_for(ended: SimpleQueue[Callable[[], Result]], cancelled: Event) -> Callable[[], Result]:
    """What has ended; an interruption cancels it, and is raised once it has."""
    try:
        return ended.get()
    except BaseException:
        cancelled.set()
        ended.get()
        raise
