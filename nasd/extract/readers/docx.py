"""Word documents (OOXML, transitional and strict): headings, paragraphs, lists, tables, text boxes,
equations, footnotes, comments, headers and footers. Deleted text and field codes are left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from nasd.domain.passages import Block, Role
from nasd.errors import ReadError
from nasd.extract.base import Notes, Source
from nasd.extract.readers.flow import row_text, settle, squeeze
from nasd.extract.readers.package import Element, Package, attribute, children_of, local

_HEADING = re.compile(r"heading\s*(\d)$")
_SKIPPED = frozenset({
    "pPr", "rPr", "delText", "delInstrText", "instrText", "Fallback", "moveFrom", "sectPr", "tblPr",
    "tblGrid", "trPr", "tcPr", "rt", "sdtPr", "oMathParaPr", "fPr", "sSupPr", "sSubPr", "radPr",
    "naryPr", "dPr", "chr",
})  # fmt: skip
_INLINE = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_MATH = {"f": "/", "sSup": "^", "sSub": "_"}
_SIDE_PARTS = {"footnotes": "footnote", "endnotes": "endnote", "comments": "comment"}


@dataclass(slots=True)
class _Style:
    name: str = ""
    based_on: str | None = None
    level: int | None = None  # of a heading, from 1
    listed: bool = False


@dataclass(slots=True)
class _Found:
    """What hangs on a paragraph but is not in its line of text."""

    boxes: list[Element] = field(default_factory=list)
    references: list[tuple[str, str]] = field(default_factory=list)


class DocxReader:
    name = "docx"
    version = 1

    def read(self, source: Source, notes: Notes) -> Iterator[Block]:
        package = Package(source.stream)
        main = package.main_part("word/document.xml")
        if main not in package:
            raise ReadError("The package holds no Word document.", reason="malformed")
        notes.title = package.title()
        yield from settle(_Document(package, main, notes).blocks())


class _Document:
    def __init__(self, package: Package, main: str, notes: Notes) -> None:
        self.package, self.main, self.notes = package, main, notes
        parts: dict[str, list[str]] = {}
        for kind, target in package.relations(main).values():
            parts.setdefault(kind, []).append(target)
        self.parts = parts
        self.styles = _styles(package, parts.get("styles", ["word/styles.xml"])[0])
        self.aside = {
            kind: self._asides(parts[plural][0], kind)
            for plural, kind in _SIDE_PARTS.items()
            if plural in parts
        }

    def _asides(self, part: str, kind: str) -> dict[str, list[Element]]:
        root = self.package.tree(part)
        if root is None:
            return {}
        return {
            attribute(item, "id") or "": list(item)
            for item in root
            if local(item) == kind and attribute(item, "type") in (None, "normal")
        }

    def blocks(self) -> Iterator[Block]:
        seen: set[str] = set()
        for kind in ("header", "footer"):  # first, so that no heading of the body seems to be theirs
            for part in self.parts.get(kind, ()):
                root = self.package.tree(part)
                for block in self._children(list(root)) if root is not None else ():
                    if block.text not in seen:
                        seen.add(block.text)
                        yield Block(text=block.text)
        with self.package.open(self.main) as stream:
            for element in children_of(stream, "body"):
                yield from self._block(element)

    def _children(self, elements: list[Element]) -> Iterator[Block]:
        for element in elements:
            yield from self._block(element)

    def _block(self, element: Element) -> Iterator[Block]:
        name = local(element)
        if name == "p":
            yield from self._paragraph(element)
        elif name == "tbl":
            yield from self._table(element)
        elif name not in _SKIPPED:  # content controls, tracked insertions, custom XML, alternatives
            yield from self._children(list(element))

    def _paragraph(self, element: Element) -> Iterator[Block]:
        found = _Found()
        text = "\n".join(squeeze_line(line) for line in _text(element, found).split("\n")).strip()
        role, level = self._role(element)
        if text:
            if role is Role.HEADING:
                text = squeeze(text)
                if self.notes.title is None and level == 1:
                    self.notes.title = text[:300]
            yield Block(text=text, role=role, level=level)
        for box in found.boxes:
            yield from self._children(list(box))
        for kind, number in found.references:
            for block in self._children(self.aside.get(kind, {}).pop(number, [])):
                yield Block(text=block.text)

    def _role(self, element: Element) -> tuple[Role, int]:
        style, level, listed = None, None, False
        for properties in element:
            if local(properties) != "pPr":
                continue
            for item in properties:
                match local(item):
                    case "pStyle":
                        style = attribute(item, "val")
                    case "outlineLvl":
                        level = _outline(attribute(item, "val"))
                    case "numPr":
                        listed = True
        for _ in range(20):  # a chain of styles may be a ring
            known = self.styles.get(style or "")
            if known is None:
                break
            level = level if level is not None else known.level
            listed = listed or known.listed
            style = known.based_on
        if level is not None:
            return Role.HEADING, level
        return (Role.ITEM, 0) if listed else (Role.PARAGRAPH, 0)

    def _table(self, table: Element) -> Iterator[Block]:
        for row in _named(table, "tr"):
            cells = list(_named(row, "tc"))
            if len(cells) == 1:  # a frame or a box around running text
                yield from self._children(list(cells[0]))
                continue
            found = [list(self._children(list(cell))) for cell in cells]
            yield Block(text=row_text([" ".join(b.text for b in blocks) for blocks in found]), role=Role.ROW)


def squeeze_line(line: str) -> str:
    """Tabs stay visible as gaps; other runs of white space become one."""
    return "\t".join(squeeze(part) for part in line.split("\t"))


def _named(element: Element, name: str) -> Iterator[Element]:
    """The nearest descendants of a name: rows and cells may lie in content controls."""
    for child in element:
        if local(child) == name:
            yield child
        elif local(child) in ("sdt", "sdtContent", "customXml", "ins", "smartTag", "moveTo"):
            yield from _named(child, name)


def _text(element: Element, found: _Found) -> str:
    """The text of a paragraph. Recursion is bounded: the parser refuses nesting beyond 256."""
    parts: list[str] = []
    for child in element:
        name = local(child)
        if name in _SKIPPED or not name:
            continue
        if name == "t":
            parts.append(child.text or "")
        elif name == "txbxContent":
            found.boxes.append(child)
        elif name in ("footnoteReference", "endnoteReference", "commentReference"):
            found.references.append((name.removesuffix("Reference"), attribute(child, "id") or ""))
        elif name in _INLINE:
            parts.append(_INLINE[name])
        elif name in _MATH:
            parts.append(_MATH[name].join(filter(None, (_text(part, found) for part in child))))
        else:
            parts.append(_text(child, found))
    return "".join(parts)


def _outline(value: str | None) -> int | None:
    return int(value) + 1 if value is not None and value.isdecimal() and int(value) < 9 else None


def _styles(package: Package, part: str) -> dict[str, _Style]:
    root = package.tree(part)
    styles: dict[str, _Style] = {}
    for element in root if root is not None else ():
        if local(element) != "style":
            continue
        style = _Style()
        for item in element:
            match local(item):
                case "name":
                    style.name = (attribute(item, "val") or "").lower()
                case "basedOn":
                    style.based_on = attribute(item, "val")
                case "pPr":
                    for setting in item:
                        if local(setting) == "outlineLvl":
                            style.level = _outline(attribute(setting, "val"))
                        elif local(setting) == "numPr":
                            style.listed = True
        if style.name == "title":
            style.level = 1
        elif style.level is None and (match := _HEADING.match(style.name)):
            style.level = int(match[1])
        styles[attribute(element, "styleId") or ""] = style
    return styles
