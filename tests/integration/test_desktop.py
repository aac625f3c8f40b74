"""What the lab's servers do not have, proven on one that got it: GNOME's login, as far as its settings go, and at."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from hardener import lab
from hardener.catalogue.discovery import discover
from hardener.model import Outcome
from tests.integration.proving import Bench, applicable, failing, not_failing

pytestmark = pytest.mark.lab

# An empty package of the display manager's name, for the real one is most of a desktop; dconf is real, and so is at.
PREPARATION = """\
apt-get install --quiet --yes --no-install-recommends at dconf-cli >/dev/null
mkdir --parents /etc/gdm3
printf '[daemon]\\n[xdmcp]\\nEnable=true\\n[debug]\\n' > /etc/gdm3/daemon.conf
su plain -c 'echo true | at now + 1 week' 2>/dev/null
"""
NUMBERS = count(1)
MAY_USE_AT = "echo true | su {} -c 'at now + 1 week' >/dev/null 2>&1 && echo yes || echo no"


@pytest.fixture(params=["12", "13"])
def node(request: pytest.FixtureRequest) -> Iterator[lab.Node]:
    name = f"desktop{request.param}-{next(NUMBERS)}"  # host keys are remembered by the name of their file
    lab.down(name)
    try:
        yield lab.up(name, kind="container", release=request.param, progress=print)
    finally:
        lab.down(name)


def _prepare(node: lab.Node) -> None:
    violation = discover()["desktop-gdm"].violation
    assert violation is not None
    lab.run(node, "\n".join([PREPARATION, *violation.commands]))


def test_the_desktops_controls_are_seen_failing_and_passing(node: lab.Node) -> None:
    _prepare(node)
    bench = Bench.of(node, profile="cis-level1", pattern="desktop-*")
    assert len(failing(bench.audit())) == 9

    hardened = bench.apply()
    remediable, for_a_person = applicable(bench, hardened)
    assert not failing(hardened)
    assert (len(remediable), for_a_person) == (9, [])

    runs = bench.playbook.runs
    assert not bench.apply().changes
    assert bench.playbook.runs == runs

    bench.violate(remediable)
    assert not not_failing(bench.audit(), remediable)
    assert not failing(bench.apply())
    lab.reboot(node)
    assert not failing(bench.audit())


def test_at_level_2_the_display_manager_goes_and_its_settings_with_it(node: lab.Node) -> None:
    _prepare(node)
    bench = Bench.of(node, pattern="desktop-*")
    result = bench.apply()
    assert not failing(result)
    outcomes = {item.control: item.outcome for item in result.findings}
    assert outcomes["desktop-gdm"] is Outcome.FIXED
    assert outcomes["desktop-idle-lock"] is Outcome.NOTAPPLICABLE


def test_those_who_have_jobs_in_at_keep_it_and_others_lose_it(node: lab.Node) -> None:
    _prepare(node)
    bench = Bench.of(node, pattern="cron-at-users")
    assert failing(bench.audit()) == {
        "cron-at-users": "allow is missing; will also list those who have jobs now: plain"
    }
    assert not failing(bench.apply())
    answers = [lab.run(node, MAY_USE_AT.format(user)).stdout.strip() for user in ("plain", "operator")]
    assert answers == ["yes", "no"]

    bench.violate(["cron-at-users"])
    assert "cron-at-users" in failing(bench.audit())
    assert not failing(bench.apply())
