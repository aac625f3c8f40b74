"""Runs our playbook through ansible-runner, and tells what it did to each target.

The only module that knows ansible-runner.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ansible_runner
import yaml

from hardener.content import playbooks_directory, roles_directory
from hardener.errors import PlaybookFailed
from hardener.masking import masked
from hardener.model import Change, ChangeKind

TEXT_LIMIT = 20_000
"""Most characters of a change's before and after that are kept."""


_LAUNCHER = """\
#!{python}
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
os.execv({ansible!r}, sys.argv)
"""


class _Unsafe(str):
    """Text that Ansible must never take for a template."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Writes what looks like a template as ``!unsafe``: the values are rendered already."""


_Dumper.add_representer(_Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text), style='"'))


@dataclass
class Outcome:
    """What the playbook did to one target."""

    changes: list[Change] = field(default_factory=list)
    tasks: int = 0
    """Executed tasks, handlers included; skipped ones do not count."""
    problem: str | None = None


@dataclass(frozen=True, kw_only=True)
class PlaybookRun:
    """One run of a playbook over some targets of an inventory."""

    inventories: Sequence[str]
    extra_vars: Sequence[str]
    variables: Mapping[str, Mapping[str, Any]]
    """Per target: what the roles receive; the playbook runs on these targets only."""
    roles: Sequence[Path] = (roles_directory(),)
    """Directories of roles."""
    become_password: str | None = None
    progress: Callable[[str, str], None] = lambda _target, _task: None
    """Called with (target, task) as tasks finish."""
    is_cancelled: Callable[[], bool] = lambda: False
    """Asked every few seconds; once it says so, Ansible is ended."""
    is_dry: bool = False
    """Whether it runs in Ansible's check mode: tells the same changes, and makes none."""


def run_playbook(run: PlaybookRun, playbook: str = "harden.yml") -> Mapping[str, Outcome]:
    """Run it and return what happened, by target; ``PlaybookFailed`` where Ansible could not start at all.

    A target on which a task failed has a ``problem``; so has one that Ansible could not reach.
    """
    outcomes = {target: Outcome() for target in run.variables}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with tempfile.TemporaryDirectory(prefix="hardener-") as folder:
        directory = Path(folder)
        for target, variables in run.variables.items():
            _write_variables(directory / "variables" / _file_name(target), variables)
        result = ansible_runner.run(
            private_data_dir=folder,
            playbook=str(playbooks_directory() / playbook),
            roles_path=os.pathsep.join(map(str, run.roles)),
            inventory=[_absolute(source) for source in run.inventories] or "localhost ansible_connection=local",
            limit=",".join(run.variables),
            cmdline=_command_line(run),
            extravars={"hardening_variables": str(directory / "variables")},
            passwords={r"^BECOME password.*:\s*?$": run.become_password} if run.become_password else None,
            envvars={
                "ANSIBLE_LIBRARY": str(playbooks_directory() / "library"),
                "ANSIBLE_MODULE_UTILS": str(playbooks_directory() / "module_utils"),
                "ANSIBLE_PIPELINING": "true",
                "ANSIBLE_HOST_KEY_CHECKING": "true",
                "ANSIBLE_NOCOLOR": "true",
                "LC_ALL": "C.UTF-8",  # Ansible runs in no other kind of locale, whatever the operator's is
                "PATH": f"{_launcher(directory, path)}{os.pathsep}{path}",
            },
            quiet=True,
            suppress_env_files=True,
            cancel_callback=run.is_cancelled,
            event_handler=lambda event: _record(event, outcomes, run.progress),
        )
        if result.rc != 0 and not any(outcome.problem for outcome in outcomes.values()):
            raise PlaybookFailed(_last_line(result) or f"ansible-playbook ended with {result.rc}")
    return outcomes


def _launcher(directory: Path, path: str) -> Path:
    """A directory whose ansible-playbook is Ansible's own, but ends when we do, even killed: targets restore then."""
    program = shutil.which("ansible-playbook", path=path)
    if program is None:
        raise PlaybookFailed("there is no ansible-playbook beside this Python")
    file = directory / "bin" / "ansible-playbook"
    file.parent.mkdir(mode=0o700)
    file.write_text(_LAUNCHER.format(python=sys.executable, ansible=program), "utf-8")
    file.chmod(0o700)
    return file.parent


def _file_name(target: str) -> str:
    """A name is whatever an inventory says, and no part of a path; the playbook makes the same of it."""
    return f"{hashlib.sha256(target.encode()).hexdigest()}.yml"


