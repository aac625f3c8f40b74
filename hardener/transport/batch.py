"""Turns many questions into one shell program, and its framed output into answers.

The program is POSIX shell, so a target needs no Python to be audited. It is sent on standard input, so it shows in no
process list and nothing of it stays on the target. Both output streams are framed with a nonce no output can guess:

    NONCE 0 begin␤ …bytes of question 0… ␤NONCE 0 end 0 1234.50 1236.75␤ NONCE 1 begin␤ …

with its exit status and, by the clock of the target's kernel, when it began and ended, in seconds since the boot.

Everything outside the frames (a talkative .bashrc, sudo's lecture) is ignored. What looks like a secret within them is
masked on the target (``hardener.masking``): neither the connection nor anything behind it ever sees it.
"""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hardener.masking import sed_program
from hardener.model import Answer, Question
from hardener.transport.frames import Frame, FrameReader

COMMAND_SECONDS = 30
"""Longest time one question may take on the target."""
OUTPUT_LIMIT = 4 * 1024 * 1024
"""Most bytes kept of each stream of one question."""
ENDED = {124: "timed out after {seconds} s", 137: "was killed, by a time-out of {seconds} s or from outside"}
"""Exit statuses of coreutils' timeout(1) when it ended the command by TERM, and of anything ended by KILL."""


@dataclass(frozen=True)
class Batch:
    """Questions that travel together, and the nonce that frames their answers."""

    questions: Sequence[Question]
    nonce: str
    seconds: int = COMMAND_SECONDS
    output_limit: int = OUTPUT_LIMIT

    @classmethod
    def of(cls, questions: Sequence[Question], *, seconds: int = COMMAND_SECONDS) -> Batch:
        """A batch with a fresh nonce of 128 bits."""
        return cls(questions=questions, nonce=secrets.token_hex(16), seconds=seconds)

    @property
    def deadline(self) -> float:
        """Seconds after which the whole batch is given up: a cold start plus the slowest plausible mix of answers."""
        own = sum(question.seconds for question in self.questions if question.seconds is not None)
        return own + self.seconds * 2.0 + 0.5 * len(self.questions)

    def _seconds(self, question: Question) -> int:
        return self.seconds if question.seconds is None else question.seconds

    def program(self) -> str:
        """The shell program; nothing runs before all of it has arrived, for its body is one function."""
        calls = "\n".join(
            f"q {index} {self._seconds(item)} {shlex.quote(item.command)}" for index, item in enumerate(self.questions)
        )
        mask = shlex.quote(sed_program(self.nonce) + _BY_FRAME.format(nonce=self.nonce))
        return _PROGRAM.format(nonce=self.nonce, cap=2 * (self.output_limit + 1), calls=calls, mask=mask)

    def reader(self) -> FrameReader:
        """What reads one of the two streams that come back."""
        return FrameReader(self.nonce, questions=len(self.questions), limit=self.output_limit)

    def answers(self, stdout: FrameReader, stderr: FrameReader, *, unfinished: str) -> Mapping[str, Answer]:
        """Answers by command; a question without a closed frame gets ``unfinished`` as its problem."""
        answers = {}
        for index, question in enumerate(self.questions):
            if index in stdout.frames and index in stderr.frames:
                answers[question.command] = self._answer(question, stdout.frames[index], stderr.frames[index].output)
            else:
                answers[question.command] = Answer(exit_status=None, problem=unfinished)
        return answers

    def _answer(self, question: Question, frame: Frame, error: bytes) -> Answer:
        output, status, problem = frame.output, frame.status, None
        if len(output) > self.output_limit or len(error) > self.output_limit:
            problem = f"the output exceeds {self.output_limit} bytes"
        elif status in ENDED:
            problem = ENDED[status].format(seconds=self._seconds(question))
        limit = self.output_limit
        return Answer(
            exit_status=None if problem else status,
            stdout=output[:limit],
            stderr=error[:limit],
            problem=problem,
            seconds=frame.seconds,
        )


# Every question runs in a shell of its own, without stdin, in English, with a time-out and a cap on both streams. The
# exit status leaves the pipeline on descriptor 3; 4 and 5 carry the streams past the caps. Both streams of the whole
# batch then pass through sed, so that no secret leaves the target; 7 carries errors past it, and 8 what it lets pass.
# stdbuf makes sed send what it prints at once.
# Masking shortens, so the caps are twice what is accepted: what was cut is still too long afterwards.
_PROGRAM = """\
q() {{
  {{ read -r began _ </proc/uptime; }} 2>/dev/null
  printf '{nonce} %s begin\\n' "$1"; printf '{nonce} %s begin\\n' "$1" >&2
  s=$({{ {{ {{ timeout -k 2 "$2" /bin/sh -c "$3" </dev/null 2>&4 3>&- 4>&- 5>&- 6>&- 7>&- 8>&-; echo $? >&3; }} \\
    | head -c {cap} >&5; }} 4>&1 | head -c {cap} >&6; }} 3>&1)
  {{ read -r ended _ </proc/uptime; }} 2>/dev/null
  printf '\\n{nonce} %s end %s %s %s\\n' "$1" "$s" "$began" "$ended"; printf '\\n{nonce} %s end %s\\n' "$1" "$s" >&2
}}
questions() {{
{calls}
printf '\\n{nonce} done\\n'
}} 5>&1 6>&2
all() {{
PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C; export PATH LC_ALL
cd /
mask={mask}
{{ {{ questions 2>&7 | stdbuf -oL sed -nE "$mask" >&8; }} 7>&1 | stdbuf -oL sed -nE "$mask" >&2; }} 8>&1
}}
all
"""

# What sed does with a masked line: it keeps it until the frame ends, and prints the frame in one piece. By the line,
# the controller would wake for each; by the block, a target that dies would take answered questions with it. The very
# first line is printed for itself: it tells that the program runs.
_BY_FRAME = """\
H
/^{nonce} (0 begin|[0-9]+ end [0-9. ]*|done)$/{{
x
s/^\\n//p
z
x
}}
"""
