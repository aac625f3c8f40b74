"""Throw-away nodes to try everything on: full virtual machines and containers that only this machine can reach."""

from hardener.lab.image import build_image
from hardener.lab.lifecycle import down, down_all, is_node, nodes, reboot, run, ssh_command, up
from hardener.lab.node import KINDS, RELEASES, Node, default_name, get
from hardener.lab.tools import missing_tools

__all__ = [
    "KINDS",
    "RELEASES",
    "Node",
    "build_image",
    "default_name",
    "down",
    "down_all",
    "get",
    "is_node",
    "missing_tools",
    "nodes",
    "reboot",
    "run",
    "ssh_command",
    "up",
]
