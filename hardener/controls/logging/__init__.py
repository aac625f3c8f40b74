"""Logging: the journal keeps what happens, one system is in charge, and only those who may can read it."""

from hardener.controls.logging import files, journald, rsyslog

CONTROLS = [*journald.CONTROLS, *rsyslog.CONTROLS, *files.CONTROLS]
