"""Nodes really come up, restart and go, whatever interrupts them, and leave this machine as it was."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from hardener import lab
from hardener.errors import LabError
from hardener.lab import cgroups, network, processes

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="making nodes needs root"),
    pytest.mark.skipif(
        bool(lab.missing_tools("vm") + lab.missing_tools("container")), reason="the lab's tools are not installed"
    ),
]

STUCK_UP = """
import signal
from hardener.lab import lifecycle
def wait(node, **_):
    print("started", flush=True)
    signal.pause()
lifecycle.wait_until_booted = wait
lifecycle.up("lt-stuck", kind="container", release="12")
"""


@pytest.fixture(scope="module", autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A state home of these tests' own, so that they can take everything down without touching anybody's nodes."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("state")
        patch.setenv("XDG_STATE_HOME", str(home))
        yield home / "hardener" / "lab" / "nodes"
        lab.down_all()


@pytest.fixture
def container() -> lab.Node:
    """The tests' container; ``up`` costs nothing while it runs, and brings it back where a test took it down."""
    return lab.up("lt-c12", kind="container", release="12")


@pytest.fixture
def vm() -> lab.Node:
    """The virtual machine of these tests, shared like the container."""
    return lab.up("lt-vm12", kind="vm", release="12")


def output(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def ask(node: lab.Node, script: str) -> str:
    done = lab.run(node, script)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def assert_nothing_left(node: lab.Node) -> None:
    folder, subnet = node.folder, node.subnet
    assert not folder.exists()
    assert processes.node_processes(folder) == []
    assert not list(Path("/sys/fs/cgroup").glob(f"**/{cgroups.name(node)}"))
    assert str(folder) not in Path("/proc/self/mountinfo").read_text()
    assert f"hardener-lab-{subnet}" not in output("ip", "netns", "list")
    assert f"hlab{subnet}@" not in output("ip", "-brief", "link")


def test_a_container_is_soft_and_whole(container: lab.Node) -> None:
    assert ask(container, "id -u; hostname; systemctl is-system-running") == "0\nlt-c12\nrunning"
    assert ask(container, "sshd -T | grep -x 'permitrootlogin yes'")
    assert ask(container, "command -v telnet && command -v ftp && command -v rsync")


def test_a_container_has_the_people_it_should_have(container: lab.Node) -> None:
    password = container.password_file.read_text()
    *ssh, _ = lab.ssh_command(container)
    for user, groups in {"root": "root", "operator": "users sudo", "plain": "plain", "admin": "admin sudo"}.items():
        assert output(*ssh, f"{user}@{container.address}", "id -Gn").strip() == groups
    whoami = [*ssh, f"operator@{container.address}", "sudo -S -p '' whoami"]
    assert subprocess.run(whoami, input=password, check=True, capture_output=True, text=True).stdout == "root\n"
    refused = subprocess.run(
        [*whoami[:-1], "sudo -n whoami"], check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert refused.returncode != 0


def test_a_container_reaches_the_package_mirror(container: lab.Node) -> None:
    assert ask(container, "DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes tree >/dev/null; command -v tree")


def test_a_script_keeps_its_status_and_gets_no_stdin(container: lab.Node) -> None:
    done = lab.run(container, "cat; echo seen >&2; exit 3")
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "seen\n")


def test_a_running_node_is_returned_unchanged(container: lab.Node) -> None:
    before = ask(container, "cat /proc/sys/kernel/random/boot_id")
    assert lab.up("lt-c12", kind="container", release="12") == container
    assert ask(container, "cat /proc/sys/kernel/random/boot_id") == before
    assert (container, True) in lab.nodes()
    assert lab.is_node(container.address, container.port)
    with pytest.raises(LabError, match="take it down first"):
        lab.up("lt-c12", kind="container", release="13")


def test_a_container_restarts(container: lab.Node) -> None:
    ask(container, "touch /root/kept")
    before = ask(container, "cat /proc/sys/kernel/random/boot_id")
    lab.reboot(container)
    assert ask(container, "cat /proc/sys/kernel/random/boot_id; test -e /root/kept") != before


def test_two_nodes_at_once_are_separate(container: lab.Node) -> None:
    other = lab.up("lt-c13", kind="container", release="13")
    assert other.address != container.address
    assert ask(other, ". /etc/os-release; echo $VERSION_ID; hostname").split() == ["13", "lt-c13"]
    assert ask(other, "systemctl --failed --no-legend --plain; systemctl is-system-running || true") == "running"
    ask(other, "touch /only-here")
    assert lab.run(container, "test -e /only-here").returncode == 1
    lab.down("lt-c13")
    assert_nothing_left(other)
    assert ask(container, "hostname") == "lt-c12"


def test_labs_that_choose_at_the_same_moment_share_no_subnet(tmp_path: Path) -> None:
    lab.build_image("container", "12")
    homes = [{**os.environ, "XDG_STATE_HOME": str(tmp_path / name)} for name in ("one", "two", "three")]
    program = [sys.executable, "-m", "hardener", "lab"]
    try:
        making = [subprocess.Popen([*program, "up", "lt-both", "--kind", "container"], env=home) for home in homes]
        assert [process.wait() for process in making] == [0, 0, 0]
        hosts = [yaml.safe_load(file.read_text())["lab"]["hosts"] for file in tmp_path.glob("*/**/inventory.yml")]
        assert len({host["lt-both"]["ansible_host"] for host in hosts}) == 3
    finally:
        for home in homes:
            subprocess.run([*program, "down", "--all"], env=home, check=True)


def test_the_last_container_takes_the_way_out_with_it(own_state: Path) -> None:
    def foreign_links() -> list[str]:
        return [line for line in output("ip", "-brief", "link").splitlines() if line.startswith("hlab")]

    for node, _running in lab.nodes():
        if node.kind == "container":
            lab.down(node.name)
    if foreign_links():
        pytest.skip("another lab on this machine has containers")
    forwarding = Path("/proc/sys/net/ipv4/ip_forward")
    before = forwarding.read_text()
    assert "hardener_lab" not in output("nft", "list", "tables")
    lab.up("lt-last", kind="container", release="12")
    assert "table inet hardener_lab" in output("nft", "list", "tables")
    assert forwarding.read_text() == "1\n"
    lab.down("lt-last")
    assert "hardener_lab" not in output("nft", "list", "tables")
    assert forwarding.read_text() == before
    assert not (own_state / "lt-last").exists()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_an_interrupted_up_leaves_nothing(how: signal.Signals) -> None:
    lab.build_image("container", "12")
    command = [sys.executable, "-c", STUCK_UP]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as making:
        assert making.stdout is not None
        assert making.stdout.readline() == b"started\n"
        node = lab.get("lt-stuck")
        assert processes.node_processes(node.folder)
        assert network.namespace(node) in output("ip", "netns", "list")
        making.send_signal(how)
        making.wait()
    if how is signal.SIGKILL:
        lab.down("lt-stuck")
    assert_nothing_left(node)


def test_an_inventory_reaches_its_node(container: lab.Node) -> None:
    host = yaml.safe_load(container.inventory.read_text())["lab"]["hosts"]["lt-c12"]
    assert (host["ansible_host"], host["ansible_port"]) == (container.address, container.port)


def test_a_virtual_machine_has_file_systems_of_its_own(vm: lab.Node) -> None:
    sources = "for t in / /home /var /var/log /var/log/audit /var/tmp; do findmnt -n -o LABEL $t; done"
    assert ask(vm, sources).split() == ["root", "home", "var", "var-log", "var-log-audit", "var-tmp"]
    assert lab.run(vm, "findmnt -n /tmp").returncode == 1
    assert ask(vm, "systemctl is-system-running") == "running"


def test_a_virtual_machine_boots_what_its_own_boot_loader_says(vm: lab.Node) -> None:
    ask(vm, "sed -i 's/^GRUB_CMDLINE_LINUX=\"/&hardener.test=1 /' /etc/default/grub && update-grub 2>&1")
    before = ask(vm, "cat /proc/sys/kernel/random/boot_id")
    lab.reboot(vm)
    assert ask(vm, "cat /proc/sys/kernel/random/boot_id") != before
    assert "hardener.test=1" in ask(vm, "cat /proc/cmdline")


def test_a_virtual_machine_reaches_the_package_mirror(vm: lab.Node) -> None:
    assert ask(vm, "DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes tree >/dev/null; command -v tree")


def test_a_virtual_machine_goes_without_a_trace(vm: lab.Node) -> None:
    node = vm
    lab.down("lt-vm12")
    assert not node.folder.exists()
    assert processes.node_processes(node.folder) == []
    assert not lab.is_node(node.address, node.port)
