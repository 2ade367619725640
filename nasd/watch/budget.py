"""How many folders may be watched."""

from __future__ import annotations

import threading
from pathlib import Path

MAX_WATCHES = Path("/proc/sys/fs/inotify/max_user_watches")

NO_INSTANCES = (
    "too many programs of this user watch folders: raise fs.inotify.max_user_instances by sysctl, or set "
    'watch = "poll" for the volume'
)
NO_WATCHES = (
    "no watches are left, of which nasd takes half of fs.inotify.max_user_watches: raise it by sysctl, "
    'ignore some folders, or set watch = "poll" for the volume'
)


class WatchBudget:
    """How many folders may be watched by all watchers together: half of what the kernel gives to one user,
    so that the user's other programs are left with theirs. Thread-safe."""

    def __init__(self, limit: int | None = None) -> None:
        self.limit = max_user_watches() // 2 if limit is None else limit
        self._used = 0
        self._lock = threading.Lock()

    @property
    def used(self) -> int:
        return self._used

    @property
    def left(self) -> int:
        return max(self.limit - self._used, 0)

    def take(self) -> bool:
        with self._lock:
            if self._used >= self.limit:
                return False
            self._used += 1
            return True

    def give(self) -> None:
        with self._lock:
            self._used -= 1


def max_user_watches() -> int:
    """The kernel's limit (inotify(7)), or 8192, its former default, where it is not told."""
    try:
        return int(MAX_WATCHES.read_text())
    except (OSError, ValueError):
        return 8192
