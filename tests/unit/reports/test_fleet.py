"""A run as a whole: every cut adds up to all of it, and what is worst comes first."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from hardener.model import Finding, Outcome, Run, Severity, score
from hardener.reports import fleet
from hardener.reports.cases import ControlView, controls_seen, of_targets
from tests.unit.waivers import waiver

from .conftest import STARTED, dead, findings, run, soft


@pytest.fixture
def sample() -> Run:
    return run(soft("a", groups=("all", "web")), soft("b", groups=("all", "db", "web")), dead("c"))


def test_the_score_is_that_of_all_findings(sample: Run) -> None:
    every = [finding for result in sample.results for finding in result.findings]
    whole = fleet.overall(controls_seen(sample))
    assert whole.now == score(every, with_waivers=True)
    assert whole.without == score(every, with_waivers=False)


def test_what_a_waiver_covers_counts_only_without_waivers() -> None:
    covered = findings()[0].model_copy(update={"waiver": "w"})
    whole = fleet.overall(controls_seen(run(soft(findings=findings(sshd_maxauthtries=covered)))))
    assert (whole.now.compliant, whole.now.scored) == (2, 5)
    assert (whole.without.compliant, whole.without.scored) == (2, 6)


@pytest.mark.parametrize("cut", [fleet.by_level, fleet.by_severity, fleet.by_role])
def test_every_cut_adds_up_to_the_whole(
    sample: Run, cut: Callable[[Sequence[ControlView]], Sequence[fleet.Part]]
) -> None:
    controls = controls_seen(sample)
    whole = fleet.overall(controls)
    for slug in ("failing", "unseen", "holds", "person"):
        assert sum(part.of(slug) for part in cut(controls)) == whole.of(slug)


def test_cuts_come_in_an_order_people_expect(sample: Run) -> None:
    controls = controls_seen(sample)
    assert [part.label for part in fleet.by_level(controls)] == ["level 1", "level 2"]
    assert [part.label for part in fleet.by_severity(controls)] == [item.value for item in reversed(Severity)]


def test_groups_are_those_that_tell_targets_apart(sample: Run) -> None:
    parts = fleet.by_group(sample, of_targets(controls_seen(sample), 3))
    assert [(part.label, part.of("failing")) for part in parts] == [("db", 3), ("web", 6)]


def test_the_most_failed_controls_fail_on_the_most_targets_and_are_severe() -> None:
    held = Finding(control="sshd-maxauthtries", outcome=Outcome.PASS, observed="4", expected="at most 4")
    ranked = fleet.most_failed(controls_seen(run(soft("a"), soft("b", findings=findings(sshd_maxauthtries=held)))))
    assert [(control.record.id, control.count("failing")) for control in ranked] == [
        ("sshd-permitrootlogin", 2),
        ("kernel-aslr", 2),
        ("sshd-maxauthtries", 1),
    ]


def test_what_was_not_judged_is_counted_by_its_cause(sample: Run) -> None:
    found = fleet.not_judged(sample)
    assert list(found) == [Outcome.ERROR, Outcome.NOTAPPLICABLE, Outcome.NOTSELECTED]
    (first, second) = found[Outcome.ERROR]
    assert (first.reason, first.controls, first.targets, first.findings) == (
        "no connection: connection refused",
        9,
        1,
        9,
    )
    assert (second.controls, second.targets) == (1, 2)


def test_a_run_without_targets_scores_nothing() -> None:
    whole = fleet.overall(controls_seen(run()))
    assert whole.now.percent is None
    assert fleet.most_failed([]) == []


@pytest.mark.parametrize(
    ("names", "shared"),
    [
        (["a.example.net", "b.example.net"], ".example.net"),
        (["a.x.example.net", "b.example.net"], ".example.net"),
        (["a.example.net", "example.net"], ".net"),
        (["a.example.net"], ""),
        (["a", "b.example.net"], ""),
        (["a", "a"], ""),
        ([], ""),
    ],
)
def test_the_domain_all_share(names: list[str], shared: str) -> None:
    assert fleet.shared_domain(names) == shared


def test_a_waiver_counts_from_its_first_moment_to_its_last() -> None:
    states = {
        "in effect": waiver(effective=STARTED),
        "not yet in effect": waiver(effective=STARTED.replace(year=2027)),
        "expired": waiver(effective=STARTED.replace(year=2025), expires=STARTED),
    }
    assert {fleet.waiver_state(item, run()) for item in states.values()} == set(states)
