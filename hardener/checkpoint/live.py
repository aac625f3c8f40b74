"""What is true now and in no file: kernel settings, mounts, modules, loaded rules, routes."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from hardener.checkpoint.system import Failed, has, output

OWN_TABLE = ("inet", "hardener")
VOLATILE = re.compile(r"kernel/(ns_last_pid|random/|pty/|tainted)|fs/(dentry|inode)|debug/|dev/cdrom|abi/|sunrpc/")
"""Below /proc/sys: what changes by itself."""
OPPOSITES = {"ro": "rw", "nosuid": "suid", "nodev": "dev", "noexec": "exec", "nosymfollow": "symfollow"}
"""Flags of a mount that are kept, and the options that take them away."""
APPARMOR = Path("/sys/kernel/security/apparmor/profiles")
ROUNDS = 3
"""Setting one kernel setting may reset others: they are written until they stay."""

Values = dict[str, Any]


def sysctls(root: Path = Path("/proc/sys")) -> Values:
    """Path below /proc/sys → its text, for what can be written."""
    values = {}
    for folder, _, names in os.walk(str(root)):
        for name in names:
            path = os.path.join(folder, name)
            key = path[len(str(root)) + 1 :]
            if os.access(path, os.R_OK) and os.stat(path).st_mode & 0o200 and not VOLATILE.search(key):
                with suppress(OSError, UnicodeDecodeError), open(path, encoding="utf-8") as file:
                    values[key] = file.read().strip()
    return values


def restore_sysctls(wanted: Mapping[str, str | None], root: Path = Path("/proc/sys")) -> list[str]:
    """Write values until they stay; what has gone with its interface or module is nobody's loss."""
    problems: dict[str, str] = {}
    # Forwarding resets the settings of interfaces, and ``all`` those of each: the general comes before the particular.
    ordered = sorted(
        wanted, key=lambda key: (not key.endswith(("ip_forward", "all/forwarding")), "/all/" not in key, key)
    )
    for _ in range(ROUNDS):
        for key in ordered:
            value = wanted[key]
            path = root / key
            if value is None or not path.exists():
                continue
            try:
                if path.read_text("utf-8").strip() != value:
                    path.write_text(value, "utf-8")
                    problems.pop(key, None)
            except OSError as error:
                problems[key] = f"sysctl {key}: {error.strerror}"
    return list(problems.values())


def mounts(table: Path = Path("/proc/self/mountinfo")) -> Values:
    """Mount point → ``fstype`` and sorted ``flags``, for what is not the system's own."""
    found = {}
    for line in table.read_text("utf-8", "surrogateescape").splitlines():
        words = line.split(" ")
        fstype = words[words.index("-") + 1]
        path = re.sub(r"\\(\d{3})", lambda match: chr(int(match[1], 8)), words[4])
        if not path.startswith(
            ("/proc", "/sys", "/run/user", "/run/credentials", "/var/lib/kubelet", "/var/lib/containers")
        ):
            found[path] = {"fstype": fstype, "flags": sorted(OPPOSITES.keys() & set(words[5].split(",")))}
    return found


def restore_mounts(wanted: Mapping[str, Mapping[str, Any] | None]) -> list[str]:
    """Mount again with the options there were, and take away what was not mounted; what is in it moves below."""
    problems = []
    for path in sorted(wanted, reverse=True):
        item, now = wanted[path], mounts().get(path)
        try:
            if item is None and now is not None:
                _unmount(path)
            elif item is not None and now is None:
                output(["mount", path])
            elif item is not None and now is not None and item["flags"] != now["flags"]:
                lost = [OPPOSITES[flag] for flag in now["flags"] if flag not in item["flags"]]
                options = ["remount", "bind", *lost, *item["flags"]]
                output(["mount", "--options", ",".join(options), path])
        except Failed as error:
            problems.append(str(error))
    return problems


