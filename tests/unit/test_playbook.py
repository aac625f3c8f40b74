"""What answers of Ansible's modules, and of ours, amount to: one item each, and nothing that is hidden."""

from __future__ import annotations

from typing import Any

import pytest

from hardener.masking import MASK
from hardener.model import ChangeKind
from hardener.playbook import TEXT_LIMIT, Outcome, _record
from tests.unit.secrets import HASHES, LINES, PASSWORD

TASK = {"host": "node", "role": "sudo", "task": "Do it"}


def told(module: str, answer: dict[str, Any], event: str = "runner_on_ok") -> Outcome:
    """What is remembered of one event."""
    outcomes = {"node": Outcome()}
    data = {**TASK, "resolved_action": module, "res": answer}
    assert not _record({"event": event, "event_data": data}, outcomes, lambda _target, _task: None)
    return outcomes["node"]


def items(module: str, answer: dict[str, Any]) -> list[tuple[str, ...]]:
    changes = told(module, {"changed": True, **answer}).changes
    return [(change.kind.value, change.subject, change.key, change.before, change.after) for change in changes]


def test_items_of_our_modules_are_taken_as_they_are() -> None:
    rows = [
        {"kind": "setting", "subject": "/etc/x", "key": "a", "before": "", "after": "a 1"},
        {"kind": "unit", "subject": "x.service", "before": "", "after": "restarted", "conditional": True},
    ]
    changes = told("keyed_file", {"changed": True, "diff": rows}).changes
    assert [(change.kind, change.key, change.conditional) for change in changes] == [
        (ChangeKind.SETTING, "a", False),
        (ChangeKind.UNIT, "", True),
    ]
    assert {(change.role, change.task, change.module) for change in changes} == {("sudo", "Do it", "keyed_file")}


@pytest.mark.parametrize(
    ("module", "answer", "item"),
    [
        (
            "ansible.builtin.lineinfile",
            {
                "invocation": {"module_args": {"path": "/etc/shells"}},
                "diff": [
                    {"before": "a\nb\n", "after": "a\n", "before_header": "/etc/shells (content)"},
                    {"before_header": "/etc/shells (file attributes)", "after_header": "/etc/shells (file attributes)"},
                ],
            },
            ("file", "/etc/shells", "", "a\nb\n", "a\n"),
        ),
        (
            "ansible.builtin.file",
            {
                "invocation": {"module_args": {"path": "/run/x"}},
                "diff": {"before": {"path": "/run/x", "state": "file"}, "after": {"path": "/run/x", "state": "absent"}},
            },
            ("file", "/run/x", "", "file", "absent"),
        ),
        (
            "ansible.builtin.group",
            {"invocation": {"module_args": {"name": "wheel"}}},
            ("group", "wheel", "", "absent", "present"),
        ),
        ("ansible.builtin.template", {"censored": "hidden", "diff": []}, ("action", "Do it", "", "", "done")),
    ],
)
def test_an_answer_of_ansible_becomes_an_item(module: str, answer: dict[str, Any], item: tuple[str, ...]) -> None:
    assert items(module, answer) == [item]


def test_what_changed_nothing_is_no_item_and_what_failed_is_a_problem() -> None:
    assert told("units", {"changed": False, "diff": []}).changes == []
    assert told("units", {"msg": "no such unit"}, "runner_on_failed").problem == "Do it: no such unit"
    assert told("units", {}, "runner_on_skipped").tasks == 0


def test_long_texts_are_cut() -> None:
    row = {"kind": "file", "subject": "/etc/x", "before": "", "after": "x" * 2 * TEXT_LIMIT}
    (change,) = told("text_files", {"changed": True, "diff": [row]}).changes
    assert len(change.after) == TEXT_LIMIT


def test_neither_a_change_nor_a_failure_tells_a_secret() -> None:
    line = f"//nas/share /mnt cifs rw,{LINES['environment']} 0 0"
    diff = {"kind": "setting", "subject": "/etc/fstab", "key": "/mnt", "before": line, "after": f"{line} # hardened"}
    ((_, _, _, before, after),) = items("keyed_file", {"diff": [diff]})
    assert before == f"//nas/share /mnt cifs rw,AWS_SECRET_ACCESS_KEY={MASK} 0 0"
    assert after == f"{before} # hardened"
    problem = told(
        "command", {"msg": f"failed: {HASHES['grub']}", "stderr": LINES["argument"]}, "runner_on_failed"
    ).problem
    assert problem is not None
    assert PASSWORD not in problem
    assert HASHES["grub"] not in problem


ODD: tuple[Any, ...] = (
    {"diff": [{"kind": "setting"}]},
    {"diff": [{"kind": "setting", "subject": "/etc/x", "before": "", "after": "", "surprise": 1}]},
    {"diff": [{"kind": "nonsense", "subject": "/etc/x", "before": "", "after": ""}]},
    {"diff": [{"kind": "file", "subject": "/etc/x", "before": 7, "after": None}]},
    {"diff": [["kind"]]},
    {"diff": [7]},
    {"diff": "kind"},
    {"invocation": ["x"], "diff": []},
    {"invocation": {"module_args": {"path": "/etc/x"}}, "diff": [{"after": "x"}]},
    {"invocation": {"module_args": {"path": "/etc/x"}}, "diff": [{"after": {"state": "x"}}]},
    {"diff": [{"kind": "setting", "subject": "/etc/x", "before": "", "after": "", "role": "other"}]},
)


@pytest.mark.parametrize("answer", ODD, ids=repr)
def test_an_answer_that_cannot_be_read_is_the_problem_of_its_target(answer: dict[str, Any]) -> None:
    outcome = told("keyed_file", {"changed": True, **answer})
    assert outcome.problem is not None
    assert outcome.problem.startswith("Do it: its answer could not be read: ")
    assert "\n" not in outcome.problem
    assert outcome.tasks == 1


@pytest.mark.parametrize("event", ["runner_on_ok", "runner_on_failed", "runner_on_unreachable"])
@pytest.mark.parametrize("answer", [None, [], "text", 7])
def test_an_answer_of_another_shape_ends_nothing(event: str, answer: Any) -> None:
    assert told("keyed_file", answer, event).problem is not None
