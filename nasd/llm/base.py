"""The language model's promise."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from nasd.errors import InvalidRequest, TooManyRequests, Unavailable

Role = Literal["system", "user", "assistant"]
Phase = Literal["missing", "resting", "loading", "ready", "failed"]
Reason = Literal["stop", "length"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    role: Role
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What a model is to go on from. What stays the same from question to question (the system's words, the
    passages) comes first: a model that still holds the beginning of a prompt does not read it again.

    `max_tokens` bounds the reply, and has to fit into the context beside the messages. `stop`: the reply ends
    before any of these. `temperature` 0 takes the likeliest token each time. `asker` names whose question
    this is: askers take turns, whoever asked first of each.
    """

    messages: Sequence[Message]
    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    stop: Sequence[str] = ()
    asker: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens and seconds of one reply. None: the runtime does not say."""

    prompt_tokens: int  # of the whole prompt, the template's own included
    reused_tokens: int | None = None  # of these: still held from earlier, so not read again
    completion_tokens: int
    prompt_s: float | None = None  # reading the tokens that were not reused
    generate_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """Why a reply ended: the model was done (`stop`), or `max_tokens` were reached (`length`)."""

    reason: Reason
    usage: Usage


Piece = str | Finish
"""Of a reply: its text bit by bit, and last of all one `Finish`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageModelInfo:
    """`context` is the tokens that a prompt and its reply have together. `exact`: `count_tokens` counts as
    the model does; otherwise it estimates, never knowingly too low. `fingerprint` is of the weights, where
    they are known."""

    name: str
    serving: str  # such as "llama", "openai", "ollama"
    context: int
    exact: bool
    fingerprint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """Tokens a second on this machine, from replies so far."""

    prompt: float
    generate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How a model stands. `resting`: it is there, and the next question loads it. `detail` says why it is
    missing or failed, with what to do; `failed` holds for a minute, then it is worth asking again.
    `answering` replies are under way, `waiting` questions queue up."""

    phase: Phase
    detail: str | None = None
    answering: int = 0
    waiting: int = 0
    memory: int | None = None  # bytes its process holds


class ModelAbsent(Unavailable):
    """There is no language model, or this machine cannot run it as it stands."""

    code = "no_language_model"
    title = "No language model"


class ModelGone(Unavailable):
    """The model's process ended or its server does not answer, at once or in the middle of a reply. The next
    question tries again."""

    code = "language_model_gone"
    title = "The language model is gone"


class ModelBusy(TooManyRequests):
    """Too many questions wait already."""

    code = "language_model_busy"
    title = "The language model is busy"


class PromptTooLong(InvalidRequest):
    """The messages and the reply do not fit into the context together. Nothing was sent and nothing is ever
    cut. All figures are tokens."""

    code = "prompt_too_long"
    title = "The prompt is too long"

    def __init__(self, *, tokens: int, max_tokens: int, context: int) -> None:
        super().__init__(
            f"The prompt has {tokens:,} tokens and its reply may have {max_tokens:,}; the model's context is "
            f"{context:,}.",
            cure="Shorten it, ask for a shorter reply, or set llm.context higher.",
            fields={"messages": f"at most {max(context - max_tokens, 0):,} tokens are allowed"},
        )
        self.tokens = tokens
        self.max_tokens = max_tokens
        self.context = context


class LanguageModel(Protocol):
    """Completes messages. Asynchronous; any number of tasks may call it, they take turns by themselves.

    All methods but `close` raise ModelAbsent, ModelGone and ModelError (the model or a server's reply is
    damaged); a call that finds the model resting loads it, which takes seconds.
    """

    @property
    def name(self) -> str: ...

    @property
    def elsewhere(self) -> bool:
        """Whether prompts leave this machine: then the policy has a say in what they hold. True as well while
        it is not known yet, which `info` ends."""

    @property
    def state(self) -> State: ...

    @property
    def speed(self) -> Speed | None:
        """None until it answered something."""

    async def info(self) -> LanguageModelInfo:
        """Known without loading the weights; a server is asked once."""

    async def count_tokens(self, messages: Sequence[Message]) -> int:
        """Tokens of the prompt that these become, with all that the model's template puts around them."""

    def stream(self, prompt: Prompt) -> AsyncGenerator[Piece, None]:
        """The reply as it is made: some text, ..., last a `Finish`.

        Closing it (`aclose`) or cancelling the task that reads it stops the model within a second and frees
        its turn; whoever breaks off early has to close it (`contextlib.aclosing`). Raises ModelBusy before
        the first piece when too many wait, and PromptTooLong before anything is sent.
        """

    async def close(self) -> None:
        """Replies under way raise ModelGone."""
