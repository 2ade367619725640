"""The one write lane and the many readers of a SQLite database.

Writers queue here, not in SQLite: one transaction at a time, begun as a writer, which cancellation cannot
interrupt half way. Readers have connections of their own that cannot write and never wait for the writer
(write-ahead log).
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from nasd.domain.globs import matches as glob_matches
from nasd.domain.queries import spaced
from nasd.errors import DiskFull, NasdError, StateError

P = ParamSpec("P")
T = TypeVar("T")

READERS = 4
CACHE_KIB = 16 * 1024  # per connection; measured: more gains nothing at 100,000 passages

CommitPoint = Callable[[str, bool], None]
"""Called with a transaction's name, before (False) and after (True) it commits: crash tests stop here."""


class Lane:
    """Runs plain functions over a `sqlalchemy.Connection`: `read` many at once, `write` one by one.

    Raises `DiskFull` and `StateError` in place of what the database driver raises for a full or broken
    disk; whatever the function itself raises rolls its transaction back and comes through.
    """

    def __init__(self, database: Path, *, commit_point: CommitPoint | None = None) -> None:
        self._database = database
        self._readers = _engine(database, READERS, read_only=True)
        self._writer = _engine(database, 1, read_only=False)
        self._turn = asyncio.Lock()
        self._commit_point = commit_point or (lambda name, done: None)

    async def read(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        try:
            async with self._readers.connect() as connection:
                return await connection.run_sync(work, *args, **kwargs)
        except DBAPIError as error:
            raise translate(error, self._database) from error

    async def write(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        task = asyncio.ensure_future(self._write(getattr(work, "__name__", "write"), work, args, kwargs))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            # The transaction is finished either way before its caller goes: nobody sees a half-done state.
            await asyncio.wait([task])
            raise

    async def _write(self, name: str, work: Callable[..., T], args: Any, kwargs: Any) -> T:
        async with self._turn:
            try:
                async with self._writer.connect() as connection:
                    result = await connection.run_sync(work, *args, **kwargs)
                    self._commit_point(name, False)
                    await connection.commit()
                    self._commit_point(name, True)
                    return result
            except DBAPIError as error:
                raise translate(error, self._database) from error

    async def checkpoint(self) -> None:
        """Makes all that was committed durable against power loss (the log is synced and folded in).

        Anything kept outside the database that names ids from it must be written after this.
        """
        async with self._turn, self._writer.connect() as connection:
            autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await autocommit.execute(text("PRAGMA wal_checkpoint(PASSIVE)"))

    async def close(self) -> None:
        async with self._turn:
            await self._readers.dispose()
            await self._writer.dispose()


def _engine(database: Path, connections: int, *, read_only: bool) -> AsyncEngine:
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{database}",
        pool_size=connections,
        max_overflow=0,
        connect_args={"timeout": 30.0},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(dbapi_connection: Any, _record: Any) -> None:
        dbapi_connection.isolation_level = None  # transactions begin where we say
        dbapi_connection.create_function("path_matches", 2, _path_matches, deterministic=True)
        dbapi_connection.create_function("spaced", 1, _spaced, deterministic=True)
        cursor = dbapi_connection.cursor()
        for pragma in (
            "journal_mode = WAL",
            "synchronous = NORMAL",
            "foreign_keys = ON",
            "temp_store = MEMORY",
            f"cache_size = -{CACHE_KIB}",
            "journal_size_limit = 67108864",
            f"query_only = {int(read_only)}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
            connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _path_matches(glob: str, path: str) -> int:
    return int(glob_matches(glob, path))


def _spaced(text: str | None) -> str | None:
    return None if text is None else spaced(text)


def translate(error: DBAPIError, database: Path) -> NasdError:
    """What a database error means to a person."""
    cause = error.orig
    code = getattr(cause, "sqlite_errorcode", None)
    words = str(cause)
    if code == sqlite3.SQLITE_FULL or "database or disk is full" in words:
        return DiskFull(
            f"There is no room left for the catalogue in {database.parent}.",
            cure="Free some space there; what was learned so far is safe, and work goes on by itself.",
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM) or "readonly" in words:
        return StateError(
            f"The catalogue {database} cannot be written.",
            cure="Check that its folder is writable for the user that runs nasd.",
        )
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or "malformed" in words:
        return StateError(
            f"The catalogue {database} is damaged ({words}).",
            cure="Stop nasd, run `nasd db check`, or put back a copy from the backups folder beside it.",
        )
    return StateError(f"The catalogue {database} gave an error: {words}.")
