"""Which line the module ``matched_line`` changes, adds or drops: the three that roles ask for, and no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from playbooks.library.matched_line import diff, main
from tests.unit.library.running import run

ROLES = Path(__file__).parents[3] / "roles"


def asked(role: str, tasks: str, **values: str) -> dict[str, Any]:
    """What a role asks of the module, but for the path."""
    rows = yaml.safe_load((ROLES / role / "tasks" / tasks).read_text("utf-8"))
    (arguments,) = [row["matched_line"] for row in rows if "matched_line" in row]
    line = arguments.get("line")
    for name, value in values.items():
        line = line.replace(f"{{{{ {name} }}}}", value)
    return {"pattern": arguments["pattern"], "line": line, "after": arguments.get("after")}


NOLOGIN = asked("accounts", "new_accounts.yml")
UNRESTRICTED = asked("bootloader", "password.yml")
WHEEL = asked("sudo", "su.yml", **{"sudo_su.group": "sugroup"})
OURS = "auth       required   pam_wheel.so use_uid group=sugroup\n"
ROOTOK = "auth       sufficient pam_rootok.so\n"


@pytest.mark.parametrize(
    ("how", "before", "after"),
    [
        (NOLOGIN, "/bin/a\n/usr/sbin/nologin\n  /sbin/nologin \n# /x/nologin\n/bin/b", "/bin/a\n# /x/nologin\n/bin/b"),
        (NOLOGIN, "/bin/sh\n", "/bin/sh\n"),
        (UNRESTRICTED, 'x\nCLASS="--class gnu"\n', 'x\nCLASS="--class gnu --unrestricted"\n'),
        (UNRESTRICTED, 'CLASS="--class gnu"', 'CLASS="--class gnu --unrestricted"'),
        (UNRESTRICTED, "nothing\n", "nothing\n"),
        (WHEEL, f"# a\n{ROOTOK}session x\n", f"# a\n{ROOTOK}{OURS}session x\n"),
        (WHEEL, ROOTOK[:-1], f"{ROOTOK}{OURS}"),
        (WHEEL, "session x", f"session x\n{OURS}"),
        (WHEEL, "", OURS),
        (WHEEL, f"auth required pam_wheel.so deny\n{ROOTOK}", f"{OURS}{ROOTOK}"),
        (WHEEL, f"# auth required pam_wheel.so\n{ROOTOK}", f"# auth required pam_wheel.so\n{ROOTOK}{OURS}"),
    ],
)  # fmt: skip
def test_a_role_gets_its_line_once_and_no_other_changes(how: dict[str, Any], before: str, after: str) -> None:
    assert diff(before, **how) == after
    assert diff(after, **how) == after


def test_a_file_keeps_its_mode_and_its_bytes_and_one_that_is_not_there_stays_so(tmp_path: Path) -> None:
    path = tmp_path / "su"
    path.write_bytes(b"# caf\xe9\r\n" + ROOTOK.encode() + b"# \xe9\r\n")
    path.chmod(0o640)
    planned = run(main, path=str(path), **WHEEL, check=True)
    done = run(main, path=str(path), **WHEEL)
    assert planned["diff"] == done["diff"]
    assert done["diff"][0]["after"].endswith(f"{ROOTOK}{OURS}# \\xe9\\x0d\n")
    assert path.read_bytes().endswith(f"{ROOTOK}{OURS}".encode() + b"# \xe9\r\n")
    assert path.stat().st_mode & 0o7777 == 0o640
    assert not run(main, path=str(path), **WHEEL)["changed"]
    assert not run(main, path=str(tmp_path / "none"), **WHEEL)["changed"]
    assert not (tmp_path / "none").exists()
