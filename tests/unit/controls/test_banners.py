"""What counts as telling about the system, and whose text is the site's."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hardener.catalogue.control import CouldNotLook
from hardener.catalogue.discovery import catalogue_of
from hardener.content import roles_directory
from hardener.controls import banners
from tests.unit.controls.recorded import RecordedHost

VALUES = yaml.safe_load((roles_directory() / "banners" / "defaults" / "main.yml").read_text())
CATALOGUE = catalogue_of([("banners", banners.CONTROLS)])
TEXT = VALUES["banners_text"]["/etc/issue"]
UNAME = "Linux soft 6.1.0-56-amd64 #1 SMP PREEMPT_DYNAMIC Debian 6.1.170-1 (2026-05-01) x86_64\n"


def host(texts: dict[str, str], scripts: str = "") -> RecordedHost:
    listing = "".join(f"{path}\n" + "".join(f" {line}\n" for line in text.splitlines()) for path, text in texts.items())
    return RecordedHost({banners.LISTING: (0, listing, ""), banners.SCRIPTS: (0, scripts, "")})


def complaints(name: str, texts: dict[str, str]) -> Any:
    control = CATALOGUE[f"banners-{name}"]
    expectation = control.expectation(VALUES)
    assert expectation is not None
    return expectation.complaints(control.observe(host(texts)))


@pytest.mark.parametrize(
    ("name", "texts", "said"),
    [
        ("issue", {"/etc/issue": f"{TEXT}\n"}, ()),
        ("issue", {"/etc/issue": "Welcome\n"}, ("text is Welcome",)),
        ("issue", {}, ("text is unset",)),
        ("issue", {"/etc/issue": TEXT, "/etc/issue.d/a.issue": "on \\m"}, (r"tells has \m (/etc/issue.d/a.issue)",)),
        ("issue", {"/etc/issue": TEXT, "/etc/issue.net": "Debian"}, ()),
        ("motd", {}, ()),
        ("motd", {"/etc/motd": ""}, ()),
        ("motd", {"/etc/motd": TEXT, "/run/motd.dynamic": UNAME}, ()),
        ("motd", {"/etc/motd": TEXT, "/etc/motd.d/x": "Ubuntu 24.04"}, ("tells has Ubuntu 24.04 (/etc/motd.d/x)",)),
        ("issue-net", {"/etc/issue.net": f"  {TEXT}\n\n"}, ()),
    ],
)
def test_the_text_is_the_sites_and_nothing_beside_it_tells_more(
    name: str, texts: dict[str, str], said: tuple[str, ...]
) -> None:
    assert complaints(name, texts) == said


def test_what_is_made_at_every_login_counts_as_well() -> None:
    assert complaints("motd-generated", {"/run/motd.dynamic": UNAME}) == (f"tells has {UNAME.strip()}",)
    assert complaints("motd-generated", {"/run/motd.dynamic": "2 users\n"}) == ()
    observed = CATALOGUE["banners-motd-generated"].observe(host({}, "/etc/update-motd.d/10-uname\n"))
    assert observed == {"tells": [], "made by": ["/etc/update-motd.d/10-uname"]}


def test_a_text_that_cannot_be_read_is_no_pass() -> None:
    with pytest.raises(CouldNotLook, match="Permission denied"):
        CATALOGUE["banners-motd"].observe(RecordedHost({banners.LISTING: (4, "", "sed: Permission denied")}))


@pytest.mark.parametrize("told", ["Debian GNU/Linux 12", "\\S{PRETTY_NAME}", "\\r", "ubuntu 24.04", "linux host 6.1.0"])
def test_details_are_found(told: str) -> None:
    assert banners.details(f"Hello on {told}")


@given(st.text(st.characters(whitelist_categories=["Lu", "Nd", "Zs", "Po"], blacklist_characters="\\")))
def test_a_site_may_choose_any_text_that_tells_nothing(text: str) -> None:
    (parameter,) = CATALOGUE["banners-issue"].parameters
    assert parameter.judge(TEXT).accepts(text) == bool(text.strip() and not banners.details(text))


def test_the_ssh_servers_role_knows_the_same_text() -> None:
    tasks = yaml.safe_load((roles_directory() / "sshd" / "tasks" / "banner.yml").read_text())
    texts = [str(task["text_files"]["texts"]) for task in tasks if "text_files" in task]
    assert any(f"'{VALUES['banners_text']['/etc/issue.net']}'" in text for text in texts)
