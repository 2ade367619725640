"""What crosses HTTP under /v1, as OpenAI's clients have it. Fields of theirs that mean nothing here are taken
and left alone."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from nasd.wire import AskOut


class _Given(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True)


class ContentPart(_Given):
    """Of a message's content; parts that are no text are left out."""

    type: str = Field(max_length=64)
    text: str | None = Field(default=None, max_length=200_000)


class ChatMessage(_Given):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[ContentPart] | None = Field(default=None, max_length=200_000)

    @property
    def words(self) -> str:
        if self.content is None or isinstance(self.content, str):
            return self.content or ""
        return "\n".join(part.text for part in self.content if part.type == "text" and part.text)


class StreamOptions(_Given):
    include_usage: bool = False


class ChatIn(_Given):
    model: str = Field(min_length=1, max_length=256)
    messages: list[ChatMessage] = Field(min_length=1, max_length=500)
    stream: bool = False
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(default=None, ge=1, le=1 << 20)
    max_completion_tokens: int | None = Field(default=None, ge=1, le=1 << 20)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    seed: int | None = Field(default=None, ge=-(1 << 63), lt=1 << 63)
    stop: str | list[str] | None = Field(default=None, max_length=1000)
    n: int | None = Field(default=None, ge=1, le=1, description="one reply is given")


class ReplyMessage(_Told):
    role: Literal["assistant"] = "assistant"
    content: str


class Choice(_Told):
    index: int = 0
    message: ReplyMessage
    finish_reason: Literal["stop", "length"]


class Usage(_Told):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatOut(_Told):
    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    nasd: AskOut | None = Field(
        default=None, description="the answer with its citations, where files answered"
    )


class ModelCard(_Told):
    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str


class ModelCards(_Told):
    object: Literal["list"] = "list"
    data: list[ModelCard]


class EmbeddingsIn(_Given):
    model: str = Field(min_length=1, max_length=256)
    input: str | list[str] = Field(max_length=200_000)
    encoding_format: Literal["float", "base64"] = "float"


class Embedding(_Told):
    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class EmbeddingsOut(_Told):
    object: Literal["list"] = "list"
    data: list[Embedding]
    model: str
    usage: dict[str, Any]
