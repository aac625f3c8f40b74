"""The commands about evidence, as people use them: keys, bundles, verdicts; openssl and ssh-agent are real."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardener.cli import main
from hardener.errors import ExitCode
from hardener.store import Store
from tests.unit.store.nights import night, result

DOCUMENT = Path(__file__).parents[2] / "docs" / "evidence.md"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder with a store of three runs and a key, where commands run."""
    monkeypatch.chdir(tmp_path)
    store = Store("runs.sqlite")
    for number in range(1, 4):
        store.save(night(number, result("web", alpha_one=number)))
    assert main(["evidence", "keygen", "-o", "evidence.key"]) == ExitCode.COMPLIANT
    assert re.fullmatch(r"SHA256:\S{43}: evidence.key signs, evidence.key.pub verifies\n", capsys.readouterr().out)
    return tmp_path


def exported(run: str = "latest", name: str = "run.evidence", key: str = "evidence.key", *more: str) -> int:
    return main(["evidence", "export", run, "-o", name, "--key", key, "--store", "runs.sqlite", *more])


def verified(*more: str, name: str = "run.evidence", key: str = "evidence.key.pub") -> int:
    return main(["evidence", "verify", name, "--key", key, *more])


def told(capsys: pytest.CaptureFixture[str]) -> str:
    return "".join(capsys.readouterr())


