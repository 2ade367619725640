"""Real documents with phrases that must be found, and hostile ones that must end in a document or an error,
all through the confined child."""

from __future__ import annotations

import json
import os
import re
import time
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nasd.domain.passages import Document
from nasd.errors import ReadError
from nasd.extract.base import Limits
from nasd.extract.kinds import kind_of, supported
from nasd.extract.sandbox import Sandbox

pytestmark = pytest.mark.corpus

_FORMATS = ("txt", "md", "html", "csv", "tsv", "pdf", "docx", "pptx", "xlsx", "eml")
_PLAIN = {
    0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"', 0x2013: "-", 0x2014: "-", 0x2010: "-", 0x2011: "-",
    0xA0: " ", 0xAD: None, 0x200B: None,
}  # fmt: skip


def _norm(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).translate(_PLAIN)
    return re.sub(r"\s+", " ", text).strip().lower()


def _squash(text: str) -> str:
    return re.sub(r"[\s\-*_#`\\|>]+", "", _norm(text))


def _found(needle: str, text: str) -> bool:
    return _norm(needle) in _norm(text) or _squash(needle) in _squash(text)


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    box = Sandbox(Limits(wall_s=60.0, cpu_s=50))
    yield box
    box.close()


def _extract(sandbox: Sandbox, path: Path) -> Document:
    fd = os.open(path, os.O_RDONLY)
    try:
        return sandbox.extract(fd, name=path.name, kind=kind_of(path.name).name)
    finally:
        os.close(fd)


def test_real_documents_yield_what_they_say(corpora: Path, sandbox: Sandbox) -> None:
    total = found = extra = extra_found = 0
    misses: list[str] = []
    forbidden: list[str] = []
    for case in _lines(corpora / "formats" / "expected.jsonl"):
        if case["format"] not in _FORMATS or case["tier"] == "ocr":
            continue
        path = corpora / "formats" / case["path"]
        try:
            text = _extract(sandbox, path).text
        except ReadError as error:
            text = ""
            misses.append(f"{case['path']}: {error.reason}: {error.detail}")
        skip = set(case.get("unverified", ()))
        for phrase in case["must_contain"]:
            if phrase in skip:
                continue
            total += 1
            if _found(phrase, text):
                found += 1
            else:
                misses.append(f"{case['path']}: {phrase!r}")
        for phrase in case.get("nice_to_contain", ()):
            extra += 1
            extra_found += _found(phrase, text)
            if not _found(phrase, text):
                print("nice", case["path"], repr(phrase))
        forbidden += [
            f"{case['path']}: {phrase!r}"
            for phrase in case.get("must_not_contain", ())
            if _found(phrase, text)
        ]
        if any_of := case.get("any_of"):
            total += 1
            hit = any(_found(phrase, text) for phrase in any_of)
            found += hit
            if not hit:
                misses.append(f"{case['path']}: none of {any_of}")
    print(f"must_contain {found}/{total} = {found / total:.1%}; nice_to_contain {extra_found}/{extra}")
    print(*misses, sep="\n")
    assert not forbidden
    assert found / total >= 0.95


def test_hostile_files_end_in_a_document_or_an_error(corpora: Path, sandbox: Sandbox) -> None:
    soft = soft_found = 0
    problems: list[str] = []
    outcomes: dict[str, int] = {}
    for case in _lines(corpora / "hostile" / "expected.jsonl"):
        path = corpora / "hostile" / case["path"]
        if not supported(kind_of(path.name).name):
            continue
        started = time.monotonic()
        text, reason = "", "read"
        try:
            text = _extract(sandbox, path).text
        except ReadError as error:
            reason = error.reason
        outcomes[reason] = outcomes.get(reason, 0) + 1
        if time.monotonic() - started > case["max_seconds"]:
            problems.append(f"{case['path']}: too slow")
        if reason in ("crashed", "time"):
            problems.append(f"{case['path']}: {reason}")
        expect = case["expect"]
        if expect == "locked" and reason != "encrypted":
            problems.append(f"{case['path']}: {reason}, not encrypted")
        if expect == "reject" and reason == "read":
            problems.append(f"{case['path']}: read, not rejected")
        problems += [
            f"{case['path']}: says {phrase!r}"
            for phrase in case.get("must_not_contain", ())
            if phrase in text
        ]
        for phrase in case.get("must_contain", ()):
            hit = _found(phrase, text)
            if case.get("soft"):
                soft, soft_found = soft + 1, soft_found + hit
            elif not hit:
                problems.append(f"{case['path']}: lacks {phrase!r}")
    print(outcomes, f"guessed encodings {soft_found}/{soft}")
    assert not problems, "\n".join(problems)
    assert soft_found / soft >= 0.9
