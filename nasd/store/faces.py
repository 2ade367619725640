"""What contents are shown as among passages, those without text included.

What stands for a content without text has the content's id below zero for an id: it names no passage, and
takes the id of none.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from nasd.domain.passages import Passage, Place, StoredPassage
from nasd.domain.pictures import in_words
from nasd.store.contents import IN_LIMIT
from nasd.store.tables import contents, passages


def first_passages(connection: Connection, content_ids: Sequence[int]) -> dict[int, int]:
    """What each content is shown as, by its id, and the content: its first passage that a person sees, or
    what stands for it."""
    found: dict[int, int] = {}
    for start in range(0, len(content_ids), IN_LIMIT):
        part = content_ids[start : start + IN_LIMIT]
        seen = (passages.c.content_id.in_(part), passages.c.hidden.is_(False))
        first = select(func.min(passages.c.ordinal), passages.c.id, passages.c.content_id).where(*seen)
        rows = connection.execute(first.group_by(passages.c.content_id))  # of the row with the least ordinal
        found.update({content: passage for _, passage, content in rows})
    return {found.get(content, -content): content for content in content_ids}


def faces(connection: Connection, content_ids: Sequence[int]) -> dict[int, StoredPassage]:
    """What stands for each of these contents (at most `IN_LIMIT`), by its id."""
    query = select(contents.c.id, contents.c.title, contents.c.name, contents.c.metadata)
    rows = connection.execute(query.where(contents.c.id.in_(content_ids)))
    return {-row.id: _face(row.id, row.title, in_words(row.metadata, row.name)) for row in rows}


def _face(content_id: int, title: str | None, words: str) -> StoredPassage:
    return StoredPassage(
        id=-content_id,
        content_id=content_id,
        title=title,
        passage=Passage(ordinal=0, text=words, gap="", char_start=0, char_end=0, place=Place(), tokens=0),
    )
