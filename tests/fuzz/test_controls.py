"""Every control reads a hostile answer in a time that grows with its length, not with the square of it."""

from __future__ import annotations

import gzip
import json
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from hardener.audit import judged_anew
from hardener.catalogue.control import Control
from hardener.catalogue.discovery import discover
from hardener.content import roles_directory
from hardener.inventory import role_defaults
from hardener.model import Answer, Transcript, Values
from hardener.transcript import Unanswered, host_of

RECORDED = Path(__file__).parents[1] / "transcripts" / "vm12-hardened.json.gz"
LENGTH = 30_000
CPU_SECONDS = 3
"""What looks at each letter from each letter takes longer by far; what reads on takes a hundredth."""
UNITS = [
    " ",
    "\t ",
    "a",
    "a ",
    "a,",
    "a:",
    "a.",
    "a=",
    "a\n",
    "\n",
    " \n",
    "\0",
    "-",
    "-a ",
    "/",
    "[",
    "]",
    "(",
    "{",
    "}",
]
UNITS += ['"', "'", "\\", "\\S{", "#", ";", "@", "<", "=", "0", "1", "linux ", "dport {", "argv[]=", "cgroup:/", "*."]


@cache
def recorded() -> Mapping[str, Answer]:
    return Transcript.model_validate(json.loads(gzip.decompress(RECORDED.read_bytes()))).answers


@cache
def values() -> Values:
    return role_defaults(roles_directory())


@cache
def pairs() -> Sequence[tuple[Control, str, Sequence[str]]]:
    """Every control, with each question it asks and some lines that are different from each other."""
    found = []
    for control in discover().values():
        host, backend = host_of(recorded())
        with suppress(Exception, Unanswered):
            control.observe(host)
        found += [(control, question.command, lines_of(question.command)) for question in backend.asked]
    return found


def lines_of(command: str) -> Sequence[str]:
    answer = recorded().get(command)
    lines = answer.stdout.decode("utf-8", "replace").split("\n") if answer else []
    return [*{re.sub("[a-z0-9]+", "a", line)[:60]: line for line in lines}.values(), ""]


@given(data=st.data())
def test_a_control_reads_any_line_in_one_go(data: st.DataObject) -> None:
    control, command, lines = data.draw(st.sampled_from(pairs()), "control")
    line, unit = data.draw(st.sampled_from(lines), "line"), data.draw(st.sampled_from(UNITS), "unit")
    begins = data.draw(st.sampled_from([line, line.partition("=")[0], f"{line[: len(line) // 2]}"]), "begins")
    ends = data.draw(st.sampled_from(["", "\x01x", "\n" + line]), "ends")
    said = begins + (unit * LENGTH)[:LENGTH] + ends
    answers = {**recorded(), command: Answer(exit_status=0, stdout=said.encode())}
    accepted = values()
    began = time.process_time()
    judged_anew(control, accepted, None, answers)
    assert time.process_time() - began < CPU_SECONDS
