"""From a recording to words that can be searched: decode, transcribe, cut, commit, half a minute at a time.

Decoding happens in the confined child, transcribing behind `Transcriber`. All other work comes first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta

from nasd import wire
from nasd.clock import Clock
from nasd.domain.files import FileRecord, display_path
from nasd.domain.jobs import Job, JobKind
from nasd.domain.passages import Block, Document
from nasd.domain.speech import UNHEARD_FROM, parse_second
from nasd.errors import ReadError
from nasd.extract.base import SOUND_RATE, Listener
from nasd.extract.speech.base import WINDOW_S, Heard, Transcriber
from nasd.flows.events import Hub
from nasd.flows.gradual import Gradual
from nasd.flows.inside import Inside
from nasd.flows.models import Models
from nasd.flows.rates import Task
from nasd.flows.work import Work
from nasd.load.base import Share
from nasd.store import queue, speech
from nasd.store.contents import Content
from nasd.store.lane import Lane
from nasd.store.speech import SpeechText

NO_MODEL = (
    "No speech model is installed: `nasd model import FOLDER --kind speech` brings one (Whisper, exported to "
    "ONNX); it is taken up within a minute."
)
NO_DECODER = timedelta(hours=1)  # until it is looked whether the program was installed meanwhile
LEAST_S = 1.0  # of a window that a step covers: an engine that stands still is pushed on


class Speech(Gradual[Transcriber]):
    """The one transcribing worker."""

    kind = JobKind.SPEECH
    share = Share.TRANSCRIBE
    within = "What is said in it is not transcribed, because it cannot be taken out of its container"
    look_again_s = 15.0

    def __init__(
        self,
        lane: Lane,
        hub: Hub,
        models: Models,
        listener: Listener,
        work: Work,
        clock: Clock,
        *,
        inside: Inside,
        root_of: Callable[[int], str | None],
        find_engine: Callable[[], Transcriber | None] | None,
        comes_first: Callable[[], Sequence[JobKind]],
    ) -> None:
        """`find_engine` blocks; None: transcription is switched off. `comes_first`: kinds of jobs that are
        done before."""
        super().__init__(
            lane,
            models,
            clock,
            told=work.to_transcribe,
            turns=work.turns,
            inside=inside,
            root_of=root_of,
            find_engine=find_engine,
        )
        self._hub = hub
        self._listener = listener
        self._work = work
        self._first = comes_first

    def close(self) -> None:
        super().close()
        self._listener.close()

    async def _hold_back(self) -> bool:
        return await self._lane.read(queue.any_due, self._first(), self._clock.now())

    def describe(self) -> list[wire.ModelOut]:
        """The model that transcribes; none when there is none."""
        if self.engine is None and self.problem is None:
            return []
        return [
            wire.ModelOut(
                name=self.engine.name if self.engine is not None else "speech",
                purpose="speech",
                state="ready" if self.engine is not None else "failed",
                detail=self.problem,
                serving="onnx" if self.engine is not None else None,
                active=self.engine is not None,
            )
        ]

    async def out(self) -> wire.SpeechOut:
        """How transcription stands."""
        waiting = 0 if self.state == "off" else await self.waiting()
        missing = self.state == "missing" and waiting
        return wire.SpeechOut(
            state=self.state,
            engine=self.engine.name if self.engine is not None else None,
            detail=(self.problem or NO_MODEL) if missing else None,
            waiting=waiting,
            speed=round(self._work.sound.rate(), 2),
        )

    def why_unheard(self, from_s: float, job: Job | None) -> str:
        """Why what is said in a recording from a second on is not known."""
        if self.state == "off":
            return "what is said in it is not transcribed: read.speech is off"
        if self.state == "missing":
            return f"what is said in it is not transcribed. {self.problem or NO_MODEL}"
        since = f"from second {from_s:.0f} on it" if from_s else "it"
        after = f", after: {job.error}" if job is not None and job.error else ""
        return f"{since} waits to be transcribed{after}"

    def _unfinished(self, content: Content) -> bool:
        return parse_second(content.metadata.get(UNHEARD_FROM)) is not None

    async def _piece(
        self, job: Job, content: Content, file: FileRecord, handle: int, engine: Transcriber
    ) -> None:
        start_s = parse_second(content.metadata[UNHEARD_FROM]) or 0.0
        began = self._clock.monotonic()
        name = display_path(file.path)
        try:
            sound = await asyncio.to_thread(
                self._listener.listen, handle, name=name, kind=file.kind, start_s=start_s, span_s=WINDOW_S
            )
        except ReadError as error:
            if error.reason == "unsupported":  # a decoder that can may be installed later
                at = self._clock.now() + NO_DECODER
                await self._lane.write(queue.retry, job.id, error.detail, at)
            elif error.temporary:
                await self._later(job, error)
            else:
                problem = (
                    f"What is said in it from second {start_s:.0f} on was not transcribed: {error.detail}"
                )
                await self._commit(job, content, file, None, None, problem, engine)
            return
        length_s = len(sound.samples) / 2 / SOUND_RATE
        text: SpeechText | None = None
        trouble: str | None = None
        covered_s = length_s
        if sound.samples:
            try:
                heard = await asyncio.to_thread(engine.transcribe, sound.samples)
                text = self._text(heard, start_s)
                covered_s = min(heard.upto_s, length_s) if heard.upto_s >= LEAST_S else length_s
            except ReadError as error:
                if error.temporary:
                    await self._later(job, error)
                    return
                trouble = f"Half a minute from second {start_s:.0f} on was not transcribed: {error.detail}"
        over = not sound.samples or (sound.ended and covered_s >= length_s)
        upto_s = None if over else start_s + covered_s
        await self._commit(job, content, file, upto_s, text, trouble, engine)
        took = self._clock.monotonic() - began
        self._work.sound.add(round(covered_s), took)
        self._work.rates.add(Task.TRANSCRIBE, covered_s, took)

    def _text(self, heard: Heard, start_s: float) -> SpeechText:
        blocks = [
            Block(text=one.text, after=" ", time_s=round(start_s + one.start_s, 2)) for one in heard.said
        ]
        if blocks:
            last = blocks[-1]
            blocks[-1] = Block(text=last.text, after="\n\n", time_s=last.time_s)
        document = Document(blocks=tuple(blocks))
        return SpeechText(chars=len(document.text), passages=self._cut(document), language=heard.language)

    async def _commit(
        self,
        job: Job,
        content: Content,
        file: FileRecord,
        upto_s: float | None,
        text: SpeechText | None,
        problem: str | None,
        engine: Transcriber,
    ) -> None:
        left = await self._lane.write(
            speech.commit_stretch,
            job_id=job.id,
            content_id=content.id,
            upto_s=upto_s,
            text=text,
            problem=problem,
            engine=engine.name,
            now=self._clock.now(),
        )
        self._work.to_embed.set()
        if not left:
            self._hub.publish("file.transcribed", volume=file.volume, path=display_path(file.path))
