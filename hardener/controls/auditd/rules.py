"""What the kernel records: each list of rules is loaded, will be at the next boot, and cannot be taken back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import JsonValue

from hardener.catalogue import observations as seen
from hardener.catalogue.audit_rules import LOCKED, audit_state, required_rule
from hardener.catalogue.control import Control, Host, Parameter, Violation
from hardener.catalogue.expectations import AFTER_REBOOT, NOW, Expectation, equals, now_and_after_reboot, satisfying
from hardener.catalogue.kinds import HOST_KERNEL, audit_rule, review
from hardener.catalogue.walk import set_id_programs
from hardener.controls.auditd.shared import of_auditd
from hardener.model import Disruption, Severity
from hardener.untrusted import number

SWITCH = {0: "off", 1: "changeable", LOCKED: "locked"}


def _rules(name: str, key: str, *about: str, **more: Any) -> Control:
    """A list of rules."""
    declared: dict[str, Any] = {
        "severity": Severity.MEDIUM,
        "needs_root": True,
        "disruption": Disruption.REBOOT,
    }
    return of_auditd(audit_rule(name, key, *about, **{**declared, **more}))


def _some_file(lines: Sequence[str]) -> Expectation:
    """Writing to some file is recorded: which one, the site knows."""
    keys = {key for line in lines for key in required_rule(line).keys}

    def is_watched(others: Any) -> bool:
        rules = [required_rule(line) for line in others]
        return bool(rules) and all(rule.names and rule.keys & keys for rule in rules)

    return satisfying(f"watches with the key {', '.join(sorted(keys))}", is_watched)


def _lock(host: Host) -> JsonValue:
    """Whether the running rules can be changed, and whether those of the next boot will be."""
    state = audit_state(host)
    at_boot = number(state.enabled_at_boot) if state.enabled_at_boot.isdigit() else None
    return {
        NOW: SWITCH.get(state.enabled, str(state.enabled)),
        AFTER_REBOOT: state.enabled_at_boot if at_boot is None else SWITCH.get(at_boot, state.enabled_at_boot),
    }


def _difference(host: Host) -> JsonValue:
    """What augenrules says of the rules it loaded and those on disk, and how many there are."""
    if "auditd" not in seen.installed_packages(host):
        return {"auditd": "not installed"}
    state = audit_state(host)
    said = seen.ask(host, "augenrules --check").partition("\n")[0].rpartition(": ")[2]
    return {"augenrules": said, "loaded rules": len(state.loaded), "rules on disk": len(state.on_disk)}


CONTROLS = [
    _rules(
        "sudoers",
        "scope",
        *("/etc/sudoers", "/etc/sudoers.d"),
        title="Changes to what sudo allows are recorded",
        why="A line in sudoers is the shortest way to stay root.",
    ),
    _rules(
        "user-emulation",
        "user_emulation",
        "execve",
        title="Programs that run as somebody else than who started them are recorded",
        why="It shows which person acted behind an account that many share.",
    ),
    _rules(
        "sudo-log",
        "sudo_log_file",
        "/var/log/sudo.log",
        title="Changes to sudo's log are recorded",
        why="Who cleans up after having been root begins here.",
        judge=_some_file,
    ),
    _rules(
        "clock",
        "time-change",
        *("adjtimex", "settimeofday", "clock_settime", "/etc/localtime"),
        title="Changes to the clock are recorded",
        why="A wrong clock makes records of different hosts contradict each other.",
    ),
    _rules(
        "network-names",
        "system-locale",
        *("sethostname", "setdomainname", "/etc/issue", "/etc/issue.net", "/etc/hosts", "/etc/networks"),
        "/etc/network/",
        title="Changes to the names of the host and its network are recorded",
        why="A changed hosts file sends traffic, updates and logins elsewhere. Starting containers is recorded too.",
    ),
    _rules(
        "privileged-programs",
        "privileged",
        programs=set_id_programs,
        title="Runs of set-uid and set-gid programs are recorded",
        why="They are the doors from a user to root. New ones come with packages: apply again after installing some.",
    ),
    _rules(
        "denied-access",
        "access",
        *("creat", "open", "openat", "truncate", "ftruncate"),
        title="Denied access to files is recorded",
        why="Somebody who tries many doors is looking for an open one.",
    ),
    _rules(
        "accounts",
        "identity",
        *("/etc/group", "/etc/passwd", "/etc/gshadow", "/etc/shadow", "/etc/security/opasswd", "/etc/nsswitch.conf"),
        *("/etc/pam.conf", "/etc/pam.d"),
        title="Changes to accounts, and to how they log in, are recorded",
        why="A second account, or a login stack that lets one in, is how intruders come back.",
    ),
    _rules(
        "permissions",
        "perm_mod",
        *("chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown", "fchownat"),
        *("setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr"),
        title="Changes to permissions, owners and attributes of files are recorded",
        why="Files are opened to others on purpose more often than broken into.",
    ),
    _rules(
        "mounts",
        "mounts",
        "mount",
        title="Mounts by users are recorded",
        why="A mounted medium brings programs in or takes data out.",
    ),
    _rules(
        "sessions",
        "session",
        *("/var/run/utmp", "/var/log/wtmp", "/var/log/btmp"),
        title="Changes to the records of sessions are recorded",
        why="Who takes a session out of these files wants not to have been there.",
    ),
    _rules(
        "logins",
        "logins",
        *("/var/log/lastlog", "/var/run/faillock"),
        title="Changes to the records of logins are recorded",
        why="Reset counters of failed logins allow to go on guessing.",
    ),
    _rules(
        "deletions",
        "delete",
        *("unlink", "unlinkat", "rename", "renameat"),
        title="Files that users delete or rename are recorded",
        why="What was destroyed, and by whom, cannot be seen afterwards in any other way.",
    ),
    _rules(
        "apparmor",
        "MAC-policy",
        *("/etc/apparmor/", "/etc/apparmor.d/"),
        title="Changes to AppArmor's profiles are recorded",
        why="A profile made wider confines nothing, and nobody notices.",
    ),
    _rules(
        "chcon",
        "perm_chng",
        "/usr/bin/chcon",
        title="Runs of chcon are recorded",
        why="It changes the security label of a file, and with it who may use it.",
    ),
    _rules(
        "setfacl",
        "perm_chng",
        "/usr/bin/setfacl",
        title="Runs of setfacl are recorded",
        why="Access lists open a file to others while its mode looks as strict as before.",
    ),
    _rules(
        "chacl",
        "perm_chng",
        "/usr/bin/chacl",
        title="Runs of chacl are recorded",
        why="It does what setfacl does under a name that fewer people know.",
    ),
    _rules(
        "usermod",
        "usermod",
        "/usr/sbin/usermod",
        title="Runs of usermod are recorded",
        why="It puts an account into the groups that matter.",
    ),
    _rules(
        "kernel-modules",
        "kernel_modules",
        *("init_module", "finit_module", "delete_module", "create_module", "query_module", "/usr/bin/kmod"),
        title="Loading and unloading of kernel modules is recorded",
        why="A module can hide everything that comes after it, so the record has to come first.",
    ),
    of_auditd(
        Control(
            subject="rules-locked",
            title="The audit rules cannot be changed before a reboot",
            why="Otherwise the first thing an intruder does as root is to switch the recording off.",
            severity=Severity.MEDIUM,
            observe=_lock,
            expect=lambda _: now_and_after_reboot(equals("locked")),
            parameters=[Parameter("rules", ("finalize",), equals)],
            remedy="Locks the rules in a file that is read last, and loads all rules.",
            disruption=Disruption.REBOOT,
            unless=HOST_KERNEL,
            needs_root=True,
            violation=Violation(["sed --in-place 's/^-e 2/-e 1/' /etc/audit/rules.d/99-hardener-finalize.rules"]),
        )
    ),
    review(
        "rules-difference",
        _difference,
        title="The loaded audit rules are those on disk",
        why="Somebody has to judge whether a difference is a change that waits for a reboot, or one nobody made.",
        severity=Severity.MEDIUM,
        needs_root=True,
        unless=HOST_KERNEL,
    ),
]
