r"""Listings of files in which users choose the names, the number, and what cannot be looked at.

What ``find`` prints is told in lines (``hardener.catalogue.names``) by the kind of finding, and each kind has room of
its own in the answer: whatever a user makes, he crowds out neither what is root's nor findings of another kind. What
does not fit is counted. What ``find`` could not look at is named, but for mount points of other file systems, which are
not meant: a user can mount one that even root may not ask.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hardener.catalogue import names
from hardener.catalogue.control import CouldNotLook

RECORD = r"%#m %U %G %y %p\0"
"""What ``-printf`` tells of a file, after its kind and a blank."""
STARTS = r"""
set -f
set --
for target in $walked; do
    case $target in *\\*) target=$(env printf '%b.' "$target"); target=${target%.} ;; esac
    set -- "$@" "$target"
done
[ $# -gt 0 ] || exit
"""
"""Shell that makes its arguments of the mount points in ``walked``: findmnt writes blanks, too, as ``\\xHH``."""
ROOM_OF_UNSEEN = 64 * 1024
"""Most bytes about what could not be looked at."""
MOST_NAMED = 3
"""So many places that could not be looked at stand in the reason of an error."""
MOST_COMPLAINTS = 20_000
"""So many complaints of ``find`` are read on the target; the others are counted."""

# Reads what find printed, in lines. "start" and "begun" tell where it shall and did look: after a time-out (status 124)
# what was not done by then is named.
_FITTING = r"""
function place(    path) { path = $0; sub(/^[^\/]*/, "", path); return path }
$1 == "start" { starts[++count] = place(); number[starts[count]] = count; next }
$1 == "begun" { if ($2 == 0) reached = number[place()]; next }
$1 == "ended" {
    if ($3 == 124 && ! count) silent[++silents] = ""
    if ($3 == 124) for (i = reached ? reached : 1; i <= count; i++) silent[++silents] = starts[i]
    count = reached = 0; ends = ends $0 "\n"; next
}
{
    owner = $3; is_root = owner == "0"; size = length($0) + 1
    if ($1 == "dot") { owner = place(); sub(/\/[^\/]*$/, "", owner); is_root = 0 }
    if (of_all[$1, is_root] + size > room[$1] || (! is_root && of_one[$1, owner] + size > share[$1])) {
        if (! more[$1, is_root]++) first[$1, is_root] = place()
        next
    }
    of_all[$1, is_root] += size; of_one[$1, owner] += size
    print
}
END {
    for (i = 1; i <= silents && i <= 100; i++) print "unseen no answer in time\t" silent[i]
    if (silents > 100) print "more unseen", silents - 100, silent[101]
    for (key in more) { split(key, kind, SUBSEP); print "more", kind[1], more[key], first[key] }
    printf "%s", ends
}"""
# Reads what find complained of, and all mount points, as findmnt writes them. find quotes names as C does (\047 is a
# single quote), so that no name ends a complaint or begins one.
_COMPLAINTS = r"""
BEGIN {
    for (i = 0; i < 256; i++) byte[sprintf("%03o", i)] = sprintf("\\x%02x", i)
    count = split("a 07 b 08 f 0c n 0a r 0d t 09 v 0b \\ 5c", letters, " ")
    for (i = 1; i < count; i += 2) byte[letters[i]] = "\\x" letters[i + 1]
    count = 0
}
function unquoted(text,    path, at, code) {
    while (at = index(text, "\\")) {
        code = substr(text, at + 1, substr(text, at + 1, 1) ~ /[0-7]/ ? 3 : 1)
        path = path substr(text, 1, at - 1) (code in byte ? byte[code] : code)
        text = substr(text, at + 1 + length(code))
    }
    return path text
}
/^\// { gsub(/\\x20/, " ", $1); mounted[$1]; next }
/^walked \// { gsub(/\\x20/, " ", $2); walked[$2]; next }
/^find: \047.*\047: No such file or directory$/ { next }
{ if (count < MOST_COMPLAINTS) said[++count] = $0; else more++ }
END {
    for (i = 1; i <= count; i++) {
        why = said[i]; path = ""
        if (match(why, /^find: \047.*\047: /)) {
            path = unquoted(substr(why, 8, RLENGTH - 10)); why = substr(why, RLENGTH + 1)
            if (path in mounted && ! (path in walked)) continue
        }
        gsub(/\\/, "?", why); gsub(/[\001-\037\177]/, "?", why)
        line = "unseen " why "\t" path; gsub(/-----BEGIN/, "\\x2d----BEGIN", line)
        used += length(line) + 1
        if (used > ROOM_OF_UNSEEN) more++; else print line
    }
    if (more) print "more unseen", more, "/"
}"""
_LISTED = r"""
{ told=$({ printf '%s\n' "$systems"; printf 'walked %s\n' $walked; {
FIND
} 2>&3 3>&- 4>&- | WRITTEN | awk 'ROOM FITTING' >&4
findmnt --noheadings --raw --output TARGET; } 3>&1 | awk 'COMPLAINTS'); } 4>&1
[ -z "$told" ] || printf '%s\n' "$told"
"""


@dataclass(frozen=True)
class Room:
    """Most bytes of an answer about files of one kind: those of root's, and as many about those of all others."""

    all: int
    one: int = 64 * 1024
    """Most bytes about the files of one user other than root; of dot files, about one home directory."""


def listed(find: str, room: Mapping[str, Room]) -> str:
    r"""Shell that runs ``find`` and tells what it prints: a kind, a blank and ``RECORD``.

    ``find``: one or more commands, each followed by ``printf 'ended NAME %s\0' "$?"``. ``room``: by kind. It
    needs two variables: ``systems``, in whose lines the first word is a mount point, and ``walked``, those among them
    at which ``find`` starts; both as findmnt writes them.
    """
    rooms = "; ".join(f'room["{kind}"] = {each.all}; share["{kind}"] = {each.one}' for kind, each in room.items())
    texts = {
        "FIND": find.strip(),
        "WRITTEN": names.WRITTEN,
        "ROOM": f"BEGIN {{ {rooms} }}",
        "FITTING": _FITTING,
        "COMPLAINTS": _COMPLAINTS.replace("ROOM_OF_UNSEEN", str(ROOM_OF_UNSEEN)).replace(
            "MOST_COMPLAINTS", str(MOST_COMPLAINTS)
        ),
    }
    return re.sub(rf"\b(?:{'|'.join(texts)})\b", lambda match: texts[match[0]], _LISTED)


@dataclass(frozen=True)
class Record:
    """What the listing tells of one file: mode, the numbers of its owners, and the rest of its line as written."""

    mode: int
    uid: int
    gid: int
    rest: str


@dataclass(frozen=True)
class Unseen:
    """What could not be looked at; the path is empty where nobody knows."""

    path: str
    reason: str

    @property
    def shown(self) -> str:
        """Path and reason, as messages and evidence hold them."""
        return f"{self.path} ({self.reason})" if self.path else self.reason


@dataclass(frozen=True)
class More:
    """How many findings of a kind did not fit into the answer, and the first of them."""

    count: int
    path: str

    @property
    def shown(self) -> str:
        """As evidence holds it, after the findings that did fit."""
        return f"and {self.count} more, such as {self.path}"


@dataclass(frozen=True)
class Listing:
    """What was listed, by kind; what did not fit, by kind; what could not be looked at; and the lines of others."""

    records: Mapping[str, Sequence[Record]]
    more: Mapping[str, Sequence[More]]
    unseen: Sequence[Unseen]
    others: Sequence[str]


_LINE = re.compile(r"([a-z-]+) (0[0-7]{0,6}) (\d{1,10}) (\d{1,10}) (.*)", re.DOTALL)
_MORE = re.compile(r"more ([a-z-]+) (\d{1,15}) (.*)", re.DOTALL)
_UNSEEN = re.compile(r"unseen ([^\t]*)\t(.*)", re.DOTALL)
_ENDED = re.compile(r"ended ([a-z]+) (\d{1,3})")


def read(answer: str, ends: Mapping[str, Sequence[int]]) -> Listing:
    """The answer of a command with a listing in it; lines before the listing's first are ``others``.

    ``ends``: name of each ``find`` → exit statuses with which it came to its end. ``CouldNotLook`` where one has not.
    """
    records: dict[str, list[Record]] = {}
    more: dict[str, list[More]] = {}
    unseen: list[Unseen] = []
    others: list[str] = []
    ended: dict[str, int] = {}
    for line in answer.split("\n"):
        if match := _LINE.fullmatch(line):
            record = Record(int(match[2], 8), int(match[3]), int(match[4]), match[5])
            records.setdefault(match[1], []).append(record)
        elif match := _MORE.fullmatch(line):
            more.setdefault(match[1], []).append(More(int(match[2]), names.as_evidence(match[3])))
        elif match := _UNSEEN.fullmatch(line):
            unseen.append(Unseen(names.as_evidence(match[2]), match[1]))
        elif match := _ENDED.fullmatch(line):
            ended[match[1]] = int(match[2])
        elif line:
            others.append(line)
    for name, statuses in ends.items():
        if ended.get(name) not in statuses:
            raise CouldNotLook(f"the list of files was cut short: {name} {ended.get(name, 'did not end')}")
    unseen += [Unseen("", f"{item.count} more places") for item in more.pop("unseen", ())]
    return Listing(records, more, unseen, others)


def unseen_among(unseen: Sequence[Unseen]) -> CouldNotLook:
    """The error of a control that would pass if it had looked everywhere; some of the places are named."""
    shown = [item.shown for item in unseen[:MOST_NAMED]]
    rest = f" and {len(unseen) - MOST_NAMED} more" if len(unseen) > MOST_NAMED else ""
    return CouldNotLook(f"could not look at {', '.join(shown)}{rest}")
