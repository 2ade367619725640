"""From problem documents back to the errors they were."""

from __future__ import annotations

from typing import Final

from pydantic import ValidationError

from nasd import errors, wire

_PLAIN: Final[dict[str, type[errors.NasdError]]] = {
    kind.code: kind
    for kind in (
        errors.NasdError,
        errors.ConfigError,
        errors.NotFound,
        errors.Unauthenticated,
        errors.NotPermitted,
        errors.Conflict,
        errors.Unavailable,
        errors.StateError,
        errors.DiskFull,
        errors.ModelError,
    )
}
_BY_STATUS: Final[dict[int, type[errors.NasdError]]] = {
    400: errors.ConfigError,
    401: errors.Unauthenticated,
    403: errors.NotPermitted,
    404: errors.NotFound,
    409: errors.Conflict,
    413: errors.ConfigError,
    415: errors.ConfigError,
    503: errors.Unavailable,
    507: errors.DiskFull,
}


def error_from(
    status: int, body: str | bytes, *, where: str, retry_after: str | None = None
) -> errors.NasdError:
    """The error that a reply with an error status stands for.

    `body` is the reply's; one that is no problem document is not shown, since anything may have written it.
    `where` names who answered.
    """
    try:
        problem = wire.Problem.model_validate_json(body)
    except ValidationError:
        kind = _BY_STATUS.get(status, errors.NasdError)
        return kind(
            f"{where} answered with status {status}, and not as nasd does.", cure="Check the address."
        )
    match problem.code:
        case errors.InvalidRequest.code:
            fields = {error.field: error.detail for error in problem.errors}
            return errors.InvalidRequest(problem.detail, cure=problem.cure, fields=fields)
        case errors.TooManyRequests.code:
            seconds = int(retry_after) if retry_after and retry_after.isdecimal() else 1
            return errors.TooManyRequests(problem.detail, cure=problem.cure, retry_after_s=seconds)
        case code:
            kind = _PLAIN.get(code) or _BY_STATUS.get(problem.status, errors.NasdError)
            return kind(problem.detail, cure=problem.cure)
