"""XPS and OpenXPS: fixed pages of glyphs, put into lines by where they stand."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from nasd.domain.passages import Block
from nasd.errors import ReadError
from nasd.extract.base import Notes, Source
from nasd.extract.readers.flow import squeeze
from nasd.extract.readers.layout import PageLine, page_blocks
from nasd.extract.readers.package import Element, Package, local

_GLYPH_WIDTH = 0.5  # of the font size: a usual letter
_WORD_GAP = 0.15  # of the font size


class _Matrix(NamedTuple):
    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 1.0
    e: float = 0.0
    f: float = 0.0

    def within(self, outer: _Matrix) -> _Matrix:
        a, b, c, d, e, f = self
        return _Matrix(
            a * outer.a + b * outer.c, a * outer.b + b * outer.d,
            c * outer.a + d * outer.c, c * outer.b + d * outer.d,
            e * outer.a + f * outer.c + outer.e, e * outer.b + f * outer.d + outer.f,
        )  # fmt: skip


class XpsReader:
    name = "xps"
    version = 1

    def read(self, source: Source, notes: Notes) -> Iterator[Block]:
        package = Package(source.stream)
        notes.title = package.title()
        pages = list(_pages(package))
        if not pages:
            raise ReadError("The package holds no fixed page.", reason="malformed")
        words: Counter[str] = Counter()
        unreadable = 0
        for number, part in enumerate(pages, start=1):
            root = package.tree(part)
            if root is None:
                unreadable += 1
                continue
            height = _number(root.get("Height"), 1056.0)
            lines = _lines(list(_glyphs(root, _Matrix(), height)))
            yield from page_blocks(lines, page=number, width=_number(root.get("Width"), 816.0), words=words)
        if unreadable:
            notes.warnings.append(f"{unreadable} of {len(pages)} pages could not be read.")


def _pages(package: Package) -> Iterator[str]:
    """The parts of the pages, by way of the sequence and its documents."""
    sequences = [part for kind, part in package.relations("").values() if kind == "fixedrepresentation"]
    for sequence in sequences:
        for document in _sources(package, sequence, "DocumentReference"):
            yield from _sources(package, document, "PageContent")


def _sources(package: Package, part: str, name: str) -> list[str]:
    root = package.tree(part)
    folder = posixpath.join("/", posixpath.dirname(part))
    return [
        posixpath.normpath(posixpath.join(folder, target)).lstrip("/")
        for element in (root if root is not None else ())
        if local(element) == name and (target := element.get("Source"))
    ]


def _glyphs(element: Element, outer: _Matrix, height: float) -> Iterator[PageLine]:
    for child in element:
        matrix = _matrix(child).within(outer)
        if local(child) == "Glyphs":
            if (line := _line(child, matrix, height)) is not None:
                yield line
        elif local(child) == "Canvas":
            yield from _glyphs(child, matrix, height)


def _matrix(element: Element) -> _Matrix:
    parts = (element.get("RenderTransform") or "").replace(" ", ",").split(",")
    try:
        return _Matrix(*(float(part) for part in parts if part)) if len(parts) == 6 else _Matrix()
    except (TypeError, ValueError):
        return _Matrix()


def _line(glyphs: Element, matrix: _Matrix, height: float) -> PageLine | None:
    text = (glyphs.get("UnicodeString") or "").removeprefix("{}")
    if not text.strip():
        return None
    x, y = _number(glyphs.get("OriginX"), 0.0), _number(glyphs.get("OriginY"), 0.0)
    size = _number(glyphs.get("FontRenderingEmSize"), 12.0) * (abs(matrix.d) or abs(matrix.b) or 1.0)
    left = x * matrix.a + y * matrix.c + matrix.e
    base = height - (x * matrix.b + y * matrix.d + matrix.f)
    bold = "bold" in (glyphs.get("StyleSimulations") or "").lower()
    return PageLine(
        text=text,
        left=left,
        right=left + _advance(glyphs, text, size),
        top=base + 0.8 * size,
        bottom=base - 0.2 * size,
        size=size,
        weight=1000 if bold else 400,
    )


def _advance(glyphs: Element, text: str, size: float) -> float:
    """The width by the advances that are given (hundredths of the font size), a usual letter for the rest."""
    total, given = 0.0, 0
    for item in (glyphs.get("Indices") or "").split(";"):
        fields = item.split(",")
        if len(fields) > 1 and fields[1]:
            total += _number(fields[1], 0.0) / 100
            given += 1
    return (total + max(0, len(text) - given) * _GLYPH_WIDTH) * size


def _lines(glyphs: list[PageLine]) -> list[PageLine]:
    """Runs that follow each other on one base line become one line."""
    lines: list[PageLine] = []
    for run in glyphs:
        last = lines[-1] if lines else None
        if last is not None and abs(last.bottom - run.bottom) < 0.3 * last.height:
            gap = run.left - last.right
            if -last.height < gap < 1.3 * last.height:
                space = " " if gap > _WORD_GAP * last.size else ""
                lines[-1] = PageLine(
                    text=last.text + space + run.text, left=last.left, right=max(run.right, last.right),
                    top=max(last.top, run.top), bottom=min(last.bottom, run.bottom), size=last.size,
                    weight=last.weight,
                )  # fmt: skip
                continue
        lines.append(run)
    return [
        PageLine(
            text=squeeze(line.text), left=line.left, right=line.right, top=line.top, bottom=line.bottom,
            size=line.size, weight=line.weight,
        )
        for line in lines
    ]  # fmt: skip


def _number(value: str | None, default: float) -> float:
    try:
        return float(value) if value else default
    except ValueError:
        return default
