"""What the module ``apt_packages`` makes of the words of apt-get: every package that comes, goes or changes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbooks.library import apt_packages
from playbooks.library.apt_packages import DAY, Host, diff, parsed, simulated

SIMULATION = """\
Reading package lists...
The following NEW packages will be installed:
  aide libmhash2
Remv nis [4.5]
Purg ypbind-mt [2.7.2-2+b1]
Inst libmhash2 (0.9.9.9-9 Debian:12.15/oldstable [amd64])
Inst openssh-server [1:9.2p1-1] (1:9.2p1-2+deb12u6 Debian-Security:12/oldstable-security [amd64]) []
Inst libc6:i386 (2.36-9 Debian:12/oldstable [i386])
Conf libmhash2 (0.9.9.9-9 Debian:12.15/oldstable [amd64])
"""
LISTING = """\
installed bash amd64 5.2.15-2+b7
installed base-files all 12.4
installed libc6 i386 2.36-9
config-files telnet amd64 0.17
half-installed broken amd64
"""
VERSIONS = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from(["1", "2"]))


def test_only_what_is_installed_counts_and_foreign_packages_have_their_architecture() -> None:
    assert parsed(LISTING, "amd64") == {"bash": "5.2.15-2+b7", "base-files": "12.4", "libc6:i386": "2.36-9"}


def test_a_simulation_tells_what_will_be_installed() -> None:
    before = {"nis": "4.5", "ypbind-mt": "2.7.2-2+b1", "openssh-server": "1:9.2p1-1", "bash": "5"}
    assert simulated(before, SIMULATION) == {
        "bash": "5",
        "libmhash2": "0.9.9.9-9",
        "openssh-server": "1:9.2p1-2+deb12u6",
        "libc6:i386": "2.36-9",
    }


def test_dependencies_that_come_and_go_are_items_of_their_own() -> None:
    assert diff({"nis": "4.5", "bash": "5"}, {"bash": "6", "aide": "1"}) == [
        {"kind": "package", "subject": "aide", "before": "absent", "after": "1"},
        {"kind": "package", "subject": "bash", "before": "5", "after": "6"},
        {"kind": "package", "subject": "nis", "before": "4.5", "after": "absent"},
    ]


@given(VERSIONS, VERSIONS)
def test_the_items_lead_from_one_state_to_the_other(before: dict[str, str], after: dict[str, str]) -> None:
    reached = dict(before)
    for item in diff(before, after):
        assert reached.pop(item["subject"], "absent") == item["before"]
        if item["after"] != "absent":
            reached[item["subject"]] = item["after"]
    assert reached == after


class Module:
    """Stands for Ansible's module, and notes the options of apt-get and what their folder was like."""

    def __init__(self, *, check_mode: bool) -> None:
        self.check_mode = check_mode
        self.calls: list[list[str]] = []
        self.modes: list[int] = []

    def run_command(self, words: list[str], **_: Any) -> tuple[int, str, str]:
        self.calls.append(words)
        folders = [Path(word.partition("=")[2]) for word in words if word.startswith("Dir::State::lists=")]
        self.modes += [folder.stat().st_mode & 0o7777 for top in folders for folder in (top, top / "partial")]
        return 0, "", ""


@pytest.fixture
def lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of package lists, fetched just now."""
    monkeypatch.setattr(apt_packages, "APT", str(tmp_path))
    folder = tmp_path / "lists"
    folder.mkdir()
    (folder / "deb.example_Packages").touch()
    return folder


@pytest.mark.parametrize("check_mode", [True, False])
def test_lists_that_are_new_are_not_fetched(lists: Path, check_mode: bool) -> None:
    module = Module(check_mode=check_mode)
    Host(module).refresh()
    assert module.calls == []
    assert [path.name for path in lists.parent.iterdir()] == ["lists"]


@pytest.mark.parametrize("state", ["old", "empty", "missing"])
def test_check_mode_fetches_lists_into_a_folder_of_roots_alone_that_is_gone_afterwards(lists: Path, state: str) -> None:
    if state != "old":
        (lists / "deb.example_Packages").unlink()
    os.utime(lists, (0, lists.stat().st_mtime - 2 * DAY))
    if state == "missing":
        lists.rmdir()
    before, module = sorted(lists.parent.iterdir()), Module(check_mode=True)
    host = Host(module)
    with host.folders:
        host.refresh()
    assert [words[-1] for words in module.calls] == ["update"]
    assert module.modes == [0o700, 0o700]
    assert sorted(lists.parent.iterdir()) == before
