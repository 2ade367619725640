"""Which units of the hits speak to a question: features and score. Pure.

The weights were fitted as a conditional logit (the right unit among up to forty of a question) on clapnq and
covidqa and rounded; `boilerplate` was set by hand. `tests/bench/bench_extractive.py` shows what comes of them
there and on collections they were not fitted on.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from nasd.answer.boilerplate import is_boilerplate, key_of, repeated
from nasd.answer.cues import Cue, asked, holds_another
from nasd.answer.injection import silenced
from nasd.answer.sentences import Span, split
from nasd.answer.words import fold, stems
from nasd.domain.files import display_path
from nasd.domain.queries import parse
from nasd.domain.search import Hit
from nasd.domain.stopwords import stop_words

WEIGHTS: Mapping[str, float] = {
    "headed": 2.5,  # coverage of the question's words by the unit with its title and headings
    "nearby": 2.6,  # … with the units before and after, too
    "rank": 2.3,  # 1 for the first hit, 1/2 for the second, …
    "cue": 0.4,  # 1 if it holds what is asked for, such as a date; -1 if not; 0 if unknown
    "short": -2.7,  # fewer than four words
    "long": 0.75,  # the logarithm of one more than its words
    "repeated": -1.3,  # other files among the hits hold it, too
    "boilerplate": -3.0,  # a notice, a certification, a line of contents
}
SIMILARITY_WEIGHT = 3.1

RUNNING_LINE = 12
"""Stems of the longest line taken for a header or footer when it returns."""

MANY_PASSAGES = 20
"""Fewer hits are weighed as if there were this many: two say little about how rare a word is."""

_FIGURES = re.compile(r"\d[\d.,]*")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, its terms weighted by how rare they are among the hits."""

    text: str
    weights: Mapping[str, float]  # stem to weight: 1 in every hit, 4 in none of twenty
    cue: Cue | None
    folded: frozenset[str] = frozenset()  # its words as they stand
    common: frozenset[str] = frozenset()  # keys of units that several files hold

    @property
    def total(self) -> float:
        return sum(self.weights.values())

    def coverage(self, words: frozenset[str]) -> float:
        """The share, 0 to 1, of the question's weight that these stems hold."""
        held = sum(weight for term, weight in self.weights.items() if term in words)
        return held / self.total if self.weights else 0.0


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence, item or row of a hit's passage."""

    hit: int  # index among the hits, from 0
    content: int  # the id of what its file holds
    at: int  # index among the units of its passage
    span: Span
    text: str  # white space collapsed
    words: tuple[str, ...]  # its stems
    around: frozenset[str]  # stems of file name, title and headings
    nearby: frozenset[str]  # stems of itself and the units before and after
    passage: frozenset[str]  # stems of the whole passage and what is around it


@dataclass(frozen=True, slots=True)
class Ranked:
    score: float
    unit: Unit
    similarity: float | None  # cosine with the question, where there is a model


def read_question(question: str, units: Sequence[Unit]) -> Asked:
    """The question's content words with their weights among the passages of these units."""
    query = parse(question)
    passages = {unit.hit: unit.passage for unit in units}
    if set(map(str.casefold, query.terms)) <= stop_words(query.terms) and query.terms:
        query = replace(query, terms=())  # function words alone ask for nothing
    parts = (*query.phrases, *query.terms, *query.prefixes, *query.unspaced)
    terms = dict.fromkeys(stem for part in parts for stem in stems(part))
    count = max(len(passages), MANY_PASSAGES)
    return Asked(
        question,
        {
            term: 1 + math.log((count + 1) / (sum(term in words for words in passages.values()) + 1))
            for term in terms
        },
        asked(question),
        frozenset(re.findall(r"\w+", fold(question))),
        repeated((unit.content, unit.text) for unit in units),
    )


def units_of(hits: Sequence[Hit]) -> list[Unit]:
    """Every unit of every hit that has a voice (`nasd.answer.injection`), in the order of the hits."""
    found: list[Unit] = []
    for number, hit in enumerate(hits):
        text = hit.passage.passage.text
        spans = split(text)
        texts = [" ".join(text[span.start : span.end].split()) for span in spans]
        mute = silenced(texts, heading_of(hit))
        words = [() if quiet else tuple(stems(unit)) for unit, quiet in zip(texts, mute, strict=True)]
        head = frozenset(stems(heading_of(hit)))
        whole = head.union(*words)
        for at, span in enumerate(spans):
            if mute[at]:
                continue
            nearby = frozenset(word for near in words[max(0, at - 1) : at + 2] for word in near)
            found.append(
                Unit(number, hit.passage.content_id, at, span, texts[at], words[at], head, nearby, whole)
            )
    return found


def without_running_lines(units: Sequence[Unit]) -> list[Unit]:
    """The units that are no header or footer: a short line that differs in figures alone from one in another
    passage of the same file, such as "Annual report | page 12"."""
    seen: dict[tuple[int, str], set[int]] = {}
    keys = [(unit.content, _FIGURES.sub("0", unit.text)) for unit in units]
    for unit, key in zip(units, keys, strict=True):
        seen.setdefault(key, set()).add(unit.hit)
    return [
        unit
        for unit, key in zip(units, keys, strict=True)
        if len(unit.words) > RUNNING_LINE or len(seen[key]) == 1 or _FIGURES.search(unit.text) is None
    ]


def features(question: Asked, unit: Unit) -> dict[str, float]:
    """The features that `WEIGHTS` weighs, by name."""
    own = frozenset(unit.words)
    cue = 0.0
    if question.cue is not None:
        cue = 1.0 if holds_another(question.cue, unit.text, question.folded) else -1.0
    return {
        "headed": question.coverage(own | unit.around),
        "nearby": question.coverage(unit.nearby | unit.around),
        "rank": 1 / (unit.hit + 1),
        "cue": cue,
        "short": float(len(unit.words) < 4),
        "long": math.log1p(len(unit.words)),
        "repeated": float(key_of(unit.text) in question.common),
        "boilerplate": float(is_boilerplate(unit.text)),
    }


def word_score(question: Asked, unit: Unit) -> float:
    """The score of a unit by its words and place; its similarity comes on top where there is a model."""
    return sum(WEIGHTS[name] * value for name, value in features(question, unit).items())


def repeats(unit: Unit, others: Sequence[Unit]) -> bool:
    """Whether most words of a unit are in one of the others already, or the other way round."""
    own = frozenset(unit.words)
    for other in others:
        theirs = frozenset(other.words)
        if len(own & theirs) > 0.7 * min(len(own), len(theirs)):
            return True
    return False


def heading_of(hit: Hit) -> str:
    """What stands above a passage: file name, title, headings, sheet."""
    place = hit.passage.passage.place
    name = display_path(hit.file.path).rsplit("/", 1)[-1].rsplit(".", 1)[0].replace("_", " ")
    return " ".join(filter(None, (name, hit.passage.title, place.heading, place.sheet)))
