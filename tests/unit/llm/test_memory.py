"""How much a model takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from nasd.llm.gguf import Header, Value, read_header
from nasd.llm.memory import CHECKPOINTS, footprint

GIB = 1 << 30


def header(architecture: str, size: int, vocabulary: int = 150_000, **keys: Value) -> Header:
    named = {f"{architecture}.{key.replace('__', '.')}": value for key, value in keys.items()}
    return Header(
        keys={"general.architecture": architecture, **named},
        lengths={"tokenizer.ggml.tokens": vocabulary},
        bytes=size,
    )


DENSE = header(
    "qwen3",
    1 * GIB,
    block_count=28,
    embedding_length=2048,
    feed_forward_length=6144,
    attention__head_count=16,
    attention__head_count_kv=8,
    attention__key_length=128,
    attention__value_length=128,
)


def test_every_layer_remembers_every_token() -> None:
    # 28 layers, 8 groups of heads, 128 numbers for key and value each, two bytes: 112 KiB a token.
    state = footprint(DENSE, 8192).state
    assert state == 8192 * 28 * 8 * 256 * 2
    assert footprint(DENSE, 4096).state == state // 2


def test_the_whole_is_the_sum_and_the_weights_have_a_file_behind_them() -> None:
    found = footprint(DENSE, 8192)
    assert found.weights == GIB
    assert found.total == found.weights + found.private
    assert 200 << 20 < found.working < 700 << 20


def test_layers_of_another_kind_remember_less() -> None:
    mixed = header(
        "qwen35",
        GIB,
        block_count=24,
        embedding_length=2048,
        attention__head_count=8,
        attention__head_count_kv=2,
        attention__key_length=256,
        attention__value_length=256,
        full_attention_interval=4,
        ssm__inner_size=2048,
        ssm__state_size=128,
        ssm__conv_kernel=4,
    )
    recurrent = (1 + CHECKPOINTS) * 4 * 24 * 2048 * (128 + 4)
    assert footprint(mixed, 8192).state == 6 * 8192 * 2 * 512 * 2 + recurrent


def test_layers_that_look_near_remember_their_window_only() -> None:
    near = header(
        "gemma4",
        GIB,
        block_count=4,
        embedding_length=1024,
        attention__head_count=4,
        attention__head_count_kv=1,
        attention__key_length=512,
        attention__value_length=512,
        attention__key_length_swa=256,
        attention__value_length_swa=256,
        attention__sliding_window=512,
        attention__sliding_window_pattern=(True, True, False, True),
        attention__shared_kv_layers=1,
    )
    assert footprint(near, 8192).state == 2 * (512 + 64) * 512 * 2 + 8192 * 1024 * 2


@pytest.mark.parametrize("context", [512, 4096, 32768])
def test_a_real_file_has_a_footprint(tiny_gguf: Path, context: int) -> None:
    found = footprint(read_header(tiny_gguf), context)
    assert found.state == context * 2 * 192 * 2 * 2
    assert found.weights == tiny_gguf.stat().st_size
