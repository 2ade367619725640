"""What the confined child and its parent say to each other: JSON in frames, never objects.

The child is trusted with nothing: whatever it sends is checked field by field before it becomes a value.

- job: one datagram of JSON with four descriptors beside it: the file, and the child's ends of the result
  stream, the error stream and the life line.
- result: frames of a 4-byte big-endian length and that many bytes of JSON: `{"blocks": [[…], …]}`…, then
  `{"end": {…}}` or `{"error": {…}}`. A page that is to be drawn comes as `{"picture": {…}}`, a stretch of
  sound as `{"sound": {…}}`.
- of a container that is to be unpacked (`members` in the job): each member begins with
  `{"member": [path, size, mtime_ns, kind]}`, answered by one byte on the same socket, YES or NO. After NO
  nothing more comes of it; after YES `{"hashed": [size, kind, digest, reader]}`, answered likewise whether
  its text is wanted; the members within it; its end or error. The container's own blocks and end frame all
  of it; `{"again": true}` asks for a fresh child that goes on where this one stops.
- of a container that members are to be taken out of (`taken_bytes` too): they begin likewise, answered NO,
  YES, INTO or BOTH. After YES and BOTH `{"bytes": base64}`… and `{"whole": true}`; after INTO and BOTH the
  members within; at last of each, and of the container, its end or error.
- of a lot of small texts (`texts` in the job; the file is a block of memory with all of them): a frame
  `{"text": …}` for each, in their order; see `nasd.extract.lots`.
- life line: the parent sends one byte to have the child killed; the warm process reports the end as JSON.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nasd.domain.passages import Block, Role
from nasd.extract.base import SOUND_RATE, Limits, Picture, Sound

JOB_BYTES = 16_384  # a datagram with name, kind and limits
MAX_FRAME_BYTES = 1 << 30  # a sanity check; the parent's output limit is what binds
NEAR_LIMIT = 0.6  # of the memory allowed: a failure of native code above it is taken for want of memory
YES, NO = b"y", b"n"
INTO, BOTH = b"i", b"b"
"""Of members that are taken out: what lies in it is wanted; that, and itself."""

_LENGTH = struct.Struct(">I")
_ROLES = {role.value: role for role in Role}


class BadFrame(Exception):
    """The child sent something that this protocol does not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What the child needs to know beside the descriptors."""

    name: str
    size: int
    kind: str
    memory_bytes: int
    cpu_s: int
    open_files: int
    output_chars: int
    page: int = 0  # to be drawn, from 1; 0: the file is to be read
    edge: int = 0
    form: str = ""
    start_ms: int = 0  # of a stretch of sound that is to be decoded
    span_ms: int = 0  # its length; 0: the file is to be read
    texts: int = 0  # so many small texts are to be read; 0: the file is one of its own
    members: int = 0  # at most so many are to be unpacked; 0: only the file's own text is to be read
    depth: int = 0
    member_bytes: int = 0
    held_bytes: int = 0
    inflated_bytes: int = 0
    taken_bytes: int = 0  # members are to be taken out, of at most so many bytes; 0: they are to be read

    def of_container(self, limits: Limits) -> Job:
        """With what reading a container may cost."""
        return replace(
            self,
            cpu_s=int(limits.container_wall_s),
            members=limits.members,
            depth=limits.depth,
            member_bytes=limits.member_bytes,
            held_bytes=limits.held_bytes,
            inflated_bytes=limits.inflated_bytes,
        )

    def encode(self) -> bytes:
        fields = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps(fields).encode()

    @classmethod
    def decode(cls, data: bytes) -> Job:
        return cls(**json.loads(data))


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How a child ended: exit code or signal, its peak resident size and processor time."""

    code: int | None
    signal: int | None
    peak_bytes: int
    cpu_s: float

    def encode(self) -> bytes:
        return json.dumps({name: getattr(self, name) for name in self.__slots__}).encode()

    @classmethod
    def decode(cls, data: bytes) -> Exit:
        return cls(**json.loads(data))


def frame(value: Mapping[str, Any]) -> bytes:
    payload = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return _LENGTH.pack(len(payload)) + payload


def pack_block(block: Block) -> list[object]:
    return [
        _clean(block.text),
        _clean(block.after),
        block.role.value,
        block.level,
        block.page,
        block.line_start,
        block.line_end,
        None if block.sheet is None else _clean(block.sheet),
        block.slide,
        block.hidden,
    ]


def _clean(text: str) -> str:
    """Text that any store takes: no lone surrogates, no NUL."""
    if text.isascii():
        return text.replace("\0", "\ufffd")
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


