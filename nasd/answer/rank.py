"""Which units of the hits speak to a question: features, score, and whether that is evidence. Pure.

The weights were fitted as a conditional logit (the right unit among up to forty of a question) on clapnq and
xquad and rounded. For those and for collections they were not fitted on, a hundred questions each, the share
whose first quote comes from a right file, holds the answer, and whose quotes together hold it
(`tests/bench/bench_extractive.py`):

                        clapnq            xquad             multihop          covidqa
    shared words alone  0.89  0.19  0.31  0.90  0.66  0.74  0.81  0.65  0.70  0.68  0.45  0.54
    without a model     0.91  0.31  0.53  0.90  0.73  0.81  0.81  0.70  0.77  0.67  0.51  0.59
    with similarity     0.94  0.33  0.56  0.89  0.67  0.77  0.80  0.73  0.80  0.74  0.47  0.62

xquad asks a third of its questions in languages that the model was not trained for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from nasd.answer.cues import Cue, asked, holds
from nasd.answer.sentences import Span, split
from nasd.answer.words import stems
from nasd.domain.files import display_path
from nasd.domain.queries import parse
from nasd.domain.search import Hit
from nasd.domain.stopwords import stop_words

WEIGHTS: Mapping[str, float] = {
    "own": 2.0,  # coverage of the question's words by the unit alone
    "headed": 4.0,  # … with its title and headings
    "nearby": 3.0,  # … with the units before and after, too
    "rank": 1.0,  # 1 for the first hit, 1/2 for the second, …
    "cue": 0.5,  # 1 if it holds what is asked for, such as a date; -1 if not; 0 if unknown
    "short": -0.8,  # fewer than four words
    "asks": -0.5,  # is itself a question
}
SIMILARITY_WEIGHT = 3.5

EVIDENCE_BY_WORDS = 1.05
EVIDENCE_WITH_MODEL = 0.61
WORDS_IN_EVIDENCE = 0.073
"""Below these an answer is refused; see `evidence`. Set on clapnq and xquad so that few of their questions
are refused and many of other collections' are. Refused, of a hundred questions of the collection and of a
hundred of the others, which now and then do have an answer in it:

                set on                    proved on
                clapnq      xquad         multihop    covidqa     sec10q
    with model  0.03  0.91  0.03  1.00    0.05  0.98  0.08  0.99  0.01  0.94
    words       0.03  0.75  0.04  0.93    0.09  0.86  0.05  0.89  0.20  0.91

Of the questions for which clapnq has a file that only looks right, 0.21 and 0.17 are refused.
"""

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
    )


def units_of(hits: Sequence[Hit]) -> list[Unit]:
    """Every unit of every hit, in the order of the hits."""
    found: list[Unit] = []
    for number, hit in enumerate(hits):
        text = hit.passage.passage.text
        spans = split(text)
        texts = [" ".join(text[span.start : span.end].split()) for span in spans]
        words = [tuple(stems(unit)) for unit in texts]
        head = _around(hit)
        whole = head.union(*words)
        for at, span in enumerate(spans):
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
    return {
        "own": question.coverage(own),
        "headed": question.coverage(own | unit.around),
        "nearby": question.coverage(unit.nearby | unit.around),
        "rank": 1 / (unit.hit + 1),
        "cue": 0.0 if question.cue is None else 1.0 if holds(question.cue, unit.text) else -1.0,
        "short": float(len(unit.words) < 4),
        "asks": float(unit.text.rstrip("\"'”’» ").endswith(("?", "？", "؟"))),
    }


def word_score(question: Asked, unit: Unit) -> float:
    """The score of a unit by its words and place; its similarity comes on top where there is a model."""
    return sum(WEIGHTS[name] * value for name, value in features(question, unit).items())


def evidence(question: Asked, units: Sequence[Unit], similarity: float | None) -> bool:
    """Whether anything here speaks to the question at all.

    `units`: best first. `similarity`: the highest cosine of any unit with the question, None without a model.
    A coverage counts with the square root of the question's weight, since a long question says much that its
    answer does not repeat. Without a model the best unit itself, with its headings, must hold two of the
    question's words or all of them.
    """
    if not units or not question.weights:
        return False
    size = math.sqrt(question.total)
    if similarity is None:
        words = frozenset(units[0].words) | units[0].around
        met, several = question.coverage(words), len(words & question.weights.keys()) > 1
        return met == 1 or (several and met * size >= EVIDENCE_BY_WORDS)
    met = max(question.coverage(unit.passage) for unit in units)
    return similarity + WORDS_IN_EVIDENCE * met * size >= EVIDENCE_WITH_MODEL


def repeats(unit: Unit, others: Sequence[Unit]) -> bool:
    """Whether most words of a unit are in one of the others already, or the other way round."""
    own = frozenset(unit.words)
    for other in others:
        theirs = frozenset(other.words)
        if len(own & theirs) > 0.7 * min(len(own), len(theirs)):
            return True
    return False


def _around(hit: Hit) -> frozenset[str]:
    place = hit.passage.passage.place
    name = display_path(hit.file.path).rsplit("/", 1)[-1].rsplit(".", 1)[0].replace("_", " ")
    return frozenset(stems(" ".join(filter(None, (name, hit.passage.title, place.heading, place.sheet)))))
