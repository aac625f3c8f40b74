"""Whose run the latest one is, and what of a project's applies can still be taken back."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardener.errors import StoreError
from hardener.model import Change, CheckpointState, RunKind, Scope, TakenBack, TargetResult
from hardener.store import Store

from .nights import night, result

CHANGE = Change(role="alpha", task="t", module="m", subject="/etc/x")
SITE, OTHER = "/srv/site", "/srv/other"


def done(name: str, *changes: Change, state: CheckpointState | None = CheckpointState.RELEASED) -> TargetResult:
    """What an apply did to a target; ``None``: it was cut short."""
    return result(name).model_copy(update={"changes": changes, "checkpoint": state})


def scope(project: str | None = SITE, *inventories: str, undone: str | None = None, controls: str = "*") -> Scope:
    return Scope(project=project, inventories=inventories, undone=undone, controls=controls)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A store of an apply in each of two projects, one outside of any, and an audit after them."""
    file = tmp_path / "runs"
    store = Store(file)
    for number, project in enumerate((SITE, OTHER, None), start=1):
        store.save(night(number, done("web", CHANGE), done("db", CHANGE), kind=RunKind.APPLY, scope=scope(project)))
    store.save(night(4, result("web"), scope=scope(SITE)))
    store.save(night(5, result("web"), scope=scope(OTHER)))
    return file


def test_the_latest_run_is_the_project_s_own(file: Path) -> None:
    assert [Store(file, project).load("latest").id for project in (SITE, OTHER, None)] == [
        "night-004",
        "night-005",
        "night-003",
    ]
    assert Store(file, SITE).load_chained("latest")[0].id == "night-004"
    assert Store(file, SITE).stream("latest")[0].id == "night-004"
    assert Store(file, SITE).trend("latest")[-1].id == "night-004"
    assert Store(file, SITE).newest(RunKind.APPLY) == "night-001"
    assert Store(file, OTHER).load("night-004").id == "night-004", "an id names a run wherever one is"


def test_a_project_without_runs_has_no_latest_one(file: Path) -> None:
    with pytest.raises(StoreError, match="no run of the project in /srv/new is kept; 'hardener runs list' shows"):
        Store(file, "/srv/new").load("latest")
    assert Store(file, "/srv/new").undoable() == []


@pytest.mark.parametrize(
    ("inventories", "belongs"),
    [(("/srv/site/hosts.yml",), True), (("/srv/site/a", "/srv/b"), False), (("hosts.yml",), False), ((), False)],
    ids=["beside it", "one elsewhere", "relative", "this machine"],
)
def test_a_run_that_names_no_project_belongs_to_the_one_whose_inventories_it_names(
    tmp_path: Path, inventories: tuple[str, ...], belongs: bool
) -> None:
    store = Store(tmp_path / "runs", SITE)
    store.save(night(1, result("web"), scope=scope(None, *inventories)))
    assert (store.newest(RunKind.AUDIT) is not None) is belongs
    assert Store(tmp_path / "runs").newest(RunKind.AUDIT) == "night-001"


def left(file: Path) -> dict[str, TakenBack]:
    """By target, how far the project's first apply has been taken back."""
    (run,) = Store(file, SITE).undoable()
    assert run.id == "night-001"
    states = {item.target: item.taken_back for item in run.targets}
    assert Store(file).taken_back("night-001") == {
        name: state for name, state in states.items() if state is not TakenBack.NOT
    }
    assert [item.target for item in run.left] == [n for n, state in states.items() if state is not TakenBack.ENTIRELY]
    return states


def test_what_a_rollback_took_back_is_known_by_target_and_so_is_what_took_that_back(file: Path) -> None:
    store = Store(file)
    assert left(file) == {"web": TakenBack.NOT, "db": TakenBack.NOT}
    kept = done("db", CHANGE).model_copy(update={"problem": "changed since by somebody else, left alone: /etc/x"})
    store.save(night(6, done("web", CHANGE), kept, kind=RunKind.ROLLBACK, scope=scope(undone="night-001")))
    assert left(file) == {"web": TakenBack.ENTIRELY, "db": TakenBack.PARTLY}
    store.save(night(7, done("web", CHANGE), kind=RunKind.ROLLBACK, scope=scope(undone="night-006")))
    assert left(file) == {"web": TakenBack.NOT, "db": TakenBack.PARTLY}


@pytest.mark.parametrize(
    ("how", "state"),
    [
        ({"scope": scope(undone="night-001", controls="alpha-*")}, TakenBack.PARTLY),
        ({"scope": scope(OTHER, undone="night-001")}, TakenBack.ENTIRELY),
        ({"scope": scope()}, TakenBack.NOT),
    ],
    ids=["some controls", "from elsewhere", "of an earlier version"],
)
def test_a_rollback_counts_for_what_it_was_about(file: Path, how: dict[str, Scope], state: TakenBack) -> None:
    Store(file).save(night(6, done("web", CHANGE), kind=RunKind.ROLLBACK, **how))
    assert left(file)["web"] is state


def test_a_rollback_that_was_restored_itself_took_nothing_back(file: Path) -> None:
    restored = done("web", state=CheckpointState.RESTORED)
    Store(file).save(night(6, restored, kind=RunKind.ROLLBACK, scope=scope(undone="night-001")))
    assert left(file)["web"] is TakenBack.NOT


def test_an_apply_that_changed_nothing_or_was_taken_back_at_once_is_not_listed(file: Path) -> None:
    store = Store(file)
    for number, item in enumerate((result("web"), done("web", state=CheckpointState.RESTORED)), start=6):
        store.save(night(number, item, kind=RunKind.APPLY, scope=scope()))
    assert list(left(file)) == ["web", "db"]
    store.save(night(8, done("web", CHANGE, state=None), kind=RunKind.APPLY, scope=scope()))
    assert [run.id for run in Store(file, SITE).undoable()] == ["night-008", "night-001"], "cut short: the target knows"
