"""What PDFium knows of single characters of a page, asked a quarter of a million times for a long report.

The functions of the bindings check and convert each argument, which takes three times as long as the answer.
Here they are called with what C takes as it is, and one structure serves all answers. They keep the
interpreter's lock, for the fraction of a microsecond that each takes.
"""

from __future__ import annotations

import ctypes
from struct import Struct
from typing import Any

from pypdfium2 import raw

Sides = tuple[float, float, float, float]
"""Left, top, right, bottom of a character in the page's own coordinates, y upwards: no class of its own, for
half a million are made of a long report."""


def _quick(function: Any, result: Any) -> Any:
    """The same function; the arguments are whole numbers of C's `int`, and references."""
    return ctypes.PYFUNCTYPE(result)(ctypes.cast(function, ctypes.c_void_p).value or 0)


_LOOSE_BOX = _quick(raw.FPDFText_GetLooseCharBox, ctypes.c_int)
_BOX = _quick(raw.FPDFText_GetCharBox, ctypes.c_int)
_FILL = _quick(raw.FPDFText_GetFillColor, ctypes.c_int)
_MATRIX = _quick(raw.FPDFText_GetMatrix, ctypes.c_int)
_FONT_SIZE = _quick(raw.FPDFText_GetFontSize, ctypes.c_double)
_FONT_WEIGHT = _quick(raw.FPDFText_GetFontWeight, ctypes.c_int)
_FONT_INFO = _quick(raw.FPDFText_GetFontInfo, ctypes.c_ulong)
_OBJECT = _quick(raw.FPDFText_GetTextObject, ctypes.c_void_p)
_MODE = _quick(raw.FPDFTextObj_GetTextRenderMode, ctypes.c_int)

_FOUR_FLOATS = Struct("4f").unpack
_FOUR_DOUBLES = Struct("4d").unpack
_FOUR_WHOLE = Struct("4I").unpack


class PageText:
    """The characters of one open text page, by their index. It must not outlive the page."""

    def __init__(self, textpage: Any) -> None:
        at = ctypes.cast(textpage.raw, ctypes.c_void_p).value or 0
        self._page = ctypes.byref(ctypes.c_char.from_address(at))
        self._floats = raw.FS_RECTF()
        self._floats_ref = ctypes.byref(self._floats)
        self._doubles = (ctypes.c_double * 4)()
        self._doubles_refs = [ctypes.byref(self._doubles, 8 * place) for place in range(4)]
        self._whole = (ctypes.c_uint * 4)()
        self._whole_refs = [ctypes.byref(self._whole, 4 * place) for place in range(4)]
        self._matrix = raw.FS_MATRIX()
        self._matrix_ref = ctypes.byref(self._matrix)
        self._name = ctypes.create_string_buffer(128)
        self._name_length = ctypes.c_ulong(len(self._name))
        self._flags_ref = ctypes.byref(ctypes.c_int())

    def loose(self, index: int) -> Sides | None:
        """As wide as the pen moves on, as high as its font's lines."""
        return _FOUR_FLOATS(self._floats) if _LOOSE_BOX(self._page, index, self._floats_ref) else None

    def tight(self, index: int) -> Sides:
        """Around its ink; at the origin when that is not known."""
        if not _BOX(self._page, index, *self._doubles_refs):
            return 0.0, 0.0, 0.0, 0.0
        left, right, bottom, top = _FOUR_DOUBLES(self._doubles)
        return left, top, right, bottom

    def fill(self, index: int) -> tuple[int, int, int, int] | None:
        """Red, green, blue and alpha, from 0 to 255."""
        return _FOUR_WHOLE(self._whole) if _FILL(self._page, index, *self._whole_refs) else None

    def object(self, index: int) -> int | None:
        """A number that stands for the run of text that it is drawn with, as long as the page is open."""
        found: int | None = _OBJECT(self._page, index)
        return found

    def mode(self, item: int) -> int:
        """How the text of such a run is drawn."""
        return int(_MODE(ctypes.c_void_p(item)))

    def font_size(self, index: int) -> float:
        return float(_FONT_SIZE(self._page, index))

    def scale(self, index: int) -> float:
        """By which the font's size is multiplied."""
        if not _MATRIX(self._page, index, self._matrix_ref):
            return 1.0
        return float(max(abs(self._matrix.d), abs(self._matrix.b)))

    def font_weight(self, index: int) -> int:
        return int(_FONT_WEIGHT(self._page, index))

    def font_name(self, index: int) -> bytes:
        """Empty where it is not known or too long."""
        length = _FONT_INFO(self._page, index, self._name, self._name_length, self._flags_ref)
        return self._name.raw[:length] if 0 < length <= len(self._name) else b""