class Frames:
    """Takes bytes as they arrive and gives the frames that are complete."""

    def __init__(self) -> None:
        self._data = bytearray()

    @property
    def pending(self) -> int:
        """Bytes of a frame that is not complete."""
        return len(self._data)

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        self._data += data
        at = 0
        while len(self._data) - at >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._data, at)
            if length > MAX_FRAME_BYTES:
                raise BadFrame(f"a frame of {length} bytes")
            end = at + _LENGTH.size + length
            if len(self._data) < end:
                break
            yield _object(self._data[at + _LENGTH.size : end])
            at = end
        if at:
            del self._data[:at]


def _object(payload: bytes | bytearray) -> dict[str, Any]:
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise BadFrame("no JSON") from error
    if not isinstance(value, dict):
        raise BadFrame("no object")
    return value


def unpack_block(row: object) -> Block:
    """A block from what the child sent. Raises `BadFrame`."""
    if not isinstance(row, list) or len(row) != 10:
        raise BadFrame("no block")
    text, after, role, level, page, line_start, line_end, sheet, slide, hidden = row
    if not isinstance(role, str) or role not in _ROLES:
        raise BadFrame("an unknown role")
    if not isinstance(hidden, bool):
        raise BadFrame("neither hidden nor visible")
    return Block(
        text=_text(text),
        after=_text(after),
        role=_ROLES[role],
        level=_number(level) or 0,
        page=_number(page),
        line_start=_number(line_start),
        line_end=_number(line_end),
        sheet=None if sheet is None else _text(sheet),
        slide=_number(slide),
        hidden=hidden,
    )


def unpack_blocks(rows: object) -> list[Block]:
    if not isinstance(rows, list):
        raise BadFrame("no list of blocks")
    return [unpack_block(row) for row in rows]


def unpack_words(value: object, most: int = 1000) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise BadFrame("no list of words")
    return tuple(_text(item)[:500] for item in value[:most])


def unpack_mapping(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise BadFrame("no mapping")
    return {_text(key)[:100]: _text(item)[:1000] for key, item in list(value.items())[:100]}


def pack_picture(picture: Picture) -> dict[str, object]:
    return {
        "width": picture.width,
        "height": picture.height,
        "data": base64.b64encode(picture.data).decode("ascii"),
    }


def unpack_picture(value: object, *, edge: int, form: str) -> Picture:
    """A picture from what the child sent, checked against what was asked for. Raises `BadFrame`."""
    if not isinstance(value, dict):
        raise BadFrame("no picture")
    width, height = _number(value.get("width")), _number(value.get("height"))
    data = _bytes(value.get("data"))
    if not width or not height or max(width, height) > edge:
        raise BadFrame("a picture of another size")
    if form in ("gray", "rgb") and len(data) != width * height * (3 if form == "rgb" else 1):
        raise BadFrame("a picture of another length")
    if form == "webp" and not (data.startswith(b"RIFF") and data[8:12] == b"WEBP"):
        raise BadFrame("no WebP picture")
    return Picture(width=width, height=height, form=form, data=data)


def pack_sound(sound: Sound) -> dict[str, object]:
    return {"ended": sound.ended, "data": base64.b64encode(sound.samples).decode("ascii")}


def unpack_sound(value: object, *, span_ms: int) -> Sound:
    """A stretch of sound from what the child sent, checked against what was asked for. Raises `BadFrame`."""
    if not isinstance(value, dict) or not isinstance(value.get("ended"), bool):
        raise BadFrame("no sound")
    data = _bytes(value.get("data"))
    if len(data) % 2 or len(data) > 2 * (SOUND_RATE * span_ms // 1000 + 1):
        raise BadFrame("sound of another length")
    return Sound(samples=data, ended=value["ended"])


def _bytes(value: object) -> bytes:
    try:
        return base64.b64decode(_text(value), validate=True)
    except ValueError as error:
        raise BadFrame("no base64") from error


def pack_bytes(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def unpack_bytes(value: object) -> bytes:
    """Bytes from what the child sent. Raises `BadFrame`."""
    return _bytes(value)


def unpack_text(value: object) -> str | None:
    return None if value is None else _text(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise BadFrame("no text")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise BadFrame("text with lone surrogates") from error
    return value


def _number(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 40:
        raise BadFrame("no number")
    return value


def batches(blocks: Iterator[Block], chars: int) -> Iterator[Sequence[Block]]:
    """Blocks in lots of about `chars` characters, so that frames are few and none is huge."""
    lot: list[Block] = []
    size = 0
    for block in blocks:
        lot.append(block)
        size += len(block.text) + len(block.after)
        if size >= chars:
            yield lot
            lot, size = [], 0
    if lot:
        yield lot
