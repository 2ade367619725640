"""Real scans: the words that must be found are, through drawing, recognition and layout.

The default run takes one page; the long form takes every document and prints recall, time and memory of each.
"""

from __future__ import annotations

import json
import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nasd.domain.scans import UNREAD_PAGES, parse_pages
from nasd.extract.kinds import kind_of
from nasd.extract.ocr.base import Recognizer
from nasd.extract.ocr.choose import find_recognizer
from nasd.extract.ocr.layout import page_blocks
from nasd.extract.sandbox import Sandbox
from nasd.flows.scans import EDGE
from tests.bench.judging import found, word_recall

pytestmark = pytest.mark.corpus


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    box = Sandbox()
    yield box
    box.close()


@pytest.fixture(scope="module")
def recognizer() -> Iterator[Recognizer]:
    found = find_recognizer(())
    if found is None:
        pytest.skip("neither tesseract nor rapidocr is installed")
    yield found
    found.close()


def _scans(corpora: Path) -> list[dict[str, Any]]:
    lines = (corpora / "formats" / "expected.jsonl").read_text(encoding="utf-8").splitlines()
    return [case for case in map(json.loads, lines) if case["tier"] == "ocr"]


def _read(sandbox: Sandbox, recognizer: Recognizer, path: Path, most_pages: int = 1000) -> tuple[str, int]:
    """The text and how many pages were recognised."""
    kind = kind_of(path.name).name
    fd = os.open(path, os.O_RDONLY)
    try:
        document = sandbox.extract(fd, name=path.name, kind=kind)
        text = document.text
        pages = parse_pages(document.metadata.get(UNREAD_PAGES, ""))[:most_pages]
        for page in pages:
            picture = sandbox.draw(fd, name=path.name, kind=kind, page=page, edge=EDGE, form="gray")
            words = recognizer.recognize(picture, any_rotation="camera" not in document.metadata).words
            text += "".join(block.text + block.after for block in page_blocks(words, page=page))
    finally:
        os.close(fd)
    return text, len(pages)


def _passes(case: dict[str, Any], text: str) -> tuple[bool, float | None]:
    good = all(found(phrase, text) for phrase in case["must_contain"])
    if any_of := case.get("any_of"):
        good = good and any(found(phrase, text) for phrase in any_of)
    recall = None
    if truth := case.get("ocr_truth"):
        recall = word_recall(truth, text)
        good = good and recall >= case["min_word_recall"]
    return good, recall


def test_one_scanned_page(corpora: Path, sandbox: Sandbox, recognizer: Recognizer) -> None:
    case = next(case for case in _scans(corpora) if case["path"].endswith("ocr_test.pdf"))
    text, pages = _read(sandbox, recognizer, corpora / "formats" / case["path"], most_pages=1)
    assert pages == 1
    assert _passes(case, text)[0], text


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_scan(corpora: Path, sandbox: Sandbox, recognizer: Recognizer) -> None:
    passed = 0
    cases = _scans(corpora)
    print(f"\n{recognizer.name}")
    for case in cases:
        began = time.monotonic()
        text, pages = _read(sandbox, recognizer, corpora / "formats" / case["path"])
        good, recall = _passes(case, text)
        passed += good
        each = (time.monotonic() - began) / max(pages, 1)
        share = "" if recall is None else f", word recall {recall:.1%}"
        print(f"{case['path']}: {'pass' if good else 'FAIL'}{share}, {pages} pages, {each:.1f} s a page")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{passed} of {len(cases)} pass; largest child {peak:.0f} MB")
    assert passed >= 0.8 * len(cases)
