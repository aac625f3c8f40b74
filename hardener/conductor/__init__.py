"""The conductor: the flows audit, plan, apply and rollback over many targets. The only place with threads."""

from hardener.conductor.applying import ApplySettings
from hardener.conductor.flows import Conductor, Seed
from hardener.conductor.guards import GUARD_SECONDS
from hardener.conductor.planning import make_plans
from hardener.conductor.progress import Progress
from hardener.conductor.record import Start, exit_code, make_run, new_run_id
from hardener.conductor.rollback import RollbackRequest, roll_back
from hardener.conductor.rollout import RebootPolicy, Rollout, Stages, resumed

__all__ = [
    "GUARD_SECONDS",
    "ApplySettings",
    "Conductor",
    "Progress",
    "RebootPolicy",
    "RollbackRequest",
    "Rollout",
    "Seed",
    "Stages",
    "Start",
    "exit_code",
    "make_plans",
    "make_run",
    "new_run_id",
    "resumed",
    "roll_back",
]
