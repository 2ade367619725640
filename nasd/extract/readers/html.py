"""HTML: what a person would see of it, and apart from that, hidden, what no person would. Scripts, styles and
navigation are left out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from nasd.domain.passages import Block, Role
from nasd.extract.base import Notes, Source
from nasd.extract.readers.decoding import decode
from nasd.extract.readers.flow import row_text, settle, squeeze
from nasd.extract.readers.styling import Paint, Sheet, painted, removed
from nasd.extract.readers.untagged import too_deep, untagged

_META = re.compile(rb"""<meta[^>]{0,400}?charset\s*=\s*["']?\s*([A-Za-z0-9._:-]{1,40})""", re.IGNORECASE)
_XML = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_LEFT_OUT = frozenset({
    "script", "style", "noscript", "template", "head", "svg", "nav", "iframe", "object", "embed",
    "canvas", "audio", "video", "dialog", "datalist",
})  # fmt: skip
_BREAKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "dl", "dt",
    "fieldset", "figcaption", "figure", "footer", "form", "header", "hr", "html", "legend", "main",
    "ol", "option", "p", "pre", "section", "select", "summary", "table", "tbody", "tfoot", "thead",
    "ul", "div", "caption", "menu", "search", "li", "tr", "td", "th",
})  # fmt: skip
_HEADINGS = {f"h{level}": level for level in range(1, 7)}


class HtmlReader:
    name = "html"
    version = 2

    def read(self, source: Source, notes: Notes) -> Iterator[Block]:
        data = source.stream.read()
        declared = _XML.match(data) or _META.search(data[:4096])
        # Declared UTF-16 in bytes that could be searched for it is wrong by the HTML standard.
        name = declared[1].decode("ascii") if declared else None
        text, notes.metadata["encoding"] = decode(data, None if name and "16" in name else name)
        yield from read_html(text, notes)


def read_html(text: str, notes: Notes) -> Iterator[Block]:
    """The blocks of an HTML text; its title goes to the notes unless they have one."""
    if too_deep(text):
        notes.warnings.append("Its elements are nested too deeply: its text is read without them.")
        yield from settle(untagged(text, hidden=True))  # who could tell what of it is seen?
        return
    tree = LexborHTMLParser(text)
    if notes.title is None and (title := tree.css_first("head > title")) is not None:
        notes.title = squeeze(title.text()) or None
    root = tree.body or tree.root
    if root is not None:
        sheets = (node.text() for node in tree.css("style"))
        yield from settle(_Walk(Sheet(sheets)).blocks(root))


class _Row:
    def __init__(self) -> None:
        self.cells: list[str] = []
        self.layout = False  # holds a table: its cells are places on a page, not values


