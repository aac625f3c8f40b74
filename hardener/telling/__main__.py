"""Delivers one message: URL, subject and body come as JSON on standard input, why it failed goes to standard output."""

from __future__ import annotations

import json
import logging
import re
import sys
from contextlib import redirect_stdout

from apprise import Apprise, AppriseAsset, NotifyFormat

_STATUS = re.compile(r"error=(\d{3})\b")


class _Reason(logging.Handler):
    """Takes from apprise's log the one thing that is of use and certainly no secret: the status of an answer."""

    def __init__(self) -> None:
        super().__init__()
        self.words = "it could not be reached, or did not take it"

    def emit(self, record: logging.LogRecord) -> None:
        """Look at one record; its text goes nowhere."""
        if status := _STATUS.search(record.getMessage()):
            self.words = f"it answered {status[1]}"


def deliver(url: str, subject: str, body: str) -> str | None:
    """Why it was not delivered, or ``None``."""
    reason = _Reason()
    logging.basicConfig(handlers=[reason], level=logging.WARNING, force=True)
    asset = AppriseAsset(async_mode=False, secure_logging=True, storage_mode="memory")
    service = Apprise.instantiate(url, asset=asset)
    if service is None:
        return "apprise knows no such URL"
    teller = Apprise(asset=asset)
    teller.add(service)
    return None if teller.notify(body=body, title=subject, body_format=NotifyFormat.TEXT) else reason.words


if __name__ == "__main__":
    answer = sys.stdout
    with redirect_stdout(sys.stderr):
        problem = deliver(**json.load(sys.stdin))
    answer.write(problem or "")
