"""Whether a person sees the text of a PDF page where it stands.

Text is suspected for how it is drawn: without ink, as white as paper, transparent, tiny, or off the page.
A suspect is hidden when the page, drawn, shows nothing at its place: white words on a dark ground are seen,
and so is the text that recognition laid over a scan.
"""

from __future__ import annotations

import ctypes
from typing import Any

import pypdfium2 as pdfium
from pypdfium2 import raw

_INVISIBLE_MODES = (raw.FPDF_TEXTRENDERMODE_INVISIBLE, raw.FPDF_TEXTRENDERMODE_CLIP)
_WHITE = 235  # of each channel, at least
_CLEAR = 12  # of alpha, below
_TINY_PT = 1.2
_CONTRAST = 20  # of 255 between the lightest and darkest pixel: less shows nothing
_MAX_EDGE_PX = 2000


class Sight:
    """Looks at one page. The page is drawn once, and only if something is suspected."""

    def __init__(self, page: Any, textpage: Any) -> None:
        self._page, self._textpage = page, textpage.raw
        self._channels = [ctypes.c_uint() for _ in range(4)]
        self._channel_refs = [
            ctypes.byref(channel) for channel in self._channels
        ]  # made once: it is asked often
        self._left, self._bottom, self._right, self._top = page.get_cropbox()
        self._scale = 1.0
        self._pixels: tuple[memoryview, int, int, int] | None = None
        self._box = [ctypes.c_double() for _ in range(4)]
        self._box_refs = [ctypes.byref(side) for side in self._box]
        self._matrix = raw.FS_MATRIX()

    def hidden(self, first: int, last: int) -> bool:
        """Whether the word from character `first` to `last` is not seen."""
        return self._suspected(first) and not self._shown(first, last)

    def _suspected(self, index: int) -> bool:
        red, green, blue, alpha = self._channels
        page = self._textpage
        filled = raw.FPDFText_GetFillColor(page, index, *self._channel_refs)
        if filled and (
            (red.value >= _WHITE and min(green.value, blue.value) >= _WHITE) or alpha.value < _CLEAR
        ):
            return True
        item = raw.FPDFText_GetTextObject(page, index)
        if item and raw.FPDFTextObj_GetTextRenderMode(item) in _INVISIBLE_MODES:
            return True
        left, right, bottom, top = self._corners(index)
        x, y = (left + right) / 2, (bottom + top) / 2
        if not (self._left <= x <= self._right and self._bottom <= y <= self._top):
            return True
        return 0 < max(top - bottom, right - left) < _TINY_PT and self._size(index) < _TINY_PT

    def _size(self, index: int) -> float:
        matrix = self._matrix
        scale = 1.0
        if raw.FPDFText_GetMatrix(self._textpage, index, matrix):
            scale = max(abs(matrix.d), abs(matrix.b))
        return float(raw.FPDFText_GetFontSize(self._textpage, index)) * scale

    def _corners(self, index: int) -> tuple[float, float, float, float]:
        left, right, bottom, top = self._box
        raw.FPDFText_GetCharBox(self._textpage, index, *self._box_refs)
        return left.value, right.value, bottom.value, top.value

    def _shown(self, first: int, last: int) -> bool:
        one, other = self._corners(first), self._corners(last)
        left, right = min(one[0], other[0]), max(one[1], other[1])
        bottom, top = min(one[2], other[2]), max(one[3], other[3])
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
