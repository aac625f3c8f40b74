"""Whatever a file is made of that a module edits, its other bytes stay, once is enough, and it can be undone.

What cannot be edited is left alone in one line.
"""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.secure_files import Directory
from hypothesis import given
from hypothesis import strategies as some

from hardener.checkpoint import undoing
from hardener.lossless import bytes_of, escaped, text_of, unescaped
from playbooks.library import (
    allowed_users,
    audit_rules,
    dconf_settings,
    enforced_profiles,
    first_line,
    keyed_file,
    live_sysctl,
    matched_line,
    mount_options,
    pam_profiles,
    text_files,
)
from tests.unit.library.running import run

ENDS = some.sampled_from(
    [b"\n", b"\n", b"\r\n", b"\r", b"\x0b", b"\x0c", b"\x1c", b"\xc2\x85", b"\xe2\x80\xa8", b"\0\n"]
)
"""What ends a line, and what only Python would take for it."""
OWN = [
    b"Port 22",
    b"\tport   22 # c",
    b"Port\xc2\xa022",
    b"PORT",
    b"PortRange 1",
    b"Include x",
    b"#Port 1",
    b"[main]",
    b"[a]\xe9",
    b"dev /home ext4 defaults 0 0",
    b"dev\t/home ext4 suid,dev",
    b"# dev /home ext4 defaults",
    b"root",
    b"profile \xe9 flags=(complain) {",
    b"profile x flags=(complain,audit) {",
    b"system-db:local",
    b"/usr/sbin/nologin",
    b"Name: Unix",
    b"auth pam_unix.so nullok",
]
"""Lines that some module knows, and such as look like them."""
LINES = (
    some.sampled_from(OWN) | some.binary(max_size=12) | some.sampled_from([b"\xef\xbb\xbf", b"", b"caf\xe9", b"\\xe9"])
)
FILES = some.lists(some.tuples(LINES, ENDS), max_size=8).map(
    lambda rows: b"".join(a + b for a, b in rows)
) | some.tuples(some.lists(some.tuples(LINES, ENDS), max_size=4), LINES).map(
    lambda parts: b"".join(a + b for a, b in parts[0]) + parts[1]
)
"""Files with and without an end to their last line."""

Edit = Callable[[str], str]
VALUES = {"Port": "23", "New": "caf\N{LATIN SMALL LETTER E WITH ACUTE}"}
ENTRY = {"source": "tmpfs", "fstype": "tmpfs", "options": "mode=1777"}
PORT = rb"\s*(Port|New)(\s|=|$)"
EDITS: dict[str, tuple[Edit, bytes]] = {
    "keyed_file": (lambda text: keyed_file.diff(text, VALUES, " ", None), rb"\s*(Port|New)(\s|$)"),
    "keyed_file, any case": (lambda text: keyed_file.diff(text, VALUES, "=", None, fold=True), b"(?i)" + PORT),
    "keyed_file, section": (lambda text: keyed_file.diff(text, VALUES, "=", "main"), PORT + rb"|\[main\]$"),
    "first_line": (
        lambda text: first_line.diff(text, "Include x", without=["port"]),
        rb"(?i)\s*(include\s+x\s*$|port(\s|=|$))",
    ),
    "matched_line, dropped": (
        lambda text: matched_line.diff(text, r"^\s*/\S*/nologin\s*$", None),
        rb"\s*/\S*/nologin\s*$",
    ),
    "matched_line, changed": (
        lambda text: matched_line.diff(text, "^auth .*pam_unix", "auth pam_unix.so x", "^Name"),
        rb"auth .*pam_unix",
    ),
    "mount_options": (
        lambda text: mount_options.diff(text, {"/home": ["nodev", "nosuid"]}, {"/new": ENTRY}),
        rb"[ \t]*[^#\s]\S*[ \t]+(/home|/new)[ \t]+\S+[ \t]+\S",
    ),
    "allowed_users": (lambda text: allowed_users.diff(text, ["root", "backup"], [], []), rb"(root|backup)$"),
    "enforced_profiles": (enforced_profiles.enforced, rb"[^#]*profile (\xe9|x)"),
    "dconf_settings": (lambda text: dconf_settings.with_database(text, "local"), rb"(system-db:local|user-db:user)$"),
}
"""How each module edits a text, and what begins the lines that are its own."""


