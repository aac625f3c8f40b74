"""Whoever owns a directory swaps what is in it, between every two system calls of a module that works there as root."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible.module_utils.open_files import OpenFiles

from playbooks.library import file_modes, first_line, keyed_file, log_files, text_files
from tests.attacks import swaps
from tests.attacks.swaps import ATTACKER, IS_ROOT, Swap, Victims
from tests.attacks.tracing import sweep

MODULES: Mapping[str, tuple[ModuleType, Callable[[str], dict[str, Any]]]] = {
    "file_modes": (file_modes, lambda own: {"patterns": {f"{own}/app/*": "0640", f"{own}/app/": "0750"}}),
    "log_files": (log_files, lambda own: {"path": own, "kinds": {"*": {"mode": "0640", "groups": ["root"]}}}),
    "text_files": (text_files, lambda own: {"texts": {f"{own}/app/conf": "new"}}),
    "keyed_file": (keyed_file, lambda own: {"path": f"{own}/app/conf", "values": {"key": "new"}}),
    "first_line": (first_line, lambda own: {"path": f"{own}/app/conf", "line": "new"}),
}
"""Module → its arguments, for a directory of somebody else's."""
SWAPS: Mapping[str, Swap] = {
    "a file becomes a link to a file of root's": Swap("own/app/conf", swaps.a_link_to_a_file),
    "a file becomes a hard link to a file of root's": Swap(
        "own/app/conf", swaps.a_hard_link_to_what_all_may_read, by_root=True
    ),
    "a file becomes a pipe": Swap("own/app/conf", swaps.a_pipe),
    "a file becomes a set-id program": Swap("own/app/conf", swaps.a_program_of_his_own),
    "a directory becomes a link to one of root's": Swap("own/app", swaps.a_link_to_a_directory),
}


@dataclass
class Stage:
    """A directory of the attacker's with a file that the module has to change, and the victims beside it."""

    folder: Path
    module: ModuleType
    arguments: Callable[[str], dict[str, Any]]

    def __post_init__(self) -> None:
        self.victims = Victims(self.folder / "victims", ("conf",))
        self.root = self.folder / "root"

    def prepare(self) -> None:
        self.victims.make()
        with suppress(FileNotFoundError):
            shutil.rmtree(self.root)
        (self.root / "tmp").mkdir(parents=True, mode=0o700)
        (self.root / "own/app").mkdir(parents=True)
        (self.root / "own/app/conf").write_text("key old\n")
        (self.root / "own/app/conf").chmod(0o666)
        for name in ("own", "own/app", "own/app/conf"):
            os.chown(self.root / name, ATTACKER, -1)

    def run(self) -> None:
        """The module as Ansible starts it; what it answers is of no interest."""
        words = {"_ansible_tmpdir": str(self.root / "tmp"), **self.arguments(str(self.root / "own"))}
        basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": words}).encode()
        with open(os.devnull, "w", encoding="ascii") as nowhere:  # noqa: PTH123 - opened by name, in a traced child
            sys.stdout = nowhere
            self.module.main()

    def check(self) -> str | None:
        return self.victims.harmed() or swaps.gained(self.root)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Stage]]:
    monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
    monkeypatch.setattr(basic, "_ANSIBLE_ARGS", None)
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    # Of thousands of system calls, and about nothing but the kernel's own names, which nobody can swap.
    looked = OpenFiles()
    monkeypatch.setattr(log_files, "OpenFiles", lambda: looked)
    with swaps.ground() as folder:
        yield lambda name: Stage(folder, *MODULES[name])


@pytest.mark.skipif(not IS_ROOT, reason="two accounts are needed, and only root can be both")
@pytest.mark.parametrize("for_a_moment", [False, True], ids=["for good", "for a moment"])
@pytest.mark.parametrize("swap", SWAPS)
@pytest.mark.parametrize("module", MODULES)
def test_nothing_swapped_beneath_a_module_wins(
    stage: Callable[[str], Stage], module: str, swap: str, for_a_moment: bool
) -> None:
    made, chosen = stage(module), SWAPS[swap]
    made.prepare()
    with pytest.raises(SystemExit):  # and whatever it needs is imported before it is traced
        made.run()
    done = sweep(
        made.run,
        lambda: chosen.make(made.root, made.victims),
        made.check,
        prepare=made.prepare,
        undo=(lambda: chosen.undo(made.root)) if for_a_moment else None,
    )
    assert done.made
    if done.wins:
        pytest.fail(str(done), pytrace=False)


@pytest.mark.parametrize("module", MODULES)
def test_without_an_attacker_the_module_does_its_work(stage: Callable[[str], Stage], module: str) -> None:
    made = stage(module)
    made.prepare()
    file = made.root / "own/app/conf"
    for path in (file.parent.parent, file.parent, file):
        os.chown(path, os.geteuid(), -1)
    before = file.stat()
    with pytest.raises(SystemExit) as ended:
        made.run()
    assert ended.value.code == 0
    now = file.stat()
    assert (now.st_ino, now.st_mode) != (before.st_ino, before.st_mode)
