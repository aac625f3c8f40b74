"""Which of two failures of one control is the worse one, from what they complain about.

A failure is worse where it has a complaint that the other one had not: about something else (another field, file or
socket), of an item that was not in the list, or with a number that is further from what is expected. Another value
that cannot be ranked is another value, and no worse.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hardener.model.finding import Finding

BETWEEN = "; "
"""What stands between two complaints of a reason, and between the fields of an expectation."""
_VERB = re.compile(r"(?:(?P<about>.*) )?(?P<verb>is|also has|has) (?P<value>.*)", re.DOTALL)
_NUMBERS = re.compile(r"-?\d{1,20}(?::-?\d{1,20})*")
_BOUND = re.compile(
    r"mode (?P<mode>[0-7]{3,4}) or stricter"
    r"|at most (?P<most>\d+(?::\d+)*)"
    r"|at least (?P<least>\d+)"
    r"|(?P<low>\d+) to (?P<high>\d+)"
)


@dataclass(frozen=True)
class _Complaint:
    about: str
    verb: str
    value: str

    @classmethod
    def of(cls, text: str) -> _Complaint:
        """``now net.ipv4.ip_forward is 1``: about what it is, and the value; what has no value is about itself."""
        match = _VERB.fullmatch(text)
        return cls(match["about"] or "", match["verb"], match["value"]) if match else cls(text, "", "")

    def is_worse_than(self, other: _Complaint, expected: str) -> bool:
        """Of two complaints about the same."""
        if self.verb == other.verb and self.verb.endswith("has"):
            return not set(self.value.split(", ")) <= set(other.value.split(", "))
        old, new = (_distance(item.value, _words_about(self.about, expected)) for item in (other, self))
        return any(further > near for near, further in zip(old, new, strict=False))


def is_worse(new: Finding, old: Finding) -> bool:
    """Whether a failure complains about something that another one of the same control did not, or of more of it."""
    if new.reason == old.reason:
        return False
    known: dict[str, list[_Complaint]] = {}
    for complaint in map(_Complaint.of, old.reason.split(BETWEEN)):
        known.setdefault(complaint.about, []).append(complaint)
    return any(
        all(complaint.is_worse_than(other, new.expected) for other in known.get(complaint.about, ()))
        for complaint in map(_Complaint.of, new.reason.split(BETWEEN))
    )


def _words_about(about: str, expected: str) -> str:
    """What is expected of one field, where the words name each; otherwise all of them."""
    fields: Mapping[str, str] = {
        name: words for name, sign, words in (part.partition(": ") for part in expected.split(BETWEEN)) if sign
    }
    named = [name for name in fields if f" {name} " in f" {about} "]
    return fields[max(named, key=len)] if named else expected


def _distance(value: str, words: str) -> Sequence[int]:
    """How far each number of a value, or each bit of a mode, is from what is allowed; nothing if nobody knows."""
    bound = _BOUND.search(words)
    if bound is None or not _NUMBERS.fullmatch(value):
        return ()
    if bound["mode"]:
        surplus = int(value, 8) & ~int(bound["mode"], 8) if re.fullmatch("[0-7]{3,5}", value) else 0
        return [surplus >> bit & 1 for bit in range(12)]
    numbers = [int(part) for part in value.split(":")]
    if bound["most"]:
        limits = [int(part) for part in bound["most"].split(":")]
        return [max(0, number - limit) for number, limit in zip(numbers, limits, strict=False)]
    least, most = (bound["least"], None) if bound["least"] else (bound["low"], bound["high"])
    return [max(0, int(least) - number, number - int(most) if most else 0) for number in numbers]
