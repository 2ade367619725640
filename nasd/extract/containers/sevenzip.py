"""7z archives: their directory, and their members as streams.

The layout is that of the LZMA SDK's 7zFormat.txt. Read here rather than by a library, so that nothing but
the coders of Python's own libraries sees the bytes, a solid block is inflated once and as a stream, and no
member has to fit anywhere before a limit can stop it.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import IO, Any, BinaryIO

from nasd.errors import ReadError
from nasd.extract.base import Packed
from nasd.extract.containers.sevenzip_coders import Slice, decoded
from nasd.extract.containers.sevenzip_directory import (
    ENCODED,
    HEADER,
    START_BYTES,
    Bytes,
    Entry,
    Folder,
    read_header,
    read_streams,
)

MAGIC = b"7z\xbc\xaf\x27\x1c"
_PLACE = struct.Struct("<QQI")  # of the directory: offset, size, checksum; a checksum of these stands before
_PLACE_AT = len(MAGIC) + 2
_MOST_DIRECTORY = 128 << 20  # a million files; far beyond the members that are looked at


def members(stream: BinaryIO, spend: Callable[[int], None]) -> Iterator[Packed]:
    """The files of an archive in the order of its directory. Raises `ReadError`: malformed, encrypted (the
    directory itself is), too_large, unsupported."""
    try:
        folders, entries = _directory(stream, spend)
    except (IndexError, OverflowError) as error:
        raise ReadError(f"The archive's directory is damaged: {error}.", reason="malformed") from error
    current: list[_Inflating | None] = [None]  # one block at a time: each may hold a dictionary of its own
    for entry in entries:
        folder = None if entry.folder is None else folders[entry.folder]
        yield Packed(
            name=entry.name,
            size=folder.sizes[entry.number] if folder else 0,
            # Of a block with several files: no more is told of the share that each has.
            packed_size=folder.packed if folder else None,
            mtime_ns=entry.mtime_ns,
            open=_opener(stream, folder, entry.number, current, spend),
        )


def _opener(
    stream: BinaryIO,
    folder: Folder | None,
    number: int,
    current: list[_Inflating | None],
    spend: Callable[[int], None],
) -> Callable[[], BinaryIO]:
    def opened() -> BinaryIO:
        if folder is None:
            return io.BytesIO()
        inflating = current[0]
        if inflating is None or inflating.folder is not folder:
            current[0] = None  # its memory goes before the next one's comes
            inflating = current[0] = _Inflating(stream, folder, spend)
        return inflating.member(number)

    return opened


class _Inflating:
    """A block on its way, forward only."""

    def __init__(self, stream: BinaryIO, folder: Folder, spend: Callable[[int], None]) -> None:
        self.folder = folder
        self._spend = spend
        self._starts = (0, *accumulate(folder.sizes))
        self._at = 0
        self._broken = False
        self._source = _decoded(stream, folder)

    def member(self, number: int) -> BinaryIO:
        start = self._starts[number]
        if self._broken or self._at > start:
            raise ReadError("The data before it in the archive is damaged.", reason="malformed")
        while self._at < start:
            self.read(min(1 << 20, start - self._at))
        checksum = self.folder.checksums[number]
        return io.BufferedReader(_Member(self, self.folder.sizes[number], checksum), 1 << 16)

    def read(self, count: int) -> bytes:
        """Exactly as many bytes as asked for."""
        self._broken = True  # until it went well
        data = self._source.read(count)
        if len(data) < count:
            raise ReadError("The archive's data ends too early.", reason="malformed")
        self._spend(count)
        self._at += count
        self._broken = False
        return data


class _Member(io.RawIOBase):
    def __init__(self, inflating: _Inflating, size: int, checksum: int | None) -> None:
        self._inflating, self._left, self._checksum = inflating, size, checksum
        self._sum = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = min(len(buffer), self._left)
        if not count:
            return 0
        data = self._inflating.read(count)
        buffer[:count] = data
        self._left -= count
        self._sum = zlib.crc32(data, self._sum)
        if not self._left and self._checksum is not None and self._sum != self._checksum:
            raise ReadError("The file is damaged: its checksum is another.", reason="malformed")
        return count


# --- the directory ------------------------------------------------------------------------------------------


def _directory(stream: BinaryIO, spend: Callable[[int], None]) -> tuple[list[Folder], list[Entry]]:
    stream.seek(_PLACE_AT)
    checksum, place = stream.read(4), stream.read(_PLACE.size)
    if len(place) < _PLACE.size or zlib.crc32(place) != int.from_bytes(checksum, "little"):
        raise ReadError("The archive is damaged: the checksum of its start is another.", reason="malformed")
    offset, size, own = _PLACE.unpack(place)
    if not size:
        return [], []
    _small_enough(size)
    stream.seek(START_BYTES + offset)
    data = stream.read(size)
    if len(data) < size or zlib.crc32(data) != own:
        raise ReadError(
            "The archive is damaged or not complete: its directory is not there.", reason="malformed"
        )
    for _ in range(4):  # a directory is packed once; more is a game
        source = Bytes(data)
        first = source.byte()
        if first == HEADER:
            return read_header(source)
        if first != ENCODED:
            break
        (folder,) = read_streams(source) or (None,)
        if folder is None:
            return [], []
        _small_enough(folder.size)
        spend(folder.size)
        if folder.odd == "encrypted":
            raise ReadError(
                "The archive and the names in it are protected by a password.", reason="encrypted"
            )
        data = _decoded(stream, folder).read(folder.size)
    raise ReadError("The archive is damaged: it has no directory.", reason="malformed")


def _small_enough(size: int) -> None:
    if size > _MOST_DIRECTORY:
        raise ReadError(f"The archive's directory has {size:,} bytes.", reason="too_large")


def _decoded(stream: BinaryIO, folder: Folder) -> IO[bytes]:
    if folder.odd == "encrypted":
        raise ReadError("The file is protected by a password.", reason="encrypted")
    if folder.odd is not None:
        raise ReadError(f"It is compressed in a way that is not known: {folder.odd}.", reason="unsupported")
    return decoded(Slice(stream, folder.at, folder.packed), folder.coders)
