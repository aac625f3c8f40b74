"""The walk of all local files: what it lists, how its answer reads, and what it stays out of."""

from __future__ import annotations

import os
import shlex
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hardener.audit import file_walk
from hardener.catalogue import listing, names, walk
from hardener.catalogue.control import CouldNotLook
from hardener.catalogue.listing import More, Unseen
from hardener.model import Answer, FileWalk
from hardener.transport.batch import OUTPUT_LIMIT
from tests.unit.controls.recorded import RecordedHost

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
END = "ended homes 123\nended walk 0\nwalked /\nwalked /home"
FOUND = """\
set-id 04755 0 0 f /usr/bin/su
set-id 02755 0 42 f /usr/bin/chage
set-id 04755 0 0 f /home/plain/su
world-writable 0666 1000 1000 f /srv/open
world-writable 0777 0 0 d /srv/drop
unowned 0644 64321 0 f /srv/left behind
unowned 0644 0 64321 f /srv/two\\x0alines
"""
LISTING = f"{FOUND}{END}\n"
MOUNTS = '{"filesystems": [{"target": "/", "source": "a", "fstype": "ext4", "options": "rw"}, \
{"target": "/home", "source": "b", "fstype": "ext4", "options": "rw,nosuid"}]}'
KINDS = ("world-writable", "set-id", "unowned", "dot", "deep")


def host(answer: str = LISTING, status: int = 0, errors: str = "") -> RecordedHost:
    return RecordedHost(
        {
            walk.COMMAND: (status, answer, errors),
            "findmnt --json --list --output TARGET,SOURCE,FSTYPE,OPTIONS": (0, MOUNTS, ""),
        }
    )


def paths(found: walk.Found) -> list[str]:
    return [entry.path for entry in found.entries]


def test_one_walk_answers_every_question() -> None:
    assert paths(walk.world_writable(host())) == ["/srv/drop", "/srv/open"]
    assert paths(walk.unowned(host())) == ["/srv/two\\x0alines", "/srv/left behind"]
    assert paths(walk.set_id_programs(host())) == ["/usr/bin/chage", "/usr/bin/su"], "the bits mean nothing on nosuid"


def test_what_is_roots_comes_first_whatever_others_call_theirs() -> None:
    answer = f"world-writable 0666 1000 1000 f /a\nworld-writable 0666 0 0 f /usr/b\n{END}\n"
    assert paths(walk.world_writable(host(answer))) == ["/usr/b", "/a"]


def test_it_says_where_it_was_and_the_transport_how_long_it_took() -> None:
    answer = Answer(exit_status=0, stdout=f"{END}\nwalked /srv/a\\x20b\n".encode(), seconds=2.5)
    expected = FileWalk(started=NOW, seconds=2.5, directories=("/", "/home", "/srv/a b"))
    assert file_walk({walk.COMMAND: answer}, NOW) == expected


@pytest.mark.parametrize(
    "answer",
    [
        None,
        Answer(exit_status=None, problem="timed out after 900 s"),
        Answer(exit_status=0, stdout=b"set-id 04755 0 0 f /a\n"),
    ],
    ids=["never asked", "not in time", "cut short"],
)
def test_a_walk_that_did_not_come_to_its_end_is_none(answer: Answer | None) -> None:
    assert file_walk({walk.COMMAND: answer} if answer else {}, NOW) is None


@pytest.mark.parametrize(
    ("answer", "status", "errors"),
    [
        (LISTING.replace("walked /\nwalked /home\n", ""), 0, ""),
        (LISTING.replace("ended walk 0\n", ""), 0, ""),
        (LISTING.replace("ended walk 0", "ended walk 137"), 0, ""),
        (LISTING.replace("ended homes 123\n", ""), 0, ""),
        (LISTING.replace("set-id 04755", "set-id 0999"), 0, ""),
        (LISTING.replace("f /usr/bin/su", "/usr/bin/su"), 0, ""),
        (f"[masked]\n{LISTING}", 0, ""),
        ("", 0, ""),
        (LISTING, 0, "sed: couldn't write\n"),
        (LISTING, 127, ""),
    ],
)
def test_a_walk_that_did_not_come_to_its_end_answers_nothing(answer: str, status: int, errors: str) -> None:
    with pytest.raises(CouldNotLook):
        walk.walk(host(answer, status, errors))


