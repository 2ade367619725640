"""Text as tokenizers take it."""

from __future__ import annotations


def encodable(text: str) -> str:
    """Lone surrogates, which tokenizers and JSON parsers refuse, become question marks."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
