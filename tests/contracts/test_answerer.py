"""What every answerer promises."""

from __future__ import annotations

import pytest

from nasd.answer.base import Answerer, EmbedSentences
from nasd.answer.extractive import ExtractiveAnswerer
from nasd.domain.search import Hit
from tests.fakes.embedder import HashingEmbedder
from tests.fakes.hits import hit

HITS = [
    hit("The meter reading is due in June. It is sent by post.", path="meter.txt"),
    hit("Rent is due on the first day of the month.\n\nThe landlord is Erika Mustermann.", rank=2),
    hit("", rank=3),
]


@pytest.fixture(params=[ExtractiveAnswerer], ids=["extractive"])
def answerer(request: pytest.FixtureRequest) -> Answerer:
    made: Answerer = request.param()
    return made


@pytest.fixture(params=[None, HashingEmbedder()], ids=["words", "model"])
def embed(request: pytest.FixtureRequest) -> EmbedSentences | None:
    return None if request.param is None else request.param.embed_documents


def test_every_quote_is_a_verbatim_span_of_its_passage(
    answerer: Answerer, embed: EmbedSentences | None
) -> None:
    answer = answerer.answer("On which day of the month is the rent due?", HITS, embed)
    assert not answer.abstained
    assert answer.answerer == answerer.name
    assert answer.citations
    for citation in answer.citations:
        text = citation.passage.passage.text
        assert text[citation.quote_start : citation.quote_end] == citation.quote
        assert any(citation.passage == hit.passage and citation.file == hit.file for hit in HITS)


def test_citations_are_numbered_as_they_appear(answerer: Answerer, embed: EmbedSentences | None) -> None:
    answer = answerer.answer("When is the meter reading due, and when the rent?", HITS, embed)
    assert [citation.n for citation in answer.citations] == list(range(1, len(answer.citations) + 1))
    mentioned = [number for sentence in answer.sentences for number in sentence.citations]
    assert list(dict.fromkeys(mentioned)) == [citation.n for citation in answer.citations]
    assert all(f"[{number}]" in answer.text for number in mentioned)
    assert all(sentence.supported for sentence in answer.sentences)


@pytest.mark.parametrize("hits", [HITS, [], HITS[2:]], ids=["other matter", "no hits", "an empty passage"])
def test_without_evidence_it_abstains(
    answerer: Answerer, embed: EmbedSentences | None, hits: list[Hit]
) -> None:
    answer = answerer.answer("Which submarine visited Zanzibar?", hits, embed)
    assert answer.abstained
    assert answer.text
    assert answer.citations == ()
    assert answer.sentences == ()
    assert list(answer.nearest) == hits[: len(answer.nearest)]
    assert bool(answer.nearest) == bool(hits)


def test_the_same_question_has_the_same_answer(answerer: Answerer, embed: EmbedSentences | None) -> None:
    question = "Who is the landlord?"
    assert answerer.answer(question, HITS, embed) == answerer.answer(question, HITS, embed)
