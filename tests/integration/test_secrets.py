"""A node full of planted secrets: every probe of the catalogue looks at it, and no answer, report or bundle has one."""

from __future__ import annotations

import base64
import gzip
import io
import shlex
import zipfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hardener import lab, reports
from hardener.catalogue.control import CouldNotLook, NotApplicable
from hardener.catalogue.discovery import discover
from hardener.conductor import Start, make_run
from hardener.documents import merged
from hardener.evidence import Packed, PrivateKey, pack
from hardener.evidence.container import read
from hardener.masking import MASK
from hardener.model import Answer, Question, Run, RunKind, Transcript
from hardener.store import Store
from hardener.transcript import NoAnswer, Unanswered, host_of
from hardener.transport import connector
from tests.integration.proving import Bench
from tests.unit.secrets import HASHES, KEYS, LINES, PASSWORD, TOKENS, needles

pytestmark = pytest.mark.lab

COMMENTS = "\n".join(
    [LINES["comment"], LINES["comment, short"], LINES["snmp"], *(f"# {word}" for word in TOKENS.values())]
)
KEY = KEYS["OPENSSH"]
PLANTED: Mapping[str, str] = {
    "/etc/fstab": "\n".join([COMMENTS, *(f"{LINES[name]},noauto" for name in ("fstab, short", "fstab, user"))]),
    "/etc/apt/apt.conf.d/99lab": f"{LINES['apt proxy']}\n{LINES['apt option']}",
    "/etc/apt/sources.list.d/lab.list": f"deb https://joe:{PASSWORD}@mirror.invalid/debian bookworm main",
    "/etc/audit/auditd.conf": COMMENTS,
    "/etc/audit/rules.d/lab.rules": COMMENTS,
    "/etc/security/limits.d/lab.conf": COMMENTS,
    "/etc/security/pwquality.conf.d/lab.conf": COMMENTS,
    "/etc/security/faillock.conf": COMMENTS,
    "/etc/pam.d/su": f"{COMMENTS}\nsession optional pam_permit.so passwd={PASSWORD}",
    "/etc/pam.d/common-session": f"{COMMENTS}\nsession optional pam_permit.so passwd={PASSWORD}",
    "/etc/rsyslog.d/lab.conf": f"{COMMENTS}\n#{LINES['rsyslog, old']}\n#{LINES['rsyslog']}",
    "/etc/systemd/journal-upload.conf.d/lab.conf": f"[Upload]\n{LINES['journal-upload']}\n{COMMENTS}",
    "/etc/systemd/journald.conf.d/lab.conf": COMMENTS,
    "/etc/systemd/timesyncd.conf.d/lab.conf": COMMENTS,
    "/etc/systemd/coredump.conf.d/lab.conf": COMMENTS,
    "/etc/systemd/system/mnt-lab.mount": f"[Mount]\nWhat=//nas/share\nWhere=/mnt/lab\nType=cifs\n{LINES['unit']}\n"
    f"Options=noauto,password={PASSWORD}\n[Install]\nWantedBy=lab.target\n{COMMENTS}",
    "/etc/sysctl.d/lab.conf": f"{LINES['sysctl']}\n{COMMENTS}",
    "/etc/tmpfiles.d/lab.conf": f"f /run/lab 0600 root root - {PASSWORD}",
    "/etc/logrotate.d/lab": f"/var/log/lab.log {{\n postrotate\n {LINES['argument']}\n {PASSWORD}\n endscript\n}}\n",
    "/etc/cron.d/lab": f"{LINES['environment']}\n5 4 * * * root aide --check --token={PASSWORD}",
    "/etc/modprobe.d/lab.conf": f"install lab {LINES['argument']}\n{COMMENTS}",
    "/etc/ssh/sshd_config.d/lab.conf": f"SetEnv DB={PASSWORD}",
    "/etc/sudoers.d/lab": f"plain ALL=(root) NOPASSWD: {LINES['argument, joined']}\n{COMMENTS}",
    "/etc/profile.d/lab.sh": f"export {LINES['environment']}\necho {TOKENS['github']}\necho {LINES['quoted']} >&2",
    "/etc/login.defs": COMMENTS,
    "/etc/motd": f"{TOKENS['aws']}\n{KEY}",
    "/etc/issue": f"{LINES['json']}\n{TOKENS['jwt']}",
    "/etc/issue.net": KEYS["RSA"],
    "/etc/cron.allow": HASHES["bcrypt"],
    "/etc/shells": f"# {HASHES['yescrypt']}",
    "/boot/grub/grub.cfg": f'set superusers="joe"\npassword_pbkdf2 joe {HASHES["grub"]}\npassword jim {PASSWORD}\n'
    f"linux /vmlinuz {LINES['kernel']}",
    "/etc/aide/aide.conf": f"database_in=file:/root/{TOKENS['gitlab']}\n{COMMENTS}",
    "/etc/hardener/firewall.nft": COMMENTS,
    "/etc/default/useradd": COMMENTS,
    "/etc/postfix/main.cf": f"smtp_sasl_password_maps = static:joe:{PASSWORD}\n{COMMENTS}",
    "/etc/snmp/snmpd.conf": f"rocommunity {PASSWORD}",
    "/root/.ssh/id_ed25519": KEY,
    "/root/.netrc": f"machine x login joe password {PASSWORD}",
    "/home/plain/.pgpass": f"db:5432:*:joe:{PASSWORD}",
    "/etc/ssh/ssh_host_lab_key": KEY,
    "/etc/kubernetes/admin.conf": f"token: {TOKENS['vault']}",
}
"""What is appended to files that probes read, and to some that none may read."""
ACCOUNTS = f"""
echo {shlex.quote(LINES["des, passwd"])} >> /etc/passwd
echo {shlex.quote(f"jim:{HASHES['md5crypt']}:1001:1001::/home/jim:/bin/sh")} >> /etc/passwd
echo {shlex.quote(LINES["des, group"].replace("staff", "crew").replace(":50:", ":1050:"))} >> /etc/group
echo {shlex.quote(f"team:{HASHES['sha256crypt']}:1051:")} >> /etc/group
usermod --password {shlex.quote(HASHES["sha512crypt"])} plain
echo {shlex.quote(f"ann:{HASHES['argon2']}:19000:0:99999:7:::")} >> /etc/shadow
systemctl daemon-reload; systemctl enable mnt-lab.mount
systemd-run --unit=lab-secret sh -c {shlex.quote(f"sleep 1000; : {PASSWORD}")}
"""


