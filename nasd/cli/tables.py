"""Tables and summaries: status, volumes, devices, models, why, the outcome of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table

from nasd.cli.show import (
    clean,
    console,
    coverage_words,
    emit_text,
    file_words,
    one_line,
    seconds_words,
    size_words,
    time_words,
)
from nasd.cli.work import RECOGNITION, load_words, recognition_words, work_rows

if TYPE_CHECKING:
    from nasd import wire


WAKES = {
    "scan": "by a scan of all of it",
    "poll": "by a poll",
    "event": "by a change in it",
    "read": "to read a file",
    "request": "by a request",
    "guard": "to see whether it is back",
}
"""What touched a volume, by the words of the API."""


def table(*columns: str, right: Sequence[str] = ()) -> Table:
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return made


def print_volumes(volumes: Sequence[wire.VolumeOut]) -> None:
    if not volumes:
        emit_text("No volumes yet; add one with `nasd volume add PATH`.")
        return
    made = table(
        "volume", "path", "state", "files", "words", "meaning", "pending", "failed", "skipped", "size",
        right=("files", "words", "meaning", "pending", "failed", "skipped", "size"),
    )  # fmt: skip
    for volume in volumes:
        coverage = volume.coverage
        counts = (
            coverage.files, coverage.searchable, coverage.semantic,
            coverage.pending, coverage.failed, coverage.skipped,
        )  # fmt: skip
        state = f"{volume.state}, scanning" if volume.scanning else volume.state
        made.add_row(
            clean(volume.name), one_line(volume.path), state, *map(str, counts), size_words(volume.size)
        )
    console().print(made)
    for volume in volumes:
        if volume.detail:
            emit_text(f"{clean(volume.name)}: {one_line(volume.detail)}")
    for volume in volumes:
        if wake := wake_words(volume):
            emit_text(f"{clean(volume.name)}: last wake {wake}")


def print_volume(volume: wire.VolumeOut) -> None:
    watched = f"{volume.watch} (at present {volume.watching})" if volume.watching else volume.watch
    rows = {
        "path": one_line(volume.path),
        "state": volume.state + (", scanning" if volume.scanning else ""),
        "detail": one_line(volume.detail or ""),
        "from": "the configuration file" if volume.source == "file" else "a command",
        "watch": f"{watched}, poll every {volume.poll_seconds} s",
        "ignore": ", ".join(one_line(rule) for rule in volume.ignore),
        "added": time_words(volume.added),
        "last scan": time_words(volume.last_scan),
        "last wake": wake_words(volume),
        "size": size_words(volume.size),
        "coverage": coverage_words(volume.coverage),
    }
    print_pairs(clean(volume.name), rows)


def wake_words(volume: wire.VolumeOut) -> str:
    """When the volume was last touched, and why; "" when not since the daemon began."""
    if volume.last_wake is None:
        return ""
    cause = volume.last_wake_cause or ""
    return f"{time_words(volume.last_wake)}, {WAKES.get(cause, clean(cause))}".rstrip(", ")


def print_pairs(title: str, rows: Mapping[str, str]) -> None:
    """A title and lines of "name  value"; those without a value are left out."""
    emit_text(title)
    width = max((len(name) for name in rows), default=0)
    for name, value in rows.items():
        if value:
            emit_text(f"  {name:<{width}}  {value}")


def print_status(status: wire.StatusOut) -> None:
    queue = status.queue
    listening = f", port {status.port} on {status.host}" if status.port else ", local socket only"
    rows = {
        "state": f"{status.state} for {seconds_words(status.uptime_s)}{listening}",
        "state folder": f"{one_line(status.state_dir)} ({size_words(status.state_bytes)})",
        "memory": size_words(status.memory_bytes) if status.memory_bytes else "",
        "coverage": coverage_words(status.coverage),
        "queue": queue_words(queue) or "empty",
        **work_rows([one for one in status.work if one.kind not in RECOGNITION]),
        "load": load_words(status.load),
        "text recognition": recognition_words(ocr_words(status.ocr), status.work, "text_recognition"),
        "speech": recognition_words(speech_words(status.speech), status.work, "speech"),
        "pictures": recognition_words(pictures_words(status.pictures), status.work, "pictures"),
        "index": f"{status.index.state}, {status.index.vectors} vectors {status.index.kind}".rstrip(),
        "quality": measured_words(status.evaluation),
        "services": ", ".join(
            f"{name} {state}" for name, state in sorted(status.services.items()) if state != "running"
        ),
    }
    print_pairs(f"nasd {status.version}", rows)
    emit_text("")
    print_volumes(status.volumes)
    if status.models:
        emit_text("")
        print_models(status.models)
    if status.recent_failures:
        emit_text("\nRecent failures (nasd why PATH tells more):")
        for failure in status.recent_failures:
            reason = one_line(failure.detail or failure.reason or "")
            emit_text(f"  {clean(failure.volume)}:{one_line(failure.path)}: {reason}")


def ocr_words(ocr: wire.OcrOut) -> str:
    """What recognises text in pictures, and how many files wait for it; "" when it is off or idle."""
    if ocr.detail is not None:
        return f"{ocr.waiting:,} waiting. {ocr.detail}"
    if ocr.engine is None:
        return ""
    waiting = f", {ocr.waiting:,} {'file' if ocr.waiting == 1 else 'files'} waiting" if ocr.waiting else ""
    rate = f", {ocr.pages_per_s:.1f} pages/s" if ocr.pages_per_s >= 0.05 else ""
    return one_line(ocr.engine) + waiting + rate


def speech_words(speech: wire.SpeechOut) -> str:
    """What transcribes recordings, and how many wait for it; "" when it is off or there is nothing to do."""
    if speech.detail is not None:
        return f"{speech.waiting:,} waiting. {speech.detail}"
    if speech.engine is None:
        return ""
    files = "recording" if speech.waiting == 1 else "recordings"
    waiting = f", {speech.waiting:,} {files} waiting" if speech.waiting else ""
    speed = f", {speech.speed:.1f} times as fast as spoken" if speech.speed >= 0.05 else ""
    return one_line(speech.engine) + waiting + speed


def pictures_words(pictures: wire.SightOut) -> str:
    """What looks at pictures, and how many it has seen; "" when it is off or there is nothing to do."""
    if pictures.detail is not None:
        return f"{pictures.waiting:,} waiting. {pictures.detail}"
    if pictures.engine is None:
        return ""
    rate = f", {pictures.pictures_per_s:.1f}/s" if pictures.pictures_per_s >= 0.05 else ""
    return f"{one_line(pictures.engine)}, {pictures.pictures:,} found by what they show{rate}"


def queue_words(queue: wire.QueueOut) -> str:
    """What is waiting, the rates, and how long it will take; "" when nothing waits."""
    counts = (
        (queue.scanning, "volume to scan", "volumes to scan"),
        (queue.settling, "file settling", "files settling"),
        (queue.read, "file to read", "files to read"),
        (queue.embed_passages, "passage to embed", "passages to embed"),
        (0 if queue.embed_passages else queue.embed, "file to embed", "files to embed"),
        (queue.retry, "to be tried again", "to be tried again"),
        (queue.parked, "given up", "given up"),
    )
    parts = [f"{count:,} {one if count == 1 else many}" for count, one, many in counts if count]
    if queue.files_per_s >= 0.05:
        parts.append(f"{queue.files_per_s:.1f} files/s")
    if queue.passages_per_s >= 0.05:
        parts.append(f"{queue.passages_per_s:.1f} passages/s")
    if queue.eta_s:
        parts.append(f"about {seconds_words(queue.eta_s)} left")
    return ", ".join(parts)


ROLES = {"next": " (next)", "previous": " (before)"}


def print_models(models: Sequence[wire.ModelOut]) -> None:
    if not models:
        emit_text("No models.")
        return
    made = table("model", "purpose", "state", "serving", "dimension", "tokens", right=("dimension", "tokens"))
    for model in models:
        name = clean(model.name) + (" (in use)" if model.active else ROLES.get(model.role or "", ""))
        made.add_row(
            name,
            model.purpose,
            model.state,
            model.serving or "",
            str(model.dimension or ""),
            str(model.max_tokens or ""),
        )
    console().print(made)
    for model in models:
        if model.purpose == "language":
            emit_text(f"{clean(model.name)}: {language_words(model)}")
        if model.passages:
            left = f", about {seconds_words(model.eta_s)} left" if model.eta_s else ""
            done = f"{model.embedded or 0:,} of {model.passages:,} passages embedded{left}"
            emit_text(f"{clean(model.name)}: {done}")
        if model.detail:
            emit_text(f"{clean(model.name)}: {one_line(model.detail)}")


def language_words(model: wire.ModelOut) -> str:
    """What a language model takes, whether that is free, its licence, and how fast it is."""
    parts = [] if model.bytes is None else [size_words(model.bytes)]
    if model.memory_bytes is not None:
        fits = {True: ", fits", False: ", does not fit now", None: ""}[model.fits]
        parts.append(f"{size_words(model.memory_bytes)} of memory{fits}")
    if model.licence is not None:
        parts.append(f"licence {one_line(model.licence)}")
    if model.prompt_tokens_s is not None and model.generate_tokens_s is not None:
        parts.append(f"reads {model.prompt_tokens_s:.0f} and writes {model.generate_tokens_s:.1f} tokens/s")
    elif model.state != "missing" and model.serving == "llama":
        parts.append("speed not measured yet")
    return "; ".join(parts) or "served elsewhere"


def print_bench(told: Mapping[str, Any]) -> None:
    right = ("passages/s", "size", "least cosine", "mean", "neighbours")
    made = table("served as", *right, "", right=right)
    for one in told["variants"]:
        near = one["agreement"] or {}
        made.add_row(
            one["serving"] + (" (in use)" if one["serving"] == told["serving"] else ""),
            "" if one["passages_s"] is None else f"{one['passages_s']:.1f}",
            size_words(one["bytes"]),
            *(f"{near[name]:.3f}" if near else "" for name in ("cosine_min", "cosine_mean", "neighbours")),
            f"refused: {one_line(one['refused'])}" if one["refused"] else "",
        )
    console().print(made)


def print_devices(devices: Sequence[wire.DeviceOut]) -> None:
    if not devices:
        emit_text("No devices yet; add one with `nasd device pair NAME`.")
        return
    made = table("device", "may", "created", "last seen", "revoked")
    for device in devices:
        made.add_row(
            clean(device.name),
            ", ".join(device.scopes),
            time_words(device.created),
            time_words(device.last_seen),
            time_words(device.revoked) if device.revoked else "",
        )
    console().print(made)


def print_why(told: wire.WhyOut) -> None:
    emit_text(f"{one_line(told.path)}: {told.verdict}")
    emit_text(one_line(told.summary))
    for step in told.steps:
        when = f"{time_words(step.at)}  " if step.at else ""
        emit_text(f"  {when}{one_line(step.what)}: {one_line(step.detail)}")
    if told.file is not None:
        emit_text(
            f"  {file_words(told.file)}, {told.file.kind}, {size_words(told.file.size)}, "
            f"passages: {told.file.passages}, changed {time_words(told.file.modified)}"
        )
        for note in told.file.notes:
            emit_text(f"  note: {one_line(note)}")


def print_measured(measured: wire.EvaluationOut) -> None:
    made = table("mode", *MEASURES.values(), right=tuple(MEASURES.values()))
    for mode, figures in measured.modes.items():
        made.add_row(
            mode,
            f"{figures.recall_at_10:.4f}",
            f"{figures.mrr_at_10:.4f}",
            f"{figures.p50_ms:.1f}",
            f"{figures.p95_ms:.1f}",
        )
    console().print(made)
    emit_text(
        f"{measured.queries} queries made from your documents, with {clean(measured.model)}, "
        f"{time_words(measured.at)}."
    )


MEASURES = {"recall_at_10": "recall@10", "mrr_at_10": "mrr@10", "p50_ms": "p50_ms", "p95_ms": "p95_ms"}


def measured_words(measured: wire.EvaluationOut | None) -> str:
    """The last evaluation of what is searched by default; "" before the first."""
    figures = None if measured is None else measured.modes.get("hybrid")
    if measured is None or figures is None:
        return ""
    return (
        f"recall@10 {figures.recall_at_10:.3f}, MRR {figures.mrr_at_10:.3f}, p50 {figures.p50_ms:.0f} ms "
        f"({measured.queries} known items, {time_words(measured.at)})"
    )


def print_evaluation(outcome: Mapping[str, Any]) -> None:
    modes: Mapping[str, Mapping[str, float]] = outcome["modes"]
    measures = list(next(iter(modes.values()), {}))
    made = table("mode", *measures, right=measures)
    for mode, figures in modes.items():
        made.add_row(
            mode,
            *(
                f"{figures[name]:.1f}" if name.endswith("_ms") else f"{figures[name]:.4f}"
                for name in measures
            ),
        )
    console().print(made)
    emit_text(f"{outcome['queries']} queries with an answer, {outcome['unanswerable']} without (left out).")
