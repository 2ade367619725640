"""`nasd model bench`: the ways to serve a model on this machine, side by side."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nasd.config import Settings
from nasd.embed import store
from nasd.embed.manifest import Manifest
from nasd.errors import NotFound


def bench_model(settings: Settings, narrate: Callable[[str], None], *, again: bool) -> dict[str, Any]:
    """`model`, `fingerprint`, `serving` (the one chosen) and `variants`, each with `serving`, `bytes`,
    `passages_s`, `agreement` and `refused`: as they were measured when the model was prepared, or measured
    `again` now, which exports it once more and leaves the prepared one as it is.

    Raises `NotFound` when it is not prepared, and `ModelError`.
    """
    models, name = settings.paths.state_dir / "models", settings.embedding.model
    if not again:
        prepared = store.find(models, name)
        if prepared is None:
            raise NotFound(
                f"The embedding model {name} is not prepared.",
                cure="`nasd model prepare`, or `nasd model bench --again`.",
            )
        return _told(prepared.manifest)

    def say(progress: store.Progress) -> None:
        narrate(f"[{progress.step}/{progress.steps}] {progress.stage}")

    with tempfile.TemporaryDirectory(prefix="nasd-bench-") as folder:
        return _told(store.prepare(Path(folder), name, say).manifest)


def _told(manifest: Manifest) -> dict[str, Any]:
    return {
        "model": manifest.name,
        "fingerprint": manifest.fingerprint,
        "serving": manifest.serving,
        "variants": [asdict(one) for one in manifest.measured],
    }
