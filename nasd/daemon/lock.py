"""One daemon for one state folder: a lock that the kernel gives up for us when the process ends.

The lock is flock(2) on `nasd.lock` in the state folder. The file holds the process id of the daemon, for
the message that a second one prints, and is never removed: a lock file that can vanish can be held twice.
"""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from nasd.errors import Conflict, DiskFull, NasdError, StateError

LOCK_FILE = "nasd.lock"


class StateLock:
    """Makes the state folder if there is none (mode 0700) and holds it until `release` or the process's end.

    `acquire` raises Conflict when another process holds it, DiskFull without room for the lock file, and
    StateError when the folder cannot be used.
    """

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Takes the lock at once or not at all; again on a held lock does nothing."""
        if self._descriptor is not None:
            return
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _explain(error, self._folder) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            holder = _read_holder(descriptor)
            os.close(descriptor)
            if error.errno == errno.EWOULDBLOCK:
                raise _conflict(self._folder, holder) from None
            raise _explain(error, self._folder) from None
        self._descriptor = descriptor

    def release(self) -> None:
        """Gives the lock up; on one that is not held it does nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _read_holder(descriptor: int) -> int | None:
    try:
        text = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _conflict(folder: Path, holder: int | None) -> Conflict:
    process = f"process {holder}" if holder else "another process"
    stop = f"stop it (systemctl stop nasd, or kill {holder})" if holder else "stop it"
    return Conflict(
        f"A nasd daemon already uses {folder}: {process}.",
        cure=f"Talk to that one (nasd status), {stop}, or choose another folder with --state-dir.",
    )


def _explain(error: OSError, folder: Path) -> NasdError:
    """The error of ours for what the system said about the state folder."""
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return DiskFull(
                f"No room is left for the state folder {folder}.",
                cure="Free some space there, or choose another folder with --state-dir.",
            )
        case errno.EROFS:
            reason, cure = "lies on a read-only file system", "Remount it for writing"
        case errno.EACCES | errno.EPERM:
            reason = f"may not be written by user {os.geteuid()}"
            cure = "Run nasd as the folder's owner, give this user the folder (chown)"
        case errno.ENOTDIR | errno.EEXIST:
            reason, cure = "is not a folder", "Move what is there away"
        case errno.ENOLCK | errno.ENOTSUP:
            reason = "lies on a file system without locks"
            cure = "Use a local file system"
        case _:
            reason, cure = f"cannot be used: {error.strerror}", "Check the path and its file system"
    return StateError(
        f"The state folder {folder} {reason}.", cure=f"{cure}, or choose another one with --state-dir."
    )
