"""What others could have written is refused: by its own owner, mode and ACL, and by those of all that leads to it."""

from __future__ import annotations

import grp
import os
import pwd
import struct
from pathlib import Path

import pytest

from hardener import ownership
from hardener.errors import ConfigError, InventoryError
from hardener.ownership import refuse_foreign

SOMEBODY = 65534
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of ours in a directory of ours, below one in which everybody may put something."""
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    (shared / "ours").mkdir(mode=0o755)
    file = shared / "ours" / "hosts.yml"
    file.write_text("all: {}\n")
    file.chmod(0o644)
    return file


def refused(*paths: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        refuse_foreign(*paths)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_only_we_can_write_passes_below_a_sticky_directory_as_well(file: Path) -> None:
    refuse_foreign(file, file.parent, file.parent / "group_vars")


@only_root
def test_a_file_of_somebody_else_is_named_with_owner_and_mode_and_how_to_mend_it(file: Path) -> None:
    os.chown(file, SOMEBODY, -1)
    who = pwd.getpwuid(SOMEBODY).pw_name
    assert refused(file) == (
        f"{file}: it belongs to {who} (owner {who}, group {grp.getgrgid(os.getegid()).gr_name}, mode 0644), "
        f"and it decides what runs as root: chown root {file}"
    )


@pytest.mark.parametrize("path", [".", "..", "hosts.yml"])
def test_whatever_everybody_can_write_is_refused_with_the_directories_above(file: Path, path: str) -> None:
    place = (file.parent / path).resolve()
    place.chmod(0o777)
    told = refused(file)
    assert told.startswith(f"{place}: others can write it (owner ")
    assert f"mode 0777), and it decides what runs as root{'' if place == file else f', on the way to {file}'}: " in told
    assert told.endswith(f": chmod o-w {place}")


@only_root
@pytest.mark.parametrize("path", [".", "hosts.yml"])
def test_a_group_that_others_may_be_in_counts_as_others(file: Path, path: str) -> None:
    place = (file.parent / path).resolve()
    os.chown(place, -1, SOMEBODY)
    place.chmod(0o775)
    assert refused(file).endswith(f"chmod g-w {place}")


def test_a_private_group_is_no_group_of_others(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a checkout is with the umask 002."""
    us = pwd.struct_passwd(("ann", "x", os.geteuid(), 4711, "", "/", "/bin/sh"))
    bob = pwd.struct_passwd(("bob", "x", 4712, 4712, "", "/", "/bin/sh"))
    group = grp.struct_group(("ann", "x", os.getegid(), ["ann"]))
    monkeypatch.setattr(pwd, "getpwuid", lambda _number: us)
    monkeypatch.setattr(pwd, "getpwall", lambda: [us, bob])
    monkeypatch.setattr(grp, "getgrgid", lambda _number: group)
    file.chmod(0o664)
    file.parent.chmod(0o775)
    refuse_foreign(file, file.parent)
    for changed in (grp.struct_group(("ann", "x", os.getegid(), ["bob"])), grp.struct_group(("dev", "x", 1, []))):
        monkeypatch.setattr(grp, "getgrgid", lambda _number, group=changed: group)
        assert "others can write it" in refused(file)
    monkeypatch.setattr(grp, "getgrgid", lambda _number: group)
    monkeypatch.setattr(pwd, "getpwall", lambda: [us, pwd.struct_passwd((*bob[:3], os.getegid(), *bob[4:]))])
    assert "others can write it" in refused(file)


@only_root
@pytest.mark.parametrize(("tag", "identity"), [(ownership._ACL_USER, SOMEBODY), (ownership._ACL_GROUP, SOMEBODY)])
def test_an_acl_that_lets_others_write_is_refused(file: Path, tag: int, identity: int) -> None:
    entries = sorted([(1, 6, 2**32 - 1), (tag, 6, identity), (4, 4, 2**32 - 1), (16, 6, 2**32 - 1), (32, 4, 2**32 - 1)])
    try:
        os.setxattr(
            file, ownership._ACL, struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *item) for item in entries)
        )
    except OSError as error:
        pytest.skip(f"this file system has no ACLs: {error.strerror}")
    assert "its ACL lets others write it" in refused(file)
    assert refused(file).endswith(f"setfacl --remove-all {file}")


def test_what_is_looked_for_where_others_could_put_it_is_refused_before_it_is_there(file: Path) -> None:
    shared = file.parent.parent
    told = refused(shared / "group_vars")
    assert told.startswith(f"{shared}: others can write it")
    assert told.endswith(f"on the way to {shared}/group_vars: use a directory that only you can write")


def test_a_directory_means_all_that_is_below_it(file: Path) -> None:
    deep = file.parent / "roles" / "web" / "tasks"
    deep.mkdir(parents=True)
    refuse_foreign(file.parent)
    deep.chmod(0o1777)
    assert refused(file.parent).startswith(f"{deep}: ")
    deep.chmod(0o755)
    (deep / "main.yml").touch()
    (deep / "main.yml").chmod(0o666)
    assert refused(file.parent).startswith(f"{deep}/main.yml: ")


def test_a_link_leads_to_what_counts_and_its_own_directory_counts_as_well(file: Path, tmp_path: Path) -> None:
    links = tmp_path / "links"
    links.mkdir()
    (links / "relative.yml").symlink_to("../shared/ours/../ours/hosts.yml")
    (links / "folder").symlink_to(file.parent)
    for named in (links / "relative.yml", links / "folder" / "hosts.yml", links):
        refuse_foreign(named)
    file.chmod(0o646)
    for named in (links / "relative.yml", links / "folder" / "hosts.yml", links):
        assert refused(named).startswith(f"{file}: ")
    file.chmod(0o644)
    links.chmod(0o777)
    assert refused(links / "relative.yml").startswith(f"{links}: ")


@only_root
def test_a_link_of_somebody_else_is_refused(file: Path) -> None:
    link = file.parent.parent / "link"
    link.symlink_to(file)
    refuse_foreign(link)
    os.chown(link, SOMEBODY, -1, follow_symlinks=False)
    assert refused(link).startswith(f"{link}: it belongs to ")


def test_links_in_a_circle_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert refused(tmp_path / "a") == f"{tmp_path}/a: too many symbolic links"
    (tmp_path / "a").unlink()
    (tmp_path / "a").symlink_to(".")
    refuse_foreign(tmp_path / "a", tmp_path)


def test_a_name_with_a_line_break_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a\nb").touch()
    (tmp_path / "a\nb").chmod(0o666)
    assert refused(tmp_path).startswith(rf"{tmp_path}/a\nb: others can write it")


def test_what_is_not_there_or_no_directory_is_for_its_reader_to_tell(file: Path) -> None:
    refuse_foreign(file.parent / "nothing", file / "below", error=InventoryError)


@only_root
def test_the_callers_error_is_raised(file: Path) -> None:
    file.chmod(0o666)
    with pytest.raises(InventoryError):
        refuse_foreign(file, error=InventoryError)
