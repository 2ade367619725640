"""Small facts about the catalogue itself, by name."""

from __future__ import annotations

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from nasd.store.tables import facts


def fact(connection: Connection, name: str) -> str | None:
    return connection.execute(select(facts.c.value).where(facts.c.name == name)).scalar()


def set_fact(connection: Connection, name: str, value: str) -> None:
    statement = insert(facts).values(name=name, value=value)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[facts.c.name], set_={"value": statement.excluded.value}
        )
    )
