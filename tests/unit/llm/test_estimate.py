"""Tokens counted from here."""

from __future__ import annotations

import pytest

from nasd.llm.base import Message, Speed, Usage
from nasd.llm.estimate import estimate_tokens
from nasd.llm.speed import Learned


def estimated(text: str) -> int:
    return estimate_tokens([Message(role="user", text=text)]) - estimate_tokens(
        [Message(role="user", text="")]
    )


@pytest.mark.parametrize(
    ("text", "least"),
    [
        ("The warranty of the dishwasher runs five years.", 9),  # words
        ("4711 0815 1234567890", 18),  # many tokenizers take digits one by one
        ("保修期为五年", 6),  # about one a character
        ("Гарантия пять лет", 6),
        ("{[()]}" * 4, 24),
        ("🎉" * 5, 10),
    ],
)
def test_it_is_rather_too_many(text: str, least: int) -> None:
    assert least <= estimated(text) <= len(text.encode())


def test_every_message_costs_something() -> None:
    one = Message(role="user", text="a")
    assert estimate_tokens([one, one]) > estimate_tokens([one]) + 8


def usage(prompt: int, reused: int | None, prompt_s: float, written: int = 20) -> Usage:
    return Usage(
        prompt_tokens=prompt,
        reused_tokens=reused,
        completion_tokens=written,
        prompt_s=prompt_s,
        generate_s=2.0,
    )


def test_speed_is_of_what_was_really_read() -> None:
    learned = Learned()
    learned.learn(usage(1000, 999, 0.01))
    before = learned.speed
    learned.learn(usage(1000, 500, 5.0))
    assert (before, learned.speed) == (None, Speed(prompt=100.0, generate=10.0))


def test_a_speed_that_reuse_may_have_made_is_not_believed() -> None:
    learned = Learned()
    learned.learn(usage(1000, None, 10.0))
    learned.learn(usage(1000, None, 0.1))
    assert learned.speed is not None
    assert learned.speed.prompt == 100.0
    learned.learn(usage(1000, None, 20.0))
    assert learned.speed.prompt < 100.0
