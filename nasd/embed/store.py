"""The folder of prepared models, `models/<name>/`: finding one whole, and having one prepared."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nasd.embed.base import NotExportable
from nasd.embed.child import command, environment
from nasd.embed.manifest import Manifest, file_sha256, read_manifest
from nasd.errors import ModelError, StateError, Unavailable

PREPARE_SECONDS = 1800.0
"""Preparing the default model takes 15 seconds of two cores; a large one on a slow board takes minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedModel:
    folder: Path
    manifest: Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """`stage` is one of load, export, quantise, check, write; `step` counts from 1."""

    stage: str
    step: int
    steps: int


def folder_of(models: Path, name: str) -> Path:
    """A plain name is its folder's name; of a path, the last part and a digest of the whole."""
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
        return models / name
    last = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(name).name).strip(".-")[:60] or "model"
    return models / f"{last}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def find(models: Path, name: str) -> PreparedModel | None:
    """The prepared model, its files' digests checked (50 ms for the default one), or None when it is
    missing, damaged, or of another format."""
    folder = folder_of(models, name)
    try:
        manifest = read_manifest(folder)
        whole = bool(manifest.files) and all(
            file_sha256(folder / file) == digest for file, digest in manifest.files.items()
        )
    except (ModelError, OSError):
        return None
    return PreparedModel(folder=folder, manifest=manifest) if whole and manifest.name == name else None


def prepare(
    models: Path,
    name: str,
    on_progress: Callable[[Progress], None] = lambda _: None,
    *,
    stop: threading.Event | None = None,
    timeout_seconds: float = PREPARE_SECONDS,
) -> PreparedModel:
    """Runs `nasd.embed.prepare` in a process of its own and returns what it made. Blocks.

    `on_progress` is called on this thread. Setting `stop` ends the process and raises Unavailable.
    Raises ModelError (its subclass `NotExportable` when sentence-transformers could still serve the
    model) and StateError when the folder cannot be written."""
    arguments = ("--model", name, "--into", str(folder_of(models, name)))
    run_child(
        models, "nasd.embed.prepare", arguments, on_progress, stop=stop, timeout_seconds=timeout_seconds
    )
    found = find(models, name)
    if found is None:
        raise ModelError("The prepared model does not match its own manifest.", cure="Check the disk.")
    return found


def run_child(
    models: Path,
    module: str,
    arguments: Sequence[str],
    on_progress: Callable[[Progress], None],
    *,
    stop: threading.Event | None = None,
    timeout_seconds: float = PREPARE_SECONDS,
) -> None:
    """Runs a module that prepares a model in a process of its own, with its scratch files under `models`.
    Raises as `prepare` does."""
    try:
        models.mkdir(parents=True, exist_ok=True)
        sweep(models)
    except OSError as error:
        raise StateError(f"The folder of models cannot be written: {error.strerror}.") from error
    with tempfile.TemporaryDirectory(prefix=".scratch-", dir=models) as scratch:
        with subprocess.Popen(
            command(module, *arguments),
            env=environment(Path(scratch)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=(errors := Path(scratch, "errors").open("w+b")),
        ) as child:
            ended = threading.Event()
            guard = threading.Thread(target=_guard, args=(child, ended, stop, timeout_seconds), daemon=True)
            guard.start()
            try:
                last = _follow(child, on_progress)
            finally:
                child.kill()
                child.wait()
                ended.set()
                guard.join()
        errors.seek(0)
        complaint = errors.read().decode("utf-8", "replace").strip().rpartition("\n")[2][:300]
        errors.close()
    if stop is not None and stop.is_set():
        raise Unavailable("Preparing the model was stopped.")
    _raise_error(last, complaint)


def sweep(models: Path) -> None:
    """Removes what an interrupted preparation left. Raises OSError when the folder cannot be read."""
    import shutil

    for pattern in (".*.part", ".*.old", ".scratch-*"):
        for left in models.glob(pattern):
            shutil.rmtree(left, ignore_errors=True)


def _guard(
    child: subprocess.Popen[bytes], ended: threading.Event, stop: threading.Event | None, seconds: float
) -> None:
    """Ends the child when told to stop or when its time is up."""
    waited = 0.0
    while waited < seconds and not (stop is not None and stop.is_set()):
        if ended.wait(0.1):
            return
        waited += 0.1
    child.kill()


def _follow(child: subprocess.Popen[bytes], on_progress: Callable[[Progress], None]) -> dict[str, Any]:
    """The child's last line that is not about progress, or an empty one when it ended without."""
    assert child.stdout is not None
    last: dict[str, Any] = {}
    for line in child.stdout:
        with suppress(ValueError):
            said = json.loads(line)
            if "stage" in said:
                on_progress(Progress(stage=said["stage"], step=said["step"], steps=said["steps"]))
            else:
                last = said
    return last


def _raise_error(last: dict[str, Any], complaint: str) -> None:
    if last.get("done"):
        return
    error = last.get("error")
    if error is None:
        raise ModelError(
            f"Preparing the model ended early: {complaint or 'it was killed or ran out of time or memory'}.",
            cure="It needs about 1.2 GB of memory; free some and run `nasd model prepare` again.",
        )
    match error["kind"]:
        case "not_exportable":
            raise NotExportable(error["detail"])
        case "disk":
            raise StateError(error["detail"])
        case _:
            raise ModelError(error["detail"], cure=error["cure"])
