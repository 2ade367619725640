"""OpenDocument texts, spreadsheets, presentations and drawings, as packages and as flat XML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import IO

from lxml import etree

from nasd.domain.passages import Block, Role
from nasd.errors import ReadError
from nasd.extract.base import Notes, Source
from nasd.extract.readers.flow import row_text, settle, squeeze
from nasd.extract.readers.package import Element, Package, attribute, children_of, local, parsed
from nasd.extract.readers.sheets import SheetRows

_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_SKIPPED = frozenset({
    "tracked-changes", "forms", "sequence-decls", "variable-decls", "user-field-decls", "settings",
    "thumbnail", "page-thumbnail", "note-citation", "annotation-end", "ruby-text", "binary-data",
    "table-column", "table-columns", "table-header-columns", "shapes", "change-start", "change-end",
    "change", "bookmark", "event-listeners", "animations", "par", "seq",
})  # fmt: skip
_PARAGRAPHS = ("p", "h")
_FURNITURE = frozenset({"date-time", "footer", "header", "page-number"})  # the same on every slide
_MAX_REPEAT = 256  # a value filled across a whole sheet says nothing more


class OpenDocumentReader:
    name = "opendocument"
    version = 1

    def read(self, source: Source, notes: Notes) -> Iterator[Block]:
        flat = not source.stream.read(2).startswith(b"PK")
        source.stream.seek(0)
        if flat:
            yield from settle(_body(source.stream, source.kind))
            return
        package = Package(source.stream)
        if "content.xml" not in package:
            raise ReadError("The package holds no OpenDocument.", reason="malformed")
        _refuse_locked(package)
        meta = package.tree("meta.xml")
        for element in meta.iter() if meta is not None else ():
            if local(element) == "title" and (title := squeeze(element.text or "")):
                notes.title = title[:300]
        yield from settle(_document(package, source.kind))


def _refuse_locked(package: Package) -> None:
    manifest = package.tree("META-INF/manifest.xml")
    for entry in manifest.iter() if manifest is not None else ():
        if local(entry) == "encryption-data":
            raise ReadError("The document is protected by a password.", reason="encrypted")


def _document(package: Package, kind: str) -> Iterator[Block]:
    if kind == "odt":  # first, so that no heading of the body seems to be theirs
        styles = package.tree("styles.xml")
        seen: set[str] = set()
        for element in styles.iter() if styles is not None else ():
            if local(element) in ("header", "footer") and element.tag.startswith("{urn:oasis"):
                for block in _Flow().blocks(element):
                    if block.text not in seen:
                        seen.add(block.text)
                        yield replace(block, role=Role.PARAGRAPH, level=0)
    with package.open("content.xml") as stream:
        yield from _body(stream, kind)


def _body(stream: IO[bytes], kind: str) -> Iterator[Block]:
    if kind == "ods":
        yield from _sheets(stream)
    elif kind in ("odp", "odg"):
        word = f"{_OFFICE}{'presentation' if kind == 'odp' else 'drawing'}"
        number = 0
        for page in children_of(stream, word):
            if local(page) == "page":
                number += 1
                yield from _slide(page, number, kind)
    else:
        for element in children_of(stream, f"{_OFFICE}text"):
            yield from _Flow().block(element)


# --- running text -------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Flow:
    """Blocks of running text. What hangs on a paragraph (notes, comments, frames) follows it."""

    aside: list[Element] = field(default_factory=list)

    def blocks(self, parent: Element) -> Iterator[Block]:
        for element in parent:
            yield from self.block(element)

    def block(self, element: Element) -> Iterator[Block]:
        name = local(element)
        if name in _PARAGRAPHS:
            yield from self._paragraph(element)
        elif name == "table":
            yield from self._table(element)
        elif name in ("list-item", "list-header"):
            for block in self.blocks(element):
                yield replace(block, role=Role.ITEM) if block.role is Role.PARAGRAPH else block
        elif name and name not in _SKIPPED:
            yield from self.blocks(element)

    def _paragraph(self, element: Element) -> Iterator[Block]:
        text = self._text(element)
        aside, self.aside = self.aside, []
        if local(element) == "h":
            level = attribute(element, "outline-level") or "1"
            number = min(int(level), 10) if level.isdecimal() else 1
            yield Block(text=squeeze(text), role=Role.HEADING, level=max(1, number))
        else:
            lines = ("\t".join(squeeze(part) for part in line.split("\t")) for line in text.split("\n"))
            yield Block(text="\n".join(lines).strip())
        for item in aside:
            yield from self.blocks(item)

    def _text(self, element: Element) -> str:
        parts = [element.text or ""]
        for child in element:
            name = local(child)
            if name == "s":
                parts.append(" ")
            elif name == "tab":
                parts.append("\t")
            elif name == "line-break":
                parts.append("\n")
            elif name in ("note-body", "annotation", "text-box", "table"):
                self.aside.append(child)
            elif name and name not in _SKIPPED and name not in ("title", "desc"):
                parts.append(self._text(child))
                if name in _PARAGRAPHS:
                    parts.append("\n")
            parts.append(child.tail or "")
        return "".join(parts)

    def _table(self, table: Element) -> Iterator[Block]:
        for row in _rows(table):
            cells = [cell for cell in row if local(cell) == "table-cell"]
            if len(cells) == 1:
                yield from self.blocks(cells[0])
                continue
            texts = [" ".join(block.text for block in _Flow().blocks(cell)) for cell in cells]
            yield Block(text=row_text(texts), role=Role.ROW)


def _rows(table: Element) -> Iterator[Element]:
    for child in table:
        name = local(child)
        if name == "table-row":
            yield child
        elif name in ("table-rows", "table-header-rows", "table-row-group"):
            yield from _rows(child)


# --- slides -------------------------------------------------------------------------------------------------


def _slide(page: Element, number: int, kind: str) -> Iterator[Block]:
    shapes = [shape for shape in page if local(shape) not in _SKIPPED and local(shape) != "notes"]
    titles = [shape for shape in shapes if attribute(shape, "class") == "title"]
    blocks: list[Block] = []
    for shape in titles:
        text = squeeze(" ".join(block.text for block in _Flow().block(shape)))
        blocks.append(Block(text=text, role=Role.HEADING, level=1))
    for shape in shapes:
        if shape not in titles and attribute(shape, "class") not in _FURNITURE:
            blocks.extend(_Flow().block(shape))
    for notes in page:
        for shape in notes if local(notes) == "notes" else ():
            if attribute(shape, "class") not in _FURNITURE:
                blocks.extend(_Flow().block(shape))
    for block in blocks:
        yield replace(block, slide=number) if kind == "odp" else replace(block, page=number)


# --- sheets -------------------------------------------------------------------------------------------------


def _sheets(stream: IO[bytes]) -> Iterator[Block]:
    """Row by row, each dropped after use: a sheet may have a million of them."""
    rows: SheetRows | None = None
    depth = 0  # of tables: one within a cell belongs to its row
    for event, element in parsed(stream, (f"{_TABLE}table", f"{_TABLE}table-row")):
        is_table = local(element) == "table"
        if event == "start":
            depth += is_table
            if is_table and depth == 1:
                rows = SheetRows(attribute(element, "name") or "")
                yield rows.title()
            continue
        depth -= is_table
        if is_table or depth != 1 or rows is None:
            continue
        if block := rows.block(_cells(element)):
            yield block
        _drop(element)


def _cells(row: Element) -> list[str]:
    cells: list[str] = []
    for cell in row:
        if local(cell) not in ("table-cell", "covered-table-cell"):
            continue
        text = " ".join(block.text for block in _Flow().blocks(cell))
        times = attribute(cell, "number-columns-repeated") or "1"
        count = min(int(times), _MAX_REPEAT) if times.isdecimal() else 1
        cells.extend([text] * count)
    return cells


def _drop(element: etree._Element) -> None:
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]
