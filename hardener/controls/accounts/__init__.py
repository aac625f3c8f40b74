"""Accounts: how passwords age, who is who, what home directories give away, and the sessions people get."""

from hardener.controls.accounts import ageing, entries, environment, homes, people

CONTROLS = [*ageing.CONTROLS, *environment.CONTROLS, *people.CONTROLS, *entries.CONTROLS, *homes.CONTROLS]
