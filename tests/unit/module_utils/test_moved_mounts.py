"""A file system takes the place of a directory in use only with what is in there, and out of everybody's sight."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils import moved_mounts, secure_paths

from tests.unit.library.running import NEEDS_ROOT, STRANGER, state, theirs, victim

pytestmark = NEEDS_ROOT
TMPFS = {"source": "tmpfs", "fstype": "tmpfs", "options": "mode=1777"}


class Failed(Exception):
    """The task failed."""


class Module:
    """Stands for Ansible's module, and notes commands instead of running them: nothing is mounted here.

    The place where something would be mounted is a directory, which gets the mode that a file system would have.
    """

    def __init__(self, failing: str = "") -> None:
        self.failing = failing
        self.commands: list[list[str]] = []
        self.warnings: list[str] = []
        self.kept: dict[str, tuple[bytes, int, int, int]] = {}

    def run_command(self, words: list[str]) -> tuple[int, str, str]:
        self.commands.append(words)
        if "--types" in words:
            Path(words[-1]).chmod(0o1777)
        if "--bind" in words:
            staging = Path(words[2])
            assert staging.stat().st_mode & 0o7777 == 0o1777
            assert staging.parent.stat().st_mode & 0o7777 == 0o700
            self.kept = {str(path.relative_to(staging)): state(path) for path in staging.rglob("*") if path.is_file()}
        if "--lazy" in words:
            secure_paths.remove_tree(words[-1])  # what is in there goes with the file system
            Path(words[-1]).mkdir()
        return (1, "", "no\n") if self.failing in words else (0, "", "")

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def fail_json(self, msg: str) -> None:
        raise Failed(msg)


@pytest.fixture(autouse=True)
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the file system is filled: not this machine's own /run."""
    folder = tmp_path / "run"
    folder.mkdir()
    monkeypatch.setattr(secure_paths, "RUN", str(folder))
    return folder


@pytest.fixture
def used(tmp_path: Path) -> Path:
    """A directory like /tmp, with files of somebody else."""
    path = tmp_path / "tmp"
    path.mkdir()
    path.chmod(0o1777)
    home = theirs(path / "work")
    (home / "data").write_text("data")
    os.chown(home / "data", STRANGER, STRANGER)
    (home / "data").chmod(0o4750)
    return path


def test_what_is_in_a_directory_comes_along_and_the_way_is_gone_afterwards(used: Path, run: Path) -> None:
    module = Module()
    moved_mounts.move_into(module, str(used), TMPFS)
    assert [words[:2] for words in module.commands] == [["mount", "--types"], ["mount", "--bind"], ["umount", "--lazy"]]
    assert module.commands[1][3] == str(used)
    assert module.kept == {"work/data": (b"data", STRANGER, STRANGER, 0o750)}
    assert list(run.iterdir()) == []


@pytest.mark.parametrize("failing", ["--types", "--bind"])
def test_a_mount_that_fails_leaves_everything_as_it_was(used: Path, run: Path, failing: str) -> None:
    module = Module(failing)
    with pytest.raises(Failed, match=f"^{used}: what is in it cannot be moved into a tmpfs: mount: no$"):
        moved_mounts.move_into(module, str(used), TMPFS)
    assert [words[0] for words in module.commands].count("umount") == (failing == "--bind")
    assert list(run.iterdir()) == []
    assert state(used / "work/data") == (b"data", STRANGER, STRANGER, 0o4750)


def test_a_copy_that_fails_leaves_everything_as_it_was(used: Path, run: Path) -> None:
    here = os.open(used, os.O_RDONLY)
    for _ in range(300):
        os.mkdir("d", dir_fd=here)
        deeper = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)
    module = Module()
    with pytest.raises(Failed, match="more than 200 directories deep"):
        moved_mounts.move_into(module, str(used), TMPFS)
    assert [words[:2] for words in module.commands] == [["mount", "--types"], ["umount", "--lazy"]]
    assert list(run.iterdir()) == []


