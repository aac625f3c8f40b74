"""A plug-in for pytest: our controls as tests of stock testinfra, one test a control and host.

``pytest --hosts=ansible://web --ansible-inventory=hosts.yml --sudo --hardener-profile cis-level1``. Without
``--hardener-profile`` it does nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

CHECKS = pytest.StashKey[Any]()
"""Where pytest's configuration keeps what hosts are held to."""
TESTS = Path(__file__).with_name("tests_of_controls.py")


def pytest_addoption(parser: pytest.Parser) -> None:
    """What to hold the hosts to."""
    group = parser.getgroup("hardener", "hardener: hold the hosts of testinfra to a profile")
    group.addoption("--hardener-profile", metavar="NAME", help="profile, or a file: cis-level1")
    group.addoption("--hardener-controls", metavar="GLOB", default="*", help="only controls of these ids: 'sshd-*'")
    group.addoption("--hardener-site", metavar="DIR", type=Path, help="controls and profiles of your own")


def pytest_configure(config: pytest.Config) -> None:
    """Read what is asked for, and collect its tests beside those that are named, or instead of all that lie here."""
    if (profile := config.getoption("--hardener-profile")) is None:
        return
    # Only now: a plug-in of an installed package is read by every pytest there is.
    from hardener.errors import HardenerError  # noqa: PLC0415
    from hardener.pytest_plugin.checks import Checks  # noqa: PLC0415

    inventory = config.getoption("--ansible-inventory")
    try:
        config.stash[CHECKS] = Checks.of(
            profile,
            pattern=config.getoption("--hardener-controls"),
            site=config.getoption("--hardener-site"),
            inventories=[inventory] if inventory else [],
        )
    except HardenerError as error:
        raise pytest.UsageError(str(error)) from None
    named = config.args if config.args_source is pytest.Config.ArgsSource.ARGS else []
    config.args = [*named, str(TESTS)]
