"""What a look found, before it is believed: whether it is a burst that its volume is to be frozen for."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Sequence

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
    ) -> str | None:
        """A sentence about what was seen, when nothing of it is to be committed; else None. `unsettled` are
        files that are there but still being written: what went may be one of them under another name."""
        went = {known.path for known in gone}
        others = rewritten_files(
            [known.path for known, seen in changed if _other_bytes(known, seen.stat)],
            went,
            [*(seen.stat.path for seen in new), *(stat.path for stat in unsettled)],
            [(known.path, seen.stat.path) for known, seen in moved],
        )
        # Names that say nothing are left out, such as the containers of an encrypting program.
        rewritten = [one for one in others if kind_of(one.path).name != UNKNOWN]
        now = self._clock.monotonic()
        suspects = self._burst.suspects(rewritten, [seen.stat.path for seen in new], now)
        if suspects:
            heads = await asyncio.to_thread(self._heads, suspects)
            said = self._burst.encryption(heads, now)
            if said is not None:
                return f"It looks as if files are being encrypted: {said}. {KEPT}"
        inodes = {stat.inode for stat in (*unsettled, *(seen.stat for seen in new))}
        lost = {known.path for known in gone if known.inode not in inodes}
        lost -= _found_elsewhere(gone, new) | {one.path for one in others}
        said = self._burst.deletion(lost, known_files, now)
        if said is not None and await asyncio.to_thread(self._are_gone, gone):
            return f"It looks like mass deletion: {said}. {KEPT}"
        return None

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


def _found_elsewhere(gone: Sequence[Known], new: Sequence[Seen]) -> set[bytes]:
    """Which of the files that went came elsewhere with the same name, size and time, on filesystems too that
    give no lasting inode numbers."""
    if not gone or not new:
        return set()
    came = Counter((seen.stat.path.rpartition(b"/")[2], seen.stat.size, seen.stat.mtime_ns) for seen in new)
    found = set()
    for known in gone:
        key = (known.path.rpartition(b"/")[2], known.size, known.mtime_ns)
        if came[key]:
            came[key] -= 1
            found.add(known.path)
    return found
