"""The table of volumes: one line each, with as many columns as the width allows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from textual.content import Content

from nasd import wire
from tui import describe, figures, literal

GAP = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    title: str
    width: int
    cell: Callable[[wire.VolumeOut, datetime], tuple[str, str]]
    right: bool = False


def _state(volume: wire.VolumeOut, now: datetime) -> tuple[str, str]:
    mark, word, colour = describe.volume_state(volume)
    return f"{mark} {word}", colour


def _percent(part: int, coverage: wire.CoverageOut) -> tuple[str, str]:
    whole = figures.share(part, coverage.files)
    return f"{whole}%", "$success" if whole == 100 else ""


def _number(number: int, colour: str) -> tuple[str, str]:
    return (figures.count(number), colour) if number else ("–", "$faint")


# In the order in which they are shown. What a narrow terminal leaves out stands in the detail below.
COLUMNS = (
    Column(title="state", width=10, cell=_state),
    Column(title="watched", width=16, cell=lambda v, now: (describe.watching(v), "$quiet")),
    Column(title="files", width=9, right=True, cell=lambda v, now: (figures.count(v.coverage.files), "")),
    Column(
        title="words", width=6, right=True, cell=lambda v, now: _percent(v.coverage.searchable, v.coverage)
    ),
    Column(
        title="meaning", width=7, right=True, cell=lambda v, now: _percent(v.coverage.semantic, v.coverage)
    ),
    Column(title="failed", width=6, right=True, cell=lambda v, now: _number(v.coverage.failed, "$error")),
    Column(title="skipped", width=7, right=True, cell=lambda v, now: _number(v.coverage.skipped, "$quiet")),
    Column(
        title="last scan", width=11, right=True, cell=lambda v, now: (figures.ago(v.last_scan, now), "$quiet")
    ),
)
_FIRST_TO_GO = ("watched", "skipped", "last scan")
NAME_WIDTH = 12
PATH_WIDTH = 12


def columns_for(width: int) -> tuple[tuple[Column, ...], int, int]:
    """Columns, width of the name and width of the path (0: no room for it) that fit into `width`."""
    shown = list(COLUMNS)
    for title in ("", *_FIRST_TO_GO):
        shown = [column for column in shown if column.title != title]
        room = width - NAME_WIDTH - sum(column.width + GAP for column in shown)
        if room >= PATH_WIDTH + GAP:
            return tuple(shown), NAME_WIDTH, room - GAP
        if room >= 0:
            return tuple(shown), NAME_WIDTH + room, 0
    return tuple(shown), max(NAME_WIDTH + room, 4), 0


def heading(width: int) -> Content:
    shown, name_width, path_width = columns_for(width)
    cells = [_cell("name", "$quiet", name_width)]
    if path_width:
        cells.append(_cell("path", "$quiet", path_width))
    cells += [_cell(column.title, "$quiet", column.width, right=column.right) for column in shown]
    return Content(" " * GAP).join(cells)


def row(volume: wire.VolumeOut, width: int, now: datetime) -> Content:
    shown, name_width, path_width = columns_for(width)
    cells = [_cell(volume.name, "bold", name_width)]
    if path_width:
        cells.append(_cell(literal.tail(volume.path, path_width), "$quiet", path_width))
    cells += [_cell(*column.cell(volume, now), column.width, right=column.right) for column in shown]
    return Content(" " * GAP).join(cells)


def _cell(text: str, colour: str, width: int, *, right: bool = False) -> Content:
    content = Content.styled(text, colour).truncate(width, ellipsis=True)
    room = max(width - content.cell_length, 0)
    return content.pad_left(room) if right else content.pad_right(room)


def facts(volume: wire.VolumeOut, now: datetime) -> Content:
    """All there is to say of one volume, a line for each thing."""
    coverage = volume.coverage
    mark, word, colour = describe.volume_state(volume)
    state = Content.assemble((f"{mark} {word}", colour))
    if volume.detail:
        state = Content.assemble(state, f"  {literal.line(volume.detail)}")
    pairs: list[tuple[str, Content]] = [
        ("path", Content(literal.line(volume.path))),
        ("state", state),
        (
            "watched",
            Content.assemble(
                describe.watching(volume),
                (f"   last scan {figures.ago(volume.last_scan, now)}", "$quiet"),
                (f"   added {figures.day(volume.added)} by {_source(volume)}", "$quiet"),
            ),
        ),
        (
            "files",
            Content.assemble(
                (figures.count(coverage.files), "bold"),
                (f", {figures.size(volume.size)}   ", "$quiet"),
                (figures.count(coverage.searchable), "bold $secondary"),
                (" by words   ", "$quiet"),
                (figures.count(coverage.semantic), "bold $primary"),
                (" by meaning   ", "$quiet"),
                (figures.count(coverage.skipped), "bold"),
                (" skipped", "$quiet"),
            ),
        ),
    ]
    if volume.last_wake is not None:
        told = f"{figures.ago(volume.last_wake, now)}, {describe.wake(volume)}"
        pairs.insert(3, ("last wake", Content(told)))
    if volume.ignore:
        pairs.append(("ignores", Content(literal.line("  ".join(volume.ignore)))))
    room = max(len(name) for name, _ in pairs) + GAP
    return Content("\n").join(Content.assemble((f"{name:<{room}}", "$quiet"), value) for name, value in pairs)


def _source(volume: wire.VolumeOut) -> str:
    return "the configuration file" if volume.source == "file" else "command"
