"""What was found, as rows: hits, citations and nearest hits alike are a file, a place and a few words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content

from nasd import wire
from tui import describe, figures, literal
from tui.literal import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One row. `spans` are the code point ranges of the passage to mark: highlights, or the quote."""

    label: str
    file: wire.FileOut
    passage: wire.PassageOut
    spans: tuple[Span, ...]
    note: str = ""

    @property
    def key(self) -> str:
        return f"{self.label} {self.passage.id}"


def from_hits(hits: Sequence[wire.HitOut]) -> tuple[Found, ...]:
    return tuple(
        Found(
            label=str(hit.rank),
            file=hit.file,
            passage=hit.passage,
            spans=tuple(hit.highlights),
            note=" · ".join(
                filter(
                    None,
                    (_away(hit.file), _unseen(hit), describe.lanes(hit.lanes), _copies(hit.copies)),
                )
            ),
        )
        for hit in hits
    )


def from_citations(citations: Sequence[wire.CitationOut]) -> tuple[Found, ...]:
    return tuple(
        Found(
            label=f"[{citation.n}]",
            file=citation.file,
            passage=citation.passage,
            spans=((citation.quote_start, citation.quote_end),),
            note=_away(citation.file),
        )
        for citation in citations
    )


def _away(file: wire.FileOut) -> str:
    return "" if file.volume_state == "active" else f"volume {file.volume_state}"


def _unseen(hit: wire.HitOut) -> str:
    return "hidden text" if hit.passage.hidden else ""


def _copies(number: int) -> str:
    return figures.counted(number, "copy", "copies") + " elsewhere" if number else ""


def row(found: Found, width: int) -> Content:
    """Two lines: file and place; a few words around what was found."""
    label = f"{found.label:>2} "
    folder, name = literal.split_path(found.file.path)
    where = describe.place(found.passage.place)
    right = Content.styled(f"  {where}" if where else "", "$secondary")
    right = right.truncate(max(width // 2, 0), ellipsis=True)
    room = width - len(label) - right.cell_length
    file = Content.styled(name, "bold").truncate(max(room, 0), ellipsis=True)
    away = "" if found.file.volume_state == "active" else f"[{found.file.volume_state}] "
    prefix = f"{away}{found.file.volume}:{folder}"
    if room - file.cell_length > 10:
        side = Content.styled(f"  {prefix}", "$quiet").truncate(room - file.cell_length, ellipsis=True)
        file = Content.assemble(file, side)
    gap = max(room - file.cell_length, 0)
    first = Content.assemble((label, "$accent"), file, " " * gap, right)
    text, spans = literal.snippet(found.passage.text, found.spans, max(width - len(label), 1))
    second = Content.styled(text, "$quiet")
    for start, end in spans:
        second = second.stylize("$mark", start, end)
    second = second.truncate(max(width - len(label), 0), ellipsis=True)
    return Content.assemble(first, "\n", " " * len(label), second)
