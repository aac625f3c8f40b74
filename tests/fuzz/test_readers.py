"""Generated answers of each kind: a hundred of each by default, ten thousand with ``--hypothesis-profile=fuzz``."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hardener.model import Answer
from tests.fuzz.properties import FACTS, NONCE, answered, facts, frames, others, told

ODD = ["9" * 5000, "-1", "", "65536", "٣", "0x1", "1e999", "NaN"]
numbers = st.sampled_from(["0", "1", "2", "3", "255", "0.5", *ODD])
words = st.sampled_from(["begin", "end", "done", "ready", "password", " "])
marks = st.builds(
    lambda before, parts, after: (before + NONCE + " " + " ".join(parts) + after).encode(),
    st.sampled_from(["", "\n", "\n\n", " "]),
    st.lists(numbers | words, max_size=5),
    st.sampled_from(["\n", "", " ", "\r\n"]),
)
streams = st.lists(marks | st.binary(max_size=80) | st.just(b"\n"), max_size=12).map(b"".join)


@given(stdout=streams, stderr=streams, piece=st.integers(1, 40), with_password=st.booleans())
def test_frames_are_the_same_in_whatever_pieces_they_come(
    stdout: bytes, stderr: bytes, piece: int, with_password: bool
) -> None:
    frames(stdout, stderr, piece, with_password=with_password)


@given(before=streams, body=streams, odd=st.integers(0, 2))
def test_what_is_odd_in_one_frame_leaves_the_others_as_they_are(before: bytes, body: bytes, odd: int) -> None:
    for mark in [*(f"{NONCE} {index}" for index in range(3) if index != odd), f"{NONCE} done"]:
        body = body.replace(mark.encode(), b"?")
    others(before, [body if index == odd else b"uid=0" for index in range(3)])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


def objects(**known: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects of which each field is missing, as it shall be, or anything."""
    return st.fixed_dictionaries({}, optional={name: kind | json_values for name, kind in known.items()})


texts = st.text(st.characters(exclude_categories=()), max_size=20)
statuses = objects(
    run=texts,
    operator=texts,
    state=st.sampled_from(["armed", "restoring", "released", "restored"]),
    reason=texts,
    left=st.lists(texts, max_size=3),
    surprise=json_values,
)
pairs = st.lists(st.lists(texts, min_size=2, max_size=2) | json_values, max_size=3)
rollbacks = objects(undone=pairs, conflicts=pairs, left=st.lists(texts, max_size=3))
told_json = (statuses | objects(locked_by=statuses) | rollbacks | json_values).map(json.dumps)
raw = st.sampled_from(["[" * 100_000, '{"a":' * 5000, "9" * 5000, "NaN", "[]", "null", '"\\ud8'])
broken = st.builds(lambda text, at: text[: at % (len(text) + 1)], told_json, st.integers(0, 300))


@given(data=(told_json | raw | broken).map(str.encode) | st.binary(max_size=100))
def test_what_a_checkpoint_program_answers_is_what_it_may_be_or_a_failure(data: bytes) -> None:
    answered(data)


lines = st.lists(st.text(max_size=10) | numbers | st.just('"sshd"') | st.just("0.0.0.0:22"), max_size=7).map(" ".join)
outputs = st.lists(lines, max_size=3).map("\n".join) | told_json | raw | st.text(max_size=40)
answers = st.builds(
    lambda status, output, problem: Answer(exit_status=status, stdout=output, problem=problem),
    st.none() | st.integers(0, 255),
    outputs.map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary(max_size=60),
    st.none() | st.text(max_size=10),
)


@given(said=st.dictionaries(st.sampled_from(FACTS), answers, max_size=4))
def test_a_target_is_identified_or_it_is_said_why_not(said: dict[str, Answer]) -> None:
    facts(said)


rows = objects(
    kind=st.sampled_from(["setting", "file", "unit", "magic"]),
    subject=texts,
    key=texts,
    before=texts,
    after=texts,
    conditional=st.booleans(),
)
diffs = objects(before=texts | objects(state=texts), after=texts | objects(state=texts), prepared=texts)
results = objects(
    changed=st.booleans(),
    diff=st.lists(rows | diffs, max_size=3) | rows | diffs,
    invocation=objects(module_args=objects(path=texts, dest=texts, name=texts)),
    msg=texts,
    stdout=texts,
    stderr=texts,
)
events = objects(
    event=st.sampled_from(["runner_on_ok", "runner_on_failed", "runner_on_unreachable", "runner_on_skipped"]),
    event_data=objects(
        host=st.just("node"),
        task=texts,
        role=texts,
        resolved_action=st.sampled_from(["ansible.builtin.group", "ansible.builtin.file", "keyed_file"]),
        ignore_errors=st.booleans(),
        res=results,
    ),
)


@given(event=events)
def test_what_ansible_tells_changes_nothing_but_what_is_known_of_its_own_target(event: dict[str, Any]) -> None:
    told(event)
