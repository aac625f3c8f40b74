"""Has an attacker act between every two system calls of what runs as root: races are swept through, not won by luck.

A program that is a moment late is safe until somebody tries it often enough. Here nobody has to be lucky: the action
runs in a forked child under ptrace, stops before its n-th system call, the attacker does his worst, the child goes on
to its end, and whoever checks looks at what has become of things that are not the attacker's. Then all of it again
for n + 1.

How to add an attack::

    def prepare() -> None: ...             # the tree as it is before, made anew for every run
    def action() -> None: ...              # what runs as root; a function of ours on a private tree
    def attack() -> None: ...              # what an owner of a directory can do; OSError: not at this moment
    def check() -> str | None: ...         # what was lost, in words
    done = sweep(action, attack, check, prepare=prepare)
    assert done.made                       # an attack that was never possible proves nothing
    assert not done.wins

With ``undo`` the attack lasts for one system call only and is then taken back: what looks, uses and looks again is
caught that way. ``tests/attacks/swaps.py`` has the usual attackers (``as_owner``), swaps, trees and victims.

The child is traced, programs that it starts are not. Import what the action needs, and make it look up a user once,
before the sweep: a child that has to load modules makes thousands of system calls that are of no interest.
"""

from __future__ import annotations

import ctypes
import gc
import os
import platform
import signal
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

TRACEME, CONT, KILL, SYSCALL, DETACH, SETOPTIONS, GET_SYSCALL_INFO = 0, 7, 8, 24, 17, 0x4200, 0x420E
"""Requests of ptrace, from ``linux/ptrace.h``."""
TRACESYSGOOD, EXITKILL = 0x1, 0x100000
ENTRY = 1
"""``op`` of a system call that is about to be made."""
AT_SYSCALL = signal.SIGTRAP | 0x80

NAMES = {
    0: "read",
    1: "write",
    2: "open",
    4: "stat",
    5: "fstat",
    6: "lstat",
    74: "fsync",
    82: "rename",
    83: "mkdir",
    84: "rmdir",
    86: "link",
    87: "unlink",
    88: "symlink",
    89: "readlink",
    90: "chmod",
    91: "fchmod",
    92: "chown",
    93: "fchown",
    94: "lchown",
    188: "setxattr",
    189: "lsetxattr",
    190: "fsetxattr",
    191: "getxattr",
    192: "lgetxattr",
    193: "fgetxattr",
    194: "listxattr",
    195: "llistxattr",
    196: "flistxattr",
    197: "removexattr",
    198: "lremovexattr",
    199: "fremovexattr",
    217: "getdents64",
    257: "openat",
    258: "mkdirat",
    260: "fchownat",
    262: "newfstatat",
    263: "unlinkat",
    264: "renameat",
    265: "linkat",
    266: "symlinkat",
    267: "readlinkat",
    268: "fchmodat",
    280: "utimensat",
    316: "renameat2",
    332: "statx",
    452: "fchmodat2",
}
"""System calls of x86_64 by number, for people who read where an attack won."""
NOT_ABOUT_FILES = {
    3,
    8,
    9,
    10,
    11,
    12,
    13,
    14,
    16,
    24,
    25,
    28,
    35,
    38,
    39,
    41,
    42,
    96,
    102,
    104,
    107,
    108,
    157,
    202,
    228,
    318,
}
"""On x86_64: memory, signals, clocks, sockets, ids, and closing. Before them is as good as before what comes next."""
IS_KNOWN = platform.machine() == "x86_64"
PATH_FIRST = {number for number, name in NAMES.items() if name in {"open", "stat", "lstat", "rename", "mkdir", "rmdir"}}
PATH_FIRST |= {number for number in NAMES if 86 <= number <= 94 and number not in {91, 93}}
PATH_FIRST |= {188, 189, 191, 192, 194, 195, 197, 198}

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


@dataclass(frozen=True)
class Win:
    """One moment at which an attack won.

    ``position``: how many system calls about files had been made; ``before``: the one that came next, with its path
    where it has one; ``lost``: what the check said.
    """

    position: int
    before: str
    lost: str

    def __str__(self) -> str:
        return f"before {self.before} (number {self.position}): {self.lost}"


@dataclass
class Swept:
    """What a sweep found. ``positions``: moments that were tried; ``made``: at how many the attack was possible."""

    positions: int = 0
    made: int = 0
    wins: list[Win] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [f"{self.positions} positions, attack possible at {self.made}, won at {len(self.wins)}"]
        return "\n  ".join([*lines, *map(str, self.wins)])


@dataclass
class _Moment:
    """Where a run was interrupted. ``is_made``: whether the attack was possible there."""

    before: str
    is_made: bool
    status: int


