"""Archives: zip, tar (also compressed), single compressed files, 7z. By their first bytes, not their name."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any, BinaryIO, cast

import zstandard

from nasd.errors import ReadError
from nasd.extract.base import Notes, Packed, Source
from nasd.extract.containers import sevenzip
from nasd.extract.containers.naming import local_time, nanoseconds

Spend = Callable[[int], None]

_TAR_BLOCK = 512
_MOST_WINDOW = 128 << 20  # what a zstd stream may ask for; `zstd --ultra` itself stops there
_NOT_OPENED = (
    (0, b"Rar!\x1a\x07", "RAR"),
    (0, b"!<arch>\n", "ar or Debian package"),
    (0, b"MSCF", "cabinet"),
    (0, b"\x04\x22\x4d\x18", "LZ4"),
    (0, b"\xed\xab\xee\xdb", "RPM package"),
    (0, b"LZIP", "lzip"),
    (0, b"\x1f\x9d", "compress (.Z)"),
)
_PLAIN_SUFFIXES = (".gz", ".bz2", ".xz", ".zst", ".lzma")
_TAR_SUFFIXES = {".tgz": ".tar", ".tbz": ".tar", ".tbz2": ".tar", ".txz": ".tar", ".tzst": ".tar"}


class Archives:
    name = "archive"
    version = 2

    def members(self, source: Source, notes: Notes, spend: Spend) -> Iterator[Packed]:
        try:
            yield from _members(source, notes, spend)
        except (zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError, zstandard.ZstdError) as error:
            raise ReadError(f"The archive is damaged: {error}.", reason="malformed") from error
        except (EOFError, zlib.error, OSError, NotImplementedError, ValueError) as error:
            raise ReadError(f"The archive is damaged: {error}.", reason="malformed") from error


def _members(source: Source, notes: Notes, spend: Spend) -> Iterator[Packed]:
    head = _peek(source.stream)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        notes.metadata["archive"] = "zip"
        yield from _zip_members(source.stream, spend)
    elif head.startswith(sevenzip.MAGIC):
        notes.metadata["archive"] = "7z"
        yield from sevenzip.members(source.stream, spend)
    elif (opened := _decompressed(head, source.stream)) is not None:
        yield from _stream_members(source, opened, notes, spend)
    elif is_tar(head):
        notes.metadata["archive"] = "tar"
        yield from _tar_members(source.stream)
    else:
        raise ReadError(f"Archives of this format ({_format(head)}) are not opened.", reason="unsupported")


def _peek(stream: BinaryIO, size: int = _TAR_BLOCK) -> bytes:
    head = stream.read(size)
    stream.seek(0)
    return head


def _format(head: bytes) -> str:
    return next((name for at, magic, name in _NOT_OPENED if head.startswith(magic, at)), "unknown")


# --- zip ----------------------------------------------------------------------------------------------------


def _zip_members(stream: BinaryIO, spend: Spend) -> Iterator[Packed]:
    with zipfile.ZipFile(stream) as archive:
        for info in archive.infolist():
            link = info.create_system == 3 and (info.external_attr >> 28) == 0o12
            if info.is_dir() or link:
                continue
            yield Packed(
                name=_zip_name(info),
                size=info.file_size,
                packed_size=info.compress_size,
                mtime_ns=local_time(*info.date_time),
                open=_zip_opener(archive, info, spend),
            )


def _zip_name(info: zipfile.ZipInfo) -> str:
    """Without the flag for UTF-8 a name is in the code page of its packer; most write UTF-8 even so."""
    name = info.filename
    if not info.flag_bits & 0x800:
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode()
    return name.replace("\\", "/")


def _zip_opener(archive: zipfile.ZipFile, info: zipfile.ZipInfo, spend: Spend) -> Callable[[], BinaryIO]:
    def opened() -> BinaryIO:
        if info.flag_bits & 1:
            raise ReadError("The file is protected by a password.", reason="encrypted")
        try:
            stream = archive.open(info)
        except NotImplementedError as error:
            raise ReadError(
                f"It is compressed in a way that is not known: {error}.", reason="unsupported"
            ) from error
        return counted(stream, spend)

    return opened


# --- tar ----------------------------------------------------------------------------------------------------


def is_tar(block: bytes) -> bool:
    """Whether a first block is the header of a tar archive: its checksum fits, or it says "ustar"."""
    if len(block) < _TAR_BLOCK:
        return False
    if block.startswith(b"ustar", 257):
        return True
    try:
        told = int(block[148:156].strip(b" \0") or b"x", 8)
    except ValueError:
        return False
    return told == sum(block[:148]) + 8 * 32 + sum(block[156:]) and bool(block[:100].strip(b"\0"))


def _tar_members(stream: IO[bytes]) -> Iterator[Packed]:
    """As a stream, in one pass: nothing is sought, so a compressed one is inflated once."""
    with tarfile.open(fileobj=stream, mode="r|", encoding="utf-8", errors="surrogateescape") as archive:
        while (info := archive.next()) is not None:
            archive.members = []  # type: ignore[attr-defined] # the list is of no use in one pass, and grows with the archive
            if not info.isreg():
                continue
            yield Packed(
                name=info.name,
                size=info.size,
                packed_size=None,
                mtime_ns=nanoseconds(info.mtime),
                open=_tar_opener(archive, info),
            )


def _tar_opener(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Callable[[], BinaryIO]:
    def opened() -> BinaryIO:
        stream = archive.extractfile(info)
        assert stream is not None
        return cast("BinaryIO", stream)  # the library says IO[bytes]

    return opened


# --- compressed streams -------------------------------------------------------------------------------------


def _decompressed(head: bytes, stream: BinaryIO) -> IO[bytes] | None:
    if head.startswith(b"\x1f\x8b"):
        return io.BufferedReader(gzip.GzipFile(fileobj=stream))
    if head.startswith(b"BZh"):
        return bz2.BZ2File(stream)
    if head.startswith((b"\xfd7zXZ\0", b"\x5d\x00\x00")):
        return lzma.LZMAFile(stream)
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        decompressor = zstandard.ZstdDecompressor(max_window_size=_MOST_WINDOW)
        return decompressor.stream_reader(stream, read_across_frames=True, closefd=False)
    return None


def _stream_members(source: Source, opened: IO[bytes], notes: Notes, spend: Spend) -> Iterator[Packed]:
    stream = counted(opened, spend)
    head = stream.peek(_TAR_BLOCK)[:_TAR_BLOCK]
    if is_tar(head):
        notes.metadata["archive"] = "compressed tar"
        yield from _tar_members(stream)
        return
    notes.metadata["archive"] = "compressed file"
    yield Packed(
        name=plain_name(source.name),
        size=0,  # nothing but the end of the stream tells it
        packed_size=source.size,
        mtime_ns=None,
        open=lambda: stream,
    )


def plain_name(name: str) -> str:
    """What a compressed file is called without its compression: "log.txt.gz" -> "log.txt"."""
    base = name.rsplit("/", 1)[-1]
    for suffix in _PLAIN_SUFFIXES:
        if base.lower().endswith(suffix) and len(base) > len(suffix):
            return base[: -len(suffix)]
    for suffix, plain in _TAR_SUFFIXES.items():
        if base.lower().endswith(suffix) and len(base) > len(suffix):
            return base[: -len(suffix)] + plain
    return base


class _Counted(io.RawIOBase):
    """Reports what really comes out: the sizes in a directory are the author's claim."""

    def __init__(self, stream: IO[bytes], spend: Spend) -> None:
        self._stream, self._spend = stream, spend

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        self._spend(len(data))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()


def counted(stream: IO[bytes], spend: Spend) -> io.BufferedReader:
    """The stream, each byte of which is reported as it comes out."""
    return io.BufferedReader(_Counted(stream, spend), 1 << 16)
