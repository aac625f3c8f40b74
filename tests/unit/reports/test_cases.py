"""Targets that show the same of a control are one case of it: each finding belongs to exactly one, worst first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hardener.model import Finding, Outcome, Run
from hardener.reports.cases import ControlView, controls_seen, of_targets
from hardener.reports.sections import SECTIONS, section_of

from .conftest import CONTROLS, dead, findings, run, soft

FINDINGS = st.builds(
    Finding,
    control=st.just("any"),
    outcome=st.sampled_from(Outcome),
    observed=st.sampled_from([None, 0, 1, True, "1", {"a": 1, "b": 2}, {"b": 2, "a": 1}]),
    expected=st.sampled_from(["", "1"]),
)
RUNS = st.lists(st.tuples(*[FINDINGS] * len(CONTROLS)), max_size=6).map(
    lambda rows: run(
        *[
            soft(
                f"t{number}",
                findings=tuple(
                    item.model_copy(update={"control": name}) for item, name in zip(row, CONTROLS, strict=True)
                ),
            )
            for number, row in enumerate(rows)
        ]
    )
)


def by_id(sample: Run) -> dict[str, ControlView]:
    return {control.record.id: control for control in controls_seen(sample)}


def test_what_is_the_same_is_one_case() -> None:
    other = findings()[0].model_copy(update={"observed": "9"})
    seen = by_id(run(soft("a"), soft("b", findings=findings(sshd_maxauthtries=other)), soft("c"), dead()))
    cases = seen["sshd-maxauthtries"].cases
    assert [(case.section.slug, case.finding.observed, case.targets) for case in cases] == [
        ("failing", "6", (0, 2)),
        ("failing", "9", (1,)),
        ("unseen", None, (3,)),
    ]
    assert [case.anchor for case in cases] == ["c1v1", "c1v2", "c1v3"]


def test_controls_come_by_role_and_only_where_somebody_asked_for_them() -> None:
    controls = controls_seen(run(soft()))
    assert "accounts-late" not in {control.record.id for control in controls}
    roles = [control.record.role for control in controls]
    assert len(list(dict.fromkeys(roles))) == sum(
        before != after for before, after in zip(["", *roles], roles, strict=False)
    )


def test_the_commonest_case_is_that_of_most_targets_and_the_least_bad_of_equal_ones() -> None:
    other = findings()[0].model_copy(update={"observed": "9"})
    odd = soft("odd", findings=findings(sshd_maxauthtries=other))
    assert by_id(run(soft("a")))["sshd-maxauthtries"].commonest is None
    control = by_id(run(soft("a"), soft("b"), odd))["sshd-maxauthtries"]
    assert control.commonest is control.cases[0]
    control = by_id(run(soft("a"), dead()))["sshd-maxauthtries"]
    assert control.commonest is control.cases[1]


def test_what_is_expected_is_told_once_unless_it_differs() -> None:
    other = findings()[0].model_copy(update={"expected": "at most 3"})
    assert by_id(run(soft(), dead()))["sshd-permitrootlogin"].expected == ""  # the dead one expects anything
    assert by_id(run(soft("a"), soft("b")))["sshd-maxauthtries"].expected == "at most 4"
    mixed = run(soft("a"), soft("b", findings=findings(sshd_maxauthtries=other)))
    assert by_id(mixed)["sshd-maxauthtries"].expected == ""


@given(sample=RUNS)
def test_every_finding_that_was_asked_for_is_in_one_case(sample: Run) -> None:
    controls = controls_seen(sample)
    told = of_targets(controls, len(sample.results))
    for result, cases in zip(sample.results, told, strict=True):
        wanted = {item.control: item for item in result.findings if section_of(item) is not None}
        assert [case.record.id for case in cases] == sorted(wanted, key=[c.record.id for c in controls].index)
        for case in cases:
            finding = wanted[case.record.id]
            assert (case.finding.outcome, case.finding.expected) == (finding.outcome, finding.expected)
            assert repr(case.finding.observed) == repr(finding.observed) or isinstance(finding.observed, dict)


@given(sample=RUNS)
def test_cases_come_worst_first_and_none_is_there_twice(sample: Run) -> None:
    for control in controls_seen(sample):
        places = [SECTIONS.index(case.section) for case in control.cases]
        assert places == sorted(places)
        targets = [place for case in control.cases for place in case.targets]
        assert len(targets) == len(set(targets))
        assert sum(control.counts.values()) == len(targets)


def test_true_and_one_are_not_the_same() -> None:
    one, true = (findings()[0].model_copy(update={"observed": value}) for value in (1, True))
    seen = by_id(
        run(soft("a", findings=findings(sshd_maxauthtries=one)), soft("b", findings=findings(sshd_maxauthtries=true)))
    )
    assert len(seen["sshd-maxauthtries"].cases) == 2
