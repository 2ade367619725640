"""From candidates to what is shown: the newer first among equals, near-duplicates as one, few of a file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from statistics import pstdev

from nasd.domain.files import FileRecord
from nasd.domain.passages import StoredPassage
from nasd.domain.search import Elsewhere, Hit, Lane
from nasd.index.alike import Candidate, Folding
from nasd.index.fuse import SPREAD, Fused

FIRST = 10
MOST_OF_ONE_FILE = 3
"""At most so many hits of one file among the first ten, unless the filter names that file."""

NOISE = 1e-3
"""Of the deviation of the first hundred scores: nearer ones are equal. Floating-point sums in another order
differ by a thousandth of that."""

LOOKED_AT = 3
"""Times as many candidates as are asked for are compared with each other at once; more where too few of them
are distinct."""

ALSO_TOLD = 20
"""Places of copies that are named; the rest are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A candidate that may be shown, and the permitted files that hold it, the one to show first."""

    fused: Fused
    passage: StoredPassage
    files: Sequence[FileRecord]


@dataclass(slots=True, kw_only=True)
class Group:
    """A distinct candidate, and those folded into it."""

    shown: Found
    folded: list[Found] = field(default_factory=list)

    def elsewhere(self) -> list[Elsewhere]:
        """Where the same text stands besides: in other files, or again in this one."""
        others = [Elsewhere(file=file, passage=self.shown.passage) for file in self.shown.files[1:]]
        for one in self.folded:
            others += [Elsewhere(file=file, passage=one.passage) for file in one.files]
        return others


def hit_of(group: Group, rank: int, highlights: tuple[tuple[int, int], ...]) -> Hit:
    elsewhere = group.elsewhere()
    return Hit(
        rank=rank,
        score=group.shown.fused.score,
        file=group.shown.files[0],
        passage=group.shown.passage,
        highlights=highlights,
        lanes=group.shown.fused.ranks,
        copies=len(elsewhere),
        also=tuple(elsewhere[:ALSO_TOLD]),
    )


class Choice:
    """What to show of candidates, best first. They are compared with each other only as far as is needed."""

    def __init__(self, found: Sequence[Found], k: int, *, cap: int | None) -> None:
        """`cap`: hits of one file among the first ten."""
        self._found = found
        self._k = k
        self._cap = cap
        self._folding = Folding()
        self._reach = max(FIRST, k) * LOOKED_AT
        self._looked_at = 0
        self.groups: list[Group] = []
        """The distinct ones among those looked at so far."""
        self.shown: list[Group] = []
        """At most `k`."""
        while self._look() and len(self._picked()) < k:
            self._reach *= 4
        self.shown = self._picked()

    def reorder(self, first: Sequence[Group]) -> None:
        """These before all others."""
        chosen = set(map(id, first))
        self.groups = [*first, *(group for group in self.groups if id(group) not in chosen)]
        self.shown = self._picked()

    def _look(self) -> bool:
        """Looks at more candidates; whether there were any."""
        part = self._found[self._looked_at : self._reach]
        for one in part:
            passage = one.passage.passage
            head = "\n".join(filter(None, (one.passage.title, passage.place.heading)))
            if one.files[0].kind == "image":  # a few words in a picture are the least of what it shows
                head += f"\n{one.passage.content_id}"
            # Pictures that say the same need not show the same, nor have files of one name the same in them.
            silent = one.passage.id < 0 or Lane.PICTURE in one.fused.ranks
            apart = f" {one.passage.content_id}" if silent else ""
            candidate = Candidate(text=passage.text + apart, head=head, apart=passage.hidden)
            number = self._folding.add(candidate)
            if number == len(self.groups):
                self.groups.append(Group(shown=one))
            else:
                self.groups[number].folded.append(one)
        self._looked_at += len(part)
        return bool(part)

    def _picked(self) -> list[Group]:
        files = [group.shown.files[0].id for group in self.groups]
        order = spread(files, k=self._k, cap=len(files) if self._cap is None else self._cap)
        return [self.groups[position] for position in order]


def spread(files: Iterable[int], *, k: int, cap: int) -> list[int]:
    """Positions of the at most `k` candidates to show, given each one's file, best first: no file more than
    `cap` times among the first ten; those held back for that come right after, in their order."""
    first: list[int] = []
    later: list[int] = []
    counts: dict[int, int] = {}
    for position, file in enumerate(files):
        if len(first) < FIRST and counts.get(file, 0) < cap:
            first.append(position)
            counts[file] = counts.get(file, 0) + 1
        else:
            later.append(position)
    return (first + later if len(first) == FIRST else first)[:k]


def noise_of(fused: Sequence[Fused]) -> float:
    """Scores that differ by no more are as good as equal."""
    return NOISE * pstdev([one.score for one in fused[:SPREAD]]) if len(fused) > 1 else 0.0


def enough(fused: Sequence[Fused], k: int, noise: float) -> int:
    """How many of the best candidates are looked up at first for `k` hits: with all that are as good as the
    last of them."""
    count = min(2 * max(FIRST, k) * LOOKED_AT, len(fused))
    while 0 < count < len(fused) and fused[count - 1].score - fused[count].score <= noise:
        count += 1
    return count


def newer_first_among_equals(found: Sequence[Found], noise: float | None = None) -> list[Found]:
    """Best first; of scores as good as equal, what was modified last. `noise`: of all candidates, where these
    are only the first of them."""
    scores = [one.fused.score for one in found]
    noise = noise_of([one.fused for one in found]) if noise is None else noise
    ordered: list[Found] = []
    start = 0
    for position in range(1, len(found) + 1):
        if position == len(found) or scores[start] - scores[position] > noise:
            equal = found[start:position]
            ordered += sorted(equal, key=lambda one: -one.files[0].mtime_ns)
            start = position
    return ordered


def newest_first(found: Sequence[Found], matching: Collection[int], now_ns: int) -> list[Found]:
    """Those whose passage ids are `matching` by the time they were modified, then the others as they are. A
    time to come tells nothing: such a file is the oldest."""

    def age(file: FileRecord) -> int:
        return now_ns - file.mtime_ns if file.mtime_ns <= now_ns else now_ns

    newest = [Found(fused=one.fused, passage=one.passage, files=sorted(one.files, key=age)) for one in found]
    first = [one for one in newest if one.passage.id in matching]
    rest = [one for one in newest if one.passage.id not in matching]
    return sorted(first, key=lambda one: age(one.files[0])) + rest
