"""What questions ask for and what sentences hold."""

from __future__ import annotations

import pytest

from nasd.answer.cues import Cue, asked, holds


@pytest.mark.parametrize(
    ("question", "cue"),
    [
        ("who wrote the report", Cue.PERSON),
        ("Wer hat den Bericht geschrieben?", Cue.PERSON),
        ("when does the contract end", Cue.DATE),
        ("In what year was it founded?", Cue.DATE),
        ("Wann endet der Vertrag?", Cue.DATE),
        ("how long is the guarantee", Cue.DURATION),
        ("Wie lange gilt die Garantie?", Cue.DURATION),
        ("how much does the heating cost", Cue.MONEY),
        ("how many tackles did he register", Cue.NUMBER),
        ("¿Cuántos episodios hay?", Cue.NUMBER),
        ("where is the meter", Cue.PLACE),
        ("why is the sky blue", None),
    ],
)
def test_the_words_of_a_question_tell_what_it_asks_for(question: str, cue: Cue | None) -> None:
    assert asked(question) == cue


@pytest.mark.parametrize(
    ("cue", "sentence", "without"),
    [
        (Cue.PERSON, "The report was written by Jane Doe.", "The report was written in haste."),
        (Cue.DATE, "It ends on 3 March.", "It ends soon."),
        (Cue.DATE, "It was founded in 1998.", "It was founded by monks."),
        (Cue.DURATION, "It lasts 5 years.", "It lasts for ever."),
        (Cue.DURATION, "Die Garantie beträgt zwei Jahre.", "Die Garantie ist gültig."),
        (Cue.MONEY, "Heating costs 120 euros.", "Heating costs more."),
        (Cue.MONEY, "Total net sales $ 82,959", "Total net sales"),
        (Cue.NUMBER, "He made three of them.", "He made some of them."),
        (Cue.PLACE, "The meter is in Bonn.", "The meter is broken."),
    ],
)
def test_a_sentence_holds_what_is_asked_for_or_not(cue: Cue, sentence: str, without: str) -> None:
    assert holds(cue, sentence)
    assert not holds(cue, without)


def test_scripts_without_capitals_may_hold_a_name_anywhere() -> None:
    assert holds(Cue.PERSON, "他住在北京")
