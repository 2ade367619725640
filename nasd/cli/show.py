"""What goes out: one JSON document or readable text on stdout, narration and errors on stderr."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from pydantic import BaseModel

    from nasd import wire

PLAIN_WIDTH = 160
"""Columns for tables when nobody watches: wide enough that paths are not cut."""

SNIPPET_CHARS = 320
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]")


def clean(text: str) -> str:
    """Text of files and names, safe for a terminal: control characters, which could move the cursor or
    recolour the screen, and marks that reverse the direction of text become "·". Offsets stay."""
    return _CONTROL.sub("·", text)


def one_line(text: str) -> str:
    """The same on one line; offsets stay."""
    return clean(text).replace("\n", " ").replace("\t", " ")


def console(*, stderr: bool = False) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    return Console(
        file=stream,
        markup=False,
        emoji=False,
        highlight=False,
        width=None if stream.isatty() else PLAIN_WIDTH,
    )


def narrate(text: str) -> None:
    """A line for a person, on stderr."""
    print(clean(text), file=sys.stderr, flush=True)


def emit_text(text: str) -> None:
    print(text, flush=True)


def emit_json(value: BaseModel | dict[str, Any]) -> None:
    """One JSON document on stdout."""
    document = value if isinstance(value, dict) else value.model_dump(mode="json")
    text = json.dumps(document, ensure_ascii=False, indent=2)
    if not (sys.stdout.encoding or "").lower().startswith("utf"):
        text = json.dumps(document, indent=2)
    # JSON lets these stand as they are; a terminal does not.
    emit_text(re.sub(r"[\x7f-\x9f\ud800-\udfff]", lambda match: f"\\u{ord(match[0]):04x}", text))


def emit_items(items: Sequence[BaseModel]) -> None:
    """A listing, in the form of a page over HTTP."""
    emit_json({"items": [item.model_dump(mode="json") for item in items], "next_cursor": None})


def size_words(size: int) -> str:
    """1536 as "1.5 KiB"."""
    value, unit = float(size), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if value < 1024:
            break
        value, unit = value / 1024, larger
    return f"{size} B" if unit == "B" else f"{value:.1f} {unit}"


def seconds_words(seconds: float) -> str:
    """A span with its two largest units: "1 h 5 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def time_words(moment: datetime | None) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S") if moment else "never"


def place_words(place: wire.PlaceOut) -> str:
    """Where in its file a passage stands: "page 3 · Warranty › Period · lines 4–9"."""
    parts: list[str] = []
    if place.page is not None:
        parts.append(f"page {place.page}")
    if place.slide is not None:
        parts.append(f"slide {place.slide}")
    if place.sheet:
        parts.append(f"sheet {one_line(place.sheet)}")
    if place.heading:
        parts.append(one_line(place.heading))
    if place.line_start is not None:
        same = place.line_end is None or place.line_end == place.line_start
        parts.append(f"line {place.line_start}" if same else f"lines {place.line_start}–{place.line_end}")
    if place.time_s is not None:
        parts.append(f"at {seconds_words(place.time_s)}")
    return " · ".join(parts)


def snippet(text: str, highlights: Sequence[tuple[int, int]], *, limit: int = SNIPPET_CHARS) -> Text:
    """At most `limit` characters of a passage, around the span that holds the most highlights, on one line
    and with the highlights in bold."""
    start = 0
    if len(text) > limit and highlights:
        starts = [max(0, begin - limit // 5) for begin, _ in highlights]
        start = max(starts, key=lambda at: (sum(at <= b and e <= at + limit for b, e in highlights), -at))
        start = min(start, len(text) - limit)
        space = text.rfind(" ", max(0, start - 20), start + 1)
        start = space + 1 if space >= 0 else start
    end = min(len(text), start + limit)
    shown = Text(one_line(text[start:end]), style="default")
    for begin, stop in highlights:
        if stop > start and begin < end:
            shown.stylize("bold yellow", max(0, begin - start), stop - start)
    before, after = "…" if start else "", "…" if end < len(text) else ""
    return Text(before).append_text(shown).append(after)


def file_words(file: wire.FileOut) -> str:
    return f"{clean(file.volume)}:{one_line(file.path)}"


def print_hits(found: wire.SearchOut) -> None:
    out = console()
    for hit in found.hits:
        words = snippet(hit.passage.text, hit.highlights)
        if hit.passage.hidden:
            words = Text("[hidden text] ", style="dim") + words
        print_hit(out, str(hit.rank), hit.file, hit.passage.place, words)
        if hit.copies:
            out.print(Text(f"     {copies_words(hit)}", style="dim"), soft_wrap=True)
    if not found.hits:
        narrate("Nothing found.")
    for note in found.notes:
        narrate(note)
    count = "1 passage" if len(found.hits) == 1 else f"{len(found.hits)} passages"
    narrate(f"{count} in {found.took_ms:.0f} ms. {coverage_words(found.coverage)}")


COPIES_NAMED = 3


def copies_words(hit: wire.HitOut) -> str:
    """Where else a hit's text stands: "also in home:b.txt, home:c.txt and 4 more places"."""
    named = list(dict.fromkeys(file_words(one.file) for one in hit.also if one.file.id != hit.file.id))
    rest = hit.copies - sum(file_words(one.file) in named[:COPIES_NAMED] for one in hit.also)
    more = f"{rest} more {'place' if rest == 1 else 'places'}" if rest else ""
    return "also in " + " and ".join(filter(None, (", ".join(named[:COPIES_NAMED]), more)))


def coverage_words(coverage: wire.CoverageOut) -> str:
    """How much the index can answer from, in one sentence."""
    missing = f"; {coverage.pending} are pending" if coverage.pending else ""
    return (
        f"Of {coverage.files} files {coverage.searchable} are searchable by words, "
        f"{coverage.semantic} by meaning{missing}."
    )


def print_hit(out: Console, number: str, file: wire.FileOut, place: wire.PlaceOut, text: Text | None) -> None:
    head = Text(f"{number:>3}  ")
    head.append(file_words(file), style="bold cyan")
    if file.volume_state != "active":
        head.append(f"  [{file.volume_state}]", style="bold yellow")
    if where := place_words(place):
        head.append(f"  {where}", style="dim")
    out.print(head, soft_wrap=True)
    if text is not None:
        out.print(Text("     ").append_text(text), soft_wrap=True)


def print_answer(answer: wire.AskOut, *, streamed: bool = False) -> None:
    """The answer with its sources; the nearest hits when it abstained. `streamed`: the text is there."""
    out = console()
    if not streamed:
        out.print(Text(clean(answer.answer)), soft_wrap=True)
    if answer.citations:
        out.print()
    for citation in answer.citations:
        print_hit(
            out,
            f"[{citation.n}]",
            citation.file,
            citation.passage.place,
            Text(f"“{one_line(citation.quote)}”", style="italic"),
        )
    if answer.abstained and answer.nearest:
        narrate("Closest passages:")
        for hit in answer.nearest:
            print_hit(
                out, str(hit.rank), hit.file, hit.passage.place, snippet(hit.passage.text, hit.highlights)
            )
    narrate(f"{answer.answerer}, {answer.took_ms:.0f} ms.")
