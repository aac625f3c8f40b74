"""Ansible's inventory read by Ansible: precedence, rendering, connection variables, and errors that say where."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardener.errors import InventoryError
from hardener.inventory import Sources, read_targets
from hardener.model import Become, Target, Trait
from hardener.platforms import PLATFORMS


@pytest.fixture
def roles(tmp_path: Path) -> Path:
    defaults = tmp_path / "roles" / "alpha" / "defaults"
    defaults.mkdir(parents=True)
    (defaults / "main.yml").write_text(
        'alpha_numbers: {one: 10, two: 20}\nalpha_text: "{{ alpha_numbers.one }} of {{ site | default(0) }}"\n'
    )
    return tmp_path / "roles"


def read(roles: Path, hosts: str, *, name: str = "hosts.yml", **changes: object) -> list[Target]:
    file = roles.parent / name
    file.write_text(hosts)
    return list(read_targets(Sources(roles=[roles], inventories=[str(file)], **changes)))  # type: ignore[arg-type]


def test_values_are_layered_key_by_key_and_rendered_by_ansible(roles: Path) -> None:
    (roles.parent / "group_vars").mkdir()
    (roles.parent / "group_vars" / "all.yml").write_text("site: 7\nalpha_numbers: {two: 22}\n")
    (target,) = read(roles, "all: {hosts: {a: {}}}", profile_values={"alpha_numbers": {"one": 11, "two": 21}})
    assert target.values == {"alpha_numbers": {"one": 11, "two": 22}, "alpha_text": "11 of 7"}
    assert target.origins["alpha_numbers.two"].endswith("group_vars/all.yml:2")


def test_extra_variables_win(roles: Path) -> None:
    (target,) = read(roles, "all: {hosts: {a: {site: 1}}}", extra_vars=["site=2", '{"alpha_numbers": {"one": 1}}'])
    assert target.values["alpha_text"] == "1 of 2"


def test_values_are_plain_data(roles: Path) -> None:
    (target,) = read(roles, "all: {hosts: {a: {alpha_text: [yes, 1, text]}}}")
    assert target.values["alpha_text"] == [True, 1, "text"]
    assert [type(item) for item in target.values["alpha_text"]] == [bool, int, str]


def test_connection_variables_mean_what_they_mean_in_ansible(roles: Path) -> None:
    (target,) = read(
        roles,
        """
all:
  hosts:
    a:
      ansible_host: 192.0.2.7
      ansible_port: 2222
      ansible_user: "{{ who }}"
      who: admin
      ansible_ssh_private_key_file: ~/.ssh/lab
      ansible_ssh_common_args: -o UserKnownHostsFile=/k -J jump@bastion:2200 -oIdentitiesOnly=yes
      ansible_become: true
      ansible_become_user: auditor
      hardening_traits: [kubernetes-worker]
      hardening_platform: debian-12
""",
    )
    connection = target.connection
    assert (connection.host, connection.port, connection.user) == ("192.0.2.7", 2222, "admin")
    assert connection.private_key_file == "~/.ssh/lab"
    assert connection.ssh_options == {
        "userknownhostsfile": "/k",
        "proxyjump": "jump@bastion:2200",
        "identitiesonly": "yes",
    }
    assert connection.become == Become(user="auditor")
    assert target.traits == {Trait.KUBERNETES_WORKER}
    assert target.platform == PLATFORMS["debian-12"]


def test_the_limit_is_ansibles(roles: Path) -> None:
    hosts = "all: {children: {web: {hosts: {a: {}, b: {}}}, db: {hosts: {c: {}}}}}"
    assert [item.name for item in read(roles, hosts, limit="web:!b")] == ["a"]
    assert read(roles, hosts, limit="db")[0].groups == ("db",)


def test_without_an_inventory_the_target_is_this_machine(roles: Path) -> None:
    (target,) = read_targets(Sources(roles=[roles]))
    assert (target.name, target.connection.kind, target.connection.become) == ("localhost", "local", None)


@pytest.mark.parametrize(
    ("hosts", "where", "what"),
    [
        (
            "all:\n  hosts:\n    a:\n      alpha_text: '{{ nope }}'\n",
            "hosts.yml:4",
            "a: alpha_text: 'nope' is undefined",
        ),
        ("all:\n  hosts:\n    a: {}\n    a: {}\n", "hosts.yml:4", "duplicate key 'a'"),
        ("all:\n  hosts: [\n", "hosts.yml:3", "expected node content"),
        ("all: {hosts: {a: {ansible_port: ssh}}}", "hosts.yml:1", "ansible_port: 'ssh' is no port"),
        ("all: {hosts: {a: {ansible_connection: winrm}}}", "a", "connection 'winrm' is not supported (ssh, local)"),
        ("all: {hosts: {a: {ansible_become: true, ansible_become_method: su}}}", "a", "become method 'su' is not"),
        (
            "all: {hosts: {a: {hardening_platform: debian}}}",
            "hosts.yml:1",
            "hardening_platform: debian is none of debian-12, debian-13",
        ),
        ("all: {hosts: {a: {hardening_traits: [mainframe]}}}", "hosts.yml:1", "'mainframe' is not a valid Trait"),
        ("all: {hosts: {}}", "hosts.yml", "names no target"),
    ],
)
def test_a_wrong_inventory_is_one_line_that_says_where(roles: Path, hosts: str, where: str, what: str) -> None:
    with pytest.raises(InventoryError) as caught:
        read(roles, hosts)
    location = caught.value.location
    assert location == where or location.endswith("/" + where)
    assert what in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_inventory_that_does_not_exist_is_named(roles: Path) -> None:
    with pytest.raises(InventoryError, match=r"nowhere\.yml: no such file"):
        read_targets(Sources(roles=[roles], inventories=["nowhere.yml"]))


GROUPED = "all: {children: {web: {hosts: {web1: {}, web2: {}}}, db: {hosts: {db1: {}}}}}"


def test_scopes_of_waivers_are_ansibles_patterns_and_the_limit_does_not_narrow_them(roles: Path) -> None:
    patterns = ("all", "web:!web2", "web:&db", "~db.*", "nobody", "localhost")
    (db1, web1, web2) = sorted(
        read(roles, GROUPED, scopes=dict.fromkeys(patterns, "waivers.yml:1")), key=lambda target: target.name
    )
    assert db1.scopes == {"all", "~db.*"}
    assert web1.scopes == {"all", "web:!web2"}
    assert web2.scopes == {"all"}
    (only,) = read(roles, GROUPED, limit="web1", scopes={"web": "waivers.yml:1"})
    assert only.scopes == {"web"}


def test_a_scope_that_names_nobody_warns_nobody(roles: Path, capsys: pytest.CaptureFixture[str]) -> None:
    read(roles, GROUPED, scopes={"nobody": "waivers.yml:1"})
    assert capsys.readouterr().err == ""


def test_a_scope_that_is_no_pattern_is_named_with_its_place(roles: Path) -> None:
    with pytest.raises(InventoryError, match=r"^waivers\.yml:7: "):
        read(roles, GROUPED, scopes={"~(": "waivers.yml:7"})
