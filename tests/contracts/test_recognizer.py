"""What every recogniser promises: the installed engines, each skipped with a word where it is not."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from PIL import Image

from nasd.errors import ReadError
from nasd.extract.ocr import rapid, tesseract
from nasd.extract.ocr.base import Recognizer
from nasd.extract.ocr.layout import page_blocks
from tests.fakes.scans import WORDS, ScriptedRecognizer, gray, sheet


@pytest.fixture(
    scope="module", params=["scripted", "tesseract", pytest.param("rapidocr", marks=pytest.mark.slow)]
)
def recognizer(request: pytest.FixtureRequest) -> Iterator[Recognizer]:
    if request.param == "scripted":
        yield ScriptedRecognizer(WORDS, WORDS, "")
        return
    found = tesseract.find() if request.param == "tesseract" else rapid.find()
    if found is None:
        pytest.skip(f"{request.param} is not installed")
    yield found
    found.close()


def _words(recognizer: Recognizer, page: Image.Image) -> set[str]:
    found = recognizer.recognize(gray(page), any_rotation=True)
    text = " ".join(block.text for block in page_blocks(found.words, page=1))
    return set(re.findall(r"\w+", text.lower()))


def test_it_says_who_it_is(recognizer: Recognizer) -> None:
    assert re.search(r"\d", recognizer.name)


def test_a_page_that_lies_right(recognizer: Recognizer) -> None:
    assert {"invoice", "plumber", "ninth", "march"} <= _words(recognizer, sheet())


def test_a_page_that_stands_on_its_head(recognizer: Recognizer) -> None:
    assert {"invoice", "plumber", "ninth", "march"} <= _words(recognizer, sheet(rotation=180))


def test_an_empty_page_has_no_words(recognizer: Recognizer) -> None:
    assert _words(recognizer, Image.new("L", (800, 600), 255)) == set()


def test_after_its_end_it_fails_as_temporary() -> None:
    found = tesseract.find()
    if found is None:
        pytest.skip("tesseract is not installed")
    found.close()
    with pytest.raises(ReadError) as caught:
        found.recognize(gray(sheet()), any_rotation=False)
    assert caught.value.temporary
