"""A run as Prometheus metrics, for the textfile collector: gauges without times of their own."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from hardener.model import Finding, Outcome, Run, Severity, TargetResult, Waiver, score
from hardener.reports.arranged import on_one_line, whole

SOON = timedelta(days=30)
"""A waiver that ends within this time is told as ``expiring``."""

LONGEST_NAME = 300
Labels = Mapping[str, str]


def render(run: Run, results: Iterable[TargetResult]) -> Iterator[bytes]:
    """The metrics of one run; the same run gives the same bytes. Nothing was scored: no score, rather than one of 0."""
    for name, words, samples in _families(whole(run, results)):
        lines = [f"# HELP {name} {words}", f"# TYPE {name} gauge"]
        lines += [f"{name}{_labels(labels)} {value:.15g}" for labels, value in samples]
        yield "".join(f"{line}\n" for line in lines).encode()


def _families(run: Run) -> Iterator[tuple[str, str, Sequence[tuple[Labels, float]]]]:
    """Name, explanation and samples of every metric."""
    yield "hardener_target_score_ratio", "Controls that hold, of those scored, by target and level.", _scores(run)
    yield "hardener_group_score_ratio", "The same over all targets of a group.", _group_scores(run)
    yield "hardener_score_ratio", "The same over all targets.", _fleet_scores(run)
    yield "hardener_target_group", "Which groups a target is in.", _memberships(run)
    yield "hardener_failing_controls", "Failures that no waiver covers, by target and severity.", _failing(run)
    yield "hardener_waived_failures", "Failures that a waiver covers, by target.", _by_target(run, lambda it: it.waived)
    yield (
        "hardener_unseen_controls",
        "Controls that could not be looked at, by target.",
        _by_target(run, lambda it: it.count(Outcome.ERROR, Outcome.UNKNOWN)),
    )
    yield "hardener_target_problem", "Whether a target could not be reached or changed.", _by_target(run, _has_problem)
    yield "hardener_waivers", "Waivers by state when the run started.", _waivers(run.waivers, run.started)
    yield (
        "hardener_run_finished_seconds",
        "When the run ended, in seconds since 1970.",
        [({}, run.finished.timestamp())],
    )
    yield (
        "hardener_run_duration_seconds",
        "How long the run took.",
        [({}, (run.finished - run.started).total_seconds())],
    )


def _scores(run: Run) -> Sequence[tuple[Labels, float]]:
    return [
        ({"target": result.target, "level": level}, ratio)
        for result in run.results
        for level, ratio in _by_level(run, result.findings)
    ]


def _group_scores(run: Run) -> Sequence[tuple[Labels, float]]:
    members: dict[str, list[Finding]] = defaultdict(list)
    for result in run.results:
        for group in result.groups:
            members[group] += result.findings
    return [
        ({"group": group, "level": level}, ratio)
        for group in sorted(members)
        for level, ratio in _by_level(run, members[group])
    ]


def _fleet_scores(run: Run) -> Sequence[tuple[Labels, float]]:
    findings = [finding for result in run.results for finding in result.findings]
    return [({"level": level}, ratio) for level, ratio in _by_level(run, findings)]


def _memberships(run: Run) -> Sequence[tuple[Labels, float]]:
    return [({"target": result.target, "group": group}, 1.0) for result in run.results for group in result.groups]


def _by_level(run: Run, findings: Iterable[Finding]) -> Iterator[tuple[str, float]]:
    """Level and share; without levels of which nothing was scored."""
    levels: dict[int, list[Finding]] = defaultdict(list)
    for finding in findings:
        levels[run.controls[finding.control].level].append(finding)
    for level in sorted(levels):
        percent = score(levels[level], with_waivers=True).percent
        if percent is not None:
            yield str(level), percent / 100


def _failing(run: Run) -> Sequence[tuple[Labels, float]]:
    samples = []
    for result in run.results:
        found = Counter(run.controls[item.control].severity for item in result.findings if item.is_failing)
        samples += [
            ({"target": result.target, "severity": severity.value}, float(found[severity])) for severity in Severity
        ]
    return samples


def _by_target(run: Run, count: Callable[[TargetResult], int]) -> Sequence[tuple[Labels, float]]:
    return [({"target": result.target}, float(count(result))) for result in run.results]


def _has_problem(result: TargetResult) -> int:
    return int(result.problem is not None)


def _waivers(waivers: Iterable[Waiver], moment: datetime) -> Sequence[tuple[Labels, float]]:
    found = Counter(_state(waiver, moment) for waiver in waivers)
    return [({"state": state}, float(found[state])) for state in ("future", "in-effect", "expiring", "expired")]


def _state(waiver: Waiver, moment: datetime) -> str:
    if waiver.expires <= moment:
        return "expired"
    if moment < waiver.effective:
        return "future"
    return "expiring" if waiver.expires <= moment + SOON else "in-effect"


def _labels(labels: Labels) -> str:
    inside = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{inside}}}" if inside else ""


def _escaped(value: str) -> str:
    return on_one_line(value, LONGEST_NAME).replace("\\", "\\\\").replace('"', '\\"')
