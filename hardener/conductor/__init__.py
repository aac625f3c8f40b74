"""The conductor: the flows audit, plan, apply and rollback over many targets; the controller has no other threads."""

from hardener.conductor.flows import Audit, Conductor, Seed
from hardener.conductor.guards import GUARD_SECONDS
from hardener.conductor.planning import make_plans
from hardener.conductor.progress import Progress
from hardener.conductor.record import Start, exit_code, make_run, new_run_id
from hardener.conductor.rollback import Rollback, RollbackRequest, chosen_changes
from hardener.conductor.rollout import RebootPolicy, Rollout, Stages, resumed
from hardener.conductor.settings import ApplySettings

__all__ = [
    "GUARD_SECONDS",
    "ApplySettings",
    "Audit",
    "Conductor",
    "Progress",
    "RebootPolicy",
    "Rollback",
    "RollbackRequest",
    "Rollout",
    "Seed",
    "Stages",
    "Start",
    "chosen_changes",
    "exit_code",
    "make_plans",
    "make_run",
    "new_run_id",
    "resumed",
]
