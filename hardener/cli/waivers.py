"""The commands about waivers: what is accepted, what there is to say about it, and one more."""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from hardener.catalogue.discovery import discover
from hardener.catalogue.waivers import FILE_NAME, added, load_waivers, waiver_files
from hardener.cli.options import InventoryOption, StoreOption, WaiversOption, deliver, open_store
from hardener.content import roles_directories
from hardener.errors import ConfigError, ExitCode
from hardener.inventory import Sources, read_targets
from hardener.model import RunKind, Waiver, WaiverKind
from hardener.reports import listing
from hardener.reports.arranged import moment, value_words
from hardener.waiving import Review

app = typer.Typer(
    help="Failures that are accepted, by whom and until when.", no_args_is_help=True, rich_markup_mode=None
)
LONGEST_VALUE = 100


@app.command("list")
def list_waivers(context: typer.Context, inventory: InventoryOption = None, waivers: WaiversOption = None) -> None:
    """Show every waiver, and whether it counts now.

    Example: hardener waivers list -i hosts.yml
    """
    now = datetime.now(UTC)
    declared = load_waivers(_files(inventory, waivers), discover(context.obj.directory), context.obj.longest_days)
    rows = [
        (
            item.waiver.id,
            item.waiver.controls,
            item.waiver.scope,
            "any" if item.waiver.observed is None else value_words(item.waiver.observed, LONGEST_VALUE),
            item.waiver.kind.value,
            item.waiver.reason,
            item.waiver.approved_by,
            moment(item.waiver.expires),
            _state(item.waiver, now),
        )
        for item in declared
    ]
    header = ("waiver", "controls", "scope", "observed", "kind", "reason", "approved by", "expires", "state")
    deliver(listing.table(header, rows), None)


def _state(waiver: Waiver, now: datetime) -> str:
    if waiver.is_in_effect(now):
        return "in effect"
    return "expired" if waiver.expires <= now else "not yet in effect"


@app.command("lint")
def lint_waivers(
    context: typer.Context,
    inventory: InventoryOption = None,
    waivers: WaiversOption = None,
    within: Annotated[int, typer.Option(min=0, help="Days: what expires so soon is told.")] = 30,
    store: StoreOption = None,
) -> None:
    """Say which waivers are expired, expire soon, name no target, are shadowed, or covered nothing in the newest audit.

    Contacts nobody; exits with 1 where there is anything to say. Example: hardener waivers lint -i hosts.yml
    """
    catalogue = discover(context.obj.directory)
    declared = load_waivers(_files(inventory, waivers), catalogue, context.obj.longest_days)
    scopes = {item.waiver.scope: item.location for item in declared}
    roles = roles_directories(context.obj.directory)
    sources = Sources(roles=roles, inventories=inventory or (), scopes=scopes)
    opened = open_store(store, context.obj)
    newest = opened.newest(RunKind.AUDIT)
    review = Review(
        catalogue=catalogue,
        targets=read_targets(sources),
        moment=datetime.now(UTC),
        within=timedelta(days=within),
        newest=opened.load(newest) if newest else None,
    )
    remarks = review.remarks(declared)
    if remarks:
        deliver("".join(f"{item.location}: {item.waiver}: {item.text}\n" for item in remarks), None)
        raise typer.Exit(ExitCode.FINDINGS)


@app.command("add")
def add_waiver(
    context: typer.Context,
    identifier: Annotated[str, typer.Option("--id", help="Its name, unique among all.")],
    controls: Annotated[str, typer.Option(metavar="GLOB", help="The controls it is about.")],
    kind: Annotated[WaiverKind, typer.Option(help="Why the failure may stay.")],
    reason: Annotated[str, typer.Option(help="The reason in a sentence.")],
    requested_by: Annotated[str, typer.Option(help="Who asks for it.")],
    approved_by: Annotated[str, typer.Option(help="Who answers for it: somebody else.")],
    expires: Annotated[str, typer.Option(help="The instant it ends, with a time zone: 2027-03-01T00:00:00Z")],
    effective: Annotated[str | None, typer.Option(help="The instant it begins [default: now]")] = None,
    scope: Annotated[str, typer.Option(help="Ansible pattern: the targets it is about.")] = "all",
    observed: Annotated[str | None, typer.Option(help="Only where this is observed; may be a pattern.")] = None,
    ticket: Annotated[str | None, typer.Option(help="Where it was decided.")] = None,
    inventory: InventoryOption = None,
    waivers: WaiversOption = None,
) -> None:
    """Append a waiver to the file; every other line stays, and nothing is written that is not valid.

    Example: hardener waivers add --id legacy-nfs --controls services-rpcbind --scope nfs --kind accepted-risk
    --reason 'Clients mount by NFS 3.' --requested-by ann --approved-by bob --expires 2027-03-01T00:00:00Z
    """
    now = datetime.now(UTC)
    fields = {
        "id": identifier,
        "controls": controls,
        "scope": scope,
        "observed": observed,
        "kind": kind.value,
        "reason": reason,
        "requested_by": requested_by,
        "approved_by": approved_by,
        "ticket": ticket,
        "effective": effective or now.isoformat(timespec="seconds"),
        "expires": expires,
    }
    file = _only(_files(inventory, waivers) or [Path(source).parent / FILE_NAME for source in inventory or ()])
    said = {name: value for name, value in fields.items() if value is not None}
    text, waiver = added(file, said, discover(context.obj.directory), context.obj.longest_days, now)
    _replace(file, text)
    deliver(f"{file}: {waiver.id} counts until {moment(waiver.expires)}\n", None)


def _files(inventory: list[str] | None, waivers: Path | None) -> list[Path]:
    return [waivers] if waivers else [*waiver_files(inventory or ())]


def _only(files: list[Path]) -> Path:
    if len(files) != 1:
        raise typer.BadParameter("name the file to append to", param_hint="--waivers")
    return files[0]


def _replace(file: Path, text: str) -> None:
    """Write the file: whole or not at all, and as readable as it was."""
    file = file.resolve()
    try:
        with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False, encoding="utf-8", newline="") as new:
            new.write(text)
        if file.exists():
            shutil.copymode(file, new.name)
        else:
            Path(new.name).chmod(0o644)
        Path(new.name).replace(file)
    except OSError as error:
        raise ConfigError(error.strerror or str(error), location=str(file)) from None
