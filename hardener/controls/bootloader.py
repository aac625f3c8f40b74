"""Boot loader: nobody at the console changes how the kernel starts, and it starts with the security it needs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from hardener.catalogue import hazards
from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, Host, NotApplicable, Parameter, Violation, command
from hardener.catalogue.expectations import Expectation, at_least, satisfying
from hardener.catalogue.kinds import HOST_KERNEL, file_modes, kernel_argument
from hardener.catalogue.kinds.bootloader import GRUB_MENU
from hardener.model import Disruption, Severity

HASH = re.compile(r"grub\.pbkdf2\.sha512\.(\d{5,})\.[0-9A-Fa-f]{32,}\.[0-9A-Fa-f]{32,}")
"""What grub-mkpasswd-pbkdf2 makes: at least 10,000 rounds, a salt, a digest."""

LOADERS = (
    f"for path in {GRUB_MENU} /boot/loader/entries /efi/loader/entries /boot/efi/loader/entries /boot/efi/EFI/Linux; "
    'do [ ! -e "$path" ] || echo "$path"; done'
)
PROTECTION = (
    "awk '"
    r"/^[ \t]*menuentry / { entry = / --unrestricted / ? "
    '"starts" : "asks" } '
    r"/^[ \t]*linux(16|efi)?[ \t]/ { print "
    '"entry", entry } '
    r"/^[ \t]*set superusers=/ { sub(/^[^=]*=/, "
    '""); gsub(/"/, ""); print "superusers", $0 } '
    r"/^[ \t]*password_pbkdf2[ \t]/ { split($3, part, /\./); "
    'print "hashed", $2, part[3], part[4] } '
    r"/^[ \t]*password[ \t]/ { print "
    '"readable", $2 }\' ' + GRUB_MENU
)
"""What GRUB's menu says of passwords. Neither a digest nor its salt leaves the host: only the algorithm does."""


def _require_a_loader(host: Host) -> bool:
    """Whether GRUB has a menu here; ``NotApplicable`` where nothing on this host starts its kernel."""
    found = seen.ask(host, LOADERS).split()
    if not found:
        raise NotApplicable("no boot loader is on this host: whoever starts it tells the kernel how")
    return GRUB_MENU in found


def _superuser(host: Host) -> JsonValue:
    """Who may edit GRUB's entries, how the passwords are kept, and how many entries ask before they start."""
    if not _require_a_loader(host):
        return {"boot loader": "another than GRUB"}
    rows = [line.split() for line in seen.ask(host, PROTECTION).splitlines()]
    names = [
        name for row in rows if row[0] == "superusers" for name in re.split(r"[\s,;&|]+", " ".join(row[1:])) if name
    ]
    return {
        "superusers": [*names],
        "passwords": {
            row[1]: " ".join(row[2:]) if row[0] == "hashed" else "readable" for row in rows if row[0] in KEPT
        },
        "entries that ask before they start": rows.count(["entry", "asks"]) if names else 0,
    }


KEPT = ("hashed", "readable")


def _protected(values: Sequence[Any]) -> Expectation:
    """Editing asks for a hashed password, and starting asks for none."""
    name, configured = values
    hint = "" if configured else " (set bootloader_superuser.password_pbkdf2 to what grub-mkpasswd-pbkdf2 makes)"

    def complaints(observed: Mapping[str, Any]) -> Sequence[str]:
        if "superusers" not in observed:
            return ("another boot loader than GRUB starts this host: protect it by its own means",)
        if name not in observed["superusers"]:
            return (f"{name} is no superuser of GRUB{hint}",)
        found = []
        kept = observed["passwords"].get(name, "unset")
        if not kept.startswith("sha512 "):
            found.append(f"the password of {name} is {kept}{hint}")
        if asking := observed["entries that ask before they start"]:
            found.append(f"{asking} entries ask for a password before they start, as nobody can answer at night")
        return tuple(found)

    return Expectation(f"{name} is superuser with a PBKDF2 password, and entries start without one", complaints)


def _user_name(_: object) -> Expectation:
    return satisfying("a user name", lambda name: bool(re.fullmatch(r"[A-Za-z_][\w-]*", str(name))))


def _hash(_: object) -> Expectation:
    """The complaint does not repeat the value, which is a secret."""
    words = "empty or what grub-mkpasswd-pbkdf2 makes"
    return Expectation(words, lambda text: () if not text or HASH.fullmatch(str(text)) else ("is neither",))


CONTROLS = [
    Control(
        subject="superuser",
        title="GRUB asks for a password before anybody edits an entry",
        why="Whoever adds a word to the kernel's command line at the console is root without any other password.",
        severity=Severity.MEDIUM,
        observe=_superuser,
        expect=_protected,
        parameters=[
            Parameter("superuser", ("name",), _user_name),
            Parameter("superuser", ("password_pbkdf2",), _hash, is_secret=True),
        ],
        remedy="Gives GRUB the superuser and hash of the parameter, of which there is no default, and lets all entries "
        "start without a password, so that no restart waits for one; then makes the menu anew.",
        needs_root=True,
        disruption=Disruption.LOCKOUT,
        unless=HOST_KERNEL,
        violation=Violation(
            [
                "rm --force /etc/grub.d/01_hardener_password",
                command("sed --in-place %s %s", r"/^\s*set superusers=/d; /^\s*password/d", GRUB_MENU),
            ]
        ),
    ),
    file_modes(
        "menu-access",
        GRUB_MENU,
        title="Only root may read GRUB's menu",
        why="It may hold the hash of the boot password, and says how the kernel's protections are set.",
        severity=Severity.MEDIUM,
        unless=HOST_KERNEL,
        violation=Violation([command("chmod 0644 %s", GRUB_MENU)]),
    ),
    kernel_argument(
        "apparmor",
        severity=Severity.MEDIUM,
        title="The kernel is told to start AppArmor",
        hazards=[hazards.selinux_in_charge],
        why="A kernel built or configured otherwise would leave every program unconfined, and say so nowhere.",
    ),
    kernel_argument(
        "security",
        severity=Severity.MEDIUM,
        title="The kernel is told that AppArmor is its main security module",
        hazards=[hazards.selinux_in_charge],
        why="Only one of the older modules can be in charge: named on the command line, it is the one expected.",
    ),
    kernel_argument(
        "audit",
        severity=Severity.LOW,
        title="Programs are audited from the start of the kernel",
        why="What starts before the audit daemon is otherwise never recorded, whatever it does later.",
    ),
    kernel_argument(
        "audit_backlog_limit",
        severity=Severity.LOW,
        judge=at_least,
        title="The kernel keeps enough audit records until the daemon takes them",
        why="Until the daemon runs, records beyond the limit are lost, and with them what an early intruder did.",
    ),
]
