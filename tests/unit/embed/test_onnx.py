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

from nasd.embed.base import Rests
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


def rests(embedder: Rests) -> bool:
    return embedder.resting


def test_a_resting_model_gives_the_same_when_it_is_asked_again(prepared_tiny: Tiny, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(prepared_tiny[0].folder, folder)
    embedder = OnnxEmbedder(folder)
    documents, query = embedder.embed_documents(["rent", "bread"]), embedder.embed_query("rent")
    assert not embedder.rest(3600), "it was asked just now"
    assert not rests(embedder)
    assert embedder.rest(0)
    assert rests(embedder)
    assert not embedder.rest(0), "it rests already"
    assert embedder.info.dimension == 32
    assert rests(embedder)
    shutil.rmtree(folder)  # as when it is prepared anew meanwhile
    assert np.array_equal(embedder.embed_query("rent"), query)
    assert not rests(embedder)
    assert embedder.rest(0)
    assert np.array_equal(embedder.embed_documents(["rent", "bread"]), documents)
    assert embedder.rest(0)
    assert embedder.count_tokens("rent") == 1
    assert embedder.rest(0)
    embedder.close()
    with pytest.raises(ModelError, match="closed"):
        embedder.embed_query("late")


def test_memory_of_documents_is_let_go_once(prepared_tiny: Tiny) -> None:
    embedder = OnnxEmbedder(prepared_tiny[0].folder)
    assert not embedder.ease(0), "nothing was run"
    before = embedder.embed_documents(["rent"])
    assert not embedder.ease(3600)
    assert embedder.ease(0)
    assert not embedder.ease(0)
    assert np.array_equal(embedder.embed_documents(["rent"]), before)
    assert embedder.rest(0)
    assert not embedder.ease(0)
    embedder.close()


def test_a_text_is_cut_as_a_tokenizer_that_cuts_would(prepared_model: PreparedModel) -> None:
    from tokenizers import Tokenizer

    cutting = Tokenizer.from_file(str(prepared_model.folder / "tokenizer.json"))
    cutting.no_padding()
    cutting.enable_truncation(prepared_model.manifest.max_tokens)
    embedder = OnnxEmbedder(prepared_model.folder)
    loaded = embedder._need()
    for text in ("", "rent", "The rent is due. " * 80, "\N{GRINNING FACE} 契約 " * 200, "[SEP] a"):
        ours, theirs = loaded.tokenize(text), cutting.encode(text)
        assert (ours.ids, ours.attention_mask, ours.type_ids) == (
            theirs.ids,
            theirs.attention_mask,
            theirs.type_ids,
        )
    embedder.close()
