"""How the processes that load torch are started."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nasd

_KEPT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES")


def command(module: str, *arguments: str) -> list[str]:
    """`-P` and `-s` keep the working directory and the user's own packages out of the import path."""
    return [sys.executable, "-P", "-s", "-m", module, *arguments]


def environment(scratch: Path) -> dict[str, str]:
    """Nothing of the daemon's environment but the few above; no model hub; caches under `scratch`."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {
        "PYTHONPATH": str(Path(nasd.__path__[0]).parent),
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "HF_HOME": str(scratch),
        "TORCHINDUCTOR_CACHE_DIR": str(scratch),
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
