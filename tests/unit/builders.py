"""Small catalogues, targets and recordings for tests; a host is a dict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hardener.catalogue.benchmarks import Benchmark, Recommendation
from hardener.catalogue.control import Control, Host, Parameter, Violation
from hardener.catalogue.discovery import Catalogue, catalogue_of
from hardener.catalogue.expectations import at_most, equals
from hardener.catalogue.profiles import Profile, of_levels
from hardener.catalogue.recent import COMMANDS
from hardener.catalogue.sshd_ports import LISTENERS, UNITS
from hardener.facts import CONNECTION, LAST_RUN
from hardener.model import Answer, Connection, Facts, Platform, Severity, Target, Trait
from hardener.selection import Selection
from hardener.transport.batch import Batch

HERE = "all: {hosts: {this-machine: {ansible_connection: local}}}\n"
"""An inventory that names this machine."""
WORDS: dict[str, Any] = {
    "title": "A title",
    "why": "A reason.",
    "severity": Severity.MEDIUM,
    "remedy": "Does it.",
    "violation": Violation(["false"]),
}


FACTS = Facts(
    platform=Platform(family="debian", release="12"),
    kernel="6.1.0",
    machine_id="0",
    operator="admin",
    operator_groups=("admin", "sudo"),
    is_root=True,
    has_python=True,
)
"""What a Debian 12 says of itself, where a test needs no more than that."""


def number_control(subject: str, **changes: Any) -> Control:
    """Observes the number a command named after the subject prints; at most the parameter is acceptable."""

    def observe(host: Host) -> int:
        return int(host.run(f"number {subject}").stdout)

    fields: dict[str, Any] = {
        "subject": subject,
        "observe": observe,
        "expect": lambda values: at_most(values[0]),
        "parameters": [Parameter("numbers", (subject,), at_most)],
        **WORDS,
    }
    return Control(**{**fields, **changes})


def two_question_control(subject: str) -> Control:
    """Asks a second question only once the first is answered."""

    def observe(host: Host) -> str:
        where = host.run(f"where {subject}").stdout.strip()
        return host.run("read %s", where).stdout.strip()

    return Control(
        subject=subject,
        observe=observe,
        expect=lambda values: equals(values[0]),
        parameters=[Parameter("words", (subject,), equals)],
        **WORDS,
    )


def catalogue() -> Catalogue:
    """Two roles: one, two (level 2) and chained of ``alpha``; manual and not in containers of ``beta``."""
    return leveled(
        alpha=[number_control("one"), number_control("two"), two_question_control("chained")],
        beta=[
            number_control("manual", expect=None, parameters=[], is_remediable=False, violation=None),
            number_control("metal", unless={Trait.CONTAINER: "belongs to the host"}),
        ],
    )


def leveled(**controls: Sequence[Control]) -> Catalogue:
    """Controls by role, of which the benchmark for Debian 12 has all on level 1, but for ``alpha-two``."""
    made = catalogue_of(controls.items())
    deeper = {"alpha-two"} & made.keys()
    numbers = {"1.2.3": (1, made.keys() - deeper), "1.2.4": (2, deeper)}
    recommendations = {
        number: Recommendation(level=level, judged_by="machine", controls=sorted(ids))
        for number, (level, ids) in numbers.items()
    }
    made.benchmarks = [
        Benchmark("sample-1", "A benchmark", recommendations, reference="cis-debian12", platform=FACTS.platform)
    ]
    return made


DEFAULTS: Mapping[str, Any] = {
    "alpha_numbers": {"one": 10, "two": 20},
    "alpha_words": {"chained": "good"},
    "beta_numbers": {"metal": 5},
}


def selection(pattern: str = "*", levels: tuple[int, ...] = (1, 2)) -> Selection:
    """The catalogue under a profile of some levels."""
    return selection_of(catalogue(), pattern, levels)


def selection_of(controls: Catalogue, pattern: str = "*", levels: tuple[int, ...] = (1, 2)) -> Selection:
    """Controls under a profile of some levels of whichever benchmark is the target's own."""
    profile = Profile(name="sample", title="t", parts=of_levels(levels, controls.benchmarks))
    return Selection(controls, profile, pattern)


def target(name: str = "node", **changes: Any) -> Target:
    """A target with the default values."""
    return Target(name=name, connection=Connection(host=name), values=DEFAULTS, **changes)


def answer(stdout: str = "", status: int = 0, stderr: str = "") -> Answer:
    """A complete answer."""
    return Answer(exit_status=status, stdout=stdout.encode(), stderr=stderr.encode())


def answers_of(batch: Batch, stdout: bytes, stderr: bytes, *, unfinished: str = "unfinished") -> Mapping[str, Answer]:
    """What a batch makes of all bytes of both streams."""
    output, errors = batch.reader(), batch.reader()
    output.feed(stdout)
    errors.feed(stderr)
    return batch.answers(output, errors, unfinished=unfinished)


def facts_answers(*, container: bool = False, root: bool = True, python: bool = True) -> dict[str, Answer]:
    """What a Debian 12 answers to the questions every audit asks."""
    listing = "ls -d /etc/kubernetes/manifests/kube-apiserver.yaml /var/lib/kubelet/config.yaml "
    listing += "/run/containerd/containerd.sock /run/crio/crio.sock /run/docker.sock 2>/dev/null"
    return {
        "cat /etc/os-release": answer('ID=debian\nVERSION_ID="12"\n'),
        "systemd-detect-virt --container": answer("systemd-nspawn\n") if container else answer("none\n", 1),
        "systemd-detect-virt --vm": answer("kvm\n"),
        listing: answer("", 2),
        "systemctl is-active display-manager.service": answer("inactive\n", 3),
        "uname -r": answer("6.1.0\n"),
        "cat /etc/machine-id": answer("0123\n"),
        'echo "${SUDO_USER:-$(id -un)}"': answer("admin\n"),
        'id -Gn "${SUDO_USER:-$(id -un)}"': answer("admin sudo\n"),
        LAST_RUN: answer(""),
        CONNECTION: answer("192.0.2.7 192.0.2.1 2222\n"),
        UNITS: answer("MainPID=9\nId=ssh.service\nActiveState=active\n"),
        LISTENERS: answer('LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=9,fd=3))\n'),
        "id -u": answer("0\n" if root else "1000\n"),
        "command -v python3": answer("/usr/bin/python3\n") if python else answer("", 127),
        **dict.fromkeys(COMMANDS, answer()),
    }


def healthy(**changes: Answer) -> dict[str, Answer]:
    """A target on which every control of the catalogue holds."""
    return {
        **facts_answers(),
        "number one": answer("10\n"),
        "number two": answer("20\n"),
        "where chained": answer("/etc/a b\n"),
        "read '/etc/a b'": answer("good\n"),
        "number manual": answer("1\n"),
        "number metal": answer("5\n"),
        **changes,
    }
