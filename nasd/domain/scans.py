"""Pages that hold pictures of text: which of them are still to be recognised, as a reader notes it down."""

from __future__ import annotations

from collections.abc import Iterable

UNREAD_PAGES = "unread_pages"
"""In a content's metadata: the pages whose text is still to be recognised, such as "1-3,7"."""

OCR_ENGINE = "ocr"
"""In a content's metadata: what recognised its text, such as "tesseract 5.3.0 (deu+eng)"."""

OCR_PAGES = "ocr_pages"
"""In a content's metadata: the pages whose text was recognised."""

OCR_FROM = "ocr_from"
"""In a content's metadata: the offset from which on its text was recognised rather than read."""

_MOST_CHARS = 900  # what a metadata value holds, with some room


def format_pages(pages: Iterable[int]) -> str:
    """Page numbers as ranges. What does not fit into a metadata value is left out at the end."""
    ranges: list[list[int]] = []
    for page in sorted(set(pages)):
        if ranges and page == ranges[-1][1] + 1:
            ranges[-1][1] = page
        else:
            ranges.append([page, page])
    words = [str(first) if first == last else f"{first}-{last}" for first, last in ranges]
    while sum(len(word) + 1 for word in words) > _MOST_CHARS:
        words.pop()
    return ",".join(words)


def parse_pages(text: str, most: int = 100_000) -> tuple[int, ...]:
    """The pages of what `format_pages` wrote, at most `most`; what is no range is passed over."""
    pages: list[int] = []
    for word in text.split(","):
        first, _, last = word.strip().partition("-")
        if not first.isdecimal() or (last and not last.isdecimal()):
            continue
        pages += range(int(first), min(int(last or first), int(first) + most) + 1)
        if len(pages) >= most:
            break
    return tuple(pages[:most])