def not_ours(data: bytes, own: bytes) -> list[bytes]:
    """The lines of a file that are nobody's business; that a last line gets its end is none of theirs."""
    header = keyed_file.HEADER.strip().encode()
    return [line for line in data.split(b"\n") if line and line != header and not re.match(own, line)]


@pytest.mark.parametrize("name", EDITS)
@given(data=FILES)
def test_what_is_not_ours_stays_byte_for_byte_and_twice_is_once(name: str, data: bytes) -> None:
    edit, own = EDITS[name]
    once = edit(text_of(data))
    assert not_ours(bytes_of(once), own) == not_ours(data, own)
    assert edit(once) == once


@given(data=FILES)
def test_a_derived_profile_is_the_other_with_one_module_and_a_name_of_its_own(data: bytes) -> None:
    made = bytes_of(pam_profiles.derived(text_of(data), "x", "pam_unix.so", {"nullok": "absent"}))
    kept = [line for line in data.split(b"\n") if b"pam_unix.so" not in line and not line.startswith(b"Name:")]
    assert [line for line in made.split(b"\n") if b"pam_unix.so" not in line and not line.startswith(b"Name:")] in (
        kept,
        [*kept, b""],
    )


def states(before: bytes | None, after: bytes) -> tuple[Any, Any, Any]:
    """The states of a target on which a run has written one file."""
    kinds = ("units", "packages", "mounts", "modules", "rulesets", "routes", "sysctls")

    def of(data: bytes | None) -> dict[str, Any]:
        entry = {"type": "file", "mode": 0o644, "uid": 0, "gid": 0, "xattrs": {}, "sha256": str(data), "times": [1]}
        return {**{kind: {} for kind in kinds}, "files": {} if data is None else {"/f": entry}}

    return of(before), of(after), of(after)


def undone(before: bytes, after: bytes, changes: list[dict[str, str]]) -> undoing.Undoing:
    """What becomes of a file when changes go back, as they are recorded of it."""
    recorded = json.loads(json.dumps([{side: escaped(text) for side, text in change.items()} for change in changes]))
    chosen = [{side: unescaped(text) for side, text in change.items()} for change in recorded]
    texts = undoing.Texts(text_of(before), text_of(after), text_of(after))
    return undoing.some(chosen, states(before, after), lambda _: texts, force=False)


def settings(before: str, after: str) -> list[dict[str, str]]:
    """The changes that ``keyed_file`` tells."""
    sides = {key: [keyed_file.lines_with(text, key, " ", None) for text in (before, after)] for key in VALUES}
    return [
        {"kind": "setting", "subject": "/f", "key": key, "before": old, "after": new}
        for key, (old, new) in sides.items()
        if old != new
    ]


@given(data=FILES)
def test_undoing_what_was_set_gives_the_bytes_back(data: bytes) -> None:
    after = keyed_file.diff(text_of(data), VALUES, " ", None)
    back = undone(data, bytes_of(after), settings(text_of(data), after))
    assert (back.texts.get("/f", data), back.left, back.conflicts) == (data, [], [])


@given(data=FILES)
def test_undoing_what_fstab_got_gives_the_bytes_back(data: bytes) -> None:
    after = mount_options.diff(text_of(data), {"/home": ["nodev"]}, {"/new": ENTRY})
    names = ("subject", "key", "before", "after")
    rows = [
        {**dict(zip(names, ("/f", *entry[1:]), strict=True)), "kind": "setting"}
        for entry in mount_options.entry_changes(text_of(data), after)
    ]
    back = undone(data, bytes_of(after), rows)
    assert (back.texts.get("/f", data), back.left, back.conflicts) == (data, [], [])


@given(data=FILES)
def test_undoing_one_line_leaves_the_others(data: bytes) -> None:
    after = keyed_file.diff(text_of(data), VALUES, " ", None)
    changes = settings(text_of(data), after)
    back = undone(data, bytes_of(after), changes[:1])
    own = rb"\s*(Port|New)(\s|$)"
    assert not_ours(back.texts.get("/f", bytes_of(after)), own) == not_ours(bytes_of(after), own)
    if len(changes) == 2:
        assert (b"New caf\xc3\xa9\n" in back.texts["/f"]) == (changes[1]["after"] in after.split("\n"))


