"""Of whom it is required: targets, how to reach them, and what they say of themselves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, TypeAlias

from pydantic import Field, PlainSerializer

from hardener.model.names import MachineId, Name, RunId
from hardener.model.requirement import Platform, Trait
from hardener.model.word import Word

Values: TypeAlias = Mapping[str, Any]
"""Role variables of one target, fully rendered: ``{"kernel_sysctl": {"kernel.randomize_va_space": 2}}``."""


def _in_order(traits: frozenset[Trait]) -> list[Trait]:
    """A set has no order of its own."""
    return sorted(traits)


class Become(Word):
    """How to turn into the user that may see everything; the password travels apart, never in a model."""

    user: str = "root"
    method: str = "sudo"


class Connection(Word):
    """How to reach one target, in the words of Ansible's connection variables.

    ``None`` means that the ssh configuration, then ssh's own default, decides.
    """

    kind: str = "ssh"
    """``ssh`` or ``local``."""
    host: str
    port: int | None = None
    user: str | None = None
    private_key_file: str | None = None
    ssh_options: Mapping[str, str] = Field(default_factory=dict)
    """Options of ``ansible_ssh_common_args`` by lower-cased ssh_config name."""
    become: Become | None = None
    python: str | None = None


class Target(Word):
    """One host of the inventory: how to reach it and which values it shall have."""

    name: Name
    groups: tuple[Name, ...] = ()
    connection: Connection
    values: Mapping[str, Any] = Field(default_factory=dict)
    """Resolved role variables: role defaults < profile < inventory < extra variables."""
    origins: Mapping[str, str] = Field(default_factory=dict)
    """Where a value that is no role default was written: ``sshd_options.maxauthtries`` → ``file:line``."""
    traits: frozenset[Trait] = frozenset()
    """Traits the inventory declares; observed ones are added to them."""
    platform: Platform | None = None
    """The system that the inventory declares it to be as good as."""
    scopes: frozenset[str] = frozenset()
    """The scopes of waivers, Ansible host patterns, that it is in."""


class Access(Word):
    """How a run got in to ask a target, as the controller knows it."""

    at: datetime
    """When the connection stood; every answer is from after that, within the seconds the result took."""
    host_key: str | None = None
    """Kind and fingerprint of the verified host key: ``ssh-ed25519 SHA256:…``; this machine itself has none."""
    become: Become | None = None
    """As whom the questions were asked, and how; ``None`` where it was the account that logged in."""


class LastRun(Word):
    """The newest run that touched a target, as the target itself keeps it."""

    run: RunId
    operator: str
    state: str
    """``armed``, ``restoring``, ``released`` (the changes stay) or ``restored`` (everything was brought back)."""
    reason: str = ""
    """Why it was restored."""


class Facts(Word):
    """What a target says of itself; observed in the same round trip as everything else."""

    platform: Platform
    """The system, as its os-release has it."""
    made_from: tuple[str, ...] = ()
    """The systems it says it is made from."""
    declared_as: Platform | None = None
    """The system the inventory declares it to be as good as, where that is another one."""
    traits: Annotated[frozenset[Trait], PlainSerializer(_in_order, when_used="json")] = frozenset()
    kernel: str
    machine_id: MachineId
    operator: str
    """The account that logged in, before any become."""
    operator_groups: tuple[str, ...] = ()
    operator_address: str | None = None
    """From where the operator came; ``None`` for this machine itself."""
    ssh_ports: tuple[int, ...] = ()
    """TCP ports on which sshd listens, and the one the operator came in by."""
    is_root: bool
    """Whether the questions were asked as root."""
    has_python: bool
    last_run: LastRun | None = None
    """``None`` where no run has touched it, or where we are not root."""

    @property
    def judged_as(self) -> Platform:
        """The system whose controls and benchmark count."""
        return self.declared_as or self.platform

    @property
    def system(self) -> str:
        """What it is, for people: ``ubuntu 22.04, declared as debian 12``."""
        return f"{self.platform}, declared as {self.declared_as}" if self.declared_as else str(self.platform)
