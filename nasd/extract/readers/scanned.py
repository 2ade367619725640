"""Whether a PDF page is a picture of text rather than text: then its words are to be recognised."""

from __future__ import annotations

from itertools import islice
from typing import Any

from pypdfium2 import raw

_FEW_CHARS = 60  # a page number, a stamp or the line a scanner adds
_COVERED = 0.5  # of the page, by one picture
_MOST_OBJECTS = 2_000  # looked at on a page that says little; a drawing has more


def is_scanned(page: Any, chars: int) -> bool:
    """`chars` is how much text the page gave. A page without any is taken for a scan unless it is empty; one
    with a little, if a picture covers most of it."""
    if chars >= _FEW_CHARS:
        return False
    if not chars:
        return int(raw.FPDFPage_CountObjects(page.raw)) > 0
    width, height = page.get_size()
    area = width * height
    found = islice(page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=3), _MOST_OBJECTS)
    for item in found:
        left, bottom, right, top = item.get_bounds()
        if area > 0 and abs((right - left) * (top - bottom)) >= _COVERED * area:
            return True
    return False
