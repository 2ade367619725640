"""Passages by the million, made from the real sentences of the test collections.

Each is three to seven sentences drawn at random, so that words keep the frequencies they have in real text;
one in ten names an invoice that no other names.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

from tests.bench.collections import COLLECTIONS, load

_SENTENCE = re.compile(r"(?<=[.!?。])\s+")


def sentences(corpora: Path) -> list[str]:
    """Of all collections: about 50,000."""
    return [
        sentence
        for name in COLLECTIONS
        for chunk in load(corpora, name).chunks
        for sentence in _SENTENCE.split(chunk.passage.passage.text)
        if 20 < len(sentence) < 400
    ]


def passages(pool: list[str], count: int, seed: int = 1) -> Iterator[str]:
    """The same ones each time."""
    chance = random.Random(seed)
    for number in range(count):
        text = " ".join(chance.choices(pool, k=chance.randint(3, 7)))
        yield f"{text} Invoice {identifier(number)}." if number % 10 == 0 else text


def identifier(number: int) -> str:
    """The invoice that passage `number` names, if it is a tenth one."""
    return f"INV-{2000 + number % 26}-{number:07d}"
