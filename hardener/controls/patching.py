"""Patching: security updates install themselves, and what waits for a person is known."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from pydantic import JsonValue

from hardener.catalogue import expectations as accept
from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, Host, Parameter, Violation
from hardener.catalogue.expectations import Expectation
from hardener.catalogue.kinds import HOST_KERNEL, review, running_service
from hardener.model import Severity

ORIGINS = ("Unattended-Upgrade::Origins-Pattern::", "Unattended-Upgrade::Allowed-Origins::")
PERIODIC = ("APT::Periodic::Update-Package-Lists", "APT::Periodic::Unattended-Upgrade")
REBOOT = "Unattended-Upgrade::Automatic-Reboot"
SETTINGS_FILE = "/etc/apt/apt.conf.d/zzz-violation"
"""A file that apt reads after every other, for the proof."""


def apt_settings(listing: str) -> Mapping[str, Sequence[str]]:
    """Name → its values, from ``apt-config dump``; a list's name ends with ``::`` and may have many."""
    settings: dict[str, list[str]] = {}
    for line in listing.splitlines():
        if match := re.fullmatch(r'(\S+) "(.*)";', line):
            settings.setdefault(match[1], []).append(match[2])
    return settings


_read_settings = lru_cache(maxsize=8)(apt_settings)


def _settings(host: Host) -> Mapping[str, Sequence[str]]:
    return _read_settings(seen.ask(host, "apt-config dump"))


def _periodic(host: Host) -> JsonValue:
    """How often, in days, apt fetches its lists and installs updates; 0 is never, whoever it is that never does."""
    settings = _settings(host)
    installed = "unattended-upgrades" in seen.installed_packages(host)
    days = {name: seen.number_or_text(settings.get(name, ["0"])[-1]) for name in PERIODIC}
    return {**days, "unattended-upgrades": "present" if installed else "absent"}


def _regularly(values: Sequence[Any]) -> Expectation:
    wanted = dict(zip(PERIODIC, map(_days, values), strict=True))
    return accept.fields({**wanted, "unattended-upgrades": accept.equals("present")})


def _days(most: object) -> Expectation:
    return accept.between(1, most)


def _weekly(_: object) -> Expectation:
    return accept.between(1, 7)


def _origins(host: Host) -> JsonValue:
    """From where packages are upgraded without a person: patterns of origins, and origins with their suites."""
    settings = _settings(host)
    return [value for name in ORIGINS for value in settings.get(name, ()) if value]


def security_only(_: object = None) -> Expectation:
    """At least one archive, and only archives of security updates."""

    def complaints(observed: Sequence[str]) -> Sequence[str]:
        if not observed:
            return ("names no archive",)
        return tuple(f"also takes {name}" for name in observed if "security" not in name.lower())

    return Expectation("only archives of security updates", complaints)


def _automatic_reboot(host: Host) -> JsonValue:
    return _settings(host).get(REBOOT, ["false"])[-1]


def _never(_: object) -> Expectation:
    return accept.one_of("false", "0", "no", "off", "without", "disable")


UPGRADABLE = r"""
installed=$(dpkg-query --show --showformat='${binary:Package}\n') && policy=$(LC_ALL=C apt-cache policy $installed) \
  && printf '%s\n' "$policy" | awk '
    function tell() { if (suites != "") print name, from, to, suites; suites = "" }
    /^[^ ]/ { tell(); name = substr($1, 1, length($1) - 1) }
    $1 == "Installed:" { from = $2 }
    $1 == "Candidate:" { to = $2 }
    /^ (\*\*\*|   ) [^ ]/ { version = $1 == "***" ? $2 : $1 }
    /^         *[0-9]/ && version == to && from != to && from != "(none)" {
      suites = suites (suites == "" ? "" : ",") (NF > 2 ? $3 : "-") }
    END { tell() }'
"""
"""Package, installed version, candidate and its suites, for what would be replaced by an upgrade.

Asked of apt-cache, for ``apt list --upgradable`` takes five times as long for the same.
"""


def upgradable(listing: str) -> Mapping[str, Mapping[str, str]]:
    """Package → ``from``, ``to`` and ``suites``, from what ``UPGRADABLE`` prints."""
    rows = [words for line in listing.splitlines() if len(words := line.split()) == 4]
    return {name: {"from": before, "to": after, "suites": suites} for name, before, after, suites in rows}


LISTS_AND_HOLDS = (
    "find /var/lib/apt/lists -maxdepth 1 -name '*Release' -printf 'list %TY-%Tm-%Td\\n' | sort; "
    "apt-mark showhold | sed 's/^/hold /'"
)


