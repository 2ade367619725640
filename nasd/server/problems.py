"""Every error as a problem document (RFC 9457), made in this one place."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import ValidationError

from nasd import wire
from nasd.domain.identity import Caller, Scope
from nasd.errors import InvalidRequest, NasdError, TooManyRequests, Unauthenticated

log = logging.getLogger(__name__)

PROBLEM_JSON: Final = "application/problem+json"

_CODES: Final[Mapping[int, tuple[str, str]]] = {
    404: ("not_found", "There is nothing at this address."),
    416: ("range_not_satisfiable", "The range begins behind the file's end."),
    405: ("method_not_allowed", "This address does not take that method; `Allow` names those it takes."),
    413: ("too_large", "The request's body is larger than this daemon takes."),
    415: ("unsupported_media_type", "The body must be JSON, sent as application/json."),
    421: ("misdirected", "This daemon is not known by the host name that was asked for."),
}


def problem_of(error: NasdError, *, reveal: bool = False) -> wire.Problem:
    """What a caller is told. The words of a failure inside (status 500 and 507) may name folders and files
    of the daemon's own: only with `reveal` are they told."""
    inside = error.http_status in (500, 507) and not reveal
    fields = error.fields if isinstance(error, InvalidRequest) else {}
    return wire.Problem(
        title=error.title,
        status=error.http_status,
        detail=f"{error.title}. The daemon's log says more." if inside else error.detail,
        code=error.code,
        cure=None if inside else error.cure,
        errors=[wire.FieldProblem(field=name, detail=detail) for name, detail in fields.items()],
    )


def response_of(problem: wire.Problem, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(
        status=problem.status,
        body=problem.model_dump_json(exclude_none=True).encode(),
        content_type=PROBLEM_JSON,
        headers=headers,
    )


def invalid(error: ValidationError, where: str) -> InvalidRequest:
    """Which fields are wrong and why; never their values. `where` (body, query or path) stands
    for all of it."""
    fields: dict[str, str] = {}
    for one in error.errors(include_url=False, include_context=False, include_input=False):
        # the name of a field that is not known is the sender's own text: bounded before it comes back
        name = ".".join(str(part)[:100] for part in one["loc"])[:300] or where
        fields.setdefault(name, one["msg"])
    return InvalidRequest("The request's fields are wrong; `errors` says which and why.", fields=fields)


def error_response(error: NasdError, caller: Caller | None = None) -> web.Response:
    headers: dict[str, str] = {}
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="nasd"'
    if isinstance(error, TooManyRequests):
        headers["Retry-After"] = str(error.retry_after_s)
    if error.http_status >= 500:
        log.warning("a request failed: %s", error.code, exc_info=error if error.http_status == 500 else None)
    reveal = caller is not None and caller.may(Scope.ADMIN)
    return response_of(problem_of(error, reveal=reveal), headers)


def http_response(error: web.HTTPException) -> web.Response:
    """aiohttp's own refusals, such as 404, 405 and 413, as problem documents."""
    title = HTTPStatus(error.status).phrase
    code, detail = _CODES.get(error.status, (title.lower().replace(" ", "_"), f"{title}."))
    headers = {name: error.headers[name] for name in ("Allow", "Content-Range") if name in error.headers}
    problem = wire.Problem(title=title, status=error.status, detail=detail, code=code)
    return response_of(problem, headers)


@web.middleware
async def answer_with_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except NasdError as error:
        return error_response(error)
    except web.HTTPException as error:
        return http_response(error)
    except web.RequestPayloadError:
        problem = wire.Problem(
            title="Bad Request", status=400, detail="The request's body is damaged.", code="bad_request"
        )
        return response_of(problem)
    except ConnectionError:
        raise  # the other side left; there is nobody to tell
    except Exception:
        resource = request.match_info.route.resource
        log.exception("%s %s failed", request.method, resource.canonical if resource else "(no route)")
        problem = wire.Problem(
            title=NasdError.title,
            status=500,
            detail="Something went wrong inside the daemon; its log says what.",
            code=NasdError.code,
        )
        return response_of(problem)
