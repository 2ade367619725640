"""What happened, for whoever listens: the terminal UI, the API's event stream, the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """`type` is dotted, such as "file.searchable", "file.semantic", "file.failed", "file.gone",
    "volume.added", "volume.frozen", "scan.done", "model.ready", "index.rebuilt"."""

    id: int
    type: str
    at: datetime
    data: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)