class _Walk:
    """A walk without recursion: nesting is the author's, and may be a hundred thousand deep."""

    def __init__(self, sheet: Sheet) -> None:
        self.parts: list[str] = []
        self.unseen: list[str] = []
        self.sheet = sheet
        self.removed: int | None = None  # the depth of the element that is not drawn, with all in it
        self.paints: list[tuple[int, Paint]] = [(-1, Paint())]  # by the depth of the element that set it
        self.pre = 0
        self.rows: list[_Row] = []
        self.role, self.level = Role.PARAGRAPH, 0

    def blocks(self, root: LexborNode) -> Iterator[Block]:
        node: LexborNode | None = root
        depth = 0
        while node is not None:
            descend = False
            tag = node.tag or ""
            if tag == "-text":
                self._text(node.text_content or "")
            elif node.is_element_node and not _left_out(node, tag):
                yield from self._enter(tag, node, depth)
                descend = node.child is not None
                if not descend:
                    yield from self._leave(tag, depth)
            if descend:
                node, depth = node.child, depth + 1
                continue
            while node is not None and node.next is None and depth > 0:
                node, depth = node.parent, depth - 1
                if node is not None:
                    yield from self._leave(node.tag or "", depth)
            if depth == 0 or node is None:
                break
            node = node.next
        yield from self._flush()

    def _text(self, text: str) -> None:
        shown = text if self.pre else re.sub(r"[ \t\r\n\f]+", " ", text)
        hidden = self.removed is not None or self.paints[-1][1].unseen
        (self.unseen if hidden and not text.isspace() else self.parts).append(shown)

    def _style(self, tag: str, node: LexborNode, depth: int) -> None:
        attributes = node.attributes
        if self.removed is not None:
            return
        style = self.sheet.style(tag, attributes)
        if tag == "font" and (colour := attributes.get("color")):
            style.setdefault("color", colour.lower())
        if tag in ("body", "table", "td", "tr", "th") and (ground := attributes.get("bgcolor")):
            style.setdefault("background-color", ground.lower())
        if "hidden" in attributes or removed(style):
            self.removed = depth
        elif style and (paint := painted(style, self.paints[-1][1])) != self.paints[-1][1]:
            self.paints.append((depth, paint))

    def _enter(self, tag: str, node: LexborNode, depth: int) -> Iterator[Block]:
        self._style(tag, node, depth)
        if self.removed is not None:
            self.unseen.append("\n" if tag in _BREAKS else "")
            return
        if tag in _HEADINGS and not self._in_cell():
            yield from self._flush()
            self.role, self.level = Role.HEADING, _HEADINGS[tag]
        elif tag == "li" and not self._in_cell():
            yield from self._flush()
            self.role = Role.ITEM
        elif tag == "tr":
            if self.rows:
                self.rows[-1].layout = True
            yield from self._flush()
            self.rows.append(_Row())
        elif tag in ("td", "th"):
            yield from self._cell(opening=True)
        elif tag == "br":
            self.parts.append("\n")
        elif tag == "img":
            self._text(f" {node.attributes.get('alt') or ''} ")
        elif tag == "input" and (node.attributes.get("type") or "text").lower() in (
            "text",
            "submit",
            "button",
        ):
            self._text(f" {node.attributes.get('value') or ''} ")
        elif tag in _BREAKS:
            yield from self._break()
        if tag == "pre":
            self.pre += 1
            if not self._in_cell():
                self.role = Role.CODE

    def _leave(self, tag: str, depth: int) -> Iterator[Block]:
        while self.paints[-1][0] >= depth:
            self.paints.pop()
        if self.removed is not None:
            if self.removed >= depth:
                self.removed = None
                self.unseen.append("\n")
            return
        if tag == "pre":
            self.pre = max(0, self.pre - 1)
        if tag in ("td", "th"):
            yield from self._cell()
        elif tag == "tr" and self.rows:
            yield from self._cell(opening=True)
            row = self.rows.pop()
            filled = [cell for cell in row.cells if cell.strip()]
            if len(filled) > 1:
                yield Block(text=row_text(row.cells), role=Role.ROW)
            elif filled:
                yield Block(text=squeeze(filled[0]))
        elif (tag in _HEADINGS or tag == "li") and not self._in_cell():
            yield from self._flush()
            self.role, self.level = Role.PARAGRAPH, 0  # it may have had no text, or none that is seen
        elif tag in _BREAKS:
            yield from self._break()

    def _in_cell(self) -> bool:
        return bool(self.rows) and not self.rows[-1].layout

    def _break(self) -> Iterator[Block]:
        if self._in_cell():
            self.parts.append("\n")
        else:
            yield from self._flush()

    def _cell(self, *, opening: bool = False) -> Iterator[Block]:
        """Ends what came before: a value of its row, or a piece of the page. White space between two cells
        (`opening`) is no cell."""
        if self._in_cell():
            text = "".join(self.parts)
            self.parts = []
            if text.strip() or not opening:
                self.rows[-1].cells.append(text)
        else:
            yield from self._flush()

    def _flush(self) -> Iterator[Block]:
        text = "".join(self.parts)
        role, level = self.role, self.level
        self.parts, self.role, self.level = [], Role.PARAGRAPH, 0
        if role is Role.CODE:
            text = text.strip("\r\n")
        else:
            text = "\n".join(line for line in (squeeze(part) for part in text.split("\n")) if line)
        if role is Role.HEADING:
            text = squeeze(text)
        if text.strip():
            yield Block(text=text.strip(), role=role, level=level)
        elif role is not Role.PARAGRAPH:
            self.role, self.level = role, level  # <li><p>: the item begins with its first text
        if self.unseen and self.removed is None:
            lines = (squeeze(line) for line in "".join(self.unseen).split("\n"))
            self.unseen = []
            yield Block(text="\n".join(line for line in lines if line), hidden=True)


def _left_out(node: LexborNode, tag: str) -> bool:
    if tag in _LEFT_OUT:
        return True
    attributes = node.attributes
    if not attributes:
        return False
    return attributes.get("role") == "navigation"
