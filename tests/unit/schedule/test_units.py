"""What the units say: words that come out as they went in, the sandbox for each case, and what is refused."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path
from shutil import which

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardener.errors import ConfigError
from hardener.schedule import Nightly, unit_texts
from hardener.schedule.quoting import listed_path, whole_path, word
from hardener.schedule.units import SERVICE, TIMER
from tests.unit.schedule.grammar import settings, specified, words

NIGHTLY = Nightly(
    command=["/opt/hardener/bin/python", "-P", "-m", "hardener"],
    project=Path("/srv/site"),
    state_home=Path("/root/.local/state"),
    store="/root/.local/state/hardener/runs.sqlite",
    written=[Path("/root/.local/state/hardener")],
)
ANYTHING = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)
NASTY = st.text(st.sampled_from("a %$\\\"'`;#~-:é\x7f\n\t"), min_size=1)
PRINTABLE = st.text(st.characters(min_codepoint=32, exclude_characters="\x7f", exclude_categories=["Cs"]), min_size=1)
PATHS = st.one_of(PRINTABLE, st.text(st.sampled_from("a %$\\\"'`;#~-:é"), min_size=1)).map(lambda name: f"/{name}")


def service(nightly: Nightly) -> dict[str, list[str]]:
    """The settings of the section Service."""
    found = settings(unit_texts(nightly)[SERVICE])
    return {name.removeprefix("Service."): list(values) for name, values in found.items()}


# --- quoting ----------------------------------------------------------------------------------------------------------


@given(st.lists(st.one_of(ANYTHING, NASTY), min_size=1))
def test_words_come_out_as_they_went_in(texts: list[str]) -> None:
    line = " ".join(map(word, texts))
    assert words(line) == texts
    assert "\n" not in line


@given(st.lists(PATHS, min_size=1))
def test_paths_of_a_list_come_out_as_they_went_in(paths: list[str]) -> None:
    assert words(" ".join(map(listed_path, paths)), is_list_of_paths=True) == paths


@given(PATHS)
def test_a_path_to_the_end_of_a_line_comes_out_or_is_refused(path: str) -> None:
    if path.endswith("\\") or path != path.strip():
        with pytest.raises(ConfigError, match="works in no directory"):
            whole_path(path)
    else:
        assert specified(whole_path(path)) == path


@pytest.mark.parametrize("quoted", [listed_path, whole_path])
def test_a_path_of_two_lines_is_refused_in_one(quoted: object) -> None:
    with pytest.raises(ConfigError) as caught:
        quoted("/a\nb")  # type: ignore[operator]
    assert str(caught.value) == r"'/a\nb': systemd knows no path with control characters"


def test_what_needs_no_quoting_stays_readable() -> None:
    assert word("/opt/hardener/bin/python") == "/opt/hardener/bin/python"
    assert word("a b") == '"a b"'
    assert word('say "b"') == "'say \"b\"'"
    assert word("100%") == '"100%%"'


@pytest.mark.skipif(which("systemd-analyze") is None, reason="needs systemd's own reader")
@pytest.mark.parametrize("is_user", [False, True], ids=["system", "user"])
def test_systemd_itself_finds_nothing_to_say(tmp_path: Path, is_user: bool) -> None:
    """Reads the files only: nothing is installed or started."""
    nasty = tmp_path / "a b%n$HOME 'c\"\\d;#é"
    nightly = replace(
        NIGHTLY,
        command=["/bin/true", "-m", f"{nasty}\n"],
        project=nasty,
        state_home=nasty,
        written=[nasty, tmp_path],
        metrics=nasty / "m",
        is_user=is_user,
    )
    for name, text in unit_texts(nightly).items():
        (tmp_path / name).write_text(text)
    verify = ["systemd-analyze", *(["--user"] if is_user else []), "--man=no", "--recursive-errors=no", "verify"]
    done = subprocess.run(
        [*verify, tmp_path / SERVICE, tmp_path / TIMER],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in (done.stdout + done.stderr).splitlines() if "hardener" in line]
    assert (done.returncode, said) == (0, [])


# --- what they say ----------------------------------------------------------------------------------------------------


def test_an_audit_is_followed_by_drift_where_the_project_is() -> None:
    found = service(NIGHTLY)
    audit, drift = (words(command) for command in found["ExecStart"])
    assert audit[:2] == [":/bin/sh", "-c"]
    assert audit[4:] == [*NIGHTLY.command, "audit", "-o", "/dev/null"]
    assert drift == [f":{NIGHTLY.command[0]}", *NIGHTLY.command[1:], "drift"]
    assert found["WorkingDirectory"] == ["/srv/site"]
    assert found["Type"] == ["oneshot"]


@pytest.mark.parametrize(("code", "ends"), [(0, 0), (1, 0), (2, 0), (64, 64), (65, 65), (70, 70), (130, 130)], ids=str)
def test_findings_and_targets_that_are_down_let_drift_tell_them_and_nothing_else_does(code: int, ends: int) -> None:
    nightly = replace(NIGHTLY, command=["/bin/sh", "-c", f"exit {code}"])
    audit = words(service(nightly)["ExecStart"][0])
    assert subprocess.run([audit[0].removeprefix(":"), *audit[1:]], check=False).returncode == ends


def test_metrics_and_notification_are_asked_for() -> None:
    audit, drift = service(replace(NIGHTLY, metrics=Path("/m/h.prom"), is_notifying=True))["ExecStart"]
    assert audit.endswith(" audit -o /dev/null --metrics /m/h.prom")
    assert drift.endswith(" drift --notify")


def test_the_timer_makes_up_for_nights_the_machine_was_off() -> None:
    found = settings(unit_texts(replace(NIGHTLY, at="daily", delay_seconds=60))[TIMER])
    assert found["Timer.OnCalendar"] == ["daily"]
    assert found["Timer.RandomizedDelaySec"] == ["60"]
    assert found["Timer.Persistent"] == ["true"]
    assert found["Install.WantedBy"] == ["timers.target"]


def test_the_system_s_service_writes_to_the_store_and_nowhere_else() -> None:
    found = service(NIGHTLY)
    assert found["ProtectSystem"] == ["strict"]
    assert found["CapabilityBoundingSet"] == [""]
    assert found["ReadWritePaths"] == ["/root/.local/state/hardener"]
    assert "HARDENER_SANDBOX=1" in found["Environment"]


def test_a_user_s_service_has_only_what_needs_no_rights() -> None:
    found = service(replace(NIGHTLY, is_user=True))
    assert found["NoNewPrivileges"] == ["yes"]
    assert "SystemCallFilter" in found
    assert {"ProtectSystem", "PrivateTmp", "CapabilityBoundingSet", "ReadWritePaths"}.isdisjoint(found)
    assert "network-online" not in unit_texts(replace(NIGHTLY, is_user=True))[SERVICE]


@pytest.mark.parametrize("is_user", [False, True], ids=["system", "user"])
def test_nothing_stands_between_a_probe_and_the_machine_it_looks_at(is_user: bool) -> None:
    found = service(replace(NIGHTLY, sees_this_machine=True, is_user=is_user))
    hiding = {"NoNewPrivileges", "ProtectSystem", "PrivateTmp", "CapabilityBoundingSet", "SystemCallFilter"}
    assert hiding.isdisjoint(found)
    assert "HARDENER_SANDBOX=1" not in found["Environment"]
    assert ("LockPersonality" in found) is not is_user


def test_a_name_that_is_no_text_is_refused() -> None:
    with pytest.raises(ConfigError, match="only paths in UTF-8"):
        unit_texts(replace(NIGHTLY, project=Path("/srv/\udcff")))
