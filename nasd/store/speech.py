"""Sound that is transcribed, as `scans` has pages that are recognised: one transaction a stretch of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, update

from nasd.domain.jobs import JobKind
from nasd.domain.passages import Passage
from nasd.domain.speech import SPEECH_ENGINE, SPEECH_FROM, SPEECH_LANGUAGE, UNHEARD_FROM, parse_second
from nasd.store import queue
from nasd.store.contents import content_by_id
from nasd.store.gradual import add_text, go_on_later
from nasd.store.tables import contents

RECORDING, FILM, SONG = 80, 85, 90
"""Priorities, after all pages: a recording without an artist likely holds speech, a song the least."""

TURN = 20
"""Stretches after which a long recording lets the others go first."""

UNKNOWN_S = 1800
"""How long a recording is taken to be that does not say."""

_NOTE = "transcribed by"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechText:
    """What is said in a stretch, cut as if it were a document of its own."""

    chars: int
    passages: tuple[Passage, ...]
    language: str | None


def enqueue(connection: Connection, content_id: int, metadata: Mapping[str, str], now: datetime) -> None:
    """A job for a content with sound to transcribe; nothing for any other."""
    second = parse_second(metadata.get(UNHEARD_FROM))
    if second is None:
        return
    song = "artist" in metadata or "album" in metadata
    priority = SONG if song else FILM if metadata.get("media") == "video" else RECORDING
    seconds = int(float(metadata.get("duration_s") or UNKNOWN_S) - second)
    queue.enqueue(
        connection, JobKind.SPEECH, [content_id], priority=priority, amount=max(seconds, 1), now=now
    )


def commit_stretch(
    connection: Connection,
    *,
    job_id: int,
    content_id: int,
    upto_s: float | None,
    text: SpeechText | None,
    problem: str | None,
    engine: str,
    now: datetime,
) -> bool:
    """Makes what is said up to a second of the recording searchable by words (`text` None: it could not be
    transcribed, for `problem`); None: up to its end, which ends the job. Whether more is left; not when the
    content is gone."""
    content = content_by_id(connection, content_id)
    if content is None:
        queue.finish(connection, job_id)
        return False
    metadata = dict(content.metadata)
    notes = list(content.notes)
    if text is not None and text.passages:
        metadata.setdefault(SPEECH_FROM, str(content.chars))
        metadata[SPEECH_ENGINE] = engine
        if text.language is not None:
            metadata.setdefault(SPEECH_LANGUAGE, text.language)
        add_text(connection, content, text.passages, chars=text.chars, now=now)
        notes = [note for note in notes if _NOTE not in note]
        notes.append(f"What is said in it was {_NOTE} {engine}: the text may hold errors.")
    if problem is not None:
        notes.append(problem[:500])
    if upto_s is None:
        metadata.pop(UNHEARD_FROM, None)
        queue.finish(connection, job_id)
    else:
        before = parse_second(metadata.get(UNHEARD_FROM)) or 0.0
        metadata[UNHEARD_FROM] = f"{upto_s:.2f}"
        left = int(float(metadata.get("duration_s") or UNKNOWN_S) - upto_s)
        # 30 s or a little less each.
        gives_way = int(upto_s / 30) // TURN > int(before / 30) // TURN
        go_on_later(connection, job_id, left=max(left, 1), gives_way=gives_way, now=now)
    connection.execute(
        update(contents).where(contents.c.id == content_id).values(metadata=metadata, notes=notes)
    )
    return upto_s is not None
