"""Which failure is the worse one: expectations complain about two values, and the complaints are all that is known."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardener.catalogue import expectations as accept
from hardener.catalogue.expectations import Expectation
from hardener.model import Finding, Outcome, is_worse


def failure(expectation: Expectation, observed: Any) -> Finding:
    """What an audit says of a value, as it joins the complaints."""
    reason = "; ".join(expectation.complaints(observed))
    assert reason, "it has to fail"
    return Finding(
        control="alpha-one", outcome=Outcome.FAIL, observed=observed, expected=expectation.words, reason=reason
    )


MODES = accept.fields(
    {
        "mode": accept.mode_at_most("0644"),
        "owner": accept.equals("root"),
    }
)
SYSCTLS = accept.now_and_after_reboot(accept.fields({"a.forward": accept.equals(0), "b.forward": accept.equals(0)}))


def seen(mode: str, owner: str = "root") -> dict[str, str]:
    return {"mode": mode, "owner": owner}


def forwards(a: int, b: int) -> dict[str, dict[str, int]]:
    return {when: {"a.forward": a, "b.forward": b} for when in ("now", "after reboot")}


@pytest.mark.parametrize(
    ("expectation", "old", "new"),
    [
        (accept.at_most(10), 12, 99),
        (accept.at_least(10), 9, 0),
        (accept.between(1, 4), 5, 6),
        (accept.between(10, 40), 9, 50),
        (accept.each_at_most("10:30:60"), "10:30:100", "10:31:100"),
        (
            accept.now_and_after_reboot(accept.at_most(10)),
            {"now": 12, "after reboot": 5},
            {"now": 12, "after reboot": 12},
        ),
        (
            accept.now_and_after_reboot(accept.at_most(10)),
            {"now": 12, "after reboot": 5},
            {"now": 13, "after reboot": 5},
        ),
        (accept.nothing(), ["a"], ["a", "b"]),
        (accept.nothing(), ["a", "b"], ["c"]),
        (accept.subset_of(["a"]), ["x"], None),
        (accept.nothing(), {"tcp 0.0.0.0:80": "nginx"}, {"tcp 0.0.0.0:80": "nginx", "tcp 0.0.0.0:81": "nc"}),
        (accept.subset_of(["a"]), ["a", "x"], ["a", "x", "y"]),
        (MODES, seen("0646"), seen("0666")),
        (MODES, seen("0664"), seen("0646")),
        (MODES, seen("0666"), seen("0666", "bin")),
        (SYSCTLS, forwards(1, 0), forwards(1, 1)),
        (accept.every(accept.equals("no"), "no"), {"a": "yes"}, {"a": "yes", "b": "yes"}),
    ],
)
def test_another_complaint_or_a_greater_distance_is_worse(expectation: Expectation, old: Any, new: Any) -> None:
    assert is_worse(failure(expectation, new), failure(expectation, old))


@pytest.mark.parametrize(
    ("expectation", "old", "new"),
    [
        (accept.at_most(10), 99, 12),
        (accept.at_most(10), None, 12),
        (accept.nothing(), ["a", "b"], ["b"]),
        (accept.between(10, 40), 5, 45),
        (accept.equals("no"), "yes", "prohibit-password"),
        (accept.subset_of(["a", "b"]), ["x"], ["x", "a", "b"]),
        (accept.something(), "", None),
        (accept.one_of("a", "b"), "1", "2"),
        (MODES, seen("0666"), seen("0664")),
        (SYSCTLS, forwards(1, 0), forwards(2, 0)),
    ],
)
def test_another_value_that_is_no_further_away_is_no_worse(expectation: Expectation, old: Any, new: Any) -> None:
    assert not is_worse(failure(expectation, new), failure(expectation, old))


NUMBERS = st.integers(11, 10**6)


@given(NUMBERS, NUMBERS)
def test_of_two_numbers_the_further_one_is_worse(old: int, new: int) -> None:
    assert is_worse(failure(accept.at_most(10), new), failure(accept.at_most(10), old)) is (new > old)


TEXTS = st.text() | st.sampled_from(["is", "a is b", "x; y is 3", "has a, b", " ", "at most 3"])


@given(st.dictionaries(TEXTS, TEXTS, min_size=1), st.dictionaries(TEXTS, TEXTS, min_size=1))
def test_nothing_a_host_says_breaks_it_and_nothing_is_worse_than_itself(old: Any, new: Any) -> None:
    expectation = accept.every(accept.equals("never seen"), "never seen")
    assert not is_worse(failure(expectation, old), failure(expectation, old))
    assert is_worse(failure(expectation, new), failure(expectation, old)) in {True, False}
