"""What the feed tells the screen that is shown. Small, typed, and never bubbling: one screen, one message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from textual.message import Message

from nasd import wire


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """How the UI stands with its daemon. When `down`, `detail` says why and `cure` what to do."""

    state: Literal["connecting", "up", "down"]
    detail: str = ""
    cure: str = ""


class LinkChanged(Message, bubble=False):
    def __init__(self, link: Link) -> None:
        super().__init__()
        self.link = link


class StatusArrived(Message, bubble=False):
    def __init__(self, status: wire.StatusOut) -> None:
        super().__init__()
        self.status = status


class EventsArrived(Message, bubble=False):
    """Something happened; the feed holds the latest events, newest last."""

    def __init__(self, fresh: tuple[wire.EventOut, ...]) -> None:
        super().__init__()
        self.fresh = fresh
