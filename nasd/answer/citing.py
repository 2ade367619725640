"""Citations as they are numbered and shown. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from nasd.domain.search import Citation, Hit

_FINAL = re.compile(r"[.!?…。！？؟।]+$")


def cite(hit: Hit, start: int, end: int, citations: list[Citation]) -> int:
    """The number of the citation of this span of a hit's passage; added to `citations` unless it is there."""
    for known in citations:
        if known.passage.id == hit.passage.id and (known.quote_start, known.quote_end) == (start, end):
            return known.n
    citations.append(
        Citation(
            n=len(citations) + 1,
            file=hit.file,
            passage=hit.passage,
            quote=hit.passage.passage.text[start:end],
            quote_start=start,
            quote_end=end,
        )
    )
    return len(citations)


def marked(text: str, numbers: Sequence[int]) -> str:
    """`Five years.` with its marker before the full stop: `Five years [1].`"""
    marker = "".join(f"[{number}]" for number in numbers)
    final = _FINAL.search(text)
    return f"{text[: final.start()] if final else text} {marker}{final[0] if final else '.'}"
