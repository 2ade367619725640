"""The queue: what waits, how fast it goes, and when it will be done."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Sparkline

from nasd import wire
from tui import figures, literal
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
    rows += [_kind(one) for one in status.work]
    if status.load.detail:
        rows.append(Content.assemble(("▲ ", "$warning"), (literal.line(status.load.detail), "$quiet")))
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
    if queue.eta_s is not None:
        when = f"about {figures.span(queue.eta_s)} left"
    elif any(one.pace == "paused" for one in status.work):
        when = "some of it waits"
    else:
        when = "working out how long"
    return Content.assemble(("◐ ", "$primary"), ("Indexing", "bold"), (f"  {when}", "$quiet"))


_NAMES = {
    "small_text": "small",
    "other_files": "read",
    "embedding": "embed",
    "text_recognition": "ocr",
    "speech": "speech",
    "pictures": "look",
}


def _kind(one: wire.WorkOut) -> Content:
    """A kind of work: how much waits, until when, and how fast it goes on this machine."""
    if one.unit in ("bytes", "seconds"):
        amount = figures.counted(one.files, "file")
    else:
        amount = figures.counted(one.amount, one.unit.removesuffix("s"))
    if one.per_s is None:
        speed = ""
    elif one.unit == "bytes":
        speed = f"{figures.size(round(one.per_s))}/s"
    else:
        speed = f"{figures.rate(one.per_s)}{'×' if one.unit == 'seconds' else '/s'}"
    if one.pace == "paused":
        when, colour = "waits", "$warning"
    elif one.eta_s is None:
        when, colour = "", "$quiet"
    else:
        when, colour = figures.span(one.eta_s), "$warning" if one.pace == "slow" else "$quiet"
    return Content.assemble(
        (f"{_NAMES[one.kind]:<7}", "$quiet"),
        (f"{amount:<17}", "bold"),
        (f"{when:>10}", colour),
        (f"  {speed}", "$quiet"),
    )
