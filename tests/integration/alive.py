"""What a host has to be good for after it was hardened and has restarted: looked at on a real node."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable

import paramiko

from hardener import lab

MOST_SECONDS = 150
"""cron looks at its tables once a minute; an emulated machine is slow to start what it finds."""
CRON_JOB = "* * * * * root touch /run/lab-cron-ran\n"


def prove_alive(node: lab.Node) -> None:
    """Everything an administrator and the host's own programs rely on still works; names what does not."""
    lab.run(node, f"printf '%s' '{CRON_JOB}' > /etc/cron.d/lab-alive")
    problems = {name: reason for name, look in CHECKS.items() if (reason := look(node))}
    if _waited(lambda: _status(node, "test -e /run/lab-cron-ran") == 0):
        lab.run(node, "rm /etc/cron.d/lab-alive")
    else:
        problems["cron runs a job"] = "not within its time"
    assert not problems, problems


TIMERS = r"""
for timer in $(systemctl list-units --type=timer --all --plain --no-legend | awk '{ print $1 }'); do
  service=$(systemctl show --property=Unit --value "$timer")
  case " $* " in *" $service "*) continue ;; esac
  systemctl start "$service" || echo "$service"
done
logrotate --force /etc/logrotate.conf || echo logrotate
systemctl start logrotate.service || echo logrotate.service
"""
"""Starts what the timers of a node start, but for the services that are named, and rotates every log."""


def live_a_day(node: lab.Node) -> None:
    """What a node does by itself within a day, at once; the logs of updates are made, and all logs made anew."""
    # An emulated machine takes minutes to compare all its files; a container shows what that leaves behind.
    left_out = "dailyaidecheck.service" if node.kind == "vm" else ""
    failed = _output(node, f"set -- {left_out}\n{TIMERS}")
    assert not failed, failed


def _status(node: lab.Node, script: str) -> int:
    return int(lab.run(node, f"if ( {script} ) >/dev/null 2>&1; then echo 0; else echo 1; fi").stdout.split()[-1])


def _output(node: lab.Node, script: str) -> str:
    return lab.run(node, script).stdout.strip()


def _waited(is_true: Callable[[], bool]) -> bool:
    """Whether it becomes true in time; asked again and again, for nothing tells us when."""
    deadline = time.monotonic() + MOST_SECONDS
    while not is_true():
        if time.monotonic() > deadline:
            return False
        time.sleep(1)
    return True


def _logged_in_with_password(node: lab.Node) -> str:
    """An operator logs in over ssh with a password, which unix_chkpwd or sshd's own PAM stack checks, and uses sudo."""
    password = node.password_file.read_text().strip()
    client = paramiko.SSHClient()
    client.load_host_keys(str(node.known_hosts))
    with contextlib.closing(client):
        try:
            client.connect(
                node.address,
                node.port,
                "operator",
                password,
                allow_agent=False,
                look_for_keys=False,
                timeout=60,
                auth_timeout=60,
                banner_timeout=60,
            )
        except paramiko.SSHException as error:
            return str(error)
        stdin, stdout, stderr = client.exec_command("sudo -S -p '' id -un", timeout=60)
        stdin.write(f"{password}\n")
        stdin.flush()
        stdin.channel.shutdown_write()
        return "" if stdout.read().strip() == b"root" else stderr.read().decode(errors="replace")


def _password_checked_by_helper(node: lab.Node) -> str:
    """A program without rights asks the set-gid helper; ``sudo -u plain`` has no way to read the hashes itself."""
    password = node.password_file.read_text().strip()
    script = "runuser -u plain -- /usr/sbin/unix_chkpwd plain nullok"
    answer = subprocess.run(
        [*lab.ssh_command(node), f"sudo -n {script}"],
        input=f"{password}\0",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return "" if answer.returncode == 0 else f"status {answer.returncode} {answer.stderr}"


def _failed_units(node: lab.Node) -> str:
    return _output(node, "systemctl --failed --no-legend --plain")


def _resolved(node: lab.Node) -> str:
    """A name is asked of the node's own name server; whether it exists does not matter, that it answers does."""
    script = (
        "python3 - <<'ASK'\n"
        "import socket, struct\n"
        "server = [line.split()[1] for line in open('/etc/resolv.conf') if line.startswith('nameserver')][0]\n"
        "question = struct.pack('>6H', 7, 256, 1, 0, 0, 0) + b'\\x07invalid\\x00' + struct.pack('>2H', 1, 1)\n"
        "asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); asker.settimeout(20)\n"
        "asker.sendto(question, (server, 53)); print(asker.recv(512)[:2] == question[:2])\n"
        "ASK"
    )
    said = _output(node, f"{script} 2>&1 || true")
    return "" if said == "True" else said


def _package_installed(node: lab.Node) -> str:
    said = _output(
        node,
        "DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends ncal >/dev/null && ncal || true",
    )
    return "" if said else "apt-get install failed"


def _time_kept(node: lab.Node) -> str:
    if node.kind == "container":
        return ""  # its clock is that of the machine it runs on
    state = _output(node, "systemctl is-active systemd-timesyncd.service chrony.service || true")
    return "" if "active" in state.split() else state


def _journal_kept(node: lab.Node) -> str:
    """Entries of the boot before this one are still there; containers share one boot's number with their machine."""
    if node.kind == "container":
        return "" if _status(node, "ls /var/log/journal/*/system.journal") == 0 else "nothing in /var/log/journal"
    boots = _output(node, "journalctl --list-boots --no-pager --quiet | wc -l")
    return "" if int(boots) > 1 else f"{boots} boots known"


CHECKS: dict[str, Callable[[lab.Node], str]] = {
    "login with a password, and sudo": _logged_in_with_password,
    "password checked by the set-gid helper": _password_checked_by_helper,
    "no unit has failed": _failed_units,
    "the name server answers": _resolved,
    "apt installs a package": _package_installed,
    "the clock is kept": _time_kept,
    "logs outlive a restart": _journal_kept,
}
