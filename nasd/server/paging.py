"""Pages of listings. A cursor names the last item shown: the next page is right whatever comes and goes."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TypeVar

from nasd import render
from nasd.errors import InvalidRequest
from nasd.server.routes import PageQuery

T = TypeVar("T")


def numbered_page(
    found: Sequence[T], limit: int, *, number: Callable[[T], int]
) -> tuple[list[T], str | None]:
    """The page, and the next one's cursor, of at most `limit + 1` items in the order of their numbers."""
    items = list(found[:limit])
    return items, render.encode_cursor(number(items[-1])) if len(found) > limit else None


def named_page(
    found: Sequence[T], wanted: PageQuery, *, name: Callable[[T], str]
) -> tuple[list[T], str | None]:
    """The same of a whole listing, in the order of its items' names. `InvalidRequest` for a bad cursor."""
    after = None if wanted.cursor is None else _decoded(wanted.cursor)
    rest = sorted((one for one in found if after is None or name(one) > after), key=name)
    items = rest[: wanted.limit]
    return items, _encoded(name(items[-1])) if len(rest) > wanted.limit else None


def _encoded(name: str) -> str:
    return "n_" + base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")


def _decoded(cursor: str) -> str:
    digits = cursor.removeprefix("n_")
    try:
        if digits == cursor:
            raise ValueError
        return base64.b64decode(digits + "=" * (-len(digits) % 4), altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        raise InvalidRequest(
            "The cursor is not one of this daemon's.",
            cure="Use the next_cursor of the page before, unchanged.",
            fields={"cursor": "not a cursor"},
        ) from None
