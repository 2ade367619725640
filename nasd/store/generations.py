"""Which generation of vectors answers, kept as one fact, so that it changes in one step."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import datetime

from sqlalchemy import Connection, Select, delete, exists, func, or_, select, update

from nasd.domain.generations import Generation, Generations, Wanted
from nasd.domain.jobs import JobKind, JobState
from nasd.domain.passages import StoredPassage
from nasd.store import vectors as vector_rows
from nasd.store.contents import stored_passage
from nasd.store.facts import fact, set_fact
from nasd.store.tables import contents, jobs, models, passages, vectors

FACT = "models"


def generations(connection: Connection) -> Generations:
    try:
        found = json.loads(fact(connection, FACT) or "{}")
        serving, previous, wanted = (found.get(name) for name in ("serving", "previous", "wanted"))
        return Generations(
            serving=Generation(**serving) if serving else None,
            previous=Generation(**previous) if previous else None,
            wanted=Wanted(**wanted) if wanted else None,
        )
    except (ValueError, TypeError, AttributeError):  # written by another version: begun anew
        return Generations()


def keep(connection: Connection, known: Generations) -> None:
    set_fact(connection, FACT, json.dumps(asdict(known)))


def serve(connection: Connection, generation: Generation) -> None:
    """What answers from the start of the daemon on."""
    known = generations(connection)
    if known.serving != generation:
        keep(connection, replace(known, serving=generation))


def want(connection: Connection, wanted: Wanted | None) -> None:
    """What to change to from now on; None: stay. What a change to the same model found out so far stays."""
    known = generations(connection)
    if wanted is not None and known.wanted is not None and known.wanted.name == wanted.name:
        wanted = replace(wanted, fingerprint=known.wanted.fingerprint)
    keep(connection, replace(known, wanted=wanted))


def note(
    connection: Connection, name: str, *, fingerprint: str | None = None, refused: str | None = None
) -> None:
    """What was found out of the model to change to, if that is still `name`."""
    known = generations(connection)
    if known.wanted is not None and known.wanted.name == name:
        wanted = replace(known.wanted, fingerprint=fingerprint or known.wanted.fingerprint, refused=refused)
        keep(connection, replace(known, wanted=wanted))


def swap(connection: Connection, generation: Generation, model: int, now: datetime) -> bool:
    """The model that was wanted answers from here on; contents that lack some of its vectors wait to be
    embedded. False, and nothing, when something else is wanted by now."""
    known = generations(connection)
    if known.wanted is None or known.wanted.name != generation.name:
        return False
    lacking = exists().where(
        passages.c.content_id == contents.c.id, ~_vector(model).correlate(passages).exists()
    )
    connection.execute(
        update(contents)
        .where(contents.c.orphaned.is_(None), ~lacking)
        .values(embedded_by=generation.fingerprint)
    )
    vector_rows.enqueue_missing(connection, generation.fingerprint, now)
    keep(connection, Generations(serving=generation, previous=known.serving))
    return True


def forget_others(connection: Connection, serving: str) -> tuple[int, frozenset[str]]:
    """Deletes the vectors of every model of passages but those that answer (`serving` is its fingerprint),
    did before or are to answer next; how many models went, and the fingerprints of those kept."""
    kept = generations(connection).fingerprints | {serving}
    former = (models.c.of == vector_rows.PASSAGES, models.c.fingerprint.not_in(kept))
    gone = connection.execute(delete(models).where(*former)).rowcount
    return gone, kept


def lacking(connection: Connection, model: int, after: int, limit: int) -> tuple[StoredPassage, ...]:
    """The next passages in use, by their ids beyond `after`, without a vector of this model; titled as by
    `vectors.passages_to_embed`."""
    rows = connection.execute(
        select(passages, func.coalesce(contents.c.title, contents.c.name).label("title"))
        .join(contents, contents.c.id == passages.c.content_id)
        .where(passages.c.id > after, contents.c.orphaned.is_(None), ~_vector(model).exists())
        .order_by(passages.c.id)
        .limit(limit)
    ).mappings()
    return tuple(stored_passage(row) for row in rows)


def progress(connection: Connection, model: int) -> tuple[int, int]:
    """How many passages in use there are, and about how many of them have a vector of this model."""
    in_use = select(func.coalesce(func.sum(contents.c.passages), 0)).where(contents.c.orphaned.is_(None))
    total = int(connection.execute(in_use).scalar_one())
    done = select(func.count()).select_from(vectors).where(vectors.c.model_id == model)
    return total, min(total, int(connection.execute(done).scalar_one()))


def embedding_is_due(connection: Connection, now: datetime) -> bool:
    """Whether the model that answers has something to embed: that comes first."""
    due = or_(jobs.c.state == JobState.RUNNING.value, jobs.c.not_before <= now)
    query = select(jobs.c.id).where(
        jobs.c.kind == JobKind.EMBED.value, jobs.c.state != JobState.PARKED.value, due
    )
    return connection.execute(query.limit(1)).first() is not None


def _vector(model: int) -> Select[tuple[int]]:
    return select(vectors.c.passage_id).where(
        vectors.c.model_id == model, vectors.c.passage_id == passages.c.id
    )
