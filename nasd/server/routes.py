"""Routes as values: one table drives the router, the checks of what comes in, and the OpenAPI document."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from aiohttp import web
from pydantic import BaseModel, Field

from nasd.domain.identity import Caller, Scope
from nasd.errors import InvalidRequest
from nasd.server.base import Flows
from nasd.wire import Request

M = TypeVar("M", bound=BaseModel)
JSON: Final = "application/json"


class PageQuery(Request):
    """Which part of a listing."""

    limit: int = Field(default=50, ge=1, le=200, description="at most so many items")
    cursor: str | None = Field(
        default=None, max_length=1024, description="next_cursor of the page before; absent for the first"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that has passed all checks. `caller` is None on open routes alone."""

    request: web.Request
    flows: Flows
    caller: Caller | None
    inputs: Mapping[type[BaseModel], BaseModel]

    def given(self, model: type[M]) -> M:
        """The body, query or path that the route declares with `model`."""
        found = self.inputs[model]
        assert isinstance(found, model)
        return found


Reply = BaseModel | web.StreamResponse | None
Handler = Callable[[Call], Awaitable[Reply]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What a route takes and gives. `scope` None: open to all. `path`, `query` and `body` are models of what
    comes in; `reply` of what goes out as JSON with `status`; None with 204 for nothing.

    `media` names the media types of a good reply beside or instead of JSON; `also` further statuses with
    their models or None. `cost` counts against the caller's allowance. `stream` says that the reply lasts.
    """

    method: str
    url: str
    handler: Handler
    tag: str
    summary: str
    scope: Scope | None
    path: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    reply: type[BaseModel] | None = None
    status: int = 200
    media: tuple[str, ...] = ()
    also: Mapping[int, type[BaseModel] | None] = field(default_factory=dict)
    cost: float = 0.0
    stream: bool = False

    @property
    def name(self) -> str:
        """Unique among all routes: the handler's name with its group."""
        return f"{self.tag}.{getattr(self.handler, '__name__', 'handler')}"


class Routes:
    """The routes of one group, in the order in which they are declared."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.all: list[Route] = []

    def route(
        self, method: str, url: str, *, scope: Scope | None, summary: str, **rest: Any
    ) -> Callable[[Handler], Handler]:
        """Declares the decorated handler; `rest` are further fields of `Route`."""

        def declare(handler: Handler) -> Handler:
            declared = Route(
                method=method, url=url, handler=handler, tag=self.tag, summary=summary, scope=scope, **rest
            )
            self.all.append(declared)
            return handler

        return declare


def read_path(route: Route, request: web.Request) -> dict[type[BaseModel], BaseModel]:
    """The parts of the path and the query, checked. `pydantic.ValidationError`, `InvalidRequest`."""
    inputs: dict[type[BaseModel], BaseModel] = {}
    if route.path is not None:
        inputs[route.path] = route.path.model_validate(dict(request.match_info))
    query = request.query
    twice = sorted({name for name in query if len(query.getall(name)) > 1})
    if twice:
        raise InvalidRequest(
            "A query parameter is given more than once.",
            fields={name[:200]: "given more than once" for name in twice},
        )
    if route.query is not None:
        inputs[route.query] = route.query.model_validate(dict(query))
    elif query:
        raise InvalidRequest(
            "This route takes no query parameters.",
            fields={name[:200]: "not known" for name in sorted(set(query))},
        )
    return inputs
