"""The known-item set and what was measured with it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from random import Random

from sqlalchemy import Connection, RowMapping, delete, func, insert, select

from nasd.domain.known import Evaluation, KnownItem
from nasd.store.contents import inserted_id
from nasd.store.tables import contents, evaluations, known_items, passages

KEPT_EVALUATIONS = 400
"""Measurements: a year of nights."""

OUTGROWN = 4
"""An item drawn from so many times fewer documents than there are now no longer stands for them."""

PASSAGES_OF_ONE = 8
"""Read of one document to find a sentence in."""


_IN_USE = contents.c.orphaned.is_(None)


def drop_stale(connection: Connection) -> int:
    """Drops items whose document no file holds any more, and those that the catalogue has outgrown; how
    many."""
    there = select(contents.c.id).where(contents.c.digest == known_items.c.digest, _IN_USE)
    gone = connection.execute(delete(known_items).where(~there.exists())).rowcount
    outgrown = known_items.c.among * OUTGROWN < in_use(connection)
    return gone + connection.execute(delete(known_items).where(outgrown)).rowcount


def in_use(connection: Connection) -> int:
    return int(connection.execute(select(func.count(contents.c.id)).where(_IN_USE)).scalar_one())


def known(connection: Connection) -> tuple[KnownItem, ...]:
    rows = connection.execute(select(known_items).order_by(known_items.c.id)).mappings()
    return tuple(
        KnownItem(digest=row["digest"], query=row["query"], sentence=row["sentence"]) for row in rows
    )


def draw(connection: Connection, seed: int, count: int, start: int) -> list[tuple[str, list[str]]]:
    """Texts to make items of: `count` documents in use that have no item, each with a few of its visible
    passages, from place `start` on in one random order of all. Fewer when there are no more."""
    taken = select(known_items.c.digest)
    query = select(contents.c.id).where(_IN_USE, contents.c.passages > 0, contents.c.digest.not_in(taken))
    ids = list(connection.execute(query.order_by(contents.c.id)).scalars())
    random = Random(seed)  # noqa: S311 - a sample, no secret
    random.shuffle(ids)
    found = []
    for content_id in ids[start : start + count]:
        digest = connection.execute(select(contents.c.digest).where(contents.c.id == content_id)).scalar_one()
        visible = select(passages.c.id).where(passages.c.content_id == content_id, ~passages.c.hidden)
        numbers = list(connection.execute(visible.order_by(passages.c.ordinal)).scalars())
        chosen = random.sample(numbers, min(PASSAGES_OF_ONE, len(numbers)))
        texts = connection.execute(select(passages.c.text).where(passages.c.id.in_(chosen))).scalars()
        found.append((digest, list(texts)))
    return found


def add_items(connection: Connection, items: Sequence[KnownItem]) -> None:
    among = in_use(connection)
    for one in items:
        connection.execute(
            insert(known_items)
            .prefix_with("OR IGNORE")
            .values(digest=one.digest, query=one.query, sentence=one.sentence, among=among)
        )


def contents_with(connection: Connection, digests: Collection[str]) -> dict[str, frozenset[int]]:
    """The contents in use that were read from these bytes."""
    found: dict[str, frozenset[int]] = {}
    rows = connection.execute(
        select(contents.c.digest, contents.c.id).where(contents.c.digest.in_(digests), _IN_USE)
    )
    for row in rows:
        found[row.digest] = found.get(row.digest, frozenset()) | {row.id}
    return found


def save_evaluation(
    connection: Connection,
    *,
    at: datetime,
    model: str,
    fingerprint: str,
    queries: int,
    took_s: float,
    modes: Mapping[str, Mapping[str, float]],
) -> Evaluation:
    """Keeps a measurement, and the last `KEPT_EVALUATIONS` in all."""
    values = {"at": at, "model": model, "fingerprint": fingerprint, "queries": queries, "took_s": took_s}
    plain = {mode: dict(figures) for mode, figures in modes.items()}
    number = inserted_id(connection.execute(insert(evaluations).values(**values, modes=plain)))
    last = select(evaluations.c.id).order_by(evaluations.c.id.desc()).limit(KEPT_EVALUATIONS)
    connection.execute(delete(evaluations).where(evaluations.c.id.not_in(last)))
    return Evaluation(
        id=number, at=at, model=model, fingerprint=fingerprint, queries=queries, took_s=took_s, modes=plain
    )


def latest(connection: Connection) -> Evaluation | None:
    query = select(evaluations).order_by(evaluations.c.id.desc()).limit(1)
    row = connection.execute(query).mappings().first()
    return None if row is None else _evaluation(row)


def page(connection: Connection, after_id: int, limit: int) -> tuple[Evaluation, ...]:
    """In the order in which they were measured."""
    query = select(evaluations).where(evaluations.c.id > after_id).order_by(evaluations.c.id).limit(limit)
    return tuple(_evaluation(row) for row in connection.execute(query).mappings())


def _evaluation(row: RowMapping) -> Evaluation:
    return Evaluation(**{name: row[name] for name in Evaluation.__slots__})
