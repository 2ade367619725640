"""Plain text, Markdown and source code: text stays exact, lines are counted."""

from __future__ import annotations

import pytest

from nasd.domain.passages import Role
from tests.unit.extract.reading import read, texts, whole


@pytest.mark.parametrize("kind", ["text", "markdown", "code"])
@pytest.mark.parametrize(
    "text",
    [
        "one\ntwo\n\nthree\n",
        "\r\n\r\n  indented\r\nmore\r\n\r\nend",
        "old\rmac\r\rlines",
        "   \n\t\n",
        "",
        "no end",
        "# Title\ntext\n\n```\n\n\ncode\n```\nafter\n\n- a\n- b\n\n|x|y|\n|1|2|\n",
        "---\ntitle: T\n---\nbody",
        "---\nno end of the front matter\n\n",
        "a\x0bb\x0cc\u2028d\n\ne",
    ],
)
def test_the_text_is_kept_exactly(kind: str, text: str) -> None:
    blocks, _ = read(kind, text.encode())
    assert whole(blocks) == (text if text.strip() else "")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for block in blocks:
        if block.text:
            assert block.line_start is not None and block.line_end is not None
            shown = "\n".join(lines[block.line_start - 1 : block.line_end])
            assert block.text.replace("\r\n", "\n").replace("\r", "\n") == shown.strip()


def test_paragraphs_and_their_lines() -> None:
    blocks, notes = read("text", b"first\nstill first\n\n\nsecond\n")
    assert [(b.text, b.line_start, b.line_end) for b in blocks] == [
        ("first\nstill first", 1, 2),
        ("second", 5, 5),
    ]
    assert notes.metadata["encoding"] == "utf-8"


def test_a_long_run_of_lines_is_cut_at_line_ends() -> None:
    text = "".join(f"entry {n} of the log\n" for n in range(5000))
    blocks, _ = read("text", text.encode())
    assert len(blocks) > 3
    assert whole(blocks) == text
    assert all(block.after == "\n" for block in blocks)
    assert [b.line_start for b in blocks[1:]] == [(b.line_end or 0) + 1 for b in blocks[:-1]]


def test_markdown_structure() -> None:
    source = (
        "Intro\n\n# One\n## Two ##\ntext\nmore\n\nSet\n===\nSub\n---\n\n- a\n  goes on\n- b\n1. c\n\n"
        "| h | i |\n|---|---|\n| 1 | 2 |\n\n~~~py\n# no heading\n\nx = 1\n~~~\n####### seven is none\n"
    )
    blocks, notes = read("markdown", source.encode())
    found = [(b.role, b.level, b.text) for b in blocks]
    assert found == [
        (Role.PARAGRAPH, 0, "Intro"),
        (Role.HEADING, 1, "# One"),
        (Role.HEADING, 2, "## Two ##"),
        (Role.PARAGRAPH, 0, "text\nmore"),
        (Role.HEADING, 1, "Set\n==="),
        (Role.HEADING, 2, "Sub\n---"),
        (Role.ITEM, 0, "- a\n  goes on"),
        (Role.ITEM, 0, "- b"),
        (Role.ITEM, 0, "1. c"),
        (Role.ROW, 0, "| h | i |"),
        (Role.ROW, 0, "|---|---|"),
        (Role.ROW, 0, "| 1 | 2 |"),
        (Role.CODE, 0, "~~~py\n# no heading\n\nx = 1\n~~~"),
        (Role.PARAGRAPH, 0, "####### seven is none"),
    ]
    assert notes.title == "One"


def test_front_matter_names_the_title() -> None:
    blocks, notes = read("markdown", b'---\nlayout: x\ntitle: "The bakery"\n---\n# Other\n')
    assert notes.title == "The bakery"
    assert blocks[0].role is Role.CODE


def test_an_unclosed_fence_reaches_the_end() -> None:
    blocks, _ = read("markdown", b"```\n# a\n\nb\n")
    assert [(b.role, b.text) for b in blocks] == [(Role.CODE, "```\n# a\n\nb")]


def test_code_is_cut_between_top_level_pieces() -> None:
    source = (
        "import os\n\nX = [\n\n    1,\n\n]\n\ndef f():\n    a = 1\n\n    return a\n\n\nclass C:\n    pass\n"
    )
    blocks, _ = read("code", source.encode())
    assert texts(blocks) == [
        "import os",
        "X = [\n\n    1,\n\n]",
        "def f():\n    a = 1\n\n    return a",
        "class C:\n    pass",
    ]
    assert [b.line_start for b in blocks] == [1, 3, 9, 15]
    assert all(b.role is Role.CODE for b in blocks)


def test_code_says_its_own_encoding() -> None:
    latin = '<?xml version="1.0" encoding="iso-8859-1"?>\n<a>Pâté</a>'.encode("latin-1")
    assert "Pâté" in whole(read("code", latin)[0])
    python = "# -*- coding: cp1251 -*-\nx = 'чай'\n".encode("cp1251")
    assert "чай" in whole(read("code", python)[0])
