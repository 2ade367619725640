"""Whether a person sees the text of a PDF page where it stands.

Text is suspected for how it is drawn: without ink, as white as paper, transparent, tiny, or off the page.
A suspect is hidden when the page, drawn, shows nothing at its place: white words on a dark ground are seen,
and so is the text that recognition laid over a scan.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence
from typing import Any

import pypdfium2 as pdfium
from pypdfium2 import raw

from nasd.extract.readers.pagetext import PageText, Sides

_INVISIBLE_MODES = (raw.FPDF_TEXTRENDERMODE_INVISIBLE, raw.FPDF_TEXTRENDERMODE_CLIP)
_WHITE = 235  # of each channel, at least
_CLEAR = 12  # of alpha, below
_TINY_PT = 1.2
_CONTRAST = 20  # of 255 between the lightest and darkest pixel: less shows nothing
_MAX_EDGE_PX = 2000
_NOWHERE = (math.inf,) * 4


class Sight:
    """Looks at one page. The page is drawn once, and only if something is suspected."""

    def __init__(self, page: Any, text: PageText) -> None:
        self._page, self._text = page, text
        self._left, self._bottom, self._right, self._top = page.get_cropbox()
        self._pixels: tuple[memoryview, int, int, int] | None = None
        self._plain: set[int | None] = set()
        """The runs of text that are drawn to be seen, wherever that is."""

    def hidden(self, words: Sequence[tuple[int, int]], boxes: Sequence[Sides | None]) -> list[int]:
        """Those words that are not seen, as places in `words`: each is given by the indexes of its first and
        last character, with the loose box of the first."""
        run_of, plain = self._text.object, self._plain
        page_left, page_top, page_right, page_bottom = self._left, self._top, self._right, self._bottom
        found = []
        for number, (first, last) in enumerate(words):
            run = run_of(first)
            if run in plain or not self._suspected(first, run):
                left, top, right, bottom = boxes[number] or _NOWHERE
                if page_left <= left <= right <= page_right and page_bottom <= bottom <= top <= page_top:
                    continue  # wholly, as nearly all are
                if not self._off_page(first):
                    continue
            if not self._shown(first, last):
                found.append(number)
        return found

    def _suspected(self, index: int, run: int | None) -> bool:
        """For how it is drawn; of a run that is not, this is remembered."""
        text = self._text
        red, green, blue, alpha = text.fill(index) or (0, 0, 0, 255)
        if (red >= _WHITE and green >= _WHITE and blue >= _WHITE) or alpha < _CLEAR:
            return True
        if run is not None and text.mode(run) in _INVISIBLE_MODES:
            return True
        if self._size(index) < _TINY_PT:
            left, top, right, bottom = text.tight(index)
            return 0 < max(top - bottom, right - left) < _TINY_PT
        if run is not None:
            self._plain.add(run)
        return False

    def _off_page(self, index: int) -> bool:
        left, top, right, bottom = self._text.tight(index)
        x, y = (left + right) / 2, (bottom + top) / 2
        return not (self._left <= x <= self._right and self._bottom <= y <= self._top)

    def _size(self, index: int) -> float:
        return self._text.font_size(index) * self._text.scale(index)

    def _shown(self, first: int, last: int) -> bool:
        one, other = self._text.tight(first), self._text.tight(last)
        left, right = min(one[0], other[0]), max(one[2], other[2])
        bottom, top = min(one[3], other[3]), max(one[1], other[1])
        if top - bottom < _TINY_PT and self._size(first) < _TINY_PT:
            return False
        corners = [self._pixel(x, y) for x, y in ((left, bottom), (right, top))]
        (x0, y0), (x1, y1) = corners
        pixels, width, height, stride = self._drawn()
        x0, x1 = sorted((x0, x1))
        y0, y1 = sorted((y0, y1))
        x0, y0, x1, y1 = max(0, x0), max(0, y0), min(width - 1, x1), min(height - 1, y1)
        if x0 > x1 or y0 > y1:
            return False
        rows = [bytes(pixels[y * stride + x0 : y * stride + x1 + 1]) for y in range(y0, y1 + 1)]
        return max(map(max, rows)) - min(map(min, rows)) >= _CONTRAST

    def _pixel(self, x: float, y: float) -> tuple[int, int]:
        _, width, height, _ = self._drawn()
        across, down = ctypes.c_int(), ctypes.c_int()
        raw.FPDF_PageToDevice(self._page.raw, 0, 0, width, height, 0, x, y, across, down)
        return across.value, down.value

    def _drawn(self) -> tuple[memoryview, int, int, int]:
        """The page in shades of gray: its pixels, width, height and bytes a row."""
        if self._pixels is None:
            width, height = self._page.get_size()
            scale = min(1.5, _MAX_EDGE_PX / max(width, height, 1.0))
            size = max(1, int(width * scale)), max(1, int(height * scale))
            bitmap = pdfium.PdfBitmap.new_native(*size, raw.FPDFBitmap_Gray)
            bitmap.fill_rect((255, 255, 255, 255), 0, 0, *size)
            raw.FPDF_RenderPageBitmap(bitmap.raw, self._page.raw, 0, 0, *size, 0, raw.FPDF_ANNOT)
            stride = int(raw.FPDFBitmap_GetStride(bitmap.raw))
            data = ctypes.string_at(raw.FPDFBitmap_GetBuffer(bitmap.raw), stride * size[1])
            bitmap.close()
            self._pixels = (memoryview(data), *size, stride)
        return self._pixels
