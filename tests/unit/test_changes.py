"""Whose changes are, which of a plan are certain, and whether what was done is what was planned."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardener.catalogue.control import Parameter
from hardener.catalogue.expectations import at_most
from hardener.changes import attributed, differences, moved, settled
from hardener.model import Change, ChangeKind
from tests.unit.builders import number_control

KINDS = st.sampled_from(ChangeKind)
NAMES = st.sampled_from(["/etc/a", "/etc/b", "c.service"])


def item(kind: ChangeKind, subject: str, after: str = "", **changes: Any) -> Change:
    fields = {"role": "alpha", "task": "t", "module": "m", "kind": kind, "subject": subject, "after": after}
    return Change(**{**fields, **changes})


def unit(after: str, before: str = "enabled, active", **changes: Any) -> Change:
    return item(ChangeKind.UNIT, "a.service", after, before=before, **changes)


ONE = st.builds(item, KINDS, NAMES, st.sampled_from(["x", "y"]), before=st.sampled_from(["", "x"]))
ITEMS = st.lists(ONE, max_size=6)
RUNNING, STOPPED = "enabled, active", "masked, inactive"
PACKAGE = item(ChangeKind.PACKAGE, "a", "1.0", before="absent")


# --- whose ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "owners"),
    [
        (item(ChangeKind.SETTING, "/etc/x", key="one"), ("alpha-one",)),
        (item(ChangeKind.SETTING, "/etc/x", key="ONE"), ("alpha-one",)),
        (item(ChangeKind.SETTING, "/etc/x", key="install two"), ("alpha-two",)),
        (item(ChangeKind.UNIT, r"a\x5cx2db.mount"), ("alpha-odd",)),
        (item(ChangeKind.SYSCTL, "two"), ("alpha-two",)),
        (item(ChangeKind.ATTRIBUTES, "/etc/ssh/a.conf"), ("alpha-modes",)),
        (item(ChangeKind.FILE, "/etc/ssh/a.conf"), ("alpha-one", "alpha-two", "alpha-modes", "alpha-odd")),
        (item(ChangeKind.ACTION, "something else"), ("alpha-one", "alpha-two", "alpha-modes", "alpha-odd")),
        (item(ChangeKind.ACTION, "one", role="beta"), ()),
    ],
)
def test_a_change_belongs_to_the_controls_whose_parameters_name_it(change: Change, owners: tuple[str, ...]) -> None:
    modes = Parameter("file_modes", ("/etc/ssh/*.conf",), at_most)
    controls = [
        number_control("one", role="alpha"),
        number_control("two", role="alpha"),
        number_control("modes", role="alpha", parameters=[modes]),
        number_control("odd", role="alpha", parameters=[Parameter("units", (r"a\x2db.mount",), at_most)]),
    ]
    (owned,) = attributed([change], controls)
    assert owned.controls == owners


# --- what is certain --------------------------------------------------------------------------------------------------


def test_a_unit_that_this_run_stops_is_not_restarted() -> None:
    assert settled([unit(STOPPED), unit("restarted")]) == [unit(STOPPED)]


def test_a_unit_that_this_run_starts_is_restarted_for_certain() -> None:
    started, restart = unit(RUNNING, "disabled, inactive"), unit("restarted", "disabled, inactive", conditional=True)
    assert settled([started, restart]) == [started, restart.model_copy(update={"conditional": False})]


def test_a_unit_that_does_not_run_and_that_nobody_starts_is_not_restarted() -> None:
    assert settled([unit("restarted", "disabled, inactive", conditional=True)]) == []


def test_a_unit_that_a_package_may_bring_may_be_restarted() -> None:
    restart = unit("restarted", "absent, inactive", conditional=True)
    assert settled([PACKAGE, restart]) == [PACKAGE, restart]


def test_a_unit_whose_file_is_written_will_be_there() -> None:
    file, start = item(ChangeKind.FILE, "/etc/systemd/system/a.service", "[Unit]\n"), unit(RUNNING, conditional=True)
    assert [change.conditional for change in settled([file, start])] == [False, False]


def test_without_new_packages_nothing_comes_that_would_have_to_be_restricted() -> None:
    log = item(ChangeKind.ATTRIBUTES, "/var/log/*", conditional=True)
    assert settled([log]) == []
    assert settled([PACKAGE, log]) == [PACKAGE, log]
    purged = PACKAGE.model_copy(update={"before": "1.0", "after": "absent"})
    assert settled([purged, log]) == [purged, log], "dpkg logs what goes as well"
    assert settled([purged, item(ChangeKind.ATTRIBUTES, "/etc/cron.*", conditional=True)]) == [purged]


# --- planned and done -------------------------------------------------------------------------------------------------


@given(ITEMS)
def test_doing_what_was_planned_is_no_difference(items: list[Change]) -> None:
    assert differences(items, items) == []
    assert moved(items, items) == []


@given(ITEMS, ITEMS)
def test_a_plan_without_conditions_hides_no_difference(planned: list[Change], done: list[Change]) -> None:
    def ids(items: list[Change]) -> set[tuple[str, ...]]:
        return {(change.kind, change.subject, change.key, change.after) for change in items}

    assert (differences(planned, done) == []) == (ids(planned) == ids(done))


def test_differences_are_told_in_words_from_both_sides() -> None:
    planned, done = [item(ChangeKind.SYSCTL, "a", "1", before="0")], [item(ChangeKind.SYSCTL, "b", "1\n2\n")]
    assert differences(planned, done) == [
        "planned and not done: sysctl a: 0 -> 1",
        "done and not planned: sysctl b: nothing -> 2 lines",
    ]


def test_what_was_conditional_may_be_done_or_not_but_only_as_planned() -> None:
    planned = [item(ChangeKind.SETTING, "/etc/q", "minlen = 14", key="minlen", conditional=True)]
    done = item(ChangeKind.SETTING, "/etc/q", "minlen = 14", key="minlen", before="minlen = 8")
    assert differences(planned, []) == []
    assert differences(planned, [done]) == []
    assert differences(planned, [done.model_copy(update={"after": "minlen = 9"})]) != []
    assert differences(planned, [done.model_copy(update={"subject": "/etc/r"})]) != []


def test_a_pattern_foresees_the_files_that_come_and_no_others() -> None:
    planned = [item(ChangeKind.ATTRIBUTES, "/var/log/*", conditional=True)]
    assert differences(planned, [item(ChangeKind.ATTRIBUTES, "/var/log/a/new.log", "0640 root adm")]) == []
    assert differences(planned, [item(ChangeKind.ATTRIBUTES, "/etc/new", "0640 root adm")]) != []
    assert differences(planned, [item(ChangeKind.FILE, "/var/log/new", "text")]) != []


# --- an earlier plan and a later one ----------------------------------------------------------------------------------


def test_a_target_has_moved_when_it_needs_less_more_or_was_another() -> None:
    one, two = item(ChangeKind.SYSCTL, "a", "1", before="0"), item(ChangeKind.SYSCTL, "b", "1", before="0")
    assert moved([one], []) == ["no longer needed: sysctl a: 0 -> 1"]
    assert moved([one], [one, two]) == ["now needed as well: sysctl b: 0 -> 1"]
    assert moved([one], [one.model_copy(update={"before": "7"})]) == ["was in another state: sysctl a: 7 -> 1"]


def test_words_name_the_key_of_a_setting() -> None:
    setting = item(ChangeKind.SETTING, "/etc/login.defs", "UMASK 027", key="UMASK", before="UMASK 022")
    assert setting.words == "setting /etc/login.defs [UMASK]: UMASK 022 -> UMASK 027"


def test_a_name_that_is_no_text_is_planned_as_it_is_done() -> None:
    log = item(ChangeKind.ATTRIBUTES, r"/var/log/caf\xe9.log", "0640 root root")
    pattern = item(ChangeKind.ATTRIBUTES, "/var/log/*", "closed by its kind", conditional=True)
    assert differences([log], [log]) == []
    assert differences([pattern], [log]) == []
    assert differences([log], [item(ChangeKind.ATTRIBUTES, r"/var/log/caf\x5cxe9.log", "0640 root root")]) != []
