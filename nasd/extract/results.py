"""In the parent: what the confined child tells of one file, checked, made a document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nasd.domain.passages import Block, Document
from nasd.errors import ReadError
from nasd.extract.base import MOST_BLOCKS
from nasd.extract.deaths import death, nonsense, too_much_text
from nasd.extract.frames import (
    BadFrame,
    Exit,
    Job,
    unpack_blocks,
    unpack_mapping,
    unpack_text,
    unpack_words,
)
from nasd.extract.received import REASONS


@dataclass(slots=True)
class Result:
    """What has come by now; `end` or `error` comes last, if the child lives to tell."""

    blocks: list[Block] = field(default_factory=list)
    chars: int = 0
    texts: list[object] = field(default_factory=list)  # of a lot
    end: Mapping[str, object] | None = None
    error: tuple[str, str] | None = None
    piece: object = None  # a picture or sound

    def take(self, message: Mapping[str, object], most_chars: int) -> None:
        """One message. Raises `BadFrame`, and `ReadError` when it is more than a file may yield."""
        if "blocks" in message:
            blocks = unpack_blocks(message["blocks"])
            self.chars += sum(len(block.text) + len(block.after) for block in blocks)
            if self.chars > most_chars or len(self.blocks) + len(blocks) > MOST_BLOCKS:
                raise too_much_text()
            self.blocks.extend(blocks)
        elif "picture" in message or "sound" in message:
            self.piece = message.get("picture", message.get("sound"))
        elif "text" in message:
            self.texts.append(message["text"])
        elif isinstance(end := message.get("end"), dict):
            self.end = end
        elif isinstance(error := message.get("error"), dict):
            self.error = (str(error.get("reason")), (unpack_text(error.get("detail")) or "")[:500])
        else:
            raise BadFrame("an unknown message")

    def raise_error(self) -> None:
        """Raises `ReadError` if the child has told of one."""
        if self.error is not None:
            reason, detail = self.error
            raise ReadError(detail, reason=reason if reason in REASONS else "malformed")

    def document(self, ended: Exit, said: str, job: Job) -> Document:
        """All of it. Raises `ReadError` when the child told of an error or ended without a word."""
        self.raise_error()
        if self.end is None:
            raise death(ended, said, job)
        end = self.end
        try:
            return Document(
                blocks=tuple(self.blocks),
                title=unpack_text(end.get("title")),
                reader=unpack_text(end.get("reader")) or "",
                notes=unpack_words(end.get("notes")),
                metadata=unpack_mapping(end.get("metadata")),
            )
        except BadFrame as error:
            raise nonsense(error) from error
