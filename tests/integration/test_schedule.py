"""A schedule on a real node: what systemd makes of the units, and what a night in the sandbox ends with."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import pytest

from hardener import lab
from tests.integration.wheels import HARDENER, ROOT, install_on

pytestmark = pytest.mark.lab

SITE = "/srv/a b%n 'c\"\\d;#é"
SERVICE = "hardener-nightly.service"
PROFILE = 'title: "Banners"\ncontrols: ["banners-*"]\n'
PROJECT = "inventory: [hosts.yml]\nprofile: site.yml\nstore: kept/runs.sqlite\n"
SETUP = """
ssh-keygen -q -t ed25519 -N "" -f ~/.ssh/id_ed25519
cat ~/.ssh/id_ed25519.pub >> ~/.ssh/authorized_keys
echo "127.0.0.1 $(cat /etc/ssh/ssh_host_ed25519_key.pub)" > ~/.ssh/known_hosts
"""


def files(user: str) -> str:
    """A script that writes a project whose target is this very node, reached over ssh as a user."""
    hosts = f"all: {{hosts: {{self: {{ansible_host: 127.0.0.1, ansible_user: {user}, ansible_become: true}}}}}}\n"
    texts = {"hosts.yml": hosts, "site.yml": PROFILE, "hardener.yml": PROJECT}
    return "mkdir kept; " + "; ".join(f"printf %s {shlex.quote(text)} > {name}" for name, text in texts.items())


def as_user(user: str, script: str) -> str:
    """A script of root that runs one of somebody else at home."""
    return f"runuser -u {user} -- sh -e -c {shlex.quote(f'cd; {script}')}"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[lab.Node]:
    """A node with hardener on it, where root and admin can reach the node itself."""
    lab.down("schedule12")
    node = lab.up("schedule12", kind="container", release="12", progress=print)
    install_on(node, tmp_path_factory.mktemp("wheel"))
    for user in ("root", "admin"):
        said(node, as_user(user, f"umask 077; mkdir -p .ssh; {SETUP}"))
    said(node, f"mkdir {shlex.quote(SITE)}; cd {shlex.quote(SITE)}; {files('root')}")
    said(node, as_user("admin", f"mkdir site; cd site; {files('admin')}"))
    said(node, "loginctl enable-linger admin; systemctl start user@1000.service")
    yield node
    lab.down("schedule12")


def said(node: lab.Node, script: str, *, status: int = 0) -> str:
    """What a script of root prints on the node."""
    done = lab.run(node, script, seconds=120)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def in_site(node: lab.Node, words: str) -> str:
    return said(node, f"cd {shlex.quote(SITE)} && {HARDENER} {words}")


def as_admin(node: lab.Node, script: str) -> str:
    return said(node, as_user("admin", f"cd site; export XDG_RUNTIME_DIR=/run/user/1000; {script}"))


def night_in_the_sandbox(node: lab.Node) -> None:
    assert in_site(node, "schedule install --metrics 'kept/x y.prom' --delay 60").count("wrote") == 2
    assert in_site(node, "schedule install --metrics 'kept/x y.prom' --delay 60").count("kept  ") == 2
    assert "hardener-nightly.timer" in said(node, "systemctl list-timers --no-legend")

    said(node, f"chmod 644 /etc/motd /etc/issue; systemctl start {SERVICE}")
    metrics = in_site(node, "report latest -f metrics")
    assert said(node, f"cat {shlex.quote(SITE)}/kept/'x y.prom'") == metrics
    assert 'hardener_unseen_controls{target="self"} 0\n' in metrics
    status = in_site(node, "schedule status")
    assert f"project {SITE}\nstore   {SITE}/kept/runs.sqlite\nnext    2" in status
    assert status.endswith("result  success\n")


def score_in_the_docs_is_the_one_systemd_gives(node: lab.Node) -> None:
    told = said(node, f"systemd-analyze security --no-pager {SERVICE} | tail -1")
    exposure = re.search(r": (\d+\.\d \w+)", told)
    assert exposure, told
    assert f"`{exposure[1]}`" in (ROOT / "docs" / "operating.md").read_text("utf-8")


def regression_is_what_systemd_shows_as_failed(node: lab.Node) -> None:
    said(node, f"chmod 666 /etc/issue; systemctl start {SERVICE}", status=1)
    assert SERVICE in said(node, "systemctl --failed --no-legend --plain")
    assert in_site(node, "schedule status").endswith("result  exit code 1: regressions stand\n")
    journal = said(node, f"journalctl --unit {SERVICE} --output cat --no-pager")
    assert re.search(r"self +banners-\S+", journal), journal


def timer_starts_a_night_by_itself(node: lab.Node) -> None:
    kept = in_site(node, "runs list").count(" audit ")
    in_site(node, "schedule install --at '*:*:0/5' --delay 0")
    triggered = '[ -n "$(systemctl show --property=LastTriggerUSec --value hardener-nightly.timer)" ]'
    said(node, f"until {triggered}; do sleep 0.2; done; systemctl stop hardener-nightly.timer")
    said(node, f"while systemctl is-active {SERVICE} | grep -qx activating; do sleep 0.2; done")
    assert in_site(node, "runs list").count(" audit ") > kept
    in_site(node, "schedule install")


def what_cannot_be_read_is_no_audit(node: lab.Node) -> None:
    said(node, f"cd {shlex.quote(SITE)}; mv site.yml away; systemctl start {SERVICE}", status=1)
    shown = said(node, f"systemctl show --property=ExecMainStatus {SERVICE}; cd {shlex.quote(SITE)}; mv away site.yml")
    assert shown == "ExecMainStatus=65\n"


def nothing_is_left_after_it_was_removed(node: lab.Node) -> None:
    assert in_site(node, "schedule remove").count("removed") == 2
    assert said(node, "systemctl --failed --no-legend; find /etc/systemd -name 'hardener-nightly*'") == ""


def test_a_schedule_from_its_installation_to_its_removal(node: lab.Node) -> None:
    night_in_the_sandbox(node)
    score_in_the_docs_is_the_one_systemd_gives(node)
    regression_is_what_systemd_shows_as_failed(node)
    timer_starts_a_night_by_itself(node)
    what_cannot_be_read_is_no_audit(node)
    nothing_is_left_after_it_was_removed(node)


def test_a_user_s_own_manager_does_it_too(node: lab.Node) -> None:
    as_admin(node, f"{HARDENER} schedule install")
    as_admin(node, f"systemctl --user start {SERVICE}")
    assert as_admin(node, f"{HARDENER} schedule status").endswith("result  success\n")
    assert as_admin(node, f"{HARDENER} schedule remove").count("removed /home/admin/.config/systemd/user/") == 2
