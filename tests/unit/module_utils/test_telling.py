"""What modules tell survives whatever names and texts are made of."""

from __future__ import annotations

import errno

import pytest
from ansible.module_utils import secure_files
from ansible.module_utils.telling import escaped, finish, on_a_line, tell_left_alone


class Module:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def exit_json(self, **answer: object) -> None:
        self.told.append(answer)

    def warn(self, text: str) -> None:
        self.told.append(text)

    def fail_json(self, msg: str) -> None:
        self.told.append({"failed": msg})


def test_an_answer_can_be_written_whatever_bytes_it_is_about() -> None:
    module = Module()
    finish(module, [{"kind": "file", "subject": "/a\udcff", "before": "", "after": "ä\udc80\n", "conditional": True}])
    item = {"kind": "file", "subject": "/a\\xff", "before": "", "after": "ä\\x80\n", "conditional": True}
    assert module.told == [{"changed": True, "diff": [item]}]


def test_a_module_may_say_more_and_whether_anything_changed() -> None:
    module = Module()
    finish(module, [])
    finish(module, [], changed=True, msg="3 lines")
    assert module.told == [{"changed": False, "diff": []}, {"changed": True, "diff": [], "msg": "3 lines"}]


@pytest.mark.parametrize(("path", "said"), [("/a b", "/a b"), ("/a\nb\x1b", "/a\\nb\\x1b"), ("/ä\udcff", "/ä\\xff")])
def test_a_path_in_a_message_is_on_one_line(path: str, said: str) -> None:
    assert on_a_line(path) == said
    assert on_a_line(escaped(path)) == said


def test_what_could_mislead_us_or_cannot_be_reached_is_a_warning_and_all_else_a_failure() -> None:
    module = Module()
    tell_left_alone(module, "/a\n", secure_files.Unsafe("/proc/self/fd/9", "a hard link"))
    tell_left_alone(module, "/b", OSError(errno.ENOTCONN, "not connected"))
    tell_left_alone(module, "/c", OSError(errno.EROFS, "Read-only file system", "/proc/self/fd/9"))
    assert module.told == [
        "/a\\n: left alone: a hard link",
        "/b: left alone: not connected",
        {"failed": "/c: Read-only file system"},
    ]
