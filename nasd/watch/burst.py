"""Whether what happened to a volume lately looks like mass deletion or encryption. Pure: times, names and the
first bytes of some files are told.

Neither is what people do to their files every day, and after either the worst would be to take it at its
word. So such a burst freezes the volume until its owner has looked at it.
"""

from __future__ import annotations

import math
import re
from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import chain

from nasd.domain.files import display_path

WINDOW_S = 600.0
GONE_MORE_THAN, GONE_SHARE = 100, 0.5
"""Mass deletion: more files than this and a larger part of all, within the window."""

REWRITTEN_AT_LEAST, SCRAMBLED_SHARE = 30, 0.75
"""Encryption: so many files rewritten within the window, and of those looked at so large a part scrambled."""

NOTED_AT_LEAST, NOTE_FOLDERS = 10, 3
"""Beside a note that lies in several folders, so few rewritten files are enough."""

SAMPLES = 24
HEAD_BYTES = 4096
_SMALLEST_HEAD = 256
_MOST_ENDINGS = 4  # of one name: "letter.txt.id-1234.locked" has three

_COMPRESSED = (
    *(b"PK", b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf"),
    *(b"\x28\xb5\x2f\xfd", b"Rar!", b"ID3", b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf1", b"OggS"),
    *(b"fLaC", b"RIFF", b"\x1aE\xdf\xa3", b"II*\0", b"MM\0*", b"\xd0\xcf\x11\xe0", b"SQLite format 3\0"),
    *(b"wOFF", b"wOF2", b"\x04\x22\x4d\x18", b"FWS", b"CWS", b"AT&TFORM", b"\0\0\0\x0cjP"),
)
"""How formats begin whose bytes look random because they are compressed: encryption leaves none of these."""

_NOTE = re.compile(r"decrypt|ransom|recover|restore|unlock|encrypted|how[ _-]*to|read[ _-]*me", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """A known file whose bytes are others now: at its own path, or at `now_at` beside it under a name with
    another ending."""

    path: bytes
    now_at: bytes


@dataclass(frozen=True, slots=True)
class _Event:
    at: float
    gone: Mapping[bytes, int] = field(default_factory=dict)  # path to inode
    rewritten: tuple[Rewritten, ...] = ()
    notes: tuple[bytes, ...] = ()


class Burst:
    """What happened to one volume within the last `WINDOW_S` seconds."""

    def __init__(self) -> None:
        self._gone: deque[_Event] = deque()
        self._changed: deque[_Event] = deque()
        self._sampled = 0

    def forget(self) -> None:
        """Its owner has spoken: what happened until now counts no more."""
        self._gone.clear()
        self._changed.clear()
        self._sampled = 0

    def came(self, inodes: Set[int]) -> None:
        """Files that are there: of those remembered as gone, the ones with such an inode only moved."""
        if any(not inodes.isdisjoint(event.gone.values()) for event in self._gone):
            self._gone = deque(
                replace(
                    event, gone={path: inode for path, inode in event.gone.items() if inode not in inodes}
                )
                for event in self._gone
            )

    def deletion(self, gone: Mapping[bytes, int], known: int, now: float) -> str | None:
        """What to say if these files more of `known`, path to inode, would be too many to go; else they are
        remembered."""
        _trim(self._gone, now)
        if gone and len(gone) + sum(len(event.gone) for event in self._gone) > GONE_MORE_THAN:
            before = set(chain.from_iterable(event.gone for event in self._gone)).difference(gone)
            total, every = len(before) + len(gone), known + len(before)
            if total > GONE_MORE_THAN and total > every * GONE_SHARE:
                return f"{total:,} of {every:,} files went within {_span(self._gone, now)}"
        if gone:
            self._gone.append(_Event(now, gone=gone))
        return None

    def suspects(self, rewritten: Sequence[Rewritten], came: Iterable[bytes], now: float) -> list[Rewritten]:
        """Takes in what was rewritten and what is new. Some of the files rewritten within the window, to be
        looked into, when they are so many, and more than at the last time, that it is time to; else none."""
        _trim(self._changed, now)
        notes = tuple(path for path in came if _NOTE.search(display_path(_name(path))))
        if rewritten or notes:
            self._changed.append(_Event(now, rewritten=tuple(rewritten), notes=notes))
        if not rewritten or sum(len(event.rewritten) for event in self._changed) < NOTED_AT_LEAST:
            return []
        every = self._rewritten()
        self._sampled = min(self._sampled, len(every))
        least = NOTED_AT_LEAST if self.note() else REWRITTEN_AT_LEAST
        if len(every) < max(least, self._sampled * 5 // 4):
            return []
        self._sampled = len(every)
        step = max(1, len(every) // SAMPLES)
        return every[::-step][:SAMPLES]

    def encryption(self, heads: Mapping[bytes, bytes], now: float) -> str | None:
        """What to say if the `suspects` look encrypted. `heads`: by path, the first `HEAD_BYTES` of those
        that could be read."""
        told = {path: scrambled(head) for path, head in heads.items()}
        judged = [verdict for verdict in told.values() if verdict is not None]
        if not judged or sum(judged) < len(judged) * SCRAMBLED_SHARE:
            return None
        every = self._rewritten()
        example = next(path for path, verdict in told.items() if verdict)
        said = (
            f"{len(every):,} files were rewritten within {_span(self._changed, now)}, and {sum(judged)} of "
            f"{len(judged)} that were looked into seem encrypted, such as {display_path(example)!r}"
        )
        endings = Counter(new_ending(one) for one in every if one.path != one.now_at)
        if endings and (common := endings.most_common(1)[0])[0]:
            said += f"; {common[1]:,} got the ending {display_path(common[0])!r}"
        if note := self.note():
            said += f"; {display_path(note)!r} was left in several folders"
        return said

    def note(self) -> bytes | None:
        """The name of a note, such as ransom is demanded by, that came into several folders."""
        folders: dict[bytes, set[bytes]] = {}
        for path in chain.from_iterable(event.notes for event in self._changed):
            folders.setdefault(_name(path), set()).add(_folder(path))
        return next((name for name, where in folders.items() if len(where) >= NOTE_FOLDERS), None)

    def _rewritten(self) -> list[Rewritten]:
        """Each file once, as it was last seen."""
        return list({one.path: one for event in self._changed for one in event.rewritten}.values())


def rewritten_files(
    changed: Iterable[bytes],
    gone: Collection[bytes],
    came: Iterable[bytes],
    moved: Iterable[tuple[bytes, bytes]],
) -> list[Rewritten]:
    """The known files that are another file now: `changed` in place; `moved` to, or `gone` with one that
    `came` under, the same name with another ending."""
    found = [Rewritten(path=path, now_at=path) for path in changed]
    found += [Rewritten(path=old, now_at=new) for old, new in moved if _ends_otherwise(old, new)]
    if gone:
        by_stem: dict[bytes, bytes] = {}
        for path in came:
            stem = path
            for _ in range(_MOST_ENDINGS):
                by_stem.setdefault(stem, path)
                stem = _stem(stem)
        for path in gone:
            successor = by_stem.get(path) or by_stem.get(_stem(path))
            if successor is not None and _ends_otherwise(path, successor):
                found.append(Rewritten(path=path, now_at=successor))
    return found


def new_ending(one: Rewritten) -> bytes:
    """What was put at the end of a name, or in the place of its ending."""
    if one.now_at.startswith(one.path):
        return one.now_at[len(one.path) :]
    return _name(one.now_at)[len(_name(_stem(one.now_at))) :]


def scrambled(head: bytes) -> bool | None:
    """Whether bytes look encrypted: as good as random, and not the beginning of a compressed format. None for
    too few to tell.

    The entropy found in n random bytes is about 8 - 255 / (2 n ln 2) bits each; text has at most 6.
    """
    if len(head) < _SMALLEST_HEAD:
        return None
    if head.startswith(_COMPRESSED) or head[4:8] == b"ftyp":
        return False
    size = len(head)
    entropy = -sum(n / size * math.log2(n / size) for n in Counter(head).values())
    return entropy > 8 - 255 / (2 * size * math.log(2)) - 0.25


def _ends_otherwise(old: bytes, new: bytes) -> bool:
    return new != old and _folder(old) == _folder(new) and (new.startswith(old) or _stem(new) == _stem(old))


def _trim(events: deque[_Event], now: float) -> None:
    while events and events[0].at < now - WINDOW_S:
        events.popleft()


def _span(events: deque[_Event], now: float) -> str:
    seconds = now - events[0].at if events else 0.0
    return "a minute" if seconds < 60 else f"{math.ceil(seconds / 60)} minutes"


def _stem(path: bytes) -> bytes:
    """A path without the last ending of its name."""
    name = _name(path)
    dot = name.rfind(b".")
    return path[: len(path) - len(name) + dot] if dot > 0 else path


def _name(path: bytes) -> bytes:
    return path[path.rfind(b"/") + 1 :]


def _folder(path: bytes) -> bytes:
    return path[: max(path.rfind(b"/"), 0)]
