"""PDF by PDFium: text page by page, each page closed before the next is opened."""

from __future__ import annotations

import ctypes
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pypdfium2 as pdfium
from pypdfium2 import raw

from nasd.domain.passages import Block, Role
from nasd.domain.scans import UNREAD_PAGES, format_pages
from nasd.errors import ReadError
from nasd.extract.base import Notes, Source
from nasd.extract.readers.flow import CELL, squeeze
from nasd.extract.readers.layout import HYPHEN, PageLine, page_blocks
from nasd.extract.readers.pagetext import PageText, Sides
from nasd.extract.readers.scanned import is_scanned
from nasd.extract.readers.visibility import Sight

_IN_MEMORY_BYTES = 64 << 20  # below, PDFium reads from one buffer; above, through the file, which is slower
_MAX_PAGES = 20_000
_MOST_PROPERTY = 1_000  # characters of what a document says of itself
_MAX_ANNOTATIONS = 2_000  # of one page
_LIGATURES = {
    0xFB00: "ff",
    0xFB01: "fi",
    0xFB02: "fl",
    0xFB03: "ffi",
    0xFB04: "ffl",
    0xFB05: "st",
    0xFB06: "st",
}
_CLEAN = {**_LIGATURES, 0xA0: " ", 0xAD: None, 0x200B: None, 0x00: None}
_DRAWN_LINE = re.compile(rf"[^\r\n{HYPHEN}]+{HYPHEN}?")
_VISIBLE = re.compile(r"[^\s\x00-\x1f]+")
_BOLD = re.compile(rb"(?i)bold|black|heavy")
_BOLD_WEIGHT = 1000
_MARK = re.compile(r"[•●▪■◦‣·∙○–-]|\(?\w{1,3}[.)]")
_WIDE_GAP = 1.3  # of a line's height; the spaces of justified text stay below
_CONTROL = re.compile(r"[\x01-\x08\x0b\x0e-\x1f\x7f]")
_JUNK_TITLE = re.compile(
    r"(?i)^(microsoft (word|powerpoint|excel)\b|untitled|document\d*$|.*\.[a-z0-9]{2,4}$)"
)
_NOTES = (raw.FPDF_ANNOT_TEXT, raw.FPDF_ANNOT_FREETEXT, raw.FPDF_ANNOT_HIGHLIGHT, raw.FPDF_ANNOT_UNDERLINE)


class PdfReader:
    name = "pdf"
    version = 3

    def read(self, source: Source, notes: Notes) -> Iterator[Block]:
        if source.size == 0:
            raise ReadError("The file is empty.", reason="malformed")
        data = source.stream.read() if source.size <= _IN_MEMORY_BYTES else source.stream
        try:
            document = pdfium.PdfDocument(data)
        except pdfium.PdfiumError as error:
            if error.err_code == raw.FPDF_ERR_PASSWORD:
                raise ReadError("The PDF is protected by a password.", reason="encrypted") from error
            raise ReadError(f"The PDF cannot be opened: {error}", reason="malformed") from error
        try:
            yield from _pages(document, notes)
        finally:
            document.close()


def _pages(document: Any, notes: Notes) -> Iterator[Block]:
    count = len(document)
    notes.metadata["pages"] = str(count)
    title = squeeze(document.get_metadata_value("Title") or "")
    if sum(1 for c in title if c.isalpha()) >= 3 and not _JUNK_TITLE.match(title):
        notes.title = title[:300]
    for name in ("Author", "Subject", "Keywords"):
        if value := squeeze(document.get_metadata_value(name) or "")[:_MOST_PROPERTY]:
            notes.metadata[name.lower()] = value
    empty = broken = 0
    unread: list[int] = []
    words: Counter[str] = Counter()
    for number in range(1, min(count, _MAX_PAGES) + 1):
        try:
            page = document[number - 1]
        except pdfium.PdfiumError:
            broken += 1
            continue
        try:
            chars = 0
            for block in _page(page, number, words):
                chars += len(block.text)
                yield block
            if is_scanned(page, chars):
                unread.append(number)
            else:
                empty += not chars
        except pdfium.PdfiumError:
            broken += 1
        finally:
            page.close()
    if properties := [notes.metadata[name] for name in ("subject", "keywords") if name in notes.metadata]:
        yield Block(text="\n".join(properties), hidden=True)  # on no page: found by, never quoted
    if unread:
        notes.metadata[UNREAD_PAGES] = format_pages(unread)
    if empty:
        notes.warnings.append(f"{_pages_have(empty, count)} no text.")
    if broken:
        notes.warnings.append(f"{broken} of {count} pages could not be read.")
    if count > _MAX_PAGES:
        notes.warnings.append(f"Only the first {_MAX_PAGES} of {count} pages were read.")


