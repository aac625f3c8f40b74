"""Plans, lists and progress: the same bytes for the same plan, and nothing a host says acts or passes for ours."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys

import pytest
from rich.console import Console
from rich.progress import Progress, TextColumn

from hardener.model import (
    Change,
    ChangeKind,
    Disruption,
    Exclusion,
    Finding,
    HeldBack,
    Outcome,
    PlannedChange,
    Plans,
    Platform,
    TargetPlan,
    Trait,
)
from hardener.reports import items, listing, planned
from hardener.reports.progress import TerminalProgress

from .conftest import CONTROLS, STARTED, facts, findings, unchecked

BOTH = ("sshd-permitrootlogin", "sshd-maxauthtries")
ITEMS = (
    Change(
        role="sshd",
        task="Set",
        module="keyed_file",
        kind=ChangeKind.SETTING,
        subject="/etc/ssh/drop-in",
        key="PermitRootLogin",
        after="PermitRootLogin no",
        controls=BOTH[:1],
    ),
    Change(
        role="sshd",
        task="Write",
        module="text_files",
        kind=ChangeKind.FILE,
        subject="/etc/issue",
        before="one\n2\n",
        after="one\ntwo\n",
        controls=BOTH[1:],
    ),
    Change(
        role="sshd",
        task="Reload",
        module="units",
        kind=ChangeKind.UNIT,
        subject="ssh.service",
        before="enabled, active",
        after="reloaded",
        conditional=True,
        controls=BOTH,
    ),
)
HOSTILE = "\x1b[2Jcleared\nhonest  (debian 12)"


def held_back(*controls: str, reason: str = "apt has no auditd to install") -> tuple[Finding, ...]:
    """Failures of controls that one cause holds back."""
    cause = HeldBack(reason=reason, go_on="give the host a source")
    return tuple(Finding(control=name, outcome=Outcome.FAIL, held_back=cause) for name in controls)


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
                touches=("logged in: admin",),
            ),
            PlannedChange(
                control="sshd-maxauthtries",
                role="sshd",
                disruption=Disruption.NONE,
                observed="6",
                expected="at most 4",
                reason="is 6",
            ),
        ),
        "items": ITEMS,
        "for_a_person": tuple(item for item in findings() if item.control == "accounts-review"),
        "nothing_to_do": ("kernel-sysrq",),
        "exclusions": (Exclusion(control="mounts-tmp", outcome=Outcome.NOTAPPLICABLE, reason="belongs to the host"),),
    }
    return TargetPlan.model_validate({**fields, **changes})


def plans(**changes: object) -> Plans:
    return Plans(
        made=STARTED,
        tool_version="1.0",
        profile="cis-level2",
        pattern="*",
        controls=CONTROLS,
        targets=[plan(**changes)],
    )


def test_a_plan_tells_changes_and_why_the_rest_stays_alone() -> None:
    text = planned.as_text(plans())
    assert text.startswith("soft (debian 12)\n  would change 3 items for 2 controls:\n")
    assert "    sshd-permitrootlogin: is yes, shall be no; can cut you off\n" in text
    assert "      setting /etc/ssh/drop-in [PermitRootLogin]: nothing -> PermitRootLogin no\n" in text
    assert "    sshd, for 2 controls: sshd-permitrootlogin, sshd-maxauthtries\n" in text
    assert "      unit ssh.service: enabled, active -> reloaded (unless the package brings it so)\n" in text
    assert "  touches now: logged in: admin (sshd-permitrootlogin)\n" in text
    assert "  for a person (1):" in text
    assert "  nothing to do: 1 " in text
    assert "  not applicable: 1 (belongs to the host)\n" in text
    assert text.isascii()


def test_what_is_held_back_is_told_by_its_cause_with_how_to_go_on() -> None:
    told = plans(
        held_back=(*held_back("a-one", "a-two", "a-three", "a-four"), *held_back("b-one", reason="it is <shut>"))
    )
    assert (
        "  held back (5):\n"
        "    apt has no auditd to install; to go on: give the host a source (a-one, a-two, a-three and 1 more)\n"
        "    it is <shut>; to go on: give the host a source (b-one)\n"
    ) in planned.as_text(told)
    page = planned.as_html(told)
    assert "it is &lt;shut&gt;; to go on: give the host a source" in page
    assert page.count("apt has no auditd to install") == 1
    assert "held back" not in planned.as_text(plans())


def test_what_cannot_be_changed_safely_is_told_with_its_reason() -> None:
    told = plans(left_as_is=("/etc/motd: left alone: a <link>", "/etc/issue: left alone: it cannot be reached"))
    assert (
        "  would be left as it is (2):\n"
        "    /etc/motd: left alone: a <link>\n"
        "    /etc/issue: left alone: it cannot be reached\n"
    ) in planned.as_text(told)
    assert "<li>/etc/motd: left alone: a &lt;link&gt;</li>" in planned.as_html(told)
    assert "left as it is" not in planned.as_text(plans()) + planned.as_html(plans())


def test_differences_are_shown_only_where_asked_for() -> None:
    brief, long = (planned.as_text(plans(), with_diffs=with_diffs) for with_diffs in (False, True))
    assert "+two" not in brief
    assert (
        "      file /etc/issue: 2 lines -> 2 lines\n        @@ -1,2 +1,2 @@\n         one\n        -2\n        +two\n"
        in long
    )
    assert "        +PermitRootLogin no\n" in long
    assert set(brief.splitlines()) < set(long.splitlines())


def test_every_item_is_told_once_whoever_shares_it() -> None:
    made = plan()
    told = [item for group in items.groups(made) for item in group.items]
    assert sorted(item.subject for item in told) == sorted(item.subject for item in made.items)


def test_the_page_has_everything_escaped_and_loads_nothing() -> None:
    hostile = ITEMS[0].model_copy(update={"subject": "<script>alert(1)</script>", "after": "</pre><img src=x>"})
    page = planned.as_html(plans(items=(hostile,), problem="<b>no</b>"))
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;" in page
    assert "&lt;b&gt;no" in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert not re.search(r"(src|href)=\"(?!#)", page)
    assert planned.as_html(plans()) == planned.as_html(plans())


def test_the_page_tells_what_the_table_tells() -> None:
    page = planned.as_html(plans())
    for words in (
        "PermitRootLogin no",
        "can cut you off",
        "logged in: admin",
        "kernel-sysrq",
        "belongs to the host",
    ):
        assert words in page


@pytest.mark.parametrize(
    "changes",
    [
        {"target": HOSTILE},
        {"facts": facts(platform=Platform(family=HOSTILE, release=HOSTILE))},
        {"problem": HOSTILE},
        {"held_back": held_back("a-one", reason=HOSTILE)},
        {"left_as_is": (HOSTILE,)},
        {"exclusions": (Exclusion(control="mounts-tmp", outcome=Outcome.ERROR, reason=HOSTILE),)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_a_host_says_neither_steers_a_terminal_nor_forges_a_line(changes: dict[str, object]) -> None:
    told = plans()
    text = planned.as_text(unchecked(told, targets=(unchecked(told.targets[0], **changes),)))
    assert "\x1b" not in text
    assert "\\x1b[2Jcleared honest (debian 12)" in text
    assert not [line for line in text.splitlines() if line.startswith("honest")]


def test_a_plan_in_json_is_the_plan_again() -> None:
    body = json.loads(planned.as_json(plans()))
    assert body.pop("schema") == "hardener-plan/1"
    assert Plans.model_validate(body) == plans()


def test_bytes_of_a_plan_do_not_depend_on_the_order_of_sets() -> None:
    everything = plans(facts=facts(traits=frozenset(Trait)))
    program = (
        "import sys; from hardener.model import Plans; from hardener.reports import planned; "
        "sys.stdout.write(planned.as_json(Plans.model_validate_json(sys.stdin.read())))"
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
        progress = TerminalProgress(lambda: bars)
        progress.begin("audit", 2)
        progress.step("a", HOSTILE)
        assert bars.tasks[0].fields["last"] == "a: \\x1b[2Jcleared honest (debian 12)"
        progress.done("a", HOSTILE)
        assert "\x1b" not in bars.tasks[0].fields["last"]


def test_what_is_written_while_bars_are_paused_is_not_erased() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    progress = TerminalProgress(lambda: Progress(TextColumn("{task.description}"), console=console, transient=True))
    with progress.shown():
        for title in ("audit", "plan"):
            progress.begin(title, 2)
        with progress.paused():
            console.file.write("Apply this?\n")
        progress.begin("apply", 2)
    told = console.file.getvalue()  # type: ignore[attr-defined]
    before, _, after = told.partition("Apply this?\n")
    assert before.count("\x1b[1A") > 0, "the bars have gone"
    shown, _, _ = after.partition("apply")
    assert "\x1b[1A" not in shown
