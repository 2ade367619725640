"""What a prepared model's folder holds: `model.onnx`, `tokenizer.json` and `manifest.json`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nasd.errors import ModelError

FORMAT = 2
"""Of the folder. A folder of another format is prepared again."""

GRAPH_FILE = "model.onnx"
TOKENIZER_FILE = "tokenizer.json"
MANIFEST_FILE = "manifest.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How near the served vectors are to sentence-transformers' own, over the built-in texts."""

    cosine_min: float
    cosine_mean: float
    neighbours: float  # mean share of each text's nearest ones, by the reference, that are nearest here too
    first: float  # share of texts whose single nearest is the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One way to serve a model, as this machine found it when the model was prepared."""

    serving: str
    bytes: int  # of the graph
    passages_s: float | None  # of some 200 tokens, on all processors; None where it was refused
    agreement: Agreement | None  # None where it could not be served at all
    refused: str | None = None  # why


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    name: str
    fingerprint: str
    dimension: int
    max_tokens: int
    serving: str  # "onnx-int8" | "onnx-bf16" | "onnx-fp32"
    prompt_query: str
    prompt_document: str
    similarity: str  # as the model states it; over unit vectors all of them rank alike
    agreement: Agreement
    measured: tuple[Measured, ...] = ()  # what it was chosen among
    files: Mapping[str, str] = field(default_factory=dict)  # file name to sha256
    versions: Mapping[str, str] = field(default_factory=dict)  # of the libraries that prepared it


def fingerprint(files: Mapping[str, str], *, serving: str, query: str, document: str, max_tokens: int) -> str:
    """32 hexadecimal digits over all that a vector depends on. The graph holds weights, pooling,
    normalisation and quantisation, so its digest stands for them; `serving` says how it is run."""
    parts = {
        "files": dict(files),
        "serving": serving,
        "query": query,
        "document": document,
        "max_tokens": max_tokens,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def file_sha256(path: Path) -> str:
    """Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def manifest_json(manifest: Manifest) -> str:
    return json.dumps({"format": FORMAT, **asdict(manifest)}, indent=1, ensure_ascii=False) + "\n"


def read_manifest(folder: Path) -> Manifest:
    """Raises ModelError when it is missing, of another format or not a manifest at all."""
    try:
        values = json.loads((folder / MANIFEST_FILE).read_text("utf-8"))
        if values.pop("format") != FORMAT:
            raise ValueError("format")
        values["agreement"] = Agreement(**values["agreement"])
        values["measured"] = tuple(_measured(row) for row in values["measured"])
        manifest = Manifest(**values)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ModelError(
            f"The prepared model in {folder} is missing or damaged.", cure="Run `nasd model prepare`."
        ) from error
    return manifest


def _measured(row: dict[str, Any]) -> Measured:
    agreement = row["agreement"]
    return Measured(**{**row, "agreement": None if agreement is None else Agreement(**agreement)})
