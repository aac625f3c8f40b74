"""What the controls of accounts see and say, and that no password leaves a host."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as some

from hardener.catalogue import walk
from hardener.catalogue.control import Control, CouldNotLook
from hardener.catalogue.discovery import catalogue_of
from hardener.content import roles_directory
from hardener.controls import accounts
from hardener.controls.accounts import ageing, environment, homes, shared
from tests.unit.controls.recorded import RecordedHost

VALUES = yaml.safe_load((roles_directory() / "accounts" / "defaults" / "main.yml").read_text())
CATALOGUE = catalogue_of([("accounts", accounts.CONTROLS)])
IDLE_FILES = r"grep -lsE '^[^#]*\<TMOUT=' /etc/profile /etc/bash.bashrc /etc/profile.d/*.sh; [ $? -le 2 ]"

WALKED = """\
dot 0644 1000 1000 f /home/admin/.profile
dot 0600 1000 1000 f /home/admin/.bash_history
dot 0777 1000 1000 l /home/admin/.vimrc
dot 0666 1000 1000 f /home/admin/.config/deeper
ended homes 123
ended walk 0
walked /
"""
GOOD: Mapping[str, str] = {
    shared.PASSWD: """\
root:shadowed:0:0:root:/root:/bin/bash
sync:shadowed:4:65534:sync:/bin:/bin/sync
daemon:shadowed:1:1:daemon:/usr/sbin:/usr/sbin/nologin
nobody:shadowed:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
admin:shadowed:1000:1000:,,,:/home/admin:/bin/bash
+::::::
""",
    shared.SHADOW: """\
