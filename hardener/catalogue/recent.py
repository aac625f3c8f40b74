r"""What changed last on a target: asked in every audit, so that two of them say what happened in between.

No verdict rests on these answers. Each is bounded in size and time, and the same on a night on which nothing changed. A
target that lacks what they need says nothing.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from hardener.model import Answer, Question

Answers: TypeAlias = Mapping[str, Answer]
"""By command."""
SECONDS = 5
"""Longest time one of these questions may take."""
PLACES = ("/etc", "/boot/grub", "/var/spool/cron")
"""Where configuration is."""
_NEVER = ("/etc/adjtime", "/etc/cups/subscriptions.conf*", "/etc/lvm", "/etc/mtab", "/etc/resolv.conf", "*/.git")
"""What the system itself writes every day."""

FILES = (
    f"find {' '.join(PLACES)} -xdev -mindepth 1 \\( "
    + " -o ".join(f"-path '{path}'" for path in _NEVER)
    + " \\) -prune -o -printf '%C@ %p\\0' 2>/dev/null | sort -z -n | tail -z -n 50"
)
"""The files and directories that changed last, oldest first: seconds since 1970, a space, the path, a NUL.

What counts is the change of the inode, which nobody can set and which a new mode or owner is as well.
"""
PACKAGES = r"""
lines=$({ tail -c 1000000 /var/log/dpkg.log.1; tail -c 1000000 /var/log/dpkg.log; } 2>/dev/null |
    grep -aE '^[0-9-]{10} [0-9:]{8} (install|upgrade|remove|purge) ' | tail -n 100)
[ -n "$lines" ] || exit 0
printf '%s\n' "$lines" | cut -c -19 | date -f - +%s | paste -s -d ' ' -
printf '%s\n' "$lines" | cut -c 21-
"""
"""What dpkg did last, oldest first: a line of moments in seconds since 1970, then a line for each of them.

The log itself has local time, which only the target can tell apart.
"""
WRITERS = r"""
[ -r /var/log/audit/audit.log ] || exit 0
tail -c 2097152 /var/log/audit/audit.log | awk '
    function told(name, skipped) {
        skipped = length(name) + 2
        return match($0, "[ \035]" name "=[^ \035]*") ? substr($0, RSTART + skipped, RLENGTH - skipped) : "?"
    }
    { sub(/^node=[^ ]* /, "") }
    $1 == "type=SYSCALL" {
        event = / success=yes / ? $2 : ""
        if (event != "") who = told("auid") " " told("uid") " " told("AUID") " " told("exe")
        directory = "?"
    }
    $2 != event { next }
    $1 == "type=CWD" { directory = told("cwd") }
    $1 == "type=PATH" && ! /nametype=(PARENT|UNKNOWN)/ {
        name = told("name")
        if (name ~ /^("\/|2F)/ ? name ~ IS_MEANT : directory ~ IS_MEANT) print event, who, directory, name
    }' | tail -n 50
""".replace("IS_MEANT", "/^({})/".format("|".join(f'"{path}' for path in PLACES).replace("/", r"\/") + "|2F657463"))
"""Who wrote to files there, as auditd kept it, oldest first: event, auid, uid, name, program, directory, path.

Texts are in quotes, or in hexadecimal digits where they have other characters than most; what is not told is ``?``.
"""
COMMANDS = (FILES, PACKAGES, WRITERS)
QUESTIONS = tuple(Question(command=text, seconds=SECONDS) for text in COMMANDS)


@dataclass(frozen=True)
class PackageChange:
    """What dpkg did to a package; a version is ``absent`` where there is none."""

    moment: datetime
    package: str
    before: str
    after: str


@dataclass(frozen=True)
class FileChange:
    """The last change of a file or directory."""

    moment: datetime
    path: str


@dataclass(frozen=True)
class Writing:
    """Somebody's call that wrote to a file: the numbers of users are as the kernel has them."""

    moment: datetime
    path: str
    user: str
    """Who had logged in: ``uid 1000 (ann)``; ``uid 0`` for what nobody logged in for."""
    program: str


def file_changes(before: Answers, after: Answers) -> frozenset[FileChange]:
    """The files that only the later of two answers tells; what is no entry is left out."""
    entries = (entry.partition(" ") for entry in _entries(after) - _entries(before))
    return frozenset(
        FileChange(moment, path) for stamp, _, path in entries if (moment := _moment(stamp)) and path.startswith("/")
    )


def _entries(answers: Answers) -> set[str]:
    return {*_said(answers, FILES).split("\0")}


_DEED = re.compile(
    r"(?:install|upgrade|remove|purge) ([a-z0-9][a-z0-9+.-]+)(?::[a-z0-9-]+)? "
    r"(<none>|[0-9][A-Za-z0-9.+:~-]*) (<none>|[0-9][A-Za-z0-9.+:~-]*)"
)


def package_changes(before: Answers, after: Answers) -> frozenset[PackageChange]:
    """What dpkg did that only the later of two answers tells; what is no deed is left out."""
    found = ((_moment(stamp), _DEED.fullmatch(deed)) for stamp, deed in _deeds(after) - _deeds(before))
    return frozenset(
        PackageChange(moment, deed[1], _version(deed[2]), _version(deed[3]))
        for moment, deed in found
        if moment and deed
    )


def _deeds(answers: Answers) -> set[tuple[str, str]]:
    """Each deed with its moment; none where they do not belong together."""
    stamps, _, listing = _said(answers, PACKAGES).partition("\n")
    moments, deeds = stamps.split(), listing.removesuffix("\n").split("\n")
    return {*zip(moments, deeds, strict=True)} if len(moments) == len(deeds) else set()


def _version(told: str) -> str:
    return "absent" if told == "<none>" else told


def writings(answers: Answers) -> frozenset[Writing]:
    """Who wrote what last, as far as it can be read."""
    return frozenset(_writings(_said(answers, WRITERS)))


_EVENT = re.compile(r"msg=audit\((\d+\.\d+):\d+\): (\d+) (\d+) (\S+) (\S+) (\S+) (\S+)")
_NOBODY = str(2**32 - 1)


def _writings(listing: str) -> Iterator[Writing]:
    for line in listing.split("\n"):
        match = _EVENT.fullmatch(line)
        if match is None:
            continue
        name, program, directory, path = (_text(word) for word in match.groups()[3:])
        moment = _moment(match[1])
        if moment and path and program and (path.startswith("/") or directory.startswith("/")):
            user = f"uid {match[3] if match[2] == _NOBODY else match[2]}"
            if name and name != "unset":
                user += f" ({name})"
            yield Writing(moment, posixpath.normpath(posixpath.join(directory, path)), user, program)


def _text(word: str) -> str:
    """A text of an audit record; empty where it is none."""
    if quoted := re.fullmatch(r'"([^"]*)"', word):
        return quoted[1]
    if len(word) % 2 or not re.fullmatch(r"[0-9A-F]+", word):
        return ""
    return bytes.fromhex(word).decode("utf-8", "backslashreplace")


def has_said(answers: Answers, command: str) -> bool:
    """Whether a target gave a complete answer."""
    return command in answers and answers[command].exit_status == 0 and answers[command].problem is None


def _said(answers: Answers, command: str) -> str:
    return answers[command].stdout.decode("utf-8", "backslashreplace") if has_said(answers, command) else ""


def _moment(stamp: str) -> datetime | None:
    """Seconds since 1970 as a moment; ``None`` where it is none of this age."""
    if not re.fullmatch(r"[0-9]{1,11}(\.[0-9]+)?", stamp):
        return None
    return datetime.fromtimestamp(float(stamp), UTC)
