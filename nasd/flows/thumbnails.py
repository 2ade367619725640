"""Small pictures of files, drawn in the confined child and kept by the digest of what they show.

The cache lies in the state folder and can be deleted at any moment. Its size is bounded; what was not asked
for longest goes first.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from nasd.domain.files import FileRecord, display_path
from nasd.errors import NotFound, ReadError, StateError
from nasd.extract.base import Drawer
from nasd.extract.pictured import DRAWN_KINDS
from nasd.flows.inside import Inside
from nasd.flows.kept import Kept
from nasd.store import contents, files
from nasd.store.lane import Lane
from nasd.watch.open import open_file, unchanged

EDGE = 320  # pixels
AT_ONCE = 2
MOST_BYTES = 256 << 20
_REFUSALS = 10_000  # remembered


class Thumbnails:
    def __init__(
        self,
        lane: Lane,
        drawer: Drawer,
        inside: Inside,
        folder: Path,
        *,
        root_of: Callable[[int], str | None],
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._lane = lane
        self._drawer = drawer
        self._inside = inside
        self._kept = Kept(folder, most_bytes=most_bytes)
        self._root_of = root_of
        self._drawing = asyncio.Semaphore(AT_ONCE)
        self._refused: dict[str, str] = {}

    async def of_file(self, file_id: int) -> tuple[bytes, str]:
        """A WebP picture with no edge longer than `EDGE`, and the digest of the file it was drawn from.
        `NotFound` when there is none: another kind of file, a damaged one, one that is not there now."""
        file = await self._lane.read(files.file_by_id, file_id)
        if file.kind not in DRAWN_KINDS:
            raise NotFound(f"Files of kind {file.kind} have no thumbnail.")
        content = None
        if file.content_id is not None:
            content = await self._lane.read(contents.content_by_id, file.content_id)
        if content is None:
            raise NotFound(f"This file has no thumbnail yet: it is {file.state.value}.")
        digest = content.digest
        if (kept := await asyncio.to_thread(self._take, digest)) is not None:
            return kept, digest
        if (refusal := self._refused.get(digest)) is not None:
            raise NotFound(refusal)
        root = self._root_of(file.volume_id)
        if root is None:
            raise NotFound("The file's volume is not there now, or is paused.")
        async with self._drawing:
            try:
                if file.parent_id is not None:
                    taken = await self._inside.path_of(root, file)
                    return await asyncio.to_thread(self._draw_taken, taken, file, digest), digest
                return await asyncio.to_thread(self._draw, root, file, digest), digest
            except ReadError as error:
                if not error.temporary:
                    self._refuse(digest, error)
                raise NotFound(f"No thumbnail can be drawn: {error.detail}") from error

    def _refuse(self, digest: str, error: ReadError) -> None:
        if len(self._refused) >= _REFUSALS:
            self._refused.clear()
        self._refused[digest] = f"No thumbnail can be drawn: {error.detail}"

    def _take(self, digest: str) -> bytes | None:
        path = self._kept.find(_name(digest))
        try:
            return None if path is None else path.read_bytes()
        except OSError:
            return None

    def _draw(self, root: str, file: FileRecord, digest: str) -> bytes:
        # Exactly the bytes that the digest is of; else another picture would be kept under its name.
        handle = open_file(root, file.path, file.stat)
        try:
            data = self._picture(handle, file)
            if not unchanged(handle, file.stat):
                raise ReadError("The file has changed.", reason="changing", temporary=True)
        finally:
            os.close(handle)
        self._keep(digest, data)
        return data

    def _draw_taken(self, path: Path, file: FileRecord, digest: str) -> bytes:
        try:
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise ReadError("The file went meanwhile.", reason="changing", temporary=True) from error
        try:
            data = self._picture(handle, file)
        finally:
            os.close(handle)
        self._keep(digest, data)
        return data

    def _picture(self, handle: int, file: FileRecord) -> bytes:
        name = display_path(file.path)
        return self._drawer.draw(handle, name=name, kind=file.kind, page=1, edge=EDGE, form="webp").data

    def _keep(self, digest: str, data: bytes) -> None:
        with (
            contextlib.suppress(StateError),
            self._kept.making() as out,
        ):  # else it is drawn again the next time
            out.write(data)
            self._kept.keep(_name(digest), out)


def _name(digest: str) -> str:
    return f"{digest}-{EDGE}.webp"
