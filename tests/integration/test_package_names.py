"""Every package the catalogue names exists: a misspelt one would be "absent" for ever, or never come."""

from __future__ import annotations

import pytest

from hardener import lab
from hardener.content import roles_directory
from hardener.inventory import role_defaults
from hardener.lab.apt import CODENAMES

DEFAULTS = role_defaults(roles_directory())
WANTED = {*DEFAULTS["packages_present"], *DEFAULTS["packages_oldest"]}
UNWANTED = {name for variable in ("services_packages", "desktop_packages") for name in DEFAULTS.get(variable, {})}


@pytest.fixture(scope="module")
def known() -> dict[str, set[str]]:
    """Release → the names of ours its package lists know, from a node of each."""
    found = {}
    for release in CODENAMES:
        name = f"names-container{release}"
        lab.down(name)
        try:
            node = lab.up(name, kind="container", release=release, progress=print)
            listing = lab.run(node, f"apt-cache madison {' '.join(sorted(WANTED | UNWANTED))}").stdout
        finally:
            lab.down(name)
        found[release] = {line.split("|")[0].strip() for line in listing.splitlines()}
    return found


@pytest.mark.lab
def test_what_is_to_be_installed_exists_in_every_release(known: dict[str, set[str]]) -> None:
    assert {release: sorted(WANTED - names) for release, names in known.items()} == {key: [] for key in CODENAMES}


@pytest.mark.lab
def test_what_is_to_be_removed_exists_in_some_release(known: dict[str, set[str]]) -> None:
    assert set().union(*known.values()) >= UNWANTED
