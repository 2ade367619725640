"""Fixed data of every kind that the daemon answers with, at a fixed moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from nasd import wire

NOW = datetime(2025, 3, 14, 15, 9, 26, tzinfo=UTC)

WARRANTY = (
    "Service and guarantee. The appliance is guaranteed by the manufacturer.\n"
    "Guarantee period: 5 years from date of purchase, on proof of the invoice.\n"
    "Wearing parts such as filters and seals are excepted. For repairs call the service line and have the"
    " model number at hand; it stands on the rating plate inside the door of the dishwasher."
)


class FrozenClock:
    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0


def coverage(
    files: int, searchable: int, semantic: int, failed: int = 0, skipped: int = 0
) -> wire.CoverageOut:
    return wire.CoverageOut(
        files=files,
        searchable=searchable,
        semantic=semantic,
        pending=files - semantic,
        failed=failed,
        skipped=skipped,
    )


def volume(name: str, **changes: Any) -> wire.VolumeOut:
    fields: dict[str, Any] = {
        "name": name,
        "path": f"/srv/{name}",
        "state": "active",
        "source": "api",
        "watch": "auto",
        "watching": "events",
        "poll_seconds": 300,
        "ignore": ["*.tmp", "node_modules/"],
        "last_scan": NOW - timedelta(minutes=4),
        "added": NOW - timedelta(days=40),
        "coverage": coverage(1204, 1150, 830, failed=3, skipped=51),
        "size": 88_160_000_000,
    }
    return wire.VolumeOut.model_validate(fields | changes)


def file(path: str, kind: str = "pdf", **changes: Any) -> wire.FileOut:
    fields: dict[str, Any] = {
        "id": "f_" + path.casefold().replace("/", "").replace(".", "")[:12],
        "volume": "home",
        "path": path,
        "kind": kind,
        "media_type": "application/pdf",
        "size": 83_112,
        "modified": NOW - timedelta(days=300),
    }
    return wire.FileOut.model_validate(fields | changes)


def passage(text: str, number: int = 1, **place: Any) -> wire.PassageOut:
    return wire.PassageOut(
        id=f"p_{number}",
        text=text,
        place=wire.PlaceOut(**place),
        char_start=5120,
        char_end=5120 + len(text),
    )


def spans_of(text: str, *words: str) -> list[tuple[int, int]]:
    return [(text.index(word), text.index(word) + len(word)) for word in words]


def hits() -> list[wire.HitOut]:
    texts = (
        ("Documents/Kitchen/bosch-sms6.pdf", "pdf", WARRANTY, {"page": 3}, ("guaranteed", "dishwasher")),
        (
            "Documents/Receipts/2023.xlsx",
            "xlsx",
            "12 May 2023  Dishwasher Bosch SMS6ZCI49E  749.00  warranty 5 y",
            {"sheet": "Kitchen", "line_start": 14, "line_end": 14},
            ("Dishwasher", "warranty"),
        ),
        (
            "Notes/house.md",
            "md",
            "Before calling anyone about the dishwasher: the warranty papers are in the blue folder.",
            {"heading": "Repairs", "line_start": 41, "line_end": 43},
            ("dishwasher", "warranty"),
        ),
        (
            "Talks/consumer-rights.pptx",
            "pptx",
            "Statutory warranty is two years; a manufacturer's guarantee comes on top of it.",
            {"slide": 7},
            ("warranty",),
        ),
    )
    return [
        wire.HitOut(
            rank=rank,
            score=0.04 - rank / 200,
            file=file(path, kind),
            passage=passage(text, rank, **place),
            highlights=spans_of(text, *words),
            lanes={"semantic": rank, "lexical": rank + 1} if rank < 4 else {"lexical": 2},
            copies=1 if rank == 1 else 0,
        )
        for rank, (path, kind, text, place, words) in enumerate(texts, start=1)
    ]


def failure(path: str, reason: str, detail: str, minutes: int) -> wire.FailureOut:
    return wire.FailureOut(
        id=f"f_{minutes}",
        volume="home",
        path=path,
        reason=reason,
        detail=detail,
        at=NOW - timedelta(minutes=minutes),
    )


def failures() -> list[wire.FailureOut]:
    return [
        failure("Scans/tax-2019.pdf", "encrypted", "The document asks for a password.", 12),
        failure("Mail/2018/broken.eml", "malformed", "The message has no headers.", 95),
        failure("Archive/plan.docx", "memory", "Reading it took more than 512 MiB.", 60 * 30),
    ]


def status(**changes: Any) -> wire.StatusOut:
    volumes = [
        volume("home"),
        volume(
            "photos",
            path="/mnt/photos",
            scanning=True,
            watching="poll",
            coverage=coverage(18_320, 4_210, 2_020, failed=1),
            size=412_000_000_000,
            last_scan=None,
        ),
        volume(
            "attic",
            path="/mnt/attic",
            state="frozen",
            detail="The folder is empty all of a sudden; nothing is forgotten until it is back.",
            watching=None,
            coverage=coverage(310, 310, 310),
            last_scan=NOW - timedelta(days=3),
            size=2_300_000_000,
        ),
    ]
    fields: dict[str, Any] = {
        "version": "0.1.0",
        "started": NOW - timedelta(days=2, hours=3),
        "uptime_s": 183_600.0,
        "state": "ready",
        "host": "127.0.0.1",
        "port": 8477,
        "state_dir": "/var/lib/nasd",
        "state_bytes": 1_288_490_188,
        "memory_bytes": 327_155_712,
        "volumes": volumes,
        "coverage": coverage(19_834, 5_670, 3_160, failed=4, skipped=51),
        "queue": wire.QueueOut(
            settling=2,
            scanning=1,
            read=14_109,
            embed=2_510,
            embed_passages=31_204,
            retry=1,
            parked=0,
            files_per_s=38.2,
            passages_per_s=71.4,
            eta_s=4_020.0,
        ),
        "work": [
            wire.WorkOut(
                kind="small_text", files=13_000, amount=13_000, unit="files", per_s=310.0, eta_s=41.9
            ),
            wire.WorkOut(
                kind="other_files", files=1_109, amount=5 << 30, unit="bytes", per_s=2.5e6, eta_s=2_147.5
            ),
            wire.WorkOut(
                kind="embedding", files=2_510, amount=31_204, unit="passages", per_s=71.4, eta_s=437.0
            ),
            wire.WorkOut(
                kind="text_recognition",
                files=120,
                amount=840,
                unit="pages",
                per_s=0.6,
                pace="paused",
                reason="on battery",
            ),
        ],
        "load": wire.LoadOut(detail="waiting: text recognition (on battery)", readers=1, on_battery=True),
        "index": wire.IndexOut(state="ready", vectors=64_120, kind="RaBitQ, exact re-scoring"),
        "models": [
            wire.ModelOut(
                name="all-MiniLM-L6-v2",
                purpose="embedding",
                state="ready",
                dimension=384,
                max_tokens=256,
                serving="onnx int8",
                active=True,
            )
        ],
        "recent_failures": failures(),
        "services": {"watch": "running", "read": "running", "embed": "running"},
        "pending_searchable": 14_229,
        "pending_semantic": 16_739,
        "pending_recognition": 120,
    }
    return wire.StatusOut.model_validate(fields | changes)


def empty_status() -> wire.StatusOut:
    return status(
        volumes=[],
        coverage=wire.CoverageOut(),
        queue=wire.QueueOut(),
        work=[],
        load=wire.LoadOut(),
        index=wire.IndexOut(state="empty"),
        recent_failures=[],
        pending_searchable=0,
        pending_semantic=0,
    )


def events() -> list[wire.EventOut]:
    happened = (
        ("scan.done", {"volume": "home", "took_ms": 412, "problems": 0}),
        ("file.searchable", {"volume": "home", "path": "Notes/house.md"}),
        ("file.failed", {"volume": "home", "path": "Scans/tax-2019.pdf", "reason": "encrypted"}),
        ("file.semantic", {"volume": "home", "path": "Notes/house.md"}),
        ("volume.polled", {"volume": "archive"}),
        ("volume.polled", {"volume": "archive"}),
        ("volume.frozen", {"volume": "attic", "detail": "The folder is empty all of a sudden."}),
        ("index.rebuilt", {"vectors": 64120}),
        ("file.gone", {"volume": "photos", "files": 3}),
    )
    return [
        wire.EventOut(id=number, type=kind, at=NOW - timedelta(seconds=400 - 40 * number), data=data)
        for number, (kind, data) in enumerate(happened, start=1)
    ]


def answer() -> wire.AskOut:
    first, second = hits()[0], hits()[1]
    quotes = ("Guarantee period: 5 years from date of purchase", "warranty 5 y")
    return wire.AskOut(
        answer=f"{quotes[0]} [1]. The receipt notes {quotes[1]} as well [2]. It may be extended.",
        abstained=False,
        answerer="extractive",
        sentences=[
            wire.SentenceOut(text=f"{quotes[0]} [1].", citations=[1], supported=True),
            wire.SentenceOut(
                text=f"The receipt notes {quotes[1]} as well [2].", citations=[2], supported=True
            ),
            wire.SentenceOut(text="It may be extended.", citations=[], supported=False),
        ],
        citations=[
            wire.CitationOut(
                n=n,
                file=hit.file,
                passage=hit.passage,
                quote=quote,
                quote_start=hit.passage.text.index(quote),
                quote_end=hit.passage.text.index(quote) + len(quote),
            )
            for n, (hit, quote) in enumerate(zip((first, second), quotes, strict=True), start=1)
        ],
        coverage=coverage(1204, 1204, 1180, failed=3),
        took_ms=96.0,
    )


def abstention() -> wire.AskOut:
    return wire.AskOut(
        answer="Nothing in the files answers this.",
        abstained=True,
        answerer="extractive",
        nearest=hits()[2:],
        coverage=coverage(1204, 1204, 1180, failed=3),
        took_ms=41.0,
    )
