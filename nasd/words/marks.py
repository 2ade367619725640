"""Where in a text what was wanted stands, by the very rules that found it."""

from __future__ import annotations

from collections.abc import Sequence

from nasd.words.base import Unit, Wanted
from nasd.words.terms import spans, terms

Range = tuple[int, int]


def marks(text: str, wanted: Wanted) -> tuple[Range, ...]:
    """Code point ranges of the words that count, in order, none overlapping another."""
    found = spans(text)
    singles = {
        run[0] for unit in _units(wanted) if not unit.prefix for run in unit.alternatives if len(run) == 1
    }
    prefixes = tuple(run[-1] for unit in _units(wanted) if unit.prefix for run in unit.alternatives)
    ranges = [
        (start, end)
        for term, start, end in found
        if term in singles or (prefixes and term.startswith(prefixes))
    ]
    order = [term for term, _, _ in found]
    for unit in wanted.some:
        if any(len(run) == 1 for run in unit.alternatives) and not _there(order, unit):
            parts = {term for run in unit.alternatives for term in run}  # of a name that is nowhere whole
            ranges += [(start, end) for term, start, end in found if term in parts]
    for unit in _units(wanted):
        for run in unit.alternatives:
            if len(run) > 1:
                ranges += [(found[at][1], found[at + len(run) - 1][2]) for at in _places(order, run)]
    return _merged(ranges)


def obeys(text: str, wanted: Wanted) -> bool:
    """Whether all that has to be there is, and nothing that must not be."""
    order = terms(text)
    return all(_there(order, unit) for unit in wanted.all_of) and not any(
        _there(order, unit) for unit in wanted.none_of
    )


def _units(wanted: Wanted) -> tuple[Unit, ...]:
    return (*wanted.all_of, *wanted.some)


def _there(order: Sequence[str], unit: Unit) -> bool:
    if unit.prefix:
        return any(term.startswith(run[-1]) for run in unit.alternatives for term in order)
    return any(_places(order, run) for run in unit.alternatives)


def _places(order: Sequence[str], run: Sequence[str]) -> list[int]:
    size = len(run)
    wanted = list(run)
    return [
        at
        for at in range(len(order) - size + 1)
        if order[at] == wanted[0] and list(order[at : at + size]) == wanted
    ]


def _merged(ranges: list[Range]) -> tuple[Range, ...]:
    merged: list[Range] = []
    for start, end in sorted(ranges):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)
