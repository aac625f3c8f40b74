"""AppArmor: its profiles are loaded and at work, and no program escapes the one it has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from pydantic import JsonValue

from hardener.catalogue import hazards
from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, Host, Parameter, Violation
from hardener.catalogue.expectations import (
    AFTER_REBOOT,
    NOW,
    Expectation,
    at_least,
    equals,
    every,
    fields,
    nothing,
    one_of,
)
from hardener.catalogue.kinds import HOST_KERNEL
from hardener.model import Disruption, Severity, Trait
from hardener.untrusted import json_of

SERVICE = "apparmor.service"
STATUS = 'told=$(aa-status --json); status=$?; printf \'%s\\n\' "$told" | sed \'s/": "/" is "/g\'; exit "$status"'
"""Its JSON with ``is`` for the colons before texts. What is named like a secret has its value masked, and profiles are
named after programs: 1password, unix-chkpwd."""
NOT_ENABLED, NO_PROFILES = 1, 2
"""What aa-status exits with where the kernel does without AppArmor, and where nothing is loaded."""
CONFINED = ("enforce", "kill")
LEARNING = "complain"

UNCONFINED = (
    "[ ! -d /etc/apparmor.d ] || find /etc/apparmor.d -maxdepth 1 -type f -exec "
    r"""awk '/^[^#]*flags *= *\([^)]*unconfined[^)]*\)/ { print FILENAME ":" $0 }' {} +"""
)
"""The profiles whose own text lets the program do everything: they only give it a name, which other rules use."""
SHIPPED_DIGESTS = "dpkg-query --show --showformat='${Conffiles}\\n' | sed --silent 's|^ /etc/apparmor.d/|&|p'"
"""Every profile a package brought, with the digest it had then."""
DIGESTS = "[ ! -d /etc/apparmor.d ] || find /etc/apparmor.d -maxdepth 1 -type f -exec md5sum {} +"

LAB = "/etc/apparmor.d/hardener-lab"
"""A profile of the proof's own, for a program nobody else uses."""


def status_of(text: str) -> tuple[Mapping[str, str], Mapping[str, Mapping[str, str]]]:
    """Of what ``STATUS`` says: profile → its mode, and program → (profile → the state of processes it is for)."""
    answer = json_of(text.replace('" is "', '": "')) if text.strip() else {}
    processes: dict[str, dict[str, str]] = {}
    for program, items in answer.get("processes", {}).items():
        for item in items:
            processes.setdefault(program, {})[item["profile"]] = item["status"]
    return answer.get("profiles", {}), processes


def _status(host: Host) -> tuple[Mapping[str, str], Mapping[str, Mapping[str, str]]]:
    """What the kernel confines; nothing where AppArmor, its tools or its profiles are not there."""
    result = host.run(STATUS)
    if result.rc in {NOT_ENABLED, NO_PROFILES, seen.COMMAND_NOT_FOUND}:
        return {}, {}
    return status_of(seen.ask(host, STATUS))


def profile_begun_by(line: str) -> str:
    """The name of the profile a line begins; empty where it has none."""
    match = re.match(r"""\s*(?:profile\s+)?("[^"]+"|[^\s"]+)""", line)
    return match[1].strip('"') if match else ""


def _unconfined_by_design(host: Host) -> frozenset[str]:
    """Profiles that confine nothing because their package made them so, in files nobody has changed since."""
    shipped = {tuple(line.split()[:2]) for line in seen.ask(host, SHIPPED_DIGESTS).splitlines()}
    present = {tuple(reversed(line.split(None, 1))) for line in seen.ask(host, DIGESTS).splitlines()}
    unchanged = {path for path, _ in shipped & present}
    lines = [line.split(":", 1) for line in seen.ask(host, UNCONFINED).splitlines()]
    return frozenset(profile_begun_by(text) for path, text in lines if path in unchanged)


def _loaded(host: Host) -> JsonValue:
    """How many profiles the kernel has, and whether the next start loads them."""
    profiles, _ = _status(host)
    return {NOW: len(profiles), AFTER_REBOOT: seen.unit_file_states(host, SERVICE).get(SERVICE, "absent")}


