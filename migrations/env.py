"""Runs the steps on the connection that `nasd.store.upgrade` hands over."""

from __future__ import annotations

from alembic import context

from nasd.store.tables import metadata

connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit(
        "run migrations through `nasd db upgrade`, which puts a copy of the database aside first"
    )

context.configure(
    connection=connection, target_metadata=metadata, render_as_batch=True, transactional_ddl=True
)
with context.begin_transaction():
    context.run_migrations()
