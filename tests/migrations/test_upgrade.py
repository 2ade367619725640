"""Every step from nothing to now; the final schema equals the tables; old data survives; newer is refused."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from nasd.errors import StateError
from nasd.store.tables import SCHEMA_REVISION, TRIGGERS, metadata
from nasd.store.upgrade import (
    BACKUPS,
    database_path,
    migrations_folder,
    put_aside,
    revision_of,
    upgrade,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_the_final_schema_is_the_tables(tmp_path: Path) -> None:
    assert upgrade(tmp_path, NOW)
    engine = create_engine(f"sqlite:///{database_path(tmp_path)}")
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"include_name": lambda name, kind, parents: kind != "table" or name in metadata.tables},
        )
        assert compare_metadata(context, metadata) == []
    engine.dispose()
    with closing(sqlite3.connect(database_path(tmp_path))) as connection:
        built = {_squeezed(row[0]) for row in connection.execute("SELECT sql FROM sqlite_master") if row[0]}
    assert {_squeezed(statement) for statement in TRIGGERS} <= built


def _squeezed(sql: str) -> str:
    return " ".join(sql.split())


def test_the_revision_in_the_code_is_the_newest_step() -> None:
    steps = sorted(path.name.split("_")[0] for path in (migrations_folder() / "versions").glob("0*.py"))
    assert steps[-1] == SCHEMA_REVISION
    assert steps == [f"{number:04d}" for number in range(1, len(steps) + 1)]


def test_a_second_upgrade_has_nothing_to_do_and_puts_nothing_aside(tmp_path: Path) -> None:
    assert upgrade(tmp_path, NOW)
    assert not upgrade(tmp_path, NOW)
    assert not (tmp_path / BACKUPS).exists()


def test_a_copy_put_aside_is_whole(tmp_path: Path) -> None:
    upgrade(tmp_path, NOW)
    with closing(sqlite3.connect(database_path(tmp_path))) as connection, connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("INSERT INTO facts VALUES ('colour', 'green')")
        # Still in the write-ahead log, not yet in the file: a plain copy of the file would miss it.
        connection.commit()
        copy = put_aside(tmp_path, SCHEMA_REVISION, NOW)
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT value FROM facts").fetchall() == [("green",)]
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert not list((tmp_path / BACKUPS).glob("*.partial"))


def test_only_the_newest_copies_are_kept(tmp_path: Path) -> None:
    upgrade(tmp_path, NOW)
    copies = [put_aside(tmp_path, SCHEMA_REVISION, NOW.replace(minute=minute)) for minute in range(5)]
    assert sorted((tmp_path / BACKUPS).iterdir()) == sorted(copies[-3:])


def test_a_newer_database_is_refused_and_untouched(tmp_path: Path) -> None:
    upgrade(tmp_path, NOW)
    with closing(sqlite3.connect(database_path(tmp_path))) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = database_path(tmp_path).read_bytes()
    with pytest.raises(StateError, match="newer") as caught:
        upgrade(tmp_path, NOW)
    assert caught.value.cure
    assert database_path(tmp_path).read_bytes() == before


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    database_path(tmp_path).write_bytes(b"this is not a database, but it is long enough to be one" * 40)
    with pytest.raises(StateError, match="cannot be read"):
        upgrade(tmp_path, NOW)


def test_an_empty_file_is_a_new_database(tmp_path: Path) -> None:
    database_path(tmp_path).touch()
    assert revision_of(database_path(tmp_path)) is None
    assert upgrade(tmp_path, NOW)
    assert revision_of(database_path(tmp_path)) == SCHEMA_REVISION
