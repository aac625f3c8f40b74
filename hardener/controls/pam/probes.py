"""What the controls about PAM ask: the stacks every login goes through, and the settings their modules read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from hardener.catalogue import observations as seen
from hardener.catalogue.control import Host, Violation, command
from hardener.catalogue.expectations import Expectation, satisfying

UPDATE = "DEBIAN_FRONTEND=noninteractive pam-auth-update --package"
"""Writes the stacks anew from the profiles; the only way that does not count as a change by hand."""


@dataclass(frozen=True)
class Line:
    """One module of a stack: its type, its control (``requisite``, ``[default=die]``), its name and its arguments."""

    stack: str
    type: str
    control: str
    module: str
    arguments: Sequence[str]

    @property
    def shown(self) -> str:
        """The line as the file has it, with single blanks."""
        return " ".join([self.type, self.control, self.module, *self.arguments])

    def value(self, argument: str) -> str | None:
        """The value of an argument, empty for one without, ``None`` where it is missing."""
        found = [item.partition("=") for item in self.arguments]
        return next((value for name, _, value in found if name == argument), None)


def stack_lines(host: Host) -> Sequence[Line]:
    """Every line of the four stacks that all programs share, in order."""
    listing = seen.ask(host, "cd /etc/pam.d && grep -H '' common-auth common-account common-password common-session")
    return read_lines(listing)


@lru_cache(maxsize=16)
def read_lines(listing: str) -> Sequence[Line]:
    """The lines ``grep -H`` prints of files of /etc/pam.d; comments and includes are none."""
    pattern = re.compile(r"common-(\w+):\s*-?(auth|account|password|session)\s+(\[[^]]*\]|\S+)\s+(\S+)\s*(.*)")
    matches = filter(None, map(pattern.fullmatch, listing.splitlines()))
    return [Line(item[1], item[2], item[3], item[4].rpartition("/")[2], item[5].split()) for item in matches]


def changed_by_hand(host: Host) -> Sequence[str]:
    """The common files that pam-auth-update will not touch, because somebody else has changed them.

    It cannot be asked without doing what it does. Like it, this takes what lies in its blocks for its own where every
    line is one that it has written down; arguments may have been added or taken away.
    """
    listing = seen.ask(host, MANAGED_LINES)
    return [f"/etc/pam.d/common-{stack}" for stack in MANAGED if not _is_managed(stack, listing)]


MANAGED = ("auth", "account", "password", "session", "session-noninteractive")
MANAGED_LINES = (
    f"cd /etc/pam.d && grep -H '' {' '.join(f'common-{stack}' for stack in MANAGED)} && "
    f"cd /var/lib/pam && grep -H '' {' '.join(MANAGED)}"
)
"""The files as they are, and under shorter names what pam-auth-update has written down of them."""
_BLOCKS = (
    ('# here are the per-package modules (the "Primary" block)', "# here's the fallback if no module succeeds"),
    ('# and here are more per-package modules (the "Additional" block)', "# end of pam-auth-update config"),
)


def _is_managed(stack: str, listing: str) -> bool:
    """Whether no block of a file is missing, and each line in them is one of those written down, in their order."""
    lines = iter(_of_file(listing, f"common-{stack}"))
    written = iter([_module_of(line) for line in _of_file(listing, stack) if not line.startswith("Module: ")])
    kind = stack.removesuffix("-noninteractive")
    for begin, end in _BLOCKS:
        if not any(line.startswith(begin) for line in lines):
            return False
        for line in lines:
            if line.startswith(end):
                break
            module = _module_of(re.sub(rf"^{kind}\s+", "", line))
            if not any(module == one for one in written):
                return False
        else:
            return False
    return True


def _of_file(listing: str, name: str) -> Sequence[str]:
    return [line.removeprefix(f"{name}:") for line in listing.splitlines() if line.startswith(f"{name}:")]


def _module_of(line: str) -> str:
    """Control and module of a line, without where its jumps lead, which depends on its neighbours."""
    match = re.match(r"(\[[^]]*\]|\w+)\s+\S+", line)
    return re.sub(r"=(\d+|end)\b", "=", " ".join(match[0].split())) if match else line


def lines_of(host: Host, stack: str, module: str) -> Sequence[Line]:
    """The lines of one module in one stack."""
    return [line for line in stack_lines(host) if line.stack == stack and line.module == module]


def settings(host: Host, name: str, stack: str) -> Mapping[str, str]:
    """What ``pam_<name>`` obeys: ``/etc/security/<name>.conf.d``, then the main file, then its arguments in a stack."""
    files = f"/etc/security/{name}.conf.d/*.conf /etc/security/{name}.conf"
    listing = seen.ask(host, f'for file in {files}; do [ ! -e "$file" ] || cat "$file"; done')
    found = read_settings(listing)
    for line in lines_of(host, stack, f"pam_{name}.so"):
        found |= {key: value for key, _, value in (item.partition("=") for item in line.arguments)}
    return found


def read_settings(listing: str) -> dict[str, str]:
    """Key → value of every ``key = value``, the last one winning; empty for a key that stands alone."""
    rows = [line.partition("#")[0].partition("=") for line in listing.splitlines()]
    return {key.strip(): value.strip() for key, _, value in rows if key.strip()}


def in_words(words: str) -> Expectation:
    """A setting that is a word of its own: there or not, and empty where it is there."""
    return satisfying(words, lambda observed: observed == "")


def broken_setting(file: str, *lines: str) -> Violation:
    """Other lines for some settings of a file in /etc/security; a line with nothing but a key takes the key away."""
    path = f"/etc/security/{file}"
    keys = [line.split()[0] for line in lines]
    added = [line for line in lines if "=" in line]
    commands = [command("sed --in-place --regexp-extended %s %s", rf"/^\s*({'|'.join(keys)})\>/d", path)]
    return Violation([*commands, *(command("echo %s >> %s", line, path) for line in added)])


def broken_profile(profile: str, edit: str) -> Violation:
    """A profile of ours edited with sed, and the stacks written from it."""
    return Violation([command("sed --in-place %s %s", edit, f"/usr/share/pam-configs/{profile}"), UPDATE])
