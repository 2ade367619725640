"""Pictures and recordings whose headers promise more than there is."""

from __future__ import annotations

import struct
import zlib


def png(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    line = b"\0" * (1 + (width + 7) // 8)
    compressor = zlib.compressobj(9)
    data = b"".join(compressor.compress(line) for _ in range(min(height, 2000))) + compressor.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"\0" * (100 << 20), 9))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + text + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def looping_tiff() -> bytes:
    """A directory of pages that leads back to itself."""
    entries = [(256, 3, 1, 10_000), (257, 3, 1, 10_000), (258, 3, 1, 1), (259, 3, 1, 1), (262, 3, 1, 1)]
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + body + struct.pack("<I", 8)


def huge_gif() -> bytes:
    return (
        b"GIF89a"
        + struct.pack("<HHBBB", 65535, 65535, 0x80, 0, 0)
        + b"\0" * 6
        + b",\0\0\0\0"
        + struct.pack("<HHBB", 65535, 65535, 0, 2)
        + b"\2\x4c\1\0;"
    )


def huge_bmp() -> bytes:
    return b"BM" + struct.pack(
        "<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 2**31 - 1, 2**31 - 1, 1, 24, 0, 0, 0, 0, 0, 0
    )


def looping_mp4() -> bytes:
    head = struct.pack(">I4s4sI", 16, b"ftyp", b"isom", 0)
    moov = b""
    for _ in range(100_000):
        moov = struct.pack(">I4s", 8 + min(len(moov), 1 << 20), b"moov") + moov[: 1 << 20]
    return head + moov[: 4 << 20] + struct.pack(">I4s", 0, b"free")


def giant_id3() -> bytes:
    return b"ID3\4\0\0\x7f\x7f\x7f\x7f" + b"TIT2" + b"\x7f\x7f\x7f\x7f" + b"\0\0\3" + b"la " * 100_000
