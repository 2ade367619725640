"""Text that comes from files, made safe to show.

File names, passages and error details are data: a terminal must never obey what is written in them. Every
character here becomes exactly one other, so that offsets into the text (highlights, quotes) stay true.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from rich.cells import cell_len
from textual.content import Content

Span = tuple[int, int]

REPLACEMENT = "�"

# C0 controls as their control pictures, so that an escape sequence is seen and not carried out.
_PICTURES = {code: 0x2400 + code for code in range(0x20)} | {0x7F: 0x2421}

# C1 controls (a second way to write an escape sequence), characters that reverse or hide their neighbours
# (they show a name ending in "gpj.exe" as "exe.jpg"), line separators, and lone surrogates, which no
# terminal encodes.
_HIDDEN = {
    code: REPLACEMENT
    for first, last in (
        (0x80, 0x9F),
        (0x200B, 0x200F),
        (0x2028, 0x202E),
        (0x2060, 0x2069),
        (0xD800, 0xDFFF),
        (0xFEFF, 0xFEFF),
        (0xFFF9, 0xFFFB),
        (0xE0000, 0xE007F),
    )
    for code in range(first, last + 1)
}

_LINE: dict[int, int | str] = {**_PICTURES, **_HIDDEN, 0x09: " "}
_LINES: dict[int, int | str] = {**_LINE, 0x0A: "\n"}


def line(text: str) -> str:
    """`text` on one line, of the same length: controls are shown as pictures, tabs as a space."""
    return text.translate(_LINE)


def lines(text: str) -> str:
    """`text` with its line ends kept, of the same length; every other control is shown as a picture."""
    return text.replace("\r\n", " \n").replace("\r", "\n").translate(_LINES)


def marked(text: str, spans: Iterable[Span], style: str, *, base: str = "") -> Content:
    """`text`, safe, with `style` on each span of code points that lies within it."""
    content = Content.styled(lines(text), base)
    for start, end in spans:
        if 0 <= start < end <= len(text):
            content = content.stylize(style, start, end)
    return content


def snippet(text: str, spans: Iterable[Span], width: int) -> tuple[str, list[Span]]:
    """About `width` characters of `text` on one line, around its first span, and the spans within them.

    Runs of white space become one space; a cut end is marked with an ellipsis.
    """
    wanted = sorted((start, end) for start, end in spans if 0 <= start < end <= len(text))
    lead = width // 4
    start = 0
    if wanted and wanted[0][0] > lead:
        start = wanted[0][0] - lead
        space = text.find(" ", start, wanted[0][0])
        start = space + 1 if space >= 0 else start
    shown: list[str] = ["…"] if start else []
    places: dict[int, int] = {}
    position = start
    for position in range(start, len(text)):
        if len(shown) >= width - 1:
            break
        character = text[position]
        if character.isspace():
            if not shown or shown[-1] == " ":
                continue
            character = " "
        places[position] = len(shown)
        shown.append(character)
    else:
        position = len(text)
    if position < len(text):
        shown.append("…")
    kept: list[Span] = []
    for first, last in wanted:
        inside = [places[i] for i in range(first, last) if i in places]
        if inside:
            kept.append((inside[0], inside[-1] + 1))
    return line("".join(shown)), kept


def tail(text: str, width: int) -> str:
    """The last part of `text` that fits into `width` cells, after an ellipsis when something is left out."""
    safe = line(text)
    if cell_len(safe) <= width:
        return safe
    while safe and cell_len(safe) > width - 1:
        safe = safe[1:]
    return f"…{safe}" if width > 0 else ""


def split_path(path: str) -> tuple[str, str]:
    """Folder (with its last slash) and name of a file, both safe for one line."""
    found = re.match(r"(?s)(.*/)?(.*)\Z", path)
    assert found is not None, "the pattern matches every string"
    return line(found[1] or ""), line(found[2])
