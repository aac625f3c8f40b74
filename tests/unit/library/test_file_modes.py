"""What the module ``file_modes`` takes from files, and what it leaves alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from playbooks.library import file_modes

MODES = some.integers(min_value=0, max_value=0o7777)


def file(mode: int, owner: str = "root", group: str = "root") -> dict[str, Any]:
    return {"mode": mode, "owner": owner, "group": group}


@given(mode=MODES, limit=MODES)
def test_no_bit_is_ever_added_and_none_too_many_is_left(mode: int, limit: int) -> None:
    changed = file_modes.diff({"/f": file(mode)}, {"/f": limit}).get("/f", file(mode))
    assert changed["mode"] & ~mode == 0
    assert changed["mode"] & ~limit == 0


def test_a_stricter_file_is_left_alone() -> None:
    assert file_modes.diff({"/f": file(0o400)}, {"/f": 0o600}) == {}


def test_owner_and_group_become_root_and_the_first_group() -> None:
    changes = file_modes.diff({"/f": file(0o600, "nobody", "users")}, {"/f": 0o600}, groups=("root", "adm"))
    assert changes == {"/f": file(0o600)}


def test_an_accepted_group_stays() -> None:
    assert file_modes.diff({"/f": file(0o640, group="adm")}, {"/f": 0o640}, groups=("root", "adm")) == {}


def test_patterns_name_regular_files_and_the_stricter_mode_counts(tmp_path: Path) -> None:
    for name in ("a.conf", "b.conf"):
        (tmp_path / name).touch()
    (tmp_path / "c.conf").mkdir()
    wanted = file_modes.named_by({f"{tmp_path}/*.conf": 0o640, f"{tmp_path}/b*": 0o600, f"{tmp_path}/none": 0})
    assert wanted == {f"{tmp_path}/a.conf": 0o640, f"{tmp_path}/b.conf": 0o600}


def test_a_pattern_that_ends_with_a_slash_names_directories(tmp_path: Path) -> None:
    (tmp_path / "cron.d").mkdir()
    (tmp_path / "cron.deny").touch()
    assert file_modes.named_by({f"{tmp_path}/cron.*/": 0o700}) == {f"{tmp_path}/cron.d/": 0o700}


def test_a_link_that_somebody_else_planted_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "target").touch()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    assert file_modes.named_by({f"{tmp_path}/link": 0o600}) == {f"{tmp_path}/link": 0o600}
    others = os.lstat(tmp_path / "link")
    monkeypatch.setattr("os.lstat", lambda _: os.stat_result([*others[:4], 4711, *others[5:]]))
    assert file_modes.named_by({f"{tmp_path}/link": 0o600}) == {}


def test_observing_and_changing_a_real_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    path.chmod(0o666)
    now = file_modes.observe(str(path))
    file_modes.change(str(path), now, {**now, "mode": 0o600})
    assert file_modes.observe(str(path)) == {**now, "mode": 0o600}


def test_an_unquoted_mode_is_refused_because_yaml_has_read_another_number() -> None:
    assert file_modes.octal("0600") == 0o600
    with pytest.raises(TypeError, match="quote the mode: 384"):
        file_modes.octal(384)
