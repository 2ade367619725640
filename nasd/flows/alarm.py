"""What a look found, before it is believed: whether it is a burst that its volume is to be frozen for."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from itertools import chain

from nasd.clock import Clock
from nasd.domain.files import RULE, FileStat, FileState
from nasd.errors import ReadError
from nasd.extract.kinds import UNKNOWN, kind_of
from nasd.store.changes import Seen
from nasd.watch.burst import HEAD_BYTES, SAMPLES, Burst, Rewritten, rewritten_files
from nasd.watch.compare import Known
from nasd.watch.open import look, open_file

KEPT = "Nothing that was known is forgotten. `nasd volume resume` accepts the volume as it is now."


class Alarm:
    """Of one volume. Looks into a few files only when so many changed that it has to know."""

    def __init__(self, path: str, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._burst = Burst()

    def silence(self) -> None:
        """The owner has spoken."""
        self._burst.forget()

    async def raised(
        self,
        *,
        known_files: int,
        new: Sequence[Seen],
        changed: Sequence[tuple[Known, Seen]],
        gone: Sequence[Known],
        moved: Sequence[tuple[Known, Seen]],
        unsettled: Sequence[FileStat],
        present: Callable[[Set[int]], list[FileStat]],
    ) -> str | None:
        """A sentence about what was seen, when nothing of it is to be committed; else None. `unsettled` are
        files that are there but still being written: what went may be one of them under another name.
        `present` walks the volume, in a thread, for the files with these inodes: asked when so many went that
        they must not be where this look has not been."""
        came = [*(seen.stat for seen in new), *unsettled]
        others = rewritten_files(
            [known.path for known, seen in changed if _other_bytes(known, seen.stat)],
            {known.path for known in gone},
            [stat.path for stat in came],
            [(known.path, seen.stat.path) for known, seen in moved],
        )
        lost, reborn = _lost(gone, came)
        said = await self._encryption([*others, *reborn], [seen.stat.path for seen in new])
        if said is not None:
            return said
        self._burst.came({stat.inode for stat in came})
        for path in chain((one.path for one in others), (one.path for one in _found_elsewhere(gone, new))):
            lost.pop(path, None)
        if not await self._are_too_many(lost, known_files):
            return None
        there = await asyncio.to_thread(present, {one.inode for one in lost.values()})
        lost, reborn = _lost(list(lost.values()), there)
        said = await self._encryption(reborn, [])
        if said is not None:
            return said
        self._burst.came({stat.inode for stat in there})
        said = self._burst.deletion(_inodes(lost), known_files, self._clock.monotonic())
        return None if said is None else f"It looks like mass deletion: {said}. {KEPT}"

    async def _encryption(self, rewritten: Sequence[Rewritten], came: Sequence[bytes]) -> str | None:
        # Names that say nothing are left out, such as the containers of an encrypting program.
        telling = [one for one in rewritten if kind_of(one.path).name != UNKNOWN]
        now = self._clock.monotonic()
        suspects = self._burst.suspects(telling, came, now)
        if not suspects:
            return None
        said = self._burst.encryption(await asyncio.to_thread(self._heads, suspects), now)
        return None if said is None else f"It looks as if files are being encrypted: {said}. {KEPT}"

    async def _are_too_many(self, lost: Mapping[bytes, Known], known_files: int) -> bool:
        said = self._burst.deletion(_inodes(lost), known_files, self._clock.monotonic())
        return said is not None and await asyncio.to_thread(self._are_gone, list(lost.values()))

    def _heads(self, suspects: Sequence[Rewritten]) -> dict[bytes, bytes]:
        heads = {}
        for one in suspects:
            try:
                handle = open_file(self._path, one.now_at)
            except ReadError:
                continue
            try:
                heads[one.now_at] = os.pread(handle, HEAD_BYTES, 0)
            except OSError:
                continue
            finally:
                os.close(handle)
        return heads

    def _are_gone(self, gone: Sequence[Known]) -> bool:
        """Whether the files are not there, rather than kept out by a new ignore rule."""
        some = gone[:: max(1, len(gone) // (4 * SAMPLES))]
        missing = 0
        for known in some:
            try:
                missing += look(self._path, known.path) is None
            except OSError:
                missing += 1
        return missing * 2 > len(some)


def _other_bytes(known: Known, stat: FileStat) -> bool:
    """Not what a change of rights or another ignore rule makes of a file."""
    by_rule = known.state is FileState.SKIPPED and known.reason == RULE
    return not by_rule and (known.size, known.mtime_ns) != (stat.size, stat.mtime_ns)


def _inodes(lost: Mapping[bytes, Known]) -> dict[bytes, int]:
    return {path: known.inode for path, known in lost.items()}


def _lost(gone: Sequence[Known], there: Sequence[FileStat]) -> tuple[dict[bytes, Known], list[Rewritten]]:
    """By path, those whose inode no file has that is there; and those whose inode one has with other bytes: a
    file that was rewritten and renamed, or another one, as filesystems give the number of a deleted file to
    the next."""
    by_inode = {stat.inode: stat for stat in there}
    lost, reborn = {}, []
    for known in gone:
        stat = by_inode.get(known.inode)
        if stat is None:
            lost[known.path] = known
        elif _other_bytes(known, stat):
            reborn.append(Rewritten(path=known.path, now_at=stat.path))
    return lost, reborn


def _found_elsewhere(gone: Sequence[Known], new: Sequence[Seen]) -> list[Known]:
    """Which of the files that went came elsewhere with the same name, size and time, on filesystems too that
    give no lasting inode numbers."""
    if not gone or not new:
        return []
    came = Counter((seen.stat.path.rpartition(b"/")[2], seen.stat.size, seen.stat.mtime_ns) for seen in new)
    found = []
    for known in gone:
        key = (known.path.rpartition(b"/")[2], known.size, known.mtime_ns)
        if came[key]:
            came[key] -= 1
            found.append(known)
    return found
