"""Devices and the hashes of their tokens."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from nasd.domain.identity import Device, Scope
from nasd.errors import Conflict, NotFound
from nasd.store.tables import devices


def _device(row: Mapping[Any, Any]) -> Device:
    return Device(
        id=row["id"],
        name=row["name"],
        scopes=frozenset(Scope(scope) for scope in row["scopes"]),
        created=row["created"],
        last_seen=row["last_seen"],
        revoked=row["revoked"],
    )


def all_devices(connection: Connection) -> tuple[Device, ...]:
    return tuple(
        _device(row) for row in connection.execute(select(devices).order_by(devices.c.name)).mappings()
    )


def device_named(connection: Connection, name: str) -> Device:
    """Raises `NotFound`."""
    row = connection.execute(select(devices).where(devices.c.name == name)).mappings().first()
    if row is None:
        raise NotFound(
            f"There is no device named “{name}”.", cure="`nasd device list` shows those there are."
        )
    return _device(row)


def add_device(
    connection: Connection, *, name: str, token_sha256: str, scopes: frozenset[Scope], now: datetime
) -> Device:
    """Raises `Conflict` when the name is taken; a revoked device gives its name free."""
    taken = connection.execute(select(devices).where(devices.c.name == name)).mappings().first()
    values = {
        "token_sha256": token_sha256,
        "scopes": sorted(scope.value for scope in scopes),
        "created": now,
        "last_seen": None,
        "revoked": None,
    }
    if taken is None:
        connection.execute(insert(devices).values(name=name, **values))
    elif taken["revoked"] is None:
        raise Conflict(
            f"There is a device named “{name}” already.",
            cure=f"Choose another name, or `nasd device revoke {name}` first.",
        )
    else:
        connection.execute(update(devices).where(devices.c.id == taken["id"]).values(**values))
    return device_named(connection, name)


def revoke_device(connection: Connection, name: str, now: datetime) -> Device:
    """Raises `NotFound`. A second time changes nothing."""
    device = device_named(connection, name)
    if device.revoked is None:
        connection.execute(update(devices).where(devices.c.id == device.id).values(revoked=now))
    return device_named(connection, name)


def device_by_token(connection: Connection, token_sha256: str) -> Device | None:
    row = connection.execute(select(devices).where(devices.c.token_sha256 == token_sha256)).mappings().first()
    return None if row is None else _device(row)


def saw_device(connection: Connection, device_id: int, now: datetime) -> None:
    connection.execute(update(devices).where(devices.c.id == device_id).values(last_seen=now))
