"""What became of the nightly audit, as systemd tells it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

TIMER_PROPERTIES = ("ActiveState", "NextElapseUSecRealtime", "LastTriggerUSec")
SERVICE_PROPERTIES = ("ActiveState", "Result", "ExecMainStatus", "ExecMainExitTimestamp")

_DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_CODES = {"1": "regressions stand", "2": "incomplete", "65": "bad configuration", "70": "internal error"}


@dataclass(frozen=True, kw_only=True)
class Status:
    """One installed schedule."""

    timer: str
    """The file of the timer."""
    is_waiting: bool
    """Whether the timer runs; without it there is no next time."""
    project: str
    store: str
    next: datetime | None
    last: datetime | None
    result: str


def read_status(timer: Mapping[str, str], service: Mapping[str, str], text: str, file: str) -> Status:
    """The status from the properties of both units and the text of the service."""
    said = dict(line.split("=", 1) for line in text.partition("[X-Hardener]")[2].split("\n") if "=" in line)
    return Status(
        timer=file,
        is_waiting=timer.get("ActiveState") == "active",
        project=said.get("Project", ""),
        store=said.get("Store", ""),
        next=_moment(timer.get("NextElapseUSecRealtime", "")),
        last=_moment(service.get("ExecMainExitTimestamp", "")) or _moment(timer.get("LastTriggerUSec", "")),
        result=_result(service),
    )


def _moment(text: str) -> datetime | None:
    """From ``Sun 2026-11-22 02:06:09 UTC``; systemd leaves out what never was, or says so in words."""
    found = _DATE.search(text)
    return datetime.fromisoformat(found[0]).replace(tzinfo=UTC) if found else None


def _result(service: Mapping[str, str]) -> str:
    if service.get("ActiveState") == "activating":
        return "under way"
    if not _moment(service.get("ExecMainExitTimestamp", "")):
        return "not run since this machine started"
    if service.get("Result") != "exit-code":
        return service.get("Result", "")
    code = service.get("ExecMainStatus", "")
    return f"exit code {code}" + (f": {_CODES[code]}" if code in _CODES else "")
