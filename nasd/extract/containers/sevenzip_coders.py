"""The coders of 7z archives as streams: LZMA, LZMA2, Deflate, BZip2, Zstandard, stored, and the filters
before them. PPMd, Deflate64, BCJ2 and encryption are named, not decoded."""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Protocol

import zstandard

from nasd.errors import ReadError

_PORTION = 1 << 16
_MOST_DICTIONARY = 512 << 20  # 7-Zip's own largest setting takes 256 MiB; beyond, no memory is asked for
_MOST_WINDOW = 128 << 20
_CHUNK = 1 << 16  # the most that an uncompressed chunk of LZMA2 holds

_COPY, _DELTA, _LZMA2, _LZMA, _DEFLATE, _BZIP2 = (
    b"\x00",
    b"\x03",
    b"\x21",
    b"\x03\x01\x01",
    b"\x04\x01\x08",
    b"\x04\x02\x02",
)
_ZSTD = b"\x04\xf7\x11\x01"
_BRANCHES: Mapping[bytes, int] = {
    b"\x04": lzma.FILTER_X86, b"\x05": lzma.FILTER_POWERPC, b"\x06": lzma.FILTER_IA64,
    b"\x07": lzma.FILTER_ARM, b"\x08": lzma.FILTER_ARMTHUMB, b"\x09": lzma.FILTER_SPARC,
    b"\x03\x03\x01\x03": lzma.FILTER_X86, b"\x03\x03\x02\x05": lzma.FILTER_POWERPC,
    b"\x03\x03\x04\x01": lzma.FILTER_IA64, b"\x03\x03\x05\x01": lzma.FILTER_ARM,
    b"\x03\x03\x07\x01": lzma.FILTER_ARMTHUMB, b"\x03\x03\x08\x05": lzma.FILTER_SPARC,
}  # fmt: skip
_KNOWN = {_COPY, _DELTA, _LZMA2, _LZMA, _DEFLATE, _BZIP2, _ZSTD, *_BRANCHES}
_NAMES: Mapping[bytes, str] = {
    b"\x03\x04\x01": "PPMd",
    b"\x04\x01\x09": "Deflate64",
    b"\x03\x03\x01\x1b": "BCJ2",
    b"\x04\xf7\x11\x02": "Brotli",
    b"\x04\xf7\x11\x04": "LZ4",
    b"\x0a": "ARM64",
    b"\x0b": "RISC-V",
}
_ENCRYPTED = (b"\x06\xf1\x07", b"\x06\xf1\x01", b"\x06\xf1\x03")  # AES-256 and what came before it


@dataclass(frozen=True, slots=True, kw_only=True)
class Coder:
    """One step of decoding: its method's number, how many streams it takes and gives, the bytes it gives."""

    name: bytes
    properties: bytes
    ins: int = 1
    outs: int = 1
    size: int = 0


def decoding_order(
    coders: Sequence[Coder], bound: Sequence[tuple[int, int]], packed: Sequence[int]
) -> tuple[list[int], str | None]:
    """Which coder comes after which, from the packed data on, and why that is impossible: "encrypted", or the
    name of a method that is not known. `bound` pairs an input with the output that it takes."""
    if any(coder.name.startswith(_ENCRYPTED) for coder in coders):
        return [], "encrypted"
    for coder in coders:
        if coder.name not in _KNOWN:
            return [], _NAMES.get(coder.name, f"method {coder.name.hex()}")
    if len(packed) != 1 or any((coder.ins, coder.outs) != (1, 1) for coder in coders):
        return [], "several streams in one"
    after = {out: into for into, out in bound}
    order = [packed[0]]
    while (following := after.pop(order[-1], None)) is not None:
        order.append(following)
    if sorted(order) != list(range(len(coders))):
        raise IndexError("coders that do not follow each other")
    return order, None


class Slice(io.RawIOBase):
    """A part of a file, whoever else reads the file meanwhile."""

    def __init__(self, stream: IO[bytes], at: int, size: int) -> None:
        self._stream, self._at, self._left = stream, at, size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._stream.seek(self._at)
        data = self._stream.read(min(len(buffer), self._left))
        buffer[: len(data)] = data
        self._at += len(data)
        self._left -= len(data)
        return len(data)


def decoded(packed: io.RawIOBase, coders: Sequence[Coder]) -> IO[bytes]:
    """What comes out behind the last of the coders. Raises `ReadError`; while it is read, what the libraries
    raise on damaged data."""
    source: IO[bytes] = io.BufferedReader(packed, _PORTION)
    for coder in coders:
        source = _stage(source, coder)
    return source


