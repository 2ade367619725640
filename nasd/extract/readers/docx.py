"""Word documents (OOXML, transitional and strict): headings, paragraphs, lists, tables, text boxes,
equations, footnotes, comments, headers and footers. Deleted text and field codes are left out; hidden text is
kept apart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

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
    vanish: bool | None = None


@dataclass(slots=True)
class _Found:
    """What hangs on a paragraph but is not in its line of text. `unseen`: what its runs hide."""

    unseen: list[str] = field(default_factory=list)

    boxes: list[Element] = field(default_factory=list)
    references: list[tuple[str, str]] = field(default_factory=list)


class DocxReader:
    name = "docx"
    version = 2

    def read(self, source: Source, notes: Notes) -> Iterator[Block]:
        package = Package(source.stream)
        main = package.main_part("word/document.xml")
        if main not in package:
            raise ReadError("The package holds no Word document.", reason="malformed")
        notes.title = package.title()
        yield from settle(_Document(package, main, notes).blocks())


class _Document:
    _in_table = 0

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
                        yield replace(block, role=Role.PARAGRAPH, level=0)
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
        text = "\n".join(squeeze_line(line) for line in self._text(element, found).split("\n")).strip()
        role, level = self._role(element)
        if text:
            if role is Role.HEADING:
                text = squeeze(text)
                if self.notes.title is None and level == 1:
                    self.notes.title = text[:300]
            yield Block(text=text, role=role, level=level)
        if unseen := squeeze("".join(found.unseen)):
            yield Block(text=unseen, hidden=True)
        self._in_table += 1  # a box may have a ground of its own
        for box in found.boxes:
            yield from self._children(list(box))
        self._in_table -= 1
        for kind, number in found.references:
            for block in self._children(self.aside.get(kind, {}).pop(number, [])):
                yield replace(block, role=Role.PARAGRAPH, level=0)

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
            self._in_table += 1
            if len(cells) == 1:  # a frame or a box around running text
                yield from self._children(list(cells[0]))
                self._in_table -= 1
                continue
            found = [list(self._children(list(cell))) for cell in cells]
            self._in_table -= 1
            seen = [" ".join(block.text for block in blocks if not block.hidden) for blocks in found]
            yield Block(text=row_text(seen), role=Role.ROW)
            yield from (block for blocks in found for block in blocks if block.hidden)

    def _text(self, element: Element, found: _Found) -> str:
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
                parts.append(_MATH[name].join(filter(None, (self._text(part, found) for part in child))))
            elif name == "r" and self._unseen(child):
                found.unseen.append(self._text(child, found))
            else:
                parts.append(self._text(child, found))
        return "".join(parts)

    def _unseen(self, run: Element) -> bool:
        """Whether a run is hidden: vanished by itself or its style, smaller than a point and a half, or white
        where the page is white."""
        for properties in run:
            if local(properties) != "rPr":
                continue
            said = {local(item): item for item in properties}
            if "vanish" in said:
                return _on(said["vanish"])
            style = attribute(said["rStyle"], "val") if "rStyle" in said else None
            for _ in range(20):
                known = self.styles.get(style or "")
                if known is None:
                    break
                if known.vanish is not None:
                    return known.vanish
                style = known.based_on
            size = attribute(said["sz"], "val") if "sz" in said else None
            if size is not None and size.isdecimal() and int(size) < 3:  # half points
                return True
            colour = (attribute(said["color"], "val") or "").upper() if "color" in said else ""
            # A white word may stand on the dark ground of a row, a box or a paragraph.
            white = len(colour) == 6 and colour >= "F0F0F0" and all(colour[at] == "F" for at in (0, 2, 4))
            return (
                white and not self._in_table and not said.keys() & {"shd", "highlight"} and not _shaded(run)
            )
        return False


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


def _shaded(run: Element) -> bool:
    """Whether the paragraph around a run has a ground."""
    for parent in run.iterancestors():
        if local(parent) == "p":
            return any(local(item) == "shd" for child in parent if local(child) == "pPr" for item in child)
    return False


def _on(setting: Element) -> bool:
    """A switch without a value is on."""
    return (attribute(setting, "val") or "true").lower() not in ("0", "false", "off", "none")


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
                case "rPr":
                    for setting in item:
                        if local(setting) == "vanish":
                            style.vanish = _on(setting)
        if style.name == "title":
            style.level = 1
        elif style.level is None and (match := _HEADING.match(style.name)):
            style.level = int(match[1])
        styles[attribute(element, "styleId") or ""] = style
    return styles
