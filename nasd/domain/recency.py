"""Whether a query asks for what is newest, in its own words."""

from __future__ import annotations

import re
from itertools import chain

from nasd.domain.stopwords import STOP_WORDS

MOST_WORDS = 8
"""Longer texts are sentences, in which "latest" may be about anything."""

# "last" and its like in other languages are left out: a last will, the last war.
_NEWEST = (
    r"latest|newest|most recent|neuest(?:e[rsnm]?)?|aktuellst(?:e[rsnm]?)?|(?:le |la |les )?plus récente?s?"
    r"|más recientes?|più recent[ei]|mais recentes?|nieuwste|meest recente"
)
_FUNCTION_WORDS = frozenset(chain.from_iterable(STOP_WORDS.values()))
_AT_START = re.compile(
    rf"(?:(?:the|my|our|de|der|die|das|den|dem|mijn|onze|meine?[rn]?|unsere?[rn]?) )?(?:{_NEWEST}) +(?=\S)",
    re.I,
)
_AT_END = re.compile(
    r"(?<=\S),? (?:(?:newest|latest) first|neue?ste[ns]? zuerst"
    rf"|(?:el |la |los |las |i |il |le |o |a )?(?:{_NEWEST}))$",
    re.I,
)


def newest_asked(text: str) -> str | None:
    """What is left of a query that begins or ends with asking for the newest, as "latest invoice" does; None
    when it does not ask for that. Words in quotation marks are meant as they stand."""
    text = " ".join(text.split())
    if "?" in text or len(text.split(" ")) > MOST_WORDS:
        return None
    for pattern in (_AT_START, _AT_END):
        match = pattern.match(text) if pattern is _AT_START else pattern.search(text)
        if match is not None:
            rest = (text[: match.start()] + text[match.end() :]).strip()
            words = [word for word in rest.casefold().split(" ") if any(map(str.isalnum, word))]
            return rest if any(word not in _FUNCTION_WORDS for word in words) else None
    return None
