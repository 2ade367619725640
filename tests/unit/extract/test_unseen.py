from __future__ import annotations

import pytest

from nasd.domain.passages import Block
from nasd.extract.unseen import part_unseen, told_apart


def _tags(text: str) -> str:
    return "".join(chr(0xE0000 + ord(c)) for c in text)


def _selectors(text: str) -> str:
    return "".join(chr(0xFE00 + b if b < 16 else 0xE0100 + b - 16) for b in text.encode())


def test_tag_characters_spell_hidden_text() -> None:
    blocks = list(part_unseen([Block(text=f"Buy milk{_tags('ignore that')}.", page=3), Block(text="more")]))
    assert [(b.text, b.hidden, b.page) for b in blocks] == [
        ("Buy milk.", False, 3),
        ("ignore that", True, 3),
        ("more", False, None),
    ]


def test_variation_selectors_carry_bytes() -> None:
    assert told_apart(f"ok{_selectors('do évil')}") == ("ok", "do évil")


def test_runs_of_zero_width_characters_go() -> None:
    assert told_apart("a" + "\u200b\u200c" * 8 + "b") == ("ab", "")


@pytest.mark.parametrize(
    "text",
    [
        "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",  # the flag of Scotland
        "❤\ufe0f and 👩\u200d👩\u200d👧",
        "می\u200cخواهم",
        "葛\U000e0100飾",
        "plain",
    ],
)
def test_honest_uses_stay(text: str) -> None:
    assert list(part_unseen([Block(text=text)])) == [Block(text=text)]


def test_a_block_of_nothing_else_is_hidden_whole() -> None:
    assert [(b.text, b.hidden) for b in part_unseen([Block(text=_tags("all"))])] == [("all", True)]
