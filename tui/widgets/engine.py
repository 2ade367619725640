"""Index, models, memory and services: what the daemon runs on."""

from __future__ import annotations

from textual.content import Content

from nasd import wire
from tui import figures, literal

_COLOURS = {
    "ready": "$success",
    "running": "$success",
    "empty": "$quiet",
    "loading": "$warning",
    "rebuilding": "$warning",
    "preparing": "$warning",
    "missing": "$error",
    "failed": "$error",
}
_WELL = {"running", "ready", "ok", "idle"}


def engine_rows(status: wire.StatusOut) -> list[Content]:
    index = status.index
    kind = f"  {literal.line(index.kind)}" if index.kind else ""
    rows = [_row("index", index.state, f"{figures.counted(index.vectors, 'vector')}{kind}")]
    for model in status.models:
        if model.active or model.role == "next" or len(status.models) == 1:
            rows.append(_row("next" if model.role == "next" else "model", model.state, _model(model)))
            if model.detail and model.state != "ready":
                rows.append(Content.styled(f"{'':<8}{literal.line(model.detail)}", "$warning"))
    if not status.models:
        rows.append(
            Content.assemble(
                (f"{'model':<8}", "$quiet"), ("none yet: run ", ""), ("nasd model pull", "$primary")
            )
        )
    rows += _quality(status.evaluation)
    rows.append(
        Content.assemble(
            (f"{'memory':<8}", "$quiet"),
            (f"{figures.size(status.memory_bytes):<10}", "bold"),
            ("state ", "$quiet"),
            (figures.size(status.state_bytes), "bold"),
        )
    )
    rows.append(Content.assemble((f"{'up':<8}", "$quiet"), (figures.span(status.uptime_s), "bold")))
    ailing = {name: state for name, state in sorted(status.services.items()) if state not in _WELL}
    for name, state in ailing.items():
        rows.append(
            Content.assemble(
                (f"{'service':<8}", "$quiet"), ("▲ ", "$error"), literal.line(f"{name}: {state}")
            )
        )
    return rows


def _quality(measured: wire.EvaluationOut | None) -> list[Content]:
    """How well search finds the owner's own documents, once that was measured."""
    figures = None if measured is None else measured.modes.get("hybrid")
    if measured is None or figures is None:
        return []
    return [
        Content.assemble(
            (f"{'quality':<8}", "$quiet"),
            (f"{figures.recall_at_10:.2f}", "bold"),
            (" recall@10  ", "$quiet"),
            (f"{figures.mrr_at_10:.2f}", "bold"),
            (" MRR  ", "$quiet"),
            (f"{figures.p50_ms:.0f} ms", "bold"),
        )
    ]


def _model(model: wire.ModelOut) -> str:
    parts = [literal.line(model.name)]
    if model.serving:
        parts.append(literal.line(model.serving))
    if model.passages:
        left = f"  {figures.span(model.eta_s)} left" if model.eta_s else ""
        parts.append(f"{figures.share(model.embedded or 0, model.passages)} % embedded{left}")
    if model.dimension:
        parts.append(f"{model.dimension} dimensions")
    return "  ".join(parts)


def _row(name: str, state: str, rest: str) -> Content:
    return Content.assemble(
        (f"{name:<8}", "$quiet"),
        ("● ", _COLOURS.get(state, "$quiet")),
        (state, "bold"),
        (f"  {rest}", "$quiet"),
    )
