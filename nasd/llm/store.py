"""The folder of language models, `models/language/<name>/`: `model.gguf` and `manifest.json`.

A folder is written under another name and renamed, so a model is there as a whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nasd.errors import Conflict, DiskFull, InvalidRequest, ModelError, StateError
from nasd.llm.base import Speed
from nasd.llm.gguf import Header, Value, read_header
from nasd.llm.suggested import model_name

KIND = "language"
FORMAT = 1
MANIFEST, WEIGHTS, SPEED = "manifest.json", "model.gguf", "speed.json"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
SPARE = 64 << 20
"""Bytes of disk that a model leaves free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    folder: Path
    name: str
    licence: str
    sha256: str
    header: Header
    origin: str | None = None  # repository/file@revision
    speed: Speed | None = None  # as measured on this machine

    @property
    def file(self) -> Path:
        return self.folder / WEIGHTS


def home(models: Path) -> Path:
    return models / KIND


def stored(models: Path) -> tuple[Stored, ...]:
    """All models by name; their weights are not looked at."""
    found = (_read(path.parent) for path in sorted(home(models).glob(f"*/{MANIFEST}")))
    return tuple(one for one in found if one is not None)


def find(models: Path, name: str) -> Stored | None:
    """None when it is missing, or its weights are not of the size they were."""
    found = _read(home(models) / name) if NAME.fullmatch(name) else None
    try:
        whole = found is not None and found.file.stat().st_size == found.header.bytes
    except OSError:
        return None
    return found if whole else None


def bring(models: Path, source: Path, *, name: str | None = None, licence: str | None = None) -> Stored:
    """Copies a GGUF file into the store. `licence` by default as the file states it. Blocks.

    Raises InvalidRequest: no file, no name; ModelError: no language model; Conflict: the name is taken;
    DiskFull; StateError: the state folder cannot be written.
    """
    if not source.is_file():
        raise InvalidRequest(f"There is no file {source}.", fields={"file": "a GGUF file is needed"})
    chosen = check_name(models, name or model_name(source.name))
    header = read_header(source)
    make_home(models)
    check_room(models, header.bytes)
    work = Path(tempfile.mkdtemp(prefix=f".{chosen}-", suffix=".part", dir=home(models)))
    try:
        shutil.copyfile(source, work / WEIGHTS)
        return settle(models, work, chosen, sha256=file_sha256(work / WEIGHTS), licence=licence)
    except OSError as error:
        raise StateError(f"The model cannot be copied: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def settle(
    models: Path, work: Path, name: str, *, sha256: str, licence: str | None, origin: str | None = None
) -> Stored:
    """Gives the folder `work`, with the weights alone in it, its manifest and its place. Raises ModelError
    when they are no language model, and OSError."""
    header = read_header(work / WEIGHTS)
    manifest = {
        "format": FORMAT,
        "name": name,
        "licence": licence or header.text("general.license") or "not stated",
        "sha256": sha256,
        "origin": origin,
        "bytes": header.bytes,
        "keys": {key: value for key, value in header.keys.items() if not key.startswith("tokenizer.")},
        "lengths": dict(header.lengths),
    }
    text = json.dumps(manifest, indent=1, ensure_ascii=False)
    (work / MANIFEST).write_text(text + "\n", "utf-8")
    work.chmod(0o755)
    folder = home(models) / name
    work.rename(folder)
    made = _read(folder)
    assert made is not None
    return made


def remember_speed(model: Stored, speed: Speed) -> None:
    """What was measured here, for later starts. A full disk keeps nobody from answering."""
    text = json.dumps({"prompt": speed.prompt, "generate": speed.generate})
    part = model.folder / f".{SPEED}.part"
    try:
        part.write_text(text + "\n", "ascii")
        part.rename(model.folder / SPEED)
    except OSError:
        part.unlink(missing_ok=True)


def check_name(models: Path, name: str) -> str:
    """Raises InvalidRequest and Conflict."""
    if not NAME.fullmatch(name):
        raise InvalidRequest(
            f"{name!r} is no name for a model.", fields={"name": "letters, digits, dot, dash, underscore"}
        )
    if (folder := home(models) / name).exists():
        raise Conflict(
            f"There is a language model {name} already.",
            cure=f"Remove {folder}, or choose another --name.",
        )
    return name


def make_home(models: Path) -> None:
    try:
        home(models).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StateError(f"The folder of models cannot be written: {error.strerror}.") from error


def check_room(models: Path, needed: int) -> None:
    """Raises DiskFull, with the figures, when `needed` more bytes do not fit."""
    free = shutil.disk_usage(home(models)).free
    if needed + SPARE > free:
        raise DiskFull(
            f"The model needs {needed / 1e9:.2f} GB more of disk; {free / 1e9:.2f} GB are free.",
            cure=f"Make room in {home(models)}, or choose a smaller model.",
        )


def file_sha256(path: Path) -> str:
    """Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(model: Stored) -> None:
    """Reads all of the weights. Raises ModelError when they are not what was brought."""
    try:
        same = file_sha256(model.file) == model.sha256
    except OSError:
        same = False
    if not same:
        raise ModelError(
            f"The weights of the language model {model.name} are missing or damaged.",
            cure=f"Remove {model.folder} and bring the model again.",
        )


def _read(folder: Path) -> Stored | None:
    try:
        told = json.loads((folder / MANIFEST).read_text("utf-8"))
        if told["format"] != FORMAT or told["name"] != folder.name or folder.name.startswith("."):
            return None
        return Stored(
            folder=folder,
            name=told["name"],
            licence=str(told["licence"]),
            sha256=str(told["sha256"]),
            origin=told["origin"],
            header=Header(keys=_keys(told["keys"]), lengths=told["lengths"], bytes=int(told["bytes"])),
            speed=_speed(folder / SPEED),
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _keys(told: Mapping[str, Any]) -> dict[str, Value]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in told.items()}


def _speed(path: Path) -> Speed | None:
    try:
        told = json.loads(path.read_text("ascii"))
        return Speed(prompt=float(told["prompt"]), generate=float(told["generate"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None
