"""XML of any vocabulary: its text rather than its tags.

Streamed: no tree is built, nothing is fetched, and entities stay unexpanded but for characters known by name
(as HTML knows them), so an entity bomb stays as small as it is on disk.
"""

from __future__ import annotations

import html.entities
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from nasd.domain.passages import Block, Role
from nasd.extract.base import Notes, Source
from nasd.extract.readers.decoding import declared_encoding, decode
from nasd.extract.readers.flow import row_text, settle, squeeze
from nasd.extract.readers.html import read_html
from nasd.extract.readers.untagged import untagged

_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]{1,30});\Z")
_MARKUP = re.compile(r"</[a-z]|<br ?/?>")  # HTML written as text, as feeds do
_SKIPPED = frozenset({"script", "style", "binary", "binary-data", "binData", "tex-math"})
_TITLES = frozenset({"title", "heading", "headline", "article-title", "head", "name"})
_ROWS = frozenset({"tr", "row", "Row"})
_CELLS = frozenset({"td", "th", "entry", "cell", "Cell"})
_ITEMS = frozenset({"li", "item", "list-item", "listitem", "outline"})
_CODE = frozenset({"programlisting", "pre", "screen", "code-block", "literallayout"})
# The usual vocabularies: XHTML, DocBook, JATS, TEI, DITA, FictionBook, feeds.
_INLINE = frozenset({
    "a", "abbr", "acronym", "b", "big", "bold", "cite", "code", "del", "em", "emphasis", "ext-link", "font",
    "hi", "i", "ins", "italic", "kbd", "link", "literal", "mark", "monospace", "phrase", "q", "roman", "s",
    "sc", "small", "span", "strike", "strong", "strikethrough", "sub", "sup", "tt", "u", "ulink",
    "underline", "uri", "var", "xref",
})  # fmt: skip
_PROSE = frozenset({
    "p", "para", "simpara", "li", "title", "caption", "v", "subtitle", "article-title", "mixed-citation",
    "element-citation", "citation", "ab", "l", "lem", "rdg", "summary", "head", "term", "heading", "bibl",
    "contrib-group", "aff", "string-name", "kwd", "subject", "text-author", "tspan", "text",
})  # fmt: skip
_BLOCKS = _PROSE | _TITLES | _ROWS | _ITEMS | _CODE | frozenset({
    "sec", "section", "sect1", "sect2", "sect3", "list", "ul", "ol", "dl", "table", "tbody", "thead", "fig",
    "figure", "table-wrap", "note", "fn", "footnote", "disp-quote", "blockquote", "poem", "stanza", "body",
    "div", "chapter", "example", "disp-formula", "boxed-text", "epigraph", "annotation", "ref", "abstract",
})  # fmt: skip
_SAID = ("title", "label", "text", "caption", "alt", "summary")  # attributes that people read
_PORTION = 1 << 18
_MAX_CELL = 200
_MAX_VALUES = 64  # of one record: more are a list


@dataclass(slots=True)
class _Open:
    """An element whose end has not come."""

    name: str
    line: int
    inline: bool = False
    parts: list[str] = field(default_factory=list)
    values: list[tuple[str, str]] = field(default_factory=list)  # children of one short value: a record
    simple: bool = True  # no child is a block of its own


class XmlReader:
    name = "xml"
    version = 1

    def read(self, source: Source, notes: Notes) -> Iterator[Block]:
        head = source.stream.read(1024)
        source.stream.seek(0)
        encoding = declared_encoding(head)
        if (encoding or "utf-8") in ("utf-8", "utf8", "us-ascii", "ascii") and b"\0" not in head:
            portions: Iterable[bytes] = iter(lambda: source.stream.read(_PORTION), b"")
        else:
            text, encoding = decode(source.stream.read(), encoding)
            portions = [text.encode("utf-8", "replace")]
        notes.metadata["encoding"] = encoding or "utf-8"
        yield from settle(_Scan(notes).blocks(portions))


