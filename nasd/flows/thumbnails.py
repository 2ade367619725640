"""Small pictures of files, drawn in the confined child and kept by the digest of what they show.

The cache lies in the state folder and can be deleted at any moment. Its size is bounded; what was not asked
for longest goes first.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from nasd.domain.files import FileRecord, display_path
from nasd.errors import NotFound, ReadError
from nasd.extract.base import Drawer
from nasd.extract.pictured import DRAWN_KINDS
from nasd.store import contents, files
from nasd.store.lane import Lane
from nasd.watch.open import open_file, unchanged

EDGE = 320  # pixels
AT_ONCE = 2
MOST_BYTES = 256 << 20
_KEEP_SHARE = 0.9  # of the bound, that stays when it was exceeded
_REFUSALS = 10_000  # remembered


class Thumbnails:
    def __init__(
        self,
        lane: Lane,
        drawer: Drawer,
        folder: Path,
        *,
        root_of: Callable[[int], str | None],
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._lane = lane
        self._drawer = drawer
        self._folder = folder
        self._root_of = root_of
        self._most_bytes = most_bytes
        self._held: int | None = None  # bytes in the folder, counted when first needed
        self._drawing = asyncio.Semaphore(AT_ONCE)
        self._refused: dict[str, str] = {}

    async def of_file(self, file_id: int) -> tuple[bytes, str]:
        """A WebP picture with no edge longer than `EDGE`, and the digest of the file it was drawn from.
        `NotFound` when there is none: another kind of file, a damaged one, one that is not there now."""
        file = await self._lane.read(files.file_by_id, file_id)
        if file.kind not in DRAWN_KINDS:
            raise NotFound(f"Files of kind {file.kind} have no thumbnail.")
        if file.parent_id is not None:
            raise NotFound("A file within another one has no thumbnail.")
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
                return await asyncio.to_thread(self._draw, root, file, digest), digest
            except ReadError as error:
                if not error.temporary:
                    self._refuse(digest, error)
                raise NotFound(f"No thumbnail can be drawn: {error.detail}") from error

    def _refuse(self, digest: str, error: ReadError) -> None:
        if len(self._refused) >= _REFUSALS:
            self._refused.clear()
        self._refused[digest] = f"No thumbnail can be drawn: {error.detail}"

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / f"{digest}-{EDGE}.webp"

    def _take(self, digest: str) -> bytes | None:
        path = self._path(digest)
        try:
            data = path.read_bytes()
            os.utime(path)  # asked for last
        except OSError:
            return None
        return data

    def _draw(self, root: str, file: FileRecord, digest: str) -> bytes:
        # Exactly the bytes that the digest is of; else another picture would be kept under its name.
        handle = open_file(root, file.path, file.stat)
        try:
            picture = self._drawer.draw(
                handle, name=display_path(file.path), kind=file.kind, page=1, edge=EDGE, form="webp"
            )
            if not unchanged(handle, file.stat):
                raise ReadError("The file has changed.", reason="changing", temporary=True)
        finally:
            os.close(handle)
        with contextlib.suppress(OSError):  # a full disk: it is drawn again the next time
            self._keep(self._path(digest), picture.data)
        return picture.data

    def _keep(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(data)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        if self._held is None:
            self._held = sum(size for _, size, _ in self._listed())
        else:
            self._held += len(data)
        if self._held > self._most_bytes:
            self._held = self._sweep()

    def _listed(self) -> list[tuple[float, int, Path]]:
        """When each was last asked for, its size, where it lies."""
        found = []
        for path in self._folder.glob("*/*"):
            with contextlib.suppress(OSError):
                stat = path.stat()
                found.append((stat.st_mtime, stat.st_size, path))
        return found

    def _sweep(self) -> int:
        listed = sorted(self._listed())
        held = sum(size for _, size, _ in listed)
        for _, size, path in listed:
            if held <= self._most_bytes * _KEEP_SHARE:
                break
            with contextlib.suppress(OSError):
                path.unlink()
            held -= size
        return held