NAME = "50-hardener-x.rules"
CONTENTS = {
    "Latin-1": b"# caf\xe9\nPort 22\ndev /home ext4 defaults 0 0\n",
    "NUL bytes": b"\0\0\nPort\0 22\n\0Port 22\n",
    "CRLF": b"# a\r\nPort 22\r\ndev /home ext4 defaults 0 0\r\nroot\r\n",
    "a byte order mark": b"\xef\xbb\xbf# a\nPort 22\n",
    "no final newline": b"# caf\xe9\nPort 22",
    "no end at all": b"caf\xe9",
    "nothing": b"",
    "other ends": b"# a\x0cPort 22\x0bPort 23\xc2\x85Port 24\xe2\x80\xa8Port 25\n",
    "a line of 1 MB": b"#" + b" flags=(" * 131_072 + b"\nPort 22\n" + b" " * 1_000_000 + b"x\n",
    "100,000 lines": b"# caf\xe9 \\xe9\n" * 100_000 + b"Port 22\n",
}
LEFT_ALONE = {
    "10 MB": "more than 4 MiB, of which no checkpoint keeps the content",
    "a looping link": "Too many levels of symbolic links",
    "a directory": "no regular file",
    "a pipe": "no regular file",
    "below a file": "no directory",
    "a mount that answers nobody": "Permission denied",
}


def in_fstab(_path: str, **how: Any) -> dict[str, Any]:
    return run(mount_options.main, options={"/home": {"nodev": True}}, file_systems={}, **how)


def in_rules(_path: str, **how: Any) -> dict[str, Any]:
    return run(audit_rules.main, rules={"x": ["-w /etc/hosts -p wa -k x"]}, **how)


def in_profiles(path: str, **how: Any) -> dict[str, Any]:
    return run(enforced_profiles.main, directory=str(Path(path).parent), **how)


def in_dconf(_path: str, **how: Any) -> dict[str, Any]:
    return run(dconf_settings.main, profile="user", database="local", settings={}, locks=[], **how)


def with_pam(_path: str, **how: Any) -> dict[str, Any]:
    derived = {"new": {"base": NAME, "module": "pam_unix.so", "arguments": {}}}
    return run(pam_profiles.main, derived=derived, enabled=["new"], **how)


MODULES: dict[str, Callable[..., dict[str, Any]]] = {
    "keyed_file": lambda path, **how: run(keyed_file.main, path=path, values={"Port": 23}, **how),
    "first_line": lambda path, **how: run(first_line.main, path=path, line="Include x", **how),
    "matched_line": lambda path, **how: run(matched_line.main, path=path, pattern="^Port", line="Port 1", **how),
    "text_files": lambda path, **how: run(text_files.main, texts={path: "x"}, **how),
    "allowed_users": lambda path, **how: run(
        allowed_users.main, path=path, users=["root"], jobs="/none", denied="/none", **how
    ),
    "live_sysctl": lambda path, **how: run(live_sysctl.main, file=path, values={}, **how),
    "mount_options": in_fstab,
    "audit_rules": in_rules,
    "enforced_profiles": in_profiles,
    "dconf_settings": in_dconf,
    "pam_profiles": with_pam,
}
"""How each module is run on a file."""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that modules edit: what else they would look at or run is not this machine's."""
    (tmp_path / "folder").mkdir()
    path = tmp_path / "folder" / NAME
    listing = json.dumps({"filesystems": []})
    monkeypatch.setattr(mount_options, "FSTAB", str(path))
    monkeypatch.setattr(mount_options.Host, "run", lambda _, *words: listing if words[0] == "findmnt" else "")
    monkeypatch.setattr(audit_rules, "FOLDER", str(path.parent))
    monkeypatch.setattr(audit_rules.Host, "run", lambda *_: "")
    monkeypatch.setattr(enforced_profiles, "exists", lambda _: True)
    monkeypatch.setattr(enforced_profiles, "kernel_text", lambda _: "Port (complain)\ncaf\udce9 (complain)\n")
    monkeypatch.setattr(dconf_settings, "FOLDER", str(tmp_path / "dconf"))
    (tmp_path / "dconf" / "profile").mkdir(parents=True)
    (tmp_path / "dconf" / "profile" / "user").symlink_to(path)
    monkeypatch.setattr(pam_profiles, "PROFILES", str(path.parent))
    for module in (enforced_profiles, dconf_settings, pam_profiles):
        monkeypatch.setattr(module, "output_of", lambda *_, **__: "")
    looks = count()
    monkeypatch.setattr(
        pam_profiles, "stacks_now", lambda _: dict.fromkeys(pam_profiles.STACKS, f"{next(looks)} pam_unix.so")
    )
    monkeypatch.setattr(pam_profiles, "in_use", lambda _: {"new"})
    return path


