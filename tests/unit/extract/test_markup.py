"""reStructuredText, Org, LaTeX, notebooks and saved pages."""

from __future__ import annotations

import json

import pytest

from nasd.domain.passages import Role
from nasd.errors import ReadError
from nasd.extract.headings import plain
from tests.unit.extract.reading import read, texts, whole

_RST = (
    "=====\nTitle\n=====\n\nIntro\nmore::\n\n    code\n\n    more code\n\nOne\n---\n\n- a\n-"
    " b\n\nSub\n~~~\n\n"
    ".. code-block:: py\n\n   x = 1\n\nTwo\n---\ntext\n"
)
_ORG = (
    "#+TITLE: Ducks\n* TODO One :tag:\ntext\nmore\n- a\n- b\n** Two\n| a | b |\n| 1 | 2 |\n#+begin_src py\n"
    "* no headline\n\nx\n#+end_src\nend\n"
)
_TEX = (
    "\\documentclass{article}\n\\title{On \\emph{Ducks}}\n\n\\section{Intro \\& more}\nText % note\n\n"
    "\\subsection*{Sub}\n\\begin{itemize}\n\\item a\n\\item b\n\\end{itemize}\n"
    "\\begin{verbatim}\n\\section{no}\n\nx\n\\end{verbatim}\nend\n"
)


@pytest.mark.parametrize(("kind", "text"), [("rst", _RST), ("org", _ORG), ("latex", _TEX)])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_the_text_is_kept_exactly(kind: str, text: str, ends: str) -> None:
    text = text.replace("\n", ends)
    blocks, _ = read(kind, text.encode())
    assert whole(blocks) == text


def test_restructured_text() -> None:
    blocks, notes = read("rst", _RST.encode())
    assert notes.title == "Title"
    assert [(b.role, b.level, plain(b.text)) for b in blocks if b.role is Role.HEADING] == [
        (Role.HEADING, 1, "Title"),
        (Role.HEADING, 2, "One"),
        (Role.HEADING, 3, "Sub"),
        (Role.HEADING, 2, "Two"),
    ]
    assert [b.text for b in blocks if b.role is Role.CODE] == ["code\n\n    more code", "x = 1"]
    assert [b.text for b in blocks if b.role is Role.ITEM] == ["- a", "- b"]


def test_org() -> None:
    blocks, notes = read("org", _ORG.encode())
    assert notes.title == "Ducks"
    assert [(b.role, b.level, b.text) for b in blocks] == [
        (Role.PARAGRAPH, 0, "#+TITLE: Ducks"),
        (Role.HEADING, 1, "* TODO One :tag:"),
        (Role.PARAGRAPH, 0, "text\nmore"),
        (Role.ITEM, 0, "- a"),
        (Role.ITEM, 0, "- b"),
        (Role.HEADING, 2, "** Two"),
        (Role.ROW, 0, "| a | b |"),
        (Role.ROW, 0, "| 1 | 2 |"),
        (Role.CODE, 0, "#+begin_src py\n* no headline\n\nx\n#+end_src"),
        (Role.PARAGRAPH, 0, "end"),
    ]
    assert plain("* TODO One :tag:") == "One"


def test_latex() -> None:
    blocks, notes = read("latex", _TEX.encode())
    assert notes.title == "On Ducks"
    headings = [b for b in blocks if b.role is Role.HEADING]
    assert [(b.level, plain(b.text)) for b in headings] == [(2, "Intro & more"), (3, "Sub")]
    assert [b.text for b in blocks if b.role is Role.CODE] == [
        "\\begin{verbatim}\n\\section{no}\n\nx\n\\end{verbatim}"
    ]
    assert [b.text for b in blocks if b.role is Role.ITEM] == ["\\item a", "\\item b"]


def test_notebooks() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Ducks\n", "\n", "- quack"]},
        {
            "cell_type": "code",
            "source": "print(1)\n\nplot()",
            "outputs": [
                {"output_type": "stream", "text": ["1\n", "2\n"]},
                {"output_type": "execute_result", "data": {"text/html": "<td>a<td>b", "text/plain": "a b"}},
                {"output_type": "display_data", "data": {"image/png": "AAAA", "text/plain": ["<Figure>"]}},
                {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": ["\x1b[31mx"]},
            ],
        },
        {"cell_type": "raw", "source": "raw"},
        "junk",
    ]
    blocks, notes = read("ipynb", json.dumps({"cells": cells}).encode())
    assert notes.title == "Ducks"
    assert texts(blocks) == [
        "# Ducks",
        "- quack",
        "print(1)\n\nplot()",
        "1\n2",
        "ab",
        "<Figure>",
        "ValueError: no",
        "raw",
    ]


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"cells": 1}', b"[" * 100_000])
def test_what_is_no_notebook_is_malformed(data: bytes) -> None:
    with pytest.raises(ReadError) as caught:
        read("ipynb", data)
    assert caught.value.reason == "malformed"


def test_saved_pages() -> None:
    page = (
        b"From: <Saved by a browser>\nSubject: =?utf-8?q?Caf=C3=A9?=\n"
        b"Content-Type: multipart/related; boundary=b\n\n"
        b"--b\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n"
        b"<h1>Caf=C3=A9</h1><p>long =\nline\n--b\nContent-Type: image/png\n"
        b"Content-Transfer-Encoding: base64\n\n"
        b"AAAA\n--b--\n"
    )
    blocks, notes = read("mhtml", page)
    assert notes.title == "Café"
    assert texts(blocks) == ["Café", "long line"]
    with pytest.raises(ReadError, match="no web page"):
        read("mhtml", b"Content-Type: image/png\n\nx")
