"""What Ansible tells of each task, read as what it may be: a target's module answers, and may answer anything.

An answer of another shape is the target's problem in words, and nobody else's. That something changed is kept then too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hardener.lossless import escaped, escaped_line, unescaped
from hardener.masking import masked
from hardener.model import Change, ChangeKind
from hardener.untrusted import LINE_LIMIT, one_line, well_formed

TEXT_LIMIT = 20_000
"""Most characters of a change's before and after that are kept."""
NAME_LIMIT = 4 * 4096 + 256
"""Most characters of any other text: a path each of whose bytes may be escaped, or the key of a line."""
MOST_CHANGES = 10_000
MOST_TEXT = 1024 * 1024
"""Most changes of one target, and characters of them all, that are kept."""
MOST_LEFT = 200
"""Sentences about what was left as it is that are kept of one target."""
_UNSURE = 256
"""Characters before a cut that are not kept: half a secret is not known for one."""
_TEXTS = ("subject", "key", "before", "after")


@dataclass
class Outcome:
    """What the playbook did to one target."""

    changes: list[Change] = field(default_factory=list)
    tasks: int = 0
    """Executed tasks, handlers included; skipped ones do not count."""
    left_as_is: list[str] = field(default_factory=list)
    """What our modules warn of: what they could not change safely, and why."""
    problem: str | None = None
    failed_role: str = ""
    """The role whose task failed; empty where that was none, or the target was not reached."""
    size: int = 0
    """Characters of all changes."""

    def keep(self, change: Change) -> None:
        """Add a change; ``ValueError`` where there are too many."""
        if len(self.changes) >= MOST_CHANGES or self.size > MOST_TEXT:
            raise ValueError(f"more than {MOST_CHANGES} changes, or {MOST_TEXT} characters")
        self.size += sum(len(getattr(change, name)) for name in _TEXTS)
        self.changes.append(change)


def record(event: Mapping[str, Any], outcomes: Mapping[str, Outcome], progress: Callable[[str, str], None]) -> bool:
    """Note one event of ansible-runner; returns whether it keeps the event on disk, which nobody needs."""
    kind, data = event.get("event"), _mapping(event.get("event_data"))
    host, task = _text(data.get("host")), one_line(_text(data.get("task")))
    outcome, answer = outcomes.get(host), _mapping(data.get("res"))
    if outcome is None:
        return False
    if kind in ("runner_on_ok", "runner_on_failed"):
        outcome.tasks += 1
        progress(host, task)
        _keep_warnings(outcome, data, answer)
    if kind == "runner_on_ok" and answer.get("changed"):
        _keep_changes(outcome, data, answer)
    if kind in ("runner_on_failed", "runner_on_unreachable") and not data.get("ignore_errors"):
        outcome.problem = one_line(f"{task or 'connect'}: {_message(answer)}")
        outcome.failed_role = _text(data.get("role")) if kind == "runner_on_failed" else ""
    return False


def _keep_warnings(outcome: Outcome, data: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    """Keep what our modules warn of; those of Ansible, whose names have dots, warn of other things."""
    said = answer.get("warnings")
    if not isinstance(said, list) or "." in _text(data.get("resolved_action")):
        return
    for text in said[: MOST_LEFT - len(outcome.left_as_is)]:
        outcome.left_as_is.append(_kept(_text(text), LINE_LIMIT, escaped_line))


def _keep_changes(outcome: Outcome, data: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    """Keep the items of one task: those our modules tell, or what the answer of a module of Ansible's amounts to."""
    told = answer.get("diff") or []
    diffs = [diff for diff in (told if isinstance(told, list) else [told]) if isinstance(diff, Mapping)]
    task = one_line(_text(data.get("task")))
    fixed = {
        "role": well_formed(_text(data.get("role"))),
        "task": well_formed(_text(data.get("task"))),
        "module": well_formed(_text(data.get("resolved_action"))),
    }
    try:
        for item in _own(diffs) if any("kind" in diff for diff in diffs) else _of_ansible(data, answer, diffs):
            outcome.keep(Change(**fixed, **{**item, **{side: _kept(item[side]) for side in ("before", "after")}}))
    except ValueError as error:
        outcome.changes.append(Change(**fixed, subject=task, after="done"))
        outcome.problem = one_line(f"{task}: what it changed cannot be read: {error}")


def _own(rows: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The items that a module of ours tells; ``ValueError`` where one is none."""
    for row in rows:
        if odd := row.keys() - {"kind", "conditional", *_TEXTS}:
            raise ValueError(f"an unknown field: {min(map(str, odd))}")
        item = {name: row.get(name, "") for name in _TEXTS}
        for name, text in item.items():
            if not isinstance(text, str):
                raise ValueError(f"{name} is no text")  # noqa: TRY004  (the target's mistake, not ours)
        if any(len(item[name]) > NAME_LIMIT for name in ("subject", "key")):
            raise ValueError(f"a name of more than {NAME_LIMIT} characters")
        is_conditional = row.get("conditional", False)
        if not isinstance(is_conditional, bool):
            raise ValueError("conditional is neither true nor false")  # noqa: TRY004
        names = {name: well_formed(item[name]) for name in ("subject", "key")}
        yield {**item, **names, "kind": ChangeKind(_text(row.get("kind"))), "conditional": is_conditional}


def _of_ansible(
    data: Mapping[str, Any], answer: Mapping[str, Any], diffs: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """What a module of Ansible's did, in the shape of our own ones; of a hidden answer, that it did something."""
    arguments = _mapping(_mapping(answer.get("invocation")).get("module_args"))
    name, path = (
        next((well_formed(_text(arguments.get(one))[:NAME_LIMIT]) for one in names if arguments.get(one)), "")
        for names in (("name",), ("path", "dest"))
    )
    if data.get("resolved_action") == "ansible.builtin.group" and name:
        return [{"kind": ChangeKind.GROUP, "subject": name, "before": "absent", "after": "present"}]
    pairs = [(diff.get("before"), diff.get("after")) for diff in diffs]
    files = [(old, new) for old, new in pairs if isinstance(old, str) and isinstance(new, str)]
    states = [(_mapping(old).get("state"), _mapping(new).get("state")) for old, new in pairs]
    files += [(old, new) for old, new in states if isinstance(old, str) and isinstance(new, str)]
    if not (path and files):
        subject = path or well_formed(_text(data.get("task")))
        return [{"kind": ChangeKind.ACTION, "subject": subject, "before": "", "after": "done"}]
    return [{"kind": ChangeKind.FILE, "subject": path, "before": old, "after": new} for old, new in files]


def _message(answer: Mapping[str, Any]) -> str:
    """What a module says of its failure, and the last thing a command said before it ended."""
    first = _kept(_text(answer.get("msg")).strip().partition("\n")[0] or "failed", LINE_LIMIT, escaped_line)
    said = [_text(answer.get(key)).rstrip().rpartition("\n")[2].strip() for key in ("stdout", "stderr")]
    last = _kept(next(filter(None, reversed(said)), ""), LINE_LIMIT, escaped_line)
    return f"{first}: {last}" if last and last not in first else first


def _kept(text: str, most: int = TEXT_LIMIT, form: Callable[[str], str] = escaped) -> str:
    """At most so many characters of an escaped text, without secrets: an escape before one would hide it."""
    known = form(masked(unescaped(well_formed(text[: most + _UNSURE]))))
    return (known if len(text) <= most + _UNSURE else known[:-_UNSURE])[:most]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
