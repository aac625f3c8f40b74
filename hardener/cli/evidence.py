"""The commands about evidence: keygen, export, verify."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from hardener import evidence, reports
from hardener.approval import read_plans
from hardener.catalogue.discovery import discover
from hardener.cli.options import StoreOption, deliver, open_store
from hardener.cli.runs import RunArgument
from hardener.content import roles_directories
from hardener.errors import ConfigError, ExitCode
from hardener.evidence import Difference, KeyRefused, Packed, PublicKey, Signer, Verified
from hardener.inventory import role_defaults
from hardener.model import Link, Run, counted
from hardener.project import Project
from hardener.reports import listing
from hardener.reports.listing import visible_line
from hardener.transport.agent import signed_by_agent

app = typer.Typer(
    help="A run as a signed bundle, for whoever has to trust it elsewhere.", no_args_is_help=True, rich_markup_mode=None
)
BundleArgument = Annotated[Path, typer.Argument(metavar="BUNDLE", help="A bundle that export made.")]
REPORTS = ("csv", "html", "json")
"""The formats that a bundle carries: to read, to sort, to work on. Every other can be made of what is in it."""
OTHERS = 0o077


@app.command("keygen")
def keygen(
    output: Annotated[Path, typer.Option("-o", "--output", help="The private key; the public one is put beside it.")],
) -> None:
    """Make an Ed25519 key that signs bundles; never overwrites one.

    Example: hardener evidence keygen -o evidence.key
    """
    key = evidence.PrivateKey.made()
    public = output.with_name(f"{output.name}.pub")
    if public.exists():
        raise ConfigError("is there already", location=str(public))
    _create(output, key.pem, 0o600)
    _create(public, key.public.pem, 0o644)
    deliver(f"{key.public.id}: {output} signs, {public} verifies\n", None)


@app.command("export")
def export(
    context: typer.Context,
    run: RunArgument,
    output: Annotated[Path, typer.Option("-o", "--output", help="The bundle.")],
    key: Annotated[
        Path,
        typer.Option("--key", help="Private key of keygen, or an OpenSSH public key whose private one ssh-agent has."),
    ],
    plan: Annotated[Path | None, typer.Option("--plan", help="Pack this approved plan as well.")] = None,
    store: StoreOption = None,
) -> None:
    """Pack a run with its reports, transcripts, waivers and controls, and sign all of it.

    Example: hardener evidence export latest -o run.evidence --key evidence.key
    """
    signer = _signer(key)
    loaded, chain = open_store(store, context.obj).load_chained(run)
    if plan is not None:
        read_plans(plan)  # refuses what is none
    packed = Packed(run=loaded, chain=chain, reports=_reports(loaded), plan=plan.read_bytes() if plan else None)
    deliver([evidence.pack(packed, signer)], output)
    typer.echo(f"run {loaded.id} signed with {signer.public.id}", err=True)


@app.command("verify")
def verify(
    context: typer.Context,
    bundle: BundleArgument,
    key: Annotated[Path, typer.Option("--key", help="The signer's public key, in PEM form or as OpenSSH writes it.")],
    earlier: Annotated[
        Path | None, typer.Option("--earlier", metavar="BUNDLE", help="An earlier bundle of the same store.")
    ] = None,
    rejudge: Annotated[
        bool, typer.Option("--rejudge", help="Judge the stored answers anew with the installed controls.")
    ] = False,
) -> None:
    """Say whether a bundle is what was signed, and name what was changed; needs no network, store or target.

    With --earlier, the runs of the other bundle have to be at the beginning of this one's chain.

    Exits with 0 where all is as signed, with 1 where something was changed or is judged otherwise, and with 2 where
    something cannot be judged anew. Example: hardener evidence verify run.evidence --key evidence.key.pub
    """
    public = _public_key(key)
    before = _earlier_chain(earlier, public) if earlier else ()
    verified = evidence.verify(_read(bundle), public, before)
    deliver(_told(verified, public), None)
    if verified.run is None:
        raise typer.Exit(ExitCode.FINDINGS)
    if rejudge:
        raise typer.Exit(_rejudge(verified.run, context.obj))


def _told(verified: Verified, key: PublicKey) -> str:
    if verified.problems or verified.about is None:
        return "".join(f"{visible_line(line)}\n" for line in verified.problems)
    about, pruned = verified.about, sum(link.pruned is not None for link in verified.about.chain)
    what = f"{about.kind}, {about.profile}, {counted(len(about.targets), 'target')}"
    place = f"number {len(about.chain)} of its chain, of which {pruned} were pruned"
    return visible_line(f"run {about.run} ({what}) by {about.operator} is as {key.id} signed it; {place}") + "\n"


def _rejudge(run: Run, project: Project) -> ExitCode:
    """Tell what the installed controls judge otherwise."""
    defaults = role_defaults(*roles_directories(project.directory))
    found = list(evidence.rejudge(run, discover(project.directory), defaults))
    if not found:
        deliver("judged anew: the same findings\n", None)
        return ExitCode.COMPLIANT
    header = ("target", "control", "was", "is now", "what differs")
    deliver(listing.table(header, [_row(item) for item in found]), None)
    return ExitCode.FINDINGS if any(item.now for item in found) else ExitCode.INCOMPLETE


def _row(item: Difference) -> Sequence[str]:
    now = item.now.outcome.value if item.now else "not judged"
    return item.target, item.control, item.was.outcome.value, now, item.reason


def _earlier_chain(bundle: Path, key: PublicKey) -> Sequence[Link]:
    verified = evidence.verify(_read(bundle), key)
    if verified.problems or verified.about is None:
        raise ConfigError(visible_line(verified.problems[0]), location=str(bundle))
    return verified.about.chain


def _reports(run: Run) -> dict[str, bytes]:
    return {f"report.{name}": b"".join(reports.render(run, run.results, name)) for name in REPORTS}


# --- keys -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Agent:
    """A signer whose private key only an ssh-agent has."""

    public: PublicKey
    location: str

    def sign(self, data: bytes) -> bytes:
        signature = signed_by_agent(base64.b64decode(self.public.ssh.split()[1]), data)
        if signature is None:
            raise ConfigError("no ssh-agent signs with this key: see 'ssh-add -l'", location=self.location)
        return signature


def _signer(file: Path) -> Signer:
    data = _read(file)
    try:
        if data.startswith(b"ssh-"):
            return _Agent(evidence.read_public_key(data), str(file))
        if file.stat().st_mode & OTHERS:
            raise ConfigError("others can read this key: chmod 0600", location=str(file))
        return evidence.read_private_key(data)
    except KeyRefused as refused:
        raise ConfigError(str(refused), location=str(file)) from None


def _public_key(file: Path) -> PublicKey:
    try:
        return evidence.read_public_key(_read(file))
    except KeyRefused as refused:
        raise ConfigError(str(refused), location=str(file)) from None


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(error.strerror or str(error), location=str(file)) from None


def _create(file: Path, data: bytes, mode: int) -> None:
    """Make a file that is not there yet, closed from its first moment on."""
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as opened:
            os.fchmod(opened.fileno(), mode)  # the umask closes it, and others verify with the public one
            opened.write(data)
    except FileExistsError:
        raise ConfigError("is there already", location=str(file)) from None
    except OSError as error:
        raise ConfigError(error.strerror or str(error), location=str(file)) from None
