"""The one write lane and the many readers of a SQLite database.

Writers queue here, not in SQLite: one transaction at a time, begun as a writer, which cancellation cannot
interrupt half way. Readers have connections of their own that cannot write and never wait for the writer
(write-ahead log). Both work in threads of this lane: a transaction costs one change of threads, however many
statements it has, and the event loop never waits for the disk.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import aiosqlite
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from nasd.domain.globs import matches as glob_matches
from nasd.errors import DiskFull, NasdError, StateError

P = ParamSpec("P")
T = TypeVar("T")

READERS = 4
CACHE_KIB = 2 * 1024
"""For each connection. With 16 MiB searches over 100,000 passages are no faster, as the system keeps the
pages anyway, and the daemon is 60 MB larger."""

CommitPoint = Callable[[str, bool], None]
"""Called with a transaction's name, before (False) and after (True) it commits: crash tests stop here."""


class Lane:
    """Runs plain functions over a `sqlalchemy.Connection`: `read` many at once, `write` one by one.

    Raises `DiskFull` and `StateError` in place of what the database driver raises for a full or broken
    disk; whatever the function itself raises rolls its transaction back and comes through.
    """

    def __init__(self, database: Path, *, commit_point: CommitPoint | None = None) -> None:
        self._database = database
        self._commit_point = commit_point or (lambda name, done: None)
        self._writer: _Line | None = None
        self._opened: list[_Line] = []
        self._idle: asyncio.Queue[_Line] = asyncio.Queue()
        self._opening = asyncio.Lock()
        self._news = asyncio.Event()
        self.writes = 0
        """How many transactions there were; see `written`."""

    async def read(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        line = await self._reader()
        # Whoever asked may be gone before the thread is done; the line is idle only then.
        task = asyncio.ensure_future(self._run(line, lambda connection: work(connection, *args, **kwargs)))
        task.add_done_callback(lambda _: self._idle.put_nowait(line))
        return await _to_its_end(task)

    async def write(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        name = getattr(work, "__name__", "write")

        def step(connection: Connection) -> T:
            result = work(connection, *args, **kwargs)
            self._commit_point(name, False)
            connection.commit()
            self._commit_point(name, True)
            return result

        line = await self._write_line()
        try:
            return await _to_its_end(asyncio.ensure_future(self._run(line, step)))
        finally:
            self.writes += 1
            self._news.set()
            self._news = asyncio.Event()

    async def written(self, since: int) -> None:
        """Returns once there were more transactions than `since`. Any number may wait; who takes `writes`
        before looking at the catalogue, and waits for more than that, misses none."""
        while self.writes <= since:
            await self._news.wait()

    async def checkpoint(self) -> None:
        """Makes all that was committed durable against power loss (the log is synced and folded in).

        Anything kept outside the database that names ids from it must be written after this.
        """
        line = await self._write_line()
        await line.execute_fetchall("PRAGMA wal_checkpoint(PASSIVE)")

    async def ease(self) -> None:
        """Lets go of the pages that the connections keep, each when what it has begun is finished."""
        for line in (*self._opened, *([self._writer] if self._writer is not None else [])):
            await line.execute_fetchall("PRAGMA shrink_memory")

    async def close(self) -> None:
        """What was begun is finished."""
        async with self._opening:
            for line in (*self._opened, *([self._writer] if self._writer is not None else [])):
                await line.close()
            self._opened, self._writer = [], None

    async def _run(self, line: _Line, step: Callable[[Connection], T]) -> T:
        try:
            return await line.run(step)
        except DBAPIError as error:
            raise translate(error, self._database) from error

    async def _write_line(self) -> _Line:
        if self._writer is None:
            return await _to_its_end(asyncio.ensure_future(self._open_writer()))
        return self._writer

    async def _reader(self) -> _Line:
        if self._idle.empty() and len(self._opened) < READERS:
            await _to_its_end(asyncio.ensure_future(self._open_reader()))
        return await self._idle.get()

    async def _open_reader(self) -> None:
        async with self._opening:
            if self._idle.empty() and len(self._opened) < READERS:
                line = await self._open(read_only=True)
                self._opened.append(line)
                self._idle.put_nowait(line)

    async def _open_writer(self) -> _Line:
        async with self._opening:
            if self._writer is None:
                self._writer = await self._open(read_only=False)
            return self._writer

    async def _open(self, *, read_only: bool) -> _Line:
        line = _Line(self._database, read_only=read_only)
        try:
            return await line
        except sqlite3.Error as error:
            await line.stopped()
            raise translate(DBAPIError(None, None, error), self._database) from error


async def _to_its_end(task: asyncio.Future[T]) -> T:
    """What was begun is finished either way before its caller goes: nobody sees a half-done state, no
    connection is left without an owner."""
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # nobody is left to be told
        raise


class _Line(aiosqlite.Connection):
    """A connection in a thread of its own, in which a whole transaction is one visit, however many statements
    it has: a change of threads for each cost 0.1 ms, most of the time of small ones."""

    def __init__(self, database: Path, *, read_only: bool) -> None:
        super().__init__(lambda: _connection(database, read_only=read_only), iter_chunk_size=64)
        self._thread.daemon = True
        self._engine = create_engine("sqlite://", creator=lambda: self._conn, poolclass=StaticPool)
        self._stopping: asyncio.Future[Any] | None = None

        @event.listens_for(self._engine, "begin")
        def begin(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    def __await__(self) -> Generator[Any, None, Self]:
        yield from super().__await__()
        return self

    def stop(self) -> asyncio.Future[Any] | None:
        self._stopping = super().stop()
        return self._stopping

    async def stopped(self) -> None:
        """Once the thread has told its last to the loop, which may close then. The library waits for that
        when a connection is closed, not when it could not be opened."""
        if self._stopping is not None:
            await self._stopping

    async def run(self, step: Callable[[Connection], T]) -> T:
        """`step` in this thread and its transaction, which it commits or loses."""

        def visit() -> T:
            with self._engine.connect() as connection:
                return step(connection)

        result: T = await self._execute(visit)  # type: ignore[no-untyped-call]  # the library leaves it untyped
        return result


def _connection(database: Path, *, read_only: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(database, timeout=30.0, isolation_level=None)  # we say where it begins
    connection.create_function("path_matches", 2, _path_matches, deterministic=True)
    for pragma in (
        "journal_mode = WAL",
        "synchronous = NORMAL",
        "foreign_keys = ON",
        "temp_store = MEMORY",
        f"cache_size = -{CACHE_KIB}",
        "journal_size_limit = 67108864",
        f"query_only = {int(read_only)}",
    ):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _path_matches(glob: str, path: str) -> int:
    return int(glob_matches(glob, path))


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
