"""What the declarations about auditd share: its configuration, and that it has to be there at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import JsonValue

from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, Host
from hardener.catalogue.expectations import Expectation
from hardener.model import Trait

KUBERNETES = {
    Trait.KUBERNETES_WORKER: "a node that stops when its disk is full takes its pods with it",
    Trait.KUBERNETES_CONTROL_PLANE: "a node that stops when its disk is full takes the cluster with it",
}
FULL_NODES = dict.fromkeys(KUBERNETES, "a log that only grows fills the node's disk, and the kubelet evicts its pods")
LOG_FILE = "/var/log/audit/audit.log"
"""Where auditd writes if its configuration does not say."""
ABSENT: JsonValue = {"auditd": "not installed"}


def configuration(host: Host) -> Mapping[str, str]:
    """Setting of auditd.conf, in lower case, to its value, as auditd reads it: the last line of a name counts."""
    lines = [line.split() for line in seen.ask(host, "cat /etc/audit/auditd.conf").splitlines()]
    return {words[0].lower(): words[2] for words in lines if len(words) > 2 and words[1] == "="}


def log_group(host: Host) -> str:
    """The group to which auditd gives its log."""
    return configuration(host).get("log_group", "root")


def log_file(host: Host) -> str:
    """The file auditd writes."""
    return configuration(host).get("log_file", LOG_FILE)


def of_auditd(control: Control) -> Control:
    """The control, failing where auditd is not installed: nothing can be right about what is not there."""

    def observe(host: Host) -> JsonValue:
        return control.observe(host) if "auditd" in seen.installed_packages(host) else ABSENT

    def expect(values: Sequence[Any]) -> Expectation:
        wanted = control.expect(values) if control.expect else Expectation("", lambda _: ())
        return Expectation(
            wanted.words,
            lambda observed: ("auditd is not installed",) if observed == ABSENT else wanted.complaints(observed),
        )

    return replace(control, observe=observe, expect=expect if control.expect else None)
