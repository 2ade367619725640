"""Domain values as they cross HTTP, and the ids by which files and passages are known outside.

Ids outside are opaque: "f_" or "p_" and the catalogue's integer in base 36.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from nasd import wire
from nasd.domain.events import Event
from nasd.domain.files import FileRecord, display_path
from nasd.domain.identity import Device
from nasd.domain.jobs import Job
from nasd.domain.known import Evaluation
from nasd.domain.passages import Place, StoredPassage
from nasd.domain.search import Answer, Citation, Coverage, Filters, Hit, SearchResult
from nasd.errors import InvalidRequest, NotFound

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_NUMBER = re.compile(r"(?:0|[1-9a-z][0-9a-z]{0,12})\Z", re.ASCII)
_LARGEST = 2**63 - 1  # what the catalogue's integer columns hold


def encode_file_id(number: int) -> str:
    return "f_" + _base36(number)


def decode_file_id(text: str) -> int:
    """`NotFound` when it cannot be the id of a file."""
    number = _number(text.removeprefix("f_")) if text.startswith("f_") else None
    if number is None:
        raise NotFound(
            f"There is no file {text[:64]!r}.", cure="File ids look like f_1a2b; a search shows them."
        )
    return number


def encode_passage_id(number: int) -> str:
    """Below zero: of what stands for a picture without text (`nasd.store.pictures`)."""
    if number < 0:
        return "i_" + _base36(-number)
    return "p_" + _base36(number)


def decode_passage_id(text: str) -> int:
    """`NotFound` when it cannot be the id of a passage."""
    number = _number(text.removeprefix("p_")) if text.startswith("p_") else None
    if number is None:
        raise NotFound(f"There is no passage {text[:64]!r}.", cure="Passage ids look like p_1a2b.")
    return number


def encode_cursor(last_id: int) -> str:
    """Where the next page of a listing begins: after this id."""
    return "c_" + _base36(last_id)


def decode_cursor(text: str | None) -> int:
    """The id a page begins after; 0 for the first page. `InvalidRequest` when it is not a cursor."""
    if text is None:
        return 0
    number = _number(text.removeprefix("c_")) if text.startswith("c_") else None
    if number is None:
        raise InvalidRequest(
            "The cursor is not one of this daemon's.",
            cure="Use the next_cursor of the page before, unchanged.",
            fields={"cursor": "not a cursor"},
        )
    return number


def modified_at(mtime_ns: int) -> datetime:
    """A file's modification time, aware, in UTC, to the microsecond; clamped to years 1 to 9999."""
    try:
        return datetime.fromtimestamp(mtime_ns // 1_000_000_000, UTC).replace(
            microsecond=mtime_ns % 1_000_000_000 // 1000
        )
    except (OverflowError, ValueError, OSError):
        return datetime.max.replace(tzinfo=UTC) if mtime_ns > 0 else datetime.min.replace(tzinfo=UTC)


def file_out(file: FileRecord) -> wire.FileOut:
    return wire.FileOut(
        id=encode_file_id(file.id),
        volume=file.volume,
        path=display_path(file.path),
        kind=file.kind,
        media_type=file.media_type,
        size=file.size,
        modified=modified_at(file.mtime_ns),
        title=file.title,
        volume_state=file.volume_state.value,
    )


def file_entry(file: FileRecord) -> wire.FileEntry:
    return wire.FileEntry(
        **file_out(file).model_dump(),
        state=file.state.value,
        reason=file.reason,
        detail=file.detail,
        semantic=file.semantic,
        first_seen=file.first_seen,
        changed=file.changed,
    )


def file_detail(
    file: FileRecord,
    *,
    digest: str | None = None,
    passages: int = 0,
    chars: int = 0,
    reader: str | None = None,
    notes: tuple[str, ...] = (),
    metadata: dict[str, str] | None = None,
) -> wire.FileDetail:
    return wire.FileDetail(
        **file_entry(file).model_dump(),
        digest=digest,
        passages=passages,
        chars=chars,
        reader=reader,
        notes=list(notes),
        metadata=dict(metadata or {}),
    )


def place_out(place: Place) -> wire.PlaceOut:
    return wire.PlaceOut(
        page=place.page,
        line_start=place.line_start,
        line_end=place.line_end,
        heading=place.heading,
        sheet=place.sheet,
        slide=place.slide,
        time_s=place.time_s,
    )


