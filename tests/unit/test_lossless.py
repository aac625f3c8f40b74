"""Bytes on their way through text: none is lost, no two texts read alike, and readable ones stay so."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hardener import lossless

BYTES = some.one_of(
    some.binary(),
    some.lists(
        some.sampled_from(
            [b"\\", b"x", b"e9", b"\xe9", b"\xc3\xa9", b"\xc2\xa0", b"\xa0", b"5c", b"\n", b"\r", b"\0", b"\t"]
        )
    ).map(b"".join),
)
"""Also such as could be taken for escapes."""


@given(BYTES)
def test_any_bytes_come_back(data: bytes) -> None:
    text = lossless.text_of(data)
    assert lossless.bytes_of(text) == data
    for told in (lossless.escaped(text), lossless.escaped_line(text)):
        assert lossless.bytes_of(lossless.unescaped(told)) == data
        assert json.loads(json.dumps(told, ensure_ascii=False).encode()) == told


@given(BYTES)
def test_a_line_is_one_and_a_text_keeps_its_lines(data: bytes) -> None:
    text = lossless.text_of(data)
    assert lossless.escaped_line(text).isprintable()
    assert lossless.escaped(text).count("\n") == data.count(b"\n")
    assert lossless.escaped(text).count("\t") == data.count(b"\t")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"caf\xe9 und Caf\xc3\xa9\n", "caf\\xe9 und Café\n"),
        (b"Debian GNU/Linux 12 \\n \\l\n", "Debian GNU/Linux 12 \\n \\l\n"),
        (rb"dev-disk-by\x2duuid.swap", r"dev-disk-by\x5cx2duuid.swap"),
        (b"\\\\xe9 \\x \\xe \\xE9", r"\\x5cxe9 \x \xe \xE9"),
        (b"a\r\n\x00\x1b[2J", "a\\x0d\n\\x00\\x1b[2J"),
        (
            "\N{BYTE ORDER MARK}a\N{NO-BREAK SPACE}\N{RIGHT-TO-LEFT OVERRIDE}b".encode(),
            r"\xef\xbb\xbfa\xc2\xa0\xe2\x80\xaeb",
        ),
    ],
)
def test_what_is_readable_stands_for_itself(data: bytes, told: str) -> None:
    assert lossless.escaped(lossless.text_of(data)) == told


@given(BYTES)
def test_lines_are_what_newlines_end(data: bytes) -> None:
    lines = lossless.lines_of(lossless.text_of(data))
    assert "".join(lines) == lossless.text_of(data)
    assert len(lines) == data.count(b"\n") + (not data.endswith(b"\n") and data != b"")
    assert all(line.endswith("\n") for line in lines[:-1])


def test_words_are_what_the_blanks_of_configuration_files_separate() -> None:
    assert lossless.words_of(" a\tb\r\n") == ["a", "b"]
    assert lossless.words_of("a\N{NO-BREAK SPACE}b\x1cc\x85d") == ["a\N{NO-BREAK SPACE}b\x1cc\x85d"]
