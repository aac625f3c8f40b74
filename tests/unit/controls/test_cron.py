"""Who may leave jobs behind, and who is told beforehand that a new list will hold them too."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from hardener.catalogue.control import CouldNotLook, NotApplicable
from hardener.catalogue.discovery import catalogue_of
from hardener.content import roles_directory
from hardener.controls import cron
from tests.unit.controls.recorded import RecordedHost

VALUES = yaml.safe_load((roles_directory() / "cron" / "defaults" / "main.yml").read_text())
CATALOGUE = catalogue_of([("cron", cron.CONTROLS)])
PACKAGES = "dpkg-query --show --showformat='${Package} ${db:Status-Status}\\n'"


def question(scheduler: str) -> str:
    allow, deny = f"/etc/{scheduler}.allow", f"/etc/{scheduler}.deny"
    jobs = {"cron": "/var/spool/cron/crontabs", "at": "/var/spool/cron/atjobs"}[scheduler]
    return (
        f'for file in {allow} {deny}; do [ ! -f "$file" ] || stat -L -c "file %n %a %U %G" "$file"; done; '
        f"[ ! -f {allow} ] || sed 's/^/listed /' {allow}; "
        f"[ ! -d {jobs} ] || find {jobs} -maxdepth 1 -ignore_readdir_race -type f ! -name '.*' -printf 'owner %u\\n' | "
        "sort -u"
    )


def host(
    *, scheduler: str = "cron", allow: str = "", deny: str = "", listed: str = "", owners: str = "", packages: str = ""
) -> RecordedHost:
    rows = [f"file /etc/{scheduler}.{name} {found}" for name, found in (("allow", allow), ("deny", deny)) if found]
    rows += [f"listed {name}" for name in listed.split()] + [f"owner {name}" for name in owners.split()]
    return RecordedHost(
        {
            PACKAGES: (0, packages or f"{scheduler} installed\n", ""),
            question(scheduler): (0, "".join(f"{row}\n" for row in rows), ""),
        }
    )


def complaints(name: str, on: RecordedHost, values: Any = VALUES) -> Any:
    control = CATALOGUE[f"cron-{name}"]
    expectation = control.expectation(values)
    assert expectation is not None
    return expectation.complaints(control.observe(on))


@pytest.mark.parametrize(
    ("on", "said"),
    [
        (host(allow="640 root crontab", listed="root\n"), ()),
        (host(allow="600 root root", listed="root\nplain\n", deny="640 root root"), ()),
        (host(), ("allow is missing",)),
        (host(owners="plain\nroot\n"), ("allow is missing", "will also list those who have jobs now: plain")),
        (host(allow="640 root crontab", listed="root\n", owners="plain\n"), ()),
        (host(allow="640 root crontab", listed="backup\n"), ("allow does not list root",)),
        (host(allow="644 root users", listed="root\n"), ("allow mode is 0644", "allow group is users")),
        (host(allow="640 root crontab", listed="root\n", deny="666 root root"), ("deny mode is 0666",)),
    ],
)
def test_crontabs_are_for_listed_users(on: RecordedHost, said: tuple[str, ...]) -> None:
    assert complaints("users", on) == said


def test_whoever_has_a_crontab_without_being_listed_is_named() -> None:
    observed: Any = CATALOGUE["cron-users"].observe(
        host(allow="640 root crontab", listed="root\n", owners="plain\nroot\n")
    )
    assert observed["unlisted with jobs"] == ["plain"]


def test_a_list_that_at_cannot_read_lets_everybody_in_and_fails() -> None:
    open_to_all = host(scheduler="at", allow="640 root root", listed="root\n")
    assert complaints("at-users", open_to_all) == ("allow group is root",)
    assert complaints("at-users", host(scheduler="at", allow="640 root daemon", listed="root\n")) == ()


def test_a_host_without_the_scheduler_has_nothing_to_judge() -> None:
    for name in ("at-users", "users", "daemon"):
        with pytest.raises(NotApplicable, match="is not installed"):
            CATALOGUE[f"cron-{name}"].observe(host(packages="curl installed\n"))


def test_a_list_that_cannot_be_read_is_no_pass() -> None:
    on = host()
    on = RecordedHost({**on.answers, question("cron"): (1, "", "sed: denied")})
    with pytest.raises(CouldNotLook, match="denied"):
        CATALOGUE["cron-users"].observe(on)


@pytest.mark.parametrize(
    ("users", "accepted"), [(["root"], True), (["root", "deploy"], True), ([], False), (["a b"], False), ([7], False)]
)
def test_a_site_may_choose_any_users(users: list[Any], accepted: bool) -> None:
    parameter = CATALOGUE["cron-users"].parameters[0]
    assert parameter.judge(["root"]).accepts(users) is accepted
