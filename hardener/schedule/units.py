"""The texts of the service and its timer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from hardener.errors import ConfigError
from hardener.schedule.nightly import Nightly
from hardener.schedule.quoting import listed_path, plain, whole_path, word

SERVICE = "hardener-nightly.service"
TIMER = "hardener-nightly.timer"
MARK = "# Written by 'hardener schedule install', which replaces it; changes belong into 'systemctl edit'."
"""The first line of a unit that is ours."""
SANDBOX_VARIABLE = "HARDENER_SANDBOX"
"""Set where the machine is not seen as it is: what is asked of the machine itself is refused there."""

_FINDINGS_ARE_FINE = '"$@" || { code=$?; [ $code -le 2 ] || exit $code; }'
"""An audit's findings are no failure of the night, nor is a target that is down: what follows tells both."""

_FILTERS = (
    "NoNewPrivileges=yes",
    "LockPersonality=yes",
    "MemoryDenyWriteExecute=yes",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "SystemCallArchitectures=native",
    "SystemCallErrorNumber=EPERM",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@privileged @resources",
)
"""What needs no rights: a user's service manager can do it too. None of it can be lived with by sudo."""
_WALLS = (
    "CapabilityBoundingSet=",
    "DevicePolicy=closed",
    "PrivateDevices=yes",
    "PrivateIPC=yes",
    "PrivateTmp=yes",
    "ProcSubset=pid",
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectHome=read-only",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "ProtectProc=invisible",
    "ProtectSystem=strict",
)
"""What only the system's manager can do. An ssh client reads its keys and writes to its store: it needs no more."""
_INVISIBLE = ("LockPersonality=yes", "MemoryDenyWriteExecute=yes", "RestrictRealtime=yes")
"""What changes nothing that a probe of this machine sees."""


def unit_texts(nightly: Nightly) -> Mapping[str, str]:
    """Name → text of both units. Raises ``ConfigError`` for a path systemd cannot be told."""
    return {SERVICE: _text(_service(nightly)), TIMER: _text(_timer(nightly))}


def _text(lines: Iterator[str]) -> str:
    text = "".join(f"{line}\n" for line in (MARK, *lines))
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ConfigError("systemd knows only paths in UTF-8", location=repr(error.object[error.start])) from None
    return text


def _service(nightly: Nightly) -> Iterator[str]:
    yield from ("[Unit]", "Description=Nightly audit by hardener, and what drifted since")
    if not nightly.is_user:
        yield from ("Wants=network-online.target", "After=network-online.target")
    yield from ("", "[Service]", "Type=oneshot", f"WorkingDirectory={whole_path(str(nightly.project))}")
    yield from (f"Environment={word(item)}" for item in _environment(nightly))
    yield from (f"ExecStart=:{' '.join(map(word, command))}" for command in _commands(nightly))
    yield from ("TimeoutStartSec=12h", "UMask=0077", "", *_sandbox(nightly))
    # Sections whose names begin with X- are not read by systemd.
    yield from ("", "[X-Hardener]", f"Project={plain(str(nightly.project))}", f"Store={plain(nightly.store)}")


def _timer(nightly: Nightly) -> Iterator[str]:
    yield from ("[Unit]", "Description=When hardener audits every night", "", "[Timer]")
    yield f"OnCalendar={nightly.at}"
    yield f"RandomizedDelaySec={nightly.delay_seconds}"
    yield from ("Persistent=true", "", "[Install]", "WantedBy=timers.target")


def _is_walled(nightly: Nightly) -> bool:
    return not nightly.is_user and not nightly.sees_this_machine


def _environment(nightly: Nightly) -> Iterator[str]:
    yield f"XDG_STATE_HOME={nightly.state_home}"
    if _is_walled(nightly):
        yield "ANSIBLE_LOCAL_TEMP=/tmp"  # Ansible makes a directory below the home directory whenever it is loaded
        yield f"{SANDBOX_VARIABLE}=1"


def _commands(nightly: Nightly) -> Iterator[Sequence[str]]:
    metrics = ["--metrics", str(nightly.metrics)] if nightly.metrics else []
    audit = [*nightly.command, "audit", "-o", "/dev/null", *metrics]
    yield ["/bin/sh", "-c", _FINDINGS_ARE_FINE, "sh", *audit]
    yield [*nightly.command, "drift", *(["--notify"] if nightly.is_notifying else [])]


def _sandbox(nightly: Nightly) -> Iterator[str]:
    if nightly.sees_this_machine:
        yield from _INVISIBLE if not nightly.is_user else ()  # for a user they imply NoNewPrivileges, and so no sudo
        return
    yield from _FILTERS
    if not nightly.is_user:
        yield from ("", *_WALLS)
        yield f"ReadWritePaths={' '.join(listed_path(str(path)) for path in nightly.written)}"
