"""A question that leans on the one before, made to stand alone for a search. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from nasd.domain.queries import parse

_LEANS = re.compile(
    r"^\W*(?:and|but|or|so|also|then|what about|how about|und|aber|et|mais|y|e|ma|en)\b|"
    r"\b(?:it|its|he|his|him|she|her|they|their|them|this|that|these|those|there|one|ones|same|er|sie|es|ihn|ihm|ihr|"
    r"dies\w*|davon|dazu|dort|il|elle|ils|elles|ce|cette|celui|él|ella|ellos|esto|eso|lui|lei|questo|quello)\b",
    re.IGNORECASE,
)
FEW = 2
"""Words of its own below which a question says too little to be looked for alone."""


def standing_alone(question: str, earlier: Sequence[str]) -> str:
    """The question; after an earlier one that it leans on, with that one's words before its own."""
    if not earlier:
        return question
    own = parse(question)
    few = len(own.terms) + len(own.phrases) + len(own.unspaced) < FEW
    if not (few or _LEANS.search(question)):
        return question
    before = earlier[-1]
    if len(earlier) > 1 and _LEANS.search(before):
        before = f"{earlier[-2]} {before}"
    return f"{before} {question}"
