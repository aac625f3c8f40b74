"""Expectations: what they accept, and what they say of what they do not."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hardener.catalogue.expectations import version_at_least

VERSIONS = some.from_regex(r"([0-2]:)?[0-9][0-9a-c.+~]{0,5}(-[0-9a-c.+~]{1,4})?", fullmatch=True)


@pytest.mark.parametrize(
    ("version", "oldest", "is_accepted"),
    [
        ("1.5.2-6+deb12u1", "1.5.2-6", True),
        ("1.5.2-6", "1.5.2-6", True),
        ("1.7.0-5", "1.5.2-6", True),
        ("1.10.0-1", "1.9.0-1", True),
        ("1:0.1-1", "1.5.2-6", True),
        ("1.5.2-6~bpo11", "1.5.2-6", False),
        ("1.5.2~rc1-7", "1.5.2-6", False),
        ("0.1", "1.5.2-6", False),
    ],
)
def test_versions_are_ordered_as_packages_are(version: str, oldest: str, is_accepted: bool) -> None:
    assert version_at_least(oldest).accepts(version) is is_accepted


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="compares with dpkg")
@given(VERSIONS, VERSIONS)
def test_versions_are_ordered_as_dpkg_orders_them(version: str, oldest: str) -> None:
    answer = subprocess.run(["dpkg", "--compare-versions", version, "ge", oldest], check=False).returncode
    assert version_at_least(oldest).accepts(version) is (answer == 0)
