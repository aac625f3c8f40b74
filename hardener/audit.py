"""Judges one target from its transcript, and says which questions are still missing. Pure: asks nobody."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import JsonValue, ValidationError

from hardener.catalogue.control import Control, CouldNotLook, Host, NotApplicable
from hardener.catalogue.expectations import Expectation
from hardener.catalogue.recent import QUESTIONS
from hardener.catalogue.walk import COMMAND, walk
from hardener.model import Answer, Facts, FileWalk, Finding, LastRun, Outcome, Platform, Question, Target, Trait, Values
from hardener.plan import Plan, Selection, make_plan
from hardener.transcript import NoAnswer, Unanswered, host_of
from hardener.waiving import waived


@dataclass(frozen=True)
class Examination:
    """What can be said from the answers so far: complete once no question is missing."""

    facts: Facts | None
    plan: Plan
    findings: Sequence[Finding]
    missing: Sequence[Question]
    asked: Sequence[Question] = ()
    """The questions it rests on: what a target like this one has to be asked, and nothing that turned out needless."""
    problem: str | None = None
    """Why the target could not even be identified."""


def examine(selection: Selection, target: Target, answers: Mapping[str, Answer]) -> Examination:
    """Run every pending probe against the answers; observations are pure reads, so running them again is free."""
    missing: dict[Question, None] = {}
    host, backend = host_of(answers)
    facts, problem = _facts(host, missing)
    plan = make_plan(selection, target, facts)
    findings = [Finding(control=item.control, outcome=item.outcome, reason=item.reason) for item in plan.exclusions]
    asked = dict(backend.asked)
    for control in plan.controls:
        finding = _finding(control, plan.values, facts, answers, missing, asked)
        if finding is not None:
            findings.append(finding)
    asked |= dict.fromkeys(QUESTIONS)
    missing |= dict.fromkeys(question for question in QUESTIONS if question.command not in answers)
    order = {identifier: index for index, identifier in enumerate(selection.catalogue)}
    findings.sort(key=lambda finding: order[finding.control])
    return Examination(
        facts=facts,
        plan=plan,
        findings=waived(findings, selection, target),
        missing=list(missing),
        asked=list(asked),
        problem=problem,
    )


def file_walk(answers: Mapping[str, Answer], started: datetime) -> FileWalk | None:
    """The walk of all files among these answers; ``None`` without one that came to its end."""
    host, _ = host_of(answers)
    try:
        seen = walk(host)
    except (Unanswered, NoAnswer, CouldNotLook):
        return None
    return FileWalk(started=started, seconds=answers[COMMAND].seconds, directories=tuple(seen.directories))


def judged_anew(control: Control, values: Values, facts: Facts | None, answers: Mapping[str, Answer]) -> Finding | None:
    """The finding of one control from recorded answers, without waivers; ``None`` where these answer too little."""
    return _finding(control, values, facts, answers, {}, {})


def _finding(
    control: Control,
    values: Values,
    facts: Facts | None,
    answers: Mapping[str, Answer],
    missing: dict[Question, None],
    asked: dict[Question, None],
) -> Finding | None:
    """The finding, after noting what it rests on; or ``None`` after noting the question that is missing."""
    expectation = control.expectation(values)
    expected = expectation.words if expectation else ""
    if control.needs_root and facts is not None and not facts.is_root:
        return Finding(control=control.id, outcome=Outcome.ERROR, expected=expected, reason="needs root")
    host, backend = host_of(answers)
    observed: JsonValue = None
    try:
        observed = control.observe(host)
        outcome, reason = _judged(expectation, observed)
    except Unanswered as unanswered:
        missing[unanswered.question] = None
        return None
    except NotApplicable as why:
        outcome, reason = Outcome.NOTAPPLICABLE, str(why)
    except (NoAnswer, CouldNotLook) as why:
        outcome, reason = Outcome.ERROR, str(why)
    except Exception as error:  # noqa: BLE001  (an answer nobody foresaw must cost one control, not the audit)
        outcome, reason = Outcome.ERROR, f"the answer could not be read: {type(error).__name__}: {error}"
    asked |= backend.asked
    return Finding(
        control=control.id,
        outcome=outcome,
        observed=observed,
        expected=expected,
        reason=reason,
        questions=tuple(question.command for question in backend.asked),
    )


def _judged(expectation: Expectation | None, observed: JsonValue) -> tuple[Outcome, str]:
    if expectation is None:
        return Outcome.INFORMATIONAL, "a person decides, from the evidence"
    complaints = expectation.complaints(observed)
    return (Outcome.FAIL, "; ".join(complaints)) if complaints else (Outcome.PASS, "")


# --- facts ------------------------------------------------------------------------------------------------------------

_KUBERNETES_FILES = {
    "/etc/kubernetes/manifests/kube-apiserver.yaml": Trait.KUBERNETES_CONTROL_PLANE,
    "/var/lib/kubelet/config.yaml": Trait.KUBERNETES_WORKER,
    "/run/containerd/containerd.sock": Trait.CONTAINER_HOST,
    "/run/crio/crio.sock": Trait.CONTAINER_HOST,
    "/run/docker.sock": Trait.CONTAINER_HOST,
}


def _facts(host: Host, missing: dict[Question, None]) -> tuple[Facts | None, str | None]:
    """What the target is; each fact is asked on its own so that one round trip brings them all."""
    known: dict[str, Any] = {}
    for name, observe in _FACTS.items():
        try:
            known[name] = observe(host)
        except Unanswered as unanswered:
            missing[unanswered.question] = None
        except (NoAnswer, CouldNotLook, ValueError, LookupError) as error:
            return None, f"the target could not be identified: {_said(error)}"
    if len(known) < len(_FACTS):
        return None, None
    virtual, found = known.pop("virtualisation"), known.pop("files")
    try:
        return Facts(traits=frozenset(virtual) | frozenset(found), **known), None
    except ValidationError as error:
        return None, f"the target could not be identified: {_said(error)}"


def _said(error: Exception) -> str:
    """On one line, what is wrong with what a target says of itself."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error)


