"""Pages that are pictures of text, made of real pixels; and a recogniser that is told what it sees."""

from __future__ import annotations

import io
from collections.abc import Iterable

from PIL import Image, ImageDraw, ImageFont

from nasd.errors import ReadError
from nasd.extract.base import Picture
from nasd.extract.ocr.base import Recognized, Word

WORDS = "The invoice of the plumber is due on the ninth of March"


def sheet(text: str = WORDS, *, size: tuple[int, int] = (1240, 600), rotation: int = 0) -> Image.Image:
    """Black letters on a white page; `rotation` turns it clockwise."""
    page = Image.new("L", size, 255)
    font = ImageFont.load_default(44)
    for number, line in enumerate(text.split("\n")):
        ImageDraw.Draw(page).text((60, 80 + 70 * number), line, fill=0, font=font)
    return page.rotate(-rotation, expand=True, fillcolor=255)


def saved(pages: Iterable[Image.Image], form: str) -> bytes:
    """The pages as a file: "PDF" and "TIFF" hold several."""
    first, *rest = pages
    out = io.BytesIO()
    options = {"save_all": True, "append_images": rest} if rest else {}
    first.save(out, form, **options)
    return out.getvalue()


def gray(page: Image.Image) -> Picture:
    return Picture(width=page.width, height=page.height, form="gray", data=page.convert("L").tobytes())


class ScriptedRecognizer:
    """Gives one text a call; a `ReadError` in its place is raised."""

    name = "scripted 1"

    def __init__(self, *script: str | ReadError) -> None:
        self.script = list(script)
        self.seen: list[Picture] = []
        self.closed = False

    def recognize(self, picture: Picture, *, any_rotation: bool) -> Recognized:
        self.seen.append(picture)
        told = self.script.pop(0)
        if isinstance(told, ReadError):
            raise told
        words = [
            Word(
                text=text, left=100 * at, top=10, right=100 * at + 90, bottom=40,
                paragraph=(1,), line=(1, 1), confidence=95.0,
            )
            for at, text in enumerate(told.split())
        ]  # fmt: skip
        return Recognized(words=tuple(words))

    def close(self) -> None:
        self.closed = True
