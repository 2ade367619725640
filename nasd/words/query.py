"""From what a person typed to what is wanted of the index."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

from nasd.domain.queries import MAX_UNITS, Query
from nasd.words.base import Unit, Wanted
from nasd.words.terms import DEFAULT, fold, language_of, terms

_UMLAUT = re.compile("ä|ö|ü", re.IGNORECASE)
_WRITTEN_OUT = {"ä": "ae", "ö": "oe", "ü": "ue"}
_DIGRAPH = re.compile("ae|oe|ue")


def wanted(
    query: Query,
    languages: Sequence[str] = (DEFAULT,),
    *,
    match: Literal["any", "all"] = "any",
    quoted: Literal["must", "may"] = "must",
    tolerant: bool = False,
) -> Wanted:
    """What a query wants. `languages`: those that texts are known to be in, whose stems its words are tried
    by, beside its own. `match`: whether any or all of the words must occur. `quoted`: whether phrases in
    quotation marks must occur (what a searcher means), or only raise the rank (in a question in prose)."""
    own = language_of(query.text)
    tried = tuple(dict.fromkeys([*((own,) if own else ()), *languages, DEFAULT]))
    phrases = [_phrase(phrase, tried) for phrase in query.phrases]
    words = [unit for term in (*query.terms, *query.unspaced) for unit in _units(term, tried)]
    words += [unit for prefix in query.prefixes for unit in _units(prefix, tried, prefix=True)]
    some = _distinct([*phrases, *words])[:MAX_UNITS]
    none_of = _distinct(_phrase(one, tried) for one in query.excluded)[:MAX_UNITS]
    if match == "all":
        return Wanted(all_of=some, none_of=none_of)
    must = _distinct(phrases)[:MAX_UNITS] if quoted == "must" else ()
    # A phrase that must be there is also among what raises the rank: words beside it add, none is needed.
    return Wanted(some=() if must == some else some, all_of=must, none_of=none_of, tolerant=tolerant)


def identifiers(query: Query) -> tuple[str, ...]:
    """The whole terms of words with a digit, when the query has no other words: somebody looks for exactly
    this, as for INV-2023-0042."""
    words = (*query.terms, *query.phrases)
    if not words or query.unspaced or query.prefixes:
        return ()
    exact = [terms(word)[-1] for word in words if any(char.isdigit() for char in word)]
    return tuple(exact) if len(exact) == len(words) else ()


def _units(word: str, languages: Iterable[str], *, prefix: bool = False) -> list[Unit]:
    """One unit for each term of a word; a word of one term by all its stems and spellings."""
    by_language = [terms(word, language) for language in languages]
    if not by_language[0]:
        return []
    if len(by_language[0]) > 1:
        if not word.isascii() and _longest(by_language[0], word) != by_language[0]:
            return [Unit(alternatives=((term,),), prefix=prefix) for term in _longest(by_language[0], word)]
        # One thing that was typed counts once: "10-Q" is 10q or 10 beside q, not three words.
        *parts, last = by_language[0]
        joined = fold("".join(filter(str.isalnum, word)))
        if not joined.startswith(last):  # no term stands for the whole
            parts, last = [*parts, last], joined
        return [Unit(alternatives=((last,), tuple(parts)), prefix=prefix)]
    spelt = [
        one for spelling in _spellings(word) for language in languages for one in terms(spelling, language)
    ]
    if prefix:
        return [Unit(alternatives=((fold(word),),), prefix=True)]
    return [Unit(alternatives=tuple(dict.fromkeys((term,) for term in spelt)))]


def _phrase(phrase: str, languages: Iterable[str]) -> Unit:
    stems = (tuple(terms(phrase, language)) for language in languages)
    return Unit(alternatives=tuple(dict.fromkeys(run for run in stems if run)))


def _spellings(word: str) -> list[str]:
    """Umlauts may be written out in the text and not in the query, or the other way round."""
    found = [word]
    if _UMLAUT.search(word):
        found.append(_UMLAUT.sub(lambda match: _WRITTEN_OUT[match[0].lower()], word))
    elif _DIGRAPH.search(word.lower()):
        found.append(_DIGRAPH.sub(lambda match: match[0][0], word.lower()))
    return found


def _longest(found: Sequence[str], word: str) -> list[str]:
    """Of the overlapping n-grams of a script without spaces only the longest: they say most."""
    if word.isascii() or max(map(len, found)) > 3 or "".join(found) == word:
        return list(found)
    size = max(map(len, found))
    return [term for term in found if len(term) == size or term.isascii()]


def _distinct(units: Iterable[Unit]) -> tuple[Unit, ...]:
    return tuple(dict.fromkeys(unit for unit in units if unit.alternatives))
