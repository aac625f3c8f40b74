"""Banners: what the host says to people before and after they log in, and who may change it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict, Unpack

from pydantic import JsonValue

from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, Host, Parameter, Violation, command
from hardener.catalogue.expectations import Expectation, any_of, equals, fields, nothing, satisfying
from hardener.catalogue.kinds import file_modes
from hardener.model import Severity

GENERATED = "/run/motd.dynamic"
BESIDE: Mapping[str, Sequence[str]] = {
    "/etc/motd": ("/run/motd", "/usr/lib/motd", "/etc/motd.d/", "/run/motd.d/", "/usr/lib/motd.d/"),
    "/etc/issue": ("/etc/issue.d/", "/run/issue", "/run/issue.d/", "/usr/lib/issue.d/"),
    "/etc/issue.net": (),
}
"""What pam_motd and agetty show beside a file: other files, and those of whole directories."""

_DETAILS = re.compile(
    r"\\[mrsvS](?:\{\w*\})?"  # what agetty replaces by the machine, the kernel or the distribution
    r"|\b(?:debian|ubuntu|raspbian|red hat|centos|fedora|suse)\b(?: gnu/linux)?(?: [\d.]+)?"
    r"|\blinux\b[^\n]{0,200}?\d\.\d[^\n]*"
    r"|\b(?:x86_64|amd64|aarch64|arm64)\b",
    re.IGNORECASE,
)


def details(text: str) -> list[str]:
    """What a text tells about the system, each once: escapes, names of distributions, versions of kernels."""
    return list(dict.fromkeys(match[0].strip() for match in _DETAILS.finditer(text)))


def _listing() -> str:
    others = [f"{place}*" if place.endswith("/") else place for places in BESIDE.values() for place in places]
    files = " ".join([*BESIDE, *others, GENERATED])
    return f'for file in {files}; do [ ! -f "$file" ] || {{ echo "$file"; sed "s/^/ /" "$file"; }} || exit; done'


LISTING = _listing()
SCRIPTS = 'for file in /etc/update-motd.d/*; do [ ! -x "$file" ] || echo "$file"; done'


def texts_shown(host: Host) -> Mapping[str, str]:
    """Path → text of every file that pam_motd, agetty or sshd may show to people."""
    listing = seen.ask(host, LISTING)
    texts: dict[str, str] = {}
    for line in listing.splitlines():
        if line.startswith("/"):
            path = line
            texts[path] = ""
        else:
            texts[path] += line[1:] + "\n"
    return texts


def _is_in(name: str, place: str) -> bool:
    return name.startswith(place) if place.endswith("/") else name == place


def _text_of(path: str) -> Callable[[Host], JsonValue]:
    def observe(host: Host) -> JsonValue:
        texts = texts_shown(host)
        beside = {name: text for name, text in texts.items() if any(_is_in(name, place) for place in BESIDE[path])}
        told = [f"{detail} ({name})" for name, text in beside.items() for detail in details(text)]
        text = texts.get(path)
        return {"text": text and text.strip(), "tells": [*details(text or ""), *told]}

    return observe


def _generated(host: Host) -> JsonValue:
    """What the text that scripts make at every login tells, and the scripts."""
    scripts = seen.ask(host, SCRIPTS)
    return {"tells": [*details(texts_shown(host).get(GENERATED, ""))], "made by": [*scripts.splitlines()]}


def _the_text(wanted: object) -> Expectation:
    return satisfying("the site's text", lambda text: str(text or "").split() == str(wanted).split())


def _absent() -> Expectation:
    return satisfying("no text", lambda text: not text)


def _neutral(_: object) -> Expectation:
    return satisfying(
        "a text without escapes and names of systems", lambda text: bool(str(text).strip()) and not details(str(text))
    )


class _Words(TypedDict):
    title: str
    why: str


def _text(path: str, subject: str, *, may_be_absent: bool = False, **words: Unpack[_Words]) -> Control:
    """A text people are shown; its value is the whole text."""

    def expect(values: Sequence[Any]) -> Expectation:
        text = _the_text(values[0])
        return fields({"text": any_of(text, _absent()) if may_be_absent else text, "tells": nothing()})

    return Control(
        subject=subject,
        severity=Severity.LOW,
        observe=_text_of(path),
        expect=expect,
        parameters=[Parameter("text", (path,), _neutral)],
        remedy="Replaces the text by the site's.",
        violation=Violation([command("printf %s > %s", "Debian GNU/Linux \\\\r on an \\\\m\\n", path)]),
        **words,
    )


def _access(path: str, subject: str, *, why: str) -> Control:
    """A text only root may change."""
    return file_modes(
        subject,
        path,
        title=f"Only root may change {path}",
        why=why,
        severity=Severity.LOW,
        violation=Violation([command("touch %s && chmod 0666 %s", path, path)]),
    )


CONTROLS = [
    _text(
        "/etc/motd",
        "motd",
        may_be_absent=True,
        title="The message of the day is the site's and tells nothing about the system",
        why="Whoever gets in with somebody's stolen key need not be told which exploits fit this host.",
    ),
    Control(
        subject="motd-generated",
        title="The message that is made at every login tells nothing about the system",
        why="Debian's own script prints kernel and architecture to everybody who logs in, whatever the site says.",
        severity=Severity.LOW,
        observe=_generated,
        expect=lambda _: fields({"tells": nothing()}),
        parameters=[Parameter("scripts", ("/etc/update-motd.d/10-uname",), equals)],
        remedy="Takes the permission to run from Debian's script; a script of others that tells more is for a person.",
        violation=Violation(
            [
                "chmod 0755 /etc/update-motd.d/10-uname",
                "run-parts --lsbsysinit /etc/update-motd.d > /run/motd.dynamic",
            ]
        ),
    ),
    _text(
        "/etc/issue",
        "issue",
        title="The notice at the console is the site's and tells nothing about the system",
        why="Who merely stands before the screen learns the distribution, and lacks the warning that courts ask for.",
    ),
    _text(
        "/etc/issue.net",
        "issue-net",
        title="The notice for logins from the network is the site's and tells nothing about the system",
        why="It is shown to everybody who connects, before any of them has proved to be anybody.",
    ),
    _access(
        "/etc/motd",
        "motd-access",
        why="Users believe what the host tells them at login: a link planted there is followed.",
    ),
    _access(
        "/etc/issue",
        "issue-access",
        why="Whoever can write it can put a false login prompt, or an insult, on the console.",
    ),
    _access(
        "/etc/issue.net",
        "issue-net-access",
        why="The notice has legal weight only while nobody but the site decides what it says.",
    ),
]
