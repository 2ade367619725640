"""How likely it is that the hits answer a question: a logistic model on a few features. Pure.

With a model of meaning and without one, the coefficients differ. Both were fitted on half of the questions of
clapnq, multihop and covidqa and half of cranfield's as foreign ones (asked where their documents are not
there), and proven on the other halves and on xquad and sec10q, of which nothing was fitted
(`tests/bench/bench_extractive.py` prints both and the risk-coverage curve).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from nasd.answer.cues import is_question
from nasd.answer.rank import Asked, Ranked
from nasd.answer.words import stems
from nasd.domain.search import Hit
from nasd.domain.stopwords import stop_words

WITH_MEANING: Mapping[str, float] = {
    "one": -15.73,
    "score": 0.31,  # of the best unit
    "nearby": 2.04,  # coverage of the question by the best unit, its neighbours and headings
    "words": 1.57,  # the logarithm of one more than the question's words: long ones are covered less
    "names lacking": -0.73,  # names of the question that no passage of the best units has
    "asks": 1.4,
    "sentences": 10.91,  # cosine, the mean of the three highest
    "passage": 4.17,  # cosine, the highest
}
BY_WORDS: Mapping[str, float] = {
    "one": -12.46,
    "score": 0.59,
    "nearby": 2.08,
    "words": 2.42,
    "names lacking": -0.91,
    "asks": 1.4,
    "passage words": 2.75,  # coverage of the question by the best unit's passage
}
"""`asks` is half of what the fit gives it: in clapnq what is no question has no answer; at home it is one
of a few words."""

SURE_ENOUGH = 0.35
SURE_ENOUGH_BY_WORDS = 0.195
"""Where the fitted halves are wrongly refused 0.08 of the time, on the mean of the three collections."""

EVIDENT = 0.5
"""At least so likely where a sentence with its headings has each word of a short query (without a model of
meaning: most of their weight), or where one says nearly the same as the question: what was fitted are long
questions to many files."""
FEW_WORDS = math.log1p(3)
MOST_WORDS = 0.6
SAYS_THE_SAME = 0.8
SPEAKS_OF_IT = 0.65
"""Cosine of a passage that has a sentence of at least `RELATED`. No more foreign questions are answered
for it; refused near misses of clapnq fall from 0.50 to 0.49."""
RELATED = 0.4
SMALL = 20
NEAR_AMONG_FEW = 0.5
"""With fewer sentences to compare than `SMALL`, chance brings none as near as among the forty of what was
fitted, where foreign questions reach 0.35 to 0.45 in the middle and 0.6 at the most."""

_CAPITALISED = re.compile(r"\b[A-ZÀ-ÖØ-ÞА-ЯΑ-Ω][\w'’-]+")
MOST_NAMES = 4
"""Names that count; a question which lists ten people may miss some."""

TOP = 5
"""Best units whose passages are searched for the question's names."""


def measure(
    asked: Asked,
    ranked: Sequence[Ranked],
    similarities: Sequence[float],
    hits: Sequence[Hit],
) -> dict[str, float]:
    """The features by name. `ranked`: best first, at least one. `similarities`: cosines of
    all units compared with the question; none without a model."""
    best = ranked[0].unit
    told = frozenset[str]().union(*(one.unit.passage for one in ranked[:TOP]))
    names = _names(asked.text)
    lacking = sum(not name <= told for name in names) / len(names) if names else 0.0
    found = {
        "one": 1.0,
        "score": ranked[0].score,
        "nearby": asked.coverage(best.nearby | best.around),
        "words": math.log1p(len(asked.weights)),
        "names lacking": lacking * min(len(names), MOST_NAMES),
        "asks": float(is_question(asked.text)),
        "headed": asked.coverage(frozenset(best.words) | best.around),
        "weight": math.sqrt(asked.total),
    }
    if similarities:
        highest = sorted(similarities, reverse=True)[:3]
        passages = [hit.similarity for hit in hits if hit.similarity is not None]
        found["sentences"] = sum(highest) / len(highest)
        found["highest"] = highest[0]
        found["compared"] = len(similarities)
        found["passage"] = max(passages, default=highest[0])
    else:
        found["passage words"] = asked.coverage(best.passage)
    return found


def confidence(features: Mapping[str, float]) -> float:
    """From 0 to 1, of what `measure` gives."""
    weights = WITH_MEANING if "sentences" in features else BY_WORDS
    logit = sum(weight * features[name] for name, weight in weights.items())
    likely = 1 / (1 + math.exp(-max(-60.0, min(60.0, logit))))
    few = features["words"] <= FEW_WORDS
    by_words = 1.0 if "sentences" in features else MOST_WORDS
    evident = (few and features["headed"] >= by_words) or _near(features)
    return max(likely, EVIDENT) if evident else likely


def _near(features: Mapping[str, float]) -> bool:
    """Whether a sentence or passage is so near in meaning that words do not matter."""
    if "sentences" not in features:
        return False
    highest, passage = features["highest"], features["passage"]
    if highest >= SAYS_THE_SAME or (passage >= SPEAKS_OF_IT and highest >= RELATED):
        return True
    return features["compared"] < SMALL and max(highest, passage) >= NEAR_AMONG_FEW


def threshold(features: Mapping[str, float]) -> float:
    """The confidence below which a question is refused."""
    return SURE_ENOUGH if "sentences" in features else SURE_ENOUGH_BY_WORDS


def _names(question: str) -> list[frozenset[str]]:
    """The stems of the capitalised words behind the first one."""
    words = _CAPITALISED.findall(question[1:])
    idle = stop_words(question.casefold().split())
    return [found for word in words if word.casefold() not in idle and (found := frozenset(stems(word)))]
