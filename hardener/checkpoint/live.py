"""What is true now and in no file: kernel settings, mounts, modules, loaded rules, routes."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from hardener.checkpoint import mount_table
from hardener.checkpoint.secure_copies import copy_into_sticky, copy_tree
from hardener.checkpoint.secure_paths import (
    directory_at,
    exists,
    kernel_settings,
    kernel_text,
    make_directory,
    remove,
    write_kernel,
)
from hardener.checkpoint.system import Failed, has, output

OWN_TABLE = ("inet", "hardener")
VOLATILE = re.compile(r"kernel/(ns_last_pid|random/|pty/|tainted)|fs/(dentry|inode)|debug/|dev/cdrom|abi/|sunrpc/")
"""Below /proc/sys: what changes by itself."""
OPPOSITES = {"ro": "rw", "nosuid": "suid", "nodev": "dev", "noexec": "exec", "nosymfollow": "symfollow"}
"""Flags of a mount that are kept, and the options that take them away."""
NOT_OURS = ("/proc", "/sys", "/run/user/", "/run/credentials/", "/var/lib/", "/home/")
"""Below these, file systems come and go with sessions, containers and people."""
ROUNDS = 3
"""Setting one kernel setting may reset others: they are written until they stay."""

Values = dict[str, Any]


def sysctls(root: str = "/proc/sys") -> Values:
    """Path below /proc/sys → its text, for what can be written."""
    values = {}
    for path in kernel_settings(root):
        key = path[len(root) + 1 :]
        if not VOLATILE.search(key):
            with suppress(OSError):  # some can only be written
                values[key] = kernel_text(path).strip()
    return values


def restore_sysctls(wanted: Mapping[str, str | None], root: str = "/proc/sys") -> list[str]:
    """Write values until they stay; what has gone with its interface or module is nobody's loss."""
    problems: dict[str, str] = {}
    # Forwarding resets the settings of interfaces, and ``all`` those of each: the general comes before the particular.
    ordered = sorted(
        wanted, key=lambda key: (not key.endswith(("ip_forward", "all/forwarding")), "/all/" not in key, key)
    )
    for _ in range(ROUNDS):
        for key in ordered:
            value = wanted[key]
            if value is None:
                continue
            try:
                if kernel_text(f"{root}/{key}").strip() != value:
                    write_kernel(f"{root}/{key}", value)
                    problems.pop(key, None)
            except FileNotFoundError:
                continue
            except OSError as error:
                problems[key] = f"sysctl {key}: {error.strerror}"
    return list(problems.values())


def mounts(table: str | None = None) -> Values:
    """Mount point → ``fstype`` and sorted ``flags``, for local file systems that are not the system's own.

    ``table``: the text of /proc/self/mountinfo.
    """
    return {
        path: {"fstype": fstype, "flags": sorted(OPPOSITES.keys() & set(flags))}
        for path, fstype, flags in mount_table.rows(table)
        if mount_table.is_local(fstype) and not path.startswith(NOT_OURS)
    }


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
        except (Failed, OSError) as error:
            problems.append(f"mount {path}: {error}")
    return problems


def came_since(mount: Mapping[str, Any]) -> bool:
    """Whether a mount that was not there before may be one of ours: those are file systems in memory."""
    return bool(mount["fstype"] == "tmpfs")


def _unmount(path: str) -> None:
    """Take a file system in memory away, without losing what programs have put there meanwhile.

    What it hides is reached by a second mount of the directory it is mounted in, where only root can enter.
    """
    above, _, name = path.rpartition("/")
    below = f"/run/hardener-below-{secrets.token_hex(8)}"
    make_directory(below)
    try:
        output(["mount", "--bind", above or "/", below])
        try:
            with directory_at(path) as source, directory_at(f"{below}/{name}") as target:
                copy = copy_into_sticky if not target.is_private else copy_tree
                copy(source, target)
        finally:
            output(["umount", "--lazy", below])
    finally:
        remove(below)
    output(["umount", "--lazy", path])


def modules() -> Values:
    """Loaded kernel modules; empty in a container, which cannot load any."""
    if exists("/run/systemd/container"):
        return {}
    try:
        return {line.split(" ", 1)[0]: True for line in kernel_text("/proc/modules").splitlines()}
    except FileNotFoundError:
        return {}


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
            sorted(kernel_text("/sys/kernel/security/apparmor/profiles").splitlines(keepends=True))
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