def _stage(source: IO[bytes], coder: Coder) -> IO[bytes]:
    name, given = coder.name, coder.properties
    if name == _COPY:
        return source
    if name == _ZSTD:
        window = zstandard.ZstdDecompressor(max_window_size=_MOST_WINDOW)
        return io.BufferedReader(
            window.stream_reader(source, read_across_frames=True, closefd=False), _PORTION
        )
    if name == _BZIP2:
        return _buffered(_Inflated(source, bz2.BZ2Decompressor, coder.size))
    if name == _DEFLATE:
        return _buffered(_Inflated(source, _Deflated, coder.size))
    if name == _DELTA:
        return _buffered(
            _filtered(source, {"id": lzma.FILTER_DELTA, "dist": (given or b"\0")[0] + 1}, coder.size)
        )
    if name in _BRANCHES:
        return _buffered(_filtered(source, {"id": _BRANCHES[name]}, coder.size))
    settings = _lzma2(coder) if name == _LZMA2 else _lzma1(coder)
    return _buffered(_Inflated(source, _raw(settings), coder.size))


def _buffered(raw: io.RawIOBase) -> IO[bytes]:
    return io.BufferedReader(raw, _PORTION)


def _lzma1(coder: Coder) -> dict[str, int]:
    if len(coder.properties) < 5 or coder.properties[0] >= 9 * 5 * 5:
        raise ReadError("The archive is damaged: LZMA without its settings.", reason="malformed")
    first = coder.properties[0]
    size = int.from_bytes(coder.properties[1:5], "little")
    return {
        "id": lzma.FILTER_LZMA1, "lc": first % 9, "lp": first // 9 % 5, "pb": first // 45,
        "dict_size": _dictionary(size, coder),
    }  # fmt: skip


def _lzma2(coder: Coder) -> dict[str, int]:
    bits = (coder.properties or b"\0")[0]
    if bits > 40:
        raise ReadError("The archive is damaged: LZMA2 without its settings.", reason="malformed")
    size = 0xFFFFFFFF if bits == 40 else (2 | bits & 1) << (bits // 2 + 11)
    return {"id": lzma.FILTER_LZMA2, "dict_size": _dictionary(size, coder)}


def _dictionary(size: int, coder: Coder) -> int:
    """As large as is of use: no distance reaches back beyond the beginning."""
    needed = max(4096, min(size, coder.size))
    if needed > _MOST_DICTIONARY:
        raise ReadError(
            f"It is packed with a dictionary of {size >> 20:,} MiB; at most {_MOST_DICTIONARY >> 20} MiB are "
            "taken for one.",
            reason="too_large",
        )
    return needed


def _raw(settings: dict[str, int]) -> Callable[[], _Decompressor]:
    return lambda: lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[settings])


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Deflated:
    """zlib behind the same face as bz2 and lzma."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(-zlib.MAX_WBITS)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


class _Inflated(io.RawIOBase):
    """Never more comes out at once than is asked for, nor in all than `size`: where LZMA marks no end, bytes
    that nobody wrote could be read out of the last ones."""

    def __init__(self, source: IO[bytes], make: Callable[[], _Decompressor], size: int) -> None:
        self._source, self._inner, self._left = source, make(), size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), self._left)
        out = self._some(wanted) if wanted else b""
        buffer[: len(out)] = out
        self._left -= len(out)
        return len(out)

    def _some(self, wanted: int) -> bytes:
        while not self._inner.eof:
            data = self._source.read(_PORTION) if self._inner.needs_input else b""
            at_end = self._inner.needs_input and not data
            if (out := self._inner.decompress(data, wanted)) or at_end:
                return out
        return b""


def _filtered(source: IO[bytes], settings: dict[str, int], size: int) -> io.RawIOBase:
    """A filter alone: liblzma wants a compression behind each, so the data go through it as the uncompressed
    chunks of LZMA2. (In one chain with LZMA, which marks no end, it would keep the last bytes to itself.)"""
    chain = [settings, {"id": lzma.FILTER_LZMA2, "dict_size": _CHUNK}]
    wrapped = io.BufferedReader(_Wrapped(source), _PORTION)
    return _Inflated(wrapped, lambda: lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=chain), size)


class _Wrapped(io.RawIOBase):
    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._ready = b""
        self._control = 1  # the first chunk begins a dictionary
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._ready and not self._ended:
            data = self._source.read(_CHUNK)
            if data:
                self._ready = bytes((self._control,)) + (len(data) - 1).to_bytes(2, "big") + data
                self._control = 2
            else:
                self._ready, self._ended = b"\0", True
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count