def test_what_could_not_be_looked_at_leaves_findings_as_they_are_and_makes_no_list_empty() -> None:
    unseen = "unseen Input/output error\t/srv/b\\x0ad\n"
    found = walk.world_writable(host(f"{FOUND}{unseen}{END}\n"))
    assert found.unseen == [Unseen("/srv/b\\x0ad", "Input/output error")]
    found.insist()
    assert found.shown(9)[-1] == "not looked at: /srv/b\\x0ad (Input/output error)"
    with pytest.raises(CouldNotLook, match=r"could not look at /srv/b\\x0ad \(Input/output error\)"):
        walk.unowned(host(f"{unseen}{END}\n")).insist()


def test_a_path_that_is_too_long_to_go_on_is_one_that_could_not_be_looked_at() -> None:
    answer = f"deep 0755 1000 1000 d /home/plain/x/x\nmore deep 7 /home/plain/y\n{END}\n"
    assert walk.unowned(host(answer)).unseen == [
        Unseen("/home/plain/x/x", "too long a path"),
        Unseen("/home/plain/y", "too long a path, and 6 more"),
    ]


@pytest.mark.parametrize(
    ("path", "hides"),
    [
        ("", True),
        ("/", True),
        ("/home", True),
        ("/home/ann", True),
        ("/home/ann/.netrc", True),
        ("/home/ann/mail/new", False),
        ("/home/anna", False),
        ("/usr", False),
    ],
)
def test_only_what_is_above_or_right_in_a_home_directory_hides_its_dot_files(path: str, hides: bool) -> None:
    assert walk.may_hide_dot_files(Unseen(path, "Input/output error"), "/home/ann/") is hides


def test_a_list_that_was_cut_says_by_how_much() -> None:
    found = walk.world_writable(host(f"{FOUND}more world-writable 93000 /home/plain/x\n{END}\n"))
    assert found.more == [More(93000, "/home/plain/x")]
    assert found.shown(1) == [
        "/srv/drop (0777 0:0)",
        "and 1 more, such as /srv/open",
        "and 93000 more, such as /home/plain/x",
    ]


@given(some.lists(some.tuples(some.sampled_from(KINDS[:4]), some.binary(min_size=1)), max_size=20))
def test_no_name_hides_its_file_or_makes_another(files: list[tuple[str, bytes]]) -> None:
    lines = "".join(f"{kind} 0666 1 1 f {names.written(b'/' + name)}\n" for kind, name in files)
    walked = walk.read_walk(f"{lines}{END}\n")
    shown = sorted((kind, names.read(entry.path)) for kind in KINDS for entry in walked.found(kind).entries)
    assert shown == sorted((kind, b"/" + name) for kind, name in files)
    assert not walked.listed.unseen


WORDS = some.sampled_from(
    [
        "set-id",
        "04755",
        "0",
        "f",
        "/usr",
        "\n",
        " ",
        "\t",
        "more",
        "unseen",
        "ended",
        "walk",
        "homes",
        "walked /",
        "\\x0a",
    ]
)


@given(some.one_of(some.text(), some.lists(WORDS).map("".join), some.lists(WORDS).map(" ".join)), some.booleans())
def test_whatever_a_target_answers_is_a_walk_or_none(answer: str, is_ended: bool) -> None:
    try:
        walked = walk.read_walk(f"{answer}\n{END}\n" if is_ended else answer)
    except CouldNotLook:
        return
    assert all(entry.path.startswith("/") for kind in KINDS for entry in walked.found(kind).entries)


# --- the real command, on small trees of the machine the tests run on; it reads only -------------------------------


def sh(command: str, path: str = "") -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "LC_ALL": "C", "PATH": f"{path}:{os.environ['PATH']}"}
    return subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=True, env=environment)


def walked(tree: Path, people: str = "", more: str = "", programs: Path | str = "") -> walk.Walk:
    """The walk of a tree as if there were nothing else.

    ``people``: home directories of accounts. ``more``: shell to run before it. ``programs``: a folder of other ones.
    """
    accounts = "".join(f"x:x:{number}:1::{home}:/bin/sh\\n" for number, home in enumerate(people.split("\n")))
    command = (
        walk.COMMAND.replace("people=$(getent passwd)", f"people=$(getent passwd; printf '{accounts}')")
        .replace('find "$@" -xdev', f"find '{tree}' -xdev")
        .replace("-path /", f"-path {tree}/")
        .replace("long=?\n", f"{more}\nlong=?\n")
    )
    done = sh(command, str(programs))
    assert not done.stderr
    return walk.read_walk(done.stdout.decode("utf-8", "backslashreplace"))


