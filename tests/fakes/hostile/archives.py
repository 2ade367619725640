"""Archives: nested, wide, endless, overlapping."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Mapping

import zstandard


def packed(parts: Mapping[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def nested_zip() -> bytes:
    data = packed({"leaf.txt": "deep down"})
    for level in range(200):
        data = packed({f"level{level}.zip": data})
    return data


def wide_zip() -> bytes:
    """Six levels, each with ten times the one below: ten million leaves."""
    data = packed({"zeros.txt": b"\0" * (10 << 20)})
    for level in range(6):
        data = packed({f"{level}-{n}.zip": data for n in range(10)})
    return data


def many_zip() -> bytes:
    return packed({f"{n}.txt": b"" for n in range(60_000)})


def overlapping_zip() -> bytes:
    """Many entries of the directory that name the same compressed bytes."""
    kernel = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = kernel.compress(b"a" * (100 << 20)) + kernel.flush()
    crc = zlib.crc32(b"a" * (100 << 20))
    local = struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, 0, 8, 0, 33, crc, len(body), 100 << 20, 1, 0)
    data = local + b"a" + body
    directory = b"".join(
        struct.pack(
            "<4sHHHHHHIIIHHHHHII",
            *(b"PK\1\2", 20, 20, 0, 8, 0, 33, crc, len(body), 100 << 20, len(name), 0, 0, 0, 0, 0, 0),
        )
        + name
        for name in (f"{n}.txt".encode() for n in range(5000))
    )
    return (
        data
        + directory
        + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 5000, 5000, len(directory), len(data), 0)
    )


def endless_tar() -> bytes:
    """A compressed tar whose one member is 20 GB of nothing."""
    info = tarfile.TarInfo("zeros.txt")
    info.size = 20 << 30
    header = info.tobuf(tarfile.GNU_FORMAT)
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
    portion = compressor.compress(header)
    for _ in range(256):
        portion += compressor.compress(b"\0" * (1 << 20))
    return portion + compressor.flush()


def giant_pax_header() -> bytes:
    info = tarfile.TarInfo("header")
    info.type, info.size = tarfile.XHDTYPE, 6 << 30
    return gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + b"\0" * (300 << 20))


def tar_of_nothing() -> bytes:
    """Thirty thousand empty members."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for number in range(30_000):
            archive.addfile(tarfile.TarInfo(f"{number}.txt"))
    return buffer.getvalue()


def zstd_bomb() -> bytes:
    return zstandard.ZstdCompressor(level=19).compress(b"\0" * (512 << 20))


def xz_bomb() -> bytes:
    return lzma.compress(b"\0" * (256 << 20), preset=1)


def bzip2_bomb() -> bytes:
    one = bz2.compress(b"\0" * (45 << 20))
    return one * 100
