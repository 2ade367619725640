"""Small texts read many at a time: opened, hashed, read in one confined child, cut, committed together.

A lot takes what goes well. Whatever does not, for whatever reason, is left to be read alone, as if there had
been no lot: there its failure is told and kept.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from blake3 import blake3

from nasd.clock import Clock
from nasd.domain.files import FileRecord, FileStat, display_path, file_stat
from nasd.domain.jobs import Job
from nasd.domain.passages import Document
from nasd.errors import NasdError, ReadError
from nasd.extract.base import Extractor, SmallText
from nasd.extract.kinds import HEAD_BYTES, media_type_of, sniff
from nasd.extract.lots import MOST_BYTES, MOST_TEXTS, PLAIN, TEXT_BYTES
from nasd.extract.registry import READERS
from nasd.store import lots
from nasd.store.contents import NewContent
from nasd.store.lane import Lane
from nasd.store.lots import TextRead, Wanted
from nasd.watch.open import open_file

log = logging.getLogger(__name__)

Lot = Sequence[tuple[Job, FileRecord]]


@dataclass(frozen=True, slots=True)
class _Looked:
    """A small file with all of its bytes."""

    text: TextRead  # without what reading yields
    data: bytes

    @property
    def key(self) -> tuple[str, str]:
        return self.text.digest, self.text.reader


class Lots:
    def __init__(
        self,
        lane: Lane,
        extractor: Extractor,
        clock: Clock,
        *,
        root_of: Callable[[int], str | None],
        content: Callable[[Document, bytes], NewContent],
        max_file: int,
    ) -> None:
        """`root_of` gives a volume's folder by its id while it may be read, else None; `content` makes of a
        document and its file's path what is kept."""
        self._lane = lane
        self._extractor = extractor
        self._clock = clock
        self._root_of = root_of
        self._content = content
        self._wanted = Wanted(
            kinds=PLAIN,
            most_files=MOST_TEXTS,
            most_bytes=MOST_BYTES,
            file_bytes=min(TEXT_BYTES, max_file),
        )

    async def claim(self, priority: int) -> Lot:
        """The next lot; empty when no small text comes next."""
        return await self._lane.write(lots.claim_lot, self._wanted, self._clock.now(), priority=priority)

    async def read(self, lot: Lot) -> list[TextRead]:
        """What can be committed together; of the others nothing is said. Raises `NasdError`."""
        roots = [self._root_of(file.volume_id) for _, file in lot]
        looked = await asyncio.to_thread(_look_at_all, lot, roots, self._wanted.file_bytes)
        known = await self._lane.read(lots.known_contents, [one.key for one in looked])
        try:
            return await asyncio.to_thread(self._read, looked, known)
        except NasdError:
            raise
        except Exception:  # whatever it is: read alone, the text at fault gets the reason on its own record
            log.exception("a lot of %d texts is read one by one", len(lot))
            return []

    def _read(self, looked: Sequence[_Looked], known: set[tuple[str, str]]) -> list[TextRead]:
        first = {one.key: one for one in reversed(looked) if one.key not in known}
        documents = self._extractor.extract_texts(
            [
                SmallText(name=display_path(one.text.file.path), kind=one.text.kind, data=one.data)
                for one in first.values()
            ]
        )
        made = {
            key: self._content(document, first[key].text.file.path)
            for key, document in zip(first, documents, strict=True)
            if document is not None
        }
        return [
            replace(one.text, new=made.get(one.key)) for one in looked if one.key in known or one.key in made
        ]


def _look_at_all(lot: Lot, roots: Sequence[str | None], most: int) -> list[_Looked]:
    looked = []
    for (job, file), root in zip(lot, roots, strict=True):
        try:
            one = None if root is None else _look(job, file, root, most)
        except (OSError, ReadError):  # told when it is read alone
            continue
        if one is not None:
            looked.append(one)
    return looked


def _look(job: Job, file: FileRecord, root: str, most: int) -> _Looked | None:
    """None when it is no small text after all, or changes just now."""
    handle = open_file(root, file.path)
    try:
        stat = file_stat(file.path, os.fstat(handle))
        data = os.pread(handle, most + 1, 0) if stat.size <= most else b""
        if len(data) != stat.size or _stat(handle, file) != stat:
            return None
    finally:
        os.close(handle)
    kind = sniff(data[:HEAD_BYTES], file.kind)
    if kind not in PLAIN:
        return None
    text = TextRead(
        job=job,
        file=file,
        stat=stat,
        kind=kind,
        media_type=file.media_type if kind == file.kind else media_type_of(kind),
        digest=blake3(data).hexdigest(),
        reader=READERS[kind].label,
        new=None,
    )
    return _Looked(text, data)


def _stat(handle: int, file: FileRecord) -> FileStat:
    return file_stat(file.path, os.fstat(handle))
