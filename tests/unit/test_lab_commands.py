"""The commands the lab gives its outside tools, and how it tells its own processes and networks from others'."""

from pathlib import Path

import pytest

from hardener.errors import LabError
from hardener.lab import apt, cgroups, container, disks, image, network, recipe, tools, vm, waiting
from hardener.lab.node import Node
from hardener.lab.processes import belongs

FOLDER = Path("/state/nodes/vm12")
NODE = Node(name="vm12", kind="vm", release="12", address="127.0.0.1", port=2222, folder=FOLDER, image=Path("/i/vm12"))
CONTAINER = NODE.model_copy(update={"name": "c", "kind": "container", "address": "10.213.3.2", "port": 22, "subnet": 3})
RECIPE = recipe.Recipe(
    kind="vm",
    release="12",
    sources=(apt.Source(uri="http://mirror.example/debian", suite="bookworm", components=("main",)),),
    apt_settings=(),
    packages=("telnet", "ftp"),
)


def test_the_root_disk_is_first_and_the_firmware_starts_from_the_boot_disk() -> None:
    argv = vm.qemu_argv(NODE, vm.EMULATION)
    drives = [argument for argument in argv if argument.startswith("if=none")]
    devices = [argument for argument in argv if argument.startswith("virtio-blk-pci")]
    assert drives[0].startswith(f"if=none,id=disk0,file={FOLDER}/root.qcow2")
    assert drives[-1].startswith("if=none,id=disk6,file=/i/vm12/boot.iso")
    assert devices[-1].endswith("bootindex=0")
    assert devices[0].endswith("bootindex=1")
    assert len({device.rpartition("=")[2] for device in devices}) == len(devices)


def test_the_machine_can_reboot_and_is_reached_from_the_loopback_only() -> None:
    argv = vm.qemu_argv(NODE, vm.EMULATION)
    assert "-no-reboot" not in argv
    assert "user,id=net0,hostfwd=tcp:127.0.0.1:2222-:22" in argv
    assert "max,-cx16" in argv


@pytest.mark.parametrize(
    ("modules", "expected"),
    [((), [vm.EMULATION]), (("kvm",), [vm.EMULATION]), (("kvm", "kvm_amd"), [vm.VIRTUALISATION, vm.EMULATION])],
)
def test_hardware_virtualisation_needs_a_processors_own_module(
    tmp_path: Path, modules: tuple[str, ...], expected: list[tuple[str, ...]]
) -> None:
    for name in modules:
        (tmp_path / name).mkdir()
    device = tmp_path / "device"
    device.touch()
    assert vm.accelerations(tmp_path, device) == expected


def test_a_port_is_free_and_not_promised_to_another_node() -> None:
    first = vm.free_port(())
    assert vm.free_port({first}) != first


def test_a_container_has_its_own_network_and_no_grip_on_this_machine() -> None:
    argv = container.nspawn_argv(CONTAINER)
    assert "--network-namespace-path=/run/netns/hardener-lab-3" in argv
    withheld = next(argument for argument in argv if argument.startswith("--drop-capability="))
    assert "CAP_SYS_MODULE" in withheld
    assert "CAP_SYS_TIME" in withheld


def test_control_groups_of_both_versions_are_found() -> None:
    mountinfo = """\
30 23 0:26 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro
31 30 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:9 - cgroup2 cgroup2 rw
32 30 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd
"""
    assert cgroups.cgroup_mounts(mountinfo) == [
        (Path("/sys/fs/cgroup/unified"), "cgroup2"),
        (Path("/sys/fs/cgroup/systemd"), "cgroup"),
    ]


def test_subnets_do_not_overlap() -> None:
    assert network.subnet_addresses(0) == ("10.213.0.1", "10.213.0.2")
    assert network.subnet_addresses(255) == ("10.213.255.1", "10.213.255.2")


def test_a_subnet_is_free_if_no_node_link_or_address_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = (
        '[{"ifname": "hlab1"}, {"ifname": "eth0", "addr_info": [{"local": "10.213.2.7"}, {"local": "fe80::1"}]}]'
    )
    monkeypatch.setattr(network, "run_tool", lambda _argv: addresses)
    assert network.free_subnet([0, 4]) == 3
    with pytest.raises(LabError, match="every subnet"):
        network.free_subnet(range(256))


def test_only_the_labs_addresses_are_masqueraded_and_only_on_their_way_out() -> None:
    assert 'ip saddr 10.213.0.0/16 oifname != "hlab*" masquerade' in network.masquerade_rules()


