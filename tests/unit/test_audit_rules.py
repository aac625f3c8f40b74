"""How audit rules read, in the spelling of rule files and in that of ``auditctl -l``, and what covers what."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as some

from hardener.catalogue.audit_rules import not_covered, read_rule, required_rule
from hardener.content import roles_directory
from tests.unit.controls.audit_listings import LISTED

DEFAULTS = yaml.safe_load((roles_directory() / "auditd" / "defaults" / "main.yml").read_text())["auditd_rules"]
OURS = [line for name, lines in DEFAULTS.items() if name != "finalize" for line in lines if "{program}" not in line]
WATCH = "-w /etc/hosts -p wa -k names"
CALLS = "-a always,exit -F arch=b64 -S chmod,fchmod -F auid>=1000 -F auid!=unset -k modes"

syscalls = some.lists(some.sampled_from(["chmod", "fchmod", "openat", "execve"]), min_size=1, unique=True)
fields = some.lists(
    some.sampled_from(["-F auid>=1000", "-F auid!=unset", "-F exit=-EACCES", "-C euid!=uid", "-F a0=0x0"]), unique=True
)


def test_what_auditctl_lists_covers_the_rules_it_was_given() -> None:
    assert not_covered(OURS, LISTED.splitlines()) == []


def test_without_any_one_listed_line_some_rule_is_missed() -> None:
    lines = [line for line in LISTED.splitlines() if "key=privileged" not in line]
    for line in lines:
        assert not_covered(OURS, [other for other in lines if other != line]), line


@pytest.mark.parametrize(
    ("spelling", "same"),
    [
        (WATCH, "-w /etc/hosts/ -p aw -k other"),
        (WATCH, "-w /etc/hosts -k all-ways"),
        (WATCH, "-a always,exit -S all -F path=/etc/hosts -F perm=wa -F key=names"),
        (WATCH, "-a exit,always -F dir=/etc/hosts -F perm=rwxa -k names"),
        (CALLS, "-a always,exit -F arch=b64 -S fchmod -S chmod -F auid>=1000 -F auid!=-1 -F key=modes"),
        (CALLS, "-A always,exit -F arch=x86_64 -S chmod,fchmod -F auid>=1000 -F auid!=4294967295 -F key=modes"),
        (CALLS, "-a always,exit -F arch=b64 -S chmod,fchmod -k wider"),
        (CALLS, "-a always,exit -S all -F auid>=1000 -k wider"),
        (
            "-a always,exit -F arch=b64 -C euid!=uid -S execve -F exit=-EACCES -k k",
            "-a always,exit -F arch=b64 -S execve -C uid!=euid -F exit=-13 -F key=k",
        ),
        (
            "-a always,exit -F path=/opt/a b/c -F perm=x -k k",
            "-a always,exit -F path=/opt/a\\ b/c -F perm=x -k k",
        ),
    ],
)
def test_spellings_of_one_rule_and_wider_rules_cover_it(spelling: str, same: str) -> None:
    assert not_covered([spelling], [same]) == []


@pytest.mark.parametrize(
    ("wanted", "other"),
    [
        (WATCH, "-w /etc/hosts -p w -k names"),
        (WATCH, "-w /etc/hosts.allow -p wa -k names"),
        (WATCH, "-w /etc/hosts -p wa"),
        (WATCH, "-a always,exit -F arch=b64 -F path=/etc/hosts -F perm=wa -k names"),
        (WATCH, "-a always,exclude -F msgtype=CWD"),
        (WATCH, "# -w /etc/hosts -p wa -k names"),
        (WATCH, "-W /etc/hosts -p wa -k names"),
        (WATCH, "-d always,exit -F path=/etc/hosts -F perm=wa -k names"),
        (CALLS, "-a always,exit -F arch=b64 -S chmod -F auid>=1000 -F auid!=unset -k modes"),
        (CALLS, "-a always,exit -F arch=b32 -S chmod,fchmod -F auid>=1000 -F auid!=unset -k modes"),
        (CALLS, "-a always,exit -F arch=b64 -S chmod,fchmod -F auid>=1000 -F auid!=unset -F uid=0 -k modes"),
        (CALLS, "-a always,user -F arch=b64 -S chmod,fchmod -k modes"),
    ],
)
def test_narrower_and_other_rules_do_not_cover_it(wanted: str, other: str) -> None:
    assert not_covered([wanted], [other]) == [wanted]


def test_rules_of_both_kinds_of_programs_together_cover_one_without_a_kind() -> None:
    halves = [f"-a always,exit -F arch={arch} -F path=/etc/hosts -F perm=wa -k names" for arch in ("b64", "b32")]
    assert not_covered([WATCH], halves) == []


@pytest.mark.parametrize("silence", ["-a never,task", "-a never,exit -F auid>=1000", "-a never,exit -F arch=b64"])
def test_of_two_rules_about_a_case_the_first_decides(silence: str) -> None:
    assert not_covered([CALLS], [silence, CALLS]) == [CALLS]
    assert not_covered([CALLS], [CALLS, silence]) == []
    assert not_covered([CALLS], [CALLS, silence.replace("-a", "-A")]) == [CALLS]


def test_a_silence_about_something_else_does_not_matter() -> None:
    assert not_covered([CALLS], ["-a never,exit -F arch=b64 -S adjtimex -F auid=unset", CALLS]) == []


def test_system_calls_the_machine_does_not_have_are_not_missed() -> None:
    lines = ["-a always,exit -F arch=b64 -S fchmod -F auid>=1000 -F auid!=unset -k modes"]
    assert not_covered([CALLS], lines, ["b64 chmod"]) == []
    assert not_covered([CALLS], lines, ["b32 chmod"]) == [CALLS]


@pytest.mark.parametrize("line", ["", "-D", "-b 8192", "-e 2", "-i", "--backlog_wait_time 60000", "-k", "No rules"])
def test_what_is_no_rule(line: str) -> None:
    assert read_rule(line) is None


@pytest.mark.parametrize("line", ["-w /etc/hosts -p wa", "-a never,task", "-D", "chmod"])
def test_nobody_can_ask_for_what_is_no_rule_or_has_no_key(line: str) -> None:
    with pytest.raises(ValueError, match="not an audit rule"):
        required_rule(line)


@given(syscalls, fields, some.permutations(["arch", "calls", "fields"]))
def test_order_does_not_matter(calls: list[str], conditions: list[str], order: list[str]) -> None:
    parts = {"arch": "-F arch=b64", "calls": f"-S {','.join(calls)}", "fields": " ".join(conditions)}
    line = " ".join(["-a always,exit", *(parts[name] for name in order if parts[name]), "-k k"])
    plain = f"-a always,exit -F arch=b64 {' '.join(f'-S {name}' for name in sorted(calls))} {' '.join(conditions)} -k k"
    assert not_covered([line], [plain]) == []
    assert not_covered([plain], [line]) == []


@given(syscalls, syscalls, fields, fields)
def test_a_rule_covers_another_if_it_asks_for_less(
    calls: list[str], others: list[str], conditions: list[str], more: list[str]
) -> None:
    def line(names: list[str], texts: list[str]) -> str:
        return f"-a always,exit -F arch=b64 -S {','.join(names)} {' '.join(texts)} -k k"

    is_wider = set(others) <= set(calls) and set(conditions) <= set(more)
    assert (not_covered([line(others, more)], [line(calls, conditions)]) == []) == is_wider


@given(some.text(alphabet="-aAwpkFCS awlys,exit=/1x!<>&\\ \n", max_size=60))
def test_no_text_is_too_odd_to_be_read(text: str) -> None:
    read_rule(text)
    not_covered([WATCH], [text])
