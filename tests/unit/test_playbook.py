"""What answers of Ansible's modules, and of ours, amount to: one item each, and nothing that is hidden."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from hardener.errors import PlaybookFailed
from hardener.lossless import escaped
from hardener.masking import MASK
from hardener.model import ChangeKind
from hardener.playbook import PlaybookRun, run_playbook
from hardener.playbook.events import MOST_CHANGES, MOST_LEFT, NAME_LIMIT, TEXT_LIMIT, Outcome, record
from tests.unit.secrets import HASHES, LINES, PASSWORD, TOKENS

TASK = {"host": "node", "role": "sudo", "task": "Do it"}


def told(module: str, answer: dict[str, Any], event: str = "runner_on_ok") -> Outcome:
    """What is remembered of one event."""
    outcomes = {"node": Outcome()}
    data = {**TASK, "resolved_action": module, "res": answer}
    assert not record({"event": event, "event_data": data}, outcomes, lambda _target, _task: None)
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
            "ansible.builtin.copy",
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


ROW: dict[Any, Any] = {"kind": "setting", "subject": "/etc/x", "key": "a", "before": "", "after": "a 1"}


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "row",
    [
        {**ROW, "surprise": 1},
        {**ROW, "role": "other"},
        {**ROW, "kind": "magic"},
        {**ROW, "kind": None},
        {**ROW, "kind": ["setting"]},
        {**ROW, "before": None},
        {**ROW, "after": {"a": 1}},
        {**ROW, "after": nested(100_000)},
        {**ROW, "subject": 5},
        {**ROW, "subject": "/" * (NAME_LIMIT + 1)},
        {**ROW, "conditional": "yes"},
        {**ROW, 1: 2},
    ],
)
def test_an_item_of_another_shape_is_that_targets_problem_and_a_change_all_the_same(row: dict[Any, Any]) -> None:
    outcome = told("keyed_file", {"changed": True, "diff": [ROW, row, ROW]})
    assert outcome.problem is not None
    assert outcome.problem.startswith("Do it: what it changed cannot be read: ")
    assert [change.kind for change in outcome.changes] == [ChangeKind.SETTING, ChangeKind.ACTION]


@pytest.mark.parametrize(
    "answer",
    [
        {"diff": "text"},
        {"diff": 5},
        {"diff": [[], 1, None, "text"]},
        {"diff": {"before": "a"}},
        {"diff": {"after": "a"}},
        {"diff": {"before": {"state": "file"}, "after": None}},
        {"diff": {"before": {}, "after": {"state": ["x"]}}},
        {"diff": [{"prepared": "text"}], "invocation": "text"},
        {"diff": None, "invocation": {"module_args": ["path"]}},
        {"invocation": {"module_args": {"path": {"a": 1}}}},
        {"invocation": {"module_args": {"name": 1}}},
    ],
)
@pytest.mark.parametrize("module", ["ansible.builtin.file", "ansible.builtin.group", "keyed_file"])
def test_an_answer_of_ansible_in_another_shape_is_that_something_was_done(module: str, answer: dict[str, Any]) -> None:
    assert items(module, answer) == [("action", "Do it", "", "", "done")]


@pytest.mark.parametrize("event", ["runner_on_ok", "runner_on_failed", "runner_on_unreachable", None, ["x"]])
@pytest.mark.parametrize("res", [None, "text", [], nested(100_000), {"changed": nested(9)}, {"msg": nested(9)}])
def test_an_event_of_another_shape_is_no_error_of_ours(event: Any, res: Any) -> None:
    outcomes = {"node": Outcome(), "other": Outcome()}
    for data in ({**TASK, "res": res}, {**TASK, "host": ["node"], "res": res}, {**TASK, "task": {}, "res": res}, res):
        record({"event": event, "event_data": data}, outcomes, lambda _target, _task: None)
    assert outcomes["other"] == Outcome()


def test_what_our_modules_warn_of_is_kept_whether_they_changed_anything_or_failed() -> None:
    answer = {"warnings": ["/etc/x: left alone: a link", 5, "two\nlines password=hunter2hunter2"], "msg": "no"}
    for event in ("runner_on_ok", "runner_on_failed"):
        left = told("text_files", answer, event).left_as_is
        assert left == ["/etc/x: left alone: a link", "", "two\\x0alines password=[masked]"]
    assert told("ansible.builtin.apt", answer).left_as_is == []
    assert told("text_files", {"warnings": {"a": "mapping"}}).left_as_is == []
    assert len(told("text_files", {"warnings": ["x"] * 1000}).left_as_is) == MOST_LEFT


def test_what_a_target_tells_can_be_kept_whatever_its_bytes_are() -> None:
    row = {**ROW, "subject": "/etc/\udcff", "key": "\ud800", "before": "\udcfe\n", "after": "é"}
    (change,) = told("keyed_file", {"changed": True, "diff": [row]}).changes
    assert (change.subject, change.key, change.before, change.after) == ("/etc/\\udcff", "\\ud800", "\\udcfe\n", "é")
    assert change.model_dump_json()
    problem = told("command", {"msg": "\udcff\x1b[2J", "stderr": "x" * 4_000_000}, "runner_on_failed").problem
    assert problem is not None
    assert problem.isprintable()
    assert len(problem) < 3000


def test_no_target_tells_more_than_can_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = told("keyed_file", {"changed": True, "diff": [ROW] * (MOST_CHANGES + 5)})
    assert len(outcome.changes) == MOST_CHANGES + 1
    assert outcome.problem is not None
    assert "more than 10000 changes" in outcome.problem
    monkeypatch.setattr("hardener.playbook.events.MOST_TEXT", 2 * TEXT_LIMIT)
    outcome = told("keyed_file", {"changed": True, "diff": [{**ROW, "after": "x" * TEXT_LIMIT}] * 9})
    assert [change.kind for change in outcome.changes] == [ChangeKind.SETTING] * 2 + [ChangeKind.ACTION]
    assert "40000 characters" in str(outcome.problem)


def test_a_secret_that_a_cut_goes_through_is_not_kept() -> None:
    secret = f"password={PASSWORD}"
    for distance in range(len(secret) + 2):
        text = "x" * (TEXT_LIMIT - 1 - distance) + " " + secret
        (change,) = told("text_files", {"changed": True, "diff": [{**ROW, "after": text * 3}]}).changes
        assert PASSWORD[:6] not in change.after
        assert len(change.after) <= TEXT_LIMIT


def test_long_texts_are_masked_in_one_go() -> None:
    """Not a measure: a pattern that looks at a line again from each of its letters takes minutes."""
    began = time.process_time()
    for unit in ("a", "eyJ", ":omx:", "://", "pass = ", "$6$", "-"):
        told("text_files", {"changed": True, "diff": [{**ROW, "after": unit * 1_000_000}]})
    assert time.process_time() - began < 30


def test_what_ansible_says_before_it_starts_on_any_target_is_the_reason(tmp_path: Path) -> None:
    playbook = tmp_path / "broken.yml"
    playbook.write_text("- hosts: all\n  gather_facts: false\n  roles: [no-such-role]\n")
    run = PlaybookRun(inventories=["nowhere.invalid,"], extra_vars=[], variables={"nowhere.invalid": {}})
    with pytest.raises(PlaybookFailed, match="no-such-role"):
        run_playbook(run, str(playbook))


def test_a_path_of_the_longest_kind_is_no_problem_however_it_is_escaped() -> None:
    row = {**ROW, "subject": "/" + r"\xe9" * 4094}
    outcome = told("log_files", {"changed": True, "diff": [row]})
    assert (outcome.problem, outcome.changes[0].subject) == (None, row["subject"])


@pytest.mark.parametrize("secret", [*TOKENS.values(), *HASHES.values(), LINES["environment"]])
def test_an_escape_before_a_secret_does_not_hide_it(secret: str) -> None:
    text = escaped(f"caf\udce9{secret}\r\n\0{secret}\n")
    (change,) = told("text_files", {"changed": True, "diff": [{**ROW, "before": text}]}).changes
    assert secret not in change.before
    assert PASSWORD not in change.before
    assert change.before.startswith(r"caf\xe9")
    assert secret not in str(told("actions", {"msg": text}, "runner_on_failed").problem)
