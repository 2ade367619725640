from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from nasd.embed.onnx import OnnxEmbedder
from nasd.embed.store import PreparedModel, Progress
from nasd.errors import ModelError

pytestmark = pytest.mark.real_model

Tiny = tuple[PreparedModel, list[Progress]]


def test_a_vector_depends_on_its_text_alone(prepared_model: PreparedModel) -> None:
    embedder = OnnxEmbedder(prepared_model.folder, threads=2)
    texts = ["rent", "The rent is due on the first of the month. " * 12, "bread", "契約は三月に終了します。"]
    together = embedder.embed_documents(texts)
    for text, row in zip(texts, together, strict=True):
        assert np.array_equal(embedder.embed_documents([text])[0], row)
    embedder.close()


def test_serving_loads_no_training_library(prepared_model: PreparedModel) -> None:
    program = (
        "import json, sys\n"
        "from pathlib import Path\n"
        "from nasd.embed.onnx import OnnxEmbedder\n"
        "from nasd.embed.pick import open_embedder\n"
        "from nasd.embed.store import find\n"
        "embedder = OnnxEmbedder(Path(sys.argv[1]))\n"
        "embedder.embed_query('rent'); embedder.embed_documents(['bread']); embedder.count_tokens('x')\n"
        "embedder.close()\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(prepared_model.folder)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        check=True,
    )
    loaded = set(json.loads(ended.stdout))
    assert {"onnxruntime", "tokenizers"} <= loaded
    assert not loaded & {"torch", "transformers", "sentence_transformers", "onnx", "onnxscript", "sklearn"}


def test_a_damaged_folder_is_a_model_error(prepared_tiny: Tiny, tmp_path: Path) -> None:
    for file in ("model.onnx", "tokenizer.json", "manifest.json"):
        folder = tmp_path / file
        shutil.copytree(prepared_tiny[0].folder, folder)
        (folder / file).write_bytes(b"{}")
        with pytest.raises(ModelError) as refused:
            OnnxEmbedder(folder)
        assert refused.value.cure == "Run `nasd model prepare`."


def test_closing_ends_what_waits(prepared_model: PreparedModel) -> None:
    embedder = OnnxEmbedder(prepared_model.folder, threads=1)
    ended: list[BaseException] = []
    begun = threading.Event()
    texts = ["The rent is due on the first of the month. " * 20] * 500

    class Noticing(list[str]):
        def __len__(self) -> int:
            begun.set()
            return super().__len__()

    def embed() -> None:
        try:
            embedder.embed_documents(Noticing(texts))
        except ModelError as error:
            ended.append(error)

    thread = threading.Thread(target=embed)
    thread.start()
    assert begun.wait(30)
    embedder.close()
    thread.join()
    assert len(ended) == 1
    with pytest.raises(ModelError, match="closed"):
        embedder.embed_documents(["late"])
