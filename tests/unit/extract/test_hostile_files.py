"""Whatever is in a file, reading it ends, within what a file may cost, and with a word on how."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from nasd.domain.passages import Document
from nasd.errors import ReadError
from nasd.extract.base import Member
from nasd.extract.frames import Exit
from nasd.extract.kinds import HEAD_BYTES, kind_of, sniff
from nasd.extract.registry import CONTAINERS, READERS
from nasd.extract.sandbox import Sandbox
from tests.fakes.hostile import HOSTILE, pdfs

MOST_SECONDS, MOST_BYTES = 60.0, 2048 << 20
# What stands outside of a document that names it, and what no expansion may bring.
FORBIDDEN = ("root:x:0:0", "hohohohohoho")
TOLERANCE = 16 << 20
"""Of the memory for a PDF: the file itself, which has some bytes for each page, and what the heap leaves."""


class Measured:
    """A sandbox and how its children ended."""

    def __init__(self) -> None:
        self.box = Sandbox()
        self.ends: list[Exit] = []

    def read(self, path: Path) -> list[str]:
        """All texts that come of a file, or why none does. Raises `ReadError`."""
        self.ends.clear()
        fd = os.open(path, os.O_RDONLY)
        try:
            kind = sniff(os.pread(fd, HEAD_BYTES, 0), kind_of(path.name).name)
            if kind in CONTAINERS:
                return [text for member in self._members(fd, path, kind) for text in _texts(member)]
            if kind not in READERS:
                raise ReadError(f"Nothing reads {kind}.", reason="unsupported")
            return [self.box.extract(fd, name=path.name, kind=kind).text]
        finally:
            os.close(fd)

    def _members(self, fd: int, path: Path, kind: str) -> Iterator[Member]:
        talk = self.box.unpack(fd, name=path.name, kind=kind)
        told, answer = next(talk, None), None
        while told is not None:
            if isinstance(told, Member):
                yield told
            answer = None if isinstance(told, Member) else True
            try:
                told = talk.send(answer)
            except StopIteration:
                return


def _texts(member: Member) -> list[str]:
    return [member.document.text] if member.document is not None else []


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Iterator[Measured]:
    one = Measured()
    decode = Exit.decode

    def seen(data: bytes) -> Exit:
        one.ends.append(decode(data))
        return one.ends[-1]

    monkeypatch.setattr(Exit, "decode", staticmethod(seen))
    yield one
    one.box.close()


def _outcome(measured: Measured, path: Path) -> str:
    """What came of it in short, within its limits."""
    try:
        texts = measured.read(path)
    except ReadError as error:
        assert error.detail
        outcome = error.reason
    else:
        for text in texts:
            assert not any(phrase in text for phrase in FORBIDDEN)
        outcome = "text" if any(text.strip() for text in texts) else "empty"
    assert all(end.peak_bytes < MOST_BYTES for end in measured.ends)
    assert all(end.cpu_s < MOST_SECONDS for end in measured.ends)
    return outcome


@pytest.mark.timeout(900)
@pytest.mark.slow
def test_hostile_files_end_within_their_limits(measured: Measured, tmp_path: Path) -> None:
    outcomes = {}
    for name, make in HOSTILE.items():
        path = tmp_path / name
        path.write_bytes(make())
        outcomes[name] = _outcome(measured, path)
        path.unlink()
    print(outcomes)
    noise = {name: outcome for name, outcome in outcomes.items() if name.startswith("noise.")}
    assert "text" not in noise.values(), noise
    # The sandbox is as good as new.
    after = tmp_path / "after.txt"
    after.write_text("still reading")
    assert measured.read(after) == ["still reading"]


@pytest.mark.parametrize(
    ("name", "outcomes"),
    [
        ("laughs.xml", {"text", "empty", "malformed"}),
        ("outside.xml", {"text"}),
        ("remote.xml", {"text"}),
        ("laughs.docx", {"malformed"}),
        ("outside.docx", {"text", "malformed"}),
        ("outside.odt", {"text", "malformed"}),
        ("repeated.ods", {"text"}),
        ("spaces.odt", {"text"}),
        ("recursive.pdf", {"empty", "malformed"}),
        ("deep.html", {"text"}),
        ("misnested.html", {"text"}),
        ("nested.zip", {"empty"}),
        ("overlapping.zip", {"empty"}),
        ("messages.eml", {"malformed", "text"}),
        ("huge.bmp", {"empty"}),
        ("loop.tiff", {"malformed"}),
        ("noise.png", {"malformed"}),
    ],
)
def test_what_becomes_of_hostile_files(
    measured: Measured, tmp_path: Path, name: str, outcomes: set[str]
) -> None:
    path = tmp_path / name
    path.write_bytes(HOSTILE[name]())
    assert _outcome(measured, path) in outcomes


@pytest.mark.corpus
def test_the_collection_of_hostile_files_ends_within_its_limits(measured: Measured, corpora: Path) -> None:
    lines = (corpora / "hostile" / "expected.jsonl").read_text("utf-8").splitlines()
    cases = [json.loads(line) for line in lines]
    seconds, peak = 0.0, 0
    for case in cases:
        _outcome(measured, corpora / "hostile" / case["path"])
        for end in measured.ends:
            assert end.cpu_s < case["max_seconds"], case["path"]
            assert end.peak_bytes < case["max_rss_mb"] << 20, case["path"]
            seconds, peak = max(seconds, end.cpu_s), max(peak, end.peak_bytes)
    print(f"{len(cases)} hostile files: at most {seconds:.1f} s of processor time, {peak >> 20} MiB")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("pages", [1000, pytest.param(5000, marks=pytest.mark.slow)])
def test_a_pdf_of_many_pages_needs_no_more_memory_than_one_of_few(
    measured: Measured, tmp_path: Path, pages: int
) -> None:
    peaks: dict[int, int] = {}
    for count in (50, pages):
        path = tmp_path / f"{count}.pdf"
        path.write_bytes(pdfs.pages_pdf(count))
        (text,) = measured.read(path)
        assert f"Page {count}, line 39" in text
        peaks[count] = measured.ends[-1].peak_bytes
    print({count: f"{peak >> 20} MiB" for count, peak in peaks.items()})
    assert peaks[pages] < peaks[50] + TOLERANCE


def test_many_small_blocks_become_few_and_their_text_stays(measured: Measured, tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    path.write_bytes(b"a\n\n" * 200_000)
    fd = os.open(path, os.O_RDONLY)
    try:
        document: Document = measured.box.extract(fd, name=path.name, kind="text")
    finally:
        os.close(fd)
    assert document.text == "a\n\n" * 200_000
    assert len(document.blocks) < 51_000
