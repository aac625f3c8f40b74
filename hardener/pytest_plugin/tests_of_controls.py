"""What pytest collects: one test for each control that the profile selects, on each host of testinfra."""

from __future__ import annotations

from typing import Any

import pytest

from hardener.model import Outcome
from hardener.pytest_plugin import CHECKS


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The controls; testinfra adds the hosts."""
    metafunc.parametrize("control", metafunc.config.stash[CHECKS].controls())


def test_control(control: str, host: Any, pytestconfig: pytest.Config) -> None:
    """Fails where it does not hold or nobody could look; skipped where it does not apply or a person decides."""
    finding = pytestconfig.stash[CHECKS].finding(control, host)
    told = f"{finding.outcome.value}: {finding.reason}"
    if finding.outcome in {Outcome.FAIL, Outcome.ERROR}:
        pytest.fail(f"{told}; expected: {finding.expected}" if finding.expected else told, pytrace=False)
    if finding.outcome is not Outcome.PASS:
        pytest.skip(told)
