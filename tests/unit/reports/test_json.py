"""The JSON of a run: versioned, described by a published schema, and the run again when read."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import Any

import jsonschema
from hypothesis import given
from hypothesis import strategies as st

from hardener.model import Answer, Finding, Outcome, Run, Transcript
from hardener.reports import json

from .conftest import run, soft, text_of

PUBLISHED = Path(__file__).parents[3] / "docs" / "schemas" / "run-1.schema.json"

TEXT = st.text(max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
FINDINGS = st.builds(
    Finding,
    control=st.just("kernel-aslr"),
    outcome=st.sampled_from(Outcome),
    observed=VALUES,
    expected=TEXT,
    reason=TEXT,
    questions=st.tuples(TEXT),
)
ANSWERS = st.builds(
    Answer,
    exit_status=st.none() | st.integers(0, 255),
    stdout=st.binary(max_size=20),
    stderr=st.binary(max_size=20),
    problem=st.none() | TEXT,
)


def read(text: str) -> Run:
    return Run.model_validate(jsonlib.loads(text)["run"])


def test_the_envelope_names_its_version(audit_run: Run) -> None:
    body = jsonlib.loads(text_of(audit_run, "json"))
    assert set(body) == {"schema", "run"}
    assert body["schema"] == "hardener-run/1"


def test_samples_are_read_back_as_they_were(audit_run: Run, apply_run: Run) -> None:
    assert read(text_of(audit_run, "json")) == audit_run
    assert read(text_of(apply_run, "json")) == apply_run


@given(finding=FINDINGS, answer=ANSWERS, command=TEXT)
def test_any_run_is_read_back_as_it_was(finding: Finding, answer: Answer, command: str) -> None:
    transcript = Transcript(answers={command: answer}, round_trips=1)
    sample = run(soft(findings=(finding,), transcript=transcript))
    text = text_of(sample, "json")
    assert read(text) == sample
    assert text_of(read(text), "json") == text


def test_samples_fit_the_schema(audit_run: Run, apply_run: Run) -> None:
    schema = json.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for sample in (audit_run, apply_run):
        validator.validate(jsonlib.loads(text_of(sample, "json")))


def test_the_schema_refuses_another_version(audit_run: Run) -> None:
    body: dict[str, Any] = {**jsonlib.loads(text_of(audit_run, "json")), "schema": "hardener-run/2"}
    assert not jsonschema.Draft202012Validator(json.schema()).is_valid(body)


def test_the_published_schema_is_fresh() -> None:
    hint = "python -m hardener.reports.json > docs/schemas/run-1.schema.json"
    assert jsonlib.loads(PUBLISHED.read_text(encoding="utf-8")) == json.schema(), hint
