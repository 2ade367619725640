"""Tiny pictures and recordings, as `samples` has tiny documents."""

from __future__ import annotations

import io
import struct

_DEGREES = ((38.0, 42.0, 50.0), (9.0, 8.0, 22.0))


def photo() -> bytes:
    """A JPEG of 64 × 48 pixels with the tags of a camera and a place."""
    from PIL import Image

    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Canon", "Canon EOS 80D"
    exif.get_ifd(0x8769)[0x9003] = "2019:06:14 10:32:05"
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2], gps[3], gps[4] = "N", _DEGREES[0], "W", _DEGREES[1]
    return _saved("JPEG", "RGB", exif=exif)


def pictures() -> list[bytes]:
    """One picture of each way that a format is decoded, so that no plugin is looked for later."""
    return [
        photo(),
        _saved("PNG", "RGBA"),
        _saved("PNG", "I;16"),
        _saved("GIF", "P"),
        _saved("BMP", "1"),
        _saved("TIFF", "1", compression="group4"),
        _saved("TIFF", "CMYK", compression="tiff_lzw"),
        _saved("TIFF", "L", compression="jpeg"),
        _saved("WEBP", "RGB"),
        _saved("AVIF", "RGB"),
        _saved("JPEG2000", "RGB"),
        _saved("ICO", "RGBA"),
    ]


def _saved(form: str, mode: str, **options: object) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.new(mode, (64, 48)).save(out, form, **options)
    return out.getvalue()


def song() -> bytes:
    """Nothing but ID3 tags."""
    frames = b"".join(
        name + struct.pack(">IH", len(text) + 1, 0) + b"\x03" + text
        for name, text in ((b"TIT2", b"Title"), (b"TPE1", b"Artist"))
    )
    return b"ID3\x03\0\0" + bytes((0, 0, len(frames) >> 7, len(frames) & 0x7F)) + frames


def recordings() -> list[bytes]:
    """A tenth of a second of silence in each way that sound is decoded, so that all of it is loaded."""
    import soundfile

    made = []
    for form, subtype in (("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III")):
        out = io.BytesIO()
        with soundfile.SoundFile(out, "w", 48_000, 1, subtype, format=form) as recording:
            recording.buffer_write(bytes(2 * 4_800), dtype="int16")
        made.append(out.getvalue())
    return made


def film() -> bytes:
    """An MP4 with a title and a duration of one second, and no stream."""

    def atom(name: bytes, *parts: bytes) -> bytes:
        body = b"".join(parts)
        return struct.pack(">I", len(body) + 8) + name + body

    title = atom(b"\xa9nam", atom(b"data", struct.pack(">II", 1, 0), b"Title"))
    mvhd = atom(b"mvhd", struct.pack(">IIIII", 0, 0, 0, 1000, 1000), bytes(80))
    meta = atom(b"meta", bytes(4), atom(b"ilst", title))
    return atom(b"ftyp", b"isom", bytes(4), b"isom") + atom(b"moov", mvhd, atom(b"udta", meta))
