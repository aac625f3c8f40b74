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
from tests.integration.snapshots import KIND, RELEASE

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
    """One soft node."""
    name = f"ca-causes-{KIND}{RELEASE}"
    lab.down(name)
    yield Bench.of(lab.up(name, kind=KIND, release=RELEASE, progress=print))
    lab.down(name)


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


@pytest.mark.skipif(KIND == "container", reason="auditd needs a kernel of its own: make drill")
def test_drift_names_who_wrote_a_file_where_auditd_watches(bench: Bench, tmp_path: Path) -> None:
    watched = Bench.of(bench.node, pattern="[as]ud*")  # what auditd and sudo are judged by
    watched.apply()
    store = Store(tmp_path / "runs.sqlite")
    kept(watched, store)
    lab.run(bench.node, "printf 'Defaults !use_pty\\n' > /etc/sudoers.d/zz-own")
    kept(watched, store)
    causes = {event.control: event.cause for event in find_drift(store.compare(commands=COMMANDS)).regressions}
    assert str(causes["sudo-pty"]).startswith("/etc/sudoers.d/zz-own changed at 20")
    assert str(causes["sudo-pty"]).endswith(f"by {bench.node.user} with /usr/bin/dash (auditd)")
