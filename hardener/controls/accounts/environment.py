"""The sessions people get: how long they idle, what new files are open to, and where root's commands come from.

All of it is asked of a session that starts as theirs do, for start-up files overrule each other in many ways.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from pydantic import JsonValue

from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, CouldNotLook, Host, Parameter, Violation, command
from hardener.catalogue.expectations import (
    Expectation,
    between,
    equals,
    fields,
    is_true,
    nothing,
    satisfying,
)
from hardener.controls.accounts.shared import LOW, MEDIUM, SHELLS, login_definitions

LOGIN, FURTHER = "login shell", "further shells"
"""The shell a login starts, and an interactive one started from it."""

_TELL = r"""echo; echo "hardener STAGE umask $(umask)"; echo "hardener STAGE path $PATH"
echo "hardener STAGE TMOUT ${TMOUT-}"
case "$(readonly -p)" in *" TMOUT="*) echo "hardener STAGE read-only yes" ;; esac
case "$(export -p)" in *" TMOUT="*) echo "hardener STAGE exported yes" ;; esac
"""
_SCRIPT = _TELL.replace("STAGE", "login") + 'exec "$SHELL" -i -c \'' + _TELL.replace("STAGE", "further") + "'"
"""Tells what a shell has got, then the same of an interactive shell started from it; any shell of Bourne's line."""
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SESSION = (
    "{ { umask 0; cd /; setsid --wait timeout --kill-after 2 20 %s env -i HOME=%s USER=%s LOGNAME=%s TERM=dumb "
    "HISTFILE= " + _PATH + ' SHELL="$shell" "$shell" -l -i -c %s'
    "; } 2>&1 >&3 3>&- | sed '/cannot set terminal process group/d' >&2; } 3>&1"
)
"""A session of its own, for an interactive shell in the background of a terminal would stop itself.

It starts with a umask of 0, so that whatever else it has, start-up files gave it. bash complains that it has no
terminal, with the number of its process, which would make an answer of every audit.
"""

_read_once = lru_cache(maxsize=16)
Session = Mapping[str, Mapping[str, str]]


def _of_nobody(host: Host) -> Session:
    """What a login without files of its own gets."""
    who = "setpriv --reuid=65534 --regid=65534 --clear-groups"
    return _told(
        seen.ask(host, f"shell=/bin/bash; {_SESSION % (who, '/nonexistent', 'nobody', 'nobody', '%s')}", _SCRIPT)
    )


_OF_ROOT = (
    "shell=$(awk -F : '$1 == \"root\" { print $7; exit }' /etc/passwd); "
    'case $shell in "" | */nologin | */false) shell=/bin/sh ;; esac; '
    f"told=$({_SESSION % ('', '/root', 'root', 'root', '%s')}); printf '%%s\\n' \"$told\"; "
    "path=$(printf '%%s\\n' \"$told\" | sed -n 's/^hardener login path //p'); "
    "IFS=:; set -f; stat -L --format 'hardener entry %%F,%%a,%%U:%%n' -- $path 2>/dev/null; true"
)


def _of_root(host: Host) -> str:
    """What root's login gets, and the directories its commands come from."""
    return seen.ask(host, _OF_ROOT, _SCRIPT)


@_read_once
def _told(listing: str) -> Session:
    """Stage → name → value, as the shells told it; raises where a shell did not come that far."""
    stages: dict[str, dict[str, str]] = {}
    for match in re.finditer(r"^hardener (login|further) (\S+) ?(.*)$", listing, re.MULTILINE):
        stages.setdefault(match[1], {})[match[2]] = match[3]
    if set(stages) != {"login", "further"}:
        raise CouldNotLook("a login shell with the usual start-up files did not work")
    return {LOGIN: stages["login"], FURTHER: stages["further"]}


def _umask(stage: Mapping[str, str]) -> str | None:
    """The umask that start-up files gave a shell; ``None`` where they left it alone."""
    return stage["umask"] if stage["umask"].strip("0") else None


def _umasks(host: Host) -> JsonValue:
    session = _of_nobody(host)
    defined = login_definitions(host).get("UMASK")
    return {"login.defs": defined, LOGIN: _umask(session[LOGIN]), FURTHER: _umask(session[FURTHER])}


def _root_umasks(host: Host) -> JsonValue:
    session = _told(_of_root(host))
    return {stage: _umask(told) for stage, told in session.items()}


def _strict_umask(limit: object) -> Expectation:
    """A umask that takes at least the bits the limit takes."""

    def takes_enough(observed: object) -> bool:
        text = str(observed)
        return re.fullmatch("[0-7]{1,4}", text) is not None and int(text, 8) & (bits := int(str(limit), 8)) == bits

    return satisfying(f"umask {limit} or stricter", takes_enough)


def _expected_umasks(limit: object, *more: str) -> Expectation:
    strict = _strict_umask(limit)
    return Expectation(strict.words, fields(dict.fromkeys((LOGIN, FURTHER, *more), strict)).complaints)


def _idle_time(host: Host) -> JsonValue:
    """After how many seconds an idle shell ends, whether its user can change that, and which files say so."""
    session = _of_nobody(host)
    files = seen.ask(
        host, r"grep -lsE '^[^#]*\<TMOUT=' /etc/profile /etc/bash.bashrc /etc/profile.d/*.sh; [ $? -le 2 ]"
    )
    return {
        LOGIN: _seconds(session[LOGIN]),
        FURTHER: _seconds(session[FURTHER]),
        "read-only": "read-only" in session[LOGIN],
        "exported": "exported" in session[LOGIN],
        "set in": [*files.split()],
    }


