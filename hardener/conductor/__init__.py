"""The conductor: the flows audit, plan and apply over many targets."""

from hardener.conductor.flows import ApplySettings, Conductor, Seed
from hardener.conductor.planning import make_plans
from hardener.conductor.progress import Progress
from hardener.conductor.record import exit_code, make_run, new_run_id

__all__ = ["ApplySettings", "Conductor", "Progress", "Seed", "exit_code", "make_plans", "make_run", "new_run_id"]
