"""auditd: what users do to the system is recorded, the records are kept, and nobody can change or silence them."""

from hardener.controls.auditd import files, rules, settings

CONTROLS = [*settings.CONTROLS, *rules.CONTROLS, *files.CONTROLS]
