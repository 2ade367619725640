"""Whatever a model replies: what is shown as a quote stands in its passage, and no invented number, name,
citation or flipped negation is shown as supported."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nasd.answer.claims import ReplyReader, read_reply
from nasd.answer.figures import missing, read_figures
from nasd.answer.sentences import split
from nasd.answer.verify import Evidence, verify

SUBJECTS = (
    "The boiler",
    "Ann Barlow",
    "The lease of the flat",
    "Invoice INV-2023-0042",
    "The Wiesent bridge",
)
VERBS = ("was inspected", "costs", "is insured", "was delivered", "may be parked", "was repaired")
DETAILS = (
    "with 1,250.00 euros",
    "on 3 May 2021",
    "for five years",
    "at 12.5 percent",
    "by Karl Meyer",
    "near the gate",
)


def sentence_of(subject: str, verb: str, negated: bool, detail: str) -> str:
    if negated:
        verb = re.sub(r"^(was|is|may)\b", r"\1 not", verb) if not verb.startswith("costs") else "never costs"
    return f"{subject} {verb} {detail}."


facts = st.builds(
    sentence_of, st.sampled_from(SUBJECTS), st.sampled_from(VERBS), st.booleans(), st.sampled_from(DETAILS)
)
passages = st.lists(
    st.lists(facts, min_size=1, max_size=4, unique=True).map(" ".join), min_size=1, max_size=4
)


@dataclass(frozen=True)
class Said:
    text: str
    lie: str | None  # what is wrong with it


def other_number(fact: str) -> Said:
    changed, count = re.subn(r"\d[\d.,]*\d|\d", "7777", fact, count=1)
    return Said(changed if count else f"{fact[:-1]} and weighs 7777 kg.", "number")


def negate(fact: str) -> Said:
    for form, other in ((" not ", " "), ("never costs", "costs")):
        if form in fact:
            return Said(fact.replace(form, other, 1), "negation")
    return Said(
        re.sub(r" (was|is|may) ", r" \1 not ", fact, count=1).replace(" costs ", " never costs ", 1),
        "negation",
    )


@st.composite
def replies(draw: st.DrawFn) -> tuple[list[str], str, list[Said]]:
    texts = draw(passages)
    said: list[Said] = []
    parts: list[str] = []
    for _ in range(draw(st.integers(1, 4))):
        number = draw(st.integers(0, len(texts) - 1))
        one = draw(st.sampled_from(split(texts[number])))
        fact = texts[number][one.start : one.end]
        kind = draw(
            st.sampled_from(("true", "number", "negation", "name", "quote", "citation", "format", "other"))
        )
        marker = f"[{number + 1}]"
        match kind:
            case "true":
                sentence = Said(fact, None)
            case "number":
                sentence = other_number(fact)
            case "negation":
                sentence = negate(fact)
            case "name":
                sentence = Said(f"{fact[:-1]} for Zebulon Quark.", "name")
            case "quote":
                sentence = Said(f'It says "{other_number(fact).text[:-1]} 7777".', "number")
            case "citation":
                sentence, marker = (
                    Said(fact, "citation"),
                    draw(st.sampled_from(("[0]", "[99]", "", "[1-80]x[77]"))),
                )
            case "format":
                noise = draw(st.text(st.characters(codec="utf-8"), max_size=30))
                sentence = Said(f"{noise}{fact}", "noise")
            case _:
                sentence = Said(draw(st.text(max_size=60)), "noise")
        said.append(sentence)
        parts.append(f"{sentence.text[:-1]} {marker}{sentence.text[-1:]}")
    return texts, draw(st.sampled_from((" ", "\n", "\n\n- "))).join(parts), said


def check(case: tuple[list[str], str, list[Said]], cut: int) -> None:
    texts, reply, _ = case
    evidence = {
        number: Evidence(text, [(span.start, span.end) for span in split(text)])
        for number, text in enumerate(texts, 1)
    }
    reader = ReplyReader()
    claims = [*reader.take(reply[:cut]), *reader.take(reply[cut:]), *reader.end()]
    assert claims == read_reply(reply)
    for claim in claims:
        verdict = verify(claim, evidence)
        for quote in verdict.quotes:
            text = evidence[quote.n].text
            assert quote.n in claim.cited
            assert text[quote.start : quote.end]
            assert 0 <= quote.start < quote.end <= len(text)
        if not verdict.supported:
            continue
        assert verdict.quotes
        cited = "\n".join(evidence[number].text for number in claim.cited)
        assert not missing(read_figures(claim.text), read_figures(cited, within_dates=True), cited)
        assert "7777" not in claim.text
        assert "Zebulon" not in claim.text


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(replies(), st.integers(0, 400))
def test_nothing_invented_is_supported(case: tuple[list[str], str, list[Said]], cut: int) -> None:
    check(case, cut)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@settings(max_examples=5000, deadline=None, suppress_health_check=list(HealthCheck))
@given(replies(), st.integers(0, 400))
def test_nothing_invented_is_supported_in_5000_replies(
    case: tuple[list[str], str, list[Said]], cut: int
) -> None:
    check(case, cut)


@settings(max_examples=100, deadline=None)
@given(facts)
def test_a_flipped_negation_is_doubted_and_a_true_sentence_is_not(fact: str) -> None:
    evidence = {1: Evidence(fact, [(0, len(fact))])}
    (true,) = read_reply(f"{fact[:-1]} [1].")
    (flipped,) = read_reply(f"{negate(fact).text[:-1]} [1].")
    assert verify(true, evidence).supported
    assert not verify(flipped, evidence).supported
