"""Desktop: GNOME's login screen tells strangers little, idle sessions lock, and media do nothing by themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from pydantic import JsonValue

from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, Declared, Host, NotApplicable, Parameter, Violation, command
from hardener.catalogue.expectations import Expectation, between, equals, every, fields, satisfying
from hardener.catalogue.kinds import Judge, absent_packages
from hardener.controls.banners import details
from hardener.model import Disruption, Severity, Trait

SYSTEM_ONLY = "env XDG_RUNTIME_DIR=/dev/null XDG_CONFIG_HOME=/dev/null DCONF_PROFILE=%s dconf "
"""Without a place for a user's own database, dconf tells the system's settings and writes nothing."""
LOGIN, SESSION = "gdm", "user"
"""The profiles of the login screen and of people's sessions."""
VARIABLES = {LOGIN: "login_screen", SESSION: "session"}
MEDIA = "/org/gnome/desktop/media-handling"
IDLE, LOCK = "/org/gnome/desktop/session/idle-delay", "/org/gnome/desktop/screensaver/lock-delay"
CONFIGURATION = (
    'for file in /etc/gdm3/daemon.conf /etc/gdm3/custom.conf; do [ ! -f "$file" ] || '
    '{ echo "$file"; sed "s/^/ /" "$file"; } || exit; done'
)


def _ask_dconf(host: Host, profile: str, words: str) -> str:
    """What dconf answers; nothing without dconf, for then nobody has set anything by it."""
    question = SYSTEM_ONLY + words
    if host.run(question, profile).rc == seen.COMMAND_NOT_FOUND:
        return ""
    return seen.ask(host, question, profile)


def settings_of(dump: str) -> Mapping[str, JsonValue]:
    """Path of a key → its value, from ``dconf dump /``."""
    settings: dict[str, JsonValue] = {}
    directory = ""
    for line in dump.splitlines():
        if match := re.fullmatch(r"\[(.*)\]", line):
            directory = match[1].strip("/")
        elif match := re.fullmatch(r"([^=#\s]+)=(.*)", line):
            settings[f"/{directory}/{match[1]}"] = value_of(match[2])
    return settings


def value_of(variant: str) -> JsonValue:
    """A GVariant text as a value: booleans, numbers with or without their type, strings in their quotes."""
    if variant in {"true", "false"}:
        return variant == "true"
    if match := re.fullmatch(r"(?:u?int\d+ )?(-?\d{1,18})", variant):
        return int(match[1])
    if match := re.fullmatch(r"(['\"])(.*)\1", variant):
        return re.sub(r"\\(.)", lambda escape: "\n" if escape[1] == "n" else escape[1], match[2])
    return variant


def _require_gdm(host: Host) -> None:
    if "gdm3" not in seen.installed_packages(host):
        raise NotApplicable("the GNOME display manager is not installed")


def _text(wanted: object) -> Expectation:
    return satisfying("the site's text", lambda text: str(text or "").split() == str(wanted).split())


def _neutral(_: object) -> Expectation:
    return satisfying("a text that names no system", lambda text: bool(str(text).strip()) and not details(str(text)))


BANNER = "/org/gnome/login-screen/banner-message-text"
CHOICES: Mapping[str, Judge] = {BANNER: _neutral}
"""What a site may choose, where that is not what a host may have."""


def _settings(subject: str, profile: str, judges: Mapping[str, Judge], **declared: Unpack[Declared]) -> Control:
    """What the system's database gives to everybody who has not chosen otherwise."""

    def observe(host: Host) -> JsonValue:
        _require_gdm(host)
        settings = settings_of(_ask_dconf(host, profile, "dump /"))
        return {key: settings.get(key) for key in judges}

    def expect(values: Sequence[Any]) -> Expectation:
        return fields({key: judge(value) for (key, judge), value in zip(judges.items(), values, strict=True)})

    names = r"\|".join(key.rpartition("/")[2] for key in judges)
    return Control(
        subject=subject,
        observe=observe,
        expect=expect,
        parameters=[Parameter(VARIABLES[profile], (key,), CHOICES.get(key, judge)) for key, judge in judges.items()],
        remedy="Sets it in a key file that dconf reads last, compiles the database, and lets the profile read it.",
        violation=Violation(
            [command("sed --in-place %s /etc/dconf/db/*.d/zz-hardener", f"/{names}/d"), "dconf update"]
        ),
        **declared,
    )


