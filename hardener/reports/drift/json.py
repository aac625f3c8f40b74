"""Drift for programs: one versioned document, or one event a line for what collects logs."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from hardener.model import Drift, DriftEvent

SCHEMA = "hardener-drift/1"
EVENT_SCHEMA = "hardener-drift-event/1"


class Envelope(BaseModel):
    """Drift, and the version of the form it is written in."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Drift found by hardener")

    form: Literal["hardener-drift/1"] = Field(alias="schema")
    drift: Drift


def as_document(drift: Drift) -> str:
    """Everything; the same drift gives the same bytes."""
    body = {"schema": SCHEMA, "drift": drift.model_dump(mode="json")}
    return _text(body)


def as_lines(drift: Drift) -> str:
    """One line of JSON for each event, each of which says all it needs; no event, no line."""
    return "".join(f"{json.dumps(_line(drift, event), ensure_ascii=True)}\n" for event in drift.events)


def _line(drift: Drift, event: DriftEvent) -> dict[str, Any]:
    record = drift.controls.get(event.control or "")
    return {
        "schema": EVENT_SCHEMA,
        **drift.model_dump(mode="json", include={"run", "started", "profile"}),
        "title": record.title if record else None,
        "severity": record.severity.value if record else None,
        **event.model_dump(mode="json"),
    }


def schema() -> str:
    """The JSON Schema (draft 2020-12) of what ``as_document`` returns."""
    generated = Envelope.model_json_schema(mode="serialization", by_alias=True)
    return _text({"$schema": "https://json-schema.org/draft/2020-12/schema", **generated})


def _text(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=True) + "\n"
