"""Names in a sentence, told by their capitals, and whether a text has them. Pure."""

from __future__ import annotations

import re

from nasd.answer.words import stems
from nasd.domain.stopwords import STOP_WORDS

_CAPITALISED = re.compile(r"(?<![\w'’])[A-ZÀ-ÖØ-ÞА-ЯΑ-Ω][\w&'’.-]*\w|(?<![\w'’])[A-ZÀ-ÖØ-ÞА-ЯΑ-Ω](?!\w)")
_STOPS = {language: frozenset(words) for language, words in STOP_WORDS.items()}
_ANY_STOP = frozenset(word for words in _STOPS.values() for word in words)
_OPENERS = frozenset(
    """
    according additionally also although among another based besides both conversely currently despite each
    either finally first following furthermore generally given hence instead later likewise meanwhile moreover
    most next none nonetheless note once only originally otherwise overall previously second several similarly
    since some specifically still subsequently sometimes therefore third thus today together typically usually
    various yes zunächst außerdem daher deshalb dabei laut ferner schließlich insgesamt selon ainsi según
    además secondo inoltre volgens daarnaast
    """.split()  # noqa: SIM905 - a page of words
)


def lacking_names(sentence: str, text: str, common: frozenset[str] = frozenset()) -> list[str]:
    """The names of a sentence that a text has not. `common`: words in lower case known to be no names, which
    frees a sentence's first word, and the nouns of a German one."""
    held = frozenset(stems(text))
    german = _is_german(sentence)
    lacking = []
    for match in _CAPITALISED.finditer(sentence):
        word = match[0].rstrip(".'’-")
        folded = word.casefold()
        if folded in _ANY_STOP or not word:
            continue
        shouted = len(word) > 1 and (word.isupper() or any(map(str.isupper, word[1:])))
        opens = (
            not sentence[: match.start()].strip(" \"'“„«(")
            or sentence[: match.start()].rstrip()[-1:] in ".!?:"
        )
        ordinary = opens and (folded in _OPENERS or folded in common)
        noun = german and not shouted and not _beside_another(sentence, match)
        if (ordinary or noun) and not shouted:
            continue
        if not frozenset(stems(word)) <= held:
            lacking.append(word)
    return lacking


def _is_german(sentence: str) -> bool:
    words = set(re.findall(r"\w+", sentence.casefold()))
    found = {language: len(words & stops) for language, stops in _STOPS.items()}
    return found["de"] > 0 and found["de"] == max(found.values())


def _beside_another(sentence: str, match: re.Match[str]) -> bool:
    """Whether another capitalised word stands right beside it, as in a full name."""
    before = re.search(r"(\S+) $", sentence[: match.start()])
    after = re.match(r" ([A-ZÀ-ÖØ-Þ]\w+)", sentence[match.end() :])
    return bool(after) or bool(before and before[1][:1].isupper() and before[1].casefold() not in _ANY_STOP)