root:set:20000:0:365:7:45::
sync:locked:20000:0:99999:7:::
daemon:locked:20000:0:99999:7:::
nobody:locked:20000:0:99999:7:::
admin:set:20000:0:365:7:45::
+:empty:::::::
""",
    shared.GROUP: "root:0:\ndaemon:1:\nshadow:42:\nnogroup:65534:\nadmin:1000:\nsudo:27:admin\n",
    shared.SHELLS: "# /etc/shells\n/bin/sh\n/bin/bash\n",
    shared.LOGIN_DEFS: "UMASK 027\nPASS_MAX_DAYS 365\nPASS_MIN_DAYS 0\nPASS_WARN_AGE 7\nUID_MIN 1000\n"
    "ENCRYPT_METHOD SHA512\n",
    ageing.TODAY: "20001\n",
    "useradd -D": "GROUP=100\nHOME=/home\nINACTIVE=45\nEXPIRE=\n",
    homes.COMMAND: "d 700 0 0 /root\0d 750 1000 1000 /home/admin\0",
    walk.COMMAND: WALKED,
    IDLE_FILES: "/etc/profile.d/zz-hardener-idle.sh\n",
}


def session(umask: str = "0027", further: str = "0027", idle: str = "900", path: str = "/usr/bin:/bin") -> str:
    """What both stages of a hardened session tell, a talkative start-up file among it."""
    return (
        f"Welcome!\nhardener login umask {umask}\nhardener login path {path}\nhardener login TMOUT {idle}\n"
        "hardener login read-only yes\nhardener login exported yes\n"
        f"\nhardener further umask {further}\nhardener further path {path}\nhardener further TMOUT {idle}\n"
    )


ENTRIES = "hardener entry directory,755,root:/usr/bin\nhardener entry directory,755,root:/bin\n"


class Host(RecordedHost):
    """A well-kept host, but for some answers; sessions are recognised by whose they are."""

    def __init__(self, changes: Mapping[str, str] | None = None, *, nobody: str = session(), root: str = "") -> None:
        super().__init__({question: (0, text, "") for question, text in {**GOOD, **(changes or {})}.items()})
        self.sessions = {"setpriv": nobody, "$1 ==": root or session() + ENTRIES}

    def run(self, command: str, *args: str, seconds: int | None = None):  # type: ignore[no-untyped-def]  # noqa: ANN201
        if args:
            complete = command % tuple(map(shlex.quote, args))
            self.answers = {
                **self.answers,
                complete: (0, self.sessions["setpriv" if "setpriv" in command else "$1 =="], ""),
            }
        return super().run(command, *args, seconds=seconds)


def complaints(name: str, host: RecordedHost) -> list[str]:
    expectation = CATALOGUE[f"accounts-{name}"].expectation(VALUES)
    assert expectation is not None
    return list(expectation.complaints(CATALOGUE[f"accounts-{name}"].observe(host)))


def added(question: str, lines: str) -> Host:
    return Host({question: GOOD[question] + lines})


@pytest.mark.parametrize("control", CATALOGUE.values(), ids=list(CATALOGUE))
def test_a_well_kept_host_passes(control: Control) -> None:
    expectation = control.expectation(VALUES)
    assert expectation is None or not expectation.complaints(control.observe(Host()))


@pytest.mark.parametrize(
    ("name", "question", "lines", "said"),
    [
        ("uid-0", shared.PASSWD, "toor:shadowed:0:100:::/bin/sh\n", "has toor"),
        ("gid-0-users", shared.PASSWD, "x:shadowed:5000:0:::/bin/sh\noperator:shadowed:11:0:::/x\n", "has x"),
        ("gid-0-groups", shared.GROUP, "wheel:0:\n", "has wheel"),
        ("system-shells", shared.PASSWD, "web:shadowed:33:33:::/bin/sh\n", "has web: /bin/sh"),
        ("unlocked", shared.SHADOW, "daemon:set:::::::\n", "has daemon: set"),
        ("shadowed", shared.PASSWD, "old:set:5000:1:::/bin/sh\n", "has old: set"),
        ("empty-passwords", shared.SHADOW, "guest:empty:::::::\n", "has guest"),
        ("primary-groups", shared.PASSWD, "x:shadowed:5000:5000:::/bin/sh\n", "has x: 5000"),
        ("shadow-group", shared.PASSWD, "x:shadowed:5000:42:::/bin/sh\n", "has x"),
        ("shadow-group", shared.GROUP, "shadow:42:admin,web\n", "has admin, web"),
        ("unique-uids", shared.PASSWD, "x:shadowed:1000:1:::/bin/sh\n", "has 1000: admin, x"),
        ("unique-gids", shared.GROUP, "x:27:\n", "has 27: sudo, x"),
        ("unique-names", shared.PASSWD, "admin:shadowed:5000:1:::/bin/sh\n", "has admin"),
        ("unique-group-names", shared.GROUP, "sudo:5000:\n", "has sudo"),
        ("password-greatest-age-existing", shared.SHADOW, "x:set:1:0:99999:7:45::\n", "x is 99999"),
        ("password-greatest-age-existing", shared.SHADOW, "x:set:1:0::7:45::\n", "x is unset"),
        ("password-warning-existing", shared.SHADOW, "x:set:1:0:365:3:45::\n", "x is 3"),
        ("inactive-existing", shared.SHADOW, "x:set:1:0:365:7:::\n", "x is unset"),
        ("password-change-dates", shared.SHADOW, "x:locked:20002:0:365:7:45::\n", "has x: 20002"),
        ("password-greatest-age", shared.LOGIN_DEFS, "PASS_MAX_DAYS 99999\n", "is 365, 99999"),
        ("password-hash", shared.LOGIN_DEFS, "ENCRYPT_METHOD DES\n", "is SHA512, DES"),
        ("umask", shared.LOGIN_DEFS, "UMASK 022\n", "login.defs is 027, 022"),
        ("nologin-shell", shared.SHELLS, "/usr/sbin/nologin\n#/sbin/nologin\n", "has /usr/sbin/nologin"),
    ],
)
def test_what_no_account_should_be(name: str, question: str, lines: str, said: str) -> None:
    assert complaints(name, added(question, lines)) == [said]


@pytest.mark.parametrize(("state", "said"), [("empty", ["is empty"]), ("locked", []), ("set", [])])
def test_root_has_a_password_or_is_locked(state: str, said: list[str]) -> None:
    assert complaints("root-password", Host({shared.SHADOW: f"root:{state}:1:0:365:7:45::\n"})) == said


def test_people_start_where_login_defs_says() -> None:
    host = Host({shared.LOGIN_DEFS: "UID_MIN 2000\n"})
    assert complaints("system-shells", host) == ["has admin: /bin/bash"]
    assert "admin (/home/admin)" not in str(CATALOGUE["accounts-home-directories"].observe(host))


@pytest.mark.parametrize(
    ("default", "said"), [("-1", ["is -1"]), ("46", ["is 46"]), ("0", []), ("30", []), ("", ["is unset"])]
)
def test_the_default_of_useradd(default: str, said: list[str]) -> None:
    answer = f"GROUP=100\nINACTIVE={default}\n"
    assert complaints("inactive", Host({"useradd -D": answer})) == said


@pytest.mark.parametrize(
    ("umask", "further", "said"),
    [
        ("0077", "0077", []),
        ("0022", "0022", ["login shell is 0022", "further shells is 0022"]),
        ("0027", "0002", ["further shells is 0002"]),
        ("0007", "0007", ["login shell is 0007", "further shells is 0007"]),
        ("0000", "0000", ["login shell is unset", "further shells is unset"]),
    ],
)
def test_umasks_are_those_of_real_sessions(umask: str, further: str, said: list[str]) -> None:
    told = session(umask=umask, further=further)
    assert complaints("umask", Host(nobody=told)) == said
    assert complaints("root-umask", Host(root=told)) == said


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (session(idle="1800"), ["login shell is 1800", "further shells is 1800"]),
        (session(idle="0"), ["login shell is 0", "further shells is 0"]),
        (session().replace("hardener login read-only yes\n", ""), ["read-only is no"]),
        (session().replace("hardener login exported yes\n", ""), ["exported is no"]),
    ],
)
def test_idle_shells_end(told: str, said: list[str]) -> None:
    assert complaints("idle-time", Host(nobody=told)) == said


@pytest.mark.parametrize(
    "told", ["", "This account is currently not available.\n", session().split("\n\n", maxsplit=1)[0]]
)
def test_a_session_that_tells_nothing_is_no_pass(told: str) -> None:
    for name in ("idle-time", "umask"):
        with pytest.raises(CouldNotLook, match="login shell"):
            complaints(name, Host(nobody=told))


@pytest.mark.parametrize(
    ("path", "entries", "said"),
    [
        ("/usr/bin:/bin:", "", ["has (empty): is wherever root happens to be"]),
        ("/usr/bin:.:/bin", "", ["has .: is wherever root happens to be"]),
        ("/usr/bin:/gone", "", ["has /gone: is no directory"]),
        ("/opt/x", "hardener entry regular file,755,root:/opt/x\n", ["has /opt/x: is no directory"]),
        ("/tmp", "hardener entry directory,1777,root:/tmp\n", ["has /tmp: can be written by others (mode 1777)"]),
        ("/a b", "hardener entry directory,755,eve:/a b\n", ["has /a b: belongs to eve"]),
    ],
)
def test_the_search_path_of_root(path: str, entries: str, said: list[str]) -> None:
    assert complaints("root-path", Host(root=session(path=path) + ENTRIES + entries)) == said


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("0640 1000 1000 f /home/admin/.netrc", "has /home/admin/.netrc: has mode 0640, more than 0600"),
        ("0664 1000 1000 f /home/admin/.bashrc", "has /home/admin/.bashrc: has mode 0664, more than 0644"),
        ("0644 0 1000 f /home/admin/.bashrc", "has /home/admin/.bashrc: belongs to 0:1000, not to 1000:1000"),
        ("0777 1000 1000 l /home/admin/.forward", "has /home/admin/.forward: should not be there"),
        ("0600 1000 1000 f /home/admin/.rhosts", "has /home/admin/.rhosts: should not be there"),
    ],
)
def test_dot_files(entry: str, said: str) -> None:
    assert complaints("dot-files", Host({walk.COMMAND: f"dot {entry}\n{WALKED}"})) == [said]


def test_dot_files_that_nobody_looked_at_are_no_pass() -> None:
    cut = f"more dot 7 /home/plain/.x\n{WALKED}"
    said = ["has /home/plain/.x: was not looked at, like 6 more"]
    assert complaints("dot-files", Host({walk.COMMAND: cut})) == said
    unseen = f"unseen Input/output error\t/home/admin\n{WALKED}"
    with pytest.raises(CouldNotLook, match="/home/admin"):
        complaints("dot-files", Host({walk.COMMAND: unseen}))


def test_what_could_not_be_looked_at_elsewhere_says_nothing_of_dot_files() -> None:
    unseen = f"unseen Input/output error\t/usr/share/x\n{WALKED}"
    assert complaints("dot-files", Host({walk.COMMAND: unseen})) == []


@pytest.mark.parametrize(
    ("listing", "said"),
    [
        ("d 755 1000 1000 /home/admin\0", ["admin (/home/admin) mode is 0755"]),
        ("d 700 0 0 /home/admin\0", ["admin (/home/admin) own is no"]),
        ("", ["admin (/home/admin) exists is no"]),
        ("r 0 0 0 /home/admin\0", []),
    ],
)
def test_home_directories(listing: str, said: list[str]) -> None:
    host = Host({homes.COMMAND: f"d 700 0 0 /root\0{listing}"})
    assert complaints("home-directories", host) == said


def test_what_was_not_listed_or_walked_is_no_pass() -> None:
    for name, question in (("home-directories", homes.COMMAND), ("dot-files", walk.COMMAND)):
        with pytest.raises(CouldNotLook):
            complaints(name, Host({question: ""}))


@pytest.mark.parametrize("question", [shared.PASSWD, shared.SHADOW, shared.GROUP])
def test_a_file_that_cannot_be_read_is_no_pass(question: str) -> None:
    host = Host()
    host.answers = {**host.answers, question: (2, "", "cannot open")}
    with pytest.raises(CouldNotLook, match="cannot open"):
        complaints("shadow-group" if question != shared.SHADOW else "empty-passwords", host)


def run(script: str) -> str:
    return subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True).stdout


SECRETS = """\
root:$y$j9T$salt$hash:1:0:9:7:::
locked:!$6$x$hash:1::::::
never:*:1::::::
open::1::::::
old:hashDES12345:1::::::
"""


def test_no_password_leaves_the_host(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text(SECRETS)
    told = run(shared.SHADOW.replace("/etc/shadow", str(file)))
    assert [line.split(":")[1] for line in told.splitlines()] == ["set", "locked", "locked", "empty", "set"]
    file.write_text("a:x:1:1::/:/bin/sh\nb::1:1::/:/bin/sh\nc:$6$hash:1:1::/:/bin/sh\nd:*:1:1::/:/bin/sh\n")
    told += run(shared.PASSWD.replace("/etc/passwd", str(file)))
    assert [line.split(":")[1] for line in told.splitlines()[5:]] == ["shadowed", "empty", "set", "set"]
    file.write_text("root:$6$hash:0:\nsudo:x:27:a,b\n")
    told += run(shared.GROUP.replace("/etc/group", str(file)))
    assert told.endswith("root:0:\nsudo:27:a,b\n")
    assert "hash" not in told


MOUNTED = "server:/x {0}/nfs nfs4 rw 0 0\nx {0}/own fuse rw,user_id=1000 0 0\n"


def test_home_directories_are_listed_but_not_those_of_another_host(tmp_path: Path) -> None:
    people = {"ann": "home/ann", "bob": "nfs/bob", "eve": "home/gone", "web": "home/web", "mal": "own"}
    (tmp_path / "home/ann").mkdir(parents=True, mode=0o750)
    passwd = "".join(
        f"{name}:x:1:1::{tmp_path}/{home}:{'/usr/sbin/nologin' if name == 'web' else '/bin/sh'}\n"
        for name, home in people.items()
    )
    files = {"/proc/mounts": MOUNTED.format(tmp_path), "/etc/shells": "/bin/sh\n/usr/sbin/nologin\n"}
    script = homes.COMMAND
    for number, (path, text) in enumerate({**files, "/etc/passwd": passwd}.items()):
        (tmp_path / str(number)).write_text(text)
        script = script.replace(path, str(tmp_path / str(number)))
    found = homes._parsed(run(script))
    assert {home.removeprefix(f"{tmp_path}/"): entry.type for home, entry in found.items()} == {
        "home/ann": "d",
        "nfs/bob": homes.REMOTE,
        "own": homes.REMOTE,
    }
    assert found[f"{tmp_path}/home/ann"].mode == "0750"


@given(some.text(), some.text())
def test_any_file_of_accounts_can_be_read(passwd: str, shadow: str) -> None:
    host = Host({shared.PASSWD: passwd, shared.SHADOW: shadow, shared.GROUP: passwd, shared.LOGIN_DEFS: shadow})
    for user in shared.users(host):
        assert f"{user.name}:" in passwd
    for entry in shared.shadows(host):
        assert entry.name
    assert shared.first_uid(host) >= 0
    shared.groups(host)
    shared.login_definitions(host)


@given(some.dictionaries(some.sampled_from(["UMASK", "UID_MIN"]), some.lists(some.sampled_from("12"), min_size=1)))
def test_lines_that_contradict_each_other_are_all_told(values: Mapping[str, list[str]]) -> None:
    listing = "".join(f"{key} {value}\n" for key, items in values.items() for value in items)
    told = shared.login_definitions(Host({shared.LOGIN_DEFS: listing}))
    assert told == {key: ", ".join(dict.fromkeys(items)) for key, items in values.items()}


@given(some.integers(0, 0o777), some.sampled_from(["027", "077"]))
def test_a_umask_is_strict_if_it_takes_all_that_the_limit_takes(umask: int, limit: str) -> None:
    accepted = environment._strict_umask(limit).accepts(f"{umask:04o}")
    assert accepted == all(umask & 1 << bit for bit in range(9) if int(limit, 8) & 1 << bit)
