"""Words as they are compared: folded, and cut to a light stem that needs no language to be known."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from nasd.domain.clitics import AFTER, APOSTROPHES
from nasd.domain.queries import spaced

_WORD = re.compile(r"\w+")
_APOSTROPHE = re.compile(rf"[{APOSTROPHES}](?:{'|'.join(sorted(AFTER))})\b", re.IGNORECASE)

# Endings of inflection, longest first, in English and its Germanic and Romance neighbours. What is cut too
# short is cut so on both sides of the comparison.
_ENDINGS = (
    "ations", "ation", "ingly", "ments", "ement", "ings", "ment", "tion", "edly", "ers", "ing", "ied", "ions",
    "ion", "ent", "ern", "est", "able", "ed", "er", "es", "en", "em", "os", "as", "ly", "al", "s", "e", "n",
    "o", "a",
)  # fmt: skip
_SHORTEST = 4
"""Letters that a stem keeps; three before a plural s."""


def fold(text: str) -> str:
    """Lower case without diacritics, compatibility forms made plain."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if unicodedata.category(character)[0] != "M")


def stem(word: str) -> str:
    """A folded word without its ending; numbers stay whole."""
    if len(word) <= 3 or word[0].isdigit():
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= (3 if ending == "s" else _SHORTEST):
            word = word[: -len(ending)]
            break
    return word[:-1] if word.endswith("i") and len(word) > _SHORTEST else word


def stems(text: str) -> Iterator[str]:
    """The stems of a text in order; scripts without spaces give pairs of neighbouring characters."""
    previous = ""
    for word in _WORD.findall(fold(spaced(_APOSTROPHE.sub("", text)))):
        if len(word) == 1 and not word.isascii() and spaced(word) != word:
            if previous:
                yield previous + word
            previous = word
        else:
            previous = ""
            yield stem(word)
