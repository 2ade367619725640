"""The answerer on real documents, by words alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from nasd.answer.extractive import ExtractiveAnswerer
from tests.bench.bench_extractive import Library, shares
from tests.bench.collections import load

pytestmark = pytest.mark.corpus


@pytest.fixture(scope="module")
def library(corpora: Path) -> Library:
    return Library(load(corpora, "clapnq"), None)


@pytest.mark.parametrize(
    "question",
    [
        "what is the wifi password of the moon base",
        "how do I reset my router",
        "where did I put the car insurance papers",
        "when is the next dentist appointment",
        "what is the serial number of the washing machine",
        "what is the iban of our joint account",
        "zorbulator flux",
    ],
)
def test_what_the_files_do_not_speak_of_is_not_answered(library: Library, question: str) -> None:
    answer = ExtractiveAnswerer().answer(question, library.hits(question), None)
    assert answer.abstained
    assert not answer.citations


def test_most_answers_cite_a_right_file(library: Library) -> None:
    result = shares(library, (), None, 60)
    assert result["cited"] >= 0.85
    assert result["found"] >= 0.4
    assert result["refused"] <= 0.1
