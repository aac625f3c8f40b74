"""The walk of all local files: what it lists, how its answer reads, and what it stays out of."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hardener.audit import file_walk
from hardener.catalogue import walk
from hardener.catalogue.control import CouldNotLook
from hardener.model import Answer, FileWalk
from tests.unit.controls.recorded import RecordedHost

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
END = "walked / /home"
LISTING = f"""\
04755 0 0 f /usr/bin/su
02755 0 42 f /usr/bin/chage
04755 0 0 f /home/plain/su
0666 1000 1000 f /srv/open
0777 0 0 d /srv/drop
01777 0 0 d /srv/shared
0644 64321 0 f /srv/left behind
0644 0 64321 f /srv/two
lines
{END}
"""
MOUNTS = '{"filesystems": [{"target": "/", "source": "a", "fstype": "ext4", "options": "rw"}, \
{"target": "/home", "source": "b", "fstype": "ext4", "options": "rw,nosuid"}]}'


def host(listing: str = LISTING, status: int = 0, errors: str = "") -> RecordedHost:
    return RecordedHost(
        {
            walk.COMMAND: (status, listing, errors),
            "getent passwd": (0, "root:x:0:0::/root:/bin/sh\nplain:x:1000:1000::/home/plain:/bin/sh\n", ""),
            "getent group": (0, "root:x:0:\nshadow:x:42:\nplain:x:1000:\n", ""),
            "findmnt --json --list --output TARGET,SOURCE,FSTYPE,OPTIONS": (0, MOUNTS, ""),
        }
    )


def test_one_walk_answers_every_question() -> None:
    assert [entry.path for entry in walk.world_writable(host())] == ["/srv/drop", "/srv/open"]
    assert [entry.path for entry in walk.unowned(host())] == ["/srv/left behind", "/srv/two\nlines"]
    assert walk.set_id_programs(host()) == ["/usr/bin/chage", "/usr/bin/su"], "the bits mean nothing below nosuid"


def test_it_says_where_it_was_and_the_transport_how_long_it_took() -> None:
    answer = Answer(exit_status=0, stdout=f"{END}\n".encode(), seconds=2.5)
    assert file_walk({walk.COMMAND: answer}, NOW) == FileWalk(started=NOW, seconds=2.5, directories=("/", "/home"))


@pytest.mark.parametrize(
    "answer",
    [
        None,
        Answer(exit_status=None, problem="timed out after 900 s"),
        Answer(exit_status=0, stdout=b"04755 0 0 f /a\n"),
    ],
    ids=["never asked", "not in time", "cut short"],
)
def test_a_walk_that_did_not_come_to_its_end_is_none(answer: Answer | None) -> None:
    assert file_walk({walk.COMMAND: answer} if answer else {}, NOW) is None


def test_a_file_that_vanished_meanwhile_is_no_failure() -> None:
    vanished = "find: '/proc/1/x': No such file or directory\n"
    assert walk.walk(host(status=1, errors=vanished)).entries


@pytest.mark.parametrize(
    ("listing", "status", "errors"),
    [
        (LISTING.removesuffix(f"{END}\n"), 1, ""),
        ("", 0, ""),
        (LISTING, 1, "find: '/srv': Permission denied\n"),
        (LISTING, 127, ""),
    ],
)
def test_a_walk_that_did_not_come_to_its_end_answers_nothing(listing: str, status: int, errors: str) -> None:
    with pytest.raises(CouldNotLook):
        walk.walk(host(listing, status, errors))


@given(
    some.lists(
        some.text(
            some.characters(
                blacklist_categories=["Cs"], blacklist_characters="\0\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
            ),
            min_size=1,
        )
    )
)
def test_no_name_hides_its_file(names: list[str]) -> None:
    lines = "".join(f"04755 0 0 f /{index}/{name}\n" for index, name in enumerate(names))
    shown = [entry.path for entry in walk.read_walk(f"{lines}{END}\n").entries]
    assert {path.split("/")[1].partition("\n")[0] for path in shown} >= {str(index) for index in range(len(names))}


def test_the_command_finds_what_it_is_for(tmp_path: Path) -> None:
    """The real command, on a small tree of the machine the tests run on; it reads only."""
    for name, mode in {"open": 0o666, "closed": 0o644, "program": 0o4755, "var/lib/docker/open": 0o666}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        path.chmod(mode)
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o1777)
    (tmp_path / "home/ann").mkdir(parents=True)
    for name in (".a b", ".plain/deep", "shown"):
        (tmp_path / "home/ann" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "home/ann" / name).touch()
    (tmp_path / "home/link").symlink_to("ann")
    passwd = f"printf '%s\\n' x:x:1:1::{tmp_path}/home/link:/bin/sh x:x:1:1::{tmp_path}/a+b:/bin/sh"
    command = (
        walk.COMMAND.replace("people=$(getent passwd", f"people=$({passwd}")
        .replace('find "$@"', f"find {tmp_path}")
        .replace("-path /", f"-path {tmp_path}/")
    )
    answer = subprocess.run(
        ["/bin/sh", "-c", command], capture_output=True, text=True, check=True, env={"LC_ALL": "C", **os.environ}
    )
    found = {Path(entry.path).name for entry in walk.read_walk(answer.stdout).entries if "docker" not in entry.path}
    assert found >= {"open", "program"}
    assert not {"closed", "shared"} & found
    assert "docker" not in answer.stdout
    seen = walk.read_walk(answer.stdout)
    assert seen.homes == {f"{tmp_path}/home/link": f"{tmp_path}/home/ann"}
    assert [entry.path for entry in seen.entries if "/home/" in entry.path] == [f"{tmp_path}/home/ann/.a b"]
