"""Drift names what happened on a real node in between: a file somebody edited, a package that came."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hardener import lab
from hardener.catalogue.recent import COMMANDS
from hardener.conductor import Start, make_run
from hardener.drift import find_drift
from hardener.model import RunKind
from hardener.store import Store
from tests.integration.proving import Bench

pytestmark = pytest.mark.lab

EMPTY_PACKAGE = """
folder=$(mktemp --directory) && mkdir "$folder/DEBIAN" && cat > "$folder/DEBIAN/control" <<'CONTROL'
Package: ftp
Version: 99:0
Architecture: all
Maintainer: lab <l@localhost>
Description: empty
CONTROL
dpkg-deb --build "$folder" /root/ftp.deb >/dev/null
dpkg --install /root/ftp.deb >/dev/null
"""


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    """One soft container node."""
    lab.down("ca-causes12")
    yield Bench.of(lab.up("ca-causes12", kind="container", release="12", progress=print))
    lab.down("ca-causes12")


def kept(bench: Bench, store: Store) -> None:
    """An audit, kept as the command line keeps it."""
    start = Start(RunKind.AUDIT)
    store.save(make_run(start, bench.conductor.selection, [bench.audit()]))


def test_drift_names_the_file_and_the_package_that_changed_in_between(bench: Bench, tmp_path: Path) -> None:
    store = Store(tmp_path / "runs.sqlite")
    lab.run(bench.node, "printf 'MaxAuthTries 4\\n' > /etc/ssh/sshd_config.d/00-own.conf; dpkg --purge ftp tnftp")
    kept(bench, store)
    kept(bench, store)
    assert find_drift(store.compare(commands=COMMANDS)).events == ()
    lab.run(bench.node, f"printf 'MaxAuthTries 50\\n' > /etc/ssh/sshd_config.d/00-own.conf\n{EMPTY_PACKAGE}")
    kept(bench, store)
    causes = {event.control: event.cause for event in find_drift(store.compare(commands=COMMANDS)).regressions}
    assert causes["sshd-maxauthtries"].startswith("/etc/ssh/sshd_config.d/00-own.conf changed at 20")
    assert causes["services-ftp-client"].startswith("package ftp absent -> 99:0 at 20")


def test_a_quiet_night_answers_the_same(bench: Bench) -> None:
    first, second = (bench.audit().transcript.answers for _ in range(2))
    assert {command: first[command] for command in COMMANDS} == {command: second[command] for command in COMMANDS}
