"""The retrieval collections read in the simplest way, for benches that look at one organ alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pypdfium2
from selectolax.lexbor import LexborHTMLParser

from nasd.domain.files import FileRecord, FileState
from nasd.domain.passages import Passage, Place, StoredPassage

COLLECTIONS = ("clapnq", "covidqa", "cranfield", "multihop", "sec10q", "xquad")
PASSAGE_WORDS = 180
"""About the 256 tokens that all-MiniLM-L6-v2 reads."""

_NOW = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One line of a collection's `queries.jsonl`."""

    id: str
    text: str
    relevant: frozenset[str]  # paths within the collection's folder, without pages
    pages: frozenset[tuple[str, int]]
    answers: tuple[str, ...]
    evidence: tuple[str, ...]
    unanswerable: bool
    ignore: frozenset[str]
    grades: dict[str, int]
    lang: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    file: FileRecord
    passage: StoredPassage

    @property
    def path(self) -> str:
        return self.file.path.decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    name: str
    chunks: tuple[Chunk, ...]
    questions: tuple[Question, ...]


def load(corpora: Path, name: str) -> Collection:
    """A collection's documents cut into passages of about `PASSAGE_WORDS`, and its questions."""
    folder = corpora / "retrieval" / name
    chunks: list[Chunk] = []
    for number, path in enumerate(sorted((folder / "docs").rglob("*"))):
        if path.is_file():
            chunks += _chunks(path, path.relative_to(folder).as_posix(), number, len(chunks))
    return Collection(name=name, chunks=tuple(chunks), questions=read_questions(corpora, name))


def read_questions(corpora: Path, name: str) -> tuple[Question, ...]:
    """A collection's questions alone."""
    lines = (corpora / "retrieval" / name / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(_question(json.loads(line)) for line in lines)


def _question(row: dict[str, Any]) -> Question:
    pages = [tuple(path.split("#page=")) for path in row["relevant"] if "#page=" in path]
    evidence = row.get("evidence") or []
    return Question(
        id=str(row["id"]),
        text=row["query"],
        relevant=frozenset(path.split("#")[0] for path in row["relevant"]),
        pages=frozenset((path, int(page)) for path, page in pages)
        | {(item["path"], int(item["page"])) for item in evidence if item.get("page")},
        answers=tuple(row.get("answers") or ([row["answer"]] if row.get("answer") else [])),
        evidence=tuple(item.get("quote") or "" for item in evidence if item.get("quote")),
        unanswerable=bool(row.get("unanswerable")),
        ignore=frozenset(row.get("ignore") or ()),
        grades=row.get("grades") or {},
        lang=row.get("lang") or "en",
    )


def _chunks(path: Path, name: str, file_id: int, first_id: int) -> list[Chunk]:
    title: str | None = None
    blocks: list[tuple[int | None, str, str]] = []
    chunks: list[Chunk] = []
    kind = path.suffix.lstrip(".")
    if kind == "html":
        tree = LexborHTMLParser(path.read_bytes())
        node = tree.css_first("title")
        title = node.text(strip=True) if node else None
        blocks += [
            (None, item.tag or "p", " ".join(item.text().split()))
            for item in tree.css("h1,h2,h3,p,li,tr,pre")
            if not any(parent in ("nav",) for parent in _ancestors(item))
        ]
    elif kind == "pdf":
        with pypdfium2.PdfDocument(path) as document:
            for number, page in enumerate(document, 1):
                text = page.get_textpage().get_text_bounded().replace("\r\n", "\n")
                blocks += [(number, "p", part) for part in re.split(r"\n\s*\n", text) if part.strip()]
    else:
        text = path.read_text(encoding="utf-8", errors="replace")
        for part in re.split(r"\n\s*\n", text.strip()):
            marks = re.match(r"(#{1,6}) +", part)
            blocks.append((None, f"h{len(marks[1])}" if marks else "p", part[marks.end() if marks else 0 :]))
        if kind == "md" and blocks and blocks[0][1] == "h1":
            title = blocks[0][2].strip()
    if title is None:
        title = text.strip().split("\n")[0][:120] if kind == "txt" and text.strip() else path.stem
    file = FileRecord(
        id=file_id, volume_id=1, volume="bench", path=name.encode(), size=path.stat().st_size, mtime_ns=0,
        inode=file_id, kind=kind, media_type="", state=FileState.INDEXED, content_id=file_id, title=title,
        first_seen=_NOW, changed=_NOW,
    )  # fmt: skip
    at = 0
    for ordinal, (page, heading, text) in enumerate(_packed(blocks)):
        passage = Passage(
            ordinal=ordinal, text=text, gap="\n\n", char_start=at, char_end=at + len(text),
            place=Place(page=page, heading=heading), tokens=len(text) // 4,
        )  # fmt: skip
        at += len(text) + 2
        stored = StoredPassage(id=first_id + ordinal, content_id=file_id, title=title, passage=passage)
        chunks.append(Chunk(file=file, passage=stored))
    return chunks


def _ancestors(node: Any) -> Iterator[str]:
    while (node := node.parent) is not None:
        yield node.tag


def _packed(blocks: list[tuple[int | None, str, str]]) -> Iterator[tuple[int | None, str | None, str]]:
    """Blocks packed into passages that cross neither a page nor a heading."""
    held: list[str] = []
    at: int | None = None
    headings: dict[int, str] = {}
    under: str | None = None

    def flush() -> Iterator[tuple[int | None, str | None, str]]:
        if held:
            yield at, under, "\n\n".join(held)
            held.clear()

    for page, tag, text in blocks:
        if not text.strip():
            continue
        if page != at or tag[0] == "h":
            yield from flush()
            at = page
        if tag[0] == "h":
            headings = {level: words for level, words in headings.items() if level < int(tag[1])}
            headings[int(tag[1])] = text.strip()
            under = " › ".join(headings.values())
        for piece in _pieces(text):
            if held and sum(len(part.split()) for part in held) + len(piece.split()) > PASSAGE_WORDS:
                yield from flush()
            held.append(piece)
    yield from flush()


def _pieces(text: str) -> Iterator[str]:
    """A block, cut where it is longer than a passage: after a sentence, a line, or anywhere."""
    text = text.strip()
    while len(text.split()) > PASSAGE_WORDS or len(text) > PASSAGE_WORDS * 8:
        limit = min(len(text), PASSAGE_WORDS * 6)
        cut = max(text.rfind(". ", 0, limit) + 1, text.rfind("\n", 0, limit), text.rfind("。", 0, limit) + 1)
        cut = cut if cut > limit // 3 else limit
        yield text[:cut].strip()
        text = text[cut:].strip()
    if text:
        yield text