class _Scan:
    """Turns the parser's events into blocks. The elements that are open are held in a list: nesting is the
    author's, and may be a hundred thousand deep."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._open: list[_Open] = []
        self._skipping = 0
        self._cells = 0  # open cells of tables
        self._after_end = False  # nothing stands between an element and the one before
        self._ready: list[Block] = []
        parser = expat.ParserCreate("utf-8")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.DefaultHandler = self._other  # its presence keeps entities from being expanded
        parser.UseForeignDTD(True)  # an entity that nobody declared is passed over, not an error
        self._parser = parser

    def blocks(self, portions: Iterable[bytes]) -> Iterator[Block]:
        before = 0  # bytes of earlier portions
        portion = b""
        source = iter(portions)
        try:
            for portion in source:
                self._parser.Parse(portion, False)
                yield from self._take()
                before += len(portion)
            portion = b""
            self._parser.Parse(b"", True)
        except expat.ExpatError as error:
            self._notes.warnings.append(
                f"The XML is broken on line {error.lineno}; the rest is read as text."
            )
            while self._open:
                self._close(self._open.pop())
            yield from self._take()
            at = portion.rfind(b"<", 0, max(0, self._parser.ErrorByteIndex - before) + 1)
            rest = portion[max(0, at) :] + b"".join(source)
            yield from untagged(decode(rest)[0])
        yield from self._take()

    def _take(self) -> Iterator[Block]:
        ready, self._ready = self._ready, []
        yield from ready

    # --- events ---

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        if self._skipping or name in _SKIPPED:
            self._skipping += 1
            return
        element = _Open(name, self._parser.CurrentLineNumber)
        if self._open:
            parent = self._open[-1]
            if self._cells:
                element.inline = True
                parent.parts.append(" ")
            elif name not in _BLOCKS and name not in _CELLS:
                within = parent.name in _PROSE or parent.inline or _visible(parent.parts)
                element.inline = within or name in _INLINE
                if self._after_end and element.inline and name not in _INLINE:
                    parent.parts.append(" ")
            if not element.inline:
                self._say(parent)
                if len(self._open) > 1 and self._open[-2].name not in _ROWS:
                    self._list(self._open[-2])  # what stood before the parent, which is no value itself
        self._open.append(element)
        self._cells += name in _CELLS
        said = [attributes[key] for key in _SAID if attributes.get(key, "").strip()]
        if said:
            element.parts.append(" ".join(dict.fromkeys(said)) + ("" if element.inline else "\n"))
        self._after_end = False

    def _end(self, _name: str) -> None:
        if self._skipping:
            self._skipping -= 1
            return
        self._close(self._open.pop())
        self._after_end = True

    def _text(self, text: str) -> None:
        if self._open and not self._skipping:
            self._open[-1].parts.append(text)
            self._after_end = False

    def _other(self, text: str) -> None:
        if (match := _ENTITY.match(text)) is not None:
            self._text(html.entities.html5.get(f"{match[1]};", f" {match[1]} "))

    # --- blocks ---

    def _close(self, element: _Open) -> None:
        self._cells -= element.name in _CELLS
        parent = self._open[-1] if self._open else None
        if parent is not None and element.inline:
            parent.parts.extend(element.parts)
            return
        if parent is not None:
            text = squeeze("".join(element.parts))
            if element.simple and not element.values and _is_value(element.name, text, parent.name):
                if text or element.name in _CELLS:
                    parent.values.append((element.name, text))
                    if len(parent.values) >= _MAX_VALUES and parent.name not in _ROWS:
                        self._list(parent)
                return
            parent.simple = False
            if parent.name not in _ROWS:
                self._list(parent)
        self._list(element)
        self._say(element)

    def _list(self, element: _Open) -> None:
        """Gives out the values that an element has gathered so far, as a row."""
        values, element.values = element.values, []
        if values:
            row = element.name in _ROWS or values[0][0] in _CELLS
            shown = [value if row else f"{name}: {value}" for name, value in values]
            line, end = element.line, self._parser.CurrentLineNumber
            self._ready.append(Block(text=row_text(shown), role=Role.ROW, line_start=line, line_end=end))

    def _say(self, element: _Open) -> None:
        """Gives out the text that an element has gathered so far."""
        text, element.parts = "".join(element.parts), []
        line, end = element.line, self._parser.CurrentLineNumber
        if not text.strip():
            return
        if _MARKUP.search(text):
            self._ready.extend(read_html(text, Notes(title="")))
            return
        names = [item.name for item in self._open]
        title = element.name in _TITLES or any(name in _TITLES for name in names[-2:])
        role, level, text = Role.PARAGRAPH, 0, text.strip("\r\n") if element.name in _CODE else squeeze(text)
        if title and len(text) < 300:
            role = Role.HEADING
            level = next((at for at, name in enumerate(names) if name in _TITLES), len(names)) or 1
            self._notes.title = self._notes.title or text
        elif element.name in _CODE:
            role = Role.CODE
        elif any(name in _ITEMS for name in (element.name, *names[-2:])):
            role = Role.ITEM
        self._ready.append(Block(text=text, role=role, level=level, line_start=line, line_end=end))


def _visible(parts: list[str]) -> bool:
    return any(part and not part.isspace() for part in parts)


def _is_value(name: str, text: str, parent: str) -> bool:
    """Whether an element is one short value of a record rather than a paragraph."""
    if name in _CELLS or parent in _ROWS:
        return True
    return (
        name not in _BLOCKS and len(text) <= _MAX_CELL and parent not in _PROSE and not _MARKUP.search(text)
    )