def _appended(path: str, text: str) -> str:
    body = base64.b64encode(f"\n{text}\n".encode()).decode()
    return f"mkdir --parents {Path(path).parent}; echo {body} | base64 --decode >> {path}"


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    lab.down("bundle12")
    node = lab.up("bundle12", kind="container", release="12", progress=print)
    lab.run(node, "\n".join([*(_appended(path, text) for path, text in PLANTED.items()), ACCOUNTS]))
    yield Bench.of(node)
    lab.down("bundle12")


@pytest.fixture(scope="module")
def answers(bench: Bench) -> Mapping[str, Answer]:
    """What the node answers to every probe of the catalogue, whether its control applies here or not."""
    known: dict[str, Answer] = {}
    with connector(connect_seconds=60)(bench.target.connection) as transport:
        while missing := _missing(known):
            known |= transport.ask(missing)
    return known


def _missing(known: Mapping[str, Answer]) -> list[Question]:
    missing: dict[Question, None] = {}
    for control in discover().values():
        host, _ = host_of(known)
        try:
            control.observe(host)
        except Unanswered as unanswered:
            missing[unanswered.question] = None
        except (NoAnswer, CouldNotLook, NotApplicable, ValueError, LookupError):
            continue
    return list(missing)


@pytest.fixture(scope="module")
def run(bench: Bench, answers: Mapping[str, Answer]) -> Run:
    """An audit with every choice made the other way, and the answers of all probes in its transcript."""
    other = {"logging_choice": {"system": "rsyslog"}, "time_choice": {"daemon": "chrony"}}
    target = bench.target.model_copy(update={"values": merged(bench.target.values, other)})
    (result,) = bench.conductor.audit([target])
    whole = Transcript(answers={**answers, **result.transcript.answers}, round_trips=result.transcript.round_trips)
    start = Start(RunKind.AUDIT, at=datetime.now(UTC))
    return make_run(start, bench.conductor.selection, [result.model_copy(update={"transcript": whole})])


def assert_nothing_in(data: bytes, where: str) -> None:
    found = {needle for needle in needles() if needle.encode() in data}
    assert not found, f"{where} holds {found}"


def test_no_answer_holds_a_secret(answers: Mapping[str, Answer]) -> None:
    assert len(answers) > 110
    for command, answer in answers.items():
        assert_nothing_in(answer.stdout + answer.stderr, command)


def test_the_secrets_were_really_met(answers: Mapping[str, Answer]) -> None:
    masked = {command for command, answer in answers.items() if MASK.encode() in answer.stdout + answer.stderr}
    assert len(masked) >= 20
    for part in ("fstab", "apt-config", "pam.d", "sysctl --cat", "sshd -T", "cvtsudoers", "/etc/motd"):
        assert any(part in command for command in masked), part


def unpacked(data: bytes) -> bytes:
    """What is in a workbook, which is an archive; anything else as it is."""
    if not data.startswith(b"PK"):
        return data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return b"".join(archive.read(name) for name in archive.namelist())


def test_no_format_and_no_bundle_holds_a_secret(run: Run, tmp_path: Path) -> None:
    told = {name: unpacked(b"".join(reports.render(run, run.results, name))) for name in reports.formats()}
    for name, data in told.items():
        assert_nothing_in(data, name)
    store = Store(tmp_path / "runs.sqlite")
    store.save(run)
    loaded, chain = store.load_chained("latest")
    for name, body in read(pack(Packed(run=loaded, chain=chain, reports=told), PrivateKey.made())).items():
        assert_nothing_in(gzip.decompress(body) if name.endswith(".gz") else body, name)


def test_a_run_says_who_was_asked_and_how(bench: Bench, run: Run) -> None:
    (result,) = run.results
    offered = lab.run(bench.node, "ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key.pub").stdout.split()[1]
    assert result.access is not None
    assert result.access.become is not None
    assert result.access.host_key == f"ssh-ed25519 {offered}"
    assert (result.access.become.user, result.access.become.method) == ("root", "sudo")
    assert result.facts is not None
    assert result.facts.operator == "admin"
    assert result.facts.machine_id == lab.run(bench.node, "cat /etc/machine-id").stdout.strip()