def sweep(
    action: Callable[[], None],
    attack: Callable[[], None],
    check: Callable[[], str | None],
    *,
    prepare: Callable[[], None],
    undo: Callable[[], None] | None = None,
    seconds: float = 20.0,
) -> Swept:
    """Run ``action`` as often as it makes system calls, attacked before another one each time.

    First the attack is made without the action: a check that calls this a loss would prove nothing (``ValueError``).
    ``seconds``: an action that has not ended by then was held up by the attack, which counts as won. What the action
    raises is its own business: it may refuse. What kills it is not.
    """
    prepare()
    with suppress(OSError):
        attack()
    if lost := check():
        raise ValueError(f"the check takes the attack itself for a loss: {lost}")
    done = Swept()
    while True:
        prepare()
        moment = _run(action, attack, undo, done.positions, seconds)
        if moment is None:
            return done
        done.made += moment.is_made
        lost = _how_it_ended(moment.status, seconds) or check()
        if moment.is_made and lost:
            done.wins.append(Win(done.positions, moment.before, lost))
        done.positions += 1


def _how_it_ended(status: int, seconds: float) -> str | None:
    if os.WIFSIGNALED(status):
        signalled = os.WTERMSIG(status)
        return f"held up for {seconds:g} s" if signalled == signal.SIGALRM else f"ended by signal {signalled}"
    return None


def _run(
    action: Callable[[], None],
    attack: Callable[[], None],
    undo: Callable[[], None] | None,
    position: int,
    seconds: float,
) -> _Moment | None:
    """One run with one interruption; ``None`` where it made fewer system calls than that."""
    pid = os.fork()
    if pid == 0:
        _child(action, seconds)
    os.waitpid(pid, 0)
    _ptrace(SETOPTIONS, pid, data=TRACESYSGOOD | EXITKILL)
    number: int | None = 0
    for _ in range(position + 1):
        number, status = _next(pid)
        if number is None:
            return None
    before, is_made = _described(pid), False
    with suppress(OSError):
        attack()
        is_made = True
    if is_made and undo is not None:
        number, status = _next(pid)
        with suppress(OSError):
            undo()
    if number is not None:
        _ptrace(DETACH, pid)
        _, status = os.waitpid(pid, 0)
    return _Moment(before, is_made, status)


def _child(action: Callable[[], None], seconds: float) -> None:
    """What is traced. It ends by itself when it takes too long, and never returns into the tests."""
    try:
        gc.disable()
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        _ptrace(TRACEME, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        action()
    except BaseException:  # noqa: BLE001 - it may refuse in its own way: what counts is what it leaves behind
        os._exit(1)
    os._exit(0)


def _next(pid: int) -> tuple[int | None, int]:
    """Let it go on to its next system call about files: the call's number, ``None`` once it has ended; the status."""
    passed = 0
    while True:
        _ptrace(SYSCALL, pid, data=passed)
        _, status = os.waitpid(pid, 0)
        if not os.WIFSTOPPED(status):
            return None, status
        passed = 0
        if os.WSTOPSIG(status) != AT_SYSCALL:
            passed = os.WSTOPSIG(status)
            continue
        operation, number, _ = _call(pid)
        if operation == ENTRY and not (IS_KNOWN and number in NOT_ABOUT_FILES):
            return number, status


def _call(pid: int) -> tuple[int, int, tuple[int, ...]]:
    """Which stop this is, and, if it is an entry, the number and the arguments of the system call."""
    buffer = ctypes.create_string_buffer(88)
    _ptrace(GET_SYSCALL_INFO, pid, address=len(buffer), data=ctypes.addressof(buffer))
    operation, number, *arguments = struct.unpack_from("=B23x7Q", buffer)
    return operation, number, tuple(arguments)


def _described(pid: int) -> str:
    """The system call that comes next, in words."""
    _, number, arguments = _call(pid)
    if not IS_KNOWN or number not in NAMES:
        return f"system call {number}"
    if number in PATH_FIRST:
        return f"{NAMES[number]} {_text(pid, arguments[0])}"
    if NAMES[number].endswith("at") or number in {316, 332, 452}:
        return f"{NAMES[number]} {_text(pid, arguments[1] if number != 266 else arguments[2])}"
    return NAMES[number]


def _text(pid: int, address: int) -> str:
    with suppress(OSError, OverflowError), open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:  # noqa: PTH123
        memory.seek(address)
        return memory.read(256).partition(b"\0")[0].decode(errors="backslashreplace")
    return "?"


def _ptrace(request: int, pid: int, *, address: int = 0, data: int = 0) -> None:
    if _libc.ptrace(request, pid, address, data) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"ptrace: {os.strerror(number)}")