def told(answer: dict[str, Any]) -> list[Any]:
    """What a module tells of files: other programs, which it calls, are not there."""
    fields = ("kind", "subject", "key", "before", "after")
    return [[item.get(name) for name in fields] for item in answer["diff"] if item["kind"] in {"file", "setting"}]


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("name", MODULES)
def test_a_module_plans_what_it_does_and_does_it_once(name: str, content: str, file: Path) -> None:
    file.write_bytes(CONTENTS[content])
    planned = MODULES[name](str(file), check=True)
    assert file.read_bytes() == CONTENTS[content]
    done = MODULES[name](str(file))
    assert "msg" not in done
    assert told(planned) == told(done)
    assert planned["warnings"] == done["warnings"] == []
    after = file.read_bytes()
    assert told(MODULES[name](str(file))) == []
    assert file.read_bytes() == after


def make(path: Path, content: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put something in the place of a file that nobody can edit."""
    found = Directory.item
    if content == "10 MB":
        path.write_bytes(b"Port 22\n" * 1_310_720)
    elif content == "a looping link":
        path.symlink_to(path.name)
    elif content == "a directory":
        path.mkdir()
    elif content == "a pipe":
        os.mkfifo(path)
    elif content == "below a file":
        path.parent.rmdir()
        path.parent.touch()
    else:

        def refused(self: Directory, name: str) -> Any:
            if name == path.name:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), name)
            return found(self, name)

        path.write_bytes(b"Port 22\n")
        monkeypatch.setattr(Directory, "item", refused)


OF_MANY = {"audit_rules", "enforced_profiles"}
"""Modules that look at all files of a directory, and at regular ones alone."""


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (name, content)
        for name in MODULES
        for content in LEFT_ALONE
        if not (name in OF_MANY and content in {"a directory", "a pipe", "below a file"})
        and (name, content) != ("text_files", "a looping link")
    ],
)
def test_what_cannot_be_edited_is_left_alone_in_one_line(
    name: str, content: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(file, content, monkeypatch)
    for check in (True, False):
        before = os.lstat(file.parent)
        answer = MODULES[name](str(file), check=check)
        assert "msg" not in answer
        assert told(answer) == []
        (line,) = answer["warnings"]
        assert line.endswith(f": left alone: {LEFT_ALONE[content]}")
        assert line.startswith(str(file if name != "dconf_settings" else file.parents[1] / "dconf/profile/user"))
        assert os.lstat(file.parent) == before, "its directory would have another time"


def test_a_link_that_leads_nowhere_or_in_a_circle_becomes_the_whole_text(tmp_path: Path) -> None:
    for name, target in (("loop", "loop"), ("dangling", "nowhere")):
        (tmp_path / name).symlink_to(target)
        assert run(text_files.main, texts={str(tmp_path / name): "x"})["changed"]
        assert (tmp_path / name).read_bytes() == b"x\n"
        assert not (tmp_path / name).is_symlink()


def test_a_setting_that_lies_behind_a_dangling_link_is_made(tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to("nowhere")
    assert run(keyed_file.main, path=str(tmp_path / "dangling"), values={"Port": 23})["changed"]
    assert (tmp_path / "dangling").read_text() == f"{keyed_file.HEADER}Port 23\n"
    assert not (tmp_path / "nowhere").exists()
