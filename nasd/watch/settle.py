"""When to look at what may have changed. Pure: the time is told, never asked for.

Events are hints. A path is looked at when it has been quiet for a moment, and at the latest after a longest
delay, however busy it is. Hints that repeat fold into one, hints below a folder whose tree is to be looked
at fold into that, and a folder with too many of them becomes such a tree. What is looked at is then taken
only when it stands still; what still grows is looked at again until it does, however late.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

from nasd.domain.files import FileStat
from nasd.watch.base import Hint

TOGETHER_S = 0.05
"""What is due this soon after something that is due comes along with it, so that both ends of a move are
looked at in one go."""


@dataclass(slots=True)
class _Waiting:
    tree: bool
    closed: bool
    first: float
    due: float


@dataclass(frozen=True, slots=True)
class _Look:
    stat: FileStat
    at: float


class Settler:
    """Times are seconds on a clock that never goes back.

    `quiet_s`: how long nothing must have been heard of a path. `closed_s`: the same when its writer has
    closed it, or it is gone. `longest_s`: how long events may put off a look at a file; `longest_tree_s` at a
    tree, which is shorter because each file found there is still held until it stands still. `burst`: from
    how many entries on a folder becomes a tree. `most`: from how many hints on all become one for the whole
    volume.
    """

    def __init__(
        self,
        quiet_s: float = 1.0,
        longest_s: float = 60.0,
        *,
        closed_s: float = 0.2,
        longest_tree_s: float = 10.0,
        burst: int = 256,
        most: int = 20_000,
    ) -> None:
        self._quiet_s = quiet_s
        self._longest_s = longest_s
        self._closed_s = min(closed_s, quiet_s)
        self._longest_tree_s = min(longest_tree_s, longest_s)
        self._burst = burst
        self._most = most
        self._waiting: dict[bytes, _Waiting] = {}
        self._entries: dict[bytes, set[bytes]] = {}  # folder: its entries at or below which hints wait
        self._queue: list[tuple[float, bytes]] = []  # may hold times that are too early, never too late
        self._looks: dict[bytes, _Look] = {}  # the oldest first

    def __len__(self) -> int:
        """How many hints wait."""
        return len(self._waiting)

    def hint(self, hint: Hint, now: float) -> None:
        """Takes a hint in."""
        path = hint.path
        above = self._tree_above(path)
        if above is not None:
            path, hint = above, Hint(path=above, tree=True)
        entry = self._waiting.get(path)
        if entry is None:
            entry = self._waiting[path] = _Waiting(hint.tree, hint.closed, now, now)
            self._place(path)
        # the last word counts: after a close it is quiet soon, after a further write it is not
        entry.closed = hint.closed or hint.gone
        entry.tree = entry.tree or hint.tree
        if entry.tree:
            entry.first = min([entry.first, *self._forget_below(path)])
        self._schedule(path, entry, now)
        self._fold(path, now)

    def clear(self) -> None:
        """Forgets all hints: a scan will tell."""
        self._waiting.clear()
        self._entries.clear()
        self._queue.clear()
        self._looks.clear()

    def due(self, now: float) -> list[Hint]:
        """The hints whose time has come, in the order of their paths; they no longer wait. `gone` is not
        kept: looking tells."""
        ready: list[tuple[bytes, _Waiting]] = []
        while (at := self.next_due()) is not None and at <= now + (TOGETHER_S if ready else 0.0):
            path = heapq.heappop(self._queue)[1]
            entry = self._waiting.pop(path)
            self._displace(path)
            ready.append((path, entry))
        self._drop_old_looks(now)
        ready.sort(key=lambda item: item[0])
        return [Hint(path=path, tree=entry.tree, closed=entry.closed) for path, entry in ready]

    def next_due(self) -> float | None:
        """When `due` has something to give, or None while nothing waits."""
        while self._queue:
            at, path = self._queue[0]
            entry = self._waiting.get(path)
            if entry is not None and entry.due <= at:
                return entry.due
            heapq.heappop(self._queue)
            if entry is not None:
                heapq.heappush(self._queue, (entry.due, path))
        return None

    def take(self, stat: FileStat, *, now: float, wall_ns: int, closed: bool = False) -> bool:
        """Whether a file that was just looked at stands still, so that it can be read. If not, it is hinted
        again by itself, and looked at later.

        It stands still when it was last written `quiet_s` ago (`closed_s` if the hint that led here says
        `closed`), or when it is what it was at a look that long ago: what serves where clocks differ or
        times are set by hand. `wall_ns` is the time of day in nanoseconds since 1970.
        """
        quiet = self._closed_s if closed else self._quiet_s
        before = self._looks.get(stat.path)
        same = before is not None and before.stat == stat
        written_ago = (wall_ns - stat.mtime_ns) / 1e9
        if written_ago >= quiet or (before is not None and same and now - before.at >= quiet):
            self._looks.pop(stat.path, None)
            return True
        if not same:
            self._looks.pop(stat.path, None)
            self._looks[stat.path] = _Look(stat, now)
        self.hint(Hint(path=stat.path, closed=closed), now)
        return False

    def _schedule(self, path: bytes, entry: _Waiting, now: float) -> None:
        quiet = self._closed_s if entry.closed and not entry.tree else self._quiet_s
        longest = self._longest_tree_s if entry.tree else self._longest_s
        entry.due = min(now + quiet, entry.first + longest)
        heapq.heappush(self._queue, (entry.due, path))
        if len(self._queue) > 2 * len(self._waiting) + 64:
            self._queue = [(waiting.due, place) for place, waiting in self._waiting.items()]
            heapq.heapify(self._queue)

    def _tree_above(self, path: bytes) -> bytes | None:
        """The folder above a path whose whole tree waits already."""
        while path:
            path = _parent(path)
            entry = self._waiting.get(path)
            if entry is not None and entry.tree:
                return path
        return None

    def _fold(self, path: bytes, now: float) -> None:
        """Makes trees of the folders above a path that have too many entries."""
        if len(self._waiting) > self._most:
            self.hint(Hint(path=b"", tree=True), now)
            return
        while path:
            path = _parent(path)
            if len(self._entries.get(path, ())) > self._burst:
                self.hint(Hint(path=path, tree=True), now)
                return

    def _place(self, path: bytes) -> None:
        while path:
            folder = _parent(path)
            entries = self._entries.setdefault(folder, set())
            if path in entries:
                return
            entries.add(path)
            path = folder

    def _displace(self, path: bytes) -> None:
        while path and path not in self._waiting and path not in self._entries:
            folder = _parent(path)
            entries = self._entries[folder]
            entries.discard(path)
            if entries:
                return
            del self._entries[folder]
            path = folder

    def _forget_below(self, path: bytes) -> list[float]:
        """Drops what waits below a tree, and gives the times since when it has waited."""
        since = []
        folders = [path]
        while folders:
            for entry in self._entries.pop(folders.pop(), ()):
                waiting = self._waiting.pop(entry, None)
                if waiting is not None:
                    since.append(waiting.first)
                folders.append(entry)
        return since

    def _drop_old_looks(self, now: float) -> None:
        """A file that went away is never looked at again; its look must not stay for ever."""
        while self._looks:
            path, look = next(iter(self._looks.items()))
            if now - look.at <= 2 * self._longest_s or path in self._waiting:
                return
            del self._looks[path]


def _parent(path: bytes) -> bytes:
    return path[: max(path.rfind(b"/"), 0)]
