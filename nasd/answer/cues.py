"""What sort of thing a question asks for, and whether a sentence holds one.

Cues only tip the balance between sentences; none is needed, none decides.
"""

from __future__ import annotations

import re
from enum import StrEnum

_NUMBER_WORDS = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|hundred|thousand|million|billion|"
    "half|third|quarter|twice|single|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|hundert|tausend|"
    "deux|trois|quatre|cinq|sept|huit|neuf|dix|cent|mille|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez"
)
_TIME_UNITS = (
    r"(?:second|minute|hour|day|night|week|weekend|fortnight|month|quarter|year|decade|centur(?:y|ie)|"
    r"season|sekunden?|minuten?|stunden?|tagen?|tage?|wochen?|monate?n?|jahre?n?|secondes?|heures?|jours?|"
    r"semaines?|mois|ans?|années?|segundos?|minutos?|horas?|d[ií]as?|semanas?|mes(?:es)?|años?|ore|giorn[oi]|"
    r"settiman[ae]|mes[ei]|ann[oi]|uur|uren|dagen?|weken|maanden?|jaar|jaren|anos?|mês)s?"
)
_MONTHS = (
    r"jan(?:uary|uar|vier)?|feb(?:ruary|ruar)?|f[ée]vrier|mar(?:ch|s|zo|ço)?|märz|apr(?:il)?|abril|avril|"
    r"may|mai|mayo|jun[ei]?|juin|junio|juli?y?|juillet|julio|aug(?:ust)?|août|agosto|sept?(?:ember)?|septembre|"
    r"oct(?:ober)?|oktober|octobre|octubre|nov(?:ember)?|novembre|dec(?:ember)?|dezember|décembre|diciembre"
)


class Cue(StrEnum):
    PERSON = "person"
    DATE = "date"
    DURATION = "duration"
    MONEY = "money"
    NUMBER = "number"
    PLACE = "place"


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


# The first that matches counts: "how long" before "how".
_ASKED: tuple[tuple[Cue, re.Pattern[str]], ...] = (
    (
        Cue.DURATION,
        _any(
            r"\bhow (?:long|old)\b",
            r"\bwie (?:lange|alt)\b",
            r"\b(?:combien de temps|quel âge|cu[aá]nto tiempo|quanto tempo)\b",
            r"\bhoe (?:lang|oud)\b",
            r"\b(?:duration|period|dauer|durée|duración|durata)\b",
        ),
    ),
    (
        Cue.MONEY,
        _any(
            r"\bhow much (?:\w+ ){0,4}?(?:cost|pa(?:y|id)|earn|money|worth|charge|spen[dt]|salary)",
            r"\b(?:price|cost|salary|fee|rent|revenue|income|expenses?|budget|net sales)\b",
            r"\b(?:preis|kosten|kostet|prix|co[uû]te|precio|cuesta|prezzo|costa|preço|prijs)\b",
        ),
    ),
    (
        Cue.NUMBER,
        _any(
            r"\bhow (?:many|much|far|tall|high|deep|big|large|fast|often|heavy|wide)\b",
            r"\b(?:what|which) (?:percent|percentage|number|fraction|share|proportion|rate|score|amount)",
            r"\b(?:what|which) temperature|\bnumber of\b",
            r"\bwie ?viele?\b|\bwie (?:hoch|groß|weit|schwer|oft)\b",
            r"\b(?:combien|cu[aá]nt[oa]s?|quant[iaoe]s?|hoeveel|сколько|câ[țt]i|kaç|bao nhiêu)\b",
            r"\bπόσ|كم|कितन|กี่|เท่าไร|เท่าใด|多[少高大长远重久]|几[个年天]|何人|いくつ",
        ),
    ),
    (
        Cue.DATE,
        _any(
            r"\bwhen\b(?! (?:you|we|i)\b)",
            r"\b(?:what|which) (?:\w+ )?(?:year|date|day|month|century|decade|time)\b",
            r"\b(?:wann|quand|cu[aá]ndo|quando|wanneer|когда|πότε|ne zaman|khi nào|când)\b",
            r"\b(?:welche[ms]|in welchem) (?:jahr|datum)\b|\bwelk (?:jaar|datum)\b",
            r"\bquel(?:le)? (?:année|an|date)\b|\bqu[eé] (?:año|fecha)\b|\bquale? anno\b|\bem que ano\b",
            r"何时|什么时候|哪一年|いつ|متى|เมื่อ(?:ไหร่|ไร|ใด)|कब",
        ),
    ),
    (
        Cue.PERSON,
        _any(
            r"\bwho(?:m|se)?\b",
            r"\b(?:wer|wem|wen|wessen|qui[eé]n(?:es)?|quem)\b",
            r"^\W*(?:à |de |avec )?qui\b",
            r"^\W*(?:a |di |con )?chi\b",
        ),
    ),
    (
        Cue.PLACE,
        _any(
            r"\bwhere\b",
            r"\b(?:what|which) (?:city|country|state|town|place|county|island|continent|river)\b",
            r"\b(?:wo|wohin|woher|où|d[oó]nde|dove|waar|onde)\b",
        ),
    ),
)

