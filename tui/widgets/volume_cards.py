"""The volumes of the dashboard: what each is doing and how much of it can be found."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from nasd import wire
from tui import describe, figures, literal
from tui.widgets import bars
from tui.widgets.still import Still

NO_VOLUME = Content.assemble(
    ("No volume yet.\n", "bold"),
    "Press ",
    ("a", "bold $accent"),
    " to add a folder, or run ",
    ("nasd volume add PATH", "$primary"),
    ".",
)


class VolumeCards(Still):
    def __init__(self) -> None:
        super().__init__(id="volume-cards")
        self._volumes: Sequence[wire.VolumeOut] | None = None

    def tell(self, volumes: Sequence[wire.VolumeOut]) -> None:
        self._volumes = volumes
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        width = self.content_size.width
        if self._volumes is None or not width:
            return
        if not self._volumes:
            self.show(NO_VOLUME)
            return
        cards = [card(volume, width) for volume in self._volumes]
        self.show(Content("\n").join([*cards, bars.legend()]))


def card(volume: wire.VolumeOut, width: int) -> Content:
    """A volume in two lines, or three when there is something to say about it, each of at most `width`."""
    mark, word, colour = describe.volume_state(volume)
    coverage = volume.coverage
    left = Content.assemble((f"{mark} ", colour), (volume.name, "bold"), (f"  {word}", colour))
    if coverage.failed:
        left = left.append(Content.styled(f"  {figures.count(coverage.failed)} failed", "$error"))
    amount = f"{figures.counted(coverage.files, 'file')}  {figures.size(volume.size)}"
    right = Content.styled(f"  {amount}", "$quiet")
    room = width - left.cell_length - right.cell_length - 2
    path = Content.styled(literal.line(volume.path), "$quiet")
    if room >= 8:
        left = Content.assemble(left, "  ", path.truncate(room, ellipsis=True))
    gap = max(width - left.cell_length - right.cell_length, 0)
    first = Content.assemble(left, " " * gap, right).truncate(width, ellipsis=True)
    numbers = bars.percentages(coverage)
    bar = bars.coverage_bar(coverage, width - numbers.cell_length - 4)
    second = Content.assemble("  ", bar, "  ", numbers)
    rows = [first, second]
    if volume.detail:
        told = Content.styled(literal.line(volume.detail), colour)
        rows += [Content.assemble("  ", part) for part in told.wrap(max(width - 2, 1))]
    return Content("\n").join(rows)
