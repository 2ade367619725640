"""What has changed between the catalogue and the disk. Pure, and in the memory of one row of each.

Emptiness is never intent: what a scan could not look at is not gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from nasd.domain.files import RULE, FileStat, FileState
from nasd.watch.base import ScanProblem, Skipped


class Known(NamedTuple):
    """What the catalogue holds of one file, as far as a comparison needs it. A tuple, which is made three
    times as fast: there is one for each file of a volume."""

    path: bytes
    size: int
    mtime_ns: int
    inode: int
    file_id: int
    state: FileState
    ctime_ns: int = 0
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One path where both sides differ. Only `known`: it is gone. Only `seen`: it is new. Both: it has
    changed, or a rule has come or gone. `Skipped` is to be recorded, not read."""

    known: Known | None
    seen: FileStat | Skipped | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """`moved` are files that went from one path and came at another with the same inode, size and time: the
    same file as good as surely, so the old row may take the new path. Where its ctime is another, which a
    rename of the file itself makes so and a rename of a folder above it does not, its digest has to prove it.
    They are in neither `new` nor `gone`."""

    new: tuple[FileStat, ...] = ()
    changed: tuple[tuple[Known, FileStat], ...] = ()
    gone: tuple[Known, ...] = ()
    moved: tuple[tuple[Known, FileStat], ...] = ()
    skipped: tuple[tuple[Known | None, Skipped], ...] = ()  # newly so, or changed
    problems: tuple[ScanProblem, ...] = ()

    @property
    def empty(self) -> bool:
        return self == Changes(problems=self.problems)


def differences(
    known: Iterable[Known],
    seen: Iterable[FileStat | Skipped | ScanProblem],
    *,
    blind: Iterable[bytes] = (),
    trust_inodes: bool = True,
) -> Iterator[Difference | ScanProblem]:
    """Each path where the two sides differ, in the order of paths, and the problems as they come.

    Both sides must be sorted by the bytes of their paths (`scan` is; SQL: ORDER BY path), and `known` must
    be of the part of the volume that was scanned. `blind` are paths below which nothing is concluded, beside
    those that `seen` reports itself, not even of files found there (what lies under a mount point is not
    what was mounted there); b"" is the whole volume. With `trust_inodes` another inode or ctime
    under the same size and time is a change; some filesystems make both up at each mount
    (`mounts.stable_inodes`).

    Raises ValueError when a side is out of order.
    """
    hidden = set(blind)
    records = iter(_ordered(known))
    record = next(records, None)
    before = b""
    for item in seen:
        if isinstance(item, ScanProblem):
            hidden.add(item.path)
            yield item
            continue
        path = item.stat.path if isinstance(item, Skipped) else item.path
        if path < before:
            raise ValueError("the scan is not sorted by path")
        before = path
        while record is not None and record.path < path:
            if not covered(record.path, hidden):
                yield Difference(known=record, seen=None)
            record = next(records, None)
        matching = record if record is not None and record.path == path else None
        if matching is not None:
            record = next(records, None)
        if (matching is None or _differs(matching, item, trust_inodes=trust_inodes)) and not covered(
            path, hidden
        ):
            yield Difference(known=matching, seen=item)
    while record is not None:
        if not covered(record.path, hidden):
            yield Difference(known=record, seen=None)
        record = next(records, None)


def compare(
    known: Iterable[Known],
    seen: Iterable[FileStat | Skipped | ScanProblem],
    *,
    blind: Iterable[bytes] = (),
    trust_inodes: bool = True,
) -> Changes:
    """All differences at once, with moves recognised; arguments and errors as `differences`."""
    new: list[FileStat] = []
    changed: list[tuple[Known, FileStat]] = []
    gone: list[Known] = []
    skipped: list[tuple[Known | None, Skipped]] = []
    problems: list[ScanProblem] = []
    for item in differences(known, seen, blind=blind, trust_inodes=trust_inodes):
        if isinstance(item, ScanProblem):
            problems.append(item)
        elif isinstance(item.seen, Skipped):
            skipped.append((item.known, item.seen))
        elif item.known is None:
            assert item.seen is not None
            new.append(item.seen)
        elif item.seen is None:
            gone.append(item.known)
        else:
            changed.append((item.known, item.seen))
    moved = pair_moves(gone, new) if trust_inodes else ()
    left, came = {pair[0].path for pair in moved}, {pair[1].path for pair in moved}
    return Changes(
        new=tuple(stat for stat in new if stat.path not in came),
        changed=tuple(changed),
        gone=tuple(record for record in gone if record.path not in left),
        moved=moved,
        skipped=tuple(skipped),
        problems=tuple(problems),
    )


def pair_moves(gone: Iterable[Known], new: Iterable[FileStat]) -> tuple[tuple[Known, FileStat], ...]:
    """The files that went from one path and came at another: same inode, size and time, and only one of each
    (hard links are not guessed at). The ctime may differ, as renaming a file changes it. What was skipped by
    a rule is read as new."""
    left: dict[tuple[int, int, int], list[Known]] = {}
    came: dict[tuple[int, int, int], list[FileStat]] = {}
    for record in gone:
        if not _by_rule(record):
            left.setdefault((record.inode, record.size, record.mtime_ns), []).append(record)
    for stat in new:
        came.setdefault((stat.inode, stat.size, stat.mtime_ns), []).append(stat)
    return tuple(
        (records[0], came[key][0])
        for key, records in left.items()
        if len(records) == 1 and len(came.get(key, ())) == 1
    )


def covered(path: bytes, prefixes: Iterable[bytes]) -> bool:
    """Whether a path is one of the prefixes or lies below one; b"" covers everything."""
    prefixes = prefixes if isinstance(prefixes, set | frozenset) else set(prefixes)
    if not prefixes:
        return False
    while path:
        if path in prefixes:
            return True
        path = path[: max(path.rfind(b"/"), 0)]
    return b"" in prefixes


def _differs(record: Known, item: FileStat | Skipped, *, trust_inodes: bool) -> bool:
    stat = item.stat if isinstance(item, Skipped) else item
    if isinstance(item, Skipped) != _by_rule(record):
        return True
    return (
        record.size != stat.size
        or record.mtime_ns != stat.mtime_ns
        or (trust_inodes and (record.inode, record.ctime_ns) != (stat.inode, stat.ctime_ns))
    )


def _by_rule(record: Known) -> bool:
    return record.state is FileState.SKIPPED and record.reason == RULE


def _ordered(known: Iterable[Known]) -> Iterator[Known]:
    before = b""
    for record in known:
        if record.path < before:
            raise ValueError("the records are not sorted by path")
        before = record.path
        yield record