def test_nothing_is_mounted_in_a_directory_of_somebody_else(tmp_path: Path) -> None:
    home, module = theirs(tmp_path / "home"), Module()
    (home / "tmp").mkdir()
    with pytest.raises(Failed, match="nothing is mounted in a directory of somebody else"):
        moved_mounts.move_into(module, str(home / "tmp"), TMPFS)
    assert module.commands == []


def test_links_that_are_planted_stay_links_and_lead_no_copy_anywhere(used: Path, tmp_path: Path) -> None:
    secret = victim(tmp_path)
    before = state(secret)
    (used / "work/link").symlink_to(secret)
    (used / "work/folder").symlink_to(tmp_path)
    os.mkfifo(used / "work/pipe")
    module = Module()
    moved_mounts.move_into(module, str(used), TMPFS)
    assert state(secret) == before


REALLY = """
import json, os, subprocess, sys
import ansible.module_utils
ansible.module_utils.__path__.append(sys.argv[1])
from ansible.module_utils import moved_mounts, secure_paths

class Module:
    def run_command(self, words):
        done = subprocess.run(words, capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr
    def fail_json(self, msg):
        print(json.dumps({"failed": msg, "found": found()}))
        sys.exit()

def found():
    walked = [os.path.join(folder, name) for folder, _, names in os.walk(used) for name in names]
    listed = {path: os.lstat(path) for path in [used, *walked]}
    mounts = [line.split()[1] for line in open("/proc/self/mounts")]
    return {
        "files": {path: [oct(seen.st_mode), seen.st_uid] for path, seen in listed.items()},
        "mounts": [path for path in mounts if path.startswith(os.path.dirname(used))],
        "run": os.listdir(secure_paths.RUN),
    }

used, secure_paths.RUN, options = sys.argv[2:]
subprocess.run(["mount", "--make-rshared", "/"], check=True)  # as systemd does, among ourselves
os.chdir(used + "/work")  # which must not hold anything up
moved_mounts.move_into(Module(), used, {"source": "tmpfs", "fstype": "tmpfs", "options": options})
print(json.dumps({"found": found()}))
"""


def moved(used: Path, run: Path, options: str) -> dict[str, Any]:
    """What became of a directory in a mount namespace of the test's own, where a file system was mounted over it."""
    shared = Path(__file__).parents[3] / "playbooks/module_utils"
    given = map(str, (shared, used, run, options))
    words = ["unshare", "--mount", "--propagation", "private", sys.executable, "-c", REALLY, *given]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if "Operation not permitted" in done.stderr:
        pytest.skip("no mount namespaces here")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_a_real_file_system_takes_the_place_of_a_directory_somebody_works_in(used: Path, run: Path) -> None:
    os.mkfifo(used / "work/pipe")
    os.chown(used / "work/pipe", STRANGER, STRANGER)
    (used / "work/link").symlink_to("/etc/shadow")
    answer = moved(used, run, "mode=1777,nodev")["found"]
    assert answer["mounts"] == [str(used)]
    assert answer["run"] == []
    assert {path.removeprefix(f"{used}"): seen for path, seen in answer["files"].items()} == {
        "": ["0o41777", 0],
        "/work/data": ["0o100750", STRANGER],
        "/work/link": ["0o120777", 0],
        "/work/pipe": ["0o10644", STRANGER],
    }


def test_a_real_file_system_that_is_too_small_is_gone_again(used: Path, run: Path) -> None:
    (used / "work/large").write_bytes(b"x" * 100_000)
    answer = moved(used, run, "mode=1777,size=16k")
    assert answer["failed"].endswith("[Errno 28] No space left on device")
    assert (answer["found"]["mounts"], answer["found"]["run"]) == ([], [])
    assert answer["found"]["files"][f"{used}/work/data"] == ["0o104750", STRANGER]
