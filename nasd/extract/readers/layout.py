"""From the lines of a printed page to blocks: paragraphs joined, table rows kept on lines of their own.

Pure. Lines come in the order the PDF draws them, which is reading order in nearly all documents; geometry
decides only what belongs together. Coordinates are points, y upwards. All thresholds are fractions of the
height of a line; they were set by looking at reports, papers, letters and forms.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from nasd.domain.passages import Block, Role
from nasd.extract.readers.flow import CELL

HYPHEN = "\ufffe"  # PDFium's mark for a hyphen at the end of a line
_MAX_CELL_LINES = 4  # a stacked column title; anything longer is a column of text
_CELL_WIDTH = 0.35  # of the page
_TAIL = re.compile(r"(?:(?:[$€£¥]\s?)?\(?[-+–]?[\d.,]*\d\)?\s?%?|[—–-]|[$€£¥%])")
_BULLET = re.compile(r"[•●▪■◦‣·∙○–-]\s|\(?\d{1,2}[.)]\s|\(?[a-z]\)\s")
_WORD = re.compile(r"[^\W\d_]+")
_ASCII_WORD = re.compile("[a-z]+")  # the same, of small letters
_COMPOUND = re.compile(r"[^\W\d_]+-[^\W\d_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLine:
    """One line as drawn. `size` and `weight` are those of its first character; `apart` when cells or values
    stand apart on it, with gaps that no justified text has. A line whose last word goes on in the next one
    ends with `HYPHEN`."""

    text: str
    left: float
    right: float
    top: float
    bottom: float
    size: float
    weight: int
    apart: bool = False

    @property
    def height(self) -> float:
        return max(self.top - self.bottom, 1.0)


@dataclass(slots=True)
class _Group:
    lines: list[PageLine]
    role: Role = Role.PARAGRAPH
    level: int = 0
    close: bool = False  # the next group stands directly below


@dataclass(frozen=True, slots=True)
class Style:
    """The page's usual size and weight."""

    size: float
    weight: int


def page_blocks(
    lines: Sequence[PageLine], *, page: int, width: float, words: Counter[str]
) -> Iterator[Block]:
    """The blocks of one page. `words` counts the words of the document so far, and decides whether a word
    cut at a line end keeps its hyphen."""
    rows = join_cells(lines, width)
    groups = _grouped(rows)
    style = usual_style(lines)
    _find_headings(groups, style)
    texts = [_joined(group) for group in groups]
    for text in texts:
        count_words(text, words)
    for number, group in enumerate(groups):
        text = mend_hyphens(texts[number], words)
        after = "\n" if group.close and number + 1 < len(groups) else "\n\n"
        yield Block(text=text, after=after, role=group.role, level=group.level, page=page)


def usual_style(lines: Sequence[PageLine]) -> Style:
    sizes: Counter[float] = Counter()
    weights: Counter[int] = Counter()
    for line in lines:
        sizes[round(line.size * 2) / 2] += len(line.text)
        weights[line.weight] += len(line.text)
    if not lines:
        return Style(0.0, 0)
    return Style(sizes.most_common(1)[0][0], weights.most_common(1)[0][0])


# --- cells that stand beside each other ---------------------------------------------------------------------


def join_cells(lines: Sequence[PageLine], width: float) -> list[PageLine]:
    """Column titles of several lines are drawn one column after the other ("July 1," "2023" "June 25,"
    "2022"); they become one line, read across. So do cells that are drawn apart on one line."""
    joined: list[PageLine] = []
    at = 0
    while at < len(lines):
        cells, end = _cells_from(lines, at, width)
        if len(cells) > 1:
            joined.append(_merged(cells))
            at = end
        else:
            joined.append(lines[at])
            at += 1
    return joined


def _cells_from(lines: Sequence[PageLine], at: int, width: float) -> tuple[list[list[PageLine]], int]:
    cells = [[lines[at]]]
    if not _narrow(lines[at], width):
        return cells, at + 1
    top = lines[at].top
    end = at + 1
    while end < len(lines):
        line, last = lines[end], cells[-1][-1]
        if not _narrow(line, width):
            break
        h = last.height
        right = max(item.right for item in cells[-1])
        left = min(item.left for item in cells[-1])
        beside = line.left > right - 0.1 * h and line.top > last.top - 0.4 * h
        if beside and line.bottom < top + 0.6 * h:
            if len(cells) == 1 and cells[0][0].bottom > line.top:
                break  # the first line stands above the row
            cells.append([line])
            top = max(top, line.top)
        elif (
            line.top < last.top - 0.4 * h
            and last.bottom - line.top < 0.6 * h
            and line.left < right
            and line.right > left
            and len(cells[-1]) < _MAX_CELL_LINES
        ):
            cells[-1].append(line)
        else:
            break
        end += 1
    # What the last cell took from below the row belongs to what follows.
    if len(cells) > 1:
        floor = min(line.bottom for cell in cells[:-1] for line in cell)
        while len(cells[-1]) > 1 and cells[-1][-1].top < floor + 0.3 * cells[-1][-1].height:
            cells[-1].pop()
            end -= 1
    return cells, end


def _narrow(line: PageLine, width: float) -> bool:
    return line.right - line.left < _CELL_WIDTH * width