def _write_variables(file: Path, variables: Mapping[str, Any]) -> None:
    file.parent.mkdir(mode=0o700, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(yaml.dump(_unsafe(variables), Dumper=_Dumper, allow_unicode=True), "utf-8")


def _unsafe(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _unsafe(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_unsafe(item) for item in value]
    # Only these: Ansible reads a tagged "yes" as a boolean, quoted or not.
    return _Unsafe(value) if isinstance(value, str) and re.search(r"\{[{%#]", value) else value


def _absolute(source: str) -> str:
    return source if source.endswith(",") else str(Path(source).resolve())


def _command_line(run: PlaybookRun) -> str:
    words = ["--diff", "--check"] if run.is_dry else ["--diff"]
    for value in run.extra_vars:
        words += ["--extra-vars", _quoted(value)]
    if run.become_password:
        words.append("--ask-become-pass")
    return " ".join(words)


def _quoted(value: str) -> str:
    return shlex.quote(f"@{Path(value[1:]).resolve()}" if value.startswith("@") else value)


def _record(event: Mapping[str, Any], outcomes: Mapping[str, Outcome], progress: Callable[[str, str], None]) -> bool:
    """Note one event of ansible-runner; returns whether it keeps the event on disk, which nobody needs."""
    data = event.get("event_data", {})
    outcome = outcomes.get(data.get("host", ""))
    if outcome is None:
        return False
    try:
        _note(event.get("event", ""), data, outcome)
    except Exception as error:  # noqa: BLE001  (what a target's module answered may be anything, and is its problem)
        said = next(iter(str(error).splitlines()), "")
        outcome.problem = f"{data.get('task')}: its answer could not be read: {type(error).__name__}: {said}"
    if event.get("event") in {"runner_on_ok", "runner_on_failed"}:
        progress(data["host"], data.get("task", ""))
    return False


def _note(kind: str, data: Mapping[str, Any], outcome: Outcome) -> None:
    answer = data.get("res", {})
    if kind in {"runner_on_ok", "runner_on_failed"}:
        outcome.tasks += 1
    if kind in {"runner_on_failed", "runner_on_unreachable"} and not data.get("ignore_errors"):
        outcome.problem = masked(f"{data.get('task') or 'connect'}: {_message(answer)}")
    if kind == "runner_on_ok" and answer.get("changed"):
        outcome.changes.extend(_changes(data, answer))


def _changes(data: Mapping[str, Any], answer: Mapping[str, Any]) -> list[Change]:
    """The items of one task: those our modules tell, or what the answer of a module of Ansible's amounts to."""
    told = answer.get("diff") or []
    diffs = told if isinstance(told, list) else [told]
    items = diffs if any("kind" in diff for diff in diffs) else _items(data, answer, diffs)
    fixed = {"role": data.get("role", ""), "task": data.get("task", ""), "module": data.get("resolved_action", "")}
    return [
        Change(**fixed, **{**item, **{side: masked(item[side])[:TEXT_LIMIT] for side in ("before", "after")}})
        for item in items
    ]


def _items(
    data: Mapping[str, Any], answer: Mapping[str, Any], diffs: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """What a module of Ansible's did, in the shape of our own ones; of a hidden answer, that it did something."""
    arguments = (answer.get("invocation") or {}).get("module_args") or {}
    if data.get("resolved_action") == "ansible.builtin.group":
        return [{"kind": ChangeKind.GROUP, "subject": arguments["name"], "before": "absent", "after": "present"}]
    path = next((str(arguments[name]) for name in ("path", "dest") if arguments.get(name)), "")
    texts = [diff for diff in diffs if isinstance(diff.get("after"), str)]
    states = [diff for diff in diffs if "state" in (diff.get("after") or {}) and diff not in texts]
    files = [(diff["before"], diff["after"]) for diff in texts]
    files += [(diff["before"]["state"], diff["after"]["state"]) for diff in states]
    if not (path and files):
        return [{"kind": ChangeKind.ACTION, "subject": path or data.get("task", ""), "before": "", "after": "done"}]
    return [{"kind": ChangeKind.FILE, "subject": path, "before": old, "after": new} for old, new in files]


def _message(answer: Mapping[str, Any]) -> str:
    """What a module says of its failure, and the last thing a command said before it ended."""
    said = [line.strip() for key in ("stdout", "stderr") for line in str(answer.get(key) or "").splitlines()]
    first = str(answer.get("msg") or "failed").strip().partition("\n")[0]
    last = next((line for line in reversed(said) if line), "")
    return f"{first}: {last}" if last and last not in first else first


def _last_line(result: Any) -> str:
    lines = [line for line in result.stdout.read().splitlines() if line.strip()]
    errors = [line for line in lines if "ERROR" in line]
    return str((errors or lines or [""])[-1]).strip()
