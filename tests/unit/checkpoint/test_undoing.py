"""What a run changed goes back, what somebody changed since does not, and of one control only its lines."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hardener.checkpoint import undoing
from hardener.checkpoint.state import differing


def entry(text: str) -> dict[str, Any]:
    """A file with a text."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {
        "type": "file",
        "mode": 0o644,
        "uid": 0,
        "gid": 0,
        "xattrs": {},
        "sha256": digest,
        "size": len(text),
        "times": [1],
    }


def state(sysctls: Mapping[str, str] | None = None, **texts: str) -> dict[str, dict[str, Any]]:
    """A state with some files below /etc, and kernel settings."""
    files = {f"/etc/{name}": entry(text) for name, text in texts.items()}
    kinds = ("units", "packages", "mounts", "modules", "rulesets", "routes")
    return {**{kind: {} for kind in kinds}, "files": files, "sysctls": dict(sysctls or {})}


def test_a_whole_run_goes_back() -> None:
    before, after = state(issue="old", gone="text"), state(issue="new", made="text")
    undone = undoing.whole(before, after, after, force=False)
    assert undone.conflicts == []
    assert differing(before, undone.wanted) == []


def test_what_somebody_changed_since_stays_and_is_named() -> None:
    before, after, now = state(issue="old", motd="a"), state(issue="new", motd="b"), state(issue="theirs", motd="b")
    undone = undoing.whole(before, after, now, force=False)
    assert undone.conflicts == [("files", "/etc/issue")]
    assert undone.names(now) == [("files", "/etc/motd")]
    assert undoing.whole(before, after, now, force=True).names(now) == [("files", "/etc/issue"), ("files", "/etc/motd")]


def test_what_the_run_did_not_touch_is_left_alone() -> None:
    before, after, now = state(issue="old"), state(issue="new"), state(issue="new", theirs="text")
    assert undoing.whole(before, after, now, force=False).names(now) == [("files", "/etc/issue")]


def test_what_is_back_already_is_no_conflict() -> None:
    before, after = state({"kernel/x": "1"}, issue="old"), state({"kernel/x": "2"}, issue="new")
    undone = undoing.whole(before, after, before, force=False)
    assert (undone.conflicts, undone.names(before)) == ([], [])


def setting(path: str, before: str, after: str) -> dict[str, str]:
    return {
        "kind": "setting",
        "subject": path,
        "key": after.split(" ", maxsplit=1)[0],
        "before": before,
        "after": after,
    }


def texts(before: str | None = "", after: str | None = "", now: str | None = "") -> Callable[[str], undoing.Texts]:
    """What a target's checkpoint and the target itself say of a file."""
    return lambda _path: undoing.Texts(before, after, now)


PASSWD = "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("ann:x:0:0::/root:/bin/sh", "ann:x:1000:1000::/home/ann:/bin/sh"),
        ("eve:x:0:0::/root:/bin/sh", ""),
        ("", "root:x:0:0::/root:/bin/sh"),
        ("", ""),
    ],
)
def test_a_forged_record_chooses_no_line_that_the_run_did_not_change(before: str, after: str) -> None:
    states = state(passwd=PASSWD), state(passwd=f"{PASSWD}bob:x:1001:1001::/:/bin/sh\n")
    now = f"{PASSWD}bob:x:1001:1001::/:/bin/sh\n"
    changes = [setting("/etc/passwd", before, after)]
    undone = undoing.some(changes, (*states, states[1]), texts(PASSWD, now, now), force=True)
    assert undone.texts == {}
    assert undone.names(states[1]) == []
    assert undone.left == ["/etc/passwd: 1 lines are not what this target's checkpoint says of the run"]


def test_nothing_of_a_file_goes_back_whose_text_after_the_run_was_not_kept() -> None:
    before, after = state(limits="a 1\n"), state(limits="a 10\n")
    changes = [setting("/etc/limits", "a 1", "a 10")]
    undone = undoing.some(changes, (before, after, after), texts("a 1\n", None, "a 10\n"), force=False)
    assert undone.texts == {}
    assert len(undone.left) == 1


def test_a_line_that_the_run_took_away_comes_back_where_it_was() -> None:
    before, text = state(limits="a 1\nb 2\nc 3\n"), "a 1\nc 3\n"
    after = state(limits=text)
    changes = [{**setting("/etc/limits", "b 2", "b"), "after": ""}]
    undone = undoing.some(changes, (before, after, after), texts("a 1\nb 2\nc 3\n", text, text), force=False)
    assert undone.texts == {"/etc/limits": b"a 1\nb 2\nc 3\n"}


def test_of_a_file_with_many_keys_only_some_lines_go_back() -> None:
    before, text = state(limits="a 1\nb 2\n"), "a 10\nb 20\nc 30\n"
    after = state(limits=text)
    changes = [setting("/etc/limits", "a 1", "a 10"), setting("/etc/limits", "", "c 30")]
    undone = undoing.some(changes, (before, after, after), texts("a 1\nb 2\n", text, text), force=False)
    assert undone.texts == {"/etc/limits": b"a 1\nb 20\n"}
    assert "times" not in undone.wanted["files"]["/etc/limits"], "what is wanted was never seen"
    assert undone.conflicts == []


