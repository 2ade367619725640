"""The settings as frozen models: every section, its defaults and what is allowed."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainSerializer,
    StringConstraints,
    Tag,
)

from nasd.config import quantities
from nasd.config.quantities import Window

TAGS = ("word", "table", "number")
"""Names of union branches, which pydantic puts into the place of an error; they are not keys."""


class Section(BaseModel):
    # Building the validators late keeps the start of short commands quick.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


def _whole(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("a whole number is allowed")
    return value


def _absolute(value: Path) -> Path:
    path = value.expanduser()
    if not path.is_absolute():
        raise ValueError("an absolute path is allowed")
    return path


def _host(value: str) -> str:
    bare = value.strip().removeprefix("[").removesuffix("]")
    try:
        ipaddress.ip_address(bare)
    except ValueError:
        if not re.fullmatch(r"(?!-)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*", bare) or bare.isdigit():
            raise ValueError(
                "an address of this machine such as 0.0.0.0, 127.0.0.1 or its host name is allowed"
            ) from None
    return bare


def _http_url(value: str) -> str:
    if not re.match(r"https?://[^/\s]+", value):
        raise ValueError('a URL such as "http://127.0.0.1:11434/v1" is allowed')
    return value


SYNC_SCHEMES = ("s3", "webdav", "webdavs", "sftp", "file")


def _sync_url(value: str) -> str:
    if value.partition("://")[0] not in SYNC_SCHEMES or "://" not in value:
        raise ValueError("a URL that begins with s3://, webdav://, webdavs://, sftp:// or file:// is allowed")
    return value


def _branch(value: object) -> str:
    if isinstance(value, (dict, BaseModel)):
        return "table"
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else "word"


def _word_or_table(value: object) -> str:
    return "table" if _branch(value) == "table" else "word"


def _auto_or_number(value: object) -> str:
    if isinstance(value, str) and value.strip().isdigit():
        return "number"  # an environment variable is always text
    return "word" if isinstance(value, str) else "number"


def _auto_or_size(value: object) -> str:
    return "word" if value == "auto" else "number"


def _sync_names(value: object) -> object:
    if value is False or (isinstance(value, str) and value.lower() == "false"):
        return ()
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        raise ValueError('false or the names of targets, such as ["attic"], are allowed')
    return value


Whole = Annotated[int, BeforeValidator(_whole)]
Bytes = Annotated[
    int,
    BeforeValidator(quantities.parse_bytes),
    PlainSerializer(quantities.format_bytes, return_type=str, when_used="json"),
]
Duration = Annotated[
    timedelta,
    BeforeValidator(quantities.parse_duration),
    PlainSerializer(quantities.format_duration, return_type=str, when_used="json"),
]
Rate = Annotated[
    int,
    BeforeValidator(quantities.parse_rate),
    PlainSerializer(lambda rate: f"{quantities.format_bytes(rate)}/s", return_type=str, when_used="json"),
]
DayWindow = Annotated[
    Window, BeforeValidator(quantities.parse_window), PlainSerializer(str, return_type=str, when_used="json")
]
AbsolutePath = Annotated[Path, AfterValidator(_absolute)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
Word = Annotated[str, StringConstraints(min_length=1)]
Auto = Annotated[Literal["auto"], Tag("word")]


class TlsFiles(Section):
    """A certificate chain and its key, both PEM."""

    cert: AbsolutePath
    key: AbsolutePath


class Endpoint(Section):
    """An OpenAI-compatible server. `credentials` names where its key is kept; the key is never here."""

    url: Annotated[str, AfterValidator(_http_url)]
    credentials: Name | None = None


class ServerSettings(Section):
    host: Annotated[str, AfterValidator(_host)] = "0.0.0.0"  # noqa: S104 - `bind_host` narrows it
    port: Whole = Field(default=8477, ge=0, le=65535)  # 0: any free port
    tls: Annotated[
        Annotated[Literal["auto", "off"], Tag("word")] | Annotated[TlsFiles, Tag("table")],
        Discriminator(_word_or_table),
    ] = "auto"


class VolumeSettings(Section):
    name: Name
    path: AbsolutePath
    watch: Literal["auto", "events", "poll", "off"] = "auto"
    poll_seconds: Whole = Field(default=300, ge=1, le=7 * 86400)
    ignore: tuple[str, ...] = ()


class Match(Section):
    """Conditions; all that are given must hold."""

    volumes: tuple[str, ...] | None = None
    path: Word | None = None
    kinds: tuple[str, ...] | None = None
    labels: tuple[str, ...] | None = None
    personal_data: bool | None = None
    larger_than: Bytes | None = None
    older_than: Duration | None = None
    meaning: Word | None = None


class PolicyRule(Section):
    name: Word | None = None
    match: Match = Match.model_construct()
    embed: bool = True
    remote_llm: bool = False
    sync: Annotated[tuple[str, ...], BeforeValidator(_sync_names)] = ()


class Keep(Section):
    """How many snapshots stay, by age. Nothing given: all of them."""

    last: Whole | None = Field(default=None, ge=0)
    daily: Whole | None = Field(default=None, ge=0)
    weekly: Whole | None = Field(default=None, ge=0)
    monthly: Whole | None = Field(default=None, ge=0)
    yearly: Whole | None = Field(default=None, ge=0)


class SyncTarget(Section):
    name: Name
    url: Annotated[str, AfterValidator(_sync_url)]
    layout: Literal["vault", "mirror"] = "vault"
    region: Word | None = None
    credentials: Name | None = None
    bandwidth: Rate | None = None
    window: DayWindow | None = None
    keep: Keep | None = None


class SyncSettings(Section):
    targets: tuple[SyncTarget, ...] = ()


class EmbeddingSettings(Section):
    model: Word = "all-MiniLM-L6-v2"
    serve: Annotated[
        Annotated[Literal["auto", "onnx", "sentence-transformers"], Tag("word")]
        | Annotated[Endpoint, Tag("table")],
        Discriminator(_word_or_table),
    ] = "auto"
    threads: Annotated[
        Auto | Annotated[Whole, Field(ge=1, le=256), Tag("number")], Discriminator(_auto_or_number)
    ] = "auto"
    batch: Whole = Field(default=4, ge=1, le=256)  # passages a call: int8 serving was quickest with 4


class SearchSettings(Section):
    rerank: Name = "auto"  # or "off", or the name of a cross-encoder
    rerank_seconds: float = Field(default=0.25, gt=0, le=10)  # that a search may take longer for it


class AnswerSettings(Section):
    """`least_confidence`: a question is refused below it. `unsupported`: what becomes of a model's sentences
    that no passage supports."""

    answerer: Literal["auto", "extractive", "llm"] = "auto"
    least_confidence: Annotated[
        Auto | Annotated[float, Field(ge=0, le=1), Tag("number")], Discriminator(_auto_or_size)
    ] = "auto"
    unsupported: Literal["drop", "mark"] = "drop"
    first_token_seconds: float = Field(default=20.0, ge=1, le=600)


class LlmEndpoint(Endpoint):
    """`api`: what the server speaks; auto asks it whether it is Ollama."""

    api: Literal["auto", "openai", "ollama"] = "auto"


class LlmSettings(Section):
    serve: Annotated[
        Annotated[Literal["llama"], Tag("word")] | Annotated[LlmEndpoint, Tag("table")],
        Discriminator(_word_or_table),
    ] = "llama"
    model: Word = "qwen3.5-2b-q4_k_m"
    memory: Annotated[Auto | Annotated[Bytes, Tag("number")], Discriminator(_auto_or_size)] = "auto"
    context: Annotated[
        Auto | Annotated[Whole, Field(ge=512, le=1 << 20), Tag("number")], Discriminator(_auto_or_number)
    ] = "auto"
    threads: Annotated[
        Auto | Annotated[Whole, Field(ge=1, le=256), Tag("number")], Discriminator(_auto_or_number)
    ] = "auto"
    idle_minutes: float = Field(default=10.0, gt=0, le=7 * 1440)
    hub: Annotated[str, AfterValidator(_http_url)] = "https://huggingface.co"


class ReadSettings(Section):
    """What reading one file may cost, and how many are read at once."""

    workers: Annotated[
        Auto | Annotated[Whole, Field(ge=1, le=64), Tag("number")], Discriminator(_auto_or_number)
    ] = "auto"
    memory: Annotated[Bytes, Field(ge=64 << 20)] = 1 << 30
    cpu_seconds: Whole = Field(default=40, ge=1, le=3600)  # and 20 more for each MiB of the file
    wall_seconds: float = Field(default=240.0, ge=1, le=800)  # below a job's lease of 900 s
    max_file: Annotated[Bytes, Field(ge=1)] = 512 << 20
    max_chars: Whole = Field(default=50_000_000, ge=1000)
    ocr: Literal["auto", "tesseract", "rapidocr", "off"] = "auto"
    speech: Name = "auto"  # or "off", or the name of a model
    pictures: Name = "auto"  # likewise
    ocr_languages: tuple[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{2,40}$")], ...] = ()


Action = Literal["pause", "slow", "run"]


class LoadSettings(Section):
    """How much of the machine work in the background takes. What was just saved or asked for never waits."""

    cores: Annotated[
        Auto | Annotated[Whole, Field(ge=1, le=1024), Tag("number")], Discriminator(_auto_or_number)
    ] = "auto"
    nice: Whole = Field(default=5, ge=0, le=19)
    memory: Annotated[Auto | Annotated[Bytes, Tag("number")], Discriminator(_auto_or_size)] = "auto"
    on_battery: Action = "pause"
    when_hot: Action = "pause"
    max_celsius: float = Field(default=85.0, ge=30, le=120)
    when_busy: Action = "slow"
    busy_percent: Whole = Field(default=80, ge=10, le=100)


class WatchSettings(Section):
    settle_seconds: float = Field(default=1.0, ge=0, le=600)
    settle_at_most_seconds: float = Field(default=30.0, ge=0, le=3600)
    scan_hours: float = Field(default=24.0, gt=0, le=24 * 31)
    scan_window: DayWindow | None = None
    respect_gitignore: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Where an installation keeps what it has; all absolute. `config_file` need not exist."""

    config_file: Path
    state_dir: Path
    socket: Path


