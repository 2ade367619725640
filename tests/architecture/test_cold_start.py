"""What a command must not load before it needs it: heavy libraries cost seconds and hundreds of megabytes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "Stemmer", "alembic", "faiss", "lxml", "numpy", "onnx", "onnxruntime", "onnxscript", "pypdfium2",
    "sentence_transformers", "sqlalchemy", "tantivy", "textual", "tokenizers", "torch", "transformers",
    "uvloop", "watchdog",
}  # fmt: skip
"""Nothing that only asks a daemon may load these."""

TRAINING = {"onnx", "onnxscript", "sentence_transformers", "torch", "transformers"}
"""What prepares a model. The daemon serves without them."""

RUN = """
import json, sys
from nasd.cli.main import run
try:
    run()
except SystemExit as ended:
    code = ended.code
print(json.dumps([code, sorted({name.partition(".")[0] for name in sys.modules})]))
"""

IMPORT_ALL = """
import importlib, json, pkgutil, sys
import nasd
for module in pkgutil.walk_packages(nasd.__path__, "nasd."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def python(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=120, check=True
    )
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("version",), 0),
        (("config", "show"), 0),
        (("search", "x"), 3),
        (("ask", "x?"), 3),
        (("status",), 3),
        (("volume", "list"), 3),
    ],
)
def test_commands_load_nothing_heavy(tmp_path: Path, arguments: tuple[str, ...], code: int) -> None:
    ended, loaded = json.loads(python(RUN, "--state-dir", str(tmp_path), *arguments))
    assert ended == code
    assert not HEAVY.intersection(loaded)


def test_the_version_does_not_even_load_a_client(tmp_path: Path) -> None:
    _, loaded = json.loads(python(RUN, "--state-dir", str(tmp_path), "version"))
    assert not {"aiohttp", "rich", "asyncio"}.intersection(loaded)


def test_no_module_loads_what_only_prepares_models() -> None:
    assert not TRAINING.intersection(json.loads(python(IMPORT_ALL)))