def _pending(host: Host) -> JsonValue:
    """What could be upgraded, as far as the package lists on the host know; nothing is fetched."""
    packages = upgradable(seen.ask(host, UPGRADABLE))
    security = {
        name: f"{item['from']} → {item['to']}" for name, item in packages.items() if "security" in item["suites"]
    }
    other = {name: f"{item['from']} → {item['to']}" for name, item in packages.items() if name not in security}
    rows = [line.split() for line in seen.ask(host, LISTS_AND_HOLDS).splitlines()]
    return {
        "security updates": {**security},
        "other updates": {**other},
        "on hold": [row[1] for row in rows if row[0] == "hold"],
        "package lists of": next((row[1] for row in rows if row[0] == "list"), "never fetched"),
    }


def _reboot(host: Host) -> JsonValue:
    """What asks for a reboot, and the kernels: the one that runs, and the newest that is installed."""
    asked = seen.ask(
        host,
        "[ ! -e /run/reboot-required ] || { echo yes; cat /run/reboot-required.pkgs 2>/dev/null || true; }",
    ).split()
    newest = seen.ask(host, "find /boot -maxdepth 1 -name 'vmlinuz-*' -printf '%f\\n' | sort -V | tail -n 1").strip()
    return {
        "asked for": bool(asked),
        "by": [*sorted(set(asked[1:]))],
        "running kernel": seen.ask(host, "uname -r").strip(),
        "newest kernel installed": newest.removeprefix("vmlinuz-") or None,
    }


def _setting(*lines: str) -> Violation:
    """Settings that win over those of every other file; the role sets its own in a file that is read even later."""
    text = "".join(f"{line}\\n" for line in lines)
    return Violation([f"printf '{text}' > {SETTINGS_FILE}", f"rm --force {OWN_FILES}"])


OWN_FILES = "/etc/apt/apt.conf.d/zzzz-hardener*"

CONTROLS = [
    review(
        "pending-updates",
        _pending,
        title="Pending updates are known, and installed in time",
        why="An attacker reads the same announcements; each update that waits is a published way in. Kubernetes nodes "
        "hold kubelet and containerd, and upgrade them node by node.",
        severity=Severity.HIGH,
    ),
    Control(
        subject="unattended-upgrades",
        observe=_periodic,
        expect=_regularly,
        parameters=[Parameter("apt", (name,), _weekly) for name in PERIODIC],
        remedy="Sets how often in a file that apt reads last.",
        violation=_setting(*(f'{name} "0";' for name in PERIODIC)),
        title="Security updates install themselves",
        why="Between an announcement and its abuse lie hours; a person reads the announcement next week.",
        severity=Severity.HIGH,
    ),
    Control(
        subject="security-updates-only",
        observe=_origins,
        expect=lambda values: security_only(values[0]),
        parameters=[Parameter("origins", ("patterns",), security_only)],
        remedy="Names the archives of security updates, and no others, in a file that apt reads last.",
        violation=_setting('Unattended-Upgrade::Origins-Pattern { "origin=Debian,label=Debian"; };'),
        title="Only security updates install themselves",
        why="They are small and made to change nothing else; a whole point release wants somebody who watches.",
        severity=Severity.MEDIUM,
    ),
    Control(
        subject="automatic-reboot",
        observe=_automatic_reboot,
        expect=lambda values: _never(values[0]),
        parameters=[Parameter("apt", (REBOOT,), _never)],
        remedy="Forbids it in a file that apt reads last.",
        violation=_setting(f'{REBOOT} "true";'),
        title="No update restarts the host by itself",
        why="A host that disappears at a time nobody chose takes its service with it; on a cluster, many do at once.",
        severity=Severity.MEDIUM,
    ),
    running_service(
        "lists-timer",
        "apt-daily.timer",
        title="The package lists are fetched every day",
        why="Without fresh lists no update is ever found.",
        severity=Severity.MEDIUM,
    ),
    running_service(
        "upgrade-timer",
        "apt-daily-upgrade.timer",
        title="Updates are installed every day",
        why="It is this timer that starts what installs them; its settings alone do nothing.",
        severity=Severity.MEDIUM,
    ),
    review(
        "reboot",
        _reboot,
        unless=HOST_KERNEL,
        title="No reboot is pending",
        why="A kernel or library that was replaced on disk keeps running, with its holes, until the host restarts.",
        severity=Severity.MEDIUM,
    ),
]
