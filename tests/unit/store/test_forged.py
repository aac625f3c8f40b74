"""Whoever can write the store can forge a run: each field of one that is another is refused, and so is an odd id."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path

import pytest

from hardener.cli import main
from hardener.errors import ExitCode, StoreError
from hardener.model import (
    NOTHING_BEFORE,
    Change,
    ChangeKind,
    CheckpointState,
    LastRun,
    Run,
    RunKind,
    canonical,
    chained_digest,
)
from hardener.store import Store
from hardener.store.contents import packed, unpacked
from tests.unit.forging import forgeries

from .nights import facts, night, result

ID = "night-001"
Where = tuple[str, int]
"""A table and a number in it."""


def sample() -> Run:
    """An apply that filled in every field."""
    seen = result("web", alpha_one=5)
    last = LastRun(run="R0", operator="ann", state="restored", reason="late")
    change = Change(
        role="alpha",
        task="Set",
        module="keyed_file",
        kind=ChangeKind.SETTING,
        subject="/etc/passwd",
        key="ann",
        before="ann:x:1000",
        after="ann:x:1001",
        controls=("alpha-one",),
    )
    after = seen.model_copy(
        update={
            "facts": facts("m").model_copy(update={"last_run": last, "ssh_ports": (22,)}),
            "groups": ("servers",),
            "changes": (change,),
            "checkpoint": CheckpointState.RELEASED,
            "problem": "left alone: /etc/issue",
            "tasks": 3,
        }
    )
    return night(1, after, kind=RunKind.APPLY, before=(seen,))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    place = tmp_path / "runs.sqlite"
    Store(place).save(sample())
    return place


def bodies(file: Path) -> dict[Where, bytes]:
    """All that is kept as JSON, by where it is."""
    with sqlite3.connect(file) as connection:
        return {
            (table, number): unpacked(body, table)
            for table in ("run", "result", "content")
            for number, body in connection.execute(f"SELECT number, body FROM {table}")
        }


def write(file: Path, where: Where, data: bytes) -> None:
    """Put something else there, under the hash that it has."""
    table, number = where
    with sqlite3.connect(file) as connection:
        connection.execute(f"UPDATE {table} SET body = ? WHERE number = ?", (packed(data), number))
        if table == "content":
            digest = hashlib.sha256(data).digest()
            connection.execute("UPDATE content SET digest = ? WHERE number = ?", (digest, number))


def is_refused(store: Store, kept: Run) -> bool:
    """Whether the store refuses its run; if not, it has to say what was kept."""
    try:
        loaded, _ = store.load_chained(ID)
    except StoreError as error:
        return "\n" not in str(error)
    assert loaded == kept
    return False


def test_each_field_of_a_run_that_is_another_is_refused(file: Path) -> None:
    store, kept = Store(file), sample()
    assert store.load_chained(ID)[0] == kept
    refused = 0
    for where, data in bodies(file).items():
        try:
            value = json.loads(data)
        except ValueError:
            continue  # the name of a control or a command: see below
        for forged in forgeries(value):
            write(file, where, json.dumps(forged).encode())
            refused += is_refused(store, kept)
        write(file, where, data)
    assert refused > 400
    assert store.problems() == []


RAW = {
    "lists in lists": b"[" * 100_000,
    "mappings in mappings": b'{"a":' * 100_000,
    "a number of 5,000 digits": b'{"id": ' + b"9" * 5_000 + b"}",
    "no JSON": b"\xff",
    "nothing": b"",
    "a lone surrogate": b'{"problem": "\\ud800"}',
}


@pytest.mark.parametrize("data", RAW.values(), ids=RAW)
def test_what_no_program_of_ours_writes_is_one_line(data: bytes, file: Path) -> None:
    store = Store(file)
    for where, was in bodies(file).items():
        write(file, where, data)
        with pytest.raises(StoreError) as caught:
            store.load_chained(ID)
        assert "\n" not in str(caught.value)
        assert store.problems()
        write(file, where, was)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE run SET id = 'night-002'",
        "UPDATE run SET kind = 'audit'",
        "UPDATE run SET profile = 'mine'",
        "UPDATE run SET started = started + 1",
        "UPDATE result SET is_before = 1 - is_before",
        "UPDATE result SET is_complete = 1 - is_complete",
        "UPDATE result SET unseen = unseen + 1",
        "UPDATE result SET facts = NULL",
        "UPDATE subject SET target = 'db'",
        "UPDATE subject SET machine_id = 'n'",
        "UPDATE link SET digest = x'00'",
        "UPDATE link SET chained = x'00'",
        "UPDATE link SET run = 'night-002'",
        "UPDATE link SET pruned = 1",
        "DELETE FROM link",
    ],
)
def test_whatever_a_column_says_otherwise_is_refused_and_seen(statement: str, file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute(statement)
    with pytest.raises(StoreError):
        Store(file).load_chained("latest")
    assert Store(file).problems()


@pytest.mark.parametrize("forged", ["../../../../home/user/ck", "..", "-rf", "a/b", "a\nb", "a b", "", "a\x00", "é"])
def test_a_forged_id_is_refused_even_where_the_whole_chain_was_made_anew(forged: str, file: Path) -> None:
    """The chain holds no secret: who can write all of it can make it anew. An id it cannot make a path of."""
    kept = sample().model_copy(update={"id": forged})
    for where, data in bodies(file).items():
        if where[0] == "run":
            write(file, where, json.dumps({**json.loads(data), "id": forged}).encode())
    digest = hashlib.sha256(b"".join(canonical(kept))).hexdigest()
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE run SET id = ?", (forged,))
        chained = bytes.fromhex(chained_digest(NOTHING_BEFORE, forged, digest))
        values = (forged, bytes.fromhex(digest), chained)
        connection.execute("UPDATE link SET run = ?, digest = ?, chained = ?", values)
    for read in (Store(file).load_chained, Store(file).load):
        with pytest.raises(StoreError, match="should match pattern"):
            read("latest")
    assert Store(file).problems()


def test_a_rollback_of_a_forged_run_contacts_nobody(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "hosts.yml").write_text("all:\n  hosts:\n    web:\n      ansible_host: 192.0.2.1\n")
    for where, data in bodies(file).items():
        if where[0] == "result":
            write(file, where, data.replace(b"ann:x:1000", b"ann:x:0"))

    def connector(**_: object) -> object:
        raise AssertionError("nobody may be contacted, and nothing be made ready for it")

    monkeypatch.setattr("hardener.cli.request.connector", connector)
    options = ["-i", str(tmp_path / "hosts.yml"), "--store", str(file)]
    for command in (["rollback", "latest"], ["apply", "--resume", "latest"]):
        assert main([*command, "--yes", *options]) == ExitCode.BAD_CONFIG
        told = capsys.readouterr().err
        assert told.count("\n") == 1
        assert "run night-001 was altered after it was kept" in told
