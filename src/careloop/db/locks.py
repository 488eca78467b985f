"""File locks that end with their process, however it ends: the kernel lets go of a `flock` also after `kill -9`."""

import fcntl
import os
import time
from pathlib import Path


def open_lock_file(path: Path) -> int:
    """A descriptor of the lock file, which is made if missing (mode 0600). Not inherited by programs started later."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def try_lock(descriptor: int, *, shared: bool = False) -> bool:
    """True when this process now holds the lock; never waits."""
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def lock_within(descriptor: int, seconds: float, *, shared: bool = False) -> bool:
    """True when the lock was got within `seconds`."""
    deadline = time.monotonic() + seconds
    while not try_lock(descriptor, shared=shared):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def wait_for_lock(descriptor: int) -> None:
    """Returns when the exclusive lock is held, however long that takes."""
    fcntl.flock(descriptor, fcntl.LOCK_EX)


def is_locked(path: Path) -> bool:
    """True while some process holds the exclusive lock of this file."""
    descriptor = open_lock_file(path)
    try:
        return not try_lock(descriptor, shared=True)
    finally:
        os.close(descriptor)
