"""Home directories and the files in them that other programs obey: closed, and their owners' own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pydantic import JsonValue

from hardener.catalogue import observations as seen
from hardener.catalogue import walk
from hardener.catalogue.control import Control, CouldNotLook, Host, Violation
from hardener.catalogue.expectations import every, is_true, mode_at_most, nothing, present_fields
from hardener.catalogue.listing import unseen_among
from hardener.catalogue.permissions import REMOTE as REMOTE_TYPES
from hardener.controls.accounts.shared import MEDIUM, NOBODY, User, first_uid, login_shells, users
from hardener.untrusted import number

FORBIDDEN = {".forward", ".rhosts"}
"""Files that send mail elsewhere, or let others in without a password."""
SECRET = {".netrc", ".bash_history"}
REMOTE = "r"
MODE_OF_HOME, MODE_OF_SECRET, MODE_OF_OTHERS = "0750", "0600", "0644"

_HOMES = r"""
{ awk -F : '
    FILENAME == "/proc/mounts" { split($0, mount, " "); if (mount[3] ~ /^(REMOTE)$/) remote[mount[2] "/"]; next }
    FILENAME == "/etc/shells" { shells[$0]; next }
    $7 in shells && $7 !~ /nologin$/ {
        kind = "local"
        for (point in remote) if (index($6 "/", point) == 1) kind = "remote"
        print kind, $6
    }' /proc/mounts /etc/shells /etc/passwd | sort -u | while read -r kind home; do
    if [ "$kind" = remote ]; then printf 'r 0 0 0 %s\0' "$home" >&3
    elif [ -d "$home" ]; then printf '%s\0' "$home"; fi
done | xargs -0 -r sh -c 'find -H "$@" -maxdepth 0 -printf "d %m %U %G %H\0"' sh; } 3>&1
"""
COMMAND = _HOMES.replace("REMOTE", REMOTE_TYPES)
"""Lists the home directories of all accounts with a login shell: ``type mode uid gid path``.

Home directories that another host serves are only named (type ``r``): asking for them can hang, or mount them all.
"""

_read_once = lru_cache(maxsize=4)


@dataclass(frozen=True)
class Entry:
    """A home directory (``d``, or ``r`` for one of another host); ``mode`` has four octal digits."""

    type: str
    mode: str
    uid: int
    gid: int


def _people(host: Host) -> Sequence[User]:
    """The accounts that people log in to, root among them."""
    limit, shells = first_uid(host), login_shells(host)
    accounts = [user for user in users(host) if user.shell in shells]
    return [user for user in accounts if user.uid == 0 or (limit <= user.uid and user.uid != NOBODY)]


def _entries(host: Host) -> Mapping[str, Entry]:
    """Home directory → what it is."""
    entries = _parsed(seen.ask(host, COMMAND))
    if not entries and _people(host):
        raise CouldNotLook("not one home directory was listed")
    return entries


@_read_once
def _parsed(listing: str) -> Mapping[str, Entry]:
    homes: dict[str, Entry] = {}
    for record in filter(None, listing.split("\0")):
        kind, mode, uid, gid, path = record.split(" ", 4)
        homes[path.rstrip("/") or "/"] = Entry(kind, mode.zfill(4), number(uid), number(gid))
    return homes


def _home_directories(host: Host) -> JsonValue:
    """User and home directory → whether it exists, is theirs, and its mode."""
    entries = _entries(host)
    return {
        f"{user.name} ({user.home})": _home(user, entries.get(user.home.rstrip("/") or "/")) for user in _people(host)
    }


def _home(user: User, found: Entry | None) -> JsonValue:
    if found is None:
        return {"exists": False}
    if found.type == REMOTE:
        return {"served by another host": True}
    return {"exists": True, "own": found.uid == user.uid, "mode": found.mode}


def _unsafe_dot_files(host: Host) -> JsonValue:
    """Path → what is wrong with it."""
    walked, people = walk.walk(host), _people(host)
    homes, more = walk.dot_files(walked), walked.found("dot").more
    problems = {
        f"{user.home}/{name}": _problem(user, name, entry)
        for user in people
        for name, entry in sorted(homes.get(user.home.rstrip("/"), {}).items())
    }
    problems |= {item.path: f"was not looked at, like {item.count - 1} more" for item in more}
    found = {path: problem for path, problem in problems.items() if problem}
    unseen = [item for item in walked.listed.unseen if any(walk.may_hide_dot_files(item, user.home) for user in people)]
    if unseen and not found:
        raise unseen_among(unseen)
    return {**found}


def _problem(user: User, name: str, entry: walk.Entry) -> str:
    """What is wrong with a dot file, or nothing. A link has no mode of its own; what it leads to may be elsewhere."""
    if name in FORBIDDEN:
        return "should not be there"
    if entry.type != "f":
        return ""
    if (entry.uid, entry.gid) != (user.uid, user.gid):
        return f"belongs to {entry.uid}:{entry.gid}, not to {user.uid}:{user.gid}"
    mode, limit = f"{entry.mode:04o}", MODE_OF_SECRET if name in SECRET else MODE_OF_OTHERS
    return "" if mode_at_most(limit).accepts(mode) else f"has mode {mode}, more than {limit}"


CONTROLS = [
    Control(
        subject="home-directories",
        title="Everybody who logs in owns a closed home directory",
        why="Keys, histories and drafts lie in home directories; without one, a session starts in somebody else's.",
        severity=MEDIUM,
        observe=_home_directories,
        expect=lambda _: every(
            present_fields(
                {
                    "exists": is_true(),
                    "own": is_true(),
                    "mode": mode_at_most(MODE_OF_HOME),
                    "served by another host": is_true(),
                }
            ),
            f"exists, belongs to its user, mode {MODE_OF_HOME} or stricter",
        ),
        remedy="None: web servers and colleagues may read in a home directory with its owner's consent; use chmod.",
        is_remediable=False,
        needs_root=True,
        violation=Violation(["chmod 0755 /home/plain"], undo=["chmod 0750 /home/plain"]),
    ),
    Control(
        subject="dot-files",
        title="Nobody else can change or read what people's programs start with",
        why="A shell start-up file that others can write runs their commands; .rhosts and .netrc hold the keys to "
        "other hosts; .forward sends mail out of sight.",
        severity=MEDIUM,
        observe=_unsafe_dot_files,
        expect=lambda _: nothing(),
        remedy="None: the files are their owners', who know what relies on them; use chmod and chown.",
        is_remediable=False,
        needs_root=True,
        needs_walk=True,
        violation=Violation(
            ["touch /home/plain/.netrc && chmod 0644 /home/plain/.netrc && chown plain: /home/plain/.netrc"],
            undo=["rm /home/plain/.netrc"],
        ),
    ),
]
