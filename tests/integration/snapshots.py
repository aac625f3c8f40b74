"""What a node looks like, told by its own tools and not by ours: what a restore and a rollback are judged by."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from hardener import lab

_CHOSEN = os.environ.get("HARDENER_DRILL_NODE", "container12")
KIND, RELEASE = _CHOSEN.rstrip("0123456789"), _CHOSEN.lstrip("abcdefghijklmnopqrstuvwxyz")
"""The kind of node that drills use: ``container12`` by default, ``vm12`` in ``make drill``."""
_SCRIPT = r"""
find /etc /boot/grub /usr/lib/systemd /usr/share/pam-configs /var/lib/pam /root -xdev \
    \( -type f -printf 'file %p %m %u:%g\n' -exec sha256sum {} + \) -o \
    \( -type l -printf 'link %p %u:%g %l\n' \) -o \( -type d -printf 'directory %p %m %u:%g\n' \)
getfacl --recursive --skip-base --absolute-names /etc 2>/dev/null | sed 's/^/acl /'
find /var/log /home -xdev -printf 'mode %p %m %u:%g\n'
systemctl list-units --plain --no-legend --no-pager --state=active | awk '{ print "unit", $1, $3 }'
systemctl list-unit-files --plain --no-legend --no-pager | awk '{ print "unit file", $1, $2 }'
sysctl --all 2>/dev/null | sed 's/^/sysctl /'
findmnt --raw --noheadings --output TARGET,FSTYPE,VFS-OPTIONS | sed 's/^/mount /'
nft --stateless --terse list ruleset | sed 's/^/nft /'
[ -e /run/systemd/container ] || auditctl -l | sed 's/^/audit /'
[ -e /run/systemd/container ] || awk '{ print "module", $1 }' /proc/modules
dpkg-query --show --showformat 'package ${Package} ${Version} ${Status}\n'
ip route | sed 's/^/route /'; ip -6 route | sed 's/^/route /'
"""

TOLERATED: dict[str, str] = {
    r"/etc/systemd/system/(\S+/)?hardener-guard-(boot|early)\.service": "the guard's own units",
    r"^unit(?: file)? hardener-guard": "the guard's own units",
    r" /root/\.ansible": "where Ansible puts its modules for a moment",
    r"^mode /home/\S+/\.ansible": "the same, of the user Ansible logs in as",
    r"^mode /var/log/": "logs made meanwhile; the modes of earlier ones are judged below",
    r"^mode /home/admin/\.(cache|local|lesshst|bash_history|sudo_as_admin_successful)": "made by logging in",
    r"^unit(?: file)? (session-\d+\.scope|user@\d+\.service|user-\d+\.slice|user-runtime-dir@\d+)": "logins",
    r"^unit (apt-daily|dpkg-db-backup|e2scrub|fstrim|logrotate|man-db|systemd-tmpfiles-clean|systemd-hostnamed|"
    r"systemd-timedated|systemd-localed|packagekit|polkit|systemd-update-utmp-runlevel|motd-news)\S*": "come on call",
    r"^unit run-\S+": "mounts and jobs of systemd's own, for a moment",
    r"^unit \S+\.(device|slice|target|swap)": "follow from other units",
    r"^unit systemd-(fsckd|machine-id-commit)\.service": "run in some boots",
    r"^sysctl vm\.(user|admin)_reserve_kbytes ": "computed from the memory that a boot finds",
    r"^sysctl fs\.(dentry-state|quota\.syncs|file-nr|inode-nr|inode-state) ": "counters",
    r"^sysctl kernel\.(ns_last_pid|pty\.nr|random\.\S+|sched_\S+|tainted) ": "counters",
    r"^sysctl (net\.netfilter\.|net\.nf_|dev\.|abi\.|sunrpc\.|user\.)": "of modules loaded meanwhile, and counters",
    r"^sysctl net\.ipv4\.tcp_fastopen_key ": "a secret that the kernel makes anew",
    r"^mount /run/(user|credentials|systemd)": "logins, and units with credentials",
    r"^route \S+ dev \S+ .*(expires|proto ra)": "routes with a lifetime, told by a router",
    r" /etc/(ld\.so\.cache|\.pwd\.lock|mtab|resolv\.conf|adjtime)( |$)": "caches and locks of the system itself",
    r"^package \S+ \S* deinstall ok config-files": "what dpkg remembers of packages that are gone",
    r"^module ": "loaded meanwhile: only modules that have gone are brought back",
}
"""Lines that may differ, as expressions, each with its reason; docs/operating.md tells them to users."""
_TOLERATED = re.compile("|".join(f"(?:{pattern})" for pattern in TOLERATED))


def snapshot(node: lab.Node) -> frozenset[str]:
    """All lines of state, but those that may differ."""
    done = lab.run(node, _SCRIPT)
    return frozenset(line for line in done.stdout.splitlines() if not _TOLERATED.search(line))


def differences(before: frozenset[str], after: frozenset[str]) -> Sequence[str]:
    """Lines that have gone and lines that have come, sorted by what they are about."""
    lines = [f"- {line}" for line in before - after] + [f"+ {line}" for line in after - before]
    return sorted(lines, key=lambda line: line[2:])
