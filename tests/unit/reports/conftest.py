"""Sample runs: an audit of a good, a bad and a dead target, and an apply that mended most of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest

from hardener import reports
from hardener.model import (
    Answer,
    Change,
    ControlRecord,
    Disruption,
    Facts,
    Finding,
    Outcome,
    Platform,
    Run,
    RunKind,
    Severity,
    TargetResult,
    Trait,
    Transcript,
    Word,
)

Noun = TypeVar("Noun", bound=Word)

SSHD = "sshd -T"
PACKAGES = "dpkg-query --show"
STARTED = datetime(2026, 11, 21, 5, 0, tzinfo=UTC)
UNREACHABLE = "no connection: connection refused"


def record(identifier: str, **changes: Any) -> ControlRecord:
    fields: dict[str, Any] = {
        "id": identifier,
        "title": f"The title of {identifier}",
        "why": f"Why {identifier} matters.",
        "role": identifier.partition("-")[0],
        "level": 1,
        "severity": Severity.MEDIUM,
        "disruption": Disruption.NONE,
        "references": {"cis-debian12": ("1.2.3",)},
        "remedy": f"What the role does about {identifier}.",
        "is_remediable": True,
        "is_manual": False,
    }
    return ControlRecord(**{**fields, **changes})


CONTROLS: Mapping[str, ControlRecord] = {
    item.id: item
    for item in (
        record("sshd-maxauthtries"),
        record("sshd-permitrootlogin", severity=Severity.HIGH, disruption=Disruption.LOCKOUT),
        record("kernel-aslr", level=2, disruption=Disruption.REBOOT),
        record("kernel-sysrq", severity=Severity.LOW),
        record("services-cups"),
        record("services-telnet", severity=Severity.HIGH),
        record("mounts-tmp", level=2),
        record("accounts-review", is_manual=True, is_remediable=False),
        record("accounts-late", level=2),
    )
}


def facts(**changes: Any) -> Facts:
    fields: dict[str, Any] = {
        "platform": Platform(family="debian", release="12"),
        "traits": frozenset({Trait.VM, Trait.KUBERNETES_WORKER, Trait.CONTAINER_HOST}),
        "kernel": "6.1.0-28-amd64",
        "machine_id": "0123456789abcdef",
        "operator": "admin",
        "operator_groups": ("admin", "sudo"),
        "is_root": True,
        "has_python": True,
    }
    return Facts(**{**fields, **changes})


def findings(**changes: Finding) -> tuple[Finding, ...]:
    """What a soft node shows; replace a finding by the id of its control, with ``_`` for ``-``."""
    soft = (
        Finding(
            control="sshd-maxauthtries",
            outcome=Outcome.FAIL,
            observed="6",
            expected="at most 4",
            reason="is 6",
            questions=(SSHD,),
        ),
        Finding(
            control="sshd-permitrootlogin",
            outcome=Outcome.FAIL,
            observed="yes",
            expected="no",
            reason="is yes",
            questions=(SSHD,),
        ),
        Finding(
            control="kernel-aslr",
            outcome=Outcome.FAIL,
            observed={"now": 2, "after reboot": 0},
            expected="2",
            reason="after reboot: is 0",
            questions=("sysctl kernel.randomize_va_space",),
        ),
        Finding(control="kernel-sysrq", outcome=Outcome.PASS, observed=0, expected="0", questions=("sysctl sysrq",)),
        Finding(control="services-cups", outcome=Outcome.PASS, observed=None, expected="absent", questions=(PACKAGES,)),
        Finding(control="services-telnet", outcome=Outcome.ERROR, expected="absent", reason="timed out after 20 s"),
        Finding(control="mounts-tmp", outcome=Outcome.NOTAPPLICABLE, reason="container: mounts belong to the host"),
        Finding(
            control="accounts-review",
            outcome=Outcome.INFORMATIONAL,
            observed=["root", "admin"],
            reason="a person decides, from the evidence",
            questions=("cut -d: -f1 /etc/passwd",),
        ),
        Finding(control="accounts-late", outcome=Outcome.NOTSELECTED, reason="not in the profile"),
    )
    named = {name.replace("_", "-"): finding for name, finding in changes.items()}
    return tuple(named.get(finding.control, finding) for finding in soft)


def transcript(**outputs: str) -> Transcript:
    answers = {
        SSHD: Answer(exit_status=0, stdout=b"maxauthtries 6\npermitrootlogin yes\n"),
        PACKAGES: Answer(exit_status=0, stdout=b"".join(b"package%d 1.0\n" % number for number in range(2000))),
        "sysctl kernel.randomize_va_space": Answer(exit_status=0, stdout=b"2\n"),
        "sysctl sysrq": Answer(exit_status=0, stdout=b"\xff\xfe0\n", stderr=b"a warning\n"),
        "cut -d: -f1 /etc/passwd": Answer(exit_status=0, stdout=b"root\nadmin\n"),
    }
    return Transcript(
        answers=answers | {name: Answer(exit_status=0, stdout=text.encode()) for name, text in outputs.items()},
        round_trips=2,
    )


def soft(name: str = "soft", **changes: Any) -> TargetResult:
    fields: dict[str, Any] = {
        "target": name,
        "facts": facts(),
        "findings": findings(),
        "transcript": transcript(),
        "seconds": 1.25,
    }
    return TargetResult(**{**fields, **changes})


def unchecked(noun: Noun, **fields: Any) -> Noun:
    """A noun with fields that nothing which is read can have: formats rely on no pattern."""
    return noun.model_copy(update=fields)


def dead(name: str = "dead") -> TargetResult:
    seen = tuple(
        Finding(control=item, outcome=Outcome.ERROR, expected="anything", reason=UNREACHABLE) for item in CONTROLS
    )
    return TargetResult(target=name, findings=seen, problem=UNREACHABLE)


def run(*results: TargetResult, **changes: Any) -> Run:
    fields: dict[str, Any] = {
        "id": "20261121T050000Z-9f3a",
        "kind": RunKind.AUDIT,
        "started": STARTED,
        "finished": STARTED + timedelta(seconds=3.5),
        "operator": "somebody",
        "tool_version": "0.1.0",
        "profile": "cis-level2",
        "controls": CONTROLS,
        "results": results,
    }
    return Run(**{**fields, **changes})


def text_of(sample: Run, format_name: str) -> str:
    """A run in a format of text."""
    return b"".join(reports.render(sample, sample.results, format_name)).decode()


@pytest.fixture
def audit_run() -> Run:
    """A soft target and one nobody could reach."""
    return run(soft(), dead())


@pytest.fixture
def apply_run() -> Run:
    """The soft target before and after; the kernel's control still fails."""
    mended = findings(
        sshd_maxauthtries=Finding(
            control="sshd-maxauthtries", outcome=Outcome.FIXED, observed="4", expected="at most 4", questions=(SSHD,)
        ),
        sshd_permitrootlogin=Finding(
            control="sshd-permitrootlogin", outcome=Outcome.FIXED, observed="no", expected="no", questions=(SSHD,)
        ),
    )
    changes = (
        Change(
            role="sshd",
            task="Options are set",
            module="keyed_file",
            subject="/etc/ssh/sshd_config.d/00-hardener.conf",
            before="",
            after="MaxAuthTries 4\nPermitRootLogin no\n",
        ),
        Change(role="sshd", task="sshd reloads", module="systemd_service", subject="ssh.service"),
    )
    after = soft(findings=mended, changes=changes, tasks=7)
    return run(after, kind=RunKind.APPLY, before=(soft(),))
