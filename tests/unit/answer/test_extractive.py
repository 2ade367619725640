"""Answers made of the files' own sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from nasd.answer.extractive import MAX_EMBEDDED, MAX_SENTENCES, NOTHING, ExtractiveAnswerer
from nasd.domain.search import Answer, Hit
from tests.fakes.hits import hit

DISHWASHER = hit(
    "The appliance must be connected by a specialist. Guarantee period: 5 years from date of purchase. "
    "Spare parts are kept for ten years.",
    path="Documents/bosch.pdf",
    title="Bosch dishwasher",
    page=3,
)
GARDEN = hit("Roses are pruned in March. The hedge is cut in June.", rank=2, path="garden.md")
BREAD = hit("Mix flour with water. Bake the loaf for forty minutes.", rank=3, path="bread.md")


def ask(question: str, *hits: Hit) -> Answer:
    return ExtractiveAnswerer().answer(question, hits, None)


def test_the_best_sentence_is_quoted_with_its_file_and_place() -> None:
    answer = ask("How long is the guarantee period of the dishwasher?", DISHWASHER, GARDEN, BREAD)
    assert not answer.abstained
    assert answer.answerer == "extractive"
    assert answer.text.startswith("Guarantee period: 5 years from date of purchase [1].")
    citation = answer.citations[0]
    assert citation.file.path == b"Documents/bosch.pdf"
    assert citation.passage.passage.place.page == 3
    assert citation.quote == "Guarantee period: 5 years from date of purchase."
    assert answer.nearest == ()


def test_what_is_asked_for_decides_between_sentences_alike_in_words() -> None:
    answer = ask(
        "When was the library opened?",
        hit("The library was opened with a concert. Rain fell. The library was opened in 1998."),
    )
    assert answer.citations[0].quote == "The library was opened in 1998."


@pytest.mark.parametrize(
    "question",
    [
        "What is the wifi password of the moon base?",
        "Who painted the kitchen ceiling last Tuesday?",
        "capital of the galactic empire",
        "was",
        "",
        "?!",
    ],
)
def test_without_evidence_it_abstains_and_names_the_nearest(question: str) -> None:
    answer = ask(question, DISHWASHER, GARDEN, BREAD)
    assert answer.abstained
    assert answer.text == NOTHING
    assert answer.citations == ()
    assert answer.sentences == ()
    assert answer.nearest == (DISHWASHER, GARDEN, BREAD)


def test_without_hits_it_abstains() -> None:
    answer = ask("How long is the guarantee?")
    assert answer.abstained
    assert answer.nearest == ()


def test_one_word_that_is_there_is_evidence() -> None:
    assert ask("hedge", GARDEN, BREAD).citations[0].quote == "The hedge is cut in June."


def test_sentences_do_not_repeat_each_other() -> None:
    text = "The guarantee period of the dishwasher is five years."
    answer = ask(
        "What is the guarantee period of the dishwasher?", hit(text), hit(text, rank=2, path="copy.txt")
    )
    assert len(answer.sentences) == len(answer.citations) == 1


def test_several_good_sentences_are_all_given() -> None:
    answer = ask(
        "What are the opening hours of the library?",
        hit(
            "On weekdays the opening hours of the library are nine to five. Bring a card. "
            "At weekends the library keeps opening hours from ten until noon. Dogs stay outside. "
            "In August all opening hours of the library vary with staff holidays. Coats are hung up. "
            "During exams the library extends opening hours beyond midnight."
        ),
    )
    assert 1 < len(answer.sentences) <= MAX_SENTENCES
    assert not any("Dogs" in citation.quote for citation in answer.citations)
    assert [sentence.citations for sentence in answer.sentences] == [
        (number,) for number in range(1, len(answer.citations) + 1)
    ]
    assert answer.text == " ".join(sentence.text for sentence in answer.sentences)


def test_sentences_that_follow_each_other_are_one_quote() -> None:
    text = "The library has short opening hours on weekdays. In August opening hours vary by staff holidays."
    answer = ask("What are the opening hours of the library?", hit(text))
    assert [citation.quote for citation in answer.citations] == [text]


def test_boilerplate_is_no_answer_where_there_is_another() -> None:
    answer = ask(
        "Who certifies the quarterly report of Acme?",
        hit("I, Ann Lee, certify that I have reviewed this quarterly report of Acme.", path="a.txt"),
        hit("The quarterly report of Acme is certified by Ann Lee.", path="b.txt", rank=2),
    )
    assert answer.citations[0].file.path == b"b.txt"


def test_an_answer_and_a_refusal_say_how_sure_they_are() -> None:
    sure = ask("How long is the guarantee period of the dishwasher?", DISHWASHER, GARDEN, BREAD).confidence
    unsure = ask("Who painted the kitchen ceiling last Tuesday?", DISHWASHER, GARDEN, BREAD).confidence
    assert sure is not None
    assert unsure is not None
    assert 1 >= sure > unsure >= 0


def test_a_row_comes_with_the_head_of_its_table() -> None:
    answer = ask(
        "What were total net sales?",
        hit(
            "Three Months Ended\nJune 2022 2021\niPhone $ 40,665 $ 39,570\nTotal net sales $ 82,959 $ 81,434"
        ),
    )
    assert answer.sentences[0].text == (
        "Three Months Ended June 2022 2021 … Total net sales $ 82,959 $ 81,434 [1][2]."
    )
    assert answer.sentences[0].citations == (1, 2)
    assert answer.citations[1].quote == "Total net sales $ 82,959 $ 81,434"


def test_a_row_right_below_its_head_is_one_quote() -> None:
    answer = ask("How old is Bob Miller?", hit("Name\tAge\nBob Miller\t52\nEve Smith\t47"))
    assert answer.citations[0].quote == "Name\tAge\nBob Miller\t52"
    assert answer.sentences[0].text == "Name Age Bob Miller 52 [1]."


def test_a_pronoun_comes_with_the_sentence_it_refers_to() -> None:
    answer = ask(
        "When was the Wiesent bridge rebuilt after the flood?",
        hit("The Wiesent bridge is made of stone. It was rebuilt in 1909 after the flood."),
    )
    assert "The Wiesent bridge is made of stone. It was rebuilt in 1909 after the flood." in (
        citation.quote for citation in answer.citations
    )


def test_a_pronoun_at_the_head_of_a_passage_comes_with_the_heading() -> None:
    answer = ask(
        "When was the Wiesent bridge rebuilt after the flood?",
        hit("It was rebuilt in 1909 after the flood.", title="Bridges", heading="Bridges › Wiesent bridge"),
    )
    assert answer.text == "Wiesent bridge: It was rebuilt in 1909 after the flood [1]."


def test_an_item_comes_with_the_line_that_leads_into_its_list() -> None:
    answer = ask(
        "What does the guarantee exclude?", hit("The guarantee excludes:\n\n- damage by frost\n- lamps")
    )
    assert any("The guarantee excludes:" in citation.quote for citation in answer.citations)


def test_a_line_that_leads_into_a_list_comes_with_the_list() -> None:
    answer = ask(
        "What does the guarantee exclude?",
        hit(
            "The guarantee does exclude:\n\n- damage by frost\n- lamps\n\n"
            + "Other matter fills the page. " * 12
        ),
    )
    assert answer.citations[0].quote.startswith("The guarantee does exclude:\n\n- damage by frost\n- lamps")


def test_running_footers_are_no_answer() -> None:
    pages = [
        replace(hit(f"{text}\n\nAnnual guarantee report 2023 | page {rank}", rank=rank), file=GARDEN.file)
        for rank, text in enumerate(("The guarantee lasts.", "Shoes are sold.", "Rents rise."), 1)
    ]
    pages = [replace(page, passage=replace(page.passage, content_id=2)) for page in pages]
    answer = ask("What does the annual guarantee report for 2023 tell?", *pages)
    assert not any("page" in citation.quote for citation in answer.citations)


class Meanings:
    """An embedder for which given texts lie near the question, others across from it."""

    def __init__(self, *near: str) -> None:
        self.near = near
        self.calls: list[list[str]] = []

    def __call__(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        self.calls.append(list(texts))
        rows = [(1, 0)] + [(0.9, 0.436) if text in self.near else (0, 1) for text in texts[1:]]
        return np.array(rows, np.float32)


def test_meaning_finds_what_words_do_not() -> None:
    text = "Frost pays out nothing. Your contract runs out on 31 March."
    question = "When does my agreement expire?"
    passage = hit(f"{text} Payment is due monthly.", path="contract.txt")
    assert ask(question, passage).abstained
    near = Meanings("Your contract runs out on 31 March.")
    answer = ExtractiveAnswerer().answer(question, [passage], near)
    assert answer.citations[0].quote == "Your contract runs out on 31 March."
    assert near.calls[0][0] == question


def test_with_a_model_and_nothing_near_it_abstains() -> None:
    hits = [DISHWASHER, GARDEN, BREAD]
    answer = ExtractiveAnswerer().answer("What is the wifi password of the moon base?", hits, Meanings())
    assert answer.abstained


def test_only_the_best_units_are_embedded() -> None:
    meanings = Meanings()
    hits = [hit(" ".join(f"Rose number {n} is pruned." for n in range(200)), rank=1)]
    ExtractiveAnswerer().answer("Which rose is pruned?", hits, meanings)
    assert len(meanings.calls) == 1
    assert len(meanings.calls[0]) == MAX_EMBEDDED + 1


@pytest.mark.parametrize(
    ("question", "text", "quote"),
    [
        ("Wie lange gilt die Garantie der Spülmaschine?",
         "Das Gerät ist weiß. Die Garantie der Spülmaschine gilt fünf Jahre.",
         "Die Garantie der Spülmaschine gilt fünf Jahre."),
        ("东京塔高333米吗？", "港区很大。东京塔高333米。", "东京塔高333米。"),
        ("كم عدد لاعبي الفريق؟",
         "تأسس النادي قديما. عدد لاعبي الفريق 11 لاعبا.",
         "عدد لاعبي الفريق 11 لاعبا."),
    ],
)  # fmt: skip
def test_other_languages_and_scripts(question: str, text: str, quote: str) -> None:
    assert ask(question, hit(text)).citations[0].quote == quote
