"""Is what a model says in what it cites? Each sentence checked against the passages, and the words of theirs
that say it found. Pure.

A sentence is supported when every citation exists, what it quotes is there word for word, its numbers, dates,
identifiers, names and addresses are in the cited text, it does not say the opposite, and enough of its words,
and its meaning where there is a model for that, are those of a few units of the passage. Those units are its
quotes: whatever is shown as a quote is a span of its passage.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from nasd.answer.claims import Claim
from nasd.answer.figures import Figures, missing, read_figures
from nasd.answer.names import lacking_names
from nasd.answer.plain import addresses
from nasd.answer.polarity import contradicts
from nasd.answer.quantities import NUMBER_WORDS, UNITS
from nasd.answer.words import stems
from nasd.domain.stopwords import STOP_WORDS

WINDOW = 3
"""Units that follow each other and are quoted as one, at most."""
MOST_QUOTES = 4

LEAST_SHARED = 0.5
LEAST_ALIKE = 0.45
"""Share of a sentence's words that its quotes have to hold; cosine of both. See `tests/bench/bench_verify.py`
for how many sentences that people wrote from a passage pass, and how many about other passages."""

BESIDE_A_FIGURE = 0.3
"""Share of a sentence's words that stand in one clause with each of its figures."""

_IDLE = frozenset(stem for words in STOP_WORDS.values() for word in words for stem in stems(word))
_MEASURES = frozenset(stem for word in (*UNITS, *NUMBER_WORDS) for stem in stems(word))


