"""Draws one page of a file: for text recognition, for a model that looks at it, and as a thumbnail. Runs in
the confined child.

The page comes upright as far as the file says how it is to be held.
"""

from __future__ import annotations

import io
import math
from typing import Any

import pypdfium2 as pdfium
from PIL import Image, ImageFile, ImageOps

from nasd.errors import ReadError
from nasd.extract.base import Picture, Source
from nasd.extract.pictured import GRAY, RGB
from nasd.extract.readers.image import MOST_PIXELS, open_image, page_count

SCAN_DPI = 200  # recognises like 300 on the scans measured, in 0.6 of the time
_WEBP_QUALITY = 75
_SMALL_EDGE = 1600  # a screenshot: its letters are too small for recognition as they are

ImageFile.LOAD_TRUNCATED_IMAGES = True  # the upper half of a photo is better than none


def draw(source: Source, *, page: int, edge: int, form: str) -> Picture:
    """Page `page` (from 1) of an image or a PDF with no edge longer than `edge` pixels; `form` is "gray"
    (one byte a pixel), "rgb" (three) or "webp". Raises `ReadError`."""
    drawn = _pdf(source, page, edge, form) if source.kind == "pdf" else _image(source, page, edge, form)
    if form in (GRAY, RGB):
        plain = _flat(drawn).convert("L" if form == GRAY else "RGB")
        return Picture(width=plain.width, height=plain.height, form=form, data=plain.tobytes())
    if drawn.mode not in ("RGB", "RGBA"):
        drawn = drawn.convert("RGBA" if "transparency" in drawn.info or "A" in drawn.mode else "RGB")
    out = io.BytesIO()
    drawn.save(out, "WEBP", quality=_WEBP_QUALITY, method=4)
    return Picture(width=drawn.width, height=drawn.height, form=form, data=out.getvalue())


def _image(source: Source, page: int, edge: int, form: str) -> Any:
    image = open_image(source)
    if not 1 <= page <= page_count(image):
        raise ReadError(f"The picture has no page {page}.", reason="malformed")
    if page > 1:
        image.seek(page - 1)
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise ReadError(
            f"The picture has {width * height:,} pixels; at most {MOST_PIXELS:,} are drawn.",
            reason="too_large",
        )
    # A JPEG can be decoded at a half, a quarter or an eighth of its size: a tenth of time and memory.
    image.draft("L" if form == GRAY else "RGB", (edge, edge))
    image.load()
    upright = ImageOps.exif_transpose(image)
    if upright.mode in ("I", "I;16", "I;16B", "F"):
        upright = _eight_bits(upright)
    longest = max(upright.size)
    if longest > edge:
        scale = edge / longest
    elif form == GRAY and longest < _SMALL_EDGE:
        scale = min(2.0, edge / longest)
    else:
        return upright
    size = (max(1, round(upright.width * scale)), max(1, round(upright.height * scale)))
    if upright.mode in ("1", "P", "PA"):
        upright = upright.convert("L" if upright.mode == "1" else "RGBA")
    return upright.resize(size, Image.Resampling.LANCZOS if scale > 1 else Image.Resampling.BOX)


def _eight_bits(image: Any) -> Any:
    low, high = image.getextrema()
    span = (high - low) or 1
    return image.convert("F").point(lambda value: (value - low) * (255.0 / span)).convert("L")


def _flat(image: Any) -> Any:
    """Without transparency, on white: black letters on nothing would become black on black."""
    if "A" not in image.mode and "transparency" not in image.info:
        return image
    colour = image.convert("RGBA")
    sheet = Image.new("RGBA", colour.size, "white")
    sheet.alpha_composite(colour)
    return sheet


def _pdf(source: Source, page: int, edge: int, form: str) -> Any:
    try:
        document = pdfium.PdfDocument(source.stream)
    except pdfium.PdfiumError as error:
        raise ReadError(f"The PDF cannot be opened: {error}", reason="malformed") from error
    try:
        if not 1 <= page <= len(document):
            raise ReadError(f"The PDF has no page {page}.", reason="malformed")
        sheet = document[page - 1]
        width, height = sheet.get_size()
        longest = max(width, height)
        if not math.isfinite(longest) or min(width, height) <= 0:
            raise ReadError(f"Page {page} has no size.", reason="malformed")
        scale = edge / longest if form != GRAY else min(SCAN_DPI / 72, edge / longest)
        bitmap = sheet.render(scale=scale, grayscale=form == GRAY, may_draw_forms=False)
        return bitmap.to_pil()
    except pdfium.PdfiumError as error:
        raise ReadError(f"Page {page} cannot be drawn: {error}", reason="malformed") from error
    finally:
        document.close()