def _seconds(stage: Mapping[str, str]) -> int | str | None:
    return seen.number_or_text(stage["TMOUT"]) if stage["TMOUT"] else None


def _ends_in_time(values: Sequence[Any]) -> Expectation:
    in_time = between(1, values[0])
    wanted = fields({LOGIN: in_time, FURTHER: in_time, "read-only": is_true(), "exported": is_true()})
    return Expectation(f"TMOUT {in_time.words}, read-only and exported", wanted.complaints)


def _listed_nologin(host: Host) -> JsonValue:
    lines = [line.strip() for line in seen.ask(host, SHELLS).splitlines()]
    return [line for line in lines if line.endswith("/nologin") and line.startswith("/")]


def _unsafe_path(host: Host) -> JsonValue:
    """Entry of root's search path → what is wrong with it."""
    listing = _of_root(host)
    directories = {
        match[4]: (match[1], int(match[2], 8), match[3])
        for match in re.finditer(r"^hardener entry ([^,\n]*),([0-7]+),([^:\n]*):(.*)$", listing, re.MULTILINE)
    }
    entries = _told(listing)[LOGIN]["path"].split(":")
    problems = {entry or "(empty)": _path_problem(entry, directories.get(entry)) for entry in entries}
    return {entry: problem for entry, problem in problems.items() if problem}


def _path_problem(entry: str, found: tuple[str, int, str] | None) -> str:
    if not entry.startswith("/"):
        return "is wherever root happens to be"
    if found is None or found[0] != "directory":
        return "is no directory"
    _, mode, owner = found
    if owner != "root":
        return f"belongs to {owner}"
    return f"can be written by others (mode {mode:04o})" if mode & 0o022 else ""


PROFILE = "/etc/profile.d/zz-hardener"

CONTROLS = [
    Control(
        subject="nologin-shell",
        title="nologin is not among the login shells",
        why="Programs take an account whose shell is on the list for a person's. A file server may rely on it for "
        "accounts that shall transfer files and not log in: waive this control there.",
        severity=LOW,
        observe=_listed_nologin,
        expect=lambda _: nothing(),
        parameters=[Parameter("shells", ("nologin",), equals)],
        remedy="Removes the line from /etc/shells; no account changes.",
        violation=Violation(["echo /usr/sbin/nologin >> /etc/shells"]),
    ),
    Control(
        subject="idle-time",
        title="Shells nobody uses end within 15 minutes",
        why="Whoever comes by an abandoned terminal has all of its owner's rights.",
        severity=MEDIUM,
        observe=_idle_time,
        expect=_ends_in_time,
        parameters=[Parameter("shell", ("TMOUT",), lambda most: between(1, most))],
        remedy=f"Sets TMOUT for interactive shells in {PROFILE}-idle.sh, read-only and exported. Another file that "
        "sets it read-only, or for further shells, is for a person.",
        needs_root=True,
        violation=Violation([f"rm {PROFILE}-idle.sh", "echo TMOUT=3600 > /etc/profile.d/lab-idle.sh"]),
    ),
    Control(
        subject="umask",
        title="New files are closed to others",
        why="A file that is never shared by accident needs no audit. Installers that run in such a session leave "
        "programs that only root can run, of which the network plugins of Kubernetes are the best known: let the step "
        "that installs them set umask 022 itself.",
        severity=MEDIUM,
        observe=_umasks,
        expect=lambda values: _expected_umasks(values[0], "login.defs"),
        parameters=[Parameter("login_defs", ("UMASK",), _strict_umask)],
        remedy=f"Sets UMASK in /etc/login.defs, and takes the bits away in {PROFILE}-umask.sh, since accounts with a "
        "group of their own would otherwise let their group write (USERGROUPS_ENAB, which stays).",
        needs_root=True,
        violation=Violation(
            [
                f"rm {PROFILE}-umask.sh",
                command("sed --in-place -e %s -e %s /etc/login.defs", r"/^\s*UMASK\s/d", "$aUMASK 022"),
            ]
        ),
    ),
    Control(
        subject="root-umask",
        title="New files of root are closed to others",
        why="What root creates in passing, such as backups and dumps, is often what an intruder looks for. What others "
        "have to run or read, root has to open on purpose: installers of Kubernetes set umask 022 themselves.",
        severity=MEDIUM,
        observe=_root_umasks,
        expect=lambda values: _expected_umasks(values[0]),
        parameters=[Parameter("root", ("umask",), _strict_umask)],
        remedy="Sets the umask in root's .profile and .bashrc, and in .bash_profile where there is one.",
        needs_root=True,
        violation=Violation(["echo umask 022 >> /root/.profile", "echo umask 022 >> /root/.bashrc"]),
    ),
    Control(
        subject="root-path",
        title="root's commands come only from directories that only root can change",
        why="Whoever can put a program into one of these directories has it run by root.",
        severity=MEDIUM,
        observe=_unsafe_path,
        expect=lambda _: nothing(),
        remedy="None: only whoever added the directory knows what root runs from it.",
        is_remediable=False,
        needs_root=True,
        violation=Violation(
            ["echo 'PATH=$PATH:/tmp: # lab' >> /root/.profile"],
            undo=["sed --in-place '/# lab$/d' /root/.profile"],
        ),
    ),
]
