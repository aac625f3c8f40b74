"""Plans, lists and progress: the same bytes for the same plan, and nothing a host says acts or passes for ours."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys

import pytest
from rich.console import Console
from rich.progress import Progress, TextColumn

from hardener.model import Disruption, Exclusion, Outcome, PlannedChange, Platform, TargetPlan, Trait
from hardener.reports import listing, planned
from hardener.reports.progress import TerminalProgress

from .conftest import CONTROLS, facts, findings

HOSTILE = "\x1b[2Jcleared\nhonest  (debian 12)"


def plan(**changes: object) -> TargetPlan:
    fields: dict[str, object] = {
        "target": "soft",
        "facts": facts(),
        "changes": (
            PlannedChange(
                control="sshd-permitrootlogin",
                role="sshd",
                disruption=Disruption.LOCKOUT,
                observed="yes",
                expected="no",
                reason="is yes",
            ),
        ),
        "for_a_person": tuple(item for item in findings() if item.control == "accounts-review"),
        "nothing_to_do": ("kernel-sysrq",),
        "exclusions": (Exclusion(control="mounts-tmp", outcome=Outcome.NOTAPPLICABLE, reason="belongs to the host"),),
    }
    return TargetPlan.model_validate({**fields, **changes})


def test_a_plan_tells_changes_and_why_the_rest_stays_alone() -> None:
    text = planned.as_text([plan()], CONTROLS)
    told = [line.split("  ") for line in text.splitlines()]
    assert text.startswith("soft (debian 12)\n  would change (1):\n")
    assert any("sshd-permitrootlogin" in line[0] and "can cut you off" in "  ".join(line) for line in told)
    assert "  for a person (1):" in text
    assert "  nothing to do: 1 " in text
    assert "  notapplicable: 1 (belongs to the host)\n" in text
    assert text.isascii()


@pytest.mark.parametrize(
    "changes",
    [
        {"target": HOSTILE},
        {"facts": facts(platform=Platform(family=HOSTILE, release=HOSTILE))},
        {"problem": HOSTILE},
        {"exclusions": (Exclusion(control="mounts-tmp", outcome=Outcome.ERROR, reason=HOSTILE),)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_a_host_says_neither_steers_a_terminal_nor_forges_a_line(changes: dict[str, object]) -> None:
    text = planned.as_text([plan(**changes)], CONTROLS)
    assert "\x1b" not in text
    assert "\\x1b[2Jcleared honest (debian 12)" in text
    assert not [line for line in text.splitlines() if line.startswith("honest")]


def test_a_plan_in_json_is_the_plan_again() -> None:
    body = json.loads(planned.as_json([plan()], CONTROLS))
    assert body["schema"] == "hardener-plan/1"
    assert [TargetPlan.model_validate(item) for item in body["targets"]] == [plan()]


def test_bytes_of_a_plan_do_not_depend_on_the_order_of_sets() -> None:
    everything = plan(facts=facts(traits=frozenset(Trait)))
    program = (
        "import sys; from hardener.model import TargetPlan; from hardener.reports import planned; "
        "sys.stdout.write(planned.as_json([TargetPlan.model_validate_json(sys.stdin.read())], {}))"
    )

    def told(seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", program]
        text = everything.model_dump_json()
        return subprocess.run(command, input=text, capture_output=True, text=True, check=True, env=environment).stdout

    assert told("1") == told("2")


def test_a_list_is_plain_ascii() -> None:
    assert listing.table(("run", "kind"), [("a", "audit")]).isascii()


def test_progress_shows_no_control_character_of_a_host() -> None:
    console = Console(file=io.StringIO())
    with Progress(TextColumn("{task.fields[last]}", markup=False), console=console) as bars:
        progress = TerminalProgress(bars)
        progress.begin("audit", 2)
        progress.step("a", HOSTILE)
        assert bars.tasks[0].fields["last"] == "a: \\x1b[2Jcleared honest (debian 12)"
        progress.done("a", HOSTILE)
        assert "\x1b" not in bars.tasks[0].fields["last"]
