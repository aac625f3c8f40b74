"""The options that say how an apply goes over many targets."""

from __future__ import annotations

from typing import Annotated

import typer

from hardener.conductor import RebootPolicy, Stages

BatchesOption = Annotated[str, typer.Option("--batches", help="Sizes of batches: 1,10%,100%. The last one repeats.")]
MaxFailOption = Annotated[
    str, typer.Option("--max-fail", help="No further batch once more targets (3, or 10%) have failed.")
]
GroupOrderOption = Annotated[
    str, typer.Option("--group-order", help="Groups whose targets come first: control_plane,workers.")
]
PauseOption = Annotated[float, typer.Option("--pause", min=0.0, help="Seconds between two batches.")]
HealthOption = Annotated[
    str | None, typer.Option("--health", help="Command on this machine that must succeed before the next batch.")
]
RebootOption = Annotated[RebootPolicy, typer.Option("--reboot", help="Restart targets where a change waits for it.")]
RebootBatchOption = Annotated[str, typer.Option("--reboot-batch", help="How many (3, or 10%) are restarted at once.")]
DrainOption = Annotated[
    str | None, typer.Option("--drain", help="Command on this machine before a restart: kubectl drain {target}")
]
UndrainOption = Annotated[
    str | None, typer.Option("--undrain", help="Command on this machine after a restart: kubectl uncordon {target}")
]


def staged(
    batches: BatchesOption = "100%",
    max_fail: MaxFailOption = "0",
    group_order: GroupOrderOption = "",
    pause: PauseOption = 0.0,
    health: HealthOption = None,
    reboot: RebootOption = RebootPolicy.NEVER,
    reboot_batch: RebootBatchOption = "1",
    drain: DrainOption = None,
    undrain: UndrainOption = None,
) -> Stages:
    """How an apply goes over many targets; sizes and shares are judged before any target is contacted."""
    return Stages(
        batches=batches.split(","),
        max_fail=max_fail,
        group_order=group_order.split(",") if group_order else (),
        pause_seconds=pause,
        health=health,
        reboot=reboot,
        reboot_batch=reboot_batch,
        drain=drain,
        undrain=undrain,
    )
