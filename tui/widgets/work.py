"""The queue: what waits, how fast it goes, and when it will be done."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Sparkline

from nasd import wire
from tui import figures
from tui.widgets.still import Still

ENOUGH = 10
"""Samples of the pace before it is drawn: fewer say nothing."""


class WorkPanel(Vertical):
    """Rows of figures, and the pace of the last minutes as a line while there is work."""

    def compose(self) -> ComposeResult:
        yield Still(id="work-rows")
        yield Sparkline([], id="work-pace")

    def show(self, status: wire.StatusOut, rates: Sequence[float]) -> None:
        self.query_one("#work-rows", Still).show(Content("\n").join(work_rows(status)))
        pace = self.query_one("#work-pace", Sparkline)
        pace.display = len(rates) >= ENOUGH and any(rates)
        pace.data = list(rates)


def work_rows(status: wire.StatusOut) -> list[Content]:
    queue = status.queue
    rows = [headline(status)]
    if queue.read:
        rows.append(_row("read", queue.read, "file", queue.files_per_s))
    if queue.embed_passages or queue.embed:
        amount = queue.embed_passages or queue.embed
        noun = "passage" if queue.embed_passages else "file"
        rows.append(_row("embed", amount, noun, queue.passages_per_s))
    if status.ocr.waiting and status.ocr.state == "ready":
        rows.append(_row("ocr", status.ocr.waiting, "file", status.ocr.pages_per_s))
    waiting = [
        (queue.settling, "settling", ""),
        (queue.scanning, "scanning", ""),
        (queue.retry, "to retry", "$warning"),
        (queue.parked, "given up", "$error"),
    ]
    parts = [
        Content.assemble((figures.count(number), colour or "bold"), (f" {name}", "$quiet"))
        for number, name, colour in waiting
        if number
    ]
    if parts:
        rows.append(Content("  ").join(parts))
    return rows


def headline(status: wire.StatusOut) -> Content:
    queue = status.queue
    pending = status.pending_searchable + status.pending_semantic
    busy = pending or queue.settling or queue.scanning or queue.read or queue.embed
    if not status.volumes:
        return Content.styled("Nothing to do: no volume is watched.", "$quiet")
    if not busy:
        return Content.assemble(("✓ ", "$success"), ("Up to date", "bold"), ("  nothing waits", "$quiet"))
    when = f"about {figures.span(queue.eta_s)} left" if queue.eta_s is not None else "working out how long"
    return Content.assemble(("◐ ", "$primary"), ("Indexing", "bold"), (f"  {when}", "$quiet"))


def _row(name: str, number: int, noun: str, per_second: float) -> Content:
    return Content.assemble(
        (f"{name:<7}", "$quiet"),
        (f"{figures.counted(number, noun):<17}", "bold"),
        (f"{figures.rate(per_second):>5}/s", "$quiet"),
    )
