"""What crosses HTTP: the models that validate requests, shape replies and draw the OpenAPI document.

Fields may be added, never renamed or removed. Times are RFC 3339 with offset, sizes are bytes, durations
carry their unit in the name.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from nasd.wire_work import EvaluationOut, FiguresOut, LoadOut, OcrOut, QueueOut, SightOut, SpeechOut, WorkOut

__all__ = [
    "EvaluationOut", "FiguresOut", "LoadOut", "OcrOut", "QueueOut", "SightOut", "SpeechOut", "WorkOut",
]  # fmt: skip
"""Of the other module: to be used as if they stood here."""

T = TypeVar("T")

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
VolumeName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]


class Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Reply(BaseModel):
    model_config = ConfigDict(frozen=True)


class Page(Reply, Generic[T]):
    items: list[T]
    next_cursor: str | None = None


class FieldProblem(Reply):
    field: str
    detail: str


class Problem(Reply):
    """RFC 9457 problem document."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    cure: str | None = Field(default=None, description="what to do about it, where there is something")
    errors: list[FieldProblem] = []


# --- search ---------------------------------------------------------------------------------------------


class FiltersIn(Request):
    volumes: list[str] = []
    path: str | None = Field(default=None, max_length=4096)
    kinds: list[str] = []
    modified_after: AwareDatetime | None = None
    modified_before: AwareDatetime | None = None


class SearchIn(Request):
    query: Text
    k: int = Field(default=10, ge=1, le=100)
    mode: Literal["hybrid", "semantic", "lexical"] = "hybrid"
    filters: FiltersIn = FiltersIn()
    sort: Literal["relevance", "newest"] = Field(
        default="relevance",
        description="newest: what holds all words of the query comes by its time of modification",
    )


class PlaceOut(Reply):
    page: int | None = None
    line_start: int | None = None
    line_end: int | None = None
    heading: str | None = None
    sheet: str | None = None
    slide: int | None = None
    time_s: float | None = None


class FileOut(Reply):
    id: str
    volume: str
    path: str
    kind: str
    media_type: str
    size: int
    modified: datetime
    title: str | None = None
    volume_state: Literal["active", "paused", "frozen"] = Field(
        default="active",
        description="unless active, the file is shown as it was last seen: its disk may not even be there",
    )


class PassageOut(Reply):
    id: str
    text: str
    place: PlaceOut
    char_start: int
    char_end: int
    hidden: bool = False


class ElsewhereOut(Reply):
    """Another place of a hit's text: another file, or another passage."""

    file: FileOut
    passage: str = Field(description="its id")
    place: PlaceOut


class HitOut(Reply):
    rank: int
    score: float
    file: FileOut
    passage: PassageOut
    highlights: list[tuple[int, int]] = []
    lanes: dict[str, int] = {}
    copies: int = Field(default=0, description="how many other places with the same text were found")
    also: list[ElsewhereOut] = Field(default=[], description="the first twenty of these")


class CoverageOut(Reply):
    files: int = 0
    searchable: int = 0
    semantic: int = 0
    pending: int = 0
    failed: int = 0
    skipped: int = 0


class SearchOut(Reply):
    hits: list[HitOut]
    coverage: CoverageOut
    took_ms: float
    notes: list[str] = []


# --- ask ------------------------------------------------------------------------------------------------


class AskIn(Request):
    question: Text
    filters: FiltersIn = FiltersIn()
    answerer: Literal["auto", "extractive", "llm"] = "auto"
    stream: bool = False


class SentenceOut(Reply):
    text: str
    citations: list[int]
    supported: bool


class CitationOut(Reply):
    n: int
    file: FileOut
    passage: PassageOut
    quote: str
    quote_start: int
    quote_end: int


class AskOut(Reply):
    answer: str
    abstained: bool
    answerer: str
    sentences: list[SentenceOut] = []
    citations: list[CitationOut] = []
    nearest: list[HitOut] = []
    coverage: CoverageOut
    took_ms: float
    confidence: float | None = Field(
        default=None, ge=0, le=1, description="how likely the files answer the question, refused or not"
    )
    notes: list[str] = []


# --- volumes --------------------------------------------------------------------------------------------


class VolumeIn(Request):
    path: str = Field(min_length=1, max_length=4096)
    name: VolumeName | None = None
    watch: Literal["auto", "events", "poll", "off"] = "auto"
    poll_seconds: int = Field(default=300, ge=1, le=7 * 86400)
    ignore: list[str] = []


class VolumeOut(Reply):
    name: str
    path: str
    state: Literal["active", "paused", "frozen"]
    detail: str | None = None
    source: Literal["file", "api"]
    watch: str
    watching: str | None = Field(
        default=None, description="events, poll, events+poll (where watches ran out) or off: at present"
    )
    poll_seconds: int
    ignore: list[str]
    scanning: bool = False
    last_scan: datetime | None = None
    last_wake: datetime | None = Field(default=None, description="when nasd last touched the volume")
    last_wake_cause: str | None = Field(
        default=None, description="scan, poll, event, read, request, or guard: looking whether it is back"
    )
    added: datetime
    coverage: CoverageOut = CoverageOut()
    size: int = Field(default=0, description="bytes of all files known")


