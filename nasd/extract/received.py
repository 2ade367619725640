"""In the parent: what the confined child tells of a container, checked, made members.

The child is trusted with nothing: a path lies below the member that is open, is plain, and comes once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from nasd.domain.files import INSIDE
from nasd.domain.passages import Block, Document
from nasd.errors import ReadError
from nasd.extract.base import MOST_BLOCKS, Found, Hashed, Limits, Member
from nasd.extract.deaths import too_much_text
from nasd.extract.frames import (
    BadFrame,
    unpack_blocks,
    unpack_mapping,
    unpack_text,
    unpack_words,
)
from nasd.extract.registry import entry_of

REASONS = frozenset(
    {"too_large", "unsupported", "encrypted", "malformed", "memory", "output", "unreadable", "crashed"}
)
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f]")
_MOST_NAME = 8192
_LAST_NS = 1 << 62


@dataclass(slots=True)
class _Open:
    """A member of which there is more to come."""

    found: Found
    hashed: Hashed | None = None
    known: bool = False
    blocks: list[Block] = field(default_factory=list)
    chars: int = 0


class Received:
    """Takes messages; gives questions and members. Lives on when the child is replaced: what was settled
    before is then not wanted again."""

    def __init__(self, limits: Limits, root: Found) -> None:
        self._limits = limits
        self._root = root
        self._settled: set[str] = set()
        self._seen: set[str] = set()
        self._open: list[_Open] = []
        self.tired = False
        """The child has said that a fresh one is to go on."""
        self.begin()

    def begin(self) -> None:
        """A fresh child begins at the beginning."""
        self._open = [_Open(self._root)]
        self._seen = set()
        self.tired = False

    @property
    def finished(self) -> bool:
        return not self._open

    def take(self, message: dict[str, object]) -> Found | Hashed | Member | None:
        """What is to be asked or told of a message; None when more is to come. Raises `BadFrame`, and
        `ReadError` when a member yields more than it may."""
        if not self._open:
            raise BadFrame("something after the end")
        if "member" in message:
            return self._found(message["member"])
        if "hashed" in message:
            return self._hash(message["hashed"])
        if "blocks" in message:
            self._blocks(unpack_blocks(message["blocks"]))
            return None
        if isinstance(end := message.get("end"), dict):
            top = self._open[-1]
            document = None if top.known else _document(top.blocks, end)
            return self._close(Member(found=top.found, hashed=top.hashed, document=document))
        if isinstance(error := message.get("error"), dict):
            reason, detail = str(error.get("reason")), (unpack_text(error.get("detail")) or "")[:500]
            return self.fail(ReadError(detail, reason=reason if reason in REASONS else "malformed"))
        if "again" in message:
            self.tired = True
            return None
        raise BadFrame("an unknown message")

    def was_settled(self, found: Found) -> bool:
        """Whether a former child has told all of it."""
        return found.path in self._settled

    def want(self, found: Found, wanted: bool) -> None:
        if wanted:
            self._open.append(_Open(found))
        else:
            self._settled.add(found.path)

    def want_text(self, wanted: bool) -> None:
        self._open[-1].known = not wanted

    def fail(self, error: ReadError) -> Member:
        """The member that is open ends here. Raises the error when that is the container itself."""
        if len(self._open) == 1:
            raise error
        top = self._open[-1]
        return self._close(Member(found=top.found, hashed=top.hashed, error=error))

    def cut_short(self, note: str) -> Member:
        """The container as it is known by now, with a note that it was not read to its end."""
        top = self._open[0]
        self._open = []
        entry = entry_of(self._root.kind)
        reader = entry.label if entry else ""
        return Member(
            found=top.found, document=Document(blocks=tuple(top.blocks), reader=reader, notes=(note,))
        )

    def _close(self, member: Member) -> Member:
        self._open.pop()
        self._settled.add(member.found.path)
        return member

    def _found(self, value: object) -> Found:
        if not isinstance(value, list) or len(value) != 4:
            raise BadFrame("no member")
        path, size, mtime_ns, kind = value
        path = unpack_text(path) or ""
        above = self._open[-1].found.path
        within = path.removeprefix(above + INSIDE) if above else path
        if (above and within == path) or len(path) > _MOST_NAME or path in self._seen or _UNSAFE.search(path):
            raise BadFrame("a member of an unsafe name")
        if any(part in ("", ".", "..") for part in within.split("/")):
            raise BadFrame("a member of an unsafe name")
        self._seen.add(path)
        if len(self._seen) > self._limits.members or len(self._open) > self._limits.depth:
            raise BadFrame("more members than may be")
        return Found(
            path=path,
            size=_whole(size, 1 << 62),
            mtime_ns=None if mtime_ns is None else _whole(mtime_ns, _LAST_NS),
            kind=(unpack_text(kind) or "")[:40],
        )

    def _hash(self, value: object) -> Hashed:
        top = self._open[-1]
        if not isinstance(value, list) or len(value) != 4 or len(self._open) == 1 or top.hashed is not None:
            raise BadFrame("no digest")
        size, kind, digest, reader = value
        entry = entry_of(kind) if isinstance(kind, str) else None
        if entry is None or entry.label != reader or not isinstance(digest, str) or not _DIGEST.match(digest):
            raise BadFrame("no digest")
        found = Found(
            path=top.found.path,
            size=_whole(size, 1 << 62),
            mtime_ns=top.found.mtime_ns,
            kind=top.found.kind,
        )
        top.hashed = Hashed(found=found, kind=kind, digest=digest, reader=entry.label)
        top.found = found
        return top.hashed

    def _blocks(self, blocks: list[Block]) -> None:
        top = self._open[-1]
        top.chars += sum(len(block.text) + len(block.after) for block in blocks)
        if top.chars > self._limits.output_chars or len(top.blocks) > MOST_BLOCKS:
            raise too_much_text()
        top.blocks.extend(blocks)


def _document(blocks: list[Block], end: dict[str, object]) -> Document:
    return Document(
        blocks=tuple(blocks),
        title=unpack_text(end.get("title")),
        reader=unpack_text(end.get("reader")) or "",
        notes=unpack_words(end.get("notes")),
        metadata=unpack_mapping(end.get("metadata")),
    )


def _whole(value: object, below: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < below:
        raise BadFrame("no number")
    return value
