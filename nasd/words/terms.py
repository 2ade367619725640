"""The terms of a text: folded, stemmed in its language, identifiers whole and in parts.

The same rules make the terms of passages and of queries, and say where in a text they stand, so what is
highlighted is what was found. Stemmers are Snowball's (Porter, "Snowball: a language for stemming
algorithms", 2001). Scripts that write no spaces are cut into overlapping pairs (Han, kana, Hangul) or triples
(Thai, Lao, Khmer, Burmese) of characters, which needs no dictionary: McNamee and Mayfield, "Character n-gram
tokenization for European language text retrieval", 2004, found n-grams on a par with words.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain

import Stemmer

from nasd.domain.clitics import APOSTROPHES, without_clitic
from nasd.domain.scripts import HAN_AND_KANA, HANGUL, SOUTH_EAST_ASIAN
from nasd.domain.stopwords import STOP_WORDS

RULES = 1
"""Of this module: an index made by other rules is built again."""

LONGEST = 128
"""Characters of a term, as of a SHA-512 in hexadecimal; longer runs are no words and no identifiers."""

_REMEMBERED = 50_000  # words of each kind: 5 to 15 MB

_SNOWBALL = {
    "ar": "arabic",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "fi": "finnish",
    "fr": "french",
    "hi": "hindi",
    "hu": "hungarian",
    "it": "italian",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
}
DEFAULT = "en"

MOST_HUMPS = 8
"""Of one camelCase name; more is an encoded run, not a name."""

_SCRIPTS = (
    (re.compile("[\u0400-\u04ff]"), "ru"),
    (re.compile("[\u0370-\u03ff\u1f00-\u1fff]"), "el"),
    (re.compile("[\u0600-\u06ff]"), "ar"),
    (re.compile("[\u0900-\u097f]"), "hi"),
    (re.compile("[\u0b80-\u0bff]"), "ta"),
)
"""One language stands for a script; its stemmer leaves what is of another language mostly alone."""

_ZERO_WIDTH = "\u00ad\u200b-\u200d\u2060\ufeff"
_MARKS = "".join(
    chr(point)
    for start, stop in ((0x300, 0x1D00), (0xA66F, 0xAC00), (0xFE20, 0xFE30))
    for point in range(start, stop)
    if unicodedata.category(chr(point)).startswith("M")
)
_LETTER = f"[^\\W_{_ZERO_WIDTH}]"
_RUN = f"{_LETTER}(?:{_LETTER}|[{_MARKS}{_ZERO_WIDTH}])*"
_IBAN = r"\b[A-Z]{2}\d{2}(?: [A-Z0-9]{4}){2,7}(?: [A-Z0-9]{1,3})?\b"
_CHUNK = re.compile(rf"{_IBAN}|{_RUN}(?:[-./:,_@{APOSTROPHES}&+]{_RUN})*")
_ASCII_CHUNK = re.compile(rf"{_IBAN}|[^\W_]+(?:[-./:,_@'&+][^\W_]+)*")  # the same, in half the time
_PIECE = re.compile(_RUN)
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_UNSPACED = re.compile(f"([{HAN_AND_KANA}{HANGUL}]+)|([{SOUTH_EAST_ASIAN}]+)")
_STRIPPED = re.compile(
    f"[\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0640{_ZERO_WIDTH}]"
)
_LETTERS = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
_LANGUAGES_OF = {
    word: tuple(code for code, words in STOP_WORDS.items() if word in words)
    for word in frozenset(chain.from_iterable(STOP_WORDS.values()))
}


def fold(text: str) -> str:
    """Case, width, ligatures and the accents of alphabets that can do without; vowel signs of others stay."""
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    return unicodedata.normalize("NFC", _STRIPPED.sub("", text)).casefold()


def terms(text: str, language: str | None = None) -> list[str]:
    """In the order of the text. `language` is that of the words where the text itself does not tell."""
    words = _words(text)
    return _stems(_voted(words) or language or DEFAULT).of(words)


def terms_and_language(text: str) -> tuple[list[str], str | None]:
    """A text's terms, and its language as `language_of` tells it."""
    words = _words(text)
    language = _voted(words)
    return _stems(language or DEFAULT).of(words), language


def spans(text: str, language: str | None = None) -> list[tuple[str, int, int]]:
    """Each term with where in the text it stands, as code point offsets."""
    found = [
        (word, match.start() + start, match.start() + end)
        for match in (_ASCII_CHUNK if text.isascii() else _CHUNK).finditer(text)
        for word, start, end in _taken_apart(match[0])
    ]
    known = _stems(_voted([word for word, _, _ in found]) or language or DEFAULT)
    return [(known[word], start, end) for word, start, end in found]


def language_of(text: str) -> str | None:
    """The language most of a text's function words are of, as an ISO 639-1 code; None when nothing tells."""
    return _voted(_words(text))


def _words(text: str) -> list[str]:
    """Folded."""
    chunks = (_ASCII_CHUNK if text.isascii() else _CHUNK).findall(text)
    apart = _apart
    return [word for chunk in chunks for word in apart[chunk]]


