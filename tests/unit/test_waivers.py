"""Files of waivers: what they may say, one clear line for everything else, and one more at their end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hardener.catalogue.waivers import LONGEST_DAYS, added, load_waivers, waiver_files
from hardener.errors import WaiverError
from tests.unit.builders import catalogue
from tests.unit.waivers import NOW, waiver

GOOD = """\
---
waivers:
  # The printers.
  - id: w
    controls: alpha-one
    scope: all
    kind: accepted-risk
    reason: The old clients need it.
    requested_by: ann
    approved_by: bob
    effective: 2026-11-01T00:00:00Z
    expires: 2027-03-01T00:00:00Z
"""
FIELDS: Mapping[str, Any] = {
    "id": "next",
    "controls": "alpha-t*",
    "kind": "false-positive",
    "reason": "It is: not so # here",
    "requested_by": "ann",
    "approved_by": "bob",
    "effective": "2026-11-01T00:00:00Z",
    "expires": "2027-03-01T00:00:00+01:00",
}


def written(folder: Path, text: str) -> Path:
    file = folder / "waivers.yml"
    file.write_bytes(text.encode())
    return file


def refusal(file: Path) -> tuple[int, str]:
    """The line and the message of the error a file ends with."""
    with pytest.raises(WaiverError) as caught:
        load_waivers([file], catalogue())
    where, _, message = str(caught.value).partition(": ")
    assert "\n" not in message
    return int(where.removeprefix(f"{file}:")), message


def test_a_waiver_is_read_with_where_it_is_declared(tmp_path: Path) -> None:
    file = written(tmp_path, GOOD)
    (declared,) = load_waivers([file], catalogue())
    assert declared.waiver == waiver()
    assert declared.location == f"{file}:4"


def test_an_instant_may_be_text_and_its_zone_any(tmp_path: Path) -> None:
    file = written(tmp_path, GOOD.replace("2027-03-01T00:00:00Z", "'2027-03-01T01:00:00+01:00'"))
    assert load_waivers([file], catalogue())[0].waiver.expires == datetime(2027, 3, 1, tzinfo=UTC)


def test_one_that_has_expired_is_no_error(tmp_path: Path) -> None:
    file = written(tmp_path, GOOD.replace("2026-11", "2001-11").replace("2027-03", "2002-03"))
    assert not load_waivers([file], catalogue())[0].waiver.is_in_effect(NOW)


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("    reason: The old clients need it.\n", "", 4, "waivers.0.reason: Field required"),
        ("The old clients need it.", "' '", 8, "waivers.0.reason: must not be empty"),
        ("bob", "' ANN '", 10, "w: ANN cannot approve what ann requested"),
        ("alpha-one", "nope-*", 5, "w: no control is called 'nope-*'"),
        ("expires: 2027-03-01T00:00:00Z", "expires: 2027-03-01T00:00:00", 12, "is no instant with a time zone"),
        ("expires: 2027-03-01T00:00:00Z", "expires: 2027-03-01", 12, "is no instant with a time zone"),
        ("expires: 2027-03-01T00:00:00Z", "expires: soon", 12, "is no instant with a time zone"),
        ("expires: 2027-03-01T00:00:00Z", "expires: 1900000000", 12, "is no instant with a time zone"),
        ("    expires: 2027-03-01T00:00:00Z\n", "", 4, "waivers.0.expires: Field required"),
        ("2027-03", "2026-10", 12, "w: it expires before it is effective"),
        ("2027-03", "2028-03", 12, "w: it lasts longer than 366 days"),
        ("    scope: all\n", "    colour: red\n", 6, "waivers.0.colour: Extra inputs are not permitted"),
        ("accepted-risk", "because", 7, "waivers.0.kind: Input should be 'accepted-risk'"),
        ("id: w", "id: two words", 4, "waivers.0.id: String should match pattern"),
        ("waivers:", "wavers:", 2, "waivers: Field required"),
    ],
)
def test_a_wrong_waiver_is_one_line_with_file_and_line(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    assert old in GOOD
    where, told = refusal(written(tmp_path, GOOD.replace(old, new)))
    assert message in told
    assert where == line


def test_two_of_the_same_id_are_refused_even_in_two_files(tmp_path: Path) -> None:
    assert refusal(written(tmp_path, GOOD + GOOD.split("\n", 2)[2]))[1].startswith("two waivers are called w")
    (tmp_path / "other").mkdir()
    files = [written(tmp_path, GOOD), written(tmp_path / "other", GOOD)]
    with pytest.raises(WaiverError, match=rf"{files[1]}:4: two waivers are called w, the other one at {files[0]}:4"):
        load_waivers(files, catalogue())


def test_a_sites_policy_decides_how_long_one_may_last(tmp_path: Path) -> None:
    with pytest.raises(WaiverError, match="longer than 30 days"):
        load_waivers([written(tmp_path, GOOD)], catalogue(), longest_days=30)


def test_they_are_looked_for_beside_each_inventory(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").touch()
    (tmp_path / "more").mkdir()
    assert waiver_files([str(tmp_path / "hosts.yml"), "a,b"]) == []
    file = written(tmp_path, GOOD)
    assert waiver_files([str(tmp_path / "hosts.yml"), str(tmp_path / "more"), "a,"]) == [file]


# --- one more ---------------------------------------------------------------------------------------------------------


def more(file: Path, **changes: Any) -> str:
    fields = {**FIELDS, **changes}
    return added(file, fields, catalogue(), LONGEST_DAYS, NOW)[0]


@pytest.mark.parametrize(
    "text", [GOOD, GOOD.replace("\n  ", "\n"), GOOD.replace("\n", "\r\n"), f"{GOOD}  # The end.\n\n"]
)
def test_one_more_keeps_every_other_line(tmp_path: Path, text: str) -> None:
    file = written(tmp_path, text)
    after = more(file)
    assert after.startswith(text)
    assert file.read_bytes() == text.encode(), "nothing is written"
    written(tmp_path, after)
    assert [item.waiver.id for item in load_waivers([file], catalogue())] == ["w", "next"]


@pytest.mark.parametrize("text", [None, "---\n# Ours.\nwaivers: []\n", "waivers: []  # none yet"])
def test_the_first_one(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "waivers.yml"
    if text is not None:
        file.write_text(text)
    file.write_text(more(file))
    assert [item.waiver.id for item in load_waivers([file], catalogue())] == ["next"]
    assert "#" not in (text or "") or "# " in file.read_text()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": "w"}, "two waivers are called w"),
        ({"expires": "2026-11-20T00:00:00Z"}, "next has expired already"),
        ({"approved_by": "Ann"}, "Ann cannot approve what ann requested"),
        ({"controls": "nope"}, "no control is called 'nope'"),
    ],
)
def test_what_would_be_wrong_is_refused(tmp_path: Path, changes: dict[str, str], message: str) -> None:
    file = written(tmp_path, GOOD)
    with pytest.raises(WaiverError, match=message) as caught:
        more(file, **changes)
    assert int(str(caught.value).removeprefix(f"{file}:").partition(":")[0]) > 12


def test_a_list_that_cannot_be_continued_is_left_alone(tmp_path: Path) -> None:
    fields = yaml.safe_dump(dict(FIELDS), default_flow_style=True, width=1000).strip()
    with pytest.raises(WaiverError):
        more(written(tmp_path, f"waivers: [{fields}]\n"), id="other")


@given(reason=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1))
def test_whatever_a_reason_says_it_is_read_back(reason: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = written(tmp_path_factory.mktemp("site"), GOOD)
    try:
        after = more(file, reason=reason)
    except WaiverError as error:
        assert not reason.strip() or "must not be empty" in str(error)  # noqa: PT017  (either it is refused, or kept)
        return
    file.write_text(after)
    assert load_waivers([file], catalogue())[1].waiver.reason == reason.strip()