_CAPITAL = "[A-ZÀ-ÖØ-ÞА-ЯΑ-Ω]"
_NAME = rf"{_CAPITAL}[\w'’-]+"

_HELD: dict[Cue, re.Pattern[str]] = {
    Cue.DURATION: _any(
        rf"\b(?:\d[\d.,]*|an?|{_NUMBER_WORDS})[ -]+(?:to \d+ |\w+ )?{_TIME_UNITS}\b",
        r"\d\s*[年月日天週周]",
    ),
    Cue.MONEY: _any(
        r"[$€£¥₹₽]\s?\d|\d\s?[$€£¥₹₽]",
        r"\d[\d.,]*\s?(?:million|billion|thousand)?\s?(?:dollars?|euros?|eur|usd|pounds?|yen)\b",
    ),
    Cue.NUMBER: _any(r"\d", rf"\b(?:{_NUMBER_WORDS})\b", r"[一二三四五六七八九十百千]"),
    Cue.DATE: _any(
        r"\b1\d{3}\b|\b20\d\d\b",
        r"\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\b\d{1,2}:\d\d\b",
        rf"\b\d{{1,2}}(?:st|nd|rd|th|\.)? (?:of )?(?:{_MONTHS})\b",
        rf"\b(?:{_MONTHS})\.? \d",
        r"\b\d{1,2}(?:st|nd|rd|th) century|\d+\s?年",
        r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b",
    ),
    # Names are told by their capitals, so case counts here; a lone word at the start of a sentence is none.
    Cue.PERSON: re.compile(
        rf"{_NAME} (?:(?:{_CAPITAL}\.|de|van|von|der|bin|al) )*{_NAME}|(?<=[a-zа-яα-ω,] ){_NAME}"
    ),
    Cue.PLACE: re.compile(
        r"\b(?i:in|at|near|from|to|of|on|along|outside|im|aus|bei|nach|à|en|au|dans|a|em|te|op|da|в|из) "
        rf"(?:the |der |la |le |el |il )?{_NAME}"
    ),
}


_ASKS = _any(
    r"[?？؟]",
    r"\b(?:who|whom|whose|what|when|where|which|why|how|is|are|was|were|do|does|did|can|could|will|would|should|"
    r"has|have|had|whether)\b",
    r"^\W*(?:list|name|find|show|tell|describe|explain|compare|give|summari[sz]e|count|calculate|define|identify|"
    r"discuss|outline|state|quote|translate)\b",
    r"\b(?:wer|was|wann|wo|wie|warum|welche[rmns]?|wem|wen|ist|sind|hat|qui|que|quoi|quand|où|comment|pourquoi|"
    r"quel(?:le)?s?|combien|est|qui[eé]n|qu[eé]|cu[aá]ndo|d[oó]nde|c[oó]mo|cu[aá]l|cu[aá]nt[oa]s?|es|chi|che|"
    r"cosa|quando|dove|come|perch[eé]|quale?|quant[oiae]|wat|wie|waar|wanneer|welke?|hoe|waarom|nenne|zeige)\b",
)
_FEW = 4
"""Words below which nobody writes a question out: `dishwasher warranty`."""


def is_question(text: str) -> bool:
    """Whether a text asks something, or is too short or too foreign to tell. A long title or a broken-off
    sentence is none: what would answer it cannot be said."""
    words = text.split()
    return len(words) < _FEW or not text.isascii() or bool(_ASKS.search(text))


_WORD = re.compile(r"\w+")
_SMALL = frozenset(["the", "a", "an", "in", "at", "of", "to", "from", "on", "and", "near", "by"])
_HAS_CAPITALS = re.compile("[A-Za-zÀ-ÿА-Яа-яΑ-Ωα-ω]")


def asked(question: str) -> Cue | None:
    """What a question asks for, where its words tell."""
    return next((cue for cue, pattern in _ASKED if pattern.search(question)), None)


def holds(cue: Cue, sentence: str) -> bool:
    """Whether a sentence has something of that sort. Names and places are told by capitals: in scripts
    without them every sentence may have one."""
    if cue in (Cue.PERSON, Cue.PLACE) and not _HAS_CAPITALS.search(sentence):
        return True
    return bool(_HELD[cue].search(sentence))


def holds_another(cue: Cue, sentence: str, question: frozenset[str]) -> bool:
    """Whether a sentence has something of that sort which the question, given as folded words, does not name
    itself."""
    if cue in (Cue.PERSON, Cue.PLACE) and not _HAS_CAPITALS.search(sentence):
        return True
    for match in _HELD[cue].finditer(sentence):
        words = {word for word in _WORD.findall(match[0].casefold()) if word not in _SMALL}
        if words and not words <= question:
            return True
    return False