def test_a_file_of_which_nothing_stays_goes() -> None:
    text = "# Managed by hardener: only the keys it set.\na 1\n"
    after = state(made=text)
    changes = [setting("/etc/made", "", "a 1")]
    undone = undoing.some(changes, (state(), after, after), texts(None, text, text), force=False)
    assert "/etc/made" not in undone.wanted["files"]


def test_a_line_that_somebody_changed_since_is_a_conflict() -> None:
    before, after = state(limits="a 1\n"), state(limits="a 10\n")
    changes = [setting("/etc/limits", "a 1", "a 10")]
    undone = undoing.some(changes, (before, after, after), texts("a 1\n", "a 10\n", "a 99\n"), force=False)
    assert undone.conflicts == [("files", "/etc/limits")]


def test_a_kernel_setting_goes_back_by_its_name() -> None:
    before, after = state({"kernel/x": "1", "kernel/y": "1"}), state({"kernel/x": "2", "kernel/y": "2"})
    change = {"kind": "sysctl", "subject": "kernel.x", "key": "", "before": "1", "after": "2"}
    undone = undoing.some([change], (before, after, after), texts(), force=False)
    assert undone.names(after) == [("sysctls", "kernel/x")]


def link(target: str) -> dict[str, Any]:
    """A symbolic link."""
    return {"type": "link", "mode": 0o777, "uid": 0, "gid": 0, "xattrs": {}, "target": target}


def test_a_unit_goes_back_with_what_masks_and_enables_it() -> None:
    wants = "/etc/systemd/system/multi-user.target.wants"
    before, after = state(issue="old"), state(issue="new")
    before["units"] = {"rpcbind.service": {"file": "enabled", "since": 1}}
    before["files"] |= {
        f"{wants}/rpcbind.service": link("/lib/systemd/system/rpcbind.service"),
        f"{wants}/cron.service": link("/lib/systemd/system/cron.service"),
        "/etc/systemd/system/portmap.service": link("/lib/systemd/system/rpcbind.service"),
        "/etc/rc3.d/S01rpcbind": link("../init.d/rpcbind"),
    }
    after["files"] |= {
        "/etc/systemd/system/rpcbind.service": link("/dev/null"),
        "/etc/rc3.d/K01rpcbind": link("../init.d/rpcbind"),
    }
    change = {"kind": "unit", "subject": "rpcbind.service"}
    undone = undoing.some([change], (before, after, after), texts(), force=False)
    assert undone.names(after) == [
        ("files", "/etc/rc3.d/K01rpcbind"),
        ("files", "/etc/rc3.d/S01rpcbind"),
        ("files", "/etc/systemd/system/multi-user.target.wants/rpcbind.service"),
        ("files", "/etc/systemd/system/portmap.service"),
        ("files", "/etc/systemd/system/rpcbind.service"),
        ("units", "rpcbind.service"),
    ]


def test_a_package_goes_back_whatever_its_architecture() -> None:
    before, after = state(), state()
    before["packages"], after["packages"] = {"telnet:amd64": "1", "ftp:all": "1"}, {}
    undone = undoing.some([{"kind": "package", "subject": "telnet"}], (before, after, after), texts(), force=False)
    assert undone.names(after) == [("packages", "telnet:amd64")]


def test_what_goes_back_only_with_the_whole_run_is_said() -> None:
    change = {"kind": "ruleset", "subject": "audit"}
    undone = undoing.some([change], (state(), state(), state()), texts(), force=False)
    assert undone.left == ["ruleset audit: goes back with the whole run alone"]


LINES = some.lists(some.sampled_from(["a 1", "b 2", "# c", "d"]), max_size=6)


@given(lines=LINES, before=some.sampled_from(["", "x 1"]))
def test_putting_a_line_back_undoes_putting_it_in(lines: list[str], before: str) -> None:
    old = [*lines, *([before] if before else [])]
    new = [*lines, "x 2"]
    change = undoing.lines_of_change(setting("/etc/f", before, "x 2"))
    text, missing = undoing.without("".join(f"{line}\n" for line in new), [change])
    assert not missing
    assert text == "".join(f"{line}\n" for line in old)


def test_a_key_that_had_several_lines_gets_them_back_where_they_were() -> None:
    before, after = "a 1\nb\na 2\n# c", "a 10\nb\n# c\n"
    change = undoing.lines_of_change(setting("/etc/f", "a 1\na 2", "a 10"))
    assert undoing.without(f"{after}new\n", [change], before) == ("a 1\nb\na 2\n# c\nnew\n", [])


def test_a_line_comes_back_without_the_end_it_never_had_once_nothing_else_is_left_of_the_run() -> None:
    before, after = state(limits="x"), state(limits="y")
    changes = [setting("/etc/limits", "a caf\udce9\r", "a 10"), setting("/etc/limits", "", "b 2")]
    kept = texts("# \x00\na caf\udce9\r", "# \x00\na 10\nb 2\n", "# \x00\na 10\nb 2\n")
    undone = undoing.some(changes, (before, after, after), kept, force=False)
    assert undone.texts == {"/etc/limits": b"# \0\na caf\xe9\r"}
    undone = undoing.some(changes[:1], (before, after, after), kept, force=False)
    assert undone.texts == {"/etc/limits": b"# \0\na caf\xe9\r\nb 2\n"}
