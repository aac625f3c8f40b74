"""A host full of services keeps them through an apply, a restart and a day; what is not declared is named."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.request import urlopen

import pytest
import yaml

from hardener import lab
from tests.integration.alive import live_a_day
from tests.integration.proving import Bench
from tests.integration.snapshots import KIND, RELEASE

pytestmark = pytest.mark.lab

NAME = f"alive-{KIND}{RELEASE}"
MACHINE = " chrony nfs-common nfs-ganesha nfs-ganesha-vfs" if KIND == "vm" else ""
"""In a container nobody keeps a clock, and nobody mounts what another machine has."""
FILER = r"""
mkdir --parents /srv/filer /mnt/filer
echo here > /srv/filer/file
systemctl disable --quiet --now nfs-ganesha.service
cat > /etc/filer.conf <<'CONFIGURATION'
NFS_CORE_PARAM { Protocols = 4; NFS_Port = 2049; Enable_NLM = false; Enable_RQUOTA = false; Enable_UDP = false; }
NFSV4 { Graceless = true; }
EXPORT { Export_Id = 1; Path = /srv/filer; Pseudo = /filer; Access_Type = RW; Squash = No_Root_Squash; SecType = sys;
         FSAL { Name = VFS; } }
CONFIGURATION
printf '[Match]\nName=filer\n[Link]\nUnmanaged=yes\n' > /etc/systemd/network/10-filer.network
cat > /etc/systemd/system/filer.service <<'UNIT'
[Unit]
Description=A file server in a network of its own, in place of another machine
Before=remote-fs-pre.target
[Service]
ExecStartPre=/bin/sh -c 'ip netns add filer && ip link add filer type veth peer name wire netns filer \
    && ip address add 192.0.2.1/24 dev filer && ip link set filer up \
    && ip -netns filer address add 192.0.2.2/24 dev wire && ip -netns filer link set wire up \
    && ip -netns filer link set lo up && mkdir --parents /var/run/ganesha'
ExecStart=/bin/ip netns exec filer ganesha.nfsd -F -f /etc/filer.conf -p /run/filer.pid -L /var/log/filer.log
ExecStartPost=/bin/sh -c 'until ip netns exec filer ss -Hltn sport = :2049 | grep --quiet .; do :; done'
ExecStopPost=/bin/ip netns delete filer
TimeoutStartSec=300
[Install]
WantedBy=multi-user.target
UNIT
systemctl enable --quiet --now filer.service
options=_netdev,nofail,x-systemd.requires=filer.service,x-systemd.mount-timeout=300
echo "192.0.2.2:/filer /mnt/filer nfs4 $options 0 0" >> /etc/fstab
systemctl daemon-reload
mount /mnt/filer
"""
SITE = rf"""
set -e
export DEBIAN_FRONTEND=noninteractive
printf 'postfix postfix/main_mailer_type select Local only\n' | debconf-set-selections
apt-get install --yes --no-install-recommends \
    postgresql nginx-light postfix redis-server snmpd snmp podman{MACHINE} >/dev/null
mkdir --parents /etc/containers
printf '[storage]\ndriver = "vfs"\nrunroot = "/run/containers/storage"\ngraphroot = "/var/lib/containers/storage"\n' \
    > /etc/containers/storage.conf
