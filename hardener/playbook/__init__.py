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
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ansible_runner
import yaml
from ansible_runner.exceptions import AnsibleRunnerException

from hardener.content import playbooks_directory, roles_directory
from hardener.errors import PlaybookFailed
from hardener.masking import masked
from hardener.playbook.events import Outcome, record
from hardener.private import umask_outside, working_directory
from hardener.untrusted import LINE_LIMIT, one_line

__all__ = ["Outcome", "PlaybookRun", "run_playbook"]

OUTPUT_PIECE = 65536
"""Characters of Ansible's output that are looked at in one step."""

PATIENCE_SECONDS = "60"
"""How long Ansible waits for a connection, and for sudo to begin a task, where the operator's environment says nothing.

By itself it waits for 10 and 12 seconds: on an emulated machine beside another that was seen not to be enough.
"""

_LAUNCHER = """\
#!{python}
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
if {umask} >= 0: os.umask({umask})
os.execv({ansible!r}, sys.argv)
"""


class _Unsafe(str):
    """Text that Ansible must never take for a template."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Writes what looks like a template as ``!unsafe``: the values are rendered already."""


_Dumper.add_representer(_Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text), style='"'))


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
    with working_directory() as directory:
        for target, variables in run.variables.items():
            _write_variables(directory / "variables" / _file_name(target), variables)
        result = _ansible(
            private_data_dir=str(directory),
            playbook=str(playbooks_directory() / playbook),
            roles_path=os.pathsep.join(map(str, run.roles)),
            inventory=[_absolute(source) for source in run.inventories],
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
                "ANSIBLE_TIMEOUT": os.environ.get("ANSIBLE_TIMEOUT", PATIENCE_SECONDS),
                "ANSIBLE_LOCAL_TEMP": str(directory / "tmp"),
                "LC_ALL": "C.UTF-8",  # Ansible runs in no other kind of locale, whatever the operator's is
                "PATH": f"{_launcher(directory, path)}{os.pathsep}{path}",
            },
            quiet=True,
            suppress_env_files=True,
            cancel_callback=run.is_cancelled,
            event_handler=lambda event: record(event, outcomes, run.progress),
        )
        if result.rc != 0 and not any(outcome.problem for outcome in outcomes.values()):
            raise PlaybookFailed(_last_line(result) or f"ansible-playbook ended with {result.rc}")
    return outcomes


def _launcher(directory: Path, path: str) -> Path:
    """A directory whose ansible-playbook is Ansible's own, but ends when we do, even killed: targets restore then.

    It has the umask of whoever called us, for a target that is this machine: packages are installed there.
    """
    program = shutil.which("ansible-playbook", path=path)
    if program is None:
        raise PlaybookFailed("there is no ansible-playbook beside this Python")
    file = directory / "bin" / "ansible-playbook"
    file.parent.mkdir(mode=0o700)
    file.write_text(_LAUNCHER.format(python=sys.executable, ansible=program, umask=umask_outside()), "utf-8")
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


def _ansible(**settings: Any) -> Any:
    """What ansible-runner returns; ``PlaybookFailed`` where it cannot read what Ansible tells it."""
    try:
        return ansible_runner.run(**settings)
    except (ValueError, RecursionError, AnsibleRunnerException) as error:
        raise PlaybookFailed(one_line(f"what Ansible told cannot be read: {error}")) from None


def _last_line(result: Any) -> str:
    """The last error that Ansible printed, or the last line; of a long output only the end is looked at."""
    with result.stdout as output:  # a new file, open at its beginning, each time it is asked for
        end = "".join(deque(iter(lambda: output.read(OUTPUT_PIECE), ""), maxlen=2))
    lines = [line for line in end.splitlines() if line.strip()]
    errors = [line for line in lines if "ERROR" in line]
    return one_line(masked((errors or lines or [""])[-1].strip()[: 2 * LINE_LIMIT]))