# --- files ----------------------------------------------------------------------------------------------


class FileEntry(FileOut):
    """A file in a listing."""

    state: Literal["pending", "indexed", "failed", "skipped"]
    reason: str | None = None
    detail: str | None = None
    semantic: bool = False
    first_seen: datetime
    changed: datetime


class FileDetail(FileEntry):
    digest: str | None = Field(default=None, description="BLAKE3 of the bytes that are searchable")
    passages: int = 0
    chars: int = 0
    reader: str | None = None
    notes: list[str] = []
    metadata: dict[str, str] = {}


class FileTextOut(Reply):
    """The whole extracted text of a file; passages' offsets count its code points."""

    id: str
    text: str
    passages: int
    reader: str
    notes: list[str] = []
    digest: str
    metadata: dict[str, str] = {}


class WhyStep(Reply):
    what: str
    at: datetime | None = None
    detail: str


class WhyOut(Reply):
    path: str
    volume: str | None = None
    verdict: Literal["searchable", "words only", "pending", "failed", "skipped", "unknown"]
    summary: str
    steps: list[WhyStep] = []
    file: FileDetail | None = None


class JobOut(Reply):
    id: int
    kind: str
    state: str
    subject: str
    attempts: int
    not_before: datetime
    error: str | None = None
    created: datetime


# --- status ---------------------------------------------------------------------------------------------


class ModelOut(Reply):
    name: str
    purpose: Literal["embedding", "language", "speech", "picture", "reranking"]
    state: Literal["missing", "preparing", "ready", "failed"]
    detail: str | None = None
    dimension: int | None = None
    max_tokens: int | None = None
    serving: str | None = None
    fingerprint: str | None = None
    active: bool = False
    role: Literal["serving", "previous", "next"] | None = Field(
        default=None, description="of an embedding model: it answers; it did before; it is to answer next"
    )
    passages: int | None = Field(default=None, description="that the next model has to embed in all")
    embedded: int | None = Field(default=None, description="of these, done")
    eta_s: float | None = Field(default=None, description="until all are; null: not known, or none is left")
    licence: str | None = None
    bytes: int | None = Field(default=None, description="of a language model's file")
    memory_bytes: int | None = Field(default=None, description="that a language model needs with its context")
    fits: bool | None = Field(default=None, description="whether so much is free now; null: not known")
    prompt_tokens_s: float | None = Field(default=None, description="that a language model reads here")
    generate_tokens_s: float | None = Field(default=None, description="that a language model writes here")
    waiting: int | None = Field(default=None, description="questions that wait for a language model's turn")


class ModelUse(Request):
    name: str = Field(min_length=1, max_length=4096, description="a model's name, or the path of its folder")
    force: bool = Field(default=False, description="change even if it finds less of the known items")


class IndexOut(Reply):
    state: Literal["empty", "loading", "rebuilding", "ready"]
    vectors: int = 0
    kind: str = ""


class FailureOut(Reply):
    id: str
    volume: str
    path: str
    reason: str | None
    detail: str | None
    at: datetime


class StatusOut(Reply):
    version: str
    started: datetime
    uptime_s: float
    state: Literal["starting", "ready", "stopping"]
    host: str
    port: int | None = None
    state_dir: str
    state_bytes: int = 0
    memory_bytes: int = 0
    volumes: list[VolumeOut] = []
    coverage: CoverageOut = CoverageOut()
    queue: QueueOut = QueueOut()
    work: list[WorkOut] = Field(default=[], description="what waits, by kind, in the order of its turn")
    load: LoadOut = LoadOut()
    ocr: OcrOut = OcrOut()
    speech: SpeechOut = SpeechOut()
    pictures: SightOut = SightOut()
    index: IndexOut
    models: list[ModelOut] = []
    evaluation: EvaluationOut | None = Field(default=None, description="the last one; null: none yet")
    recent_failures: list[FailureOut] = []
    services: dict[str, str] = {}
    pending_searchable: int = Field(
        default=0, description="0 when every settled change is searchable by words"
    )
    pending_semantic: int = Field(default=0, description="0 when, besides, every vector is searchable")
    pending_recognition: int = Field(
        default=0, description="of `pending_searchable`: files of which text or speech is being recognised"
    )
    pending_pictures: int = Field(
        default=0, description="of `pending_semantic`: pictures that the model is still to look at"
    )


class EventOut(Reply):
    id: int
    type: str
    at: datetime
    data: dict[str, Any] = {}


class CheckOut(Reply):
    """Readiness, with its reasons when not ready."""

    ready: bool
    reasons: list[str] = []


# --- devices --------------------------------------------------------------------------------------------


class DeviceIn(Request):
    name: VolumeName
    scopes: list[Literal["search", "ask", "files", "admin"]] = ["search", "ask", "files"]


class DeviceOut(Reply):
    name: str
    scopes: list[str]
    created: datetime
    last_seen: datetime | None = None
    revoked: datetime | None = None


class DeviceToken(DeviceOut):
    token: str = Field(description="shown once; only its hash is kept")