def _unmount(path: str) -> None:
    """Take a file system in memory away, without losing what programs have put there meanwhile."""
    below = f"/run/hardener-below-{os.getpid()}"
    os.mkdir(below, 0o700)
    try:
        output(["mount", "--bind", "/", below])
        try:
            output(["cp", "--archive", _leave_what_is_there(), f"{path}/.", below + path])
        finally:
            output(["umount", below])
    finally:
        os.rmdir(below)
    output(["umount", "--lazy", path])


def _leave_what_is_there() -> str:
    """The option by which this cp overwrites nothing: the elder one meant a failure for a while."""
    return "--update=none" if "none-fail" in output(["cp", "--help"]) else "--no-clobber"


def modules(table: Path = Path("/proc/modules")) -> Values:
    """Loaded kernel modules; empty in a container, which cannot load any."""
    if os.path.exists("/run/systemd/container") or not table.exists():
        return {}
    return {line.split(" ", 1)[0]: True for line in table.read_text("utf-8").splitlines()}


def restore_modules(wanted: Mapping[str, bool | None]) -> list[str]:
    """Load what was loaded; what came since does no harm and stays."""
    return _each((["modprobe", "--ignore-install", name] for name, is_loaded in wanted.items() if is_loaded))


def rulesets() -> Values:
    """Our nftables table, the audit rules and the modes of AppArmor's profiles, each as text, where they exist."""
    found: Values = {"nftables": None, "audit": None}
    if has("nft"):
        with suppress(Failed):  # there is no such table
            found["nftables"] = output(["nft", "--stateless", "list", "table", *OWN_TABLE])
    if has("auditctl"):
        with suppress(Failed):  # no audit in this kernel, or in this container
            found["audit"] = output(["auditctl", "-l"])
    with suppress(OSError):
        found["apparmor"] = "".join(
            sorted(Path("/sys/kernel/security/apparmor/profiles").read_text().splitlines(keepends=True))
        )
    return found


def restore_rulesets(wanted: Mapping[str, str | None]) -> list[str]:
    """Load the rules there were; audit rules that are locked wait for the next boot, and that is said."""
    problems = []
    for name, text in wanted.items():
        try:
            _LOADERS[name](text or "")
        except Failed as error:
            problems.append(str(error))
    return problems


def _load_nftables(text: str) -> None:
    family, table = OWN_TABLE
    output(["nft", "--file", "-"], stdin=f"table {family} {table}\ndelete table {family} {table}\n{text}")


def _load_audit(text: str) -> None:
    if re.search(r"^enabled 2$", output(["auditctl", "-s"]), re.MULTILINE):
        raise Failed("audit rules: locked until the next boot, which loads those there were")
    rules = "" if text.startswith("No rules") else text
    output(["auditctl", "-D"])
    output(["auditctl", "-R", "/dev/stdin"], stdin=rules)


def _load_apparmor(_text: str) -> None:
    output(["systemctl", "reload", "apparmor.service"])


_LOADERS: Mapping[str, Callable[[str], None]] = {
    "nftables": _load_nftables,
    "audit": _load_audit,
    "apparmor": _load_apparmor,
}


def routes() -> Values:
    """Lines of the main routing tables, with ``-4 `` or ``-6 `` before them."""
    if not has("ip"):
        return {}
    lines = [
        f"{family} {line.strip()}" for family in ("-4", "-6") for line in output(["ip", family, "route"]).splitlines()
    ]
    return {re.sub(r" (expires|pref|linkdown|hoplimit|mtu)( \S+)?", "", line): True for line in lines}


def restore_routes(wanted: Mapping[str, bool | None]) -> list[str]:
    """Bring back routes that are missing; new ones may be anybody's and stay."""
    lines = [line for line, is_there in wanted.items() if is_there]
    # What is directly connected comes before what is reached through it.
    return _each(["ip", *_words(line)] for line in sorted(lines, key=lambda line: " via " in line))


def _words(line: str) -> list[str]:
    family, *rest = line.split()
    return [family, "route", "replace", *rest]


def _each(commands: Any) -> list[str]:
    problems = []
    for words in commands:
        try:
            output(words)
        except Failed as error:
            problems.append(str(error))
    return problems
