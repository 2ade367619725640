"""Who is asking, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Scope(StrEnum):
    SEARCH = "search"  # search, status
    ASK = "ask"  # questions
    FILES = "files"  # file details, text and content
    ADMIN = "admin"  # volumes, devices, models; includes all others


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    id: int
    name: str
    scopes: frozenset[Scope]
    created: datetime
    last_seen: datetime | None = None
    revoked: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The owner over the local socket, or a device by its token."""

    name: str
    scopes: frozenset[Scope]
    device_id: int | None = None

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes or Scope.ADMIN in self.scopes


OWNER = Caller(name="owner", scopes=frozenset(Scope))
