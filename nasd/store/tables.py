"""The catalogue's tables. `migrations/` builds them; a test holds both equal.

What SQLAlchemy does not describe stands in `TRIGGERS`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import TypeDecorator

SCHEMA_REVISION = "0001"
"""The newest migration, known without loading Alembic; a test holds it true."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Time(TypeDecorator[datetime]):
    """An aware datetime, kept as microseconds since 1970 in UTC so that it sorts and compares in SQL."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> int | None:
        return None if value is None else (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: int | None, dialect: Any) -> datetime | None:
        return None if value is None else _EPOCH + timedelta(microseconds=value)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# AUTOINCREMENT everywhere: an id that once named something never names anything else, neither in the
# vector index nor in a device's bookmarks.
_NEVER_REUSED: dict[str, Any] = {"sqlite_autoincrement": True}

volumes = Table(
    "volumes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("path", Text, nullable=False),
    Column("watch", String, nullable=False),
    Column("poll_seconds", Integer, nullable=False),
    Column("ignore", JSON, nullable=False),
    Column("source", String, nullable=False),
    Column("state", String, nullable=False),
    Column("detail", Text),
    Column("held", Text),
    Column("identity", Text),
    Column("added", Time, nullable=False),
    Column("last_scan", Time),
    **_NEVER_REUSED,
)

contents = Table(
    "contents",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", String, nullable=False),  # BLAKE3 of the bytes, hexadecimal
    Column("reader", String, nullable=False),  # name and version: the same bytes, read another way, differ
    Column("title", Text),
    Column("name", Text, nullable=False),  # of the file it was first read from: what stands in for a title
    Column("chars", Integer, nullable=False),
    Column("passages", Integer, nullable=False),
    Column("notes", JSON, nullable=False),
    Column("metadata", JSON, nullable=False),
    Column("embedded_by", String),  # fingerprint of the model whose vectors are all there
    Column("orphaned", Time),  # since when no file holds it; swept later, so that a move costs nothing
    Column("created", Time, nullable=False),
    UniqueConstraint("digest", "reader"),
    Index(None, "orphaned"),
    **_NEVER_REUSED,
)

files = Table(
    "files",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("volume_id", ForeignKey("volumes.id", ondelete="CASCADE"), nullable=False),
    Column("parent_id", ForeignKey("files.id", ondelete="CASCADE")),  # of a member: the file that holds it
    Column("path", LargeBinary, nullable=False),  # as the filesystem spells it; a member's goes on after "!/"
    Column("path_text", Text, nullable=False),  # as people read it
    Column("size", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
    Column("inode", BigInteger, nullable=False),
    Column("ctime_ns", BigInteger, nullable=False),
    Column("kind", String, nullable=False),
    Column("media_type", String, nullable=False),
    Column("state", String, nullable=False),
    Column("reason", String),
    Column("detail", Text),
    Column("content_id", ForeignKey("contents.id")),
    Column("first_seen", Time, nullable=False),
    Column("changed", Time, nullable=False),
    # A folder may be called "a.zip!" beside a.zip: what lies in it is not what lies in the archive.
    Index("uq_files_on_disk", "volume_id", "path", unique=True, sqlite_where=text("parent_id IS NULL")),
    Index(
        "uq_files_in_containers", "volume_id", "path", unique=True, sqlite_where=text("parent_id IS NOT NULL")
    ),
    Index(None, "parent_id"),
    Index(None, "content_id"),
    Index(None, "state", "changed"),
    **_NEVER_REUSED,
)

passages = Table(
    "passages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("content_id", ForeignKey("contents.id"), nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("gap", Text, nullable=False),
    Column("char_start", Integer, nullable=False),
    Column("char_end", Integer, nullable=False),
    Column("tokens", Integer, nullable=False),
    Column("page", Integer),
    Column("line_start", Integer),
    Column("line_end", Integer),
    Column("heading", Text),
    Column("sheet", Text),
    Column("slide", Integer),
    Column("time_s", Float),
    Column("hidden", Boolean, nullable=False),  # no person sees it: marked when found, never quoted
    UniqueConstraint("content_id", "ordinal"),
    **_NEVER_REUSED,
)

models = Table(
    "models",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("fingerprint", String, nullable=False, unique=True),
    Column("of", String, nullable=False),  # what its vectors are of: passages or pictures
    Column("name", String, nullable=False),
    Column("dimension", Integer, nullable=False),
    Column("created", Time, nullable=False),
    **_NEVER_REUSED,
)

vectors = Table(
    "vectors",
    metadata,
    Column("passage_id", ForeignKey("passages.id", ondelete="CASCADE"), primary_key=True),
    Column("model_id", ForeignKey("models.id", ondelete="CASCADE"), primary_key=True),
    Column("data", LargeBinary, nullable=False),  # float16, little endian, unit length
    # With a rowid: 200 of 1,000,000 rows are found in 1.2 ms rather than 1.8, because inner pages hold keys
    # and not rows, and which passages have a vector stands in the key's index, apart from the vectors.
)

pictures = Table(
    "pictures",
    metadata,
    # One vector a picture, of the model that looked at it last: another model replaces it.
    Column("content_id", ForeignKey("contents.id", ondelete="CASCADE"), primary_key=True),
    Column("model_id", ForeignKey("models.id", ondelete="CASCADE"), nullable=False),
    Column("data", LargeBinary, nullable=False),  # as in `vectors`
    Index(None, "model_id"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String, nullable=False, unique=True),
    Column("kind", String, nullable=False),
    Column("subject_id", Integer, nullable=False),
    Column("priority", Integer, nullable=False),  # lower first
    Column("amount", BigInteger, nullable=False),  # bytes to read, passages to embed, pages to recognise
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("not_before", Time, nullable=False),
    Column("lease_until", Time),
    Column("error", Text),
    Column("created", Time, nullable=False),
    Index(None, "kind", "state", "priority", "id"),
    **_NEVER_REUSED,
)

devices = Table(
    "devices",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("token_sha256", String, nullable=False, unique=True),
    Column("scopes", JSON, nullable=False),
    Column("created", Time, nullable=False),
    Column("last_seen", Time),
    Column("revoked", Time),
    **_NEVER_REUSED,
)

facts = Table(
    "facts",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", Text, nullable=False),
)

known_items = Table(
    "known_items",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", String, nullable=False, unique=True),  # of the content that the query asks for
    Column("query", Text, nullable=False),
    Column("sentence", Text, nullable=False),
    Column("among", Integer, nullable=False),  # how many contents there were when it was drawn
    **_NEVER_REUSED,
)

evaluations = Table(
    "evaluations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Time, nullable=False),
    Column("model", String, nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("queries", Integer, nullable=False),
    Column("took_s", Float, nullable=False),
    Column("modes", JSON, nullable=False),  # mode to measure to figure
    **_NEVER_REUSED,
)

word_changes = Table(
    "word_changes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String, nullable=False),  # content or file
    Column("subject", Integer, nullable=False),
    UniqueConstraint("kind", "subject"),
    **_NEVER_REUSED,
)


def _noting(name: str, when: str, kind: str, row: str, condition: str = "") -> str:
    """Delete and insert, not `INSERT OR REPLACE`: in a trigger the outer statement's policy would hold."""
    # Every part is a literal of this module.
    return f"""CREATE TRIGGER {name} AFTER {when} {condition}BEGIN
       DELETE FROM word_changes WHERE kind = '{kind}' AND subject = {row};
       INSERT INTO word_changes(kind, subject) VALUES ('{kind}', {row});
       END"""  # noqa: S608


TRIGGERS = (
    _noting("passages_inserted", "INSERT ON passages", "content", "new.content_id"),
    _noting("passages_deleted", "DELETE ON passages", "content", "old.content_id"),
    _noting("contents_updated", "UPDATE OF orphaned, title, name ON contents", "content", "new.id"),
    _noting("files_inserted", "INSERT ON files", "file", "new.id", "WHEN new.content_id IS NOT NULL "),
    _noting(
        "files_updated",
        "UPDATE OF path_text, content_id ON files",
        "file",
        "new.id",
        "WHEN new.path_text IS NOT old.path_text OR new.content_id IS NOT old.content_id ",
    ),
    _noting("files_deleted", "DELETE ON files", "file", "old.id", "WHEN old.content_id IS NOT NULL "),
)
"""What the index of words has to take over is written down in the very transaction that changes it. What
changes again gets a new number, so that taking over the former change does not forget the latter."""
