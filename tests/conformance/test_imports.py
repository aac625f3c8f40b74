"""Commands that contact nobody answer at once: they never load what only audits and applies need."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hardener.store import Store
from tests.unit.store.nights import night, result

HEAVY = ("alembic", "ansible", "ansible_runner", "paramiko", "testinfra")
SCRIPT = f"""\
import sys
from hardener.cli import main
code = main(sys.argv[1:])
print(*[name for name in {HEAVY} if name in sys.modules], file=sys.stderr)
sys.exit(code)
"""


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state directory whose store has two nights; the second brought a regression."""
    folder = tmp_path_factory.mktemp("state")
    store = Store(folder / "hardener" / "runs.sqlite")
    store.save(night(1, result("web", alpha_one=5)))
    store.save(night(2, result("web", alpha_one=99)))
    return folder


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("drift --help", 0),
        ("drift", 1),
        ("drift -f html", 1),
        ("runs list", 0),
        ("runs history web alpha-one", 0),
        ("report latest -f html", 0),
        ("baseline show", 0),
        ("store check", 0),
        ("waivers list", 0),
        ("controls list", 0),
    ],
)
def test_a_command_that_contacts_nobody_loads_nothing_heavy(words: str, code: int, state: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *words.split()],
        env={**os.environ, "XDG_STATE_HOME": str(state)},
        cwd=state,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (code, "\n")
