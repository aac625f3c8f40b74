"""PAM: how local accounts log in, when they are locked, and which passwords they may choose."""

from hardener.controls.pam import passwords, stacks

CONTROLS = [*stacks.CONTROLS, *passwords.CONTROLS]
