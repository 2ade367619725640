"""Text in a document that speaks to a model instead of to a reader: it loses its voice. Pure.

Documents are data. What is found here is neither shown to a model nor quoted. That is one wall of several:
the passages stand between marks no document can know, nothing a document says can do anything, and every
sentence of a reply has to be said by what is left.

Some sentences give orders and are meant for people: a house rule that sets aside older ones, a memo that
quotes an attack, a card that says how to answer a telephone. What stands in quotation marks is therefore
reported, an order about something is one about that, and an order about answers counts unless it has to do
with what its document is about.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from nasd.answer.plain import addresses
from nasd.answer.words import stems
from nasd.domain.stopwords import STOP_WORDS

_MODEL = (
    r"(?:(?:large )?language models?|l\.?l\.?m\.?s?|a\.?i\.?(?: (?:assistants?|agents?|models?|systems?|"
    r"readers?|tools?))?|"
    r"(?:virtual |digital )?assistants?|chat ?bots?|bots?|gpt(?:-\d)?|chatgpt|claude|gemini|copilot|"
    r"summari[sz]ers?|"
    r"sprachmodelle?|ki(?:-\w+)?|mod[eè]les? de langage|modelos? de lenguaje)"
)
_REPLY = (
    r"(?:repl(?:y|ies)|responses?|answers?|outputs?|summar(?:y|ies)|completions?|antwort(?:en)?|"
    r"r[eé]ponses?|respuestas?)"
)
_INSTRUCTIONS = (
    r"(?:instructions?|prompts?|rules?|directions?|guidelines?|commands?|orders|context|messages?|"
    r"anweisungen|"
    r"instrucciones|consignes|regeln)"
)


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)


_OVERRIDES = _any(
    rf"\b(?:ignore|disregard|forget|override|bypass|discard|do not follow|stop following|ignorier\w*|"
    rf"vergiss|vergessen sie|"
    rf"ignorez|oublie[rz]?|ignora|olvida)\b.{{0,40}}\b(?:previous|prior|above|earlier|preceding|former|all|"
    rf"any|your|other|"
    rf"existing|original|initial|system|vorherig\w*|bisherig\w*|alle\w*|pr[eé]c[eé]dent\w*|"
    rf"anterior\w*)\b.{{0,30}}"
    rf"\b{_INSTRUCTIONS}\b(?!\s+(?:about|on|for|regarding|concerning|of|in|from|über|zu[mr]?|für|sur|"
    rf"sobre)\b)",
    r"\b(?:ignore|disregard|forget)\b.{0,20}\b(?:everything|anything|all)\b.{0,30}\b(?:told|said|above|"
    r"before|read|know|learned)\b",
    rf"\bnew (?:system )?{_INSTRUCTIONS}\s*:",
)
_SPEAKS_TO_MODELS = _any(
    rf"\b(?:for|to|attention|dear|hey|hello|note (?:to|for)|message (?:to|for)|instructions? (?:to|for)|"
    rf"notice to|"
    rf"an alle|hinweis (?:an|für)|à l['’]attention (?:des|du)|para)\s*:?\s+(?:(?:any|all|every|the|each|"
    rf"an?|die|das|les|los)\s+)?"
    rf"{_MODEL}\b\s*(?:[:,;)]|reading|processing|that (?:reads?|process)|who|please|must|should|"
    rf"summari[sz]ing|$)",
    rf"\b(?:you are|you're|act as|behave as|pretend (?:to be|you are)|du bist|tu es|"
    rf"eres)\s+(?:now\s+)?(?:an?|the|in|ein\w*|un\w*)?\s*"
    rf"(?:\w+\s+){{0,3}}(?:{_MODEL}|developer mode|dan|jailbr\w+|unrestricted|root|administrator mode)\b",
    rf"\b(?:if|when|wenn) you(?:'re| are| bist)? (?:an? )?(?:{_MODEL})\b",
    r"\bas an? (?:ai|language model|llm)\b.{0,40}\b(?:you|must|should)\b",
    r"<\|?(?:im_start|im_end|system|user|assistant|endoftext|eot_id|start_header_id)\|?>|\[/?INST\]|"
    r"<</?SYS>>|</?(?:system|"
    r"instructions?|prompt|assistant)>",
    r"#{2,}\s*(?:system|instructions?|response|attention|new task|override|important)\b",
    r"\[?(?:begin|end|start) of (?:system )?(?:prompt|instructions?|document|context)\b",
)
_ROLE = re.compile(
    r"(?:^|[\s.!?])(?:SYSTEM|ASSISTANT|USER|HUMAN|DEVELOPER|System|Assistant|Developer)"
    r"(?: (?:MESSAGE|message|PROMPT|prompt|NOTE|note))?\s*:"
)
_OF_A_CHAT = re.compile(
    rf"\b(?:user|administrator|admin|verified|reply|respond|instructions?|mode|override|from now|prompt|ok|"
    rf"you)\b|{_MODEL}",
    re.IGNORECASE,
)
_TELLS_THE_ANSWER = _any(
    rf"\b(?:right|correct|true|only|real|actual|expected|proper|valid|final|richtige\w*|einzige\w*|bonne|"
    rf"correcta)\s+{_REPLY}\s+(?:to|for|is|on|"
    r"auf|zu|lautet|ist|à|a|est|es)\b.{0,200}(?:\bis\b|\bist\b|\best\b|\bes\b|:|\blautet\b)",
    r"\beverything else in this (?:file|document|page|text|article|section)\b.{0,40}\b(?:wrong|false|"
    r"outdated|incorrect|invalid)",
    r"\b(?:only|sole) (?:permitted|allowed|valid|authori[sz]ed|official|trusted) (?:source|reference|"
    r"citation)\b",
    r"\b(?:name|cite|quote|credit|list|mention|use)\s+(?:it|this|that|them|\S+\.(?:pdf|docx?|txt|html?|"
    r"md))\b.{0,40}\b(?:citations?|sources?|"
    r"references?|footnotes?)\b",
    r"\bthe (?:question|query|request) (?:of the user |asked )?(?:must|should|has to|"
    r"is to) be (?:answered|replied)\b",
)
_LEAKS = _any(
    rf"\b(?:repeat|reveal|print|show|output|disclose|leak|display|recite|write out|wiederhole|zeige|"
    rf"r[eé]p[eè]te|repite)\b.{{0,40}}"
    rf"\b(?:your|system|hidden|initial|secret|the {_INSTRUCTIONS} (?:you|given|"
    rf"above))\b.{{0,30}}\b(?:{_INSTRUCTIONS}|prompt|you were given)\b",
    rf"\b{_INSTRUCTIONS} you (?:were|have been|got) (?:given|told)\b",
)
_SENDS_AWAY = _any(
    r"!\[[^\]]*\]\([^)]*(?:\?|=|\{)[^)]*\)",
    r"\burl[- ]?encode[ds]?\b|\bbase64\b.{0,60}\b(?:question|conversation|document|answer|history)\b",
    r"\bwhere \w+ is the (?:question|conversation|url)\b",
    rf"\b(?:tell|inform|advise|urge|ask|direct|instruct|remind|encourage|convince|notify|warn)\s+(?:them|"
    rf"him|her|the (?:user|reader|human|"
    rf"person|customer|recipient)s?|users?|readers?|everyone)\b.{{0,80}}(?:https?://|www\.|{_REPLY}|"
    rf"\b\d{{1,3}}(?:\.\d{{1,3}}){{3}}\b)",
    r"\b(?:tell|direct|urge|advise|ask)\s+(?:them|the (?:user|reader)s?|users?|readers?)\s+to\s+(?:renew|"
    r"click|visit|download|install|"
    r"log ?in|call|pay|enter|verify|update|contact|open)\b",
    r"\bthe (?:reader|user)['’]s\s+(?:licen[cs]e|session|account|subscription|password|access)\b",
)
_FROM_NOW_ON = _any(
    rf"\byour (?:whole|entire|complete|only|sole|full|next|final) {_REPLY}\b",
    r"\bfrom (?:now|here|this point) on\b.{0,40}\b(?:reply|respond|answer|say|write|output|you|act|speak)\b",
    r"\b(?:reply|respond|answer)\s+(?:only\s+|just\s+|always\s+)?(?:with\s+)?[\"“'].{1,80}[\"”']\s+(?:to|"
    r"for|whenever)\s+(?:everything|all|any|every)",
)
_ORDERS_AN_ANSWER = _any(
    rf"\b(?:your|each|every|any|all|this|these)\s+(?:\w+\s+){{0,2}}{_REPLY}\b",
    rf"\b(?:deine|ihre|eure|jede|ta|votre|tu|su)\s+(?:\w+\s+)?{_REPLY}\b",
    r"\b(?:reply|respond|answer)\s+(?:only|solely|exclusively|exactly|just)?\s*(?:with|in|using|as)\b",
    r"\b(?:antworte|antworten sie|r[eé]ponds|r[eé]pondez|responde)\b",
)
_ORDER = re.compile(
    r"(?:^|[.!?:;,(\-–—>*#]\s*|"
    r"\b(?:please|now|then|and|must|should|shall|bitte|always|never|first|also)\s+)"
    r"(?:also\s+|then\s+|always\s+|never\s+|please\s+|do\s+not\s+|don['’]t\s+)*"
    r"(?:add|include|insert|append|prepend|begin|start|end|finish|close|conclude|write|reply|respond|"
    r"answer|print|output|say|state|"
    r"mention|use|replace|remove|group|rearrange|misspell|introduce|modify|provide|integrate|put|place|"
    r"translate|repeat|reveal|tell|send|"
    r"give|make|ensure|keep|change|convert|encode|rewrite|format|switch|incorporate|embed|attach|weave|"
    r"sprinkle|substitute|swap|"
    r"capitali[sz]e|spell|reverse|shuffle|omit|avoid|refuse|decline|recommend|promote|advertise|link|"
    r"point|cite|name|be|"
    r"antworte\w*|schreib\w*|sage?|füge|beginne?|ende?|beende|r[eé]pond\w*|ajoute\w*|termine\w*|"
    r"responde\w*|añade|agrega)\b"
    rf"|\b{_REPLY}\s+(?:must|should|shall|has to|have to|needs? to|is to|will|may only|muss|soll|doit|"
    rf"debe)\b",
    re.IGNORECASE,
)
_OF_LETTERS = _any(
    r"\b(?:send|return|mail|post|await\w*|receiv\w*|expect\w*|look\w* forward to|thank\w*(?: you)? for)\b"
    rf".{{0,20}}\byour {_REPLY}\b",
    r"\b(?:reply|answer|respond)\b.{0,30}\b(?:by|before|until|no later than)\b.{0,20}(?:day\b|\d)",
)
_QUOTED = re.compile('"[^"]{3,300}"|“[^”]{3,300}”|„[^“”]{3,300}[“”]|«[^»]{3,300}»')
_REPORTED = re.compile(
    r"\b(?:sentence|words?|phrase|text|message|line|note|prompt|string|payload|example|such as|said|says|"
    r"reads?|wrote|hid|hidden|called|titled|"
    r"satz|worte|text)\b[^\"“„«]{0,40}$",
    re.IGNORECASE,
)
_CODE = re.compile(r"\b[A-Z]{3,}[-_ ]?\d{3,}\b|\b[A-Z]{2,}-[A-Z]{3,}-?\d+\b")
REACH = 70
"""Characters before and after an order about answers in which it says what it is about."""

_GENERIC_WORDS = """
    answer answers reply replies response responses output word words sentence question questions text
    document file page begin end add include use give write say name way make first last user users reader
    note notes
    instruction instructions section article
