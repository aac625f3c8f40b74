"""The logs of a host that are not just root's and closed: who uses them, and whether a service owns them.

That an account is a service's is said by something: by its shell, with which nobody can log in; by what declares it, be
it logrotate, a unit, tmpfiles.d or an override of dpkg; or by a process that runs as it and writes its own log.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

from hardener.catalogue import listing, names
from hardener.catalogue import observations as seen
from hardener.catalogue.control import Host
from hardener.catalogue.listing import More, Record, Room, Unseen
from hardener.catalogue.permissions import REMOTE, WRITE, Holder, Permissions, used_by

NOBODY = 65534
"""No account of anybody's, but what is left of many: of one of its logs nothing follows for another one."""
OF_OTHERS = 0o077
"""The bits of group and others: none of its owner's is ever taken that reads or writes."""

_STARTS = r"""
systems=$(findmnt --noheadings --raw --output TARGET,FSTYPE) || exit
walked=$(echo /var/log; printf '%s\n' "$systems" | awk '
    $1 ~ /^\/var\/log\// && $1 !~ /^\/var\/log\/(pods|containers)(\/|$)/ && $2 !~ /^(REMOTE)$/ { print $1 }')
"""
_FIND = r"""
find "$@" -xdev -ignore_readdir_race \( -path /var/log/pods -o -path /var/log/containers \
    -o -fstype nfs -o -fstype nfs4 -o -fstype cifs -o -fstype fuse.sshfs \) -prune -o \
    -type f \( -perm /0137 -printf 'open %#m %U %G %D.%i %u:%g:%p\0' \
    -o \( ! -user root -o ! -group root ! -group adm \) -printf 'closed %#m %U %G %D.%i %u:%g:%p\0' \)
printf 'ended logs %s\0' "$?"
"""
ROOM = {"open": Room(512 * 1024, 256 * 1024), "closed": Room(1024 * 1024, 1024 * 1024)}
"""For logs that others can do much with, and for those that are not root's or adm's: a service may have thousands."""
# Of all that is open anywhere the kernel says the number of the file, and asks no server for it; only where one is that
# of a log, the file itself is looked at, for a pod knows it by another path. Processes that end meanwhile are left out;
# one of somebody else's that root may not look at may have any log open. The first awk prints what may be a log, the
# second who has it open, the third says so with each log.
_USES = r"""
set +f
held=$({
    printf '%s\n' "$logs"
    find /proc/[0-9]*/fdinfo -type f -exec grep -HE '^(flags|ino):' {} + 2>&1
} | awk '
    $1 == "open" || $1 == "closed" { sub(/^[0-9]*[.]/, "", $5); is_log[$5]; next }
    /: (Permission denied|Operation not permitted)$/ && match($0, /\/proc\/[0-9]+/) {
        path = substr($0, RSTART, RLENGTH); if (! denied[path]++) print path "/fd/denied", 3
    }
    ! /^\/proc\// { next }
    { split($1, told, ":"); split($1, part, "/") }
    told[2] == "ino" { looked = 1 }
    told[2] == "flags" {
        way = substr($2, length($2)) % 4
        if (length($2) > 7 && substr($2, length($2) - 7, 1) % 2) way = 3  # it is a place, and not open
    }
    told[2] == "ino" && way < 3 && $2 in is_log && ! seen[part[3], $2, way]++ {
        sub(/fdinfo/, "fd", told[1]); print told[1], way
    }
    END { print "ended uses", looked ? 0 : 1 }')
uses=$({
    printf '%s\n' "$held"
    printf '%s\n' "$held" | sed -n 's|/fd/.*|/status|p' | sort -u | xargs -r grep -sHE '^(Uid|Gid|Groups):'
    printf '%s\n' "$held" | sed -n '/^\//s/ .*//p' | xargs -r stat -L --format='%n is %d.%i' 2>/dev/null
} | awk '
    $2 == "is" && ($1 in access) {
        split($1, part, "/"); process = part[3]
        if (process in groups && uid[process]) print "use", $3, access[$1] ":" uid[process] ":" groups[process]; next
    }
    /\/status:/ {
        split($1, part, /[\/:]/); process = part[3]
        if (part[5] == "Uid") uid[process] = $5
        if (part[5] == "Gid") groups[process] = $5
        if (part[5] == "Groups") for (i = 2; i <= NF; i++) groups[process] = groups[process] "+" $i
        next
    }
    { access[$1] = $2 == 0 ? 4 : $2 == 1 ? 2 : 6; if ($2 == 3) denied[$1] }
    END { for (path in denied) { split(path, part, "/"); if (uid[part[3]]) print "use any *" } }' | sort -u)
printf '%s\n' "$uses" "$logs" | awk '
    $1 == "use" {
        if (++count[$2] > MOST_USES || length($3) > 500) $3 = "*"
        if (of[$2] !~ /[*]$/) of[$2] = of[$2] (of[$2] == "" ? "" : ",") $3
        next
    }
    ($1 == "open" || $1 == "closed") && split($0, word, " ") {
        told = "any" in of ? "*" : of[word[5]] == "" ? "-" : of[word[5]]
        rest = $0; for (i = 1; i <= 5; i++) rest = substr(rest, index(rest, " ") + 1)
        print word[1], word[2], word[3], word[4], told, rest; next
    }
    $0 != ""'
printf '%s\n' "$held" | sed -n '/^ended/p'
"""
MOST_USES = 20
"""Of so many different users of one log it is told; more are many."""
SEARCH = (
    _STARTS.replace("REMOTE", REMOTE)
    + listing.STARTS.strip()
    + f"\nlogs=$({listing.listed(_FIND, ROOM)})"
    + _USES.replace("MOST_USES", str(MOST_USES))
)
"""Prints both: ``kind mode uid gid uses owner:group:path``; ``uses``: ``access:uid:gid+gid`` with commas, or ``-``."""