def _merged(cells: list[list[PageLine]]) -> PageLine:
    every = [line for cell in cells for line in cell]
    return replace(
        every[0],
        text=CELL.join(_joined(_Group(cell)) for cell in cells),
        left=min(line.left for line in every),
        right=max(line.right for line in every),
        top=max(line.top for line in every),
        bottom=min(line.bottom for line in every),
    )


# --- lines that belong together -----------------------------------------------------------------------------


def is_tabular(text: str) -> bool:
    """A label and at least two values, or cells."""
    if CELL in text:
        return True
    words = text.split()
    values = 0
    for word in reversed(words):
        if not _TAIL.fullmatch(word):
            break
        values += any(c.isdigit() for c in word) or word in "—–-"
    currency = any(word in "$€£¥" for word in words[-2:])
    return values >= 2 or (values == 1 and currency)


def _grouped(lines: Sequence[PageLine]) -> list[_Group]:
    usual = _usual_gap(lines)
    groups: list[_Group] = []
    for line in lines:
        row = line.apart or is_tabular(line.text)
        if groups:
            last = groups[-1]
            above = last.lines[-1]
            gap = above.bottom - line.top
            near = line.top < above.top + 0.3 * line.height and gap < usual + 0.35 * line.height
            last.close = near
            if above.text.endswith(HYPHEN):  # even into the next column
                last.lines.append(line)
                continue
            if near and not row and last.role is not Role.ROW and _continues(last.lines, line):
                last.lines.append(line)
                continue
        role = Role.ROW if row else Role.ITEM if _BULLET.match(line.text) else Role.PARAGRAPH
        groups.append(_Group([line], role))
    return groups


def _usual_gap(lines: Sequence[PageLine]) -> float:
    gaps = sorted(
        gap
        for one, two in pairwise(lines)
        if -0.5 * two.height < (gap := one.bottom - two.top) < 1.5 * two.height
    )
    return max(0.0, gaps[len(gaps) // 3]) if gaps else 0.0


def _continues(group: list[PageLine], line: PageLine) -> bool:
    """Whether a line carries on the paragraph above it."""
    above = group[-1]
    if abs(above.size - line.size) > 0.08 * max(above.size, line.size):
        return False
    if _BULLET.match(line.text):
        return False
    if abs(above.weight - line.weight) > 0.2 * max(above.weight, line.weight, 1) and len(above.text) < 100:
        return False
    right = max(*(item.right for item in group), line.right)
    left = min(*(item.left for item in group), line.left)
    full = above.right > right - 0.25 * (right - left)
    centred = abs((above.left + above.right) - (line.left + line.right)) < line.height
    if not full and not (centred and above.left > left):
        return False
    indented = line.left > above.left + 0.8 * line.height
    return not indented or centred or (len(group) == 1 and full)


def _find_headings(groups: list[_Group], style: Style) -> None:
    """A larger or bolder short line above text is a heading; above table rows it titles a column."""
    for number, group in enumerate(groups[:-1]):
        text = _joined(group)
        if group.role is Role.ROW or len(text) > 150 or len(group.lines) > 3 or not _titular(text):
            continue
        line = group.lines[0]
        ratio = line.size / style.size if style.size else 1.0
        bold = line.weight > style.weight * 1.2 and all(
            item.weight > style.weight * 1.2 for item in group.lines
        )
        following = groups[number + 1]
        if ratio >= 1.15:
            level = 1 if ratio >= 1.8 else 2 if ratio >= 1.45 else 3 if ratio >= 1.25 else 4
        elif bold and ratio > 0.95 and following.role is not Role.ROW:
            level = 5
        else:
            continue
        group.role, group.level = Role.HEADING, level


def _titular(text: str) -> bool:
    if text.endswith((":", ",", ";")) or (text.startswith("(") and text.endswith(")")):
        return False
    letters = sum(1 for c in text if c.isalpha())
    return letters >= 3 and letters * 2 > len(text.replace(" ", ""))


def _joined(group: _Group) -> str:
    return "".join(line.text + ("" if line.text.endswith(HYPHEN) else " ") for line in group.lines).strip()


def count_words(text: str, words: Counter[str]) -> None:
    """Counts words and compounds, in small letters."""
    if text.isascii():
        words.update(_ASCII_WORD.findall(text.lower()))
    else:  # small letters of some scripts are not as many
        words.update(map(str.lower, _WORD.findall(text)))
    if "-" in text:
        words.update(map(str.lower, _COMPOUND.findall(text)))


def mend_hyphens(text: str, words: Counter[str]) -> str:
    """Joins words cut at line ends. A compound ("stock-based") keeps its hyphen where the document writes
    it so elsewhere; else the cut is taken for hyphenation."""
    if text.endswith(HYPHEN):  # the rest is on the next page
        text = text[:-1] + "-"
    if HYPHEN in text:
        pieces = text.split(HYPHEN)
        text = pieces[0]
        for piece in pieces[1:]:
            text += _joint(text, piece, words) + piece.lstrip()
    return text


def _joint(before: str, after: str, words: Counter[str]) -> str:
    head = re.search(r"[^\W\d_]+$", before)
    tail = re.match(r"[^\W\d_]+", after.lstrip())
    if head is None or tail is None or tail[0][0].isupper():
        return "-"
    one, two = head[0].lower(), tail[0].lower()
    if words[one + two]:
        return ""
    if words[f"{one}-{two}"] or (words[one] > 2 and words[two] > 2):
        return "-"
    return ""
