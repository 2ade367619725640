"""Encodings told by the letters that come out: those of one language, where letters of its words stand.

Guessing by statistics is unsure where two encodings of Latin letters differ in a few bytes, and for short
texts. The letters of each language are those of its alphabet beyond ASCII (CLDR's exemplar characters).
"""

from __future__ import annotations

import codecs
import re

_ALPHABETS = {
    "de": "äöüß", "es": "áéíñóúü", "fr": "àâæçéèêëîïôœùûüÿ", "pt": "áâãàçéêíóôõúü", "it": "àèéìíîòóùú",
    "nl": "áéëïóöüè", "sv": "åäöéà", "da": "åæøéó", "is": "áðéíóúýþæö", "fi": "åäöšž",
    "tr": "çğıöşüâîû", "ro": "ăâîșțşţ", "pl": "ąćęłńóśźż", "cs": "áčďéěíňóřšťúůýž", "sk": "áäčďéíĺľňóôŕšťúýž",
    "hu": "áéíóöőúüű", "hr": "čćđšž", "et": "äõöüšž", "lv": "āčēģīķļņšūž", "lt": "ąčęėįšųūž",
}  # fmt: skip
_LETTERS = {name: frozenset(letters + letters.upper() + "İ") for name, letters in _ALPHABETS.items()}
_MARKS = frozenset("„“”‘’‚«»‹›–—…€£§°·•¿¡©®™²³½¼ªº´\u00a0\u00ad")
_ENCODINGS = (  # the more common ones first: ties go to them
    "cp1252", "cp1250", "cp1254", "cp1257", "iso8859-2", "iso8859-16", "iso8859-13", "cp850", "cp852",
    "cp437", "cp857", "cp775", "mac-roman", "mac-latin2", "mac-turkish",
)  # fmt: skip
_LEAST = 4  # letters beyond ASCII; fewer tell too little
_SURE = 0.9
_WRONG = 4  # how many right letters one in a wrong place outweighs
_SAMPLE = 20_000

_HIGH_RUN = re.compile(rb"[\x80-\xff]{3,}")
_THAI_RUN = re.compile(rb"[\xa1-\xfb]{12,}")
_THAI_MARK = re.compile(rb"[\xd1\xd4-\xda\xe7-\xee]")
_THAI_PLACED = re.compile(rb"[\xa1-\xce\xd1-\xda\xe7-\xee][\xd1\xd4-\xda\xe7-\xee]")
_THAI_SHARE = 0.5


def told_by_letters(sample: bytes) -> str | None:
    """The encoding of a text in Latin letters or in Thai; None when nothing speaks clearly for one."""
    sample = sample[:_SAMPLE]
    if _is_thai(sample):
        return "cp874"
    high = sum(1 for byte in sample if byte >= 0x80)
    alone = high - sum(len(run) for run in _HIGH_RUN.findall(sample))
    if alone < _LEAST or alone * 3 < high * 2:  # whole words of them are in another script
        return None
    best, best_score = None, _SURE
    for encoding in _ENCODINGS:
        try:
            text = sample.decode(encoding)
        except UnicodeDecodeError:
            continue
        score = _score(text)
        if score > best_score:
            best, best_score = encoding, score
    return best


def _score(text: str) -> float:
    """How well the letters beyond ASCII are those of one language: 1.0 at best."""
    found: dict[str, int] = {}
    wrong = marks = 0
    for at, char in enumerate(text):
        if char < "\x80":
            continue
        before, after = text[at - 1 : at], text[at + 1 : at + 2]
        if char in _MARKS:
            within = before.isalpha() and after.isalpha() and char not in "’\u00ad"
            wrong, marks = wrong + within, marks + (not within)
        elif not char.isalpha() or (char.isupper() and before.islower()):
            wrong += 1
        else:
            found[char] = found.get(char, 0) + 1
    letters = sum(found.values())
    if letters < _LEAST:
        return 0.0
    known = max(sum(n for char, n in found.items() if char in alphabet) for alphabet in _LETTERS.values())
    return (known - _WRONG * wrong) / letters


def _is_thai(sample: bytes) -> bool:
    """Long runs without a space, and each mark above or below a letter stands behind one."""
    runs = _THAI_RUN.findall(sample)
    if sum(map(len, runs)) < _THAI_SHARE * len(sample):
        return False
    if any(_reads(sample, encoding) for encoding in ("euc_jp", "euc_kr")):
        return False
    joined = b" ".join(runs)
    marks = len(_THAI_MARK.findall(joined))
    return marks * 20 > len(joined) and len(_THAI_PLACED.findall(joined)) * 100 >= marks * 85


def _reads(sample: bytes, encoding: str) -> bool:
    """Whether bytes are valid in an encoding; they may end within a character."""
    try:
        codecs.getincrementaldecoder(encoding)().decode(sample)
    except UnicodeDecodeError:
        return False
    return True
