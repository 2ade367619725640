"""Which engine recognises text on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from nasd.extract.ocr import rapid, tesseract
from nasd.extract.ocr.base import Recognizer


def find_recognizer(
    languages: Sequence[str], *, engine: Literal["auto", "tesseract", "rapidocr"] = "auto"
) -> Recognizer | None:
    """Tesseract where it is installed: it is quicker, smaller and knows more languages. Else RapidOCR, which
    the extra `nasd[ocr]` brings; it takes no languages. With `engine` that one alone. None when it, or
    neither, is installed."""
    found: Recognizer | None = None
    if engine != "rapidocr":
        found = tesseract.find(languages or None)
    return rapid.find() if found is None and engine != "tesseract" else found
