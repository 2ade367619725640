"""What pages of scans and stretches of recordings have in common: text that comes to a content bit by bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, update

from nasd.domain.jobs import JobKind
from nasd.domain.passages import Passage
from nasd.store import queue
from nasd.store.contents import Content, insert_passages
from nasd.store.tables import contents, jobs


def add_text(
    connection: Connection, content: Content, added: Sequence[Passage], *, chars: int, now: datetime
) -> None:
    """Passages of `chars` characters behind those that a content has, and a job to embed them."""
    moved = [
        replace(
            passage,
            ordinal=passage.ordinal + content.passages,
            char_start=passage.char_start + content.chars,
            char_end=passage.char_end + content.chars,
        )
        for passage in added
    ]
    insert_passages(connection, [(content.id, passage) for passage in moved])
    connection.execute(
        update(contents)
        .where(contents.c.id == content.id)
        .values(chars=content.chars + chars, passages=content.passages + len(moved), embedded_by=None)
    )
    queue.enqueue(connection, JobKind.EMBED, [content.id], priority=queue.BACKLOG, amount=len(moved), now=now)


def go_on_later(connection: Connection, job_id: int, *, left: int, gives_way: bool, now: datetime) -> None:
    """A job that came a step further, with `left` of its amount. `gives_way`: whoever waits with the same
    urgency comes first."""
    queue.put_back(connection, [job_id], now)
    connection.execute(
        update(jobs)
        .where(jobs.c.id == job_id)
        .values(attempts=0, amount=left, priority=jobs.c.priority + int(gives_way))
    )
