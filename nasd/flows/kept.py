"""Files that can be made again at any moment, kept in a folder of the state: by name, bounded in size; what
was not asked for longest goes first. Plain and synchronous; called from threads."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from nasd.errors import DiskFull, StateError

_KEEP_SHARE = 0.9  # of the bound, that stays when it was exceeded
_SPARE_BYTES = 256 << 20  # of the disk, that are left to the catalogue


class Kept:
    """Names are hexadecimal digests. Thread-safe."""

    def __init__(self, folder: Path, *, most_bytes: int) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._held: int | None = None  # bytes in the folder, counted when first needed

    def find(self, name: str) -> Path | None:
        """Where it lies; from now on the one that was asked for last."""
        path = self._path(name)
        try:
            os.utime(path)
        except OSError:
            return None
        return path

    @contextlib.contextmanager
    def making(self) -> Iterator[BinaryIO]:
        """A file to be written, which is gone afterwards unless `keep` was called with it. Raises `DiskFull`
        when there is little room, or none left on the way; `StateError` when the folder cannot be written."""
        try:
            unfinished = self._folder / "unfinished"  # swept like all else, should a crash leave something
            unfinished.mkdir(mode=0o700, parents=True, exist_ok=True)
            if shutil.disk_usage(self._folder).free < _SPARE_BYTES:
                raise DiskFull("There is little room left beside the state: nothing more is kept there.")
            with tempfile.NamedTemporaryFile(dir=unfinished, delete=False) as file:
                try:
                    yield file  # type: ignore[misc] # it has all that a BinaryIO has
                finally:
                    Path(file.name).unlink(missing_ok=True)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DiskFull("There is no room left for what is kept beside the state.") from error
            raise StateError(f"Nothing can be kept beside the state: {error.strerror or error}.") from error

    def keep(self, name: str, file: BinaryIO) -> Path:
        """What was written becomes the file of that name. Others may go for it, it does not go for itself."""
        file.flush()
        path = self._path(name)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        size = os.fstat(file.fileno()).st_size
        Path(file.name).replace(path)
        with self._lock:
            if self._held is None:
                self._held = sum(size for _, size, _ in self._listed())
            else:
                self._held += size
            if self._held > self._most_bytes:
                self._held = self._sweep(but=path)
        return path

    def _path(self, name: str) -> Path:
        return self._folder / name[:2] / name

    def _listed(self) -> list[tuple[float, int, Path]]:
        """When each was last asked for, its size, where it lies."""
        found = []
        for path in self._folder.glob("*/*"):
            with contextlib.suppress(OSError):
                stat = path.stat()
                found.append((stat.st_mtime, stat.st_size, path))
        return found

    def _sweep(self, but: Path) -> int:
        listed = sorted(self._listed())
        held = sum(size for _, size, _ in listed)
        for _, size, path in listed:
            if held <= self._most_bytes * _KEEP_SHARE:
                break
            if path != but:
                with contextlib.suppress(OSError):
                    path.unlink()
                held -= size
        return held