def test_a_bundle_is_exported_and_verified(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exported() == ExitCode.COMPLIANT
    assert told(capsys).startswith("run night-003 signed with SHA256:")
    assert verified() == ExitCode.COMPLIANT
    assert re.fullmatch(
        r"run night-003 \(audit, cis-level1, 1 target\) by somebody is as SHA256:\S{43} signed it; "
        r"number 3 of its chain, of which 0 were pruned\n",
        told(capsys),
    )
    assert stat.S_IMODE((folder / "run.evidence").stat().st_mode) == 0o600


def test_two_exports_are_the_same_bytes(folder: Path) -> None:
    exported(name="one")
    exported(name="two")
    assert (folder / "one").read_bytes() == (folder / "two").read_bytes()


@pytest.mark.usefixtures("folder")
def test_the_run_is_in_it_to_read_to_sort_and_to_work_on(capsys: pytest.CaptureFixture[str]) -> None:
    exported()
    subprocess.run(["python3", "-m", "zipfile", "-e", "run.evidence", "out"], check=True)
    assert {path.name for path in Path("out/reports").iterdir()} == {"report.csv", "report.html", "report.json"}
    told(capsys)


def test_a_private_key_is_closed_and_never_overwritten(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = folder / "evidence.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = key.read_bytes()
    assert main(["evidence", "keygen", "-o", "evidence.key"]) == ExitCode.BAD_CONFIG
    (folder / "evidence.key.pub").unlink()
    assert main(["evidence", "keygen", "-o", "evidence.key"]) == ExitCode.BAD_CONFIG
    assert key.read_bytes() == before
    assert told(capsys) == "hardener: evidence.key.pub: is there already\nhardener: evidence.key: is there already\n"


@pytest.mark.usefixtures("folder")
def test_a_tampered_bundle_ends_with_1_and_says_what_was_changed(capsys: pytest.CaptureFixture[str]) -> None:
    exported()
    told(capsys)
    bundle = Path("run.evidence")
    bundle.write_bytes(bundle.read_bytes().replace(b"<title>", b"<TITLE>", 1))
    assert verified() == ExitCode.FINDINGS
    assert told(capsys) == "bundle: reports/report.html was changed: its checksum is another\n"


@pytest.mark.usefixtures("folder")
def test_the_other_bundle_has_to_be_earlier_in_the_same_chain(capsys: pytest.CaptureFixture[str]) -> None:
    exported("night-001", "old")
    exported()
    Store("others.sqlite").save(night(9, result("web", alpha_one=1)))
    main(["evidence", "export", "latest", "-o", "foreign", "--key", "evidence.key", "--store", "others.sqlite"])
    told(capsys)
    assert verified("--earlier", "old") == ExitCode.COMPLIANT
    told(capsys)
    assert verified("--earlier", "foreign") == ExitCode.FINDINGS
    assert told(capsys) == "chain: where the earlier bundle has run night-009 it has another: night-001\n"


@pytest.mark.usefixtures("folder")
def test_what_no_installed_control_judges_is_incomplete(capsys: pytest.CaptureFixture[str]) -> None:
    exported()
    told(capsys)
    assert verified("--rejudge") == ExitCode.INCOMPLETE
    assert re.search(r"web +alpha-one +pass +not judged +is not in the installed catalogue", told(capsys))


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["verify", "none", "--key", "evidence.key.pub"], "none: No such file or directory"),
        (["verify", "evidence.key", "--key", "evidence.key"], "evidence.key: not a public key, in PEM form or as"),
        (["verify", "runs.sqlite", "--key", "rsa.pub"], "rsa.pub: not an Ed25519 key"),
        (["export", "latest", "-o", "x", "--key", "evidence.key.pub"], "others can read this key: chmod 0600"),
        (["export", "latest", "-o", "x", "--key", "rsa"], "rsa: not an Ed25519 key"),
        (["export", "latest", "-o", "x", "--key", "encrypted"], "the key is encrypted: give it to an ssh-agent"),
        (["export", "latest", "-o", "x", "--key", "closed"], "closed: not a private key in PEM form"),
        (["export", "latest", "-o", "x", "--key", "agent.pub"], "agent.pub: no ssh-agent signs with this key"),
        (["export", "none", "-o", "x", "--key", "evidence.key"], "no run 'none'"),
        (["export", "latest", "-o", "x", "--key", "evidence.key", "--plan", "closed"], "closed:1: not a plan"),
        (["export", "latest", "-o", "no/x", "--key", "evidence.key"], "no/x: No such file or directory"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str], line: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    for command in (
        "openssl genrsa -out rsa 1024; openssl rsa -in rsa -pubout -out rsa.pub",
        "openssl genpkey -algorithm ed25519 -aes256 -pass pass:x -out encrypted",
        "ssh-keygen -q -t ed25519 -N '' -f agent; echo nothing > closed; chmod 0600 closed rsa encrypted",
    ):
        subprocess.run(command, shell=True, cwd=folder, capture_output=True, check=True)
    store = ["--store", "runs.sqlite"] if arguments[0] == "export" else []
    assert main(["evidence", *arguments, *store]) == ExitCode.BAD_CONFIG
    said = told(capsys)
    assert line in said
    assert said.count("\n") == 1
    assert not (folder / "x").exists()


@pytest.fixture
def agent(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The public key of an ssh-agent that is ours alone."""
    socket = folder / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert str(socket) in process.stdout.readline()  # by then it listens
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "held"], check=True)
        subprocess.run(["ssh-add", "-q", "held"], env=os.environ, check=True)
        (folder / "held").unlink()
        yield "held.pub"
        process.terminate()


def test_a_key_may_stay_in_an_ssh_agent(agent: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert exported(key=agent) == ExitCode.COMPLIANT
    assert verified(key=agent) == ExitCode.COMPLIANT
    fingerprint = subprocess.run(["ssh-keygen", "-l", "-f", agent], capture_output=True, text=True, check=True)
    assert f"is as {fingerprint.stdout.split()[1]} signed it" in told(capsys)
    assert verified() == ExitCode.FINDINGS


@pytest.mark.usefixtures("folder")
def test_the_page_s_commands_verify_it_without_us(capsys: pytest.CaptureFixture[str]) -> None:
    exported()
    told(capsys)
    script = re.search(r"## Verifying without hardener.*?```sh\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    assert script is not None
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script[1]], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Signature Verified Successfully\nthe run is the last of its chain\n"
    report = Path("evidence/reports/report.html")
    report.write_text(report.read_text("utf-8") + " ", "utf-8")
    again = script[1].split("\n", 1)[1]
    bad = subprocess.run(["bash", "-euo", "pipefail", "-c", again], cwd="evidence", capture_output=True, check=False)
    assert bad.returncode != 0
    assert b"reports/report.html: FAILED" in bad.stdout + bad.stderr
