"""What dconf and GDM say, and what they lack."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hardener.catalogue.control import CouldNotLook, NotApplicable
from hardener.catalogue.discovery import catalogue_of
from hardener.content import roles_directory
from hardener.controls import desktop
from playbooks.library.dconf_settings import variant
from tests.unit.controls.recorded import RecordedHost

VALUES = yaml.safe_load((roles_directory() / "desktop" / "defaults" / "main.yml").read_text())
CATALOGUE = catalogue_of([("desktop", desktop.CONTROLS)])
PACKAGES = "dpkg-query --show --showformat='${Package} ${db:Status-Status}\\n'"
DUMP = """\
[org/gnome/desktop/media-handling]
automount=false
automount-open=true

[org/gnome/desktop/screensaver]
lock-delay=uint32 5

[org/gnome/desktop/session]
idle-delay=uint32 900
"""
LOCKS = "/org/gnome/desktop/session/idle-delay\n/org/gnome/desktop/screensaver/lock-delay\n"
CONFIGURATION = "/etc/gdm3/daemon.conf\n [daemon]\n Enable=true\n [xdmcp]\n # Enable=true\n [debug]\n Enable=true\n"


def host(
    *, packages: str = "gdm3 installed\n", dump: str = "", locks: str = "", configuration: str = "", rc: int = 0
) -> RecordedHost:
    asked = desktop.SYSTEM_ONLY
    return RecordedHost(
        {
            PACKAGES: (0, packages, ""),
            f"{asked}dump /" % "user": (rc, dump, ""),
            f"{asked}dump /" % "gdm": (rc, dump, ""),
            f"{asked}list-locks /" % "user": (rc, locks, ""),
            desktop.CONFIGURATION: (rc, configuration, ""),
        }
    )


def complaints(name: str, on: RecordedHost) -> Any:
    control = CATALOGUE[f"desktop-{name}"]
    expectation = control.expectation(VALUES)
    assert expectation is not None
    return expectation.complaints(control.observe(on))


@pytest.mark.parametrize(
    ("name", "on", "said"),
    [
        ("idle-lock", host(dump=DUMP), ()),
        ("idle-lock", host(dump=DUMP.replace("900", "0")), ("/org/gnome/desktop/session/idle-delay is 0",)),
        ("automount", host(dump=DUMP), ("/org/gnome/desktop/media-handling/automount-open is yes",)),
        ("autorun", host(dump=DUMP), ("/org/gnome/desktop/media-handling/autorun-never is unset",)),
        ("idle-lock-fixed", host(locks=LOCKS), ()),
        ("autorun-fixed", host(locks="/\n"), ("/org/gnome/desktop/media-handling/autorun-never is open",)),
        ("user-list", host(rc=127), ("/org/gnome/login-screen/disable-user-list is unset",)),
        ("xdmcp", host(configuration=CONFIGURATION), ()),
        (
            "xdmcp",
            host(configuration=f"{CONFIGURATION} \n [xdmcp]\n Enable = True\n"),
            ("/etc/gdm3/daemon.conf is yes",),
        ),
        ("gdm", host(), ("gdm3 is present",)),
    ],
)
def test_what_the_system_gives_and_locks(name: str, on: RecordedHost, said: tuple[str, ...]) -> None:
    assert complaints(name, on) == said


def test_without_the_display_manager_there_is_nothing_to_judge() -> None:
    for name, control in CATALOGUE.items():
        if name != "desktop-gdm":
            with pytest.raises(NotApplicable):
                control.observe(host(packages="curl installed\n"))


def test_a_dconf_that_fails_is_no_answer() -> None:
    with pytest.raises(CouldNotLook):
        CATALOGUE["desktop-idle-lock"].observe(host(rc=1))


@given(st.booleans() | st.integers(0, 2**31) | st.text(st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp"])))
def test_what_the_role_writes_is_what_the_control_reads(value: Any) -> None:
    read = desktop.value_of(variant(value))
    assert read == (value.strip() if isinstance(value, str) else value)


def test_a_site_chooses_its_own_text_and_a_shorter_time() -> None:
    text = CATALOGUE["desktop-banner"].parameters[1].judge(VALUES["desktop_login_screen"][desktop.BANNER])
    assert text.accepts("Property of the museum")
    assert not text.accepts("Debian 12")
    idle = CATALOGUE["desktop-idle-lock"].parameters[0].judge(900)
    assert idle.accepts(300)
    assert not idle.accepts(0)
