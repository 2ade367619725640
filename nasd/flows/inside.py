"""Members of containers as files of their own: taken out in the confined child when someone asks for their
bytes, and kept for a while in the state folder. A volume is never written."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from blake3 import blake3

from nasd.domain.files import INSIDE, FileRecord
from nasd.errors import ReadError
from nasd.extract.base import Piece, Taker
from nasd.flows.kept import Kept
from nasd.store import contents, files
from nasd.store.lane import Lane
from nasd.watch.open import observe, open_file, unchanged

AT_ONCE = 2
MOST_BYTES = 2 << 30

Beside = Callable[[], Awaitable[Sequence[FileRecord]]]
"""Members of the same container that will be asked for next: one walk through it serves them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """A member by its path within the container; what its bytes are known to be."""

    name: str  # under which it is kept
    digest: str | None


class Inside:
    def __init__(self, lane: Lane, taker: Taker, folder: Path, *, most_bytes: int = MOST_BYTES) -> None:
        """`folder` lies within the state."""
        self._lane = lane
        self._taker = taker
        self._kept = Kept(folder.resolve(), most_bytes=most_bytes)
        self._at_once = asyncio.Semaphore(AT_ONCE)

    async def path_of(self, root: str, member: FileRecord, beside: Beside | None = None) -> Path:
        """Where the bytes of a member lie for now; the file's name differs when they do. `root` is the folder
        of its volume. Raises `ReadError` when they cannot be had, `DiskFull`, `StateError`."""
        if member.parent_id is None:
            raise ValueError("the file lies in no container")
        outer = await self._lane.read(files.file_by_id, member.parent_id)
        name = _name(outer, member)
        async with self._at_once:
            if not await asyncio.to_thread(_as_known, root, outer):
                raise ReadError("Its container has changed.", reason="changing", temporary=True)
            if (path := await asyncio.to_thread(self._kept.find, name)) is not None:
                return path
            wanted: dict[str, _Wanted] = {}
            for one in (member, *(await beside() if beside is not None else ())):
                wanted[_inner(outer, one)] = _Wanted(name=_name(outer, one), digest=await self._digest(one))
            return await asyncio.to_thread(self._take, root, outer, wanted, _inner(outer, member))

    async def _digest(self, member: FileRecord) -> str | None:
        if member.content_id is None:
            return None
        content = await self._lane.read(contents.content_by_id, member.content_id)
        return None if content is None else content.digest

    def _take(self, root: str, outer: FileRecord, wanted: Mapping[str, _Wanted], first: str) -> Path:
        """All that are wanted; where `first` lies."""
        handle = open_file(root, outer.path, outer.stat)
        try:
            found = self._walk(handle, outer, wanted, first)
        finally:
            os.close(handle)
        if isinstance(found, ReadError):
            raise found
        return found

    def _walk(
        self, handle: int, outer: FileRecord, wanted: Mapping[str, _Wanted], first: str
    ) -> Path | ReadError:
        found: Path | ReadError = ReadError("Nothing was told of it.", reason="crashed", temporary=True)
        # A file that is only compressed tells what is in it by its name, and may have another one by now.
        name = first.partition(INSIDE)[0] + ".gz"
        pieces = self._taker.take(handle, name=name, kind=outer.kind, paths=list(wanted))
        try:
            for piece in pieces:
                if piece.error is not None:
                    if piece.path == first:
                        found = piece.error
                    continue
                with self._kept.making() as file:
                    hasher = blake3()
                    following: Piece | None = piece
                    while following is not None and not following.ended and following.error is None:
                        hasher.update(following.data)
                        file.write(following.data)
                        following = next(pieces, None)  # a member's pieces follow each other
                    told: Path | ReadError | None = None if following is None else following.error
                    if following is not None and following.ended:
                        one = wanted[piece.path]
                        told = self._settle(handle, outer, one, file, hasher.hexdigest())
                if piece.path == first and told is not None:
                    found = told
        finally:
            pieces.close()
        return found

    def _settle(
        self, handle: int, outer: FileRecord, wanted: _Wanted, file: BinaryIO, digest: str
    ) -> Path | ReadError:
        if not unchanged(handle, outer.stat) or wanted.digest not in (None, digest):
            return ReadError("The file has changed since it was read.", reason="changing", temporary=True)
        return self._kept.keep(wanted.name, file)


def _as_known(root: str, outer: FileRecord) -> bool:
    try:
        return observe(root, outer.path) == outer.stat
    except OSError as error:
        raise ReadError(
            f"Its container cannot be looked at: {error.strerror or error}.",
            reason="unreadable",
            temporary=True,
        ) from error


def _inner(outer: FileRecord, member: FileRecord) -> str:
    return member.path[len(outer.path) + len(INSIDE) :].decode()


def _name(outer: FileRecord, member: FileRecord) -> str:
    """Of these very bytes: another version of the container gives another name."""
    stat = outer.stat
    version = (outer.id, stat.size, stat.mtime_ns, stat.inode, stat.ctime_ns, _inner(outer, member))
    return str(blake3(repr(version).encode()).hexdigest())
