"""Embedding models by name, as the settings say that they are served."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

from nasd.config import Endpoint, Settings, read_credential
from nasd.embed.base import Embedder
from nasd.embed.pick import open_embedder
from nasd.embed.source import locate
from nasd.embed.store import find
from nasd.flows.models import Preparing


def model_check(settings: Settings, models_dir: Path) -> Callable[[str], None]:
    """Raises `ModelError` for a name that is neither prepared nor to be found; a server elsewhere knows its
    own."""

    def check(name: str) -> None:
        if not isinstance(settings.embedding.serve, Endpoint) and find(models_dir, name) is None:
            locate(name)

    return check


def embedder_opener(
    settings: Settings, models_dir: Path, stop: threading.Event, cores: int
) -> Callable[[str, Preparing], Embedder]:
    """Opens a model by its name, as `embedding` in the settings has it."""
    wanted = settings.embedding

    def open_wanted(name: str, preparing: Preparing) -> Embedder:
        remote = isinstance(wanted.serve, Endpoint)
        key = None
        if isinstance(wanted.serve, Endpoint) and wanted.serve.credentials is not None:
            key = read_credential(
                wanted.serve.credentials, config_file=settings.paths.config_file, environ=os.environ
            )
        return open_embedder(
            models_dir,
            name,
            serve="auto" if isinstance(wanted.serve, Endpoint) else wanted.serve,
            url=wanted.serve.url if isinstance(wanted.serve, Endpoint) else None,
            api_key=key,
            threads=cores if wanted.threads == "auto" else wanted.threads,
            nice=settings.load.nice,
            on_progress=lambda progress: preparing(f"{progress.stage}, {progress.step} of {progress.steps}"),
            stop=None if remote else stop,
        )

    return open_wanted
