"""What waits, how fast it goes and what it waits for, as it crosses HTTP. `nasd.wire` has all of it, too."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class QueueOut(Part):
    """`read` and `embed` count jobs that are due; `retry` those that wait for another attempt."""

    settling: int = 0
    words: int = 0  # contents and paths whose words are still to be taken over
    scanning: int = 0
    read: int = 0
    embed: int = 0
    embed_passages: int = 0
    retry: int = 0
    parked: int = 0
    files_per_s: float = 0.0
    passages_per_s: float = 0.0
    eta_s: float | None = None


Unit = Literal["files", "bytes", "passages", "pages", "seconds", "pictures"]


class WorkOut(Part):
    """One kind of work that waits: how much, how fast it goes on this machine, and when it will be done."""

    kind: Literal["small_text", "other_files", "embedding", "text_recognition", "speech", "pictures"]
    files: int = 0
    amount: int = Field(default=0, description="in `unit`")
    unit: Unit = "files"
    per_s: float | None = Field(
        default=None, description="measured while such work was done, over restarts; null: never yet"
    )
    eta_s: float | None = Field(default=None, description="null: not known, or it does not go on at present")
    pace: Literal["full", "slow", "paused"] = "full"
    reason: str | None = Field(default=None, description="why it does not go at full pace")


class LoadOut(Part):
    """What the machine is taken to bear. null: it cannot be told on this machine."""

    detail: str = Field(default="", description="what waits or goes slowly, and why; empty: nothing does")
    readers: int = Field(default=0, description="files of the backlog that may be read at once")
    cores: float = 0.0
    on_battery: bool | None = None
    celsius: float | None = None
    others_busy: float | None = Field(default=None, description="share of the processor, 0 to 1, smoothed")
    memory_bytes: int | None = Field(default=None, description="of nasd and its child processes")
    memory_limit: int | None = Field(default=None, description="what they may take together")
    memory_available: int | None = None


class OcrOut(Part):
    """Recognising text in pictures and scanned pages."""

    state: Literal["off", "missing", "ready", "starting"] = "off"
    engine: str | None = Field(default=None, description="what recognises, such as tesseract 5.3.0 (deu+eng)")
    detail: str | None = Field(default=None, description="what to do when no engine is installed")
    waiting: int = Field(default=0, description="files with pages still to be recognised")
    pages_per_s: float = 0.0


class SpeechOut(Part):
    """Transcribing what is said in recordings and films."""

    state: Literal["off", "missing", "ready", "starting"] = "off"
    engine: str | None = Field(default=None, description="the model that transcribes")
    detail: str | None = Field(default=None, description="what to do when there is no model")
    waiting: int = Field(default=0, description="files with sound still to be transcribed")
    speed: float = Field(default=0.0, description="seconds of sound transcribed in a second")


class SightOut(Part):
    """Looking at pictures, so that they are found by what they show."""

    state: Literal["off", "missing", "ready", "starting"] = "off"
    engine: str | None = Field(default=None, description="the model that looks at them")
    detail: str | None = Field(
        default=None, description="how pictures are found without a model, and what brings one"
    )
    waiting: int = Field(default=0, description="pictures still to be looked at")
    pictures: int = Field(default=0, description="that are found by what they show")
    pictures_per_s: float = 0.0


class FiguresOut(Part):
    """How well one mode of search finds known items. Hits are counted as shown, so a place is a passage's."""

    recall_at_10: float = Field(description="share of the items found among the first ten hits, 0 to 1")
    mrr_at_10: float = Field(
        description="mean of one divided by the place at which it is found; 0 beyond ten"
    )
    p50_ms: float = Field(description="latency of a query that was not asked before, median")
    p95_ms: float


class EvaluationOut(Part):
    """A measurement of search on the known-item set: queries made from the owner's own documents."""

    at: datetime
    model: str = Field(description="the embedding model that was measured")
    fingerprint: str
    queries: int = Field(description="items in the set")
    took_s: float
    modes: dict[str, FiguresOut] = Field(description="hybrid, semantic and lexical")
