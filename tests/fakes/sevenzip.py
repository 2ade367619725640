"""7z archives as tests want them, also such as no packer writes."""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import zstandard

_LZMA2 = {"id": lzma.FILTER_LZMA2, "dict_size": 1 << 16}
_LZMA1 = {"id": lzma.FILTER_LZMA1, "dict_size": 1 << 16, "lc": 3, "lp": 0, "pb": 2}


@dataclass(frozen=True, slots=True)
class Method:
    """A coder as it stands in a directory: its number, its properties."""

    number: bytes
    properties: bytes = b""


COPY, BZIP2, DEFLATE = Method(b"\0"), Method(b"\x04\x02\x02"), Method(b"\x04\x01\x08")
ZSTD, PPMD = Method(b"\x04\xf7\x11\x01", b"\1\5\x03\0\0"), Method(b"\x03\x04\x01", b"\6\0\0\0\1")
LZMA2, LZMA1 = Method(b"\x21", b"\x08"), Method(b"\x03\x01\x01", b"\x5d" + struct.pack("<I", 1 << 16))
AES = Method(b"\x06\xf1\x07\x01", b"\x13\0")
X86, DELTA = Method(b"\x03\x03\x01\x03"), Method(b"\x03", b"\x03")


def encoded(method: Method, data: bytes) -> bytes:
    match method:
        case m if m == LZMA2:
            return lzma.compress(data, lzma.FORMAT_RAW, filters=[_LZMA2])
        case m if m == LZMA1:
            return lzma.compress(data, lzma.FORMAT_RAW, filters=[_LZMA1])
        case m if m == BZIP2:
            return bz2.compress(data)
        case m if m == DEFLATE:
            packer = zlib.compressobj(wbits=-15)
            return packer.compress(data) + packer.flush()
        case m if m == ZSTD:
            return zstandard.compress(data)
        case m if m in (X86, DELTA):
            only = {"id": lzma.FILTER_X86} if m == X86 else {"id": lzma.FILTER_DELTA, "dist": 4}
            filtered = lzma.compress(data, lzma.FORMAT_RAW, filters=[only, _LZMA2])
            return lzma.decompress(filtered, lzma.FORMAT_RAW, filters=[_LZMA2])
    return data


def number(value: int) -> bytes:
    """As the format writes numbers, always in nine bytes where one is not enough."""
    return bytes((value,)) if value < 0x80 else b"\xff" + struct.pack("<Q", value)


def _folder(methods: Sequence[Method]) -> bytes:
    """Methods in the order of packing."""
    coders = b""
    for method in reversed(methods):
        coders += bytes((len(method.number) | (0x20 if method.properties else 0),)) + method.number
        if method.properties:
            coders += number(len(method.properties)) + method.properties
    # A chain: each coder takes what the one before it in this order gives.
    binds = b"".join(number(at + 1) + number(at) for at in range(len(methods) - 1))
    return number(len(methods)) + coders + binds


def _streams(blocks: Sequence[tuple[Sequence[Method], Sequence[bytes]]], at: int) -> tuple[bytes, bytes]:
    """The packed data, and the part of a directory that tells of it."""
    packed, sizes, folders, unpacked, counts, subsizes, sums = b"", b"", b"", b"", b"", b"", b""
    for methods, files in blocks:
        data = b"".join(files)
        steps = [data]
        for method in methods:
            steps.append(encoded(method, steps[-1]))
        packed += steps[-1]
        sizes += number(len(steps[-1]))
        folders += _folder(methods)
        unpacked += b"".join(number(len(step)) for step in reversed(steps[:-1]))
        counts += number(len(files))
        subsizes += b"".join(number(len(one)) for one in files[:-1])
        sums += b"".join(struct.pack("<I", zlib.crc32(one)) for one in files)
    told = b"\x06" + number(at) + number(len(blocks)) + b"\x09" + sizes + b"\0"
    told += b"\x07\x0b" + number(len(blocks)) + b"\0" + folders + b"\x0c" + unpacked + b"\0"
    told += b"\x08\x0d" + counts + b"\x09" + subsizes + b"\x0a\1" + sums + b"\0\0"
    return packed, told


def _bits(flags: Sequence[bool]) -> bytes:
    out = bytearray((len(flags) + 7) // 8)
    for at, flag in enumerate(flags):
        if flag:
            out[at >> 3] |= 0x80 >> (at & 7)
    return bytes(out)


def _property(kind: int, data: bytes) -> bytes:
    return bytes((kind,)) + number(len(data)) + data


def seven_zip(
    members: Mapping[str, bytes],
    *,
    methods: Sequence[Method] = (LZMA2,),
    solid: bool = True,
    locked: bool = False,
    packed_directory: bool = False,
    folders: Sequence[str] = (),
    links: Sequence[str] = (),
    mtime_s: int = 1_600_000_000,
) -> bytes:
    """`methods` in the order of packing. `locked`: its data (and, when that is packed, its directory) claim
    to be encrypted. `links` are those of `members` that are symbolic links."""
    used = (*methods, AES) if locked else tuple(methods)
    filled = [name for name, data in members.items() if data]
    lots = [filled] if solid and filled else [[name] for name in filled]
    data, told = _streams([(used, [members[name] for name in lot]) for lot in lots], 0)
    names = [*filled, *(name for name, data in members.items() if not data), *folders]
    empty = [name not in filled for name in names]
    about = _property(0x0E, _bits(empty))
    about += _property(0x0F, _bits([name not in folders for name in names if name not in filled]))
    about += _property(0x11, b"\0" + b"".join(name.encode("utf-16-le") + b"\0\0" for name in names))
    moment = struct.pack("<Q", mtime_s * 10_000_000 + 116_444_736_000_000_000)
    about += _property(0x14, b"\1\0" + moment * len(names))
    modes = (0o120777 if name in links else 0o040755 if name in folders else 0o100644 for name in names)
    about += _property(0x15, b"\1\0" + b"".join(struct.pack("<I", mode << 16 | 0x8000) for mode in modes))
    directory = b"\1" + (b"\4" + told if lots else b"") + b"\5" + number(len(names)) + about + b"\0\0"
    if packed_directory:
        more, how = _streams([((*methods, AES) if locked else (LZMA1,), [directory])], len(data))
        data, directory = data + more, b"\x17" + how
    return sealed(data, directory)


def sealed(data: bytes, directory: bytes) -> bytes:
    """Data and directory with the start that names them."""
    place = struct.pack("<QQI", len(data), len(directory), zlib.crc32(directory))
    return b"7z\xbc\xaf\x27\x1c\0\4" + struct.pack("<I", zlib.crc32(place)) + place + data + directory
