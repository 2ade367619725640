"""Real documents with phrases that must be found, and hostile ones that must end in a document or an error,
all through the confined child."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nasd.domain.passages import Document
from nasd.errors import ReadError
from nasd.extract.base import Limits
from nasd.extract.kinds import kind_of, supported
from nasd.extract.sandbox import Sandbox
from tests.bench.judging import found

pytestmark = pytest.mark.corpus


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
    passed: dict[str, list[int]] = {}  # tier, and tier and format -> passed, all
    extra = extra_found = 0
    problems: list[str] = []
    silent: list[str] = []
    forbidden: list[str] = []
    for case in _lines(corpora / "formats" / "expected.jsonl"):
        if case["tier"] == "ocr":
            continue
        path = corpora / "formats" / case["path"]
        missing: list[str] = []
        try:
            # Only what a person sees: a phrase that was taken for hidden is a miss.
            blocks = _extract(sandbox, path).blocks
            text = "".join(block.text + block.after for block in blocks if not block.hidden)
        except ReadError as error:
            text = ""
            missing.append(f"{error.reason}: {error.detail}")
        if not text and not missing:
            silent.append(case["path"])
        skip = set(case.get("unverified", ()))
        missing += [
            phrase for phrase in case["must_contain"] if phrase not in skip and not found(phrase, text)
        ]
        forbidden += [
            f"{case['path']}: {phrase!r}"
            for phrase in case.get("must_not_contain", ())
            if found(phrase, text)
        ]
        if (any_of := case.get("any_of")) and not any(found(phrase, text) for phrase in any_of):
            missing.append(f"none of {any_of}")
        for phrase in case.get("nice_to_contain", ()):
            extra += 1
            extra_found += found(phrase, text)
        for key in (case["tier"], f"{case['tier']} {case['format']}"):
            counts = passed.setdefault(key, [0, 0])
            counts[0] += not missing
            counts[1] += 1
        if missing:
            problems.append(f"{case['path']}: {missing}")
    print(*(f"{key}: {found}/{total}" for key, (found, total) in sorted(passed.items())), sep="\n")
    print(f"nice_to_contain {extra_found}/{extra}", *problems, sep="\n")
    assert not forbidden
    assert passed["core"][0] / passed["core"][1] >= 0.97
    assert not silent, "read without text and without a reason"


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
            hit = found(phrase, text)
            if case.get("soft"):
                soft, soft_found = soft + 1, soft_found + hit
            elif not hit:
                problems.append(f"{case['path']}: lacks {phrase!r}")
    print(outcomes, f"guessed encodings {soft_found}/{soft}")
    assert not problems, "\n".join(problems)
    assert soft_found / soft >= 0.9


def test_instructions_that_nobody_sees_are_kept_apart(corpora: Path, sandbox: Sandbox) -> None:
    cases = [
        case for case in _lines(corpora / "injection" / "cases.jsonl") if "invisible" in case["category"]
    ]
    assert cases
    for case in cases:
        for poison in case["poison"]:
            blocks = _extract(sandbox, corpora / "injection" / poison).blocks
            seen = " ".join(block.text for block in blocks if not block.hidden)
            assert not any(phrase in seen for phrase in case["must_not_contain"]), case["id"]
