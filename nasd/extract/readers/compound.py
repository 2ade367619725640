"""OLE compound files, the container of the binary Office formats and of Outlook messages."""

from __future__ import annotations

from typing import IO

import olefile

from nasd.errors import ReadError

MAX_STREAM_BYTES = 256 << 20


class Compound:
    """A compound file by its streams. Raises `ReadError`: malformed, too_large, encrypted."""

    def __init__(self, stream: IO[bytes]) -> None:
        try:
            self._file = olefile.OleFileIO(stream)
        except (OSError, ValueError, IndexError, AttributeError) as error:
            raise ReadError(f"The file is no complete OLE container: {error}.", reason="malformed") from error
        if "EncryptedPackage" in self or "EncryptionInfo" in self:
            raise ReadError("The file is protected by a password.", reason="encrypted")

    def __contains__(self, path: str) -> bool:
        return bool(self._file.exists(path))

    def read(self, path: str) -> bytes:
        """A whole stream. Raises `ReadError` when it is missing or damaged."""
        try:
            if self._file.get_size(path) > MAX_STREAM_BYTES:
                raise ReadError(f"{path} is larger than {MAX_STREAM_BYTES >> 20} MiB.", reason="too_large")
            with self._file.openstream(path) as stream:
                return bytes(stream.read())
        except (OSError, ValueError, IndexError) as error:
            raise ReadError(f"The file has no readable {path}.", reason="malformed") from error

    def find(self, path: str) -> bytes:
        """A whole stream; empty when there is none."""
        return self.read(path) if path in self else b""

    def storages(self, prefix: str) -> list[str]:
        """Top-level storages whose names begin so, in the order of their names."""
        names = {entry[0] for entry in self._file.listdir(streams=True, storages=True)}
        return sorted(name for name in names if name.lower().startswith(prefix.lower()))

    def title(self) -> str | None:
        """The title in the summary, unless it is a leftover of the program that wrote it."""
        try:
            value = self._file.get_metadata().title
        except (OSError, ValueError, IndexError, TypeError, AttributeError, OverflowError):
            return None
        text = value.decode("cp1252", "replace") if isinstance(value, bytes) else ""
        text = text.strip("\0 \t\r\n")
        junk = text.lower().startswith(("microsoft word -", "powerpoint presentation", "untitled"))
        return None if junk else text[:300] or None
