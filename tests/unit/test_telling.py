"""Delivery through apprise to real receivers: what arrives, and what is said where nothing can."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from email import message_from_string, policy
from pathlib import Path
from time import monotonic

import pytest

from hardener.model import Message
from hardener.telling import deliver
from tests.unit.receivers import Mail, Webhook, refusing_port, serving, silent_port

SECRET = "tok3n-of-nobody"
MESSAGE = Message(
    subject="hardener: 1 regressed on web", body="REGRESSED (1)\nweb  alpha-one  <b>A title</b>: 5 -> 99\n"
)


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    server = Webhook()
    with serving(server):
        yield server


def test_a_webhook_gets_subject_and_body_as_they_are(webhook: Webhook) -> None:
    assert deliver(f"json://127.0.0.1:{webhook.port}/{SECRET}", MESSAGE) is None
    (body,) = webhook.posted
    assert (body["title"], body["message"]) == (MESSAGE.subject, MESSAGE.body.rstrip())
    assert webhook.paths == [f"/{SECRET}"]


def test_a_mail_has_subject_and_body() -> None:
    server = Mail()
    with serving(server):
        url = f"mailto://ann:{SECRET}@127.0.0.1:{server.port}?from=ann@example.org&to=ops@example.org&mode=insecure&format=text"
        assert deliver(url, MESSAGE) is None
    (text,) = server.mails
    mail = message_from_string(text, policy=policy.default)
    assert (mail["Subject"], "ops@example.org" in mail["To"]) == (MESSAGE.subject, True)
    body = mail.get_body()
    assert body is not None
    assert "web  alpha-one  <b>A title</b>: 5 -> 99" in body.get_content()


def test_an_answer_that_refuses_is_named_by_its_status(webhook: Webhook) -> None:
    webhook.status = 500
    assert deliver(f"json://127.0.0.1:{webhook.port}/{SECRET}", MESSAGE) == "it answered 500"


def test_a_port_that_refuses(capfd: pytest.CaptureFixture[str]) -> None:
    url = f"json://ann:{SECRET}@127.0.0.1:{refusing_port()}/{SECRET}?-key={SECRET}"
    assert deliver(url, MESSAGE) == "it could not be reached, or did not take it"
    assert capfd.readouterr() == ("", "")


MAIL = "mailto://a:b@127.0.0.1:{}?from=a@example.org&to=b@example.org&mode=insecure&rto=600"


@pytest.mark.parametrize("url", ["json://127.0.0.1:{}/?rto=600", MAIL])
def test_a_receiver_that_hangs_is_given_up(url: str) -> None:
    """Even where its URL asks for more patience."""
    with silent_port() as port:
        began = monotonic()
        assert deliver(url.format(port), MESSAGE, seconds=2) == "no answer within 2 s"
        assert monotonic() - began < 60


@pytest.mark.parametrize("url", [f"nonsense://{SECRET}", f"slack://{SECRET}", f"json://{SECRET}:port:port/"])
def test_a_url_that_apprise_cannot_use(url: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert deliver(url, MESSAGE) == "apprise knows no such URL"
    assert capfd.readouterr() == ("", "")


def test_a_sender_that_breaks_is_told_by_its_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert deliver(f"json://{SECRET}", MESSAGE) == "apprise ended with 1"
    monkeypatch.setattr(sys, "executable", "/nowhere")
    assert (
        deliver(f"json://{SECRET}", MESSAGE) == "the program that tells could not be started: No such file or directory"
    )


def test_the_url_is_no_argument_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []

    def run(command: list[str], **_how: object) -> subprocess.CompletedProcess[bytes]:
        seen.append(command)
        return subprocess.CompletedProcess(command, 0, b"", b"")

    monkeypatch.setattr(subprocess, "run", run)
    assert deliver(f"json://{SECRET}", MESSAGE) is None
    assert SECRET not in str(seen)


def test_a_module_in_the_working_directory_takes_no_place_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("apprise", "hardener", "json"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    assert deliver(f"nonsense://{SECRET}", MESSAGE) == "apprise knows no such URL"


def test_whoever_tells_nobody_does_not_load_apprise() -> None:
    script = "import sys, hardener.cli; sys.exit('apprise' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)
