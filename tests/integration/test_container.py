"""What only a real node can show, on one that starts in seconds."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest

from hardener import lab
from hardener.model import Outcome
from tests.integration.proving import Bench
from tests.integration.stock import stock_host, stock_outcomes

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    """One soft container node, never changed."""
    lab.down("look12")
    yield Bench.of(lab.up("look12", kind="container", release="12", progress=print))
    lab.down("look12")


def test_an_audit_takes_three_trips_at_most_and_one_when_seeded(bench: Bench) -> None:
    fresh = Bench.of(bench.node)
    assert fresh.audit().transcript.round_trips <= 3
    assert fresh.audit().transcript.round_trips == 1


def test_stock_testinfra_comes_to_the_same_verdicts(bench: Bench) -> None:
    ours = bench.audit()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # stock testinfra never closes its connection
        host = stock_host(bench.node)
        theirs = stock_outcomes(host, bench, ours)
        host.backend.client.close()
    found = {item.control: item.outcome for item in ours.findings}
    assert theirs == {name: found[name] for name in theirs}
    assert len(theirs) > 60


def test_an_audit_leaves_nothing_on_the_target(bench: Bench) -> None:
    listing = "find /tmp /var/tmp /dev/shm /root /home /etc -xdev -type f | sort"
    before = lab.run(bench.node, listing).stdout
    bench.audit()
    assert lab.run(bench.node, listing).stdout == before


def test_two_audits_of_a_target_nobody_touched_get_the_same_answers(bench: Bench) -> None:
    """What is another answer every time is kept every night, and hides what changed."""
    bench.audit()
    first, second = (dict(bench.audit().transcript.answers) for _ in range(2))
    assert [command for command in first | second if first.get(command) != second.get(command)] == []


def test_a_plan_names_exactly_the_controls_an_apply_would_change(bench: Bench) -> None:
    plan = bench.plan()
    failing = {item.control for item in bench.audit().findings if item.outcome is Outcome.FAIL}
    assert {item.control for item in plan.changes} | {item.control for item in plan.for_a_person} >= failing
