"""Pages drawn in the confined child: gray for recognition, WebP for people."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from nasd.errors import ReadError
from nasd.extract.base import Limits, Picture
from nasd.extract.frames import BadFrame, pack_picture, unpack_picture
from nasd.extract.sandbox import Sandbox
from tests.fakes.scans import saved, sheet


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    box = Sandbox(Limits(wall_s=60.0))
    yield box
    box.close()


def _draw(
    box: Sandbox, folder: Path, data: bytes, *, kind: str = "image", page: int = 1, edge: int = 400,
    form: str = "gray",
) -> Picture:  # fmt: skip
    path = folder / "file"
    path.write_bytes(data)
    fd = os.open(path, os.O_RDONLY)
    try:
        return box.draw(fd, name="file", kind=kind, page=page, edge=edge, form=form)
    finally:
        os.close(fd)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "GIF", "BMP", "WEBP", "AVIF", "JPEG2000", "PDF"])
def test_every_format_is_drawn_within_its_edge(sandbox: Sandbox, tmp_path: Path, form: str) -> None:
    data = saved([sheet()], form)
    kind = "pdf" if form == "PDF" else "image"
    drawn = _draw(sandbox, tmp_path, data, kind=kind)
    assert max(drawn.width, drawn.height) == 400
    assert abs(drawn.height / drawn.width - 600 / 1240) < 0.02
    assert len(drawn.data) == drawn.width * drawn.height
    assert min(drawn.data) < 100 < 240 < max(drawn.data), "letters are dark on a light page"
    small = _draw(sandbox, tmp_path, data, kind=kind, edge=64, form="webp")
    with Image.open(io.BytesIO(small.data)) as picture:
        assert picture.format == "WEBP"
        assert picture.size == (small.width, small.height)
        assert max(picture.size) == 64


@pytest.mark.parametrize("form", ["TIFF", "PDF"])
def test_the_page_that_is_asked_for(sandbox: Sandbox, tmp_path: Path, form: str) -> None:
    data = saved([Image.new("L", (300, 200), shade) for shade in (255, 128, 10)], form)
    kind = "pdf" if form == "PDF" else "image"
    shades = [max(_draw(sandbox, tmp_path, data, kind=kind, page=page).data) for page in (1, 2, 3)]
    assert shades[0] > 250
    assert 110 < shades[1] < 145
    assert shades[2] < 30
    with pytest.raises(ReadError) as caught:
        _draw(sandbox, tmp_path, data, kind=kind, page=4)
    assert "no page 4" in caught.value.detail


def test_a_picture_is_turned_as_the_camera_was_held(sandbox: Sandbox, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    Image.new("RGB", (400, 200)).save(out, "JPEG", exif=exif)
    drawn = _draw(sandbox, tmp_path, out.getvalue(), edge=100, form="webp")
    assert (drawn.width, drawn.height) == (50, 100)


def test_what_is_transparent_is_white(sandbox: Sandbox, tmp_path: Path) -> None:
    out = io.BytesIO()
    Image.new("RGBA", (50, 50), (0, 0, 0, 0)).save(out, "PNG")
    for form in ("gray", "rgb"):
        assert set(_draw(sandbox, tmp_path, out.getvalue(), form=form).data) == {255}


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "PDF"])
def test_colours_come_in_rows_of_three_bytes(sandbox: Sandbox, tmp_path: Path, form: str) -> None:
    data = saved([Image.new("RGB", (300, 200), (250, 128, 3))], form)
    kind = "pdf" if form == "PDF" else "image"
    drawn = _draw(sandbox, tmp_path, data, kind=kind, edge=60, form="rgb")
    assert (drawn.width, drawn.height, len(drawn.data)) == (60, 40, 60 * 40 * 3)
    assert all(abs(one - wanted) < 8 for one, wanted in zip(drawn.data[:3], (250, 128, 3), strict=True))


def test_half_a_photo_is_drawn(sandbox: Sandbox, tmp_path: Path) -> None:
    data = saved([sheet()], "JPEG")
    assert _draw(sandbox, tmp_path, data[: len(data) // 2]).width == 400


@pytest.mark.parametrize(
    ("data", "kind", "reason"),
    [
        (b"plain words", "text", "unsupported"),
        (b"\x89PNG\r\n\x1a\n", "image", "malformed"),
        (b"%PDF-1.4 nothing", "pdf", "malformed"),
    ],
)
def test_why_nothing_is_drawn(sandbox: Sandbox, tmp_path: Path, data: bytes, kind: str, reason: str) -> None:
    with pytest.raises(ReadError) as caught:
        _draw(sandbox, tmp_path, data, kind=kind)
    assert caught.value.reason == reason


def test_a_bomb_costs_its_own_child_only(tmp_path: Path) -> None:
    out = io.BytesIO()
    Image.new("1", (14_000, 14_000)).save(out, "TIFF", compression="group4")
    box = Sandbox(Limits(memory_bytes=64 << 20, wall_s=60.0))
    try:
        with pytest.raises(ReadError) as caught:
            _draw(box, tmp_path, out.getvalue())
        assert caught.value.reason == "memory"
        assert _draw(box, tmp_path, saved([sheet()], "PNG")).width == 400
    finally:
        box.close()


def test_a_picture_that_is_not_what_was_asked_for_is_refused() -> None:
    good = Picture(width=3, height=2, form="gray", data=bytes(6))
    assert unpack_picture(pack_picture(good), edge=3, form="gray") == good
    packed = pack_picture(good)
    for bad in (
        None,
        {},
        {**packed, "width": 4},
        {**packed, "height": 0},
        {**packed, "data": "AAAA"},
        {**packed, "data": "§"},
        {**packed, "width": True},
    ):
        with pytest.raises(BadFrame):
            unpack_picture(bad, edge=3, form="gray")
    with pytest.raises(BadFrame):
        unpack_picture(packed, edge=2, form="gray")
    for form in ("webp", "rgb"):
        with pytest.raises(BadFrame):
            unpack_picture(packed, edge=3, form=form)
