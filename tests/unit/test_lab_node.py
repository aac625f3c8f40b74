"""What a node is called, where its files are, and what opens it."""

import hashlib
import io
import shlex
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from hardener import lab
from hardener.errors import LabError
from hardener.lab import access
from hardener.lab import node as nodes
from hardener.lab.node import Node


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "state" / "hardener" / "lab" / "nodes"


@pytest.fixture
def make(state: Path) -> Callable[..., Node]:
    def _make(name: str = "vm12", **changes: object) -> Node:
        fields = {"kind": "vm", "release": "12", "address": "127.0.0.1", "port": 2222, "image": Path("/images/vm12")}
        return Node.model_validate({"name": name, "folder": state / name, **fields, **changes})

    return _make


def test_names_are_derived_from_kind_and_release() -> None:
    assert lab.default_name("container", "13") == "container13"


@pytest.mark.parametrize("name", ["", "Upper", "-x", "../x", "a" * 32, "a b", "a/b"])
def test_a_name_that_could_leave_the_folder_is_refused(name: str) -> None:
    with pytest.raises(LabError, match="no node name"):
        nodes.checked_name(name)


def test_unknown_kinds_and_releases_are_refused_in_words() -> None:
    with pytest.raises(LabError, match="there are vm, container"):
        nodes.checked_kind("jail")
    with pytest.raises(LabError, match="there are 12, 13"):
        nodes.checked_release("11")


def test_a_saved_node_is_found_again(make: Callable[..., Node]) -> None:
    node = make()
    nodes.save(node)
    assert lab.get("vm12") == node
    assert lab.nodes() == [(node, False)]


def test_a_folder_without_a_description_is_no_node_but_is_removed(state: Path) -> None:
    (state / "half").mkdir(parents=True)
    (state / "half" / "id_ed25519").write_text("x")
    assert lab.nodes() == []
    assert lab.down_all() == ["half"]
    assert not (state / "half").exists()


def test_down_of_a_node_that_does_not_exist_is_fine(state: Path) -> None:
    lab.down("nothing")
    assert not (state / "nothing").exists()


@pytest.mark.usefixtures("state")
def test_get_of_an_unknown_node_says_so() -> None:
    with pytest.raises(LabError, match="no node called other"):
        lab.get("other")


def test_only_running_nodes_of_the_lab_are_its_nodes(make: Callable[..., Node]) -> None:
    nodes.save(make())
    assert not lab.is_node("127.0.0.1", 2222)
    assert not lab.is_node("192.0.2.1", 22)


@pytest.mark.parametrize("change", [{"folder": Path("/srv")}, {"port": 22}, {"address": "192.0.2.1"}])
def test_scripts_run_on_nothing_but_the_labs_own_nodes(make: Callable[..., Node], change: dict[str, object]) -> None:
    node = make()
    nodes.save(node)
    with pytest.raises(LabError, match="refuses a target that is not one of its nodes"):
        lab.run(node.model_copy(update=change), "true")


def test_scripts_and_reboots_need_a_running_node(make: Callable[..., Node]) -> None:
    node = make()
    nodes.save(node)
    with pytest.raises(LabError, match="not running"):
        lab.run(node, "true")
    with pytest.raises(LabError, match="not running"):
        lab.reboot(node)


def test_the_inventory_is_one_host_with_exact_host_keys(make: Callable[..., Node]) -> None:
    node = make()
    host = yaml.safe_load(access.inventory_text(node, "a hash"))["lab"]["hosts"]["vm12"]
    options = shlex.split(host.pop("ansible_ssh_common_args"))
    assert host == {
        "ansible_host": "127.0.0.1",
        "ansible_port": 2222,
        "ansible_user": "admin",
        "ansible_ssh_private_key_file": str(node.key_file),
        "ansible_become": True,
        "ansible_python_interpreter": "/usr/bin/python3",
        "sudo_passwordless": {"allowed": ["admin"]},
        "bootloader_superuser": {"name": "root", "password_pbkdf2": "a hash"},
    }
    assert {f"UserKnownHostsFile={node.known_hosts}", "StrictHostKeyChecking=yes", "IdentitiesOnly=yes"} <= set(options)


def test_only_a_machine_with_a_boot_loader_gets_a_boot_password(make: Callable[..., Node]) -> None:
    for kind, expected in (("vm", {"name": "root", "password_pbkdf2": "a hash"}), ("container", None)):
        (host,) = yaml.safe_load(access.inventory_text(make(kind=kind), "a hash"))["lab"]["hosts"].values()
        assert host.get("bootloader_superuser") == expected


def test_a_boot_password_is_hashed_as_grub_reads_it() -> None:
    rounds, salt, digest = access.grub_hash("secret").removeprefix("grub.pbkdf2.sha512.").split(".")
    expected = hashlib.pbkdf2_hmac("sha512", b"secret", bytes.fromhex(salt), int(rounds))
    assert bytes.fromhex(digest) == expected
    assert len(bytes.fromhex(salt)) == 64


def test_known_hosts_names_the_port_only_where_it_is_unusual(make: Callable[..., Node]) -> None:
    assert access.known_hosts_text(make(), ["ssh-ed25519 AAAA"]) == "[127.0.0.1]:2222 ssh-ed25519 AAAA\n"
    assert access.known_hosts_text(make(address="10.213.0.2", port=22), ["k v"]) == "10.213.0.2 k v\n"


def test_ssh_for_a_person_may_ask_and_in_batch_may_not(make: Callable[..., Node]) -> None:
    node = make()
    assert lab.ssh_command(node)[-1] == "admin@127.0.0.1"
    assert "BatchMode=yes" not in lab.ssh_command(node)
    assert "BatchMode=yes" in access.ssh_argv(node, batch=True)


def test_credentials_are_private_and_the_seed_carries_them(make: Callable[..., Node]) -> None:
    node = make()
    nodes.save(node)
    access.make_credentials(node)
    for secret in (node.key_file, node.password_file, node.folder / "seed.tar", node.folder / "ssh_host_rsa_key"):
        assert secret.stat().st_mode & 0o777 == 0o600, secret
    assert len(node.known_hosts.read_text().splitlines()) == len(access.HOST_KEY_TYPES)
    with tarfile.open(fileobj=io.BytesIO((node.folder / "seed.tar").read_bytes())) as archive:
        members = {member.name: member for member in archive}
        passwords = archive.extractfile("etc/hardener-lab/passwords")
        assert passwords is not None
        assert f"operator:{node.password_file.read_text()}" in passwords.read().decode()
    assert (members["home/operator/.ssh"].uid, members["home/operator/.ssh"].gid) == (1001, 100)
    assert members["root/.ssh/authorized_keys"].mode == 0o600
    assert members["etc/ssh/ssh_host_ed25519_key"].mode == 0o600
