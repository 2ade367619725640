"""The head of a model's file."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nasd.errors import ModelError
from nasd.llm.gguf import Header, read_header


def test_what_a_file_says_of_its_model(tiny_gguf: Path) -> None:
    header = read_header(tiny_gguf)
    assert header.architecture == "llama"
    assert header.of("context_length") == 32768
    assert header.text("general.license") == "apache-2.0"
    assert header.lengths["tokenizer.ggml.tokens"] > 256
    assert "tokenizer.ggml.tokens" not in header.keys
    assert header.bytes == tiny_gguf.stat().st_size


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.001, 0.01, 0.9])
def test_half_a_file_is_refused(tiny_gguf: Path, tmp_path: Path, share: float) -> None:
    whole = tiny_gguf.read_bytes()
    part = tmp_path / "part.gguf"
    part.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ModelError, match=r"part\.gguf"):
        read_header(part)


@pytest.mark.parametrize("data", [b"", b"GGUF", b"PK\x03\x04" * 9, b"GGUF" + struct.pack("<IQQ", 9, 0, 0)])
def test_another_file_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "other.gguf"
    path.write_bytes(data)
    with pytest.raises(ModelError, match="GGUF"):
        read_header(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        read_header(tmp_path / "none.gguf")


def test_impossible_counts_are_refused_before_anything_is_made_of_them(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gguf"
    key = struct.pack("<Q", 1) + b"a" + struct.pack("<IIQ", 9, 8, 1 << 60)
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + key)
    with pytest.raises(ModelError):
        read_header(path)
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 1 << 60))
    with pytest.raises(ModelError, match="impossibly"):
        read_header(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(at=st.integers(0, 3000), byte=st.integers(0, 255))
def test_a_damaged_head_is_read_or_refused(tiny_gguf: Path, tmp_path: Path, at: int, byte: int) -> None:
    data = bytearray(tiny_gguf.read_bytes())
    data[at] = byte
    path = tmp_path / "damaged.gguf"
    path.write_bytes(data)
    try:
        assert isinstance(read_header(path), Header)
    except ModelError as error:
        assert "damaged.gguf" in error.detail


def test_a_file_without_weights_of_language_or_in_parts_is_refused(tmp_path: Path) -> None:
    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    def write(*pairs: tuple[str, int, bytes]) -> Path:
        body = b"".join(text(key) + struct.pack("<I", kind) + value for key, kind, value in pairs)
        path = tmp_path / "x.gguf"
        path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, len(pairs)) + body + bytes(64))
        return path

    with pytest.raises(ModelError, match="no language model"):
        read_header(write(("general.architecture", 8, text("clip"))))
    layers = ("llama.block_count", 4, struct.pack("<I", 2))
    named = ("general.architecture", 8, text("llama"))
    with pytest.raises(ModelError, match="several files"):
        read_header(write(named, layers, ("split.count", 2, struct.pack("<H", 3))))
    lists = ("llama.attention.head_count_kv", 9, struct.pack("<IQ", 4, 2) + struct.pack("<II", 8, 0))
    header = read_header(write(named, layers, lists))
    assert header.by_layer("attention.head_count_kv", 2, 1) == (8, 0)
    assert header.by_layer("feed_forward_length", 2, 7) == (7, 7)
