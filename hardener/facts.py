"""What a target is: asked once, before anything about it is judged. Pure: asks nobody.

What it says of itself is in bounds: it is repeated in reports, files and commands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from hardener.catalogue.control import CouldNotLook, Host
from hardener.catalogue.sshd_ports import LISTENERS, sshd_ports
from hardener.model import Facts, LastRun, Platform, Question, Trait
from hardener.transcript import NoAnswer, Unanswered
from hardener.untrusted import json_of, number, one_line

_KUBERNETES_FILES = {
    "/etc/kubernetes/manifests/kube-apiserver.yaml": Trait.KUBERNETES_CONTROL_PLANE,
    "/var/lib/kubelet/config.yaml": Trait.KUBERNETES_WORKER,
    "/run/containerd/containerd.sock": Trait.CONTAINER_HOST,
    "/run/crio/crio.sock": Trait.CONTAINER_HOST,
    "/run/docker.sock": Trait.CONTAINER_HOST,
}


FACT_LIMIT = 1024 * 1024
"""Most characters that a target may say to one question about itself."""
WORD_LIMIT = 256
"""Most characters of a name of anything."""
HIGHEST_PORT = 2**16 - 1


def facts_of(host: Host, missing: dict[Question, None]) -> tuple[Facts | None, str | None]:
    """What the target is; each fact is asked on its own so that one round trip brings them all."""
    known: dict[str, Any] = {}
    for name, observe in _FACTS.items():
        try:
            known[name] = observe(host)
        except Unanswered as unanswered:
            missing[unanswered.question] = None
        except (NoAnswer, CouldNotLook, ValueError) as error:
            return None, one_line(f"the target could not be identified: {_why(error)}")
    if len(known) < len(_FACTS):
        return None, None
    del known["listeners"]
    virtual, found = known.pop("virtualisation"), known.pop("files")
    try:
        return Facts(traits=frozenset(virtual) | frozenset(found), **known), None
    except ValidationError as error:
        return None, one_line(f"the target could not be identified: {_why(error)}")


def _why(error: Exception) -> str:
    """What is wrong with what a target says of itself."""
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


def _said(host: Host, command: str) -> str:
    """What a target says of itself, in bounds; whether the command succeeded is another matter."""
    text = str(host.run(command).stdout)
    if len(text) > FACT_LIMIT:
        raise CouldNotLook(f"more than {FACT_LIMIT} characters from: {command}")
    return text


def _word(text: str, what: str) -> str:
    """A name as it may stand in a report, a file or a command."""
    if len(text) > WORD_LIMIT or not text.isprintable():
        raise CouldNotLook(f"not a {what}: {one_line(text, WORD_LIMIT)}")
    return text


def _platform(host: Host) -> Platform:
    release = _release(host)
    if not release.get("ID"):
        raise CouldNotLook("/etc/os-release names no ID")
    number = release.get("VERSION_ID", "rolling")
    return Platform(family=_word(release["ID"], "name of a system"), release=_word(number, "release"))


def _made_from(host: Host) -> tuple[str, ...]:
    return tuple(_word(name, "name of a system") for name in _release(host).get("ID_LIKE", "").split())


def _release(host: Host) -> Mapping[str, str]:
    lines = _said(host, "cat /etc/os-release").splitlines()
    return {name: value.strip("\"'") for name, sign, value in (line.partition("=") for line in lines) if sign}


def _virtualisation(host: Host) -> set[Trait]:
    # Exits 1 where there is none; 127 where systemd is missing, which leaves the traits to the inventory.
    if host.run("systemd-detect-virt --container").rc == 0:
        return {Trait.CONTAINER}
    return {Trait.VM} if host.run("systemd-detect-virt --vm").rc == 0 else set()


def _trait_files(host: Host) -> set[Trait]:
    listing = _said(host, "ls -d " + " ".join(_KUBERNETES_FILES) + " 2>/dev/null").split()
    traits = {trait for path, trait in _KUBERNETES_FILES.items() if path in listing}
    is_graphical = _said(host, "systemctl is-active display-manager.service").strip() == "active"
    return traits | ({Trait.GUI} if is_graphical else set())


def _first_line(command: str, what: str) -> Callable[[Host], str]:
    return lambda host: _word(_said(host, command).partition("\n")[0].strip(), what)


def _connection(host: Host) -> Sequence[str]:
    """Address of the operator, then address and port he came to; empty on this machine itself.

    sudo forgets the variable: it is that of the nearest ancestor that has it. The operator's own port is another one
    every time, and would make every night's answer a new one.
    """
    return [_word(word, "address") for word in _said(host, CONNECTION).split()[:3]]


CONNECTION = (
    'pid=$$; while [ "${pid:-0}" -gt 1 ]; do '
    "found=$(tr '\\0' '\\n' </proc/$pid/environ 2>/dev/null | sed -n 's/^SSH_CONNECTION=\\([^ ]*\\) [^ ]*/\\1/p'); "
    '[ -z "$found" ] || { echo "$found"; break; }; '
    "pid=$(sed -n 's/^PPid:[[:space:]]*//p' /proc/$pid/status); done"
)


def _ssh_ports(host: Host) -> tuple[int, ...]:
    """Those of the system's own sshd, and the one the operator came to.

    Only he could have forged that one, in the environment of his own login, and he is root by his sudo anyway. Where
    sshd's ports cannot be seen, the control about them says so: the rest of the target can be judged all the same.
    """
    try:
        own = sshd_ports(host)
    except CouldNotLook:
        own = frozenset()
    return tuple(sorted(own | {number(port, most=HIGHEST_PORT) for port in _connection(host)[2:3]}))


LAST_RUN = "[ ! -r /var/lib/hardener/last.json ] || cat /var/lib/hardener/last.json"


def _last_run(host: Host) -> LastRun | None:
    told = _said(host, LAST_RUN)
    if not told:
        return None
    try:
        found = json_of(told, most=FACT_LIMIT)
    except ValueError as error:
        raise CouldNotLook(f"the target's last run cannot be read: {error}") from None
    told_words = {name: found.get(name, "") for name in LastRun.model_fields} if isinstance(found, Mapping) else {}
    words = {name: one_line(word) for name, word in told_words.items() if isinstance(word, str)}
    if len(words) < len(LastRun.model_fields):
        raise CouldNotLook("the target's last run cannot be read: it is not the status of a run")
    return LastRun(**words)


_OPERATOR = '"${SUDO_USER:-$(id -un)}"'
_FACTS: Mapping[str, Callable[[Host], Any]] = {
    "platform": _platform,
    "made_from": _made_from,
    "virtualisation": _virtualisation,
    "files": _trait_files,
    "kernel": _first_line("uname -r", "release of a kernel"),
    "machine_id": _first_line("cat /etc/machine-id", "machine-id"),
    "operator": _first_line(f"echo {_OPERATOR}", "name of an account"),
    "operator_groups": lambda host: tuple(
        _word(name, "name of a group") for name in _said(host, f"id -Gn {_OPERATOR}").split()
    ),
    "operator_address": lambda host: next(iter(_connection(host)), None),
    "listeners": lambda host: host.run(LISTENERS),  # what the next one needs as well, in the same round trip
    "ssh_ports": _ssh_ports,
    "is_root": lambda host: _said(host, "id -u").strip() == "0",
    "has_python": lambda host: host.run("command -v python3").rc == 0,
    "last_run": _last_run,
}
