"""Answers made of the files' own sentences: the best few, verbatim, each with its citation."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from nasd.answer.base import EmbedSentences
from nasd.answer.citing import cite, marked
from nasd.answer.confidence import confidence, measure, threshold
from nasd.answer.rank import (
    SIMILARITY_WEIGHT,
    Asked,
    Ranked,
    Unit,
    read_question,
    repeats,
    units_of,
    without_running_lines,
    word_score,
)
from nasd.domain.search import Answer, Citation, Hit, Sentence

MAX_HITS = 20
MAX_EMBEDDED = 40
"""Units compared by meaning. Forty best by words hold a right one for 0.99 of the clapnq questions."""

MAX_SENTENCES = 7
MAX_CHARACTERS = 900
"""Of the quoted sentences together, unless the first alone is longer. 500 characters hold an accepted answer
for 0.81, 0.86 and 0.92 of the questions of clapnq, multihop and xquad, 700 for 0.91, 0.90 and 0.96."""

WITHIN = 4.0
"""A further sentence scores at most so much less than the first: e to that power less likely."""

NEAR = 0.15
"""Cosine from which a further sentence speaks to the question though it shares no word with it. In clapnq
one of 25 answers is lost by it; without it, short notes are quoted whole."""

NEAREST = 3

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


class ExtractiveAnswerer:
    """An Answerer that needs no language model, and no embedding model either.

    With `embed` it compares sentences by meaning as well as by words: one call an answer.
    """

    name = "extractive"

    def __init__(self, least_confidence: float | None = None) -> None:
        """Below `least_confidence` a question is refused; None: below what was calibrated."""
        self._least = least_confidence

    def answer(self, question: str, hits: Sequence[Hit], embed: EmbedSentences | None) -> Answer:
        """The answer, or an abstention. Raises what `embed` raises, nothing else."""
        hits = hits[:MAX_HITS]
        found = units_of(hits)
        asked = read_question(question, found)
        ranked, similarities = _rank(asked, without_running_lines(found), embed)
        sure = 0.0
        enough = False
        if ranked and asked.weights:
            measured = measure(asked, ranked, similarities, hits)
            sure = confidence(measured)
            enough = sure >= (threshold(measured) if self._least is None else self._least)
        if not enough:
            return Answer(
                text=NOTHING,
                abstained=True,
                answerer=self.name,
                nearest=tuple(hits[:NEAREST]),
                confidence=round(sure, 4),
            )
        passages = {(unit.hit, unit.at): unit for unit in found}
        citations: list[Citation] = []
        runs = _runs(_choose(asked, ranked))
        sentences = tuple(_sentence(run, passages, hits, citations) for run in runs)
        return Answer(
            text=" ".join(sentence.text for sentence in sentences),
            abstained=False,
            answerer=self.name,
            sentences=sentences,
            citations=tuple(citations),
            confidence=round(sure, 4),
        )


def _rank(
    asked: Asked, units: Sequence[Unit], embed: EmbedSentences | None
) -> tuple[list[Ranked], list[float]]:
    """The best units by words, ranked with their similarity where there is a model, and all similarities."""
    scored = sorted(((word_score(asked, unit), unit) for unit in units), key=lambda pair: -pair[0])
    scored = scored[:MAX_EMBEDDED]
    if embed is None or not scored:
        return [Ranked(score, unit, None) for score, unit in scored], []
    vectors: npt.NDArray[np.float32] = embed([asked.text, *(unit.text for _, unit in scored)])
    cosines = [float(cosine) for cosine in vectors[1:] @ vectors[0]]
    found = [
        Ranked(score + SIMILARITY_WEIGHT * cosine, unit, cosine)
        for (score, unit), cosine in zip(scored, cosines, strict=True)
    ]
    return sorted(found, key=lambda one: -one.score), cosines


def _choose(asked: Asked, ranked: Sequence[Ranked]) -> list[Unit]:
    """The best unit, then those that speak to the question and say something else, as far as they are good
    and there is room."""
    chosen: list[Unit] = []
    room = MAX_CHARACTERS
    for one in ranked:
        if len(chosen) == MAX_SENTENCES or one.score < ranked[0].score - WITHIN or room <= 0:
            break
        speaks = (one.similarity or 0.0) >= NEAR or not asked.weights.keys().isdisjoint(one.unit.words)
        if chosen and (not speaks or len(one.unit.text) > room or repeats(one.unit, chosen)):
            continue
        chosen.append(one.unit)
        room -= len(one.unit.text)
    return chosen


def _runs(chosen: Sequence[Unit]) -> list[list[Unit]]:
    """Units that follow each other in their passage together; the run with the best one first."""
    runs: list[list[Unit]] = []
    for unit in chosen:
        beside = [
            run
            for run in runs
            if any(unit.hit == other.hit and abs(unit.at - other.at) == 1 for other in run)
        ]
        joined = sorted([unit, *(one for run in beside for one in run)], key=lambda one: one.at)
        if beside:
            runs[runs.index(beside[0])] = joined
            runs = [run for run in runs if run not in beside[1:]]
        else:
            runs.append(joined)
    return runs


def _sentence(
    run: Sequence[Unit], units: dict[tuple[int, int], Unit], hits: Sequence[Hit], citations: list[Citation]
) -> Sentence:
    """One part of the answer; its quotes are added to `citations` unless they are there."""
    unit = run[0]
    hit = hits[unit.hit]
    text = hit.passage.passage.text
    spans = [(unit.span.start, _end(run[-1], units))]
    context = _context(unit, units)
    if context is not None:
        start, end = context
        if text[end : unit.span.start].strip(" \t\r\n-*+•|"):
            spans.insert(0, context)
        else:
            spans = [(start, spans[0][1])]
    numbers = tuple(cite(hit, start, end, citations) for start, end in spans)
    words = " … ".join(" ".join(text[start:end].split()) for start, end in spans)
    heading = hit.passage.passage.place.heading or hit.passage.title
    if context is None and heading and (len(unit.words) < 4 or _REFERS.match(unit.text)):
        words = f"{heading.rsplit(' › ', 1)[-1]}: {words}"
    return Sentence(text=marked(words, numbers), citations=numbers, supported=True)


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