printf 'rocommunity public\nagentAddress udp:161\n' > /etc/snmp/snmpd.conf
useradd --create-home --shell /bin/bash app
install --directory --owner=app --group=app /var/log/app /srv/app
install --owner=app --group=app /dev/null /var/log/app/app.log
printf 'here\n' > /srv/app/index.html
cat > /etc/systemd/system/app.service <<'UNIT'
[Service]
User=app
ExecStart=/usr/bin/python3 -u -m http.server 8080 --directory /srv/app
StandardOutput=append:/var/log/app/app.log
StandardError=append:/var/log/app/app.log
[Install]
WantedBy=multi-user.target
UNIT
printf '* * * * * date >> /var/log/app/cron.log\n' | crontab -u app -
systemctl daemon-reload
systemctl enable --quiet --now app.service nginx.service redis-server.service postgresql.service
systemctl restart snmpd.service postfix.service
{FILER if KIND == "vm" else ""}
"""
DECLARED: Mapping[str, Any] = {
    "services_listening": {
        "allowed": ["tcp * sshd", "tcp 80 nginx", "udp 161 snmpd", "tcp 8080 python3*", "udp 68 *", "udp 546 *"]
    },
    "firewall_services": {
        "inbound": {
            "web": {"protocol": "tcp", "ports": [80, 8080]},
            "monitoring": {"protocol": "udp", "ports": [161]},
        }
    },
    **({"time_choice": {"daemon": "chrony"}} if KIND == "vm" else {}),
}
"""What the site says that this host is there for."""
SERVES: Mapping[str, str] = {
    "postgresql": "runuser -u postgres -- psql --command 'CREATE TEMPORARY TABLE t (x int)'",
    "postgresql, started again": "systemctl restart postgresql && pg_lsclusters --no-header | grep --quiet online",
    "redis": "redis-cli set x y && redis-cli get x | grep --quiet y",
    "snmp": "snmpget -v2c -c public 127.0.0.1 1.3.6.1.2.1.1.5.0",
    "mail": "printf 'To: app\\n\\nx\\n' | sendmail app@localhost && "
    "timeout 60 sh -c 'until grep --quiet ^x$ /var/mail/app; do :; done' && rm /var/mail/app",
    "containers": "podman info",
    "the application, started again": "systemctl restart app.service && systemctl is-active app.service",
    "the application's log": "runuser -u app -- sh -c 'echo x >> /var/log/app/app.log'",
    "a job of a user": "rm --force /var/log/app/cron.log; "
    "timeout 150 sh -c 'until [ -s /var/log/app/cron.log ]; do :; done'",
    **({"the clock": "chronyc -n tracking"} if KIND == "vm" else {}),
    **({"files of another machine": "date > /mnt/filer/file && cat /srv/filer/file"} if KIND == "vm" else {}),
}
"""What somebody relies on → what shows that it is served."""


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    lab.down(NAME)
    node = lab.up(NAME, kind=KIND, release=RELEASE, progress=print)
    made = lab.run(node, SITE, seconds=3600)
    assert made.returncode == 0, made.stderr
    inventory = yaml.safe_load(node.inventory.read_text())
    inventory["lab"]["hosts"][node.name] |= DECLARED
    node.inventory.write_text(yaml.safe_dump(inventory))
    yield Bench.of(node)
    lab.down(NAME)


def not_served(node: lab.Node) -> Mapping[str, str]:
    """What nobody gets any more, with the last that was said."""
    found = {}
    for name, script in SERVES.items():
        answer = lab.run(node, f"( {script} ) 2>&1 && echo served || echo failed", seconds=600)
        if not answer.stdout.endswith("served\n"):
            found[name] = answer.stdout[-300:]
    return found


@contextmanager
def asked_all_the_while(bench: Bench) -> Iterator[list[str]]:
    """Requests to web server and application, one after the other; yields those that failed."""
    ends, failed = threading.Event(), list[str]()

    def ask() -> None:
        while not ends.is_set():
            for port in (80, 8080):
                try:
                    urlopen(f"http://{bench.node.address}:{port}/", timeout=20).close()
                except OSError as error:
                    failed.append(f"{port}: {error}")

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    yield failed
    ends.set()
    asking.join()


def test_what_is_declared_is_served_before_and_after_and_after_a_restart_and_a_day(bench: Bench) -> None:
    assert not_served(bench.node) == {}
    planned = bench.plan()
    stopped = {item.subject for item in planned.items if item.kind == "unit" and item.after.endswith("inactive")}
    assert not stopped & {"nginx.service", "snmpd.service", "redis-server.service", "postgresql.service", "app.service"}
    if KIND == "container":  # a virtual machine of the lab is reached by its port of ssh alone
        with asked_all_the_while(bench) as failed:
            bench.apply()
        assert failed == []
    else:
        bench.apply()
    assert not_served(bench.node) == {}
    lab.reboot(bench.node)
    assert not_served(bench.node) == {}
    live_a_day(bench.node)
    assert not_served(bench.node) == {}
