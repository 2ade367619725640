"""The error tree. Adapters translate what libraries raise into these, once, at the edge.

    NasdError
    ├── ConfigError          configuration or arguments are wrong                 exit 2   HTTP 400
    │   └── InvalidRequest   a request's own fields are wrong                     exit 2   HTTP 422
    ├── NotFound             no such volume, file, device, model                  exit 4   HTTP 404
    ├── Unauthenticated      no or an unknown token                               exit 5   HTTP 401
    ├── NotPermitted         known, but the scope is missing                      exit 5   HTTP 403
    ├── Conflict             it is there already, or another holds it             exit 1   HTTP 409
    ├── Unavailable          not now: no model yet, no daemon, stopping           exit 3   HTTP 503
    │   └── TooManyRequests  asked too often                                      exit 3   HTTP 429
    ├── StateError           the state folder or database cannot be used          exit 1   HTTP 500
    │   └── DiskFull         no room left for the state                           exit 1   HTTP 507
    ├── ModelError           a model is damaged, unknown or fails its checks      exit 1   HTTP 500
    └── ReadError            one file could not be read; `temporary` says whether trying again may help

Every error says what is wrong (`detail`) and, where there is one, what to do about it (`cure`).
"""

from __future__ import annotations

from typing import ClassVar


class NasdError(Exception):
    """Base of all errors that nasd raises on purpose.

    `detail` is one sentence for a person; `cure` says what to do; `code` is stable for programs.
    """

    code: ClassVar[str] = "internal"
    exit_code: ClassVar[int] = 1
    http_status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong"

    def __init__(self, detail: str, *, cure: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.cure = cure

    def __str__(self) -> str:
        return f"{self.detail} {self.cure}" if self.cure else self.detail


class ConfigError(NasdError):
    code = "bad_configuration"
    exit_code = 2
    http_status = 400
    title = "Wrong configuration"


class InvalidRequest(ConfigError):
    """`fields` maps the dotted name of each wrong field to what is wrong with it."""

    code = "invalid_request"
    http_status = 422
    title = "Wrong request"

    def __init__(self, detail: str, *, cure: str | None = None, fields: dict[str, str] | None = None) -> None:
        super().__init__(detail, cure=cure)
        self.fields = fields or {}


class NotFound(NasdError):
    code = "not_found"
    exit_code = 4
    http_status = 404
    title = "Not found"


class Unauthenticated(NasdError):
    code = "unauthenticated"
    exit_code = 5
    http_status = 401
    title = "A token is needed"


class NotPermitted(NasdError):
    code = "not_permitted"
    exit_code = 5
    http_status = 403
    title = "Not permitted"


class Conflict(NasdError):
    code = "conflict"
    http_status = 409
    title = "Conflict"


class Unavailable(NasdError):
    code = "unavailable"
    exit_code = 3
    http_status = 503
    title = "Not available now"


class TooManyRequests(Unavailable):
    """`retry_after_s`: whole seconds until it is worth asking again."""

    code = "too_many_requests"
    http_status = 429
    title = "Too many requests"

    def __init__(self, detail: str, *, cure: str | None = None, retry_after_s: int = 1) -> None:
        super().__init__(detail, cure=cure)
        self.retry_after_s = retry_after_s


class StateError(NasdError):
    code = "state"
    title = "The state folder cannot be used"


class DiskFull(StateError):
    code = "disk_full"
    http_status = 507
    title = "No room left for the state"


class ModelError(NasdError):
    code = "model"
    title = "The model cannot be used"


class ReadError(NasdError):
    """One file could not be read.

    `reason` is one of: unreadable, changing, too_large, unsupported, encrypted, malformed, memory, time,
    output, crashed. A file may have others, which no reading raises (`domain.files`): rule, policy,
    interrupted. `temporary` is true when the same bytes may be read by trying again later: also when the
    reading process died of them or was killed over them, since that may lie in the machine.
    """

    code = "read_failed"
    title = "The file could not be read"

    def __init__(self, detail: str, *, reason: str, temporary: bool = False, cure: str | None = None) -> None:
        super().__init__(detail, cure=cure)
        self.reason = reason
        self.temporary = temporary
