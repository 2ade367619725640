"""What the head of a GGUF file says of its model; the weights are not read.

The format: magic, version, counts of tensors and of keys, then the keys with typed values, then the tensors'
names and shapes, all little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from nasd.errors import ModelError

MAGIC = b"GGUF"
VERSIONS = (2, 3)
MOST_KEYS = 4096
MOST_TENSORS = 1 << 16
MOST_HEAD = 64 << 20
"""Bytes: a vocabulary of a quarter of a million words with its merges takes some 12 MB."""
MOST_KEPT = 1 << 10
"""Lists of at most so many values are kept: those by layer. Vocabularies are only counted."""
MOST_DIMENSIONS = 8
ALIGNMENT = 32
"""Of the weights, in bytes, where the file does not say it."""

_STRING, _ARRAY = 8, 9
_FIXED = {
    0: struct.Struct("<B"),
    1: struct.Struct("<b"),
    2: struct.Struct("<H"),
    3: struct.Struct("<h"),
    4: struct.Struct("<I"),
    5: struct.Struct("<i"),
    6: struct.Struct("<f"),
    7: struct.Struct("<?"),
    10: struct.Struct("<Q"),
    11: struct.Struct("<q"),
    12: struct.Struct("<d"),
}
_LONG = _FIXED[10]
_INT = _FIXED[4]

Scalar = int | float | bool | str
Value = Scalar | tuple[Scalar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """`keys` without the vocabulary; `lengths` of all lists. `bytes` is of the whole file."""

    keys: Mapping[str, Value]
    lengths: Mapping[str, int]
    bytes: int

    @property
    def architecture(self) -> str:
        return self.text("general.architecture") or ""

    def text(self, key: str) -> str | None:
        value = self.keys.get(key)
        return value if isinstance(value, str) else None

    def number(self, key: str) -> int | None:
        value = self.keys.get(key)
        return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None

    def of(self, key: str) -> int | None:
        """A number of this architecture, such as "block_count"."""
        return self.number(f"{self.architecture}.{key}")

    def by_layer(self, key: str, layers: int, default: int) -> tuple[int, ...]:
        """A number of this architecture for each layer: one for all, or a list."""
        value = self.keys.get(f"{self.architecture}.{key}")
        if isinstance(value, tuple) and len(value) >= layers:
            return tuple(int(one) for one in value[:layers] if not isinstance(one, str))
        return (self.of(key) or default,) * layers


def read_header(path: Path) -> Header:
    """Raises ModelError when it is no GGUF file of a language model, or cannot be read."""
    try:
        with path.open("rb") as file:
            header = _Reader(file).header(path.stat().st_size)
    except OSError as error:
        raise ModelError(f"{path.name} cannot be read: {error.strerror}.") from error
    except (_NotGguf, struct.error, OverflowError) as error:
        raise ModelError(
            f"{path.name} is no whole GGUF file: {error}.",
            cure="A language model in the GGUF format is needed, such as llama.cpp reads.",
        ) from error
    if not header.architecture or header.of("block_count") is None:
        raise ModelError(
            f"{path.name} is no language model.", cure="A GGUF file with the weights of one is needed."
        )
    if header.number("split.count") not in (None, 0, 1):
        raise ModelError(
            f"{path.name} is one part of a model in several files.", cure="Use a model in one file."
        )
    return header


class _NotGguf(Exception):
    pass


class _Reader:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._left = MOST_HEAD

    def header(self, size: int) -> Header:
        if self._take(4) != MAGIC:
            raise _NotGguf("it begins with something else")
        version = self._number(_INT)
        if version not in VERSIONS:
            raise _NotGguf(f"version {version} of the format is not known")
        tensors, count = self._number(_LONG), self._number(_LONG)
        if count > MOST_KEYS or tensors > MOST_TENSORS:
            raise _NotGguf("it names impossibly much")
        keys: dict[str, Value] = {}
        lengths: dict[str, int] = {}
        for _ in range(count):
            name = self._text()
            kind = self._number(_INT)
            if kind == _ARRAY:
                lengths[name], kept = self._array()
                if kept is not None and not name.startswith("tokenizer."):
                    keys[name] = kept
            else:
                keys[name] = self._scalar(kind)
        last = max((self._tensor_offset() for _ in range(tensors)), default=0)
        head = MOST_HEAD - self._left
        stated = keys.get("general.alignment")
        alignment = stated if isinstance(stated, int) and stated > 0 else ALIGNMENT
        if size <= head + -head % alignment + last:
            raise _NotGguf("it ends before its weights do")
        return Header(keys=keys, lengths=lengths, bytes=size)

    def _take(self, length: int) -> bytes:
        if length > self._left:
            raise _NotGguf("its head is too long")
        self._left -= length
        data = self._file.read(length)
        if len(data) != length:
            raise _NotGguf("it ends too early")
        return data

    def _number(self, form: struct.Struct) -> int:
        return int(form.unpack(self._take(form.size))[0])

    def _text(self) -> str:
        return self._take(self._number(_LONG)).decode("utf-8", "replace")

    def _scalar(self, kind: int) -> Scalar:
        if kind == _STRING:
            return self._text()
        if kind not in _FIXED:
            raise _NotGguf(f"a value of kind {kind} is not known")
        form = _FIXED[kind]
        value: Scalar = form.unpack(self._take(form.size))[0]
        return value

    def _array(self) -> tuple[int, tuple[Scalar, ...] | None]:
        kind, length = self._number(_INT), self._number(_LONG)
        if kind in _FIXED:
            form = _FIXED[kind]
            data = self._take(form.size * length)
            if length > MOST_KEPT:
                return length, None
            return length, tuple(one[0] for one in form.iter_unpack(data))
        if kind != _STRING:
            raise _NotGguf(f"a list of kind {kind} is not known")
        if length <= MOST_KEPT:
            return length, tuple(self._text() for _ in range(length))
        for _ in range(length):
            self._take(self._number(_LONG))
        return length, None

    def _tensor_offset(self) -> int:
        """Of one tensor's weights behind the head."""
        self._text()
        dimensions = self._number(_INT)
        if dimensions > MOST_DIMENSIONS:
            raise _NotGguf("a tensor has impossibly many dimensions")
        self._take(_LONG.size * dimensions + _INT.size)
        return self._number(_LONG)
