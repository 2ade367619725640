from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from nasd.domain.known import KEPT, KnownItem, folded, is_telling, make_item, paraphrase, words_of

LETTER = "The landlord returns the deposit within six months after the tenant has moved out of the flat"


def test_a_paraphrase_drops_words_and_changes_their_order() -> None:
    for seed in range(50):
        query = paraphrase(LETTER, Random(seed)).split()
        assert not Counter(query) - Counter(LETTER.split())
        assert len(query) == round(len(LETTER.split()) * KEPT)
        assert " ".join(query) not in LETTER
        positions = iter(LETTER.split())
        assert not all(word in positions for word in query), "the order is the same"


def test_the_same_seed_makes_the_same_item_and_another_one_another() -> None:
    made = [make_item("d1", [LETTER], seed) for seed in range(20)]
    assert made == [make_item("d1", [LETTER], seed) for seed in range(20)]
    assert len({one.query for one in made if one is not None}) > 10
    assert all(isinstance(one, KnownItem) and one.sentence == LETTER for one in made)


@pytest.mark.parametrize(
    ("sentence", "telling"),
    [
        (LETTER, True),
        ("Too short to ask for", False),
        ("no no no no no no no no no no", False),
        ("12 34 56 78 90 12,50 1.000 7 8 9 EUR", False),
        (" ".join(["word"] * 3 + [f"w{letter}" for letter in "abcdefghijklmnopqrstuvwxyz" * 2]), False),
        ("租客搬出公寓之后房东必须在六个月之内把押金全部退还给租客本人", True),
    ],
)
def test_which_sentences_make_a_query(sentence: str, telling: bool) -> None:
    assert is_telling(sentence) is telling
    assert (make_item("d", [sentence], 1) is not None) is telling


def test_text_without_spaces_is_cut_into_pieces_that_all_occur() -> None:
    sentence = "租客搬出公寓之后房东必须在六个月之内把押金全部退还给租客本人"
    assert "".join(words_of(sentence)) == sentence
    assert all(piece in sentence for piece in paraphrase(sentence, Random(1)).split())


def test_no_sentence_no_item() -> None:
    assert make_item("d", [], 1) is None


def test_white_space_and_case_do_not_tell_sentences_apart() -> None:
    assert folded("The  deposit\nis returned") == folded("the deposit is RETURNED ")
