"""Services keep their logs through an apply on a real node, start again and write; what nobody knows is named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from hardener import lab
from hardener.model import Finding, Outcome, TargetResult
from tests.integration.proving import Bench
from tests.integration.snapshots import KIND, RELEASE

pytestmark = pytest.mark.lab

SERVICES = r"""
set -e
apt-get install --yes --no-install-recommends postgresql >/dev/null
for name in app quiet; do
    useradd --create-home --shell /bin/bash $name
    install --directory --owner=$name --group=$name /var/log/$name
    install --mode=0640 --owner=$name --group=$name /dev/null /var/log/$name/$name.log
done
install --directory --owner=65534 /var/log/pod
install --mode=0644 --owner=65534 /dev/null /var/log/pod/pod.log
install --mode=0666 /dev/null /var/log/shared.log

# A process that no unit names as whom it runs, and one that knows its log by another path, as a pod does.
cat > /etc/systemd/system/app.service <<'UNIT'
[Service]
Type=exec
ExecStart=/usr/bin/setpriv --reuid=app --regid=app --clear-groups /bin/sh -c \
    'exec sleep infinity >>/var/log/app/app.log'
UNIT
cat > /etc/systemd/system/pod.service <<'UNIT'
[Service]
Type=exec
BindPaths=/var/log/pod:/mnt
ExecStart=/usr/bin/setpriv --reuid=65534 --regid=65534 --clear-groups /bin/sh -c \
    'exec sleep infinity >>/mnt/pod.log 2>>/var/log/shared.log'
UNIT
printf '/var/log/quiet/*.log {\n  weekly\n  create 0640 quiet quiet\n}\n' > /etc/logrotate.d/quiet

install --mode=0640 --owner=nobody --group=users /dev/null /var/log/strange.log
install --mode=0600 --owner=plain --group=plain /dev/null /var/log/left.log
install --mode=0666 /dev/null /var/log/loose.log
systemctl daemon-reload
systemctl start app.service pod.service
until [ "$(cat /proc/$(systemctl show --property=MainPID --value app.service)/comm)" = sleep ]; do :; done
until [ "$(cat /proc/$(systemctl show --property=MainPID --value pod.service)/comm)" = sleep ]; do :; done
"""
OWNERS = (
    "stat -c '%a %U:%G %n' /var/log/postgresql/*-main.log /var/log/*.log /var/log/app/* /var/log/quiet/* /var/log/pod/*"
)
FOR_A_PERSON = {"/var/log/left.log", "/var/log/shared.log", "/var/log/strange.log"}
WRITES = {
    "postgresql": "systemctl restart postgresql && runuser -u postgres -- psql --command 'SELECT 1'",
    "app": "systemctl restart app.service && runuser -u app -- sh -c 'echo x >>/var/log/app/app.log'",
    "quiet": (
        "runuser -u quiet -- sh -c 'echo x >>/var/log/quiet/quiet.log' && logrotate --force /etc/logrotate.d/quiet && "
        "runuser -u quiet -- sh -c 'echo x >>/var/log/quiet/quiet.log'"
    ),
    "pod": "setpriv --reuid=65534 --regid=65534 --clear-groups sh -c 'echo x >>/var/log/pod/pod.log'",
    "pod, by the permissions of others": (
        "setpriv --reuid=65534 --regid=65534 --clear-groups sh -c 'echo x >>/var/log/shared.log'"
    ),
}
"""Who has to start and write → what shows that it does."""


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    """A node with services that own their logs, each in another way, and with logs of nobody knows whom."""
    name = f"owners-{KIND}{RELEASE}"
    lab.down(name)
    node = lab.up(name, kind=KIND, release=RELEASE, progress=print)
    made = lab.run(node, SERVICES)
    assert made.returncode == 0, made.stderr
    yield Bench.of(node, pattern="logging-*")
    lab.down(name)


@pytest.fixture(scope="module")
def before(bench: Bench) -> Mapping[str, str]:
    return attributes(bench)


@pytest.fixture(scope="module")
def applied(bench: Bench, before: Mapping[str, str]) -> TargetResult:
    assert before
    return bench.apply()


def attributes(bench: Bench) -> Mapping[str, str]:
    """Path → mode, owner and group."""
    rows = (line.rsplit(" ", 1) for line in lab.run(bench.node, OWNERS).stdout.splitlines())
    return {path: told for told, path in rows}


def finding(result: TargetResult, name: str) -> Finding:
    (found,) = (item for item in result.findings if item.control == name)
    return found


def test_every_log_stays_its_owners_and_no_permission_that_is_used_is_taken(
    bench: Bench, before: Mapping[str, str], applied: TargetResult
) -> None:
    assert applied.problem is None
    after = attributes(bench)
    owners = {path: told.split()[1] for path, told in before.items()}
    assert {path: told.split()[1] for path, told in after.items()} == owners
    assert owners["/var/log/pod/pod.log"] == "nobody:root"
    changed = {path: told for path, told in after.items() if told != before[path] and path.startswith("/var/log/lo")}
    assert changed == {"/var/log/loose.log": "640 root:root"}
    assert [path for path in FOR_A_PERSON if after[path] != before[path]] == []


def test_what_nobody_knows_is_for_a_person_and_nothing_else_is(applied: TargetResult) -> None:
    assert finding(applied, "logging-files").outcome is Outcome.FIXED
    strange = finding(applied, "logging-file-owners")
    assert strange.outcome is Outcome.FAIL
    named = {path for path in (*FOR_A_PERSON, "/var/log/app", "/var/log/pod", "postgres") if path in strange.reason}
    assert named == FOR_A_PERSON, strange.reason
    assert "mode is 0666 for user 65534" in strange.reason


def test_what_was_left_as_it_is_is_told(applied: TargetResult) -> None:
    told = {path for path in FOR_A_PERSON if any(path in sentence for sentence in applied.left_as_is)}
    # The others are closed enough; only whose they are is asked.
    assert told == {"/var/log/shared.log"}, applied.left_as_is


def test_a_further_apply_has_nothing_to_do(bench: Bench, applied: TargetResult) -> None:
    assert applied.problem is None
    runs = bench.playbook.runs
    assert finding(bench.apply(), "logging-files").outcome is Outcome.PASS
    assert bench.playbook.runs == runs


@pytest.mark.parametrize("who", WRITES)
def test_who_writes_a_log_starts_and_writes_again(bench: Bench, applied: TargetResult, who: str) -> None:
    assert applied.problem is None
    done = lab.run(bench.node, WRITES[who])
    assert done.returncode == 0, done.stderr
