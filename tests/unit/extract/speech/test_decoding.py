"""The rules of timestamps, over decoders that are told what to prefer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from nasd.extract.speech.decoding import Piece, Scores, Vocabulary, decode, loops, pieces

A, B, END, START, ENGLISH, GERMAN, SAY, NO_SPEECH, NO_TIMES, T0 = range(10)
SIZE = T0 + 1501
WORDS = Vocabulary(
    start=START,
    end=END,
    transcribe=SAY,
    no_speech=NO_SPEECH,
    first_timestamp=T0,
    languages={ENGLISH: "<|en|>", GERMAN: "<|de|>"},
)


class Prefers:
    """A decoder that gives high scores to one token after another, the first to be the language's."""

    def __init__(self, *wanted: int, speech: bool = True, sure: float = 30.0) -> None:
        self.wanted = list(wanted)
        self.asked: list[Sequence[int]] = []
        self.speech = speech
        self.sure = sure

    def __call__(self, tokens: Sequence[int]) -> Scores:
        self.asked.append(list(tokens))
        scores = np.zeros(SIZE, np.float32)
        if self.wanted:
            scores[self.wanted.pop(0)] = self.sure
        if len(self.asked) == 1 and not self.speech:
            scores[NO_SPEECH] = 60.0
        return scores


def test_text_between_times() -> None:
    step = Prefers(GERMAN, T0, A, B, T0 + 100, END)
    window = decode(step, WORDS)
    assert (window.tokens, window.language, window.silent) == ((T0, A, B, T0 + 100), "de", False)
    assert step.asked[:3] == [[START], [GERMAN, SAY], [T0]]


def test_a_model_of_one_language_is_not_asked_for_it() -> None:
    plain = Vocabulary(
        start=START, end=END, transcribe=None, no_speech=None, first_timestamp=T0, languages={}
    )
    step = Prefers(T0, A, T0 + 50, END)
    assert decode(step, plain).tokens == (T0, A, T0 + 50)
    assert step.asked[0] == [START]


def test_the_first_is_a_time_within_a_second() -> None:
    assert decode(Prefers(ENGLISH, A, B, END), WORDS).tokens[0] >= T0
    assert decode(Prefers(ENGLISH, T0 + 900, A, END), WORDS).tokens[0] <= T0 + 50


def test_time_does_not_go_back_and_what_only_prompts_have_is_never_said() -> None:
    tokens = decode(Prefers(ENGLISH, T0 + 40, A, T0 + 10, NO_TIMES, SAY, END), WORDS).tokens
    times = [token for token in tokens if token >= T0]
    assert times == sorted(times)
    assert not {NO_TIMES, SAY, START, NO_SPEECH} & set(tokens)


def test_a_pair_of_times_is_followed_by_text() -> None:
    tokens = decode(Prefers(ENGLISH, T0, A, T0 + 50, T0 + 50, T0 + 60, B), WORDS).tokens
    assert tokens[:4] == (T0, A, T0 + 50, T0 + 50)
    assert tokens[4] < T0


def test_it_ends_at_the_most_tokens() -> None:
    few = Vocabulary(
        start=START, end=END, transcribe=None, no_speech=None, first_timestamp=T0, languages={}, most_tokens=5
    )
    assert len(decode(Prefers(T0, A, A, A, A, A, A, A, A), few).tokens) == 5


@pytest.mark.parametrize(("sure", "silent"), [(0.0, True), (60.0, False)])
def test_silence_is_what_seems_none_and_is_understood_with_doubt(sure: float, silent: bool) -> None:
    step = Prefers(ENGLISH, T0, A, T0 + 9, END, speech=False, sure=sure)
    assert decode(step, WORDS).silent is silent


def _piece(start_s: float, end_s: float, *tokens: int) -> Piece:
    return Piece(start_s=start_s, end_s=end_s, tokens=tokens)


@pytest.mark.parametrize(
    ("tokens", "found", "upto_s"),
    [
        ((), (), 30.0),
        ((T0, A, T0 + 100), (_piece(0, 2, A),), 30.0),
        # A pair at the end: from there on there is more.
        ((T0, A, T0 + 100, T0 + 100), (_piece(0, 2, A),), 2.0),
        # The last piece was cut off: it is heard again from its beginning.
        ((T0, A, T0 + 100, T0 + 100, B), (_piece(0, 2, A),), 2.0),
        ((T0, A, T0 + 100, T0 + 150, B, T0 + 200), (_piece(0, 2, A), _piece(3, 4, B)), 30.0),
        # Nothing but one piece without an end: it is taken as it is, or no step would be made.
        ((T0 + 50, A, B), (_piece(1, 30, A, B),), 30.0),
    ],
)
def test_pieces_of_a_window(tokens: tuple[int, ...], found: tuple[Piece, ...], upto_s: float) -> None:
    assert pieces(tokens, T0, 30.0) == (found, upto_s)


def test_times_beyond_a_short_window_are_its_end() -> None:
    assert pieces((T0, A, T0 + 1000), T0, 7.5) == ((_piece(0, 7.5, A),), 7.5)


def test_text_that_turns_in_circles() -> None:
    assert loops("thank you for watching " * 12)
    assert not loops("thank you " * 3), "short"
    assert not loops(
        "The committee met on the third of March to discuss the roof, the heating and the yearly accounts, "
        "and agreed to ask three firms for an offer before the summer."
    )
