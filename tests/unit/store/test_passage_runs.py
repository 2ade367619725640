"""Which content each passage is of, kept at hand, is what the catalogue says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine

from nasd.store import passage_runs
from nasd.store.passage_runs import PassageRuns
from nasd.store.tables import metadata

PASSAGE = "INSERT INTO passages (content_id, ordinal, text, gap, char_start, char_end, tokens, hidden)"
CONTENT = (
    "INSERT OR IGNORE INTO contents (id, digest, reader, name, chars, passages, notes, metadata, created)"
)

# What is written between two looks: contents by id that get so many passages more, or none: theirs go.
STEPS = st.lists(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 4)), max_size=6), max_size=5)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def write(connection: Connection, content: int, count: int) -> None:
    connection.exec_driver_sql(f"{CONTENT} VALUES (?1, ?1, 'r', '', 0, 0, '[]', '{{}}', 0)", (content,))
    if not count:
        connection.exec_driver_sql("DELETE FROM passages WHERE content_id = ?", (content,))
    for _ in range(count):
        connection.exec_driver_sql(
            f"{PASSAGE} SELECT ?1, coalesce(max(ordinal), 0) + 1, '', '', 0, 0, 0, 0 FROM passages "
            "WHERE content_id = ?1",
            (content,),
        )


def there(connection: Connection) -> dict[int, int]:
    return {row[0]: row[1] for row in connection.exec_driver_sql("SELECT id, content_id FROM passages")}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(steps=STEPS, at_once=st.integers(1, 4), wanted=st.sets(st.integers(1, 9)))
def test_runs_follow_what_is_written(
    connection: Connection, steps: list[list[tuple[int, int]]], at_once: int, wanted: set[int]
) -> None:
    connection.exec_driver_sql("DELETE FROM passages")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passage_runs, "CONTENTS_AT_ONCE", at_once)
        patch.setattr(passage_runs, "NEW_AT_ONCE", at_once)
        runs = PassageRuns()
        for step in [[], *steps]:
            for content, count in step:
                write(connection, content, count)
            known = there(connection)
            found = runs.of(connection, np.array(sorted(wanted), np.int64)).tolist()
            assert found == sorted(set(found))
            living = [one for one in found if one in known]
            assert living == sorted(one for one, content in known.items() if content in wanted)
            asked = [*known, max(known, default=0) + 1]
            assert runs.contents_of(connection, asked) == known


def test_an_empty_catalogue_has_none(connection: Connection) -> None:
    connection.exec_driver_sql("DELETE FROM passages")
    runs = PassageRuns()
    assert runs.of(connection, np.array([1], np.int64)).tolist() == []
    assert runs.contents_of(connection, [1]) == {}