def _platform(host: Host) -> Platform:
    lines = host.run("cat /etc/os-release").stdout.splitlines()
    release = dict(line.split("=", 1) for line in lines if "=" in line)
    return Platform(family=release["ID"].strip('"'), release=release.get("VERSION_ID", "rolling").strip('"'))


def _virtualisation(host: Host) -> set[Trait]:
    # Exits 1 where there is none; 127 where systemd is missing, which leaves the traits to the inventory.
    if host.run("systemd-detect-virt --container").rc == 0:
        return {Trait.CONTAINER}
    return {Trait.VM} if host.run("systemd-detect-virt --vm").rc == 0 else set()


def _trait_files(host: Host) -> set[Trait]:
    listing = host.run("ls -d " + " ".join(_KUBERNETES_FILES) + " 2>/dev/null").stdout
    traits = {_KUBERNETES_FILES[path] for path in listing.split()}
    is_graphical = host.run("systemctl is-active display-manager.service").stdout.strip() == "active"
    return traits | ({Trait.GUI} if is_graphical else set())


def _first_line(command: str) -> Callable[[Host], str]:
    return lambda host: host.run(command).stdout.partition("\n")[0].strip()


def _connection(host: Host) -> Sequence[str]:
    """Address of the operator, then address and port he came to; empty on this machine itself.

    sudo forgets the variable: it is that of the nearest ancestor that has it. The operator's own port is another one
    every time, and would make every night's answer a new one.
    """
    return host.run(CONNECTION).stdout.split()


CONNECTION = (
    'pid=$$; while [ "${pid:-0}" -gt 1 ]; do '
    "found=$(tr '\\0' '\\n' </proc/$pid/environ 2>/dev/null | sed -n 's/^SSH_CONNECTION=\\([^ ]*\\) [^ ]*/\\1/p'); "
    '[ -z "$found" ] || { echo "$found"; break; }; '
    "pid=$(sed -n 's/^PPid:[[:space:]]*//p' /proc/$pid/status); done"
)
LISTENERS = "ss -H -l -n -t -p"


def _ssh_ports(host: Host) -> tuple[int, ...]:
    listeners = host.run(LISTENERS).stdout.splitlines()
    ports = {int(row.split()[3].rpartition(":")[2]) for row in listeners if '"sshd"' in row}
    return tuple(sorted(ports | {int(port) for port in _connection(host)[2:3]}))


LAST_RUN = "[ ! -r /var/lib/hardener/last.json ] || cat /var/lib/hardener/last.json"


def _last_run(host: Host) -> LastRun | None:
    told = host.run(LAST_RUN).stdout
    return (
        LastRun.model_validate({name: json.loads(told).get(name, "") for name in LastRun.model_fields})
        if told
        else None
    )


_OPERATOR = '"${SUDO_USER:-$(id -un)}"'
_FACTS: Mapping[str, Callable[[Host], Any]] = {
    "platform": _platform,
    "virtualisation": _virtualisation,
    "files": _trait_files,
    "kernel": _first_line("uname -r"),
    "machine_id": _first_line("cat /etc/machine-id"),
    "operator": _first_line(f"echo {_OPERATOR}"),
    "operator_groups": lambda host: tuple(host.run(f"id -Gn {_OPERATOR}").stdout.split()),
    "operator_address": lambda host: next(iter(_connection(host)), None),
    "ssh_ports": _ssh_ports,
    "is_root": lambda host: host.run("id -u").stdout.strip() == "0",
    "has_python": lambda host: host.run("command -v python3").rc == 0,
    "last_run": _last_run,
}