def test_name_servers_on_the_loopback_are_replaced_by_those_behind_them() -> None:
    assert network.nameservers("nameserver 192.0.2.53\n", "nameserver 198.51.100.1\n") == ["192.0.2.53"]
    assert network.nameservers("nameserver 127.0.0.53\n", "# x\nnameserver 198.51.100.1\n") == ["198.51.100.1"]
    assert network.nameservers("", "") == []


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (vm.qemu_argv(NODE, vm.EMULATION), True),
        (["/usr/bin/systemd-nspawn", f"--directory={FOLDER}/root"], True),
        (["sh", "/x/supervise.sh", "systemd-nspawn", f"--directory={FOLDER}/root"], True),
        (["setsid", "--fork", "sh", "/x/supervise.sh", "systemd-nspawn", f"--directory={FOLDER}/root"], True),
        (["sh", "-c", f"less {FOLDER}/serial.log"], False),
        (["less", f"{FOLDER}/serial.log"], False),
        (["qemu-system-x86_64", f"file={FOLDER}b/root.qcow2"], False),
        (["qemu-system-x86_64"], False),
        ([], False),
    ],
)
def test_a_process_belongs_to_a_node_by_program_and_folder(argv: list[str], expected: bool) -> None:
    assert belongs(argv, FOLDER) is expected


def test_the_digest_changes_with_what_goes_into_the_image() -> None:
    assert RECIPE.digest == RECIPE.model_copy().digest
    assert RECIPE.digest != RECIPE.model_copy(update={"packages": ("telnet",)}).digest
    assert RECIPE.digest != RECIPE.model_copy(update={"release": "13"}).digest
    assert RECIPE.digest != RECIPE.model_copy(update={"apt_settings": ('Acquire::Retries "3";',)}).digest


def test_the_build_command_names_the_machines_mirror_only_through_its_file(tmp_path: Path) -> None:
    recipe.write_inputs(RECIPE, tmp_path)
    argv = recipe.mmdebstrap_argv(RECIPE, tmp_path / "tree", tmp_path)
    assert argv[-3:] == ["bookworm", str(tmp_path / "tree"), str(tmp_path / "sources.list")]
    assert "--include=telnet,ftp" in argv
    assert not any("mirror.example" in argument for argument in argv)
    assert (tmp_path / "sources.list").read_text() == "deb http://mirror.example/debian bookworm main\n"


@pytest.mark.parametrize("release", ["12", "13"])
def test_a_soft_node_has_what_hardening_removes(release: str) -> None:
    for kind in ("vm", "container"):
        assert {"telnet", "rsync", "snmpd", "sudo", "python3-apt"} <= set(recipe.package_names(kind, release))  # type: ignore[arg-type]


def test_inner_file_systems_are_made_before_outer_ones() -> None:
    folders = [folder for folder, _size in disks.FILE_SYSTEMS.values()]
    for number, folder in enumerate(folders):
        assert not any(later.startswith(f"{folder}/") for later in folders[number + 1 :])
    assert folders[-1] == ""


def test_missing_tools_are_named_as_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "which", lambda tool: None if tool in {"mmdebstrap", "qemu-img"} else f"/bin/{tool}")
    assert {"mmdebstrap", "qemu-utils"} <= set(tools.missing_tools("vm"))
    assert tools.missing_tools("container") == ["mmdebstrap"]
    with pytest.raises(LabError, match="a container node needs mmdebstrap \\(apt-get install mmdebstrap\\)"):
        tools.require_tools("container")


def test_a_failing_tool_is_one_line_with_its_last_words() -> None:
    with pytest.raises(LabError) as caught:
        tools.run_tool(["sh", "-c", "echo first >&2; echo last >&2; exit 3"])
    assert str(caught.value) == "lab: sh failed: last"
    with pytest.raises(LabError, match="cannot run"):
        tools.run_tool(["hardener-no-such-tool"])


@pytest.mark.parametrize(
    ("text", "expected"), [("", ""), ("a\r\nb\r\n\r\n", "b"), ("login: \x1b[0m", "login: [0m"), ("one", "one")]
)
def test_last_line_is_printable(text: str, expected: str) -> None:
    assert tools.last_line(text) == expected


def test_a_node_whose_process_ended_is_reported_with_its_consoles_last_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "serial.log").write_text("Kernel panic\n")
    monkeypatch.setattr(waiting, "is_running", lambda _node: False)
    with pytest.raises(LabError, match="ended while it was booting; its console ends with 'Kernel panic'"):
        waiting.wait_until_booted(NODE.model_copy(update={"folder": tmp_path}), seconds=5)


def test_a_lock_that_is_held_is_not_waited_for(tmp_path: Path) -> None:
    with tools.locked(tmp_path / "lock"), tools.locked_if_free(tmp_path / "lock") as held:
        assert not held
    with tools.locked_if_free(tmp_path / "lock") as held:
        assert held


def test_an_abandoned_build_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    draft = tmp_path / "hardener/lab/images/.building-vm12-abc"
    (draft / "tree").mkdir(parents=True)
    image.remove_abandoned_builds()
    assert not draft.exists()


def test_a_folder_with_something_mounted_in_it_is_not_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "with blank"
    (folder / "inner").mkdir(parents=True)
    monkeypatch.setattr(tools, "_mount_points", lambda: [Path("/"), folder / "inner"])
    with pytest.raises(LabError, match="inner is mounted"):
        tools.remove_folder(folder)
    assert (folder / "inner").exists()
    monkeypatch.setattr(tools, "_mount_points", lambda: [Path("/"), tmp_path])
    tools.remove_folder(folder)
    assert not folder.exists()
    tools.remove_folder(folder)
