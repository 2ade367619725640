"""The reader's promise, its limits, and the extractor's."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

from nasd.domain.passages import Block, Document
from nasd.errors import ReadError

SOUND_RATE = 16_000
"""Samples a second: speech recognition hears nothing above 8 kHz."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What reading one file may cost."""

    memory_bytes: int = 1 << 30  # address space on top of what the idle child has
    cpu_s: int = 40
    wall_s: float = 240.0
    each_mib_s: float = 20.0  # further seconds, of both, for each MiB of the file; below a job's lease
    input_bytes: int = 512 << 20
    output_chars: int = 50_000_000
    open_files: int = 32
    nice: int = 0  # at least; 0: no further than the daemon's own
    # Of a container (an archive, a mailbox, a mail with attachments), beside the above for each member:
    container_wall_s: float = 600.0  # all of it together; below a job's lease
    member_wall_s: float = 60.0  # one member
    members: int = 10_000
    depth: int = 4  # containers within containers
    member_bytes: int = 128 << 20  # one member, inflated: it is held in memory
    held_bytes: int = 256 << 20  # a member and the containers around it that lie in memory themselves
    inflated_bytes: int = 4 << 30  # everything that is inflated on the way
    taken_bytes: int = 1 << 30  # one member that is taken out; it is never whole in memory


LONGEST_S = 800.0
"""No file is read for longer than this, however large: below a job's lease."""

MOST_BLOCKS = 500_000
"""Blocks of one document: far more than a child sends that joins small ones (`joining`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file's bytes, opened for reading by the parent; a reader gets nothing else.

    `name` is only a hint (its suffix tells code from prose). `stream` can seek.
    """

    name: str
    size: int
    kind: str
    stream: BinaryIO


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallText:
    """A whole small file, of the kind that its first bytes show."""

    name: str
    kind: str
    data: bytes


@dataclass(slots=True)
class Notes:
    """Where a reader leaves what is not text: a title, warnings for a person, metadata."""

    title: str | None = None
    warnings: list[str] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One drawn page. `form` is "gray" or "rgb": `data` has one byte or three a pixel, row by row; or "webp":
    a whole file."""

    width: int
    height: int
    form: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """A stretch of a recording: `SOUND_RATE` samples a second, one channel, signed 16 bit, little endian.
    `ended`: the recording ends with it; it may be empty then."""

    samples: bytes
    ended: bool


class Reader(Protocol):
    """Yields a file's blocks in reading order, page by page, never holding the whole document if the
    format allows it. Plain and synchronous; runs only inside the confined child. Raises `ReadError` with a
    reason, or lets any exception out, which becomes `malformed`.
    """

    name: str
    version: int

    def read(self, source: Source, notes: Notes) -> Iterator[Block]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """One file within a container, as the container's directory tells of it. `open` gives its bytes, only
    until the next one is asked for, and raises `ReadError` (encrypted, unsupported, malformed).

    `name` may be anything that whoever made the container liked.
    """

    name: str
    size: int
    packed_size: int | None  # None: it cannot be told, or nothing is compressed
    mtime_ns: int | None
    open: Callable[[], BinaryIO]


class Container(Protocol):
    """Yields the files that a container holds, in an order that does not change, and never writes any
    to disk. Plain and synchronous; runs only inside the confined child. Whatever it inflates it reports to
    `spend` (bytes), which raises when it is too much. Raises as a `Reader` does; what was yielded before
    stays.
    """

    name: str
    version: int

    def members(self, source: Source, notes: Notes, spend: Callable[[int], None]) -> Iterator[Packed]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A member before its bytes are looked at. `path` is within the container, "b.tar!/c.txt" when nested:
    no empty, "." or ".." part, no control character, not there twice. `kind` is what the name promises."""

    path: str
    size: int
    mtime_ns: int | None
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hashed:
    """A member whose bytes were hashed: BLAKE3, hexadecimal; `kind` and `reader` by its content."""

    found: Found
    kind: str
    digest: str
    reader: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """What became of a member, or of the container itself (`found.path` is "" and `hashed` None).

    Exactly one of `document` and `error` is there, or neither when its content was said to be known.
    """

    found: Found
    hashed: Hashed | None = None
    document: Document | None = None
    error: ReadError | None = None


Members = Generator[Found | Hashed | Member, bool | None, None]
"""Sent True after a `Found`: it is wanted, else nothing more is heard of it. Sent True after a `Hashed`: it
is to be read, else its content is known. Sent None to start, and after a `Member`."""


class Drawer(Protocol):
    """Draws one page of a file in a confined child process. Thread-safe; blocks the calling thread.

    Page numbers count from 1; no edge of the picture is longer than `edge` pixels; `form` as in `Picture`.
    Raises `ReadError`, "unsupported" for a kind that has no pages to draw.
    """

    def draw(self, fd: int, *, name: str, kind: str, page: int, edge: int, form: str) -> Picture: ...


class Listener(Protocol):
    """Decodes a stretch of a recording, or of a film's sound, in a confined child process. Thread-safe;
    blocks the calling thread.

    `start_s` and `span_s` count seconds. Raises `ReadError`, "unsupported" for what it has no decoder for.
    """

    def listen(self, fd: int, *, name: str, kind: str, start_s: float, span_s: float) -> Sound: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Of a member that is taken out of its container: some of its bytes, in their order; or, with `ended`,
    that there are no more; or why it cannot be had."""

    path: str
    data: bytes = b""
    ended: bool = False
    error: ReadError | None = None


class Taker(Protocol):
    """Takes members out of a container in a confined child process, as a stream. Thread-safe; blocks the
    calling thread.

    `paths` as in `Found`; `name` is what the container is called, which tells what is in a compressed file.
    Each of them ends with a piece that has `ended` or `error`. Raises `ReadError` when the container itself
    cannot be read. Closing the generator ends the child.
    """

    def take(
        self, fd: int, *, name: str, kind: str, paths: Collection[str]
    ) -> Generator[Piece, None, None]: ...


class Extractor(Protocol):
    """Reads one file in a confined child process. Thread-safe; blocks the calling thread.

    `fd` is open for reading; the caller keeps and closes it. Raises `ReadError`.
    """

    def warm_up(self) -> None:
        """Makes ready, so that the first file need not wait for that."""
        ...

    def extract(self, fd: int, *, name: str, kind: str) -> Document: ...

    def extract_texts(self, texts: Sequence[SmallText]) -> list[Document | None]:
        """Reads texts of kinds in `nasd.extract.lots.PLAIN`, many with one child; in the place of each its
        document, or None when it has to be read alone, by `extract`, whatever the reason is."""
        ...

    def unpack(self, fd: int, *, name: str, kind: str) -> Members:
        """The members of a container, each after those that lie in it; the container itself comes last, with
        its own text if it has one. One bad member costs one member. Raises `ReadError` when the container
        itself cannot be read. Closing the generator ends the reading."""
        ...

    def close(self) -> None: ...
