"""sudo and su: who becomes root proves it, on a terminal of sudo's own and in a log."""

from hardener.controls.sudo import policy, su

CONTROLS = [*policy.CONTROLS, *su.CONTROLS]
