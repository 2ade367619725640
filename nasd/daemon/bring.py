"""Models that the owner brings: which files they consist of, putting them into the state, opening them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from nasd import wire
from nasd.config import Settings
from nasd.errors import ModelError, ReadError
from nasd.extract.base import SOUND_RATE, Picture
from nasd.extract.ocr.base import Recognizer
from nasd.extract.ocr.choose import find_recognizer
from nasd.extract.speech import onnx
from nasd.extract.speech.base import Transcriber
from nasd.extract.speech.whisper import Whisper
from nasd.extract.vision import onnx as vision
from nasd.extract.vision import preprocessing
from nasd.extract.vision.base import PictureEncoder
from nasd.extract.vision.clip import Clip
from nasd.weights.folder import Brought, Wanted, bring, brought, verify

SPEECH, PICTURE = "speech", "picture"


def _graph(name: str, *, needed: bool = True) -> Wanted:
    """A graph in full precision, or as the usual exports name its smaller forms."""
    stem = name.removesuffix(".onnx")
    return Wanted(
        name=name,
        sources=(name, f"{stem}_quantized.onnx", f"{stem}_int8.onnx", f"{stem}_q8.onnx"),
        needed=needed,
    )


def _beside(*graphs: str) -> tuple[Wanted, ...]:
    """Files in which large graphs keep their weights."""
    return tuple(Wanted(name=f"{one}_data", sources=(f"{one}_data",), needed=False) for one in graphs)


def _plain(name: str, *, needed: bool = True) -> Wanted:
    return Wanted(name=name, sources=(name,), needed=needed)


_BESIDE_PICTURES = (
    _plain(preprocessing.PREPROCESSOR),
    _plain(vision.TOKENIZER),
    _plain(vision.TOKENIZER_CONFIG, needed=False),
)

FILES: Mapping[str, Sequence[Wanted]] = {
    SPEECH: (
        _graph(onnx.ENCODER),
        _graph(onnx.DECODER),
        _graph(onnx.GOING_ON, needed=False),
        *_beside(*onnx.GRAPHS),
        _plain(onnx.TOKENIZER),
        _plain(onnx.GENERATION),
    ),
    PICTURE: (
        _graph(vision.PICTURES),
        _graph(vision.TEXTS),
        *_beside(vision.PICTURES, vision.TEXTS),
        *_BESIDE_PICTURES,
    ),
}
"""The files of a model, by its kind."""

ONE_GRAPH = (_graph(vision.BOTH), *_beside(vision.BOTH), *_BESIDE_PICTURES)
"""Of a picture model whose export has no graph for each side."""


def models_folder(settings: Settings) -> Path:
    return settings.paths.state_dir / "models"


def import_model(
    settings: Settings, folder: Path, kind: str, *, name: str | None, licence: str | None
) -> wire.ModelOut:
    """Copies a model of kind `SPEECH` or `PICTURE` into the state and tries it; works beside a daemon, which
    takes it up by itself. Raises `NasdError`."""
    model = bring(
        models_folder(settings),
        kind,
        folder,
        _wanted(kind, folder),
        name=name,
        licence=licence,
        check=_try_speech if kind == SPEECH else _try_pictures,
    )
    return wire.ModelOut(
        name=model.manifest.name,
        purpose="speech" if kind == SPEECH else "picture",
        state="ready",
        detail=f"licence: {model.manifest.licence}",
        serving="onnx",
        fingerprint=model.manifest.fingerprint,
    )


def _wanted(kind: str, folder: Path) -> Sequence[Wanted]:
    def there(one: Wanted) -> bool:
        return any((folder / within / name).is_file() for name in one.sources for within in ("", "onnx"))

    if kind == PICTURE and not there(FILES[PICTURE][0]) and there(ONE_GRAPH[0]):
        return ONE_GRAPH
    return FILES[kind]


def recognizer_finder(settings: Settings) -> Callable[[], Recognizer | None] | None:
    """Opens what reads text in pictures. None: the owner does not want it."""
    if settings.read.ocr == "off":
        return None
    engine = settings.read.ocr
    return lambda: find_recognizer(settings.read.ocr_languages, engine=engine)


def speech_finder(settings: Settings, models: Path) -> Callable[[], Transcriber | None] | None:
    """Looks for the speech model of the settings; None when transcription is off."""
    if settings.read.speech == "off":
        return None

    def find() -> Transcriber | None:
        model = _chosen(models, SPEECH, settings.read.speech)
        return None if model is None else Whisper(_called(model), model.folder, threads=_threads())

    return find


def picture_finder(settings: Settings, models: Path) -> Callable[[], PictureEncoder | None] | None:
    """Looks for the picture model of the settings; None when pictures are not looked at."""
    if settings.read.pictures == "off":
        return None

    def find() -> PictureEncoder | None:
        model = _chosen(models, PICTURE, settings.read.pictures)
        if model is None:
            return None
        return Clip(_called(model), model.manifest.fingerprint, model.folder, threads=_threads())

    return find


def _chosen(models: Path, kind: str, wanted: str) -> Brought | None:
    """The model with the name `wanted`, or the last for "auto". Raises `ModelError` when it is damaged."""
    found = [model for model in brought(models, kind) if wanted in ("auto", model.manifest.name)]
    if not found:
        return None
    verify(found[-1])
    return found[-1]


def _called(model: Brought) -> str:
    return f"{model.manifest.name} ({model.manifest.fingerprint[:8]})"


def _threads() -> int:
    return max(1, len(os.sched_getaffinity(0)) // 2)


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


def _try_pictures(folder: Path) -> None:
    engine = Clip("model", "", folder)
    try:
        seen = engine.embed_picture(Picture(width=2, height=2, form="rgb", data=bytes(range(12))))
        if len(seen) != engine.dimension:
            raise ReadError("its pictures and its texts have vectors of different spaces.", reason="crashed")
    except ReadError as error:
        raise ModelError(
            f"The model cannot be used: {error.detail}",
            cure="It must be CLIP, SigLIP or a model like them, exported to ONNX: vision_model.onnx and "
            "text_model.onnx (or both in model.onnx), preprocessor_config.json and tokenizer.json.",
        ) from error
    finally:
        engine.close()
