"""Brings a database to this version's schema, after a copy of it was put aside."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from nasd.errors import StateError
from nasd.store.tables import SCHEMA_REVISION

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

DATABASE = "catalogue.db"
BACKUPS = "backups"
KEPT_COPIES = 3


def database_path(state_dir: Path) -> Path:
    return state_dir / DATABASE


def revision_of(database: Path) -> str | None:
    """The schema revision of a database, or None when there is none yet.

    Raises `StateError` when the file is no SQLite database or cannot be read.
    """
    if not database.exists() or database.stat().st_size == 0:
        return None
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            tables = connection.execute(
                "SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'"
            ).fetchone()
            if not tables[0]:
                return None
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            return None if row is None else str(row[0])
    except sqlite3.Error as error:
        raise StateError(
            f"The catalogue {database} cannot be read ({error}).",
            cure="Put back a copy from the backups folder beside it, or move it away to begin anew: "
            "your files are not in it.",
        ) from error


def upgrade(state_dir: Path, now: datetime) -> bool:
    """Runs the missing steps; True when there were any. `StateError` for a newer or damaged database."""
    database = database_path(state_dir)
    revision = revision_of(database)
    if revision == SCHEMA_REVISION:
        return False
    if revision is not None:
        if not _known(revision):
            raise StateError(
                f"The catalogue {database} was written by a newer nasd (schema {revision}; this one knows "
                f"{SCHEMA_REVISION}).",
                cure=f"Install that version again, or put back a copy from {state_dir / BACKUPS}.",
            )
        put_aside(state_dir, revision, now)
    _run_steps(database)
    return True


def put_aside(state_dir: Path, revision: str, now: datetime) -> Path:
    """Copies the database, complete and consistent, to the backups folder; keeps the newest few."""
    folder = state_dir / BACKUPS
    folder.mkdir(mode=0o700, exist_ok=True)
    copy = folder / f"catalogue-{revision}-{now:%Y%m%dT%H%M%SZ}.db"
    partial = copy.with_suffix(".partial")
    with (
        closing(sqlite3.connect(database_path(state_dir))) as source,
        closing(sqlite3.connect(partial)) as target,
    ):
        source.backup(target)
    partial.replace(copy)
    for old in sorted(folder.glob("catalogue-*.db"), key=lambda path: path.stat().st_mtime)[:-KEPT_COPIES]:
        old.unlink()
    return copy


def migrations_folder() -> Path:
    """The steps: beside the package in a checkout, inside it when installed."""
    package = Path(__file__).parents[1]
    installed = package / "_migrations"
    return installed if installed.is_dir() else package.parent / "migrations"


def _script() -> Config:
    from alembic.config import Config as AlembicConfig

    config = AlembicConfig()
    config.set_main_option("script_location", str(migrations_folder()))
    config.set_main_option("path_separator", "os")
    return config


def _known(revision: str) -> bool:
    from alembic.script import ScriptDirectory

    known = {step.revision for step in ScriptDirectory.from_config(_script()).walk_revisions()}
    return revision in known


def _run_steps(database: Path) -> None:
    from alembic import command
    from sqlalchemy import create_engine, event

    engine = create_engine(f"sqlite:///{database}")

    # The driver's own transactions end before DDL; ours hold all steps together or none.
    @event.listens_for(engine, "connect")
    def connect(dbapi_connection: sqlite3.Connection, _record: object) -> None:
        dbapi_connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    config = _script()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()
