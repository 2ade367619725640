"""The directory of a 7z archive: which blocks of data there are, how each is decoded, which files are in it.

After the LZMA SDK's 7zFormat.txt. Pure: from its bytes to values. Numbers are believed only as far as the
bytes that are left could hold what they announce.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from nasd.extract.containers.naming import nanoseconds
from nasd.extract.containers.sevenzip_coders import Coder, decoding_order

HEADER, ENCODED = 1, 0x17
"""With what a directory begins: it follows as it is, or packed."""

START_BYTES = 32  # before everything; offsets count from behind them
_MOST_CODERS = 8
_TO_1970 = 116_444_736_000_000_000  # from 1601, in the tenths of microseconds of Windows
_LINK, _KIND, _UNIX = 0o120000, 0o170000, 0x8000
(
    _END, _, _PROPERTIES, _MORE_STREAMS, _STREAMS, _FILES, _PACK, _UNPACK, _SUBSTREAMS, _SIZE, _CRC,
    _FOLDER, _UNPACK_SIZE, _COUNT, _EMPTY, _EMPTY_FILE, _ANTI, _NAMES,
) = range(18)  # fmt: skip
_MTIME, _ATTRIBUTES = 0x14, 0x15


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A block of data that is compressed as one: where it lies, how it is decoded, what is in it."""

    at: int  # in the file
    packed: int  # bytes
    coders: tuple[Coder, ...]  # in the order of decoding
    size: int  # inflated
    odd: str | None = None  # why it cannot be decoded
    sizes: tuple[int, ...] = ()
    checksums: tuple[int | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    name: str
    mtime_ns: int | None
    folder: int | None  # None: it is empty
    number: int = 0  # within the folder


class Bytes:
    """A directory as it is read; IndexError at its end."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, count: int) -> bytes:
        if count > self.left:
            raise IndexError("the directory ends within an entry")
        self._at += count
        return self._data[self._at - count : self._at]

    def byte(self) -> int:
        return self.take(1)[0]

    def number(self) -> int:
        """One to nine bytes: the ones that lead the first byte count those that follow."""
        first = self.byte()
        value, mask = 0, 0x80
        for place in range(8):
            if not first & mask:
                return value + ((first & (mask - 1)) << (8 * place))
            value |= self.byte() << (8 * place)
            mask >>= 1
        return value

    def count(self) -> int:
        """How many follow, each of which takes a byte at least."""
        value = self.number()
        if value > self.left:
            raise IndexError("more entries than the directory can hold")
        return value

    def bits(self, count: int) -> list[bool]:
        data = self.take((count + 7) // 8)
        return [bool(data[at >> 3] & (0x80 >> (at & 7))) for at in range(count)]

    def defined(self, count: int) -> list[bool]:
        return [True] * count if self.byte() else self.bits(count)

    def checksums(self, count: int) -> list[int | None]:
        there = self.defined(count)
        return [int.from_bytes(self.take(4), "little") if one else None for one in there]


def read_header(source: Bytes) -> tuple[list[Folder], list[Entry]]:
    folders: list[Folder] = []
    entries: list[Entry] = []
    while (what := source.number()) != _END:
        if what == _PROPERTIES:
            while source.number() != _END:
                source.take(source.number())
        elif what == _MORE_STREAMS:
            read_streams(source)
        elif what == _STREAMS:
            folders = read_streams(source)
        elif what == _FILES:
            entries = _read_files(source, folders)
        else:
            raise IndexError(f"an unknown part {what}")
    return folders, entries


def read_streams(source: Bytes) -> list[Folder]:
    at = 0
    packed: list[int] = []
    folders: list[Folder] = []
    parts: list[int] = []  # packed streams of each folder
    while (what := source.number()) != _END:
        if what == _PACK:
            at, packed = _read_pack(source)
        elif what == _UNPACK:
            folders, parts = _read_folders(source)
        elif what == _SUBSTREAMS:
            folders = _read_substreams(source, folders)
        else:
            raise IndexError(f"an unknown part {what}")
    placed, number, start = [], 0, at
    for folder, count in zip(folders, parts, strict=True):
        size = sum(packed[number : number + count])
        if number + count > len(packed):
            raise IndexError("a block without data")
        placed.append(replace(folder, at=start, packed=size))
        number, start = number + count, start + size
    return placed


def _read_pack(source: Bytes) -> tuple[int, list[int]]:
    at = START_BYTES + source.number()
    count = source.count()
    sizes: list[int] = []
    while (what := source.number()) != _END:
        if what == _SIZE:
            sizes = [source.number() for _ in range(count)]
        elif what == _CRC:
            source.checksums(count)
        else:
            raise IndexError(f"an unknown part {what}")
    return at, sizes


def _read_folders(source: Bytes) -> tuple[list[Folder], list[int]]:
    if source.number() != _FOLDER:
        raise IndexError("no blocks")
    count = source.count()
    _inside(source)
    found = [_read_folder(source) for _ in range(count)]
    if source.number() != _UNPACK_SIZE:
        raise IndexError("no sizes of blocks")
    folders: list[Folder] = []
    for coders, bound, packed in found:
        sizes = [source.number() for coder in coders for _ in range(coder.outs)]
        order, odd = decoding_order(coders, bound, packed)
        last = [at for at in range(len(sizes)) if all(out != at for _, out in bound)]
        size = sizes[last[0]] if last else 0
        chain = tuple(replace(coders[at], size=sizes[at]) for at in order)
        folders.append(
            Folder(at=0, packed=0, coders=chain, size=size, odd=odd, sizes=(size,), checksums=(None,))
        )
    while (what := source.number()) != _END:
        if what != _CRC:
            raise IndexError(f"an unknown part {what}")
        sums = source.checksums(count)
        folders = [replace(one, checksums=(own,)) for one, own in zip(folders, sums, strict=True)]
    return folders, [len(packed) for _, _, packed in found]


def _read_folder(source: Bytes) -> tuple[list[Coder], list[tuple[int, int]], list[int]]:
    """Its coders, which of their inputs takes which output, which inputs take packed data."""
    coders = []
    for _ in range(_few(source.number())):
        flags = source.byte()
        name = source.take(flags & 0x0F)
        ins, outs = (_few(source.number()), _few(source.number())) if flags & 0x10 else (1, 1)
        coders.append(
            Coder(
                name=name, ins=ins, outs=outs, properties=source.take(source.number() if flags & 0x20 else 0)
            )
        )
    ins, outs = sum(coder.ins for coder in coders), sum(coder.outs for coder in coders)
    bound = [(source.number(), source.number()) for _ in range(outs - 1)]
    free = ins - len(bound)
    if free == 1:
        packed = [at for at in range(ins) if all(into != at for into, _ in bound)][:1]
    else:
        packed = [source.number() for _ in range(max(0, free))]
    return coders, bound, packed


def _few(count: int) -> int:
    if not 0 < count <= _MOST_CODERS:
        raise IndexError(f"{count} coders for one block")
    return count


def _inside(source: Bytes) -> None:
    if source.byte():
        raise IndexError("a part of the directory lies elsewhere")


def _read_substreams(source: Bytes, folders: Sequence[Folder]) -> list[Folder]:
    counts = [1] * len(folders)
    what = source.number()
    if what == _COUNT:
        counts = [source.number() for _ in folders]
        if sum(counts) > source.left + len(folders):
            raise IndexError("more files than the directory can hold")
        what = source.number()
    sizes: list[tuple[int, ...]] = []
    for folder, count in zip(folders, counts, strict=True):
        told = [source.number() for _ in range(count - 1)] if what == _SIZE else []
        rest = folder.size - sum(told)
        if rest < 0 or (count > 1 and what != _SIZE):
            raise IndexError("files that are larger than their block")
        sizes.append((*told, rest) if count else ())
    if what == _SIZE:
        what = source.number()
    known = [
        folder.checksums if count == 1 else (None,) * count
        for folder, count in zip(folders, counts, strict=True)
    ]
    while what != _END:
        if what != _CRC:
            raise IndexError(f"an unknown part {what}")
        missing = sum(one is None for lot in known for one in lot)
        sums = iter(source.checksums(missing))
        known = [tuple(next(sums) if one is None else one for one in lot) for lot in known]
        what = source.number()
    return [
        replace(folder, sizes=own, checksums=lot)
        for folder, own, lot in zip(folders, sizes, known, strict=True)
    ]


def _read_files(source: Bytes, folders: Sequence[Folder]) -> list[Entry]:
    count = source.count()
    empty = [False] * count
    plain: list[bool] = []  # of the empty ones: files, not folders
    anti: list[bool] = []
    names: list[str] = []
    times: list[int | None] = [None] * count
    attributes: list[int | None] = [None] * count
    while (what := source.number()) != _END:
        own = Bytes(source.take(source.number()))
        if what == _EMPTY:
            empty = own.bits(count)
        elif what == _EMPTY_FILE:
            plain = own.bits(sum(empty))
        elif what == _ANTI:
            anti = own.bits(sum(empty))
        elif what == _NAMES:
            _inside(own)
            names = own.take(own.left // 2 * 2).decode("utf-16-le", "replace").split("\0")
        elif what in (_MTIME, _ATTRIBUTES):
            there = own.defined(count)
            _inside(own)
            width = 8 if what == _MTIME else 4
            values = [int.from_bytes(own.take(width), "little") if one else None for one in there]
            if what == _MTIME:
                times = [_moment(value) for value in values]
            else:
                attributes = values
    entries: list[Entry] = []
    # Files with data follow each other through the blocks.
    starts = [0]
    for folder in folders:
        starts.append(starts[-1] + len(folder.sizes))
    data = nothing = 0
    for number in range(count):
        name = (names[number] if number < len(names) else "").replace("\\", "/")
        if empty[number]:
            is_file = nothing < len(plain) and plain[nothing] and not (nothing < len(anti) and anti[nothing])
            nothing += 1
            if is_file:
                entries.append(Entry(name=name, mtime_ns=times[number], folder=None))
            continue
        place = bisect_right(starts, data) - 1
        if place >= len(folders):
            raise IndexError("a file without data")
        mode = attributes[number] or 0
        if not (mode & _UNIX and (mode >> 16) & 0o170000 == _LINK):
            at = data - starts[place]
            entries.append(Entry(name=name, mtime_ns=times[number], folder=place, number=at))
        data += 1
    return entries


def _moment(value: int | None) -> int | None:
    return None if value is None else nanoseconds((value - _TO_1970) / 10_000_000)
