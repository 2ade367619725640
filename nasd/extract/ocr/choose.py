"""Which engine recognises text on this machine."""

from __future__ import annotations

from collections.abc import Sequence

from nasd.extract.ocr import rapid, tesseract
from nasd.extract.ocr.base import Recognizer


def find_recognizer(languages: Sequence[str]) -> Recognizer | None:
    """Tesseract where it is installed: it is quicker, smaller and knows more languages. Else RapidOCR, which
    the extra `nasd[ocr]` brings; it takes no languages. None when there is neither."""
    return tesseract.find(languages or None) or rapid.find()
