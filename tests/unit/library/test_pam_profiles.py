"""What the module ``pam_profiles`` makes of a profile, and when it takes everything back."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.module_utils.basic import AnsibleModule

from playbooks.library import pam_profiles

UNIX = """\
Name: Unix authentication
Default: yes
Priority: 256
Auth-Type: Primary
Auth:
\t[success=end default=ignore]\tpam_unix.so nullok try_first_pass
Auth-Initial:
\t[success=end default=ignore]\tpam_unix.so nullok
Session:
\trequired\tpam_unix.so
Password-Type: Primary
Password:
\t[success=end default=ignore]\tpam_unix.so obscure remember=5 try_first_pass md5
Password-Initial:
\t[success=end default=ignore]\tpam_unix.so obscure md5
"""
ARGUMENTS = {"nullok": "absent", "remember": "absent", "md5": "absent", "yescrypt": "present", "use_authtok": "present"}


def test_a_derived_profile_differs_in_its_name_and_the_arguments_of_one_module() -> None:
    assert pam_profiles.derived(UNIX, "hardener-unix", "pam_unix.so", ARGUMENTS).splitlines() == [
        "Name: hardener-unix",
        "Default: yes",
        "Priority: 256",
        "Auth-Type: Primary",
        "Auth:",
        "\t[success=end default=ignore] pam_unix.so try_first_pass",
        "Auth-Initial:",
        "\t[success=end default=ignore] pam_unix.so",
        "Session:",
        "\trequired pam_unix.so",
        "Password-Type: Primary",
        "Password:",
        "\t[success=end default=ignore] pam_unix.so obscure try_first_pass yescrypt use_authtok",
        "Password-Initial:",
        "\t[success=end default=ignore] pam_unix.so obscure yescrypt",
    ]


def test_deriving_twice_changes_nothing() -> None:
    once = pam_profiles.derived(UNIX, "hardener-unix", "pam_unix.so", ARGUMENTS)
    assert pam_profiles.derived(once, "hardener-unix", "pam_unix.so", ARGUMENTS) == once


def test_other_modules_keep_their_arguments() -> None:
    text = "Password:\n\trequisite pam_pwquality.so remember=3\n"
    assert pam_profiles.derived(text, "x", "pam_unix.so", ARGUMENTS) == text


def test_only_profiles_that_differ_are_written() -> None:
    assert pam_profiles.diff({"a": "1", "b": "2"}, {"a": "1", "b": "3", "c": "4"}) == {"b": "3", "c": "4"}


@pytest.mark.parametrize("stack", ["auth", "account", "password", "session"])
def test_a_stack_without_pam_unix_is_one_nobody_gets_through(stack: str) -> None:
    stacks = dict.fromkeys(pam_profiles.STACKS, "auth [success=1 default=ignore] pam_unix.so\n")
    assert pam_profiles.missing_modules(stacks) == []
    assert pam_profiles.missing_modules({**stacks, stack: "auth requisite pam_deny.so\n"}) == [f"{stack}: pam_unix.so"]


def test_items_tell_which_profiles_the_stacks_win_and_lose() -> None:
    current = {"hardener-unix": "", "pwquality": ""}
    told = pam_profiles.items(current, {"hardener-unix": "Name: x\n"}, {"unix"}, {"hardener-unix", "pwquality"})
    assert [(item["kind"], item["key"], item["after"], item["conditional"]) for item in told] == [
        ("file", "", "Name: x\n", False),
        ("setting", "hardener-unix", "in use", False),
        ("setting", "pwquality", "in use", True),
        ("setting", "unix", "not in use", False),
    ]


def test_a_text_replaces_a_file_and_no_text_removes_it(tmp_path: Path) -> None:
    path = tmp_path / "profile"
    for text in ("Name: a\n", "Name: b\n", "", ""):
        module = AnsibleModule.__new__(AnsibleModule)
        pam_profiles.write(module, str(path), text)
        assert pam_profiles.read(module, str(path)) == text
        assert path.exists() == bool(text)
