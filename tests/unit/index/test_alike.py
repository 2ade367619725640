"""What says the same is folded, and what differs in a number, a name or a "not" never is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasd.index.alike import Candidate, Folding

CONTRACT = (
    "The tenant Anna Weber pays 950.00 euros on the 3rd of May 2024, and may keep a dog. "
    "The landlord repairs the roof within 14 days, unless the tenant has broken it."
)


def folded(*texts: str | Candidate) -> list[int]:
    folding = Folding()
    return [folding.add(one if isinstance(one, Candidate) else Candidate(text=one)) for one in texts]


@pytest.mark.parametrize(
    "copy",
    [
        CONTRACT,
        CONTRACT.upper(),
        CONTRACT.replace(" ", "\n"),
        CONTRACT.replace("landlord repairs", "land-\nlord re\u00adpairs"),
        CONTRACT.replace(",", ""),
        "\n".join(f"> {line}" for line in CONTRACT.split(". ")),
        "On Monday, 6 May 2024, Bert <bert@example.org> wrote:\n> " + CONTRACT.replace(". ", ".\n> "),
        "Am 06.05.24 um 10:12 schrieb Bert Kunz:\n\n" + CONTRACT,
        f"* {CONTRACT}",
        CONTRACT.replace("The tenant", "**The tenant**", 1),
    ],
)
def test_a_copy_is_folded(copy: str) -> None:
    assert folded(CONTRACT, copy) == [0, 0]


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("950.00", "960.00"),
        ("950.00", "95000"),
        ("950.00", "-950.00"),
        ("950.00 euros", "$950.00 euros"),
        ("3rd", "4th"),
        ("2024", "2025"),
        ("14 days", "15 days"),
        ("Anna", "Hanna"),
        ("Weber", "Webers"),
        ("may keep", "may not keep"),
        ("unless", "if"),
        ("landlord", "tenant"),
        ("has broken", "has not broken"),
        (" euros", ""),
    ],
)
def test_versions_that_differ_in_a_word_are_not(word: str, other: str) -> None:
    version = CONTRACT.replace(word, other, 1)
    assert version != CONTRACT
    assert folded(CONTRACT, version) == [0, 1]
    assert folded(version, CONTRACT) == [0, 1]
    surrounded = "A paragraph stands before it. {} A paragraph stands behind it."
    assert folded(surrounded.format(CONTRACT), surrounded.format(version)) == [0, 1]
    assert folded(surrounded.format(CONTRACT), version) == [0, 1]


def test_a_part_is_folded_into_the_whole_but_not_the_whole_into_a_part() -> None:
    whole = f"House rules. {CONTRACT} Keys are returned at the end."
    assert folded(whole, CONTRACT) == [0, 0]
    assert folded(CONTRACT, whole) == [0, 1], "it says more"


@pytest.mark.parametrize(
    ("before", "after"),
    [("It is not agreed that ", ""), ("", ", if nobody objects"), ("Not: ", "")],
)
def test_a_part_of_a_sentence_is_not_the_sentence(before: str, after: str) -> None:
    assert folded(before + CONTRACT.rstrip(".") + after + ".", CONTRACT) == [0, 1]


def test_a_small_part_stays_for_itself() -> None:
    chapter = " ".join(f"Sentence number {n} of the chapter tells something else." for n in range(40))
    part = " ".join(f"Sentence number {n} of the chapter tells something else." for n in range(5, 8))
    assert folded(chapter, part) == [0, 1]


def test_short_texts_need_the_same_head() -> None:
    texts = [
        Candidate(text="Page 1 of 1", head="Invoice Bosch"),
        Candidate(text="Page 1 of 1", head="Invoice Siemens"),
        Candidate(text="Page 1 of 1.", head="Invoice Bosch"),
    ]
    assert folded(*texts) == [0, 1, 0]


def test_long_texts_do_not() -> None:
    texts = [Candidate(text=CONTRACT, head="Mail of May"), Candidate(text=CONTRACT, head="Re: your flat")]
    assert folded(*texts) == [0, 0]


def test_what_is_to_stay_apart_does() -> None:
    assert folded(Candidate(text=CONTRACT, apart=True), CONTRACT, CONTRACT) == [0, 1, 1]


def test_a_text_in_a_script_without_spaces() -> None:
    text = "契約は来年の三月に終了します。家賃は毎月九万五千円です。"
    head = "賃貸契約"
    same = Candidate(text=text, head=head)
    assert folded(same, same, Candidate(text=text.replace("三月", "四月"), head=head)) == [0, 0, 1]


SIGNS = ("☐", "☑", "5 %", "5 ‰", "< 5", "> 5", "(5)", "5", "+5", "-5", "±5")


@pytest.mark.parametrize("sign", SIGNS)
def test_signs_that_mean_something_tell_versions_apart(sign: str) -> None:
    def text(with_sign: str) -> str:
        return f"All of this long sentence stays as it was written but for {with_sign} at the end of it."

    others = [
        other for other in ("☐", "☑", "5 %", "5 ‰", "< 5", "> 5", "(5)", "5", "+5", "-5") if other != sign
    ]
    assert folded(text(sign), *map(text, others)) == list(range(len(others) + 1))


def test_texts_of_nothing_but_signs_are_no_trouble() -> None:
    assert folded("...", "…", "---", "", "", " ") == [0, 0, 0, 1, 2, 3], "and nothing is no copy of nothing"


WORDS = st.lists(st.sampled_from(("rent", "not", "5", "Anna", "pays", "roof", "dog", "May")), min_size=12)


@given(WORDS, WORDS)
def test_other_words_or_another_order_are_never_folded(better: list[str], other: list[str]) -> None:
    assert (folded(" ".join(better), " ".join(other)) == [0, 0]) == (better == other)
