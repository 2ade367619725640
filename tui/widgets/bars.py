"""Coverage as one bar: found by meaning, by words alone, still to read, failed."""

from __future__ import annotations

from textual.content import Content

from nasd import wire
from tui import figures

FULL = "━"
LEGEND = (("by meaning", "$primary"), ("words only", "$secondary"), ("to do", "$faint"), ("failed", "$error"))


def portions(amounts: list[int], width: int) -> list[int]:
    """Cells for each amount, together exactly `width`; whatever is there at all gets a cell if there is room.

    The largest remainders get the cells that rounding leaves over.
    """
    total = sum(amounts)
    if total <= 0 or width <= 0:
        return [0] * len(amounts)
    exact = [amount * width / total for amount in amounts]
    cells = [max(int(share), 1 if amount else 0) for share, amount in zip(exact, amounts, strict=True)]
    while sum(cells) > width:
        widest = max(range(len(cells)), key=lambda i: cells[i])
        cells[widest] -= 1
    by_remainder = sorted(range(len(cells)), key=lambda i: exact[i] - cells[i], reverse=True)
    for i in by_remainder:
        if sum(cells) == width:
            break
        if amounts[i]:
            cells[i] += width - sum(cells) if i == by_remainder[-1] else 1
    return cells


def coverage_bar(coverage: wire.CoverageOut, width: int) -> Content:
    """The bar alone, exactly `width` cells; all faint when there are no files. Failed files are not among
    `coverage.files` and lengthen the bar; skipped ones do not count."""
    semantic = min(coverage.semantic, coverage.searchable)
    words_only = coverage.searchable - semantic
    todo = max(coverage.files - coverage.searchable, 0)
    cells = portions([semantic, words_only, todo, coverage.failed], width)
    if not sum(cells):
        return Content.styled(FULL * max(width, 0), "$faint")
    return Content.assemble(
        *((FULL * length, colour) for length, (_, colour) in zip(cells, LEGEND, strict=True) if length)
    )


def legend() -> Content:
    return Content("  ").join(
        Content.assemble((FULL, colour), (f" {name}", "$quiet")) for name, colour in LEGEND
    )


def percentages(coverage: wire.CoverageOut) -> Content:
    """`words 100%  meaning 98%`, in columns of constant width."""
    whole = coverage.files
    return Content.assemble(
        ("words ", "$quiet"),
        f"{figures.share(coverage.searchable, whole):>3}%",
        ("  meaning ", "$quiet"),
        f"{figures.share(coverage.semantic, whole):>3}%",
    )