SERVICES = r"""
declared=$(systemd-tmpfiles --cat-config) && closed=$(awk -F: '
    FNR == NR { if (/^\//) shells[$0]; next } $7 && !($7 in shells) { print $1 }' /etc/shells /etc/passwd) || exit
{
    printf '%s\n' "$closed"
    printf '%s\n' "$declared" | awk '/^[A-Za-z]/ { sub(/^:/, "", $4); print $4 }'
    find /etc/systemd/system /run/systemd/system /usr/lib/systemd/system -type f \
        \( -name '*.service' -o -path '*.service.d/*.conf' \) -exec sed -n 's/^User[[:blank:]]*=[[:blank:]]*//p' {} +
    awk '{ print $1 }' /var/lib/dpkg/statoverride
} | awk '/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/ && $0 != "root" && $0 != "nobody"' | sort -u
""".strip()
"""Prints the accounts that are declared as those of services, or that nobody can log in to."""

ROTATION = (
    "find /etc/logrotate.conf /etc/logrotate.d -type f -exec sed -s -e 's/#.*//' -e "
    r"'/^[[:space:]]*\(pre\|post\|first\|last\)\(rotate\|action\)/,/^[[:space:]]*endscript/d' {} +"
)
"""Prints what logrotate does, without comments and scripts: the latter hold whatever a program needs to be told."""


@dataclass(frozen=True)
class Log:
    """One log: its path as the target wrote it, and as whose it is known."""

    path: str
    permissions: Permissions
    owner: str
    group: str
    holders: tuple[Holder, ...] = ()
    may_have_more: bool = False
    """Whether there may be more holders than were told: there are too many, or root may not look at all processes."""

    @property
    def used(self) -> int:
        """The bits of group and others by which running processes use it."""
        bits = reduce(or_, (used_by(holder, self.permissions) for holder in self.holders), 0)
        return OF_OTHERS & (self.permissions.mode if self.may_have_more else bits)

    @property
    def users(self) -> Sequence[int | str]:
        """The numbers of those who use it by these bits."""
        numbers = {holder.uid for holder in self.holders if used_by(holder, self.permissions) & OF_OTHERS}
        return [*sorted(numbers), *(["unknown"] if self.may_have_more else [])]

    @property
    def is_written_by_its_owner(self) -> bool:
        """Whether a process that runs as its owner has it open to write."""
        return any(holder.uid == self.permissions.uid and holder.access & WRITE for holder in self.holders)


@dataclass(frozen=True)
class Logs:
    """What was found: by path, what others may do too much with, and what is not root's; and what was not seen."""

    loose: Sequence[Log]
    others: Sequence[Log]
    more: Mapping[str, Sequence[More]] = field(default_factory=dict)
    unseen: Sequence[Unseen] = ()


@dataclass(frozen=True)
class Services:
    """As whom services run that have logs."""

    accounts: frozenset[str]
    logs_of_nobody: Sequence[str]
    """The paths of those that a process writes as nobody."""

    def own(self, log: Log) -> bool:
        """Whether a log is a service's: its account's, or nobody's where it or what it was rotated from is written."""
        if log.permissions.uid != NOBODY:
            return log.owner in self.accounts
        return any(log.path == path or log.path.startswith((f"{path}.", f"{path}-")) for path in self.logs_of_nobody)


def logs_of(host: Host) -> Logs:
    """The logs of a host that somebody may have to look at; ``CouldNotLook`` where the list of them was cut short."""
    found = listing.read(seen.ask(host, SEARCH), {"logs": (0, 1), "uses": (0,)})
    loose, others = (sorted(map(_log, found.records.get(kind, ())), key=lambda log: log.path) for kind in ROOM)
    return Logs(loose, others, found.more, found.unseen)


def services_of(host: Host, logs: Logs) -> Services:
    """What is known of the services of a host on which these logs were found."""
    written = [log for log in (*logs.loose, *logs.others) if log.is_written_by_its_owner]
    writing = {log.owner for log in written if log.permissions.uid != NOBODY}
    accounts = frozenset(writing).union(seen.ask(host, SERVICES).split(), _rotating(seen.ask(host, ROTATION)))
    return Services(accounts=accounts, logs_of_nobody=[log.path for log in written if log.permissions.uid == NOBODY])


def _log(record: Record) -> Log:
    uses, _, rest = record.rest.partition(" ")
    owner, group, path = rest.split(":", 2)
    told = [] if uses == "-" else uses.split(",")
    holders = tuple(_holder(use) for use in told if use != "*")
    permissions = Permissions(record.mode, record.uid, record.gid)
    return Log(names.as_evidence(path), permissions, owner, group, holders, may_have_more="*" in told)


def _holder(use: str) -> Holder:
    access, uid, groups = use.split(":")
    return Holder(int(uid), frozenset(map(int, groups.split("+"))), int(access))


def _rotating(configuration: str) -> Iterator[str]:
    """The accounts to whom logrotate gives logs, or as whom it works."""
    declared = re.findall(r"^[ \t]*(?:create(?:[ \t]+[0-7]+)?|su)[ \t]+([^\s\d]\S*)", configuration, re.MULTILINE)
    yield from (name for name in declared if name not in {"root", "nobody"})