class Doubt(StrEnum):
    """Why a sentence is not supported."""

    UNCITED = "it cites no passage"
    NO_SUCH_PASSAGE = "it cites a passage that was not given"
    MISQUOTED = "its quotation is not in the cited passage"
    FIGURE = "a number, date or identifier of it is not in the cited text"
    NAME = "a name in it is not in the cited text"
    ADDRESS = "an address in it is not in the cited text"
    OPPOSITE = "the cited text says the opposite"
    UNLIKE = "the cited text does not say it"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A numbered passage. `units`: spans of `text` that may be quoted, in order. `head`: title, headings and
    file name."""

    text: str
    units: Sequence[tuple[int, int]]
    head: str = ""


@dataclass(frozen=True, slots=True)
class Quote:
    n: int  # the passage's number
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """`quotes` are empty unless it is supported; `doubt` is None exactly then."""

    claim: Claim
    quotes: tuple[Quote, ...] = ()
    doubt: Doubt | None = None

    @property
    def supported(self) -> bool:
        return self.doubt is None


Alike = Callable[[str, str], float]
"""The cosine of two texts, by a model of meaning."""


def verify(
    claim: Claim,
    evidence: Mapping[int, Evidence],
    *,
    alike: Alike | None = None,
    common: frozenset[str] = frozenset(),
) -> Verdict:
    """Whether the passages that a sentence cites support it, and where. `common`: words in lower case known
    to be no names. Raises what `alike` raises, nothing else."""
    doubt, quotes = _examine(claim, evidence, alike, common)
    return Verdict(claim, () if doubt else tuple(quotes), doubt)


def find_verbatim(quoted: str, text: str) -> tuple[int, int] | None:
    """Where a quotation stands in a text, word for word: white space, hyphenation at line ends, and the kind
    of quotes and dashes aside."""
    words = re.findall(r"\w+|[^\w\s]", quoted)
    while words and not any(map(str.isalnum, words[-1])):
        words.pop()
    if not words:
        return None
    loose = r"[\s\u00ad]*"
    found = re.search(loose.join(_loosely(word) for word in words), text)
    return found.span() if found else None


def _loosely(word: str) -> str:
    if not word[0].isalnum():
        if word in "\"'“”„‘’«»":
            return "[\"'“”„‘’«»]"
        return "[-‐‑–—]" if word in "-‐‑–—" else re.escape(word)
    return r"(?:[-‐\u00ad]\s*)?".join(map(re.escape, word))


def _examine(
    claim: Claim, evidence: Mapping[int, Evidence], alike: Alike | None, common: frozenset[str]
) -> tuple[Doubt | None, list[Quote]]:
    if not claim.cited:
        return Doubt.UNCITED, []
    if any(number not in evidence for number in claim.cited):
        return Doubt.NO_SUCH_PASSAGE, []
    cited = {number: evidence[number] for number in claim.cited}
    fixed = _quotations(claim, cited)
    if fixed is None:
        return Doubt.MISQUOTED, []
    words = frozenset(stems(claim.text)) - _IDLE
    figures = read_figures(claim.text)
    quotes = _cover(words, figures, cited, fixed)
    parts = [cited[quote.n].text[quote.start : quote.end] for quote in quotes]
    told = "\n".join(parts)
    heads = "\n".join(cited[number].head for number in dict.fromkeys(quote.n for quote in quotes))
    if missing(figures, read_figures(told, within_dates=True), told):
        return Doubt.FIGURE, []
    if not addresses(claim.text) <= addresses(told):
        return Doubt.ADDRESS, []
    if lacking_names(claim.text, f"{told}\n{heads}", common):
        return Doubt.NAME, []
    if not parts or not _near_its_words(words, figures, parts, heads):
        return Doubt.UNLIKE, []
    if contradicts(claim.text, parts):
        return Doubt.OPPOSITE, []
    held = frozenset(stems(f"{told}\n{heads}"))
    if words and len(words & held) < LEAST_SHARED * len(words):
        return Doubt.UNLIKE, []
    if alike is not None and alike(claim.text, told) < LEAST_ALIKE:
        return Doubt.UNLIKE, []
    return None, quotes


def _quotations(claim: Claim, cited: Mapping[int, Evidence]) -> list[Quote] | None:
    """Where everything in quotation marks stands; None where something does not."""
    found: list[Quote] = []
    for quoted in claim.quoted:
        for number, one in cited.items():
            span = find_verbatim(quoted, one.text)
            if span is not None and _within(span, one.units):
                found.append(Quote(number, *span))
                break
        else:
            return None
    return found


def _within(span: tuple[int, int], units: Sequence[tuple[int, int]]) -> bool:
    """Whether a span touches only what may be quoted."""
    touched = [unit for unit in units if unit[0] < span[1] and span[0] < unit[1]]
    return bool(touched) and touched[0][0] <= span[0] and span[1] <= touched[-1][1]


def _cover(
    words: frozenset[str], figures: Figures, cited: Mapping[int, Evidence], fixed: Sequence[Quote]
) -> list[Quote]:
    """The few runs of units that hold most of the words and all of the figures: first the best one, then
    what adds to it."""
    runs = [
        (number, run, frozenset(stems(text)), text)
        for number, one in cited.items()
        for run in _runs(one.units)
        if (text := one.text[run[0] : run[1]])
    ]
    chosen = list(fixed)
    texts = [cited[quote.n].text[quote.start : quote.end] for quote in fixed]
    while len(chosen) < MOST_QUOTES:
        told = "\n".join(texts)
        held = frozenset(stems(told))
        lacking = set(missing(figures, read_figures(told, within_dates=True), told))
        best: tuple[float, Quote, str] | None = None
        for number, run, run_words, text in runs:
            gain = len((words - held) & run_words) / max(1, len(words))
            if lacking:
                both = f"{told}\n{text}"
                still = (
                    missing(figures, read_figures(both, within_dates=True), both)
                    if _has_digit(text)
                    else lacking
                )
                gain += 0.5 * (len(lacking) - len(set(still))) / len(lacking)
            gain -= 0.0004 * (run[1] - run[0])  # a shorter quote says it better
            if best is None or gain > best[0]:
                best = (gain, Quote(number, *run), text)
        if best is None or best[0] <= (0.0 if not chosen else 0.08):
            break
        chosen.append(best[1])
        texts.append(best[2])
    return chosen


def _has_digit(text: str) -> bool:
    return any(map(str.isdigit, text)) or bool(NUMBER_WORDS.keys() & text.casefold().split())


def _runs(units: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Up to `WINDOW` units in a row, with nothing between them that may not be quoted."""
    runs = []
    for first, unit in enumerate(units):
        end = unit[1]
        runs.append(unit)
        for following in units[first + 1 : first + WINDOW]:
            if following[0] - end > 8:  # something was left out between them
                break
            end = following[1]
            runs.append((unit[0], end))
    return runs


def _near_its_words(words: frozenset[str], figures: Figures, parts: Sequence[str], heads: str) -> bool:
    """Whether each number stands beside a word of the sentence: in `five years of guarantee, ten of spare
    parts` a guarantee of ten years is no number of the guarantee."""
    told = words - _MEASURES - frozenset(stem for one in figures.identifiers for stem in stems(one))
    told = frozenset(word for word in told if not any(map(str.isdigit, word)))
    around = frozenset(stems(heads))
    if not told - around or not (figures.numbers or figures.dates):
        return True
    clauses = [clause for part in parts for clause in re.split(r"(?<=[.;!?。])\s+|\n", part) if clause]
    for one in (*figures.numbers, *figures.dates):
        single = Figures(numbers=(one,)) if one in figures.numbers else Figures(dates=(one,))  # type: ignore[arg-type]
        holding = [
            clause
            for clause in clauses
            if not missing(single, read_figures(clause, within_dates=True), clause)
        ]
        shared = max((len(told & frozenset(stems(clause))) for clause in holding), default=len(told))
        if shared < max(1, BESIDE_A_FIGURE * len(told)):
            return False
    return True
