"""What is shown before anything is changed: in numbers, with names, and once for targets that are alike."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hardener.model import Change, ChangeKind, Disruption, PlannedChange, Plans, TargetPlan
from hardener.reports.totals import as_text, of_plans, of_rollback
from tests.unit.store.nights import night, record, result


def change(kind: ChangeKind, subject: str, before: str = "", after: str = "", **others: Any) -> Change:
    return Change(role="r", task="t", module="m", kind=kind, subject=subject, before=before, after=after, **others)


CHANGES = [
    change(ChangeKind.PACKAGE, "aide", "absent", "0.18"),
    change(ChangeKind.PACKAGE, "telnet", "0.17", "absent"),
    change(ChangeKind.PACKAGE, "sudo", "1.9", "1.10"),
    change(ChangeKind.UNIT, "cups.service", "enabled, active", "masked, inactive"),
    change(ChangeKind.UNIT, "rpcbind.service", "disabled, inactive", "masked, inactive"),
    change(ChangeKind.UNIT, "auditd.service", "disabled, inactive", "enabled, active"),
    change(ChangeKind.UNIT, "ssh.service", "enabled, active", "restarted"),
    change(ChangeKind.UNIT, "cron.service", "disabled, active", "enabled, active"),
    change(ChangeKind.SETTING, "/etc/x", "one 1", "one 2", key="one"),
    change(ChangeKind.SETTING, "/etc/x", "two 1", "two 2", key="two"),
    change(ChangeKind.ATTRIBUTES, "/etc/y", "0644 root root", "0600 root root", conditional=True),
    change(ChangeKind.SYSCTL, "kernel.kptr_restrict", "0", "1"),
]


def planned(control: str, disruption: Disruption) -> PlannedChange:
    return PlannedChange(control=control, role="r", disruption=disruption, observed=1, expected="2", reason="is 1")


def plans(*targets: TargetPlan) -> Plans:
    made = datetime(2026, 11, 21, tzinfo=UTC)
    return Plans(made=made, tool_version="0", profile="p", pattern="*", controls={}, targets=targets)


RISKS = (planned("sshd-a", Disruption.LOCKOUT), planned("kernel-b", Disruption.REBOOT), planned("c", Disruption.NONE))


def shown(*targets: TargetPlan, here: tuple[str, ...] = (), restarts: bool = False) -> list[str]:
    return as_text(of_plans(plans(*targets), here, restarts=restarts)).splitlines()


def test_everything_an_apply_does_is_counted_and_what_is_few_is_named() -> None:
    assert shown(TargetPlan(target="web", changes=RISKS, items=CHANGES)) == [
        "web:",
        "  12 changes, 1 of them only if a package does not bring it so",
        "    packages in: 1 (aide)",
        "    packages out: 1 (telnet)",
        "    packages of another version: 1 (sudo)",
        "    services stopped: 1 (cups.service)",
        "    services masked: 2 (cups.service, rpcbind.service)",
        "    services started: 1 (auditd.service)",
        "    services restarted: 1 (ssh.service)",
        "    files: 2 (/etc/x, /etc/y)",
        "    other settings: 2",
        "    controls that can cut you off: 1 (sshd-a)",
        "    controls that wait for a restart of the machine: 1 (kernel-b)",
    ]


def test_restarts_that_the_operator_chose_are_told_as_such() -> None:
    told = shown(TargetPlan(target="web", changes=RISKS), restarts=True)
    assert "    controls that are followed by a restart of the machine: 1 (kernel-b)" in told


def test_targets_that_are_alike_are_one_section_and_all_are_summed_up() -> None:
    alike = [TargetPlan(target=name, changes=RISKS[2:], items=CHANGES[:2]) for name in "abcdef"]
    other = TargetPlan(target="me", changes=RISKS[2:], items=CHANGES[:1])
    dead = TargetPlan(target="dead", problem="no \x1b[2Jroute")
    assert shown(*alike, other, dead, TargetPlan(target="well"), here=("me",)) == [
        "a, b, c, d and 2 more:",
        "  2 changes",
        "    packages in: 1 (aide)",
        "    packages out: 1 (telnet)",
        "me (this machine):",
        "  1 change",
        "    packages in: 1 (aide)",
        "dead:",
        "  nothing would be done: no \\x1b[2Jroute",
        "in all, 13 changes on 7 targets; packages in: 7; packages out: 6",
    ]


def test_where_nothing_is_to_be_done_nothing_is_shown() -> None:
    assert shown(TargetPlan(target="well")) == []


def test_a_rollback_is_what_was_done_the_other_way_round() -> None:
    undone = night(1, result("web")).model_copy(
        update={"controls": {"sshd-a": record("sshd-a", disruption=Disruption.LOCKOUT)}}
    )
    made = [item.model_copy(update={"controls": ("sshd-a",)}) for item in CHANGES]
    assert as_text(of_rollback(undone, {"web": made}, ())).splitlines()[2:] == [
        "    packages in: 1 (telnet)",
        "    packages out: 1 (aide)",
        "    packages of another version: 1 (sudo)",
        "    services stopped: 1 (auditd.service)",
        "    services started: 1 (cups.service)",
        "    services unmasked: 2 (cups.service, rpcbind.service)",
        "    services restarted: 1 (ssh.service)",
        "    files: 2 (/etc/x, /etc/y)",
        "    other settings: 2",
        "    controls that can cut you off: 1 (sshd-a)",
    ]