def _locks(subject: str, keys: Sequence[str], **declared: Unpack[Declared]) -> Control:
    """Settings that users cannot change."""

    def observe(host: Host) -> JsonValue:
        _require_gdm(host)
        locks = _ask_dconf(host, SESSION, "list-locks /").splitlines()
        return {key: "locked" if key in locks else "open" for key in keys}

    names = r"\|".join(key.rpartition("/")[2] for key in keys)
    return Control(
        subject=subject,
        observe=observe,
        expect=lambda values: fields(dict(zip(keys, map(equals, values), strict=True))),
        parameters=[Parameter("locks", (key,), equals) for key in keys],
        remedy="Locks the keys in the system's database, and compiles it.",
        violation=Violation(
            [command("sed --in-place %s /etc/dconf/db/local.d/locks/zz-hardener", f"/{names}/d"), "dconf update"]
        ),
        **declared,
    )


def _remote_logins(host: Host) -> JsonValue:
    """File → whether it lets GDM offer logins by XDMCP."""
    _require_gdm(host)
    offers: dict[str, JsonValue] = {}
    file = section = ""
    for line in seen.ask(host, CONFIGURATION).splitlines():
        if line.startswith("/"):
            file, section = line, ""
            offers[file] = False
        elif match := re.fullmatch(r"\s*\[(.+)\]\s*", line):
            section = match[1]
        elif section == "xdmcp" and (match := re.fullmatch(r"\s*Enable\s*=\s*(\S+)\s*", line)):
            offers[file] = match[1].lower() in {"true", "1", "yes"}
    return offers


CONTROLS = [
    absent_packages(
        "gdm",
        "gdm3",
        title="No graphical login is installed",
        why="A display manager brings a whole desktop with it, which a server that nobody sits at only has to patch.",
        severity=Severity.MEDIUM,
        disruption=Disruption.RESTART,
        unless={Trait.GUI: "people work at this host's screen"},
    ),
    _settings(
        "banner",
        LOGIN,
        {
            "/org/gnome/login-screen/banner-message-enable": equals,
            BANNER: _text,
        },
        title="The graphical login shows the site's notice",
        why="People at the screen are owed the same warning as those who come over the network.",
        severity=Severity.LOW,
    ),
    _settings(
        "user-list",
        LOGIN,
        {"/org/gnome/login-screen/disable-user-list": equals},
        title="The graphical login does not list users",
        why="A list of names is half of what is needed to get in, for everybody who walks past.",
        severity=Severity.LOW,
    ),
    _settings(
        "idle-lock",
        SESSION,
        {IDLE: lambda limit: between(1, limit), LOCK: lambda limit: between(0, limit)},
        title="Idle graphical sessions lock themselves",
        why="An unattended screen acts in its user's name for whoever sits down.",
        severity=Severity.MEDIUM,
    ),
    _locks(
        "idle-lock-fixed",
        [IDLE, LOCK],
        title="Users cannot switch off the lock of idle sessions",
        why="The lock disturbs those most who leave their screen most often.",
        severity=Severity.MEDIUM,
    ),
    _settings(
        "automount",
        SESSION,
        {f"{MEDIA}/automount": equals, f"{MEDIA}/automount-open": equals},
        title="GNOME mounts no media by itself",
        why="A stick that is mounted unasked hands a file system made by a stranger to the kernel.",
        severity=Severity.MEDIUM,
    ),
    _locks(
        "automount-fixed",
        [f"{MEDIA}/automount", f"{MEDIA}/automount-open"],
        title="Users cannot let GNOME mount media by itself",
        why="Whoever wants somebody's stick to be read only has to talk its victim into one setting.",
        severity=Severity.MEDIUM,
    ),
    _settings(
        "autorun",
        SESSION,
        {f"{MEDIA}/autorun-never": equals},
        title="GNOME never runs programs from media",
        why="A found stick is the oldest way to have a stranger start one's program.",
        severity=Severity.MEDIUM,
    ),
    _locks(
        "autorun-fixed",
        [f"{MEDIA}/autorun-never"],
        title="Users cannot let GNOME run programs from media",
        why="One careless answer to one question would otherwise hold for every stick to come.",
        severity=Severity.MEDIUM,
    ),
    Control(
        subject="xdmcp",
        title="GDM offers no logins over the network",
        why="XDMCP carries the whole screen and every password readable to everybody on the way.",
        observe=_remote_logins,
        expect=lambda _: every(equals(False), "no file lets GDM offer XDMCP"),
        parameters=[Parameter("xdmcp", ("Enable",), equals)],
        remedy="Switches XDMCP off in GDM's configuration, which GDM reads when it starts; no session is ended for it.",
        violation=Violation(
            [
                "mkdir --parents /etc/gdm3 && touch /etc/gdm3/daemon.conf",
                r"sed --in-place '/^\[xdmcp\]/,/^\[/ { /^Enable/d }; /^\[xdmcp\]/d' /etc/gdm3/daemon.conf",
                r"printf '[xdmcp]\nEnable=true\n' >> /etc/gdm3/daemon.conf",
            ]
        ),
        severity=Severity.HIGH,
    ),
]
