"""The kind about what the kernel is told when it starts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Unpack

from pydantic import JsonValue

from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, Declared, Host, Parameter, Violation, command
from hardener.catalogue.expectations import AFTER_REBOOT, NOW, equals, now_and_after_reboot
from hardener.catalogue.kinds.shared import HOST_KERNEL, Judge, subject_of, with_reasons
from hardener.model import Disruption

GRUB_MENU = "/boot/grub/grub.cfg"
KERNEL_LINES = (
    f"for file in {GRUB_MENU} /boot/loader/entries/*.conf /efi/loader/entries/*.conf /boot/efi/loader/entries/*.conf; "
    'do [ ! -f "$file" ] || sed --silent --regexp-extended '
    r"-e 's/^\s*linux(16|efi)?\s+\S*vmlinu\S*//p' -e 's/^options\s/ /p' "
    '"$file" || exit; done'
)
"""The arguments of every kernel that a menu of GRUB, or an entry by the Boot Loader Specification, starts."""


def kernel_argument(name: str, *, judge: Judge = equals, **declared: Unpack[Declared]) -> Control:
    """An argument of the kernel, of the one that runs and of every one that the boot menu offers.

    Values: ``<role>_kernel_arguments`` by name.
    """

    def observe(host: Host) -> JsonValue:
        entries = [argument_of(line, name) for line in seen.ask(host, KERNEL_LINES).splitlines()]
        distinct = list(dict.fromkeys(entries))
        return {
            NOW: argument_of(seen.ask(host, "cat /proc/cmdline"), name),
            AFTER_REBOOT: distinct[0] if len(distinct) == 1 else [*distinct] or "in no boot entry, for there is none",
        }

    return Control(
        subject=f"argument-{subject_of(name).replace('_', '-')}",
        observe=observe,
        expect=lambda values: now_and_after_reboot(judge(values[0])),
        parameters=[Parameter("kernel_arguments", (name,), judge)],
        remedy="Adds it to GRUB's kernel arguments and makes the menu anew; it counts from the next start on.",
        violation=Violation(_without(name)),
        **with_reasons(Declared(**{"disruption": Disruption.REBOOT, "needs_root": True, **declared}), HOST_KERNEL),
    )


def argument_of(line: str, name: str) -> int | str | None:
    """The value of an argument in a kernel's command line; the last one, as the kernel sees it; ``None`` without."""
    values = [word.partition("=")[2] for word in line.split() if word.partition("=")[0] == name]
    return seen.number_or_text(values[-1]) if values else None


def _without(name: str) -> Sequence[str]:
    """Commands that take an argument from our settings and from every entry of the menu."""
    return [
        command("sed --in-place %s /etc/default/grub.d/zz-hardener.cfg", f"/ {re.escape(name)}=/d"),
        command("sed --in-place --regexp-extended %s %s", f"s/ {re.escape(name)}=[^ ]*//g", GRUB_MENU),
    ]