def _pages_have(empty: int, count: int) -> str:
    return f"{empty} of {count} pages have" if empty > 1 else f"1 of {count} pages has"


def _page(page: Any, number: int, words: Counter[str]) -> Iterator[Block]:
    textpage = page.get_textpage()
    try:
        width, height = page.get_size()
        chars = PageText(textpage)
        lines, unseen = _lines(textpage, chars, page.get_rotation(), width, height, Sight(page, chars))
    finally:
        textpage.close()
    yield from page_blocks(lines, page=number, width=width, words=words)
    if unseen:
        yield Block(text="\n".join(unseen), page=number, hidden=True)
    for text in _annotations(page):
        yield Block(text=text, role=Role.PARAGRAPH, page=number)


def _lines(
    textpage: Any, chars: PageText, rotation: int, width: float, height: float, sight: Sight
) -> tuple[list[PageLine], list[str]]:
    """The lines that a person sees, and the text of what nobody does."""
    count = textpage.count_chars()
    if count <= 0:
        return [], []
    text = textpage.get_text_range(errors="replace").replace("\x02", HYPHEN)
    # Characters are counted in UTF-16 units; a page where PDFium counts otherwise gets no geometry.
    wide = not text.isascii() and max(text) > "\uffff"
    units = len(text.encode("utf-16-le", "surrogatepass")) // 2 if wide else len(text)
    boxes = _Boxes(chars, rotation, width, height, sight, placed=units == count)
    lines: list[PageLine] = []
    for match in _DRAWN_LINE.finditer(text):
        at = match.start()
        if wide:  # the index of a character, not of a code point
            at += sum(1 for c in text[:at] if c > "\uffff")
        if (line := boxes.line(match[0], at)) is not None:
            lines.append(line)
    return lines, boxes.unseen


