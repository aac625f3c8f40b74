"""Owner and mode of what is held open."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ansible.module_utils import secure_paths
from ansible.module_utils.ownership import change, change_of, observe, shown, without_rights
from hypothesis import given
from hypothesis import strategies as some

from tests.unit.library.running import NEEDS_ROOT, STRANGER, state, theirs

NAMES = some.sampled_from(["root", "adm", "4711"])
ATTRIBUTES = some.fixed_dictionaries({"mode": some.integers(0, 0o7777), "owner": NAMES, "group": NAMES})


@given(now=ATTRIBUTES, target=ATTRIBUTES)
def test_set_id_bits_stay_with_their_owner(now: dict[str, Any], target: dict[str, Any]) -> None:
    given_away = (now["owner"], now["group"]) != (target["owner"], target["group"])
    assert without_rights(now, target) == {**target, "mode": target["mode"] & (0o1777 if given_away else 0o7777)}


def test_attributes_are_told_as_people_write_them() -> None:
    assert shown({"mode": 0o640, "owner": "root", "group": "adm"}) == "0640 root adm"
    assert change_of("/f", "0644 root root", "0640 root adm") == {
        "kind": "attributes",
        "subject": "/f",
        "before": "0644 root root",
        "after": "0640 root adm",
    }


@NEEDS_ROOT
def test_what_is_observed_is_changed_and_an_owner_without_a_name_may_stay(tmp_path: Path) -> None:
    path = theirs(tmp_path / "home") / "file"
    path.touch()
    os.chown(path, STRANGER, STRANGER)
    path.chmod(0o666)
    with secure_paths.item_at(str(path)) as item:
        now = observe(item)
        assert now == {"mode": 0o666, "owner": str(STRANGER), "group": str(STRANGER)}
        change(item, now, {**now, "mode": 0o600, "group": "root"})
    assert state(path)[1:] == (STRANGER, 0, 0o600)
