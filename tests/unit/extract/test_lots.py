"""Many small texts in one confined child: each as if it had been read alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from nasd.domain.passages import Document
from nasd.extract.base import Limits, SmallText
from nasd.extract.lots import MOST_TEXTS, PLAIN, document
from nasd.extract.samples import samples
from nasd.extract.sandbox import Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    box = Sandbox()
    yield box
    box.close()


def alone(box: Sandbox, path: Path, text: SmallText) -> Document:
    path.write_bytes(text.data)
    fd = os.open(path, os.O_RDONLY)
    try:
        return box.extract(fd, name=text.name, kind=text.kind)
    finally:
        os.close(fd)


def test_each_is_what_it_is_alone(sandbox: Sandbox, tmp_path: Path) -> None:
    texts = [SmallText(name=f"a.{kind}", kind=kind, data=samples()[kind]) for kind in sorted(PLAIN)]
    texts += [
        SmallText(name="empty.txt", kind="text", data=b""),
        SmallText(name="latin.txt", kind="text", data="Größe und Maß, naïve Fälle\n".encode("cp1252")),
        SmallText(name="tags.txt", kind="text", data="seen \U000e0041\U000e0042 text\n".encode()),
    ]
    assert sandbox.extract_texts(texts) == [alone(sandbox, tmp_path / "file", text) for text in texts]


def test_what_a_native_parser_would_read_is_left_to_a_child_of_its_own(sandbox: Sandbox) -> None:
    page = SmallText(name="a.html", kind="html", data=b"<p>heron</p>")
    note = SmallText(name="a.txt", kind="text", data=b"stork")
    found = sandbox.extract_texts([page, note])
    assert found[0] is None
    assert found[1] is not None
    assert found[1].text == "stork"


def test_a_lot_that_kills_its_child_costs_nothing_but_time() -> None:
    box = Sandbox(Limits(memory_bytes=16 << 20))
    try:
        small = SmallText(name="a.txt", kind="text", data=b"heron\n")
        # Hundreds of bytes of memory for each of its lines.
        big = SmallText(name="b.csv", kind="csv", data=b"a,b\n" * 1_000_000)
        first, second = box.extract_texts([small, big])
        assert first is not None
        assert first.text.strip() == "heron"
        assert second is None
        again = box.extract_texts([small])[0]
        assert again == first
    finally:
        box.close()


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "text",
        [],
        [[], None, "text/1", []],
        [[["no block"]], None, "text/1", [], {}],
        [[], 7, "text/1", [], {}],
        [[], None, "text/1", "notes", {}],
        [[], None, "text/1", [], []],
    ],
)
def test_what_the_child_should_not_send_is_no_document(sent: object) -> None:
    assert document(sent) is None


def test_of_a_full_lot_only_the_text_that_cannot_be_read_is_left_out() -> None:
    texts = [
        SmallText(name=f"{number}.txt", kind="text", data=f"heron {number}\n".encode())
        for number in range(MOST_TEXTS)
    ]
    bad = MOST_TEXTS // 2
    texts[bad] = SmallText(name="long.txt", kind="text", data=b"heron " * 1000)
    box = Sandbox(Limits(output_chars=1000))
    try:
        found = box.extract_texts(texts)
    finally:
        box.close()
    assert found[bad] is None
    read = [one.text.strip() if one else None for one in found]
    assert read[:bad] + read[bad + 1 :] == [f"heron {one}" for one in range(MOST_TEXTS) if one != bad]
