"""From a decoder's scores to what was said and when: greedy, by the rules of Whisper's timestamps. Pure.

A window's tokens read `<|0.00|> text <|4.20|><|4.20|> text <|9.00|>`: pairs of times around pieces of text.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

TICK_S = 0.02  # between two timestamp tokens
_LATEST_START = 50  # ticks: the first text begins within a second, or it is no speech
_SILENT, _UNSURE = 0.6, -1.0  # probability of "no speech", mean log probability of the text (Whisper's own)
_LOOPING = 2.4  # text that zlib packs by more than this says the same again and again (Whisper's own)

Scores = npt.NDArray[np.float32]
Step = Callable[[Sequence[int]], Scores]
"""Takes the tokens that came since the last call; gives the scores of the next one, shape (vocabulary,)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """Ids of special tokens: those of text come before `end`, those of prompts between it and
    `first_timestamp`. `languages` is empty for a model of one language."""

    start: int
    end: int
    transcribe: int | None
    no_speech: int | None
    first_timestamp: int
    languages: dict[int, str]
    never: tuple[int, ...] = ()  # tokens that are noise, such as single brackets
    never_first: tuple[int, ...] = ()
    most_tokens: int = 224  # of a window: half of what the decoder holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """`tokens` are what the model said after its prompt, without the end."""

    tokens: tuple[int, ...]
    language: str | None
    silent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    start_s: float
    end_s: float
    tokens: tuple[int, ...]


def decode(step: Step, words: Vocabulary) -> Window:
    """Runs a fresh decoder to its end."""
    prompt = [words.start]
    language, first = None, step(prompt)
    no_speech = float(_softmax(first)[words.no_speech]) if words.no_speech is not None else 0.0
    if words.languages:
        ids = np.array(sorted(words.languages))
        chosen = int(ids[int(first[ids].argmax())])
        language = words.languages[chosen].strip("<|>")
        following = [chosen] if words.transcribe is None else [chosen, words.transcribe]
        first = step(following)
    scores = first
    tokens: list[int] = []
    total = 0.0
    while len(tokens) < words.most_tokens:
        logs = _allowed(scores, tokens, words)
        token = int(logs.argmax())
        total += float(logs[token])
        if token == words.end:
            break
        tokens.append(token)
        scores = step([token])
    sure = total / (len(tokens) + 1)
    return Window(tokens=tuple(tokens), language=language, silent=no_speech > _SILENT and sure < _UNSURE)


def _allowed(scores: Scores, tokens: Sequence[int], words: Vocabulary) -> npt.NDArray[np.float64]:
    """Log probabilities of the next token; of what the rules forbid, minus infinity."""
    logs = np.log(np.maximum(_softmax(scores), 1e-30))
    begin = words.first_timestamp
    logs[words.end + 1 : begin] = -np.inf  # what only prompts have
    logs[list(words.never)] = -np.inf
    if not tokens:
        logs[list(words.never_first)] = -np.inf
        logs[:begin] = -np.inf
        logs[begin + _LATEST_START + 1 :] = -np.inf
        return logs
    last = tokens[-1] >= begin
    before = len(tokens) < 2 or tokens[-2] >= begin
    if last and before:
        logs[begin:] = -np.inf  # both times of a pair are there: text follows
    elif last:
        logs[: words.end] = -np.inf  # a text has ended: the next one begins, or all ends
    times = [token for token in tokens if token >= begin]
    # Time goes on: only where one text ends and the next begins, the same time stands twice.
    logs[begin : times[-1] + (0 if last and not before else 1)] = -np.inf
    if not last or not before:
        highest_text = logs[:begin].max()
        stamps = logs[begin:]
        highest = stamps.max()
        together = highest + np.log(np.exp(stamps - highest).sum()) if np.isfinite(highest) else -np.inf
        if together > highest_text:
            logs[:begin] = -np.inf
    return logs


def _softmax(scores: Scores) -> npt.NDArray[np.float64]:
    raised = np.exp(scores.astype(np.float64) - float(scores.max()))
    return np.asarray(raised / raised.sum())


def pieces(tokens: Sequence[int], first_timestamp: int, window_s: float) -> tuple[tuple[Piece, ...], float]:
    """The pieces of text of a window with their times, and how many of its seconds they cover: all, unless
    the last piece was cut off in the middle; then up to the end of the one before."""
    found: list[Piece] = []
    start: float | None = None
    text: list[int] = []
    for token in tokens:
        if token < first_timestamp:
            text.append(token)
            continue
        time = min((token - first_timestamp) * TICK_S, window_s)
        if start is not None and text:
            found.append(Piece(start_s=start, end_s=time, tokens=tuple(text)))
        start, text = time, []
    # A single time at the end: after it the model heard nothing more. A pair: there it began to hear more.
    ends_in_pair = len(tokens) > 1 and min(tokens[-2:]) >= first_timestamp
    if not text:
        return tuple(found), (found[-1].end_s if found and ends_in_pair else window_s)
    if found and found[-1].end_s > 0:
        return tuple(found), found[-1].end_s
    found.append(Piece(start_s=start or 0.0, end_s=window_s, tokens=tuple(text)))
    return tuple(found), window_s


def loops(text: str) -> bool:
    """Whether a text says the same again and again, as such models do over noise and music."""
    data = text.encode("utf-8", "replace")
    return len(data) > 100 and len(data) / len(zlib.compress(data)) > _LOOPING
