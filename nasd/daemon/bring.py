"""Models that the owner brings: which files they consist of, putting them into the state, opening them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from nasd import wire
from nasd.config import Settings
from nasd.errors import ModelError, ReadError
from nasd.extract.base import SOUND_RATE
from nasd.extract.speech import onnx
from nasd.extract.speech.base import Transcriber
from nasd.extract.speech.whisper import Whisper
from nasd.weights.folder import Brought, Wanted, bring, brought, verify

SPEECH = "speech"


def _graph(name: str, *, needed: bool = True) -> Wanted:
    """A graph in full precision, or as the usual exports name its smaller forms."""
    stem = name.removesuffix(".onnx")
    return Wanted(
        name=name,
        sources=(name, f"{stem}_quantized.onnx", f"{stem}_int8.onnx", f"{stem}_q8.onnx"),
        needed=needed,
    )


FILES = {
    SPEECH: (
        _graph(onnx.ENCODER),
        _graph(onnx.DECODER),
        _graph(onnx.GOING_ON, needed=False),
        *(Wanted(name=f"{graph}_data", sources=(f"{graph}_data",), needed=False) for graph in onnx.GRAPHS),
        Wanted(name=onnx.TOKENIZER, sources=(onnx.TOKENIZER,)),
        Wanted(name=onnx.GENERATION, sources=(onnx.GENERATION,)),
    )
}
"""The files of a model, by its kind."""


def models_folder(settings: Settings) -> Path:
    return settings.paths.state_dir / "models"


def import_model(
    settings: Settings, folder: Path, kind: str, *, name: str | None, licence: str | None
) -> wire.ModelOut:
    """Copies a model into the state and tries it; works beside a daemon, which takes it up by itself. Raises
    `NasdError`."""
    model = bring(
        models_folder(settings), kind, folder, FILES[kind], name=name, licence=licence, check=_try_speech
    )
    return wire.ModelOut(
        name=model.manifest.name,
        purpose="speech",
        state="ready",
        detail=f"licence: {model.manifest.licence}",
        serving="onnx",
        fingerprint=model.manifest.fingerprint,
    )


def speech_finder(settings: Settings, models: Path) -> Callable[[], Transcriber | None] | None:
    """Looks for the speech model of the settings; None when transcription is off."""
    wanted = settings.read.speech
    if wanted == "off":
        return None

    def find() -> Transcriber | None:
        found = brought(models, SPEECH)
        if wanted != "auto":
            found = tuple(model for model in found if model.manifest.name == wanted)
        if not found:
            return None
        verify(found[-1])
        return _open(found[-1])

    return find


def _open(model: Brought) -> Whisper:
    manifest = model.manifest
    threads = max(1, len(os.sched_getaffinity(0)) // 2)
    return Whisper(f"{manifest.name} ({manifest.fingerprint[:8]})", model.folder, threads=threads)


def _try_speech(folder: Path) -> None:
    engine = Whisper("model", folder)
    try:
        engine.transcribe(bytes(2 * SOUND_RATE))
    except ReadError as error:
        raise ModelError(
            f"The model cannot be used: {error.detail}",
            cure="It must be a Whisper model exported to ONNX: encoder_model.onnx, decoder_model.onnx, "
            "tokenizer.json and generation_config.json.",
        ) from error
    finally:
        engine.close()
