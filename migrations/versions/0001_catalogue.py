"""The catalogue: volumes, files, contents, passages, vectors, jobs, devices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# A step never imports the present tables: it says what they were when it was written.

TRIGGERS = (
    """CREATE TRIGGER passages_inserted AFTER INSERT ON passages BEGIN
       DELETE FROM word_changes WHERE kind = 'content' AND subject = new.content_id;
       INSERT INTO word_changes(kind, subject) VALUES ('content', new.content_id);
       END""",
    """CREATE TRIGGER passages_deleted AFTER DELETE ON passages BEGIN
       DELETE FROM word_changes WHERE kind = 'content' AND subject = old.content_id;
       INSERT INTO word_changes(kind, subject) VALUES ('content', old.content_id);
       END""",
    """CREATE TRIGGER contents_updated AFTER UPDATE OF orphaned, title, name ON contents BEGIN
       DELETE FROM word_changes WHERE kind = 'content' AND subject = new.id;
       INSERT INTO word_changes(kind, subject) VALUES ('content', new.id);
       END""",
    """CREATE TRIGGER files_inserted AFTER INSERT ON files WHEN new.content_id IS NOT NULL BEGIN
       DELETE FROM word_changes WHERE kind = 'file' AND subject = new.id;
       INSERT INTO word_changes(kind, subject) VALUES ('file', new.id);
       END""",
    """CREATE TRIGGER files_updated AFTER UPDATE OF path_text, content_id ON files
       WHEN new.path_text IS NOT old.path_text OR new.content_id IS NOT old.content_id BEGIN
       DELETE FROM word_changes WHERE kind = 'file' AND subject = new.id;
       INSERT INTO word_changes(kind, subject) VALUES ('file', new.id);
       END""",
    """CREATE TRIGGER files_deleted AFTER DELETE ON files WHEN old.content_id IS NOT NULL BEGIN
       DELETE FROM word_changes WHERE kind = 'file' AND subject = old.id;
       INSERT INTO word_changes(kind, subject) VALUES ('file', old.id);
       END""",
)


def upgrade() -> None:
    op.create_table(
        "volumes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("watch", sa.String, nullable=False),
        sa.Column("poll_seconds", sa.Integer, nullable=False),
        sa.Column("ignore", sa.JSON, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("detail", sa.Text),
        sa.Column("held", sa.Text),
        sa.Column("identity", sa.Text),
        sa.Column("added", sa.BigInteger, nullable=False),
        sa.Column("last_scan", sa.BigInteger),
        sa.UniqueConstraint("name", name="uq_volumes_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "contents",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("reader", sa.String, nullable=False),
        sa.Column("title", sa.Text),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("chars", sa.Integer, nullable=False),
        sa.Column("passages", sa.Integer, nullable=False),
        sa.Column("notes", sa.JSON, nullable=False),
        sa.Column("metadata", sa.JSON, nullable=False),
        sa.Column("embedded_by", sa.String),
        sa.Column("orphaned", sa.BigInteger),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("digest", "reader", name="uq_contents_digest_reader"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_contents_orphaned", "contents", ["orphaned"])
    op.create_table(
        "files",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "volume_id",
            sa.Integer,
            sa.ForeignKey("volumes.id", name="fk_files_volume_id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column(
            "parent_id",
            sa.Integer,
            sa.ForeignKey("files.id", name="fk_files_parent_id", ondelete="CASCADE"),
        ),
        sa.Column("path", sa.LargeBinary, nullable=False),
        sa.Column("path_text", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("mtime_ns", sa.BigInteger, nullable=False),
        sa.Column("inode", sa.BigInteger, nullable=False),
        sa.Column("ctime_ns", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("media_type", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("reason", sa.String),
        sa.Column("detail", sa.Text),
        sa.Column("content_id", sa.Integer, sa.ForeignKey("contents.id", name="fk_files_content_id")),
        sa.Column("first_seen", sa.BigInteger, nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_files_on_disk",
        "files",
        ["volume_id", "path"],
        unique=True,
        sqlite_where=sa.text("parent_id IS NULL"),
    )
    op.create_index(
        "uq_files_in_containers",
        "files",
        ["volume_id", "path"],
        unique=True,
        sqlite_where=sa.text("parent_id IS NOT NULL"),
    )
    op.create_index("ix_files_parent_id", "files", ["parent_id"])
    op.create_index("ix_files_content_id", "files", ["content_id"])
    op.create_index("ix_files_state_changed", "files", ["state", "changed"])
    op.create_table(
        "passages",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "content_id",
            sa.Integer,
            sa.ForeignKey("contents.id", name="fk_passages_content_id"),
            nullable=False,
        ),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("gap", sa.Text, nullable=False),
        sa.Column("char_start", sa.Integer, nullable=False),
        sa.Column("char_end", sa.Integer, nullable=False),
        sa.Column("tokens", sa.Integer, nullable=False),
        sa.Column("page", sa.Integer),
        sa.Column("line_start", sa.Integer),
        sa.Column("line_end", sa.Integer),
        sa.Column("heading", sa.Text),
        sa.Column("sheet", sa.Text),
        sa.Column("slide", sa.Integer),
        sa.Column("time_s", sa.Float),
        sa.Column("hidden", sa.Boolean, nullable=False),
        sa.UniqueConstraint("content_id", "ordinal", name="uq_passages_content_id_ordinal"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "models",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("fingerprint", sa.String, nullable=False),
        sa.Column("of", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("dimension", sa.Integer, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("fingerprint", name="uq_models_fingerprint"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "vectors",
        sa.Column(
            "passage_id",
            sa.Integer,
            sa.ForeignKey("passages.id", name="fk_vectors_passage_id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column(
            "model_id",
            sa.Integer,
            sa.ForeignKey("models.id", name="fk_vectors_model_id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "pictures",
        sa.Column(
            "content_id",
            sa.Integer,
            sa.ForeignKey("contents.id", name="fk_pictures_content_id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column(
            "model_id",
            sa.Integer,
            sa.ForeignKey("models.id", name="fk_pictures_model_id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_pictures_model_id", "pictures", ["model_id"])
    op.create_table(
        "jobs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("subject_id", sa.Integer, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("not_before", sa.BigInteger, nullable=False),
        sa.Column("lease_until", sa.BigInteger),
        sa.Column("error", sa.Text),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("key", name="uq_jobs_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_jobs_kind_state_priority_id", "jobs", ["kind", "state", "priority", "id"])
    op.create_table(
        "devices",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("token_sha256", sa.String, nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("last_seen", sa.BigInteger),
        sa.Column("revoked", sa.BigInteger),
        sa.UniqueConstraint("name", name="uq_devices_name"),
        sa.UniqueConstraint("token_sha256", name="uq_devices_token_sha256"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "facts",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "known_items",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("sentence", sa.Text, nullable=False),
        sa.Column("among", sa.Integer, nullable=False),
        sa.UniqueConstraint("digest", name="uq_known_items_digest"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "evaluations",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("fingerprint", sa.String, nullable=False),
        sa.Column("queries", sa.Integer, nullable=False),
        sa.Column("took_s", sa.Float, nullable=False),
        sa.Column("modes", sa.JSON, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "word_changes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("subject", sa.Integer, nullable=False),
        sa.UniqueConstraint("kind", "subject", name="uq_word_changes_kind_subject"),
        sqlite_autoincrement=True,
    )
    for statement in TRIGGERS:
        op.execute(statement)
