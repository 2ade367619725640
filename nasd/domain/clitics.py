"""What is written together with a word by an apostrophe, and is no part of it."""

from __future__ import annotations

APOSTROPHES = "'’ʼ"
AFTER = frozenset({"s", "t", "d", "m", "re", "ve", "ll"})
"""English: Apple's, don't, we'll."""
BEFORE = frozenset(
    {"l", "d", "j", "m", "t", "s", "n", "c", "qu", "un", "all", "dall", "dell", "nell", "sull", "quest"}
)
"""French and Italian: l'eau, qu'il, dell'acqua."""


def without_clitic(before: str, after: str) -> slice:
    """Of two parts at an apostrophe, those that are words: `[before, after][without_clitic(before, after)]`.
    Both are, where neither is a clitic, as in O'Brien."""
    if after.casefold() in AFTER:
        return slice(0, 1)
    return slice(1, 2) if before.casefold() in BEFORE else slice(0, 2)