def below(found: walk.Found, tree: Path) -> list[str]:
    return sorted(path.removeprefix(f"{tree}/") for path in paths(found) if path.startswith(f"{tree}/"))


def make(path: Path, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    path.chmod(mode)


def test_the_command_finds_what_it_is_for(tmp_path: Path) -> None:
    for name, mode in {"open": 0o666, "closed": 0o644, "program": 0o4755, "var/lib/docker/open": 0o666}.items():
        make(tmp_path / name, mode)
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o1777)
    for name in (".a b", ".plain/deep", "shown"):
        make(tmp_path / "home/ann" / name, 0o644)
    (tmp_path / "home/link").symlink_to("ann")
    seen = walked(tmp_path, f"{tmp_path}/home/link\n{tmp_path}/a+b\n{tmp_path}/home/ann/")
    assert below(seen.found("world-writable"), tmp_path) == ["open"]
    assert below(seen.found("set-id"), tmp_path) == ["program"]
    homes = walk.dot_files(seen)
    assert [*homes[f"{tmp_path}/home/link"]] == [*homes[f"{tmp_path}/home/ann"]] == [".a b"]
    assert not seen.listed.unseen


KEY = r"\x2d----BEGIN RSA PRIVATE KEY"
HOSTILE = [
    b"x\nset-id 04755 0 0 f /usr/bin/evil",
    b"x\nended walk 0\nwalked /",
    b"-----BEGIN RSA PRIVATE KEY-----",
    b"back\\slash\\x0a\\012",
    b"\xff\xfe\xc3\xbc \xe2\x80\xa8",
    bytes(range(1, 32)) + b"\x7f\x85",
    b"' $(id) `id` \" %s %d",
    b"password=hunter2",
    b"-rf",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_the_command_tells_any_name_as_what_it_is(tmp_path: Path, name: bytes) -> None:
    target = os.fsencode(tmp_path) + b"/" + name.replace(b"/", b":")
    os.close(os.open(target, os.O_CREAT | os.O_WRONLY))
    Path(os.fsdecode(target)).chmod(0o666)
    make(tmp_path / "z", 0o4755)
    seen = walked(tmp_path)
    assert [names.read(path) for path in paths(seen.found("world-writable"))] == [target]
    assert below(seen.found("set-id"), tmp_path) == ["z"]
    assert not seen.listed.unseen


@pytest.mark.skipif(os.geteuid() != 0, reason="needs files of two owners")
def test_no_flood_of_one_kind_or_one_user_takes_the_room_of_others(tmp_path: Path) -> None:
    long = "x" * 240
    (tmp_path / "a").mkdir()
    for number in range(3000):
        make(tmp_path / "a" / f"{number}-{long}", 0o6666)
        os.chown(tmp_path / "a" / f"{number}-{long}", 12345, 12345)
        (tmp_path / "a" / f"{number}-{long}").chmod(0o6666)
    make(tmp_path / "z", 0o4755)
    seen = walked(tmp_path)
    assert "z" in below(seen.found("set-id"), tmp_path)
    for kind in ("set-id", "world-writable"):
        found = seen.found(kind)
        assert len(found.entries) - (kind == "set-id") + sum(item.count for item in found.more) == 3000
        assert found.more


def test_all_there_is_room_for_fits_into_one_answer() -> None:
    rooms = sum(2 * room.all for kind, room in walk.ROOM.items() if kind != "dot") + walk.ROOM["dot"].all
    assert rooms + listing.ROOM_OF_UNSEEN < OUTPUT_LIMIT - 256 * 1024


def test_a_path_that_grows_for_ever_ends_the_walk_of_it_and_of_nothing_else(tmp_path: Path) -> None:
    make(tmp_path / "z", 0o4755)
    name = "d" * 250
    before = os.open(".", os.O_RDONLY)
    try:
        os.chdir(tmp_path)
        for _ in range(60):
            Path(name).mkdir()
            os.chdir(name)
        seen = walked(tmp_path)
    finally:
        os.chdir(before)
        os.close(before)
        sh(f"rm -r {tmp_path}/{name}")
    assert below(seen.found("set-id"), tmp_path) == ["z"]
    (place,) = seen.listed.unseen
    assert place.reason == "too long a path"
    assert walk.LONGEST_PATH <= len(place.path) < walk.LONGEST_PATH + 256


def complaining(folder: Path, complaint: str, status: int = 1) -> Path:
    """A folder with a ``find`` that, of the walk itself, complains besides."""
    folder.mkdir()
    script = f"""#!/bin/sh
/usr/bin/find "$@"
case " $* " in *' -xdev '*) printf '%b' {shlex.quote(complaint)} >&2; exit {status} ;; esac
"""
    make(folder / "find", 0o755)
    (folder / "find").write_text(script)
    return folder


MOUNTED = r"""systems=$(printf '%s\n' "$systems" '/mnt/own fuse x' '/mnt/a\x20b\x0a\xff\x5cc fuse.x x')"""


@pytest.mark.parametrize(
    ("complaint", "unseen"),
    [
        (r"find: '/proc/1/x': No such file or directory\n", []),
        (r"find: '/srv/a': Input/output error\n", [Unseen("/srv/a", "Input/output error")]),
        (r"find: '/mnt/own': Permission denied\n", []),
        (r"find: '/mnt/own/below': Permission denied\n", [Unseen("/mnt/own/below", "Permission denied")]),
        (r"find: '/mnt/a b\\n\\377\\\\c': Permission denied\n", []),
        (r"find: '/': Input/output error\n", [Unseen("/", "Input/output error")]),
        (
            r"find: '/srv/x\\': No such file or directory\\nfind: \\'/mnt/own': Permission denied\n",
            [Unseen("/srv/x': No such file or directory\\x0afind: '/mnt/own", "Permission denied")],
        ),
        (
            r"find: '/srv/-----BEGIN RSA PRIVATE KEY': Input/output error\n",
            [Unseen(f"/srv/{KEY}", "Input/output error")],
        ),
        (r"find: cannot do it\n", [Unseen("", "find: cannot do it")]),
    ],
)
def test_what_find_complains_of_is_named_but_for_mounts_of_others(
    tmp_path: Path, complaint: str, unseen: list[Unseen]
) -> None:
    seen = walked(tmp_path, more=MOUNTED, programs=complaining(tmp_path / "bin", complaint))
    assert list(seen.listed.unseen) == unseen


def test_of_very_many_complaints_some_are_named_and_the_others_counted(tmp_path: Path) -> None:
    complaint = "".join(rf"find: '/srv/{number:0200}': Input/output error\n" for number in range(400))
    seen = walked(tmp_path, programs=complaining(tmp_path / "bin", complaint))
    *named, rest = seen.listed.unseen
    assert rest.shown == f"{400 - len(named)} more places"
    assert 200 < len(named) < 400


def test_a_walk_that_takes_too_long_tells_what_it_found_so_far(tmp_path: Path) -> None:
    make(tmp_path / "open", 0o666)
    seen = walked(tmp_path, programs=complaining(tmp_path / "bin", "", status=124))
    assert below(seen.found("world-writable"), tmp_path) == ["open"]
    assert [item.reason for item in seen.listed.unseen] == ["no answer in time"]


def test_a_find_that_is_killed_is_no_walk(tmp_path: Path) -> None:
    with pytest.raises(CouldNotLook):
        walked(tmp_path, programs=complaining(tmp_path / "bin", "", status=137))


def test_a_home_directory_that_does_not_answer_is_named_with_those_after_it(tmp_path: Path) -> None:
    for name in ("ann", "bob", "eve"):
        make(tmp_path / "home" / name / ".rc", 0o644)
    slow = tmp_path / "bin"
    slow.mkdir()
    make(slow / "timeout", 0o755)
    # Two home directories answer; then the time is over.
    script = r"""#!/bin/sh
shift
case $1 in xargs) tr '\0' '\n' | sed '/bob$/q' | tr '\n' '\0' | "$@"; exit 124 ;; esac
exec "$@"
"""
    (slow / "timeout").write_text(script)
    homes = [f"{tmp_path}/home/{name}" for name in ("ann", "bob", "eve")]
    seen = walked(tmp_path, "\n".join(homes), programs=slow)
    assert {*homes[:2]} <= {*walk.dot_files(seen)}
    silent = [item.path for item in seen.listed.unseen if item.reason == "no answer in time"]
    assert homes[2] in silent
    assert homes[0] not in silent
