"""Photos by what the camera wrote; sizes, pages, damaged and strange pictures."""

from __future__ import annotations

import io
import struct

import pytest
from PIL import Image

from nasd.domain.scans import UNREAD_PAGES
from nasd.errors import ReadError
from nasd.extract.readers.exif import camera_name, read_shot
from nasd.extract.samples_media import photo
from tests.fakes.scans import saved, sheet
from tests.unit.extract.reading import read, whole


def _jpeg(exif: Image.Exif, size: tuple[int, int] = (300, 200)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size).save(out, "JPEG", exif=exif)
    return out.getvalue()


def test_a_photo_is_found_by_camera_year_and_place() -> None:
    blocks, notes = read("image", photo())
    text = whole(blocks)
    for word in ("Canon", "EOS 80D", "2019", "June", "Friday", "Lisbon", "Portugal", "64 × 48"):
        assert word in text
    assert notes.metadata["taken"] == "2019-06-14T10:32:05"
    assert notes.metadata["camera"] == "Canon EOS 80D"
    assert notes.metadata["latitude"] == "38.71389"
    assert notes.metadata["longitude"] == "-9.13944"
    assert notes.metadata["place"].endswith("Lisbon, Portugal")


def test_a_picture_of_which_only_the_size_is_known_has_no_text() -> None:
    blocks, notes = read("image", saved([sheet()], "PNG"))
    assert blocks == []
    assert (notes.metadata["width"], notes.metadata["height"], notes.metadata["format"]) == (
        "1240",
        "600",
        "png",
    )
    assert notes.metadata[UNREAD_PAGES] == "1"


def test_an_icon_is_not_looked_at_for_words() -> None:
    out = io.BytesIO()
    Image.new("RGB", (32, 32)).save(out, "PNG")
    assert UNREAD_PAGES not in read("image", out.getvalue())[1].metadata


def test_every_page_of_a_tiff_waits() -> None:
    _, notes = read("image", saved([sheet(), sheet("two"), sheet("three")], "TIFF"))
    assert (notes.metadata["pages"], notes.metadata[UNREAD_PAGES]) == ("3", "1-3")


def test_a_description_is_the_title_and_stands_first() -> None:
    exif = Image.Exif()
    exif[0x010E] = "Grandmother's garden"
    exif[0x9C9E] = "family;summer\0".encode("utf-16-le")
    exif[0x013B] = "A. Painter"
    blocks, notes = read("image", _jpeg(exif))
    assert notes.title == "Grandmother's garden"
    assert whole(blocks).startswith("Grandmother's garden. Keywords: family, summer. By A. Painter.")


@pytest.mark.parametrize(
    ("make", "model", "name"),
    [
        ("Canon", "Canon EOS 80D", "Canon EOS 80D"),
        ("NIKON CORPORATION", "NIKON D750", "NIKON D750"),
        ("Apple", "iPhone 12", "Apple iPhone 12"),
        (None, "X100", "X100"),
        ("SONY", None, "SONY"),
        (None, None, None),
    ],
)
def test_the_maker_is_said_once(make: str | None, model: str | None, name: str | None) -> None:
    assert camera_name(make, model) == name


@pytest.mark.parametrize("taken", ["0000:00:00 00:00:00", "2019:13:40 10:00:00", "   ", "yesterday", "2019"])
def test_a_moment_that_is_none_is_left_out(taken: str) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = taken
    assert read_shot(exif).taken is None


def test_a_moment_with_an_offset() -> None:
    exif = Image.Exif()
    inner = exif.get_ifd(0x8769)
    inner[0x9003], inner[0x9011] = "2021:01:02 03:04:05", "+02:00"
    assert read_shot(exif).taken == "2021-01-02T03:04:05+02:00"


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),  # a receiver without a fix
        ((95.0, 0.0, 0.0), (1.0, 0.0, 0.0)),
        ((float("nan"), 0.0, 0.0), (1.0, 0.0, 0.0)),
        ((1.0, 2.0), (1.0, 0.0, 0.0)),
        (("a", "b", "c"), (1.0, 0.0, 0.0)),
    ],
)
def test_a_position_that_is_none_is_left_out(latitude: object, longitude: object) -> None:
    exif = Image.Exif()
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2], gps[3], gps[4] = "N", latitude, "E", longitude
    assert not read_shot(exif).placed


def test_what_pillow_cannot_name_is_unsupported() -> None:
    with pytest.raises(ReadError) as caught:
        read("image", b"<svg xmlns='http://www.w3.org/2000/svg'/>", name="drawing.svg")
    assert caught.value.reason == "unsupported"
    assert "svg" in caught.value.detail


@pytest.mark.parametrize(
    "head", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe1\xff\xffExif", b"II*\0\xff\xff\xff\xff"]
)
def test_a_known_format_that_is_broken_is_malformed(head: bytes) -> None:
    with pytest.raises(ReadError) as caught:
        read("image", head + b"\0" * 40)
    assert caught.value.reason == "malformed"


def test_an_enormous_picture_is_measured_and_not_decoded() -> None:
    def chunk(name: bytes, data: bytes) -> bytes:
        import zlib

        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"x") + chunk(b"IEND", b"")
    blocks, notes = read("image", data)
    assert blocks == []
    assert notes.metadata["width"] == "60000"
    assert UNREAD_PAGES not in notes.metadata
    assert "3,600,000,000 pixels" in notes.warnings[0]
