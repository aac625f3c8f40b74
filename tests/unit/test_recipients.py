"""Where the URLs of recipients may come from, and that nothing of them is ever said."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hardener.errors import ConfigError
from hardener.project import load_project
from hardener.project.recipients import Recipient, resolved

SECRET = "tok3n-of-nobody"
URL = f"json://127.0.0.1/{SECRET}"


def recipient(folder: Path, text: str, mode: int = 0o644) -> Recipient:
    """The second of two whom a project file names."""
    file = folder / "hardener.yml"
    file.write_text(f"notify:\n  - $FIRST\n  - '{text}'\n")
    file.chmod(mode)
    project = load_project(file)
    assert SECRET not in repr(project)
    return resolved(project.notify[1])


def refusal(folder: Path, text: str, mode: int = 0o644) -> str:
    """Why there is no such recipient, after file and line."""
    with pytest.raises(ConfigError) as caught:
        recipient(folder, text, mode)
    told = str(caught.value)
    assert SECRET not in told
    assert "\n" not in told
    return told.removeprefix(f"{folder}/hardener.yml:3: notify 2: ")


def secret_file(folder: Path, mode: int = 0o600, text: str = f"{URL}\n") -> Path:
    file = folder / "secret"
    file.write_text(text)
    file.chmod(mode)
    return file


def test_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL", f"MailTo://ann:{SECRET}@127.0.0.1")
    found = recipient(tmp_path, "$MAIL")
    assert (found.label, found.url) == ("mailto (2)", f"MailTo://ann:{SECRET}@127.0.0.1")
    assert SECRET not in repr(found)
    assert refusal(tmp_path, "$NONE") == "the environment has no NONE"


def test_from_a_closed_file_beside_the_project_file(tmp_path: Path) -> None:
    file = secret_file(tmp_path)
    for text in ("file:secret", f"file:{file}", f"file://{file}"):
        assert recipient(tmp_path, text).url == URL


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_a_file_that_others_can_read_is_refused(mode: int, tmp_path: Path) -> None:
    file = secret_file(tmp_path, mode)
    assert refusal(tmp_path, "file:secret").startswith(f"others can read {file}: chmod 600")


def test_a_file_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = secret_file(tmp_path)
    uid = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: uid + 1)
    assert refusal(tmp_path, "file:secret") == f"{file} belongs to somebody else"


def test_what_is_no_readable_file_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, "file:none") == f"{tmp_path}/none: No such file or directory"
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path, "file:pipe") == f"{tmp_path}/pipe is no file"
    secret_file(tmp_path).write_bytes(b"\xff")
    assert refusal(tmp_path, "file:secret") == f"{tmp_path}/secret is no text"


def test_a_url_in_the_project_file_needs_that_to_be_closed(tmp_path: Path) -> None:
    assert recipient(tmp_path, URL, 0o600).url == URL
    assert refusal(tmp_path, URL, 0o640).startswith(f"others can read {tmp_path}/hardener.yml: chmod 600, or name")


@pytest.mark.parametrize("text", [SECRET, f"{SECRET}://x", f"json://a {SECRET}", f"json://a\n{URL}", ""])
def test_what_is_no_url_is_not_repeated(text: str, tmp_path: Path) -> None:
    secret_file(tmp_path, text=text)
    assert refusal(tmp_path, "file:secret") == "that is no URL, and neither $NAME nor file:PATH"


def test_it_is_known_by_a_digest_that_belongs_to_the_url_alone() -> None:
    first, again, other = (Recipient("json (1)", URL), Recipient("json (2)", URL), Recipient("json (1)", f"{URL}x"))
    assert first.digest == again.digest != other.digest
    assert len(first.digest) == 32
