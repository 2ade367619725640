"""Cross-encoders that the owner brings: preparing them, putting them into the state, finding one to serve."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from nasd import wire
from nasd.config import Settings
from nasd.daemon.bring import models_folder
from nasd.embed.manifest import GRAPH_FILE, TOKENIZER_FILE
from nasd.embed.rerank import FACTS_FILE, OnnxReranker, Reranker
from nasd.embed.store import Progress, run_child
from nasd.errors import InvalidRequest, StateError
from nasd.weights.folder import Wanted, bring, brought, verify

RERANK = "rerank"

_CARD = "README.md"
_FILES = tuple(Wanted(name=name, sources=(name,)) for name in (GRAPH_FILE, TOKENIZER_FILE, FACTS_FILE))


def import_reranker(
    settings: Settings,
    folder: Path,
    *,
    name: str | None,
    licence: str | None,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> wire.ModelOut:
    """Prepares a cross-encoder of sentence-transformers for serving and puts it into the state; works beside
    a daemon, which takes it up by itself. Takes half a minute. Raises `NasdError`."""
    if not (folder / "config.json").is_file():
        raise InvalidRequest(
            f"{folder} holds no sentence-transformers model.", fields={"folder": "config.json is missing"}
        )
    models = models_folder(settings)
    within = models / RERANK  # not in `models` itself, which a daemon that prepares a model sweeps
    try:
        within.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=".prepared-", suffix=".part", dir=within))
    except OSError as error:
        raise StateError(f"The folder of models cannot be written: {error.strerror}.") from error
    try:
        prepared = made / "model"
        prepared.mkdir()
        arguments = ("--model", str(folder.resolve()), "--into", str(prepared))
        run_child(made, "nasd.embed.prepare_rerank", arguments, on_progress)
        if (folder / _CARD).is_file():  # it may state the licence
            shutil.copyfile(folder / _CARD, prepared / _CARD)
        model = bring(
            models,
            RERANK,
            prepared,
            _FILES,
            name=name or folder.resolve().name,
            licence=licence,
            check=lambda copy: OnnxReranker("model", copy, threads=1).close(),
        )
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return wire.ModelOut(
        name=model.manifest.name,
        purpose="reranking",
        state="ready",
        detail=f"licence: {model.manifest.licence}",
        serving="onnx",
        fingerprint=model.manifest.fingerprint,
    )


def reranker_finder(settings: Settings, models: Path) -> Callable[[], Reranker | None] | None:
    """Looks for the cross-encoder of the settings; None when results are not re-ranked."""
    wanted = settings.search.rerank
    if wanted == "off":
        return None

    def find() -> Reranker | None:
        found = [model for model in brought(models, RERANK) if wanted in ("auto", model.manifest.name)]
        if not found:
            return None
        model = found[-1]
        verify(model)
        return OnnxReranker(f"{model.manifest.name} ({model.manifest.fingerprint[:8]})", model.folder)

    return find
