"""Places, states and events in words. Pure: wire models in, plain words and theme colours out."""

from __future__ import annotations

from nasd import wire
from tui import figures, literal


def place(where: wire.PlaceOut) -> str:
    """Where in its file a passage stands: `page 3`, `“Budget”, row 12`, `slide 4 · Outlook`; may be empty."""
    parts: list[str] = []
    if where.page is not None:
        parts.append(f"page {where.page}")
    if where.slide is not None:
        parts.append(f"slide {where.slide}")
    if where.sheet is not None:
        parts.append(f"sheet {literal.line(where.sheet)}")
    if where.heading:
        parts.append(f"§ {literal.line(where.heading)}")
    if where.line_start is not None:
        last = where.line_end
        several = last is not None and last != where.line_start
        noun = "row" if where.sheet is not None else "line"
        parts.append(f"{noun}s {where.line_start}–{last}" if several else f"{noun} {where.line_start}")
    if where.time_s is not None:
        minutes, seconds = divmod(int(where.time_s), 60)
        parts.append(f"at {minutes}:{seconds:02}")
    return " · ".join(parts)


def lanes(found: dict[str, int]) -> str:
    """Which lane found a passage, and at what rank: `meaning 1 · words 4`."""
    names = {"semantic": "meaning", "lexical": "words", "picture": "picture"}
    return " · ".join(f"{names.get(lane, lane)} {rank}" for lane, rank in sorted(found.items(), reverse=True))


def volume_state(volume: wire.VolumeOut) -> tuple[str, str, str]:
    """Mark, word and colour of what a volume is doing."""
    if volume.state == "frozen":
        return "▲", "frozen", "$error"
    if volume.state == "paused":
        return "‖", "paused", "$warning"
    if volume.scanning:
        return "◐", "scanning", "$primary"
    return "●", "active", "$success"


def watching(volume: wire.VolumeOut) -> str:
    if volume.state != "active":
        return "not watched"
    if volume.watching == "poll":
        return f"scan every {figures.span(volume.poll_seconds)}"
    if volume.watching == "events":
        return "by events"
    if volume.watching == "events+poll":
        return "events and polls"
    return "not watched" if volume.watch == "off" else "starting"


_WAKES = {
    "scan": "by a scan",
    "poll": "by a poll",
    "event": "by a change",
    "read": "to read a file",
    "request": "by a request",
    "guard": "to see whether it is back",
}


def wake(volume: wire.VolumeOut) -> str:
    """What last touched a volume."""
    cause = volume.last_wake_cause or ""
    return _WAKES.get(cause, literal.line(cause))


def reason(failure: wire.FailureOut) -> str:
    """Why a file failed, in one line."""
    word = (failure.reason or "failed").replace("_", " ")
    return literal.line(f"{word}: {failure.detail}" if failure.detail else word)


_EVENTS = {
    "file.seen": ("files found", "$quiet"),
    "file.searchable": ("words ready", "$success"),
    "file.semantic": ("meaning ready", "$primary"),
    "file.failed": ("failed", "$error"),
    "file.skipped": ("skipped", "$quiet"),
    "file.gone": ("files gone", "$quiet"),
    "volume.added": ("volume added", "$success"),
    "volume.removed": ("volume removed", "$warning"),
    "volume.paused": ("volume paused", "$warning"),
    "volume.active": ("volume active", "$success"),
    "volume.frozen": ("volume frozen", "$error"),
    "volume.polled": ("scanned now", "$warning"),
    "scan.done": ("scan done", "$quiet"),
    "model.ready": ("model ready", "$success"),
    "model.changed": ("model changed", "$success"),
    "model.refused": ("model refused", "$warning"),
    "search.measured": ("search measured", "$primary"),
    "index.rebuilt": ("index rebuilt", "$secondary"),
    "disk.full": ("disk full", "$error"),
    "load.changed": ("load", "$warning"),
}
_COUNTED = (("files", "file"), ("vectors", "vector"))


def event(happened: wire.EventOut, times: int = 1) -> tuple[str, str, str, str]:
    """What happened, its colour, to what, and where or why; an event not known here speaks for itself.

    `times` is how often in a row it happened.
    """
    words, colour = _EVENTS.get(
        happened.type,
        (
            happened.type.replace(".", " ").replace("_", " "),
            "$error" if happened.type.endswith("failed") else "$quiet",
        ),
    )
    data = happened.data
    volume, path = data.get("volume"), data.get("path")
    if path is not None and happened.type.startswith("file."):
        folder, name = literal.split_path(str(path))
        return (
            literal.line(words),
            colour,
            name,
            f"{literal.line(str(volume))}:{folder}" if volume else folder,
        )
    subject = str(volume or data.get("name") or data.get("service") or "")
    amounts = [figures.counted(data[key], noun) for key, noun in _COUNTED if isinstance(data.get(key), int)]
    if times > 1:
        amounts.append(f"{figures.count(times)} times")
    subject = "  ".join(part for part in (subject, *amounts) if part)
    return literal.line(words), colour, literal.line(subject), literal.line(str(data.get("detail") or ""))


def host_and_port(status: wire.StatusOut) -> str:
    """Where the daemon listens; a loopback address says no more than its port."""
    local = status.host in ("", "127.0.0.1", "::1", "localhost")
    if status.port is None:
        return "this machine" if local else status.host
    return f"port {status.port}" if local else f"{status.host}:{status.port}"