def passage_out(stored: StoredPassage) -> wire.PassageOut:
    passage = stored.passage
    return wire.PassageOut(
        id=encode_passage_id(stored.id),
        text=passage.text,
        place=place_out(passage.place),
        char_start=passage.char_start,
        char_end=passage.char_end,
        hidden=passage.hidden,
    )


def hit_out(hit: Hit) -> wire.HitOut:
    return wire.HitOut(
        rank=hit.rank,
        score=hit.score,
        file=file_out(hit.file),
        passage=passage_out(hit.passage),
        highlights=list(hit.highlights),
        lanes={lane.value: rank for lane, rank in hit.lanes.items()},
        copies=hit.copies,
        also=[
            wire.ElsewhereOut(
                file=file_out(one.file),
                passage=encode_passage_id(one.passage.id),
                place=place_out(one.passage.passage.place),
            )
            for one in hit.also
        ],
    )


def coverage_out(coverage: Coverage) -> wire.CoverageOut:
    return wire.CoverageOut(
        files=coverage.files,
        searchable=coverage.searchable,
        semantic=coverage.semantic,
        pending=coverage.pending,
        failed=coverage.failed,
        skipped=coverage.skipped,
    )


def search_out(result: SearchResult) -> wire.SearchOut:
    return wire.SearchOut(
        hits=[hit_out(hit) for hit in result.hits],
        coverage=coverage_out(result.coverage),
        took_ms=result.took_ms,
        notes=list(result.notes),
    )


def citation_out(citation: Citation) -> wire.CitationOut:
    return wire.CitationOut(
        n=citation.n,
        file=file_out(citation.file),
        passage=passage_out(citation.passage),
        quote=citation.quote,
        quote_start=citation.quote_start,
        quote_end=citation.quote_end,
    )


def answer_out(answer: Answer) -> wire.AskOut:
    return wire.AskOut(
        answer=answer.text,
        abstained=answer.abstained,
        answerer=answer.answerer,
        sentences=[
            wire.SentenceOut(text=one.text, citations=list(one.citations), supported=one.supported)
            for one in answer.sentences
        ],
        citations=[citation_out(citation) for citation in answer.citations],
        nearest=[hit_out(hit) for hit in answer.nearest],
        coverage=coverage_out(answer.coverage),
        took_ms=answer.took_ms,
        confidence=answer.confidence,
        notes=list(answer.notes),
    )


def event_out(event: Event) -> wire.EventOut:
    return wire.EventOut(id=event.id, type=event.type, at=event.at, data=dict(event.data))


def job_out(job: Job, subject: str) -> wire.JobOut:
    """`subject` says what the job is about, such as a file's path."""
    return wire.JobOut(
        id=job.id,
        kind=job.kind.value,
        state=job.state.value,
        subject=subject,
        attempts=job.attempts,
        not_before=job.not_before,
        error=job.error,
        created=job.created,
    )


def device_out(device: Device) -> wire.DeviceOut:
    return wire.DeviceOut(
        name=device.name,
        scopes=sorted(scope.value for scope in device.scopes),
        created=device.created,
        last_seen=device.last_seen,
        revoked=device.revoked,
    )


def evaluation_out(evaluation: Evaluation) -> wire.EvaluationOut:
    return wire.EvaluationOut(
        at=evaluation.at,
        model=evaluation.model,
        fingerprint=evaluation.fingerprint,
        queries=evaluation.queries,
        took_s=evaluation.took_s,
        modes={mode: wire.FiguresOut(**figures) for mode, figures in evaluation.modes.items()},
    )


def filters_from(given: wire.FiltersIn) -> Filters:
    """The other way: a request's filters as the domain has them."""
    return Filters(
        volumes=tuple(given.volumes),
        path=given.path,
        kinds=tuple(given.kinds),
        modified_after=given.modified_after,
        modified_before=given.modified_before,
    )


def _base36(number: int) -> str:
    if number < 0:
        raise ValueError("ids are not negative")
    digits = ""
    while True:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
        if not number:
            return digits


def _number(digits: str) -> int | None:
    if not _NUMBER.match(digits):
        return None
    number = int(digits, 36)
    return number if number <= _LARGEST else None