class _Boxes:
    """Where characters stand on the page as a person holds it."""

    def __init__(
        self, chars: PageText, rotation: int, width: float, height: float, sight: Sight, *, placed: bool
    ) -> None:
        self._chars, self._rotation = chars, rotation
        self._width, self._height, self._placed = width, height, placed
        self._sight = sight
        self.unseen: list[str] = []
        self._next = height

    def line(self, drawn: str, at: int) -> PageLine | None:
        """A line from its text and the index of its first character; None without visible text."""
        words = [match.span() for match in _VISIBLE.finditer(drawn)]
        if not words:
            return None
        if not self._placed:
            self._next -= 12.0
            text = _cleaned(drawn)
            top, bottom = self._next + 10, self._next
            return PageLine(
                text=text, left=0.0, right=self._width, top=top, bottom=bottom, size=10.0, weight=400
            )
        loose = self._chars.loose
        ranges = [(at + start, at + end - 1) for start, end in words]
        begins = [loose(first) for first, _ in ranges]
        if unseen := set(self._sight.hidden(ranges, begins)):
            self.unseen.append(" ".join(_cleaned(drawn[slice(*words[number])]) for number in sorted(unseen)))
            seen = [number for number in range(len(words)) if number not in unseen]
            if not seen:
                return None
            words = [words[number] for number in seen]
            ranges = [ranges[number] for number in seen]
            begins = [begins[number] for number in seen]
        ends = [
            begins[number] if first == last else loose(last) for number, (first, last) in enumerate(ranges)
        ]
        first, last = self._held(begins[0]), self._held(ends[-1])
        text, apart = self._spaced(drawn, words, begins, ends, first.height)
        if not text:
            return None
        return PageLine(
            text=text,
            left=min(first.left, last.left),
            right=max(first.right, last.right),
            top=max(first.top, last.top),
            bottom=min(first.bottom, last.bottom),
            size=self._size(at + words[0][0], first.height),
            weight=self._weight(at + words[0][0]),
            apart=apart,
        )

    def _spaced(
        self,
        drawn: str,
        words: Sequence[tuple[int, int]],
        begins: Sequence[Sides | None],
        ends: Sequence[Sides | None],
        height: float,
    ) -> tuple[str, bool]:
        """The text with a mark where a gap is wide and no value follows, and whether any gap is wide. The
        boxes are those of each word's first and last character."""
        plain = drawn.isascii() and drawn.isprintable()  # nothing is to be cleaned
        if not plain and max(drawn) > "\uffff":
            return _cleaned(drawn), False
        first = drawn[slice(*words[0])]
        parts = [first if plain else _cleaned(first)]
        apart = False
        for number, (start, stop) in enumerate(words[1:], 1):
            (left, right), (next_left, next_right) = (
                self._sides(ends[number - 1]),
                self._sides(begins[number]),
            )
            word = drawn[start:stop] if plain else _cleaned(drawn[start:stop])
            gap = max(next_left - right, left - next_right) / height
            # The space after a sentence stretches most, and the one behind a bullet is set by a tab.
            widest = 2 * _WIDE_GAP if drawn[words[number - 1][1] - 1] in ".!?:" else _WIDE_GAP
            mark = " "
            if gap > widest and not _MARK.fullmatch(parts[-1]):
                apart = True
                mark = " " if word[:1] in "$€£¥(—–-" or word[:1].isdigit() else CELL
            parts += (mark, word)
        return " ".join("".join(parts).split()), apart

    def _size(self, index: int, height: float) -> float:
        """The font size is given before the text matrix; some programs write size 1 and scale by matrix."""
        size = self._chars.font_size(index)
        return size if size > 0 and 0.5 < height / size < 2.0 else height

    def _weight(self, index: int) -> int:
        """From the font's name where it tells, else PDFium's estimate by the width of the stems, which is
        good for comparing the fonts of one page only."""
        return _BOLD_WEIGHT if _BOLD.search(self._chars.font_name(index)) else self._chars.font_weight(index)

    def _sides(self, box: Sides | None) -> tuple[float, float]:
        """Left and right of a character."""
        if box is not None and not self._rotation:
            left, _, right, _ = box
            return (left, right) if left <= right else (right, left)
        held = self._held(box)
        return held.left, held.right

    def _held(self, box: Sides | None) -> _Box:
        """As the page is held."""
        if box is None:
            return _Box(0.0, 0.0, self._next, self._next - 10)
        x0, y1, x1, y0 = box
        match self._rotation:
            case 90:
                x0, x1, y0, y1 = y0, y1, self._height - x1, self._height - x0
            case 180:
                x0, x1, y0, y1 = -x1, -x0, -y1, -y0
            case 270:
                x0, x1, y0, y1 = -y1, -y0, x0, x1
        return _Box(min(x0, x1), max(x0, x1), max(y0, y1), min(y0, y1))


class _Box(NamedTuple):
    """A character's place, as high as its line; points, y upwards."""

    left: float
    right: float
    top: float
    bottom: float

    @property
    def height(self) -> float:
        return max(self.top - self.bottom, 1.0)


def _cleaned(text: str) -> str:
    return _CONTROL.sub(" ", text.translate(_CLEAN)).strip()


def _annotations(page: Any) -> Iterator[str]:
    """What people typed onto the page: comments, and the values of form fields."""
    seen: set[str] = set()
    for index in range(min(raw.FPDFPage_GetAnnotCount(page.raw), _MAX_ANNOTATIONS)):
        annotation = raw.FPDFPage_GetAnnot(page.raw, index)
        if not annotation:
            continue
        try:
            kind = raw.FPDFAnnot_GetSubtype(annotation)
            text = ""
            if kind in _NOTES:
                text = _string(annotation, b"Contents")
            elif kind == raw.FPDF_ANNOT_WIDGET and (value := _string(annotation, b"V")):
                name = _string(annotation, b"TU") or _string(annotation, b"T")
                text = f"{name}: {value}" if name else value
        finally:
            raw.FPDFPage_CloseAnnot(annotation)
        text = _cleaned(text.replace("\r\n", "\n").replace("\r", "\n"))
        if text and text not in seen and not text.endswith(": Off"):  # an empty check box
            seen.add(text)
            yield text


def _string(annotation: Any, key: bytes) -> str:
    size = raw.FPDFAnnot_GetStringValue(annotation, key, None, 0)
    if size <= 2:
        return ""
    buffer = ctypes.create_string_buffer(size)
    raw.FPDFAnnot_GetStringValue(annotation, key, ctypes.cast(buffer, ctypes.POINTER(raw.FPDF_WCHAR)), size)
    return buffer.raw[: size - 2].decode("utf-16-le", "replace")
