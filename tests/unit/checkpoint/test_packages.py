"""A package that is about to go is built again from what dpkg says of it."""

from collections.abc import Callable, Sequence
from pathlib import PurePath

import pytest

from hardener.checkpoint import packages
from hardener.checkpoint.packages import conffiles_of, control_of
from hardener.checkpoint.system import Failed

DESCRIBED = """\
Package: telnet
Status: install ok installed
Priority: optional
Version: 0.17+2.4-2
Conffiles:
 /etc/telnetrc 0123456789abcdef
 /etc/old 0123456789abcdef obsolete
Depends: netbase
Description: basic client
 of a protocol
 Status: no field, but text
"""


def test_the_control_file_says_what_the_package_is_and_not_how_it_is_installed() -> None:
    assert control_of(DESCRIBED) == (
        "Package: telnet\nPriority: optional\nVersion: 0.17+2.4-2\nDepends: netbase\n"
        "Description: basic client\n of a protocol\n Status: no field, but text\n"
    )


def test_former_configuration_files_are_not_its_own() -> None:
    assert conffiles_of(DESCRIBED) == ["/etc/telnetrc"]
    assert conffiles_of("Package: x\n") == []


INSTALLED = {"telnet:amd64": "1", "nis:all": "1", "libnis:amd64": "1", "cron:amd64": "1"}


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The packages that are built, on a target that has some."""
    names: list[str] = []
    monkeypatch.setattr(packages, "capture", lambda: INSTALLED)
    monkeypatch.setattr(packages, "make_directory", lambda _path: None)
    monkeypatch.setattr(packages, "_build", lambda name, _folder: names.append(name))
    return names


def apt(said: str | Failed) -> Callable[[Sequence[str]], str]:
    """An apt that says this of what it would remove."""

    def output(words: Sequence[str]) -> str:
        assert words[:2] == ["apt-get", "--simulate"]
        if isinstance(said, Failed):
            raise said
        return said

    return output


def test_what_goes_and_what_goes_with_it_is_kept_once(built: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "output", apt("Remv nis [1]\nRemv libnis [1]\nPurg no line of this kind\n"))
    assert packages.keep(["nis", "ftp"], ["cron"], PurePath("/kept")) == ["cron", "libnis", "nis"]
    assert sorted(built) == ["cron", "libnis", "nis"]


def test_where_apt_cannot_say_what_goes_along_the_rest_is_kept(
    built: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "output", apt(Failed("unmet dependencies")))
    assert packages.keep(["telnet"], [], PurePath("/kept")) == ["telnet"]
    assert built == ["telnet"]


def test_nothing_is_asked_where_nothing_goes(built: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "output", apt(Failed("not to be asked")))
    assert packages.keep(["ftp"], [], PurePath("/kept")) == []
    assert packages.keep([], ["cron"], PurePath("/kept")) == ["cron"]
    assert built == ["cron"]


def test_a_package_that_cannot_be_built_is_no_checkpoint(monkeypatch: pytest.MonkeyPatch, built: list[str]) -> None:
    def fails(name: str, _folder: PurePath) -> None:
        built.append(name)
        if name == "nis":
            raise Failed("dpkg-deb: no space left")

    monkeypatch.setattr(packages, "_build", fails)
    monkeypatch.setattr(packages, "output", apt("Remv nis [1]\n"))
    with pytest.raises(Failed, match="no space left"):
        packages.keep(["nis"], [], PurePath("/kept"))
