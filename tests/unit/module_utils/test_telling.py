"""What modules tell survives whatever names and texts are made of."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from ansible.module_utils import secure_files
from ansible.module_utils.telling import MOST_TOLD, fail, finish, leaving_alone, output_of, tell_left_alone

from hardener.playbook import events


class Module:
    """Notes what it is told, and says what a command says."""

    def __init__(self, command: tuple[int, str, str] = (0, "", "")) -> None:
        self.command = command
        self.told: list[object] = []

    def exit_json(self, **answer: object) -> None:
        self.told.append(answer)

    def warn(self, text: str) -> None:
        self.told.append(text)

    def fail_json(self, msg: str) -> None:
        self.told.append({"failed": msg})

    def run_command(self, _words: list[str], **_how: object) -> tuple[int, str, str]:
        return self.command


def finished(*items: dict[str, Any], **more: object) -> list[object]:
    """What a module tells that ends with some items."""
    module = Module()
    with pytest.raises(SystemExit):
        finish(module, items, **more)
    return module.told


def test_an_answer_can_be_written_whatever_bytes_it_is_about() -> None:
    item = {"kind": "file", "subject": "/a\udcff\n", "before": "\t\\xff\r\n", "after": "ä\udc80\n", "conditional": True}
    told = {"subject": "/a\\xff\\x0a", "before": "\t\\x5cxff\\x0d\n", "after": "ä\\x80\n"}
    assert finished(item) == [{"changed": True, "diff": [{**item, **told}]}]


def test_of_a_text_as_much_is_told_as_anybody_keeps() -> None:
    (answer,) = finished({"kind": "file", "subject": "/a", "before": "x" * 10_000_000, "after": ""})
    assert isinstance(answer, dict)
    assert len(answer["diff"][0]["before"]) == MOST_TOLD > events.TEXT_LIMIT + events._UNSURE


def test_a_module_may_say_more_and_whether_anything_changed() -> None:
    assert finished() == [{"changed": False, "diff": []}]
    assert finished(changed=True, msg="3 lines") == [{"changed": True, "diff": [], "msg": "3 lines"}]


def test_a_failure_is_one_line_that_can_be_written() -> None:
    module = Module()
    with pytest.raises(SystemExit):
        fail(module, "/ä b\udcff\n: no\x1b[2J")
    assert module.told == [{"failed": "/ä b\\xff\\x0a: no\\x1b[2J"}]


def test_a_command_that_fails_is_told_by_its_last_words() -> None:
    assert output_of(Module((0, "output", "warning")), "true") == "output"
    for command, said in (
        ((1, "output", "a\nline 7: caf\udce9\n"), "a; line 7: caf\\xe9"),
        ((1, "no", ""), "no"),
        ((1, "", " \n"), "it said nothing"),
        ((1, "", "".join(f"{number}\n" for number in range(100))), "95; 96; 97; 98; 99"),
    ):
        module = Module(command)
        with pytest.raises(SystemExit):
            output_of(module, "sshd", "-t")
        assert module.told == [{"failed": f"sshd ended with 1: {said}"}]


def test_what_could_mislead_us_or_cannot_be_reached_is_a_warning_and_all_else_a_failure() -> None:
    module = Module()
    tell_left_alone(module, "/a\n\udcff", secure_files.Unsafe("/proc/self/fd/9", "a hard link"))
    tell_left_alone(module, "/b", OSError(errno.ENOTCONN, "not connected"))
    with pytest.raises(SystemExit):
        tell_left_alone(module, "/c", OSError(errno.EROFS, "Read-only file system", "/proc/self/fd/9"))
    assert module.told == [
        "/a\\x0a\\xff: left alone: a hard link",
        "/b: left alone: not connected",
        {"failed": "/c: Read-only file system"},
    ]


def test_a_module_ends_where_it_cannot_look_and_nothing_has_changed() -> None:
    module = Module()
    with pytest.raises(SystemExit), leaving_alone(module, "/a"):
        raise OSError(errno.ELOOP, "Too many levels of symbolic links")
    assert module.told == [
        "/a: left alone: Too many levels of symbolic links",
        {"changed": False, "diff": []},
    ]
