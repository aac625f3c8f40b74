"""A run as Prometheus metrics: every sample is readable, and nothing unseen is told as well."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from prometheus_client.parser import text_string_to_metric_families

from hardener.model import Finding, Outcome, Run, RunKind, Severity, TargetResult, Waiver, WaiverKind
from tests.unit.reports.conftest import record, text_of

STARTED = datetime(2026, 11, 21, 5, 0, tzinfo=UTC)
SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\.)*",?)*)\})? (\S+)')


def waiver(name: str, effective: int, expires: int) -> Waiver:
    """A waiver that counts from one day until another, counted from the start of the run."""
    return Waiver(
        id=name,
        controls="sshd-*",
        scope="all",
        kind=WaiverKind.ACCEPTED_RISK,
        reason="known",
        requested_by="ann",
        approved_by="bob",
        effective=STARTED + timedelta(days=effective),
        expires=STARTED + timedelta(days=expires),
    )


def finding(control: str, outcome: Outcome, **changes: str) -> Finding:
    return Finding(control=control, outcome=outcome, **changes)


RUN = Run(
    id="20261121T050000Z-0000",
    kind=RunKind.AUDIT,
    started=STARTED,
    finished=STARTED + timedelta(seconds=90),
    operator="ann",
    tool_version="1",
    profile="cis-level2",
    controls={
        item.id: item
        for item in (
            record("sshd-one", severity=Severity.HIGH),
            record("sshd-two"),
            record("kernel-three", level=2),
        )
    },
    waivers=(waiver("W1", -9, 90), waiver("W2", -9, 5), waiver("W3", -9, 0), waiver("W4", 9, 90)),
    results=(
        TargetResult(
            target='we"b\\1',
            groups=("all", "web"),
            findings=(
                finding("sshd-one", Outcome.FAIL),
                finding("sshd-two", Outcome.FAIL, waiver="W1"),
                finding("kernel-three", Outcome.PASS),
            ),
        ),
        TargetResult(
            target="dead",
            groups=("all",),
            problem="no route",
            findings=tuple(finding(name, Outcome.ERROR) for name in ("sshd-one", "sshd-two", "kernel-three")),
        ),
    ),
)


def samples() -> dict[tuple[str, str], float]:
    """Name and labels → value, of everything that is no comment."""
    lines = [line for line in text_of(RUN, "metrics").splitlines() if not line.startswith("#")]
    matches = [SAMPLE.fullmatch(line) for line in lines]
    assert all(matches), lines
    return {(match[1], match[2] or ""): float(match[3]) for match in matches if match}


def test_scores_are_told_by_target_and_group_and_level() -> None:
    found = samples()
    name = r"we\"b\\1"
    assert found["hardener_target_score_ratio", f'target="{name}",level="1"'] == 0
    assert found["hardener_target_score_ratio", f'target="{name}",level="2"'] == 1
    assert found["hardener_target_score_ratio", 'target="dead",level="1"'] == 0
    assert found["hardener_group_score_ratio", 'group="all",level="2"'] == 0.5
    assert found["hardener_group_score_ratio", 'group="web",level="2"'] == 1
    assert found["hardener_score_ratio", 'level="1"'] == 0
    assert found["hardener_score_ratio", 'level="2"'] == 0.5


def test_a_target_is_joined_with_its_groups() -> None:
    found = samples()
    name = r"we\"b\\1"
    assert found["hardener_target_group", f'target="{name}",group="web"'] == 1
    assert found["hardener_target_group", 'target="dead",group="all"'] == 1
    assert ("hardener_target_group", 'target="dead",group="web"') not in found


def test_failures_are_told_by_severity_and_waived_ones_apart() -> None:
    found = samples()
    name = r"we\"b\\1"
    assert found["hardener_failing_controls", f'target="{name}",severity="high"'] == 1
    assert found["hardener_failing_controls", f'target="{name}",severity="medium"'] == 0
    assert found["hardener_waived_failures", f'target="{name}"'] == 1


def test_what_nobody_saw_is_told_as_such() -> None:
    found = samples()
    assert found["hardener_unseen_controls", 'target="dead"'] == 3
    assert found["hardener_target_problem", 'target="dead"'] == 1


def test_waivers_are_told_by_state() -> None:
    found = samples()
    states = {
        state: found["hardener_waivers", f'state="{state}"'] for state in ("in-effect", "expiring", "expired", "future")
    }
    assert states == {"in-effect": 1, "expiring": 1, "expired": 1, "future": 1}


def test_the_moment_is_a_value_and_no_time_of_a_sample() -> None:
    found = samples()
    assert found["hardener_run_finished_seconds", ""] == (STARTED + timedelta(seconds=90)).timestamp()
    assert found["hardener_run_duration_seconds", ""] == 90


def test_prometheus_reads_it_without_times_and_without_a_series_twice() -> None:
    families = list(text_string_to_metric_families(text_of(RUN, "metrics")))
    assert all(family.type == "gauge" and family.documentation for family in families)
    read = [sample for family in families for sample in family.samples]
    assert {sample.timestamp for sample in read} == {None}
    series = {(sample.name, tuple(sorted(sample.labels.items()))) for sample in read}
    assert len(series) == len(read) == len(samples())
    assert 'we"b\\1' in {sample.labels.get("target") for sample in read}


def test_names_end_in_what_they_count() -> None:
    """As promtool wants them: base units as the last word, and none of the words that histograms and counters own."""
    for name in {name for name, _ in samples()}:
        assert re.fullmatch(r"hardener(_[a-z]+)+", name)
        assert name.rsplit("_", 1)[1] not in {"total", "count", "sum", "bucket", "info", "minutes", "percent"}


def test_every_metric_is_explained_and_typed() -> None:
    text = text_of(RUN, "metrics")
    names = {name for name, _ in samples()}
    assert {line.split()[2] for line in text.splitlines() if line.startswith("# HELP ")} == names
    assert {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")} == names
