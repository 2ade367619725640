"""Whether a sentence says the opposite of another: negations and opposites, clause by clause. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from nasd.answer.words import stems
from nasd.domain.stopwords import STOP_WORDS

_NEGATION = re.compile(
    r"\b(?:not|no|never|none|nobody|nothing|nowhere|neither|nor|without|cannot|hardly|barely|unable|"
    r"fail(?:s|ed)? to|"
    r"nicht|kein(?:e[nmrs]?)?|nie|niemals|niemand|nichts|nirgends|ohne|weder|"
    r"ne|n['’]|jamais|rien|personne|aucune?|sans|ni|nunca|jam[aá]s|ning[uú]n[ao]?|nadie|sin|nada|"
    r"non(?!-)|mai|nessun[oa]?|niente|senza|né|niet|geen|nooit|niemand|niets|zonder)\b|n['’]t\b|[不没無无未]|"
    r"ない|ません",
    re.IGNORECASE,
)
_NOT_NEGATING = re.compile(
    r"\bnot only\b|\bno\.\s?\d|\bnicht nur\b|\bno(?:n)? s[oó]lo\b|\bnon solo\b", re.IGNORECASE
)
_CLAUSE = re.compile(
    r"[,;:—–()]|\b(?:but|however|although|though|while|whereas|because|unless|except|aber|doch|sondern|"
    r"obwohl|"
    r"während|mais|bien que|pero|sino|aunque|ma|però|maar)\b",
    re.IGNORECASE,
)

_OPPOSITES = """
    increase decrease
    rise fall
    rose fell
    grow shrink
    higher lower
    high low
    more less fewer
    most least
    before after
    always never
    allow forbid prohibit
    permitted prohibited forbidden
    allowed forbidden prohibited
    include exclude
    accept reject refuse
    open close shut
    win lose
    won lost
    true false
    above below
    maximum minimum
    first last
    buy sell
    bought sold
    gain loss
    begin end
    start stop
    early late
    legal illegal
    possible impossible
    safe unsafe dangerous
    hot cold
    old new
    yes no
    with without
    mandatory optional
    required optional
    north south
    east west
    left right
    erlaubt verboten
    höher niedriger
    mehr weniger
    vor nach
    immer nie
    steigt sinkt
    stieg sank
"""


def _table() -> dict[str, frozenset[str]]:
    table: dict[str, frozenset[str]] = {}
    for line in _OPPOSITES.strip().splitlines():
        first, *others = (next(iter(stems(word))) for word in line.split())
        table[first] = table.get(first, frozenset()) | frozenset(others)
        for other in others:
            table[other] = table.get(other, frozenset()) | {first}
    return table


_OPPOSITE = _table()
_IDLE = frozenset(stem for words in STOP_WORDS.values() for word in words for stem in stems(word))


def is_negated(text: str) -> bool:
    """Whether an odd number of negations is in it."""
    return len(_NEGATION.findall(_NOT_NEGATING.sub(" ", text))) % 2 == 1


def contradicts(claim: str, evidence: Iterable[str]) -> bool:
    """Whether a clause of the claim is negated where the clause of the evidence nearest to it in words is
    not, or the other way round, or has the opposite of one of its words."""
    theirs = [
        (frozenset(stems(clause)), is_negated(clause), clause)
        for text in evidence
        for clause in _clauses(text)
    ]
    theirs = [one for one in theirs if one[0]]
    for clause in _clauses(claim):
        words = frozenset(stems(clause)) - _IDLE
        if not words or not theirs:
            continue
        shared = [len(words & found) / (len(words) + 0.01 * len(found)) for found, _, _ in theirs]
        best = max(shared)
        if best == 0:
            continue
        near = [theirs[number] for number, share in enumerate(shared) if share >= 0.8 * best]
        if all(negated != is_negated(clause) for _, negated, _ in near):
            return True
        whole = frozenset(word for found, _, _ in theirs for word in found)
        for word in words - whole:
            if any(opposite in found for opposite in _OPPOSITE.get(word, ()) for found, _, _ in near):
                return True
    return False


def _clauses(text: str) -> list[str]:
    parts = [part.strip() for part in _CLAUSE.split(text)]
    # What is too short to be a clause of its own belongs to the one before.
    clauses: list[str] = []
    for part in filter(None, parts):
        if clauses and len(part.split()) < 3:
            clauses[-1] += f" {part}"
        else:
            clauses.append(part)
    return clauses
