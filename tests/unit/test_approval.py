"""Which plans are taken from a file, and which are refused before anything is touched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hardener.approval import read_plans, refuse_moved, refuse_other_question
from hardener.errors import ConfigError, ExitCode
from hardener.model import Change, ChangeKind, Disruption, Facts, PlannedChange, Plans, Platform, TargetPlan
from hardener.reports.planned import as_json
from tests.unit.builders import selection, target

FILE = Path("plan.json")
ITEM = Change(role="alpha", task="t", module="m", kind=ChangeKind.SYSCTL, subject="a", before="0", after="1")
CHANGE = PlannedChange(
    control="alpha-one", role="alpha", disruption=Disruption.NONE, observed=99, expected="at most 10", reason="is 99"
)


def facts(machine: str = "0123") -> Facts:
    return Facts(
        platform=Platform(family="debian", release="12"),
        kernel="6.1",
        machine_id=machine,
        operator="admin",
        is_root=True,
        has_python=True,
    )


def plans(*names: str, profile: str = "sample", **changes: Any) -> Plans:
    fields: dict[str, Any] = {"facts": facts(), "changes": (CHANGE,), "items": (ITEM,), "values": "digest", **changes}
    return Plans(
        made=datetime(2026, 11, 21, tzinfo=UTC),
        tool_version="1.0",
        profile=profile,
        pattern="*",
        controls={},
        targets=[TargetPlan(target=name, **fields) for name in names or ("node",)],
    )


def test_a_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text(as_json(plans("a", "b")))
    assert read_plans(file) == plans("a", "b")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('{\n  "schema": \n', ":3: not a plan: Expecting value"),
        ("[]", ":1: not a plan: make one with hardener plan -f json"),
        ('{"schema": "hardener-run/1"}', ":1: not a plan: make one with"),
        ("\ufeffx", ":1: not a plan: "),
        ('{"schema": "hardener-plan/1"}', ":1: not a plan: made: Field required"),
    ],
)
def test_what_is_no_plan_is_refused_with_its_line(tmp_path: Path, text: str, where: str) -> None:
    file = tmp_path / "plan.json"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_plans(file)
    told = str(caught.value)
    assert told.startswith(f"{file}{where}")
    assert caught.value.exit_code is ExitCode.BAD_CONFIG
    assert "\n" not in told


def test_the_line_of_a_wrong_value_is_named(tmp_path: Path) -> None:
    file, text = tmp_path / "plan.json", as_json(plans()).replace('"values": "digest"', '"values": 7')
    file.write_text(text)
    line = next(number for number, row in enumerate(text.splitlines(), start=1) if '"values": 7' in row)
    with pytest.raises(ConfigError, match=rf"plan\.json:{line}: not a plan: targets\.0\.values: "):
        read_plans(file)


def test_bytes_and_missing_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    for name in ("bytes", "none"):
        with pytest.raises(ConfigError, match=name):
            read_plans(tmp_path / name)


@pytest.mark.parametrize(
    ("approved", "reason"),
    [
        (plans(profile="other"), "made for profile other, not sample"),
        (plans().model_copy(update={"pattern": "sshd-*"}), "made for the controls sshd-*, not *"),
        (plans("elsewhere"), "knows nothing of node"),
    ],
)
def test_a_plan_for_something_else_is_refused_before_a_target_is_asked(approved: Plans, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        refuse_other_question(approved, selection(), [target("node")], FILE)
    assert str(caught.value).startswith("plan.json: ")
    assert reason in str(caught.value)


def test_fewer_targets_than_the_plan_has_are_fine() -> None:
    refuse_other_question(plans("node", "other"), selection(), [target("node")], FILE)
    refuse_moved(plans("node", "other"), plans("node"), FILE)


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (plans(items=()), "node: no longer needed: sysctl a: 0 -> 1"),
        (plans(items=(ITEM.model_copy(update={"before": "7"}),)), "node: was in another state: sysctl a: 7 -> 1"),
        (plans(changes=()), "node: alpha-one needs nothing any more"),
        (plans(values="other"), "node: the inventory or the profile gives it other values"),
        (plans(facts=facts("4567")), "node: it is another machine"),
        (plans(problem="no route"), "node: now no route"),
    ],
)
def test_a_target_that_has_moved_is_refused_with_the_first_differences(now: Plans, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        refuse_moved(plans(), now, FILE)
    assert reason in str(caught.value)
    assert caught.value.exit_code is ExitCode.BAD_CONFIG


def spoilt(value: Any) -> list[Any]:
    """What somebody might put into the place of a value of a plan."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, str):
        return [f"{value}x", "../../x"]
    return [None, "x"] if value is not None else ["x"]


TELLS = {"observed", "reason", "touches", "references", "made"}
"""Fields of what a person reads: what was seen may be told in other words every time, and decides nothing."""


def forged(plan: Plans) -> Iterator[tuple[str, dict[str, Any]]]:
    """The plan with one field after the other changed of everything it says would be done."""
    body = json.loads(as_json(plan))
    (target,) = body["targets"]
    (change,), (item,) = target["changes"], target["items"]
    for part in (change, item, target["facts"]):
        for name in set(part) - TELLS if part is not target["facts"] else {"machine_id"}:
            was = part[name]
            for other in spoilt(was):
                part[name] = other
                yield f"{name} {other}", body
            part[name] = was
    for name, other in (("changes", []), ("items", []), ("values", "x"), ("facts", None), ("target", "other")):
        was, target[name] = target[name], other
        yield name, body
        target[name] = was


def hold(file: Path, now: Plans, what: str) -> None:
    """What an apply does with a plan before it touches anything."""
    approved = read_plans(file)
    refuse_other_question(approved, selection(), [target("node")], FILE)
    refuse_moved(approved, now, FILE)
    pytest.fail(f"{what} was not noticed")


def test_a_plan_that_somebody_changed_does_not_match_what_is_made_now(tmp_path: Path) -> None:
    file, now, tried = tmp_path / "plan.json", plans(), 0
    for what, body in forged(now):
        file.write_text(json.dumps(body))
        tried += 1
        with pytest.raises(ConfigError, match=r"no longer holds|not a plan|does not fit"):
            hold(file, now, what)
    assert tried > 25


def test_a_plan_that_has_a_target_twice_is_none(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text(as_json(plans("a", "a")))
    with pytest.raises(ConfigError, match="not a plan: it has a 2 times"):
        read_plans(file)


def test_only_a_few_of_many_differences_are_named() -> None:
    many = tuple(ITEM.model_copy(update={"subject": f"s{number}"}) for number in range(9))
    with pytest.raises(ConfigError, match="; and 7 more") as caught:
        refuse_moved(plans(), plans(items=many), FILE)
    assert "\n" not in str(caught.value)


def test_a_plan_that_still_holds_is_not_refused() -> None:
    refuse_moved(plans(), plans(), FILE)
