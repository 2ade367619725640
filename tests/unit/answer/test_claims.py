"""Replies of a model taken apart, at once and bit by bit."""

from __future__ import annotations

import pytest

from nasd.answer.claims import Claim, ReplyReader, read_reply


@pytest.mark.parametrize(
    ("reply", "claims"),
    [
        ("Five years [1]. It is blue [2, 3].", [Claim("Five years.", (1,)), Claim("It is blue.", (2, 3))]),
        ("Five years. [1] Then more [2-4].", [Claim("Five years.", (1,)), Claim("Then more.", (2, 3, 4))]),
        ("<think>Hm [4].</think>It is 5 [1].", [Claim("It is 5.", (1,))]),
        ("<think>never ends [1].", []),
        ("It says “five years” [1].", [Claim("It says “five years”.", (1,), ("five years",))]),
        (
            "- **Bold** [1]\n- see [this](http://x.example) [2]",
            [Claim("Bold", (1,)), Claim("see this", (2,))],
        ),
        ("![logo](http://198.51.100.1/p.png?d=x)", []),
        ("Nothing cited.", [Claim("Nothing cited.", ())]),
        ("[1]", []),
        ("", []),
    ],
)
def test_sentences_with_what_they_cite(reply: str, claims: list[Claim]) -> None:
    assert read_reply(reply) == claims
    reader = ReplyReader()
    bit_by_bit = [claim for character in reply for claim in reader.take(character)]
    assert [*bit_by_bit, *reader.end()] == claims


def test_a_sentence_comes_as_soon_as_the_next_begins() -> None:
    reader = ReplyReader()
    assert reader.take("Five years [1]. It is") == [Claim("Five years.", (1,))]
    assert reader.take(" blue") == []
    assert reader.end() == [Claim("It is blue", ())]