class FileSettings(Section):
    """The whole configuration file, with its defaults."""

    server: ServerSettings = Field(default_factory=ServerSettings)
    volumes: tuple[VolumeSettings, ...] = ()
    policy: tuple[PolicyRule, ...] = ()
    sync: SyncSettings = Field(default_factory=SyncSettings)
    embedding: EmbeddingSettings = Field(default_factory=EmbeddingSettings)
    search: SearchSettings = Field(default_factory=SearchSettings)
    answer: AnswerSettings = Field(default_factory=AnswerSettings)
    llm: LlmSettings = Field(default_factory=LlmSettings)
    read: ReadSettings = Field(default_factory=ReadSettings)
    load: LoadSettings = Field(default_factory=LoadSettings)
    watch: WatchSettings = Field(default_factory=WatchSettings)


class Settings(FileSettings):
    """The result of all layers: file, environment, arguments; and where this installation lies."""

    paths: Paths


__all__ = [
    "AnswerSettings",
    "EmbeddingSettings",
    "Endpoint",
    "FileSettings",
    "Keep",
    "LlmEndpoint",
    "LlmSettings",
    "LoadSettings",
    "Match",
    "Paths",
    "PolicyRule",
    "ReadSettings",
    "ServerSettings",
    "Settings",
    "SyncSettings",
    "SyncTarget",
    "TlsFiles",
    "VolumeSettings",
    "WatchSettings",
    "Window",
]
