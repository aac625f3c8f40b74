"""Every question of the catalogue that reads what may hold a secret: why its answer cannot, or what is masked of it."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from hardener.catalogue.control import CouldNotLook, NotApplicable
from hardener.catalogue.discovery import discover
from hardener.model import Answer, Transcript
from hardener.transcript import NoAnswer, Unanswered, host_of

RECORDED = sorted((Path(__file__).parents[1] / "transcripts").glob("*.json.gz"))

REASONS = {
    # What says nothing of what is in a file.
    r"^for path in .*(stat -L|echo \"\$path\"|echo \"\$\{path##\*/\}\")": "attributes and names of files",
    r"^\[ -f .* && echo yes|^test -s |^ls -d |^command -v |^\[ -e /etc/init.d": "whether a file is there",
    r"^find (/lib/modules/|/boot|/var/log|/var/lib/apt/lists).*-printf|^file=.*aide": "names, modes and times of files",
    r"^\n(LC_ALL=C.*\n)?(set -f\n)?systems=|printf 'r 0 0 0|^grep -lsE": "names, modes and owners of files",
    r"^find /etc /boot/grub": "names and times of files that changed last",
    r"^\n\[ -r /var/log/audit/audit\.log": "who wrote a watched file, by account and program, without its arguments",
    r"sha256sum": "digests of keyrings, which hold public keys",
    # What the kernel and systemd tell of themselves.
    r"^cat /proc/(modules|cmdline)|^\[ ! -e /(proc/net|sys/fs/selinux)/|modules\.builtin": "masked options",
    r"^(sysctl --ignore|uname|id |echo |systemd-detect-virt|ip -6|ss |ps |findmnt)": "state by name, masked options",
    r"^systemctl (is-active|list-unit-files|is-enabled)|^units=": "names and states of units, not what they run",
    r"^systemctl (show|cat)": "options, arguments and environments of units are masked",
    r"^ends=\$\(systemctl show": "of what units run, what takes permissions of files",
    r"^told=\$\(aa-status|^apparmor_|apparmor": "names and modes of profiles",
    r"^(nft|\[ -e /etc/hardener/firewall\.nft)|^ufw|^iptables": "rules of our own table",
    r"^set -e\necho '=== status'|^augenrules|^auditctl": "audit rules; comments are masked",
    r"/proc/\$pid/environ": "one variable of an environment, by its name",
    # Packages and where they come from.
    r"^dpkg-query|^dpkg |^\ninstalled=\$\(dpkg-query|^apt-mark|reboot-required|dpkg\.log": (
        "names and versions of packages"
    ),
    r"^apt-config dump|^apt-cache policy|^find /etc/apt": "passwords in addresses and options are masked",
    # Accounts.
    r"^awk .*/etc/(shadow|passwd)'?$": "of the password only whether it is set",
    r"/etc/shells|^cut -d : -f 1,3,4 /etc/group|/etc/login.defs|^useradd -D": "no field that could hold one",
    r"^getent": "hashes where passwd has any are masked",
    r"\"hardener login|hardener login umask": "what start-up files print is masked like everything",
    # Configuration that people write: comments and values are masked.
    r"systemd-analyze .*cat-config|systemd-sysctl --cat-config|^modprobe --show": "settings and comments are masked",
    r"^lines=\$\(systemd-tmpfiles": "only the lines about the journal, which write nothing into files",
    r"^cat /etc/(fstab|os-release|machine-id|audit/|pam.d/su|security/)": "options and comments are masked",
    r"^cd /etc/pam.d|/etc/security/(faillock|pwquality)|^cat .*limits": "masked arguments",
    r"^cvtsudoers|^visudo|sudoers": "arguments of commands are masked",
    r"^sshd -T": "the environment it sets is masked",
    r"^postconf -h inet_interfaces": "one setting, by its name",
    r"^rsyslogd -N1": "passwords of databases, as it writes them in both forms, and comments are masked",
    r"^find /etc/logrotate": "neither comments nor scripts",
    r"cron": "of crontabs the lines about aide, masked; of cron.allow names",
    r"^chronyd -p": "servers and users; keys are in a file of their own that is not read",
    r"aide": "the lines that pick files",
    r"/boot/grub|/boot/loader": "GRUB's hashes only by their kind; what is called a secret on a command line is masked",
    r"/etc/(motd|issue)": "what everybody may read before or after a login; masked all the same",
    r"update-motd": "names of programs",
    r"/var/lib/hardener": "what the last run left: its id, operator and state",
}
"""A pattern over questions → why a secret is not in the answer."""


@cache
def questions() -> tuple[str, ...]:
    """Everything that real nodes were asked, and what other nodes would be."""
    return tuple(sorted(set(_recorded()) | set(_missing())))


def _transcripts() -> Iterator[Transcript]:
    for file in RECORDED:
        yield Transcript.model_validate(json.loads(gzip.decompress(file.read_bytes())))


def _recorded() -> Iterator[str]:
    for transcript in _transcripts():
        yield from transcript.answers


def _missing() -> Iterator[str]:
    for transcript in _transcripts():
        known = dict(transcript.answers)
        while missing := set(_unanswered(known)):
            yield from missing
            known |= {command: Answer(exit_status=0) for command in missing}


def _unanswered(known: dict[str, Answer]) -> Iterator[str]:
    for control in discover().values():
        host, _ = host_of(known)
        try:
            control.observe(host)
        except Unanswered as unanswered:
            yield unanswered.question.command
        except (NoAnswer, CouldNotLook, NotApplicable, ValueError, LookupError):
            continue


@pytest.mark.parametrize("question", questions(), ids=lambda text: " ".join(text.split())[:60])
def test_somebody_has_thought_of_secrets(question: str) -> None:
    assert any(re.search(pattern, question) for pattern in REASONS), question


def test_every_reason_is_about_a_question() -> None:
    unused = {pattern for pattern in REASONS if not any(re.search(pattern, question) for question in questions())}
    assert unused == set()
