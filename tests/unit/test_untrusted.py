"""What targets write, in bounds: numbers, lines, JSON, and what may be kept of what was observed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardener.untrusted import LARGEST, LINE_LIMIT, json_of, number, observation, one_line, well_formed


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("022", 22), ("65535", 65535), (str(LARGEST), LARGEST)])
def test_decimal_digits_are_a_number(text: str, value: int) -> None:
    assert number(text) == value


@pytest.mark.parametrize("text", ["", "-1", "+1", " 1", "1_000", "٣", "²", "1.0", "0x1", str(LARGEST + 1), "9" * 5000])
def test_everything_else_is_none_and_is_told_in_a_short_line(text: str) -> None:
    with pytest.raises(ValueError, match="not a number from 0 to") as caught:
        number(text)
    assert len(str(caught.value)) < 200


def test_a_number_beyond_its_bound_is_none() -> None:
    assert number("255", most=255) == 255
    with pytest.raises(ValueError, match="from 0 to 255: 256"):
        number("256", most=255)


@given(text=st.text(st.characters(exclude_categories=())))
def test_a_line_is_one_line_whatever_it_holds(text: str) -> None:
    line = one_line(text, 20)
    assert line.isprintable()
    assert line.encode("utf-8").decode("utf-8") == line
    assert len(line) <= 20 * len(r"\U00000000") + 1


def test_what_a_line_lacks_is_marked() -> None:
    assert one_line("é\n") == "é\\n"
    assert one_line("x" * (LINE_LIMIT + 1)) == "x" * LINE_LIMIT + "…"


@pytest.mark.parametrize(
    "text", ["", "[" * 100_000, '{"a":' * 100_000, "1" * 5000, "NaN", "[Infinity]", b"\xff", "[1" + " " * 100]
)
def test_what_is_no_json_in_bounds_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        json_of(text, most=200_000 if len(text) > 1000 else 100)


@given(value=st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3)))
def test_what_can_be_said_in_json_arrives_as_it_was(value: object) -> None:
    assert json_of(json.dumps(value)) == value


@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.just("\ud800"),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.just("\udcff"), inner, max_size=3),
    )
)
def test_what_was_observed_can_be_written_or_is_refused(value: object) -> None:
    try:
        kept = observation(value)
    except ValueError:
        return
    assert json.dumps(kept, ensure_ascii=False, allow_nan=False).encode("utf-8")


@given(text=st.text(st.characters(codec="utf-8")))
def test_text_that_can_be_encoded_stays_as_it_is(text: str) -> None:
    assert well_formed(text) == text
