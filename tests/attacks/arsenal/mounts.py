"""Attacks by file systems that a user mounts in his home. Root must not look into them, and gets an error at each try.

``fusermount`` is set-uid and not on the node: what it does for its user is done by a process of root's that becomes the
user's at once, and never answers anything.
"""

from __future__ import annotations

import ctypes
import os
import time

from tests.attacks.arsenal.base import HOME, PLAIN, Attack, own, wait_for_checkpoint

DEVICE = (10, 229)
NOSUID, NODEV = 2, 4


class _Fuse(Attack):
    """A file system in user space, mounted in the home."""

    account = None
    holds_up = True
    options = ""
    """More options of the mount."""

    def prepare(self) -> None:
        if not os.path.exists("/dev/fuse"):
            os.mknod("/dev/fuse", 0o20666, os.makedev(*DEVICE))
        self.item.mkdir()
        own(self.item)

    def mount(self) -> int:
        """Mount it and become the user; the descriptor by which he would answer."""
        descriptor = os.open("/dev/fuse", os.O_RDWR)
        options = f"fd={descriptor},rootmode=40000,user_id={PLAIN},group_id={PLAIN}{self.options}"
        words = (b"fuse", os.fsencode(self.item), b"fuse", NOSUID | NODEV, options.encode())
        if ctypes.CDLL(None, use_errno=True).mount(*words) < 0:
            raise OSError(ctypes.get_errno(), "mount")
        os.setgroups([])
        os.setgid(PLAIN)
        os.setuid(PLAIN)
        return descriptor


class FuseBefore(_Fuse):
    """Root is refused by a file system of the user's, and a checkpoint that cannot go on is none."""

    aims = "checkpoint"

    def run(self) -> None:
        self.mount()
        time.sleep(3600)


class FuseDuring(_Fuse):
    """The same from the middle of an apply on: the release fails, and so does the guard."""

    aims = "release, guard restore"

    def run(self) -> None:
        wait_for_checkpoint(HOME)
        self.mount()
        time.sleep(3600)


class DeadMount(_Fuse):
    """A file system whose program has died answers "not connected" to everybody."""

    aims = "checkpoint, release, guard restore"
    options = ",allow_other"

    def run(self) -> None:
        os.close(self.mount())
        time.sleep(3600)
