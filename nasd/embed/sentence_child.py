"""The process that serves a model with sentence-transformers: `python -m nasd.embed.sentence_child`.

Frames go over standard input and output: one to say what the model is, then one for each request. It ends
with its input. `nasd.embed.sentence` is the other side.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import warnings
from functools import partial
from pathlib import Path
from typing import IO, Any

from nasd.embed.frames import read_frame, write_frame
from nasd.embed.manifest import file_sha256, fingerprint
from nasd.embed.prompts import prompts_of
from nasd.embed.source import locate
from nasd.errors import ModelError, NasdError


def serve(name: str, requests: IO[bytes], replies: IO[bytes]) -> None:
    try:
        source = locate(name)
        model = _load(source)
        write_frame(replies, _describe(name, source, model))
    except NasdError as error:
        write_frame(replies, {"error": error.detail, "cure": error.cure})
        return
    query, document = prompts_of(model)
    encode = {
        "documents": partial(model.encode_document, prompt=document),
        "query": partial(model.encode_query, prompt=query),
    }
    while (frame := read_frame(requests)) is not None:
        header, _ = frame
        try:
            if header["op"] == "count":
                counted = model.tokenizer(header["texts"], add_special_tokens=False)["input_ids"]
                write_frame(replies, {"counts": [len(ids) for ids in counted]})
                continue
            vectors = encode[header["op"]](
                header["texts"], normalize_embeddings=True, show_progress_bar=False
            )
            write_frame(replies, {"rows": len(vectors)}, vectors.astype("<f4").tobytes())
        except Exception as error:  # whatever the model raises concerns this request alone
            write_frame(replies, {"error": f"The embedding model failed: {str(error)[:200]}", "cure": None})


def _load(source: Path) -> Any:
    from sentence_transformers import SentenceTransformer

    try:
        return SentenceTransformer(str(source), trust_remote_code=False, local_files_only=True)
    except Exception as error:
        raise ModelError(f"sentence-transformers cannot load the model: {str(error)[:200]}") from error


def _describe(name: str, source: Path, model: Any) -> dict[str, Any]:
    files = {
        str(path.relative_to(source)): file_sha256(path)
        for path in sorted(source.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }
    tokenizer = getattr(model.tokenizer, "backend_tokenizer", None)
    query, document = prompts_of(model)
    tokens = int(model.max_seq_length or 512)
    return {
        "name": name,
        "fingerprint": fingerprint(
            files, serving="sentence-transformers", query=query, document=document, max_tokens=tokens
        ),
        "dimension": int(model.get_embedding_dimension()),
        "max_tokens": tokens,
        "tokenizer": tokenizer.to_str() if tokenizer is not None else None,
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m nasd.embed.sentence_child")
    parser.add_argument("--model", required=True)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    with os.fdopen(os.dup(0), "rb") as requests, os.fdopen(os.dup(1), "wb") as replies:
        os.dup2(2, 1)  # whatever the libraries print must not reach the frames
        serve(options.model, requests, replies)
    return 0


if __name__ == "__main__":
    sys.exit(main())
