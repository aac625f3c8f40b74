"""A run for programs: a versioned envelope whose schema is generated from the model and published."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from textwrap import indent
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from hardener.model import Run, TargetResult

TELLS_BEFORE = True
SCHEMA = "hardener-run/1"


class Envelope(BaseModel):
    """A run, and the version of the form it is written in."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="A run of hardener")

    form: Literal["hardener-run/1"] = Field(alias="schema")
    run: Run


def render(run: Run, results: Iterable[TargetResult]) -> Iterator[bytes]:
    """The run in its envelope; the same run gives the same bytes."""
    body = run.model_dump(mode="json", exclude={"results", "before"})
    yield _text({"schema": SCHEMA, "run": body}).removesuffix("\n  }\n}\n").encode()
    yield b',\n    "results": ['
    yield from _listed(results)
    yield b'],\n    "before": ['
    yield from _listed(run.before)
    yield b"]\n  }\n}\n"


def _listed(results: Iterable[TargetResult]) -> Iterator[bytes]:
    """The results, one by one, as they stand in the document's lists; a run may be larger than memory."""
    end = b""
    for result in results:
        text = _text(result.model_dump(mode="json")).rstrip()
        yield (b"," if end else b"") + b"\n" + indent(text, " " * 6).encode()
        end = b"\n    "
    yield end


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of what ``render`` returns."""
    generated = Envelope.model_json_schema(mode="serialization", by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **generated}


def _text(value: object) -> str:
    # Keys stay in the order of the run, which readers show; ASCII, since a terminal acts on some of the other letters.
    return json.dumps(value, indent=2, ensure_ascii=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(_text(schema()))
