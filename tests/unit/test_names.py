"""Names of files as evidence holds them: one line each, unlike any other, whoever wrote them."""

from __future__ import annotations

import subprocess

from hypothesis import given, settings
from hypothesis import strategies as some

from hardener.catalogue import names
from hardener.masking import masked

NAMES = some.binary(min_size=1).map(lambda name: name.replace(b"\0", b""))


@given(NAMES)
def test_any_bytes_come_back(name: bytes) -> None:
    assert names.read(names.written(name)) == name
    assert names.as_evidence(names.written(name)) == names.written(name)
    assert names.as_said(names.written(name)) == name.decode("utf-8", "backslashreplace")


@given(some.text())
def test_whatever_a_target_calls_a_name_is_read(text: str) -> None:
    assert names.read(names.as_evidence(text)) == names.read(text)


@given(some.lists(NAMES, max_size=20))
@settings(max_examples=40, deadline=None)
def test_a_target_writes_them_as_we_do(raw: list[bytes]) -> None:
    sent = b"".join(name + b"\0" for name in raw)
    answer = subprocess.run(
        ["/bin/sh", "-c", names.WRITTEN], input=sent, capture_output=True, check=True, env={"LC_ALL": "C"}
    ).stdout
    lines = answer.decode("utf-8", "backslashreplace").split("\n")
    assert [names.as_evidence(line) for line in lines] == [*map(names.written, raw), ""]


@given(some.one_of(NAMES, some.sampled_from([b"-----BEGIN RSA PRIVATE KEY-----", b"------BEGIN PRIVATE KEY"])))
def test_no_name_has_the_lines_after_it_masked(name: bytes) -> None:
    assert masked(f"{names.written(name)}\n/usr/bin/su").endswith("\n/usr/bin/su")
