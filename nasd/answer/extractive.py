"""Answers made of the files' own sentences: the best one to three, verbatim, each with its citation."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from nasd.answer.base import EmbedSentences
from nasd.answer.rank import (
    SIMILARITY_WEIGHT,
    Asked,
    Unit,
    evidence,
    read_question,
    repeats,
    units_of,
    without_running_lines,
    word_score,
)
from nasd.domain.search import Answer, Citation, Hit, Sentence

MAX_HITS = 20
MAX_SENTENCES = 3
MAX_EMBEDDED = 40
"""Units compared by meaning. Forty best by words hold a right one for 0.99 of the clapnq questions."""

NEAREST = 3

WITHIN = 0.85
"""A further sentence scores at least this part of the first."""

JOINED = 320
"""Characters of a sentence with the one it refers to."""

HEAD_LINE, HEAD_LINES = 60, 6
"""Characters and number of the lines taken for the head of a table."""

NOTHING = "Nothing in the files answers this."

_REFERS = re.compile(
    r"(?:it|its|he|his|she|her|they|their|them|this|these|those|such|both|er|sie|es|dies\w*|il|elle|ils|elles|"
    r"este|esta|questo|questa|hij|zij|deze|dit)\b",
    re.IGNORECASE,
)
_AMOUNT = re.compile(r"(?<![\d,.])(?!(?:19|20)\d\d(?![\d,.]))\d")
_FINAL = re.compile(r"[.!?…。！？؟।]+$")


class ExtractiveAnswerer:
    """An Answerer that needs no language model, and no embedding model either.

    With `embed` it compares sentences by meaning as well as by words: one call an answer.
    """

    name = "extractive"

    def answer(self, question: str, hits: Sequence[Hit], embed: EmbedSentences | None) -> Answer:
        """The answer, or an abstention. Raises what `embed` raises, nothing else."""
        hits = hits[:MAX_HITS]
        found = units_of(hits)
        asked = read_question(question, found)
        ranked, similarity = _rank(asked, without_running_lines(found), embed)
        if not evidence(asked, [unit for _, unit in ranked], similarity):
            return Answer(text=NOTHING, abstained=True, answerer=self.name, nearest=tuple(hits[:NEAREST]))
        chosen = _choose(ranked)
        passages = {(unit.hit, unit.at): unit for unit in found}
        citations: list[Citation] = []
        sentences = tuple(_sentence(unit, passages, hits, citations) for unit in chosen)
        return Answer(
            text=" ".join(sentence.text for sentence in sentences),
            abstained=False,
            answerer=self.name,
            sentences=sentences,
            citations=tuple(citations),
        )


def _rank(
    asked: Asked, units: Sequence[Unit], embed: EmbedSentences | None
) -> tuple[list[tuple[float, Unit]], float | None]:
    """The best units by words, ranked with their similarity where there is a model, and the highest one."""
    scored = sorted(((word_score(asked, unit), unit) for unit in units), key=lambda pair: -pair[0])
    scored = scored[:MAX_EMBEDDED]
    if embed is None or not scored:
        return scored, None
    vectors: npt.NDArray[np.float32] = embed([asked.text, *(unit.text for _, unit in scored)])
    cosines = vectors[1:] @ vectors[0]
    scored = [
        (score + SIMILARITY_WEIGHT * float(cosine), unit)
        for (score, unit), cosine in zip(scored, cosines, strict=True)
    ]
    return sorted(scored, key=lambda pair: -pair[0]), float(cosines.max())


def _choose(ranked: Sequence[tuple[float, Unit]]) -> list[Unit]:
    """The best unit, then those nearly as good that say something else."""
    chosen: list[Unit] = []
    for score, unit in ranked:
        if len(chosen) == MAX_SENTENCES or score < WITHIN * ranked[0][0]:
            break
        if not repeats(unit, chosen):
            chosen.append(unit)
    return chosen


def _sentence(
    unit: Unit, units: dict[tuple[int, int], Unit], hits: Sequence[Hit], citations: list[Citation]
) -> Sentence:
    """One sentence of the answer; its quotes are added to `citations` unless they are there."""
    hit = hits[unit.hit]
    text = hit.passage.passage.text
    spans = [(unit.span.start, _end(unit, units))]
    context = _context(unit, units)
    if context is not None:
        start, end = context
        if text[end : unit.span.start].strip(" \t\r\n-*+•|"):
            spans.insert(0, context)
        else:
            spans = [(start, spans[0][1])]
    numbers = tuple(_cite(hit, start, end, citations) for start, end in spans)
    words = " … ".join(" ".join(text[start:end].split()) for start, end in spans)
    heading = hit.passage.passage.place.heading or hit.passage.title
    if context is None and heading and (len(unit.words) < 4 or _REFERS.match(unit.text)):
        words = f"{heading.rsplit(' › ', 1)[-1]}: {words}"
    return Sentence(text=_marked(words, numbers), citations=numbers, supported=True)


def _end(unit: Unit, units: dict[tuple[int, int], Unit]) -> int:
    """Where the quote of a unit ends: after what a line with a colon leads into, as far as it is short."""
    end = unit.span.end
    following = units.get((unit.hit, unit.at + 1))
    while unit.text.endswith((":", "：")) and following and following.span.end - unit.span.start <= JOINED:
        end = following.span.end
        following = units.get((unit.hit, following.at + 1))
    return end


def _context(unit: Unit, units: dict[tuple[int, int], Unit]) -> tuple[int, int] | None:
    """The span of the same passage without which this unit says little: the head of a table's row, the line
    that leads into a list, the sentence that a pronoun refers to."""
    before = units.get((unit.hit, unit.at - 1))
    if before is None:
        return None
    together = before.span.paragraph == unit.span.paragraph
    if unit.span.row:
        return _table_head(unit, units)
    leads = before.text.endswith(":") and len(before.text) <= JOINED
    refers = together and _REFERS.match(unit.text) and len(before.text) + len(unit.text) <= JOINED
    return (before.span.start, before.span.end) if leads or refers else None


def _table_head(row: Unit, units: dict[tuple[int, int], Unit]) -> tuple[int, int] | None:
    """The lines that name the columns: the first row of the table if it holds no amounts but years, and the
    short lines above the table."""

    def above(unit: Unit) -> Unit | None:
        found = units.get((unit.hit, unit.at - 1))
        return found if found is not None and found.span.paragraph == row.span.paragraph else None

    first = row
    while (higher := above(first)) is not None and higher.span.row:
        first = higher
    head = [first] if first is not row and not _AMOUNT.search(first.text) else []
    lowest = head[0] if head else first
    while (higher := above(lowest)) is not None and len(higher.text) <= HEAD_LINE and len(head) < HEAD_LINES:
        head.append(higher)
        lowest = higher
    return (head[-1].span.start, head[0].span.end) if head else None


def _cite(hit: Hit, start: int, end: int, citations: list[Citation]) -> int:
    for citation in citations:
        if citation.passage.id == hit.passage.id and (citation.quote_start, citation.quote_end) == (
            start,
            end,
        ):
            return citation.n
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


def _marked(text: str, numbers: Sequence[int]) -> str:
    """`Five years.` with its marker before the full stop: `Five years [1].`"""
    marker = "".join(f"[{number}]" for number in numbers)
    final = _FINAL.search(text)
    return f"{text[: final.start()] if final else text} {marker}{final[0] if final else '.'}"
