"""What a person types into a search box, taken apart."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nasd.domain.clitics import APOSTROPHES, without_clitic
from nasd.domain.scripts import HAN_AND_KANA, SOUTH_EAST_ASIAN
from nasd.domain.stopwords import stop_words

MAX_CHARACTERS = 4_000
"""Longer queries are cut here: beyond any typed question, and it bounds what has to be looked up."""

MAX_UNITS = 96
"""How many terms and phrases are looked for; the longest question of the test collections has 54."""

_QUOTED = re.compile(r'(?<!\S)(-?)(?:"([^"]*)"|“([^”“]*)[”“]|„([^“”„]*)[“”]|«([^»]*)»)')
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff\ud800-\udfff]")
_QUOTES = re.compile('["“”„«»]')
_APOSTROPHE = re.compile(f"[{APOSTROPHES}]")
_UNSPACED_CLASS = HAN_AND_KANA + SOUTH_EAST_ASIAN
_UNSPACED = re.compile(f"[{_UNSPACED_CLASS}]")
_UNSPACED_RUN = re.compile(f"([{_UNSPACED_CLASS}]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query taken apart. Each entry is what was typed, without its marks; none is empty of letters."""

    text: str
    terms: tuple[str, ...] = ()  # single words; an identifier such as INV-2023-0042 is one
    phrases: tuple[str, ...] = ()  # in quotation marks: its words stand side by side
    prefixes: tuple[str, ...] = ()  # ended by an asterisk
    excluded: tuple[str, ...] = ()  # words and phrases after a minus sign
    unspaced: tuple[str, ...] = ()  # runs of scripts without spaces

    @property
    def empty(self) -> bool:
        """Nothing to look for: no letter or digit outside of exclusions."""
        return not (self.terms or self.phrases or self.prefixes or self.unspaced)


def parse(text: str) -> Query:
    """Take a query apart. Any text is a query; none raises.

    "a phrase" in any common quotation marks stays together; `-word` and `-"a phrase"` exclude, while a
    minus inside a word or before a digit belongs to it; `word*` is a prefix. Function words of the query's
    language are left out as long as anything else remains.
    """
    text = unicodedata.normalize("NFC", _CONTROL.sub(" ", text[:MAX_CHARACTERS]))
    phrases: list[str] = []
    excluded: list[str] = []

    def take(match: re.Match[str]) -> str:
        inner = " ".join(next((group for group in match.groups()[1:] if group is not None), "").split())
        if _searchable(inner):
            (excluded if match[1] else phrases).append(inner)
        return " "

    rest = _QUOTES.sub(" ", _QUOTED.sub(take, text))
    words: list[str] = []
    prefixes: list[str] = []
    unspaced: list[str] = []
    for token in rest.split():
        word = token.strip("".join(_edges(token)))
        if not word:
            continue
        if token.startswith("-") and token[1:2].isalpha():
            excluded.append(word)
        elif token.rstrip(",.;:!?)").endswith("*") and word.isalnum():
            prefixes.append(word)
        else:
            for part in _UNSPACED_RUN.split(word):
                if _UNSPACED.match(part):
                    unspaced.append(part)
                elif _searchable(part):
                    words.extend(_without_clitics(part))
    stops = stop_words(words)
    content = [word for word in words if word.casefold() not in stops]
    if not (content or phrases or prefixes or unspaced):
        content = words
    return Query(
        text=text.strip(),
        terms=_distinct(content),
        phrases=_distinct(phrases),
        prefixes=_distinct(prefixes),
        excluded=_distinct(excluded),
        unspaced=_distinct(unspaced),
    )


def spaced(text: str) -> str:
    """Text with the characters of scripts without spaces (Han, kana, Thai, Lao, Khmer, Burmese) apart. Other
    text is unchanged."""
    if not _UNSPACED.search(text):
        return text
    return _UNSPACED_RUN.sub(lambda run: f" {' '.join(run[1])} ", text)


def _without_clitics(word: str) -> Iterator[str]:
    """`Apple's` is Apple, `l'eau` is eau; `O'Brien` stays, to be found as neighbouring tokens."""
    parts = _APOSTROPHE.split(word)
    if len(parts) == 2 and all(parts):
        kept = parts[without_clitic(*parts)]
        if len(kept) == 1:
            yield kept[0]
            return
    yield word


def _edges(token: str) -> set[str]:
    """The characters around a token that no index keeps."""
    return {character for character in token if not character.isalnum()}


def _searchable(text: str) -> bool:
    return any(character.isalnum() for character in text)


def _distinct(words: Iterable[str]) -> tuple[str, ...]:
    return tuple({word.casefold(): word for word in reversed(list(words))}.values())[::-1]
