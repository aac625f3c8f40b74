"""Audit rules: what a host records now and after a reboot, and whether that covers what it shall record.

A rule is read as the set of all cases it is about, each a set of conditions: processor, system call, path, way of
access, and what else its fields say. A rule covers a case if it asks for nothing the case does not have. So neither
spelling nor order matters, one rule may stand for many, and a wider rule covers a narrower one.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from hardener.catalogue import observations as seen
from hardener.catalogue.control import Host
from hardener.untrusted import number

LOCKED = 2
"""What the kernel calls rules that cannot be changed before the next boot."""
ARCHES = {"x86_64": "b64", "aarch64": "b64", "c000003e": "b64", "c00000b7": "b64"} | {
    "i386": "b32",
    "i686": "b32",
    "arm": "b32",
    "40000003": "b32",
    "40000028": "b32",
}
"""Other names of the two kinds of programs a processor runs."""
ACCOUNTS = {"uid", "euid", "suid", "fsuid", "auid", "loginuid", "obj_uid"}

_QUESTION = r"""set -e
echo '=== status'; auditctl -s
echo '=== loaded'; auditctl -l
echo '=== files'
if cd /etc/audit/rules.d 2>/dev/null; then ls -1v | sed -n '/\.rules$/p' | xargs -r -d '\n' cat --; echo; fi
for arch in b64 b32; do echo "=== $arch"; names=$(ausyscall $arch --dump); echo "$names" | sed 1d | cut -f 2; done
"""

Case = frozenset[str]


@dataclass(frozen=True)
class Rule:
    """One rule: whether it records or keeps silent, and about what."""

    records: bool
    is_prepended: bool
    cases: frozenset[Case]
    names: frozenset[str]
    """Its system calls and its path: what it is about, if not about everything."""
    keys: frozenset[str]
    """What its records can be found by."""

    def is_about(self, case: Case) -> bool:
        """Whether the rule speaks up in this case."""
        return any(own <= case for own in self.cases)


@dataclass(frozen=True)
class AuditState:
    """What a host says of its rules."""

    enabled: int
    loaded: Sequence[str]
    on_disk: Sequence[str]
    """The rules of all files, joined as augenrules joins them, whether or not their last lines end."""
    enabled_at_boot: str
    """The last ``-e`` of all files, which is the one that counts."""
    syscalls: Mapping[str, frozenset[str]]
    """``b64`` and ``b32`` → the system calls this machine knows."""


def audit_state(host: Host) -> AuditState:
    """The running rules, those on disk and the system calls of this machine, in one question."""
    return _state(seen.ask(host, _QUESTION))


@lru_cache(maxsize=64)
def _state(answer: str) -> AuditState:
    parts = {part.partition("\n")[0]: part.splitlines()[1:] for part in answer.split("=== ")[1:]}
    status = dict(line.split(None, 1) for line in parts["status"] if " " in line)
    lines = [" ".join(line.split()) for line in parts["files"]]
    switches = [line.partition(" ")[2] for line in lines if re.match(r"-e\b", line)]
    return AuditState(
        enabled=number(status["enabled"]),
        loaded=[line for line in parts["loaded"] if line.startswith("-")],
        on_disk=[line for line in lines if read_rule(line)],
        enabled_at_boot=switches[-1] if switches else "unset",
        syscalls={arch: frozenset(parts[arch]) for arch in ("b64", "b32")},
    )


@lru_cache(maxsize=4096)
def read_rule(line: str) -> Rule | None:
    """A line of a rule file or of ``auditctl -l``; ``None`` where it is no rule about what programs do."""
    parts = [part.split(None, 1) for part in re.split(r" (?=-\w )", " ".join(line.split()))]
    if not all(len(part) == 2 and re.fullmatch("-[aAwpkFCS]", part[0]) for part in parts):
        return None
    options = [(option, value.replace("\\ ", " ")) for option, value in parts]
    kind = _kind(options)
    if kind is None:
        return None
    fields = [_field(option, value) for option, value in options]
    syscalls = {name for option, value in options if option == "-S" for name in value.split(",")} - {"all"}
    conditions = frozenset(text for name, text in fields if name == "condition")
    choices = [
        {text for name, text in fields if name == "arch"} or ({""} if kind == "task" else {"arch=b64", "arch=b32"}),
        {f"syscall={name}" for name in syscalls} or {""},
        {f"perm={letter}" for name, text in fields if name == "perm" for letter in text} or {""},
    ]
    return Rule(
        records=not any("never" in value.split(",") for option, value in options if option in {"-a", "-A"}),
        is_prepended=options[0][0] == "-A",
        cases=frozenset(conditions | (set(choice) - {""}) for choice in product(*choices)),
        names=frozenset(syscalls | {text[5:] for text in conditions if text.startswith("path=")}),
        keys=frozenset(text for name, text in fields if name == "key"),
    )


def _kind(options: Sequence[tuple[str, str]]) -> str | None:
    """``exit`` for rules about what programs do, ``task`` for a rule that silences whole processes, else ``None``."""
    head, value = options[0]
    if head == "-w":
        return "exit"
    words = set(value.split(","))
    if head not in {"-a", "-A"} or len(words) != 2:
        return None
    kind = (words - {"always", "never"}).pop() if len(words - {"always", "never"}) == 1 else ""
    return kind if kind == "exit" or (kind == "task" and "never" in words) else None


def _field(option: str, value: str) -> tuple[str, str]:
    """What an option says: ``(condition, text)``, ``(arch, text)``, ``(perm, letters)``, ``(key, text)`` or nothing."""
    if option == "-k":
        return "key", value
    if option == "-p":
        return "perm", value
    if option == "-w":
        return "condition", f"path={value.rstrip('/') or '/'}"
    match = re.fullmatch(r"(\w+)(!=|>=|<=|&=|=|>|<|&)(.+)", value)
    if option not in {"-F", "-C"} or match is None:
        return "nothing", ""
    name, sign, operand = match.groups()
    if option == "-C":
        return "condition", sign.join(sorted((name, operand)))
    return _comparison(name, sign, operand)


def _comparison(name: str, sign: str, operand: str) -> tuple[str, str]:
    """A ``-F`` field in one spelling of several."""
    if name in {"perm", "key"}:
        return name, operand.strip('"')
    if name == "arch":
        return "arch", f"arch={ARCHES.get(operand, operand)}"
    if name in {"path", "dir"}:
        return "condition", f"path{sign}{operand.rstrip('/') or '/'}"
    if name in ACCOUNTS:
        operand = {"unset": "-1", "4294967295": "-1", "root": "0"}.get(operand, operand)
    if name == "exit" and re.fullmatch(r"-\d{1,9}", operand):
        operand = f"-{errno.errorcode.get(-int(operand), operand[1:])}"
    if re.fullmatch(r"0x[0-9a-fA-F]{1,16}", operand):
        operand = str(int(operand, 16))
    return "condition", f"{name}{sign}{operand}"


def not_covered(wanted: Iterable[str], lines: Iterable[str], unknown: Iterable[str] = ()) -> list[str]:
    """The wanted rules of which some case is not recorded by the rules in ``lines``.

    Of several rules about a case the first decides. ``unknown``: system calls this machine does not have, as
    ``b64 chmod``; a rule file cannot name them there. A rule without a key counts for nothing: nobody would find what
    it records. A wanted line that is no rule is covered by none: somebody has given a program an odd name.
    """
    rules = [rule for line in lines if (rule := read_rule(line)) and (rule.keys or not rule.records)]
    first = [rule for rule in rules if rule.is_prepended]
    in_order = [*reversed(first), *(rule for rule in rules if not rule.is_prepended)]
    absent = [{f"arch={arch}", f"syscall={name}"} for arch, name in map(str.split, unknown)]

    def is_recorded(case: Case) -> bool:
        if any(pair <= case for pair in absent):
            return True
        return next((rule.records for rule in in_order if rule.is_about(case)), False)

    rules_wanted = {line: read_rule(line) for line in wanted}
    return [line for line, rule in rules_wanted.items() if rule is None or not all(map(is_recorded, rule.cases))]


def required_rule(line: str) -> Rule:
    """A rule somebody asks for; ``ValueError`` where the line is none, or has no key."""
    rule = read_rule(line)
    if rule is None or not rule.records or not rule.keys:
        raise ValueError(f"not an audit rule with a key: {line}")
    return rule