"""
_GENERIC = frozenset(stem for word in _GENERIC_WORDS.split() for stem in stems(word)) | frozenset(
    stem for words in STOP_WORDS.values() for word in words for stem in stems(word)
)


def speaks_to_models(text: str, about: str = "") -> bool:
    """Whether a unit speaks to a model, or orders how questions are to be answered. `about`: title, headings
    and file name of its document."""
    reported = _without_reported(text)
    if any(
        pattern.search(reported) for pattern in (_OVERRIDES, _SPEAKS_TO_MODELS, _LEAKS, _SENDS_AWAY)
    ) or any(pattern.search(text) for pattern in (_TELLS_THE_ANSWER, _FROM_NOW_ON)):
        return True
    if _ROLE.search(text) and _OF_A_CHAT.search(text):
        return True
    order = _ORDERS_AN_ANSWER.search(reported)
    if order is None or not _ORDER.search(reported) or _OF_LETTERS.search(reported):
        return False
    # What is ordered stands around it; the rest of a long unit may be of the document itself.
    order = _ORDERS_AN_ANSWER.search(text) or order
    near = text[max(0, order.start() - REACH) : order.end() + REACH]
    own = frozenset(stems(near)) - _GENERIC
    return own.isdisjoint(frozenset(stems(about)) - _GENERIC)


def silenced(units: Sequence[str], about: str = "") -> list[bool]:
    """Of the units of a passage in their order, which lose their voice: those that speak to models, and those
    beside them that give orders, name addresses or hold a code word."""
    spoken = [speaks_to_models(unit, about) for unit in units]
    found = list(spoken)
    for at, unit in enumerate(units):
        beside = any(spoken[near] for near in (at - 1, at + 1) if 0 <= near < len(units))
        if beside and (_CODE.search(unit) or addresses(unit) or _ROLE.search(unit)):
            found[at] = True
    return found


def _without_reported(text: str) -> str:
    """A text without what it reports in quotation marks: `the attacker hid the sentence "…"`."""
    kept, at = [], 0
    for match in _QUOTED.finditer(text):
        kept.append(text[at : match.start()])
        if not _REPORTED.search(text[: match.start()]):
            kept.append(match[0])
        at = match.end()
    return "".join((*kept, text[at:]))
