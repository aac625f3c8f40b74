"""Which files of rules ``audit_rules`` writes, and where it looks for programs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hardener.catalogue import walk
from playbooks.library.audit_rules import (
    CONTAINER_STORAGE,
    ELSEWHERE,
    HEADER,
    LENIENT,
    diff,
    directives,
    expanded,
    presentable,
    roots,
    supported,
)

KNOWN = {"b64": {"fchmodat", "mount"}, "b32": {"chmod", "mount"}}
HOSTS = "-w /etc/hosts -p wa -k names"
MOUNT = "-a always,exit -F arch=b64 -S mount -k mounts"


def mount(target: str, fstype: str = "ext4", options: str = "rw", source: str = "/dev/vda") -> dict[str, str]:
    return {"target": target, "fstype": fstype, "options": options, "source": source}


def test_each_list_has_a_file_and_the_one_that_locks_is_read_last() -> None:
    files = diff({}, {"names": [HOSTS], "finalize": ["-e 2"]}, {})
    assert files == {
        "50-hardener-names.rules": f"{HEADER}{LENIENT}{HOSTS}\n",
        "99-hardener-finalize.rules": f"{HEADER}-e 2\n",
    }
    assert max(files) == "99-hardener-finalize.rules"


def test_only_files_that_differ_are_written_and_others_stay() -> None:
    current = diff({}, {"names": [HOSTS], "mounts": [MOUNT]}, {}) | {"10-site.rules": "-D\n"}
    assert diff(current, {"names": [HOSTS]}, {}) == {}
    assert list(diff(current, {"names": [HOSTS], "mounts": [MOUNT, HOSTS]}, {})) == ["50-hardener-mounts.rules"]


@given(some.dictionaries(some.sampled_from(["a", "b", "finalize"]), some.lists(some.sampled_from([HOSTS, MOUNT]))))
def test_a_second_time_nothing_is_left_to_write(rules: dict[str, list[str]]) -> None:
    assert diff(diff({}, rules, KNOWN), rules, KNOWN) == {}


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("-a always,exit -F arch=b64 -S chmod,fchmodat -k k", "-a always,exit -F arch=b64 -S fchmodat -k k"),
        ("-a always,exit -F arch=b32 -S chmod,fchmodat -k k", "-a always,exit -F arch=b32 -S chmod -k k"),
        ("-a always,exit -F arch=b64 -S chmod -k k", ""),
        ("-a always,exit -F arch=b64 -S all -k k", "-a always,exit -F arch=b64 -S all -k k"),
        ("-a always,exit -F path=/usr/bin/su -F perm=x -k k", "-a always,exit -F path=/usr/bin/su -F perm=x -k k"),
        (HOSTS, HOSTS),
    ],
)
def test_system_calls_the_machine_does_not_have_are_left_out(line: str, kept: str) -> None:
    assert supported(line, KNOWN) == kept


def test_without_tables_nothing_is_left_out() -> None:
    assert supported("-a always,exit -F arch=b64 -S chmod -k k", {}) == "-a always,exit -F arch=b64 -S chmod -k k"


def test_a_program_stands_in_a_line_of_its_own_with_its_blanks_escaped() -> None:
    lines = ["-F path={program} -k k", HOSTS]
    assert expanded(lines, ["/bin/su", "/opt/a b"]) == ["-F path=/bin/su -k k", "-F path=/opt/a\\ b -k k", HOSTS]
    assert expanded(lines, []) == [HOSTS]


def test_nobody_adds_directives_by_the_name_of_a_program() -> None:
    odd = ["/home/plain/x\n-e 0", "/home/plain/x\\ -e0", "/home/plain/x\t-b0", ""]
    assert presentable(["/opt/a b", *odd, "/bin/su"]) == ["/bin/su", "/opt/a b"]


def test_programs_are_looked_for_where_set_id_bits_count() -> None:
    mounts = [
        mount("/", "overlay"),
        mount("/home"),
        mount("/srv", options="rw,nosuid"),
        mount("/var/tmp", options="rw,noexec"),
        mount("/net", "nfs4"),
        mount("/run", "tmpfs"),
        mount("/mnt/user", "fuse.sshfs"),
        mount("/bound", source="/dev/vda[/home]"),
        mount("/data", "btrfs", source="/dev/vdb[/data]"),
        mount("/home"),
    ]
    assert roots(mounts) == ["/", "/data", "/home"]


def test_it_looks_in_the_same_places_as_the_audit() -> None:
    assert set(CONTAINER_STORAGE) == set(walk.CONTAINER_STORAGE)
    assert set(ELSEWHERE.pattern.split("|")) == set(walk.REMOTE_OR_VIRTUAL.split("|"))


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({"a.rules": f"# x\n-D\n{HOSTS}\n  {MOUNT}\n", "b.rules": f"{HOSTS}\n-e 2\n"}, (2, True)),
        ({"a.rules": "-e 2\n", "b.rules": "-e 1\n"}, (0, False)),
        ({}, (0, False)),
    ],
)
def test_what_the_files_amount_to(texts: dict[str, str], expected: Any) -> None:
    assert directives(texts) == expected