def _modes(host: Host) -> JsonValue:
    """Every profile that does not confine, and every program that escapes the profile it has."""
    profiles, processes = _status(host)
    designed = _unconfined_by_design(host) if "unconfined" in profiles.values() else frozenset()
    return {
        "profiles": len(profiles),
        "not enforced": {name: mode for name, mode in sorted(profiles.items()) if _counts(name, mode, designed)},
        "unconfined as shipped": sum(mode == "unconfined" and name in designed for name, mode in profiles.items()),
        "programs without their profile": [*sorted(_escaped(processes, designed))],
    }


def _counts(name: str, mode: str, designed: Iterable[str]) -> bool:
    return mode not in CONFINED and not (mode == "unconfined" and name in designed)


def _escaped(processes: Mapping[str, Mapping[str, str]], designed: Iterable[str]) -> set[str]:
    return {
        program
        for program, states in processes.items()
        for profile, state in states.items()
        if state == "unconfined" and profile not in designed
    }


def _confining(modes: Expectation) -> Expectation:
    wanted = fields(
        {
            "profiles": at_least(1),
            "not enforced": every(modes, modes.words),
            "programs without their profile": nothing(),
        }
    )
    return Expectation(
        f"profiles are loaded, {modes.words}, and no program runs without its profile", wanted.complaints
    )


STUBS = "the profiles of container engines and sandboxes are stubs that must not be enforced"

CONTROLS = [
    Control(
        subject="loaded",
        title="AppArmor's profiles are loaded, and again at every start",
        why="Without them every program may do whatever its user may, the web server's as well as its intruder.",
        severity=Severity.MEDIUM,
        observe=_loaded,
        expect=lambda _: fields({NOW: at_least(1), AFTER_REBOOT: equals("enabled")}),
        parameters=[
            Parameter("units", (SERVICE,), equals),
            Parameter("others", ("selinux",), hazards.kept_or_replaced),
        ],
        remedy="Enables and starts the service that loads the profiles. Where the kernel was started without AppArmor "
        "it takes the boot loader's arguments, and a restart.",
        needs_root=True,
        unless=HOST_KERNEL,
        hazards=[hazards.selinux_in_charge],
        violation=Violation([f"systemctl --quiet disable {SERVICE}"]),
    ),
    Control(
        subject="confined",
        title="Every AppArmor profile confines, or at least observes, and no program runs without its own",
        why="A profile that is loaded and switched off looks like protection in every list, and is none.",
        severity=Severity.MEDIUM,
        observe=_modes,
        expect=lambda _: _confining(one_of(LEARNING, *CONFINED)),
        remedy="None: a program gets its profile when it starts, and people know when it may be restarted. Profiles "
        "that a package ships unconfined, as names for other rules, count as they are: enforced, they deny everything.",
        is_remediable=False,
        needs_root=True,
        unless=HOST_KERNEL,
        violation=Violation(
            [
                "cp /bin/sleep /usr/local/bin/hardener-lab",
                "setsid /usr/local/bin/hardener-lab 3600 >/dev/null 2>&1 & sleep 1",
                f"printf 'profile /usr/local/bin/hardener-lab {{\\n  /** rm,\\n}}\\n' > {LAB}",
                f"apparmor_parser --replace {LAB}",
            ],
            undo=[
                f"apparmor_parser --remove {LAB}",
                f"rm {LAB}",
                "pkill -x hardener-lab",
                "rm /usr/local/bin/hardener-lab",
            ],
        ),
    ),
    Control(
        subject="enforced",
        title="Every AppArmor profile is enforced",
        why="A profile that only complains writes down the intrusion that it was made to prevent.",
        severity=Severity.MEDIUM,
        observe=_modes,
        expect=lambda _: _confining(one_of(*CONFINED)),
        parameters=[Parameter("modes", (LEARNING,), equals)],
        remedy="Takes the flag `complain` from the profiles that have it, and loads those again. Profiles that a "
        "package ships unconfined are never touched: enforced, they deny everything.",
        disruption=Disruption.RESTART,
        needs_root=True,
        unless={
            **HOST_KERNEL,
            Trait.KUBERNETES_WORKER: STUBS,
            Trait.KUBERNETES_CONTROL_PLANE: STUBS,
            Trait.CONTAINER_HOST: STUBS,
        },
        hazards=[hazards.selinux_in_charge],
        violation=Violation(
            [
                f"printf 'profile hardener-lab-learns flags=(complain) {{\\n  /** rm,\\n}}\\n' > {LAB}-learns",
                f"apparmor_parser --replace {LAB}-learns",
            ]
        ),
    ),
]