def _voted(words: Iterable[str]) -> str | None:
    """One English function word tells; of another language two do: "die" and "no" are words in several."""
    votes: Counter[str] = Counter()
    for word, count in Counter(filter(_LANGUAGES_OF.__contains__, words)).items():
        for code in _LANGUAGES_OF[word]:
            votes[code] += count
    if not votes:
        return None
    best, count = max(votes.items(), key=lambda item: (item[1], item[0] == DEFAULT))
    return best if count >= 2 or best == DEFAULT else None


class _Stems(dict[str, str]):
    """Words and their stems in one language, remembered. A word with a digit is an identifier: kept whole."""

    def __init__(self, language: str) -> None:
        super().__init__()
        self._stemmer = Stemmer.Stemmer(_SNOWBALL.get(language, _SNOWBALL[DEFAULT]))

    def of(self, words: Iterable[str]) -> list[str]:
        return list(map(self.__getitem__, words))

    def __missing__(self, word: str) -> str:
        if len(self) > _REMEMBERED:
            self.clear()
        self[word] = stem = self._stem(word)
        return stem

    def _stem(self, word: str) -> str:
        if word.isascii():
            return (fold(self._stemmer.stemWord(word)) or word) if word.isalpha() else word
        if any(char.isdigit() for char in word):
            return word
        for script, code in _SCRIPTS:
            if script.match(word):
                return fold(_script_stemmer(code).stemWord(word)) or word
        return fold(self._stemmer.stemWord(word)) or word


@cache
def _stems(language: str) -> _Stems:
    return _Stems(language)


@cache
def _script_stemmer(language: str) -> Stemmer.Stemmer:
    return Stemmer.Stemmer(_SNOWBALL[language])


class _Apart(dict[str, tuple[str, ...]]):
    """The folded words of runs without spaces, remembered."""

    def __missing__(self, chunk: str) -> tuple[str, ...]:
        words = tuple([word for word, _, _ in _taken_apart(chunk)])
        if len(chunk) <= LONGEST:  # longer ones are not words that come again
            if len(self) > _REMEMBERED:
                self.clear()
            self[chunk] = words
        return words


_apart = _Apart()


def forget() -> None:
    """Lets go of the words remembered, some megabytes after many texts; they are taken apart again."""
    _apart.clear()
    _stems.cache_clear()


def _taken_apart(chunk: str) -> tuple[tuple[str, int, int], ...]:
    """The folded words of a run without spaces, with where they stand in it: its parts, and the whole without
    its joints when it has a digit or an @, so that INV-2023-0042, inv_2023_0042 and INV20230042 are one."""
    if (word := _simple(chunk)) is not None:
        return ((word, 0, len(chunk)),) if 0 < len(word) <= LONGEST else ()
    return tuple([one for one in _parts(chunk) if 0 < len(one[0]) <= LONGEST])


def _simple(chunk: str) -> str | None:
    """The folded word that nearly all runs are; None where there is more to it."""
    if _HUMP.search(chunk):
        return None
    if chunk.isascii():
        return chunk.lower() if chunk.isalnum() else None
    return fold(chunk) if chunk.isalpha() and not _UNSPACED.search(chunk) else None


def _parts(chunk: str) -> Iterator[tuple[str, int, int]]:
    pieces = list(_PIECE.finditer(chunk))
    if len(pieces) == 2 and chunk[pieces[0].end()] in APOSTROPHES:
        pieces = pieces[without_clitic(pieces[0][0], pieces[1][0])]
    for piece in pieces:
        for run, at in _even(piece[0]):
            start = piece.start() + at
            if _UNSPACED.match(run):
                yield from (
                    (gram, start + offset, start + offset + len(gram)) for gram, offset in _grams(run)
                )
                continue
            humps = _HUMP.split(run)
            if 1 < len(humps) <= MOST_HUMPS:
                yield from ((fold(hump), start, start + len(run)) for hump in humps)
            yield fold(run), start, start + len(run)
    if len(pieces) > 1 and ("@" in chunk or any(char.isdigit() for char in chunk)):
        yield fold("".join(piece[0] for piece in pieces)), 0, len(chunk)


def _even(piece: str) -> Iterator[tuple[str, int]]:
    """A run of letters where scripts with and without spaces meet, cut there."""
    at = 0
    for match in _UNSPACED.finditer(piece):
        if match.start() > at:
            yield piece[at : match.start()], at
        yield match[0], match.start()
        at = match.end()
    if at < len(piece):
        yield piece[at:], at


def _grams(run: str) -> Iterator[tuple[str, int]]:
    """Every character and the n-grams that begin with it."""
    longest = 2 if _UNSPACED.fullmatch(run)[1] else 3  # type: ignore[index]  # it matched before
    for at in range(len(run)):
        for size in range(1, longest + 1):
            if at + size <= len(run):
                yield run[at : at + size], at
