"""Files that could not be read, with the reason; and events, newest first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from textual.content import Content

from nasd import wire
from tui import describe, figures, literal

NO_FAILURE = Content.assemble(("✓ ", "$success"), ("No file failed.", "$quiet"))
NO_EVENT = Content.styled("Nothing has happened since this screen connected.", "$quiet")


def failure(failed: wire.FailureOut, width: int, now: datetime) -> Content:
    """Two lines: the file and when; why."""
    when = Content.styled(f"  {figures.ago(failed.at, now)}", "$quiet")
    folder, name = literal.split_path(failed.path)
    file = Content.assemble((f"{failed.volume}:{folder}", "$quiet"), (name, "bold"))
    file = file.truncate(max(width - when.cell_length - 2, 1), ellipsis=True)
    gap = max(width - file.cell_length - when.cell_length - 2, 0)
    why = Content.styled(describe.reason(failed), "$error").truncate(max(width - 2, 1), ellipsis=True)
    return Content.assemble(("✗ ", "$error"), file, " " * gap, when, "\n  ", why)


def from_entry(entry: wire.FileEntry) -> wire.FailureOut:
    """A failed file of a listing, as the status shows failures."""
    return wire.FailureOut(
        id=entry.id,
        volume=entry.volume,
        path=entry.path,
        reason=entry.reason,
        detail=entry.detail,
        at=entry.changed,
    )


def fold(happened: Iterable[wire.EventOut]) -> list[tuple[wire.EventOut, int]]:
    """Events newest first, with how often each happened in a row: a busy index says the same thing of
    hundreds of contents. Events that name a file stay apart."""
    rows: list[tuple[wire.EventOut, int]] = []
    for one in reversed(list(happened)):
        if rows and "path" not in one.data:
            newest, times = rows[-1]
            if newest.type == one.type and newest.data.get("volume") == one.data.get("volume"):
                rows[-1] = (newest, times + 1)
                continue
        rows.append((one, 1))
    return rows


def event(row: tuple[wire.EventOut, int], width: int) -> Content:
    """One line: when, what, to whom, and where or why."""
    happened, times = row
    words, colour, subject, where = describe.event(happened, times)
    content = Content.assemble(
        (f"{figures.time_of_day(happened.at)}  ", "$quiet"),
        (f"{words:<14} ", colour),
        subject,
        (f"  {where}" if where and subject else where, "$quiet"),
    )
    return content.truncate(width, ellipsis=True)
