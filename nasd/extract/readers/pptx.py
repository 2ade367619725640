"""Presentations (OOXML): slide by slide, title first, then text, tables, diagrams, charts and notes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from nasd.domain.passages import Block, Role
from nasd.errors import ReadError
from nasd.extract.base import Notes, Source
from nasd.extract.readers.flow import row_text, settle, squeeze
from nasd.extract.readers.package import Element, Package, attribute, local

_TITLES = ("title", "ctrTitle")
_FURNITURE = ("sldNum", "dt", "hdr")  # repeated on every slide and no content


class PptxReader:
    name = "pptx"
    version = 1

    def read(self, source: Source, notes: Notes) -> Iterator[Block]:
        package = Package(source.stream)
        main = package.main_part("ppt/presentation.xml")
        root = package.tree(main)
        if root is None:
            raise ReadError("The package holds no presentation.", reason="malformed")
        notes.title = package.title()
        yield from settle(self._slides(package, main, root, notes))

    def _slides(self, package: Package, main: str, root: Element, notes: Notes) -> Iterator[Block]:
        relations = package.relations(main)
        order = [
            relations[reference][1]
            for reference in (_reference(item) for item in root.iter() if local(item) == "sldId")
            if reference in relations
        ]
        unreadable = 0
        for number, part in enumerate(order, start=1):
            slide = package.tree(part)
            if slide is None:
                unreadable += 1
                continue
            for block in _slide(package, part, slide):
                if notes.title is None and block.role is Role.HEADING:
                    notes.title = squeeze(block.text)[:300]
                yield replace(block, slide=number)
            del slide
        if unreadable:
            notes.warnings.append(f"{unreadable} of {len(order)} slides could not be read.")


def _reference(item: Element) -> str:
    """`r:id`; the plain `id` beside it is another number."""
    for key, value in item.attrib.items():
        if key.endswith("}id") and "relationships" in key:
            return str(value)
    return ""


def _slide(package: Package, part: str, slide: Element) -> Iterator[Block]:
    relations = package.relations(part)
    shapes = list(_shapes(slide))
    for shape in shapes:
        if _placeholder(shape) in _TITLES:
            text = squeeze(" ".join(_paragraph(p) for p in _paragraphs(shape)))
            yield Block(text=text, role=Role.HEADING, level=1)
    for shape in shapes:
        kind = _placeholder(shape)
        if kind not in _TITLES and kind not in _FURNITURE:
            yield from _shape(package, relations, shape)
    for kind, target in relations.values():
        root = package.tree(target) if kind in ("notesSlide", "comments") else None
        if root is None:
            continue
        if kind == "comments":
            for item in root.iter():
                if local(item) in ("text", "txBody"):
                    yield Block(text=squeeze("".join(item.itertext())))
            continue
        for shape in _shapes(root):
            if _placeholder(shape) == "body":
                yield from (Block(text=_paragraph(p)) for p in _paragraphs(shape))


def _shapes(root: Element) -> Iterator[Element]:
    """Shapes and frames in drawing order, those in groups as well; a fallback repeats its choice."""
    for child in root:
        name = local(child)
        if name in ("sp", "graphicFrame", "cxnSp"):
            yield child
        elif name in ("cSld", "spTree", "grpSp", "AlternateContent", "Choice"):
            yield from _shapes(child)


def _placeholder(shape: Element) -> str | None:
    """The type of a placeholder ("obj" where none is given); None for an ordinary shape."""
    for group in shape:
        for properties in group if local(group).startswith("nv") else ():
            for item in properties if local(properties) == "nvPr" else ():
                if local(item) == "ph":
                    return item.get("type") or "obj"
    return None


def _paragraphs(shape: Element) -> list[Element]:
    return [p for body in shape if local(body) == "txBody" for p in body if local(p) == "p"]


def _paragraph(paragraph: Element) -> str:
    parts: list[str] = []
    for item in paragraph.iter():
        match local(item):
            case "t":
                parts.append(item.text or "")
            case "br":
                parts.append("\n")
            case "tab":
                parts.append("\t")
    return "\n".join(squeeze(line) for line in "".join(parts).split("\n")).strip()


def _shape(package: Package, relations: dict[str, tuple[str, str]], shape: Element) -> Iterator[Block]:
    if local(shape) != "graphicFrame":
        texts = [text for p in _paragraphs(shape) if (text := _paragraph(p))]
        role = Role.ITEM if len(texts) > 1 and _placeholder(shape) else Role.PARAGRAPH
        yield from (Block(text=text, role=role) for text in texts)
        return
    for item in shape.iter():
        name = local(item)
        if name == "tr":
            cells = [cell for cell in item if local(cell) == "tc"]
            texts = [" ".join(_paragraph(p) for p in _paragraphs(cell)) for cell in cells]
            yield Block(text=row_text(texts), role=Role.ROW)
        elif name == "relIds":  # a diagram: its texts lie in a part of their own
            yield from _diagram(package, relations, attribute(item, "dm"))
        elif name == "chart":
            yield from _chart(package, relations, _reference(item))


def _diagram(
    package: Package, relations: dict[str, tuple[str, str]], reference: str | None
) -> Iterator[Block]:
    target = relations.get(reference or "")
    root = package.tree(target[1]) if target else None
    for item in root.iter() if root is not None else ():
        if local(item) == "p":
            yield Block(text=_paragraph(item), role=Role.ITEM)


def _chart(package: Package, relations: dict[str, tuple[str, str]], reference: str) -> Iterator[Block]:
    """A chart's titles, then each series on one line: its name, categories and values."""
    target = relations.get(reference)
    root = package.tree(target[1]) if target else None
    if root is None:
        return
    for item in root.iter():
        if local(item) == "title":
            yield Block(text=squeeze("".join(t.text or "" for t in item.iter() if local(t) == "t")))
        elif local(item) == "ser":
            caches = {local(part): _points(part) for part in item if local(part) in ("tx", "cat", "val")}
            pairs = zip(caches.get("cat", []), caches.get("val", []), strict=False)
            name = " ".join(caches.get("tx", []))
            yield Block(text=row_text([name, *(f"{c}: {v}" for c, v in pairs)]), role=Role.ROW)


def _points(part: Element) -> list[str]:
    return [value.text or "" for value in part.iter() if local(value) == "v"]
