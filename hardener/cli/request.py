"""The options that commands share which contact targets, and what is built from them."""

from __future__ import annotations

import functools
import getpass
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from hardener.catalogue.discovery import discover
from hardener.catalogue.profiles import DEFAULT_PROFILE, load_profile
from hardener.catalogue.waivers import load_waivers, waiver_files
from hardener.cli.options import InventoryOption, WaiversOption
from hardener.conductor import ApplySettings, Conductor, Progress
from hardener.content import roles_directories
from hardener.errors import ConfigError
from hardener.inventory import Sources, read_targets, role_defaults
from hardener.model import Scope, Target
from hardener.plan import with_checked_values
from hardener.project import Project
from hardener.selection import Selection
from hardener.transport import Client, Connect, connector

LimitOption = Annotated[str | None, typer.Option("-l", "--limit", help="Ansible pattern: only these targets.")]
AskOption = Annotated[bool, typer.Option("-K", "--ask-become-pass", help="Ask for the sudo password.")]
ExtraOption = Annotated[
    list[str] | None, typer.Option("-e", "--extra-vars", help="key=value, JSON, or @file; may be repeated.")
]
ProfileOption = Annotated[str, typer.Option("-p", "--profile", help="Name of a profile, or path of a profile file.")]
ControlsOption = Annotated[
    str,
    typer.Option(
        "--controls", metavar="GLOB", help="Only controls whose id matches, and those their remedies need to hold."
    ),
]
NoWalkOption = Annotated[
    bool, typer.Option("--no-walk", help="Do not walk all local files: what needs that reads notchecked.")
]
WorkersOption = Annotated[int, typer.Option("--workers", min=1, max=512, help="Targets looked at at once.")]
TransportOption = Annotated[
    Client, typer.Option("--transport", help="SSH client: paramiko where that will do (auto), or always one of them.")
]
GuardOption = Annotated[
    int,
    typer.Option("--guard-seconds", min=10, help="A target restores itself when nobody gets in for so long."),
]
TimeoutOption = Annotated[float, typer.Option("--connect-timeout", min=0.1, help="Seconds to wait for a connection.")]


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the options say that all commands share which contact targets."""

    project: Project
    inventory: Sequence[str]
    limit: str | None
    extra_vars: Sequence[str]
    profile: str
    controls: str
    waivers: Path | None
    no_walk: bool
    ask_become_pass: bool
    workers: int
    connect_timeout: float
    transport: Client

    def with_all_controls(self) -> Request:
        """The same for the whole catalogue."""
        return replace(self, controls="*")

    @property
    def scope(self) -> Scope:
        """What a run remembers of it: what was asked to be looked at."""
        return Scope(
            inventories=tuple(self.inventory),
            limit=self.limit,
            controls=self.controls,
            project=self.project.identity,
        )

    def waiver_files(self) -> Sequence[Path]:
        """The file that is named, or those beside the inventories."""
        return [self.waivers] if self.waivers else waiver_files(self.inventory)

    def connector(self, become_password: str | None) -> Connect:
        """What opens connections."""
        return connector(become_password=become_password, connect_seconds=self.connect_timeout, client=self.transport)

    def apply_settings(
        self, become_password: str | None, guard_seconds: int, *, all_or_nothing: bool = False
    ) -> ApplySettings:
        """How targets are changed."""
        return ApplySettings(
            inventories=self.inventory,
            extra_vars=self.extra_vars,
            roles=roles_directories(self.project.directory),
            become_password=become_password,
            operator=getpass.getuser(),
            guard_seconds=guard_seconds,
            all_or_nothing=all_or_nothing,
        )

    def become_password(self) -> str | None:
        """Asked for on the terminal; never an argument, never kept."""
        return getpass.getpass("BECOME password: ") if self.ask_become_pass else None


def refuse_unnamed(request: Request) -> None:
    """A usage error where nothing names the targets that would be changed: this machine is none by default."""
    if not request.inventory:
        reason = "nothing names a target to change (this machine is -i localhost, -e ansible_connection=local)"
        raise typer.BadParameter(reason, param_hint="--inventory")


def requested(
    context: typer.Context,
    inventory: InventoryOption = None,
    limit: LimitOption = None,
    ask_become_pass: AskOption = False,
    extra_vars: ExtraOption = None,
    profile: ProfileOption = DEFAULT_PROFILE,
    controls: ControlsOption = "*",
    waivers: WaiversOption = None,
    no_walk: NoWalkOption = False,
    workers: WorkersOption = 32,
    connect_timeout: TimeoutOption = 10.0,
    transport: TransportOption = Client.AUTO,
) -> Request:
    """The options all commands share that contact targets."""
    return Request(
        project=context.obj,
        inventory=inventory or (),
        limit=limit,
        extra_vars=extra_vars or (),
        profile=profile,
        controls=controls,
        waivers=waivers,
        no_walk=no_walk,
        ask_become_pass=ask_become_pass,
        workers=workers,
        connect_timeout=connect_timeout,
        transport=transport,
    )


def sharing(*builders: Callable[..., Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of some builders: it receives what they build as its first arguments.

    The command's own positional-only arguments come next, then its own options; typer sees all of them as one list.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        shared = [inspect.signature(builder, eval_str=True).parameters for builder in builders]
        own = list(inspect.signature(command, eval_str=True).parameters.values())[len(builders) :]
        arguments = [item.name for item in own if item.kind is item.POSITIONAL_ONLY]

        @functools.wraps(command)
        def parsed(**values: Any) -> None:
            built = [
                builder(**{name: values.pop(name) for name in names})
                for builder, names in zip(builders, shared, strict=True)
            ]
            command(*built, *(values.pop(name) for name in arguments), **values)

        listed = [item for parameters in shared for item in parameters.values()]
        parameters = [item.replace(kind=item.KEYWORD_ONLY) for item in (*listed, *own)]
        parsed.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        parsed.__annotations__ = {item.name: item.annotation for item in parameters}
        return parsed

    return decorate


def prepare(
    request: Request,
    become_password: str | None,
    progress: Progress,
    started: datetime,
    *,
    include_waived: bool = False,
) -> tuple[Conductor, Sequence[Target]]:
    """Read everything the operator wrote, refuse what is wrong, and only then build what contacts targets."""
    site = request.project.directory
    catalogue = discover(site)
    declared = load_waivers(request.waiver_files(), catalogue, request.project.longest_days)
    selection = Selection(
        catalogue=catalogue,
        profile=load_profile(request.profile, catalogue, site),
        pattern=request.controls,
        walk=not request.no_walk,
        waivers=tuple(item.waiver for item in declared),
        started=started,
        include_waived=include_waived,
    )
    if not catalogue.matching(request.controls):
        raise ConfigError(f"no control is called {request.controls!r}", location="--controls")
    sources = Sources(
        roles=roles_directories(site),
        profile_values=selection.profile.parameters,
        inventories=request.inventory,
        limit=request.limit,
        extra_vars=request.extra_vars,
        scopes={item.waiver.scope: item.location for item in declared},
    )
    defaults = role_defaults(*sources.roles)
    targets = [with_checked_values(selection, target, defaults) for target in read_targets(sources)]
    connect = request.connector(become_password)
    conductor = Conductor(
        selection=selection, connect=connect, workers=request.workers, progress=progress, defaults=defaults
    )
    return conductor, targets
