"""Whether a PDF page is a picture of text rather than text: then its words are to be recognised."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

from pypdfium2 import raw

_FEW_CHARS = 60  # a page number, a stamp or the line a scanner adds
_COVERED = 0.5  # of the page, by one picture
_MOST_OBJECTS = 20_000  # looked at on a page that says little; a drawing has more
_DEPTH = 3  # of forms within forms


def is_scanned(page: Any, chars: int) -> bool:
    """`chars` is how much text the page gave. A page without any is taken for a scan unless it is empty; one
    with a little, if a picture covers most of it."""
    if chars >= _FEW_CHARS:
        return False
    if not chars:
        return int(raw.FPDFPage_CountObjects(page.raw)) > 0
    width, height = page.get_size()
    area = width * height
    left, bottom, right, top = sides = [ctypes.c_float() for _ in range(4)]
    for item in _pictures(page):
        if raw.FPDFPageObj_GetBounds(item, *sides):
            covered = abs((right.value - left.value) * (top.value - bottom.value))
            if area > 0 and covered >= _COVERED * area:
                return True
    return False


def _pictures(page: Any) -> Iterator[Any]:
    """Those among the first objects of a page, and of the forms on it."""
    left = _MOST_OBJECTS
    places = [(page.raw, raw.FPDFPage_CountObjects, raw.FPDFPage_GetObject, 1)]
    while places:
        place, count, object_at, depth = places.pop()
        for index in range(min(count(place), left)):
            left -= 1
            item = object_at(place, index)
            kind = raw.FPDFPageObj_GetType(item)
            if kind == raw.FPDF_PAGEOBJ_IMAGE:
                yield item
            elif kind == raw.FPDF_PAGEOBJ_FORM and depth < _DEPTH:
                places.append((item, raw.FPDFFormObj_CountObjects, raw.FPDFFormObj_GetObject, depth + 1))
