"""How many tokens a prompt has at most, where its server does not count for us."""

from __future__ import annotations

from collections.abc import Sequence

from nasd.llm.base import Message

LETTERS_A_TOKEN = 3.0
"""Of ASCII letters and spaces. English has 4 to 5, names and code about 3."""

BYTES_A_TOKEN = 1.5
"""Of UTF-8 beyond ASCII. Chinese characters have three bytes and about one token each, rare ones two."""

AROUND = 12
"""Tokens that a template puts around each message, and as many around all of them."""


def estimate_tokens(messages: Sequence[Message]) -> int:
    """Rather too many: digits and signs count as one token each, as many tokenizers have it."""
    total = float(AROUND)
    for message in messages:
        text = message.text
        letters = sum(character.isascii() and (character.isalpha() or character == " ") for character in text)
        ascii_others = sum(map(str.isascii, text)) - letters
        others = len(text.encode("utf-8", "replace")) - letters - ascii_others
        total += AROUND + letters / LETTERS_A_TOKEN + ascii_others + others / BYTES_A_TOKEN
    return int(total) + 1
