"""Words for numbers, months, scales and units in English, German, French, Spanish, Italian and Dutch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal


def _numbered(lines: str, first: int = 1) -> dict[str, int]:
    """A line for each value, from `first`."""
    rows = [line.split() for line in lines.strip().splitlines()]
    return {word: value for value, words in enumerate(rows, first) for word in words}


MONTHS = _numbered("""
    january jan januar jänner janvier enero gennaio januari
    february feb februar février fevrier febrero febbraio februari
    march mar märz mrz mars marzo maart
    april apr avril abril aprile
    may mai mayo maggio mei
    june jun juni juin junio giugno
    july jul juli juillet julio luglio
    august aug août aout agosto augustus
    september sep sept septembre septiembre settembre
    october oct okt oktober octobre octubre ottobre
    november nov novembre noviembre
    december dec dez dezember décembre diciembre dicembre
""")

NUMBER_WORDS: dict[str, int] = {
    **_numbered("""
        first erste ersten erster erstes premier première primero primera
        two zwei deux dos twee
        three drei trois tres tre drie third
        four vier quatre cuatro quattro fourth
        five fünf cinq cinco cinque vijf fifth
        six sechs seis sei zes sixth
        seven sieben sept siete sette zeven seventh
        eight acht huit ocho otto eighth
        nine neun neuf nueve nove negen ninth
        ten zehn dix diez dieci tien tenth
        eleven elf onze once undici eleventh
        twelve zwölf douze doce dodici twaalf dozen dutzend twelfth
        thirteen dreizehn treize trece tredici dertien thirteenth
        fourteen vierzehn quatorze catorce quattordici veertien fourteenth
        fifteen fünfzehn quinze quince quindici vijftien fifteenth
        sixteen sechzehn seize dieciséis sedici zestien sixteenth
        seventeen siebzehn diecisiete diciassette zeventien seventeenth
        eighteen achtzehn dieciocho diciotto achttien eighteenth
        nineteen neunzehn diecinueve diciannove negentien nineteenth
        twenty zwanzig vingt veinte venti twintig twentieth
    """),
    "twice": 2, "thrice": 3,
    "thirty": 30, "dreißig": 30, "trente": 30, "treinta": 30, "trenta": 30, "dertig": 30,
    "forty": 40, "vierzig": 40, "quarante": 40, "cuarenta": 40, "quaranta": 40, "veertig": 40,
    "fifty": 50, "fünfzig": 50, "cinquante": 50, "cincuenta": 50, "cinquanta": 50, "vijftig": 50,
    "sixty": 60, "sechzig": 60, "soixante": 60, "sesenta": 60, "sessanta": 60, "zestig": 60,
    "seventy": 70, "siebzig": 70, "setenta": 70, "settanta": 70, "zeventig": 70,
    "eighty": 80, "achtzig": 80, "ochenta": 80, "ottanta": 80, "tachtig": 80,
    "ninety": 90, "neunzig": 90, "noventa": 90, "novanta": 90, "negentig": 90,
    "hundred": 100, "hundert": 100, "einhundert": 100, "cent": 100, "cien": 100, "cento": 100, "honderd": 100,
    "thousand": 1000, "tausend": 1000, "eintausend": 1000, "mille": 1000, "mil": 1000, "duizend": 1000,
    "million": 10**6, "millionen": 10**6, "millions": 10**6, "millones": 10**6, "milioni": 10**6,
    "miljoen": 10**6, "billion": 10**9, "billions": 10**9, "milliarde": 10**9, "milliarden": 10**9,
    "milliards": 10**9, "miliardi": 10**9, "miljard": 10**9, "trillion": 10**12,
}  # fmt: skip
"""`one` and its like are left out: mostly they are pronouns or articles."""

_AMBIGUOUS = frozenset({"sept", "mars", "cent", "mille", "mil", "once", "sei", "dix", "tre", "acht", "elf"})
"""Words that mean something else in another of these languages; alone they are no numbers."""

SCALES: dict[str, Decimal] = {
    **{
        word: Decimal(value)
        for word, value in NUMBER_WORDS.items()
        if value >= 1000 and word not in _AMBIGUOUS
    },
    "thousands": Decimal(1000), "k": Decimal(1000), "tsd": Decimal(1000), "m": Decimal(10**6),
    "mn": Decimal(10**6), "mio": Decimal(10**6), "bn": Decimal(10**9), "b": Decimal(10**9),
    "mrd": Decimal(10**9), "tn": Decimal(10**12),
    "万": Decimal(10_000), "億": Decimal(10**8), "亿": Decimal(10**8),
}  # fmt: skip

TABLE_SCALES: tuple[tuple[str, Decimal], ...] = (
    (r"\bin (?:thousands|tausend)|\bteur\b|\btsd\.? (?:eur|€)|en milliers|en miles", Decimal(1000)),
    (
        r"\bin (?:millions|millionen|mio)|\bmio\.? (?:eur|€)|en millions|en millones|in milioni",
        Decimal(10**6),
    ),
    (r"\bin (?:billions|milliarden|mrd)", Decimal(10**9)),
)

CENTURY = frozenset({"st", "nd", "rd", "th", "s", "er", "e", "ème", "º", "ª"})


def _units(lines: str) -> dict[str, str]:
    """A line for each unit, its canonical name first."""
    rows = [line.split() for line in lines.strip().splitlines()]
    return {word: row[0] for row in rows for word in row}


UNITS = _units("""
    % percent prozent pourcent procent pct per-cent
    $ dollar dollars usd us$ a$ c$
    € euro euros eur
    £ pound pounds gbp
    ¥ yen jpy yuan cny
    ₹ rupee rupees inr
    ₽ rubel ruble rubles rub
    chf franken francs
    second seconds sec secs sekunde sekunden seconde secondes segundo segundos secondi
    minute minutes min mins minuten minuto minutos minuti
    hour hours hr hrs h stunde stunden std heure heures hora horas ora ore uur uren
    day days tag tage tagen jour jours día días dias giorno giorni dag dagen 日 天
    week weeks woche wochen semaine semaines semana semanas settimana settimane weken
    month months monat monate monaten mois mes meses mese mesi maand maanden 月
    year years yr yrs jahr jahre jahren an ans année années año años anno anni jaar jaren 年
    decade decades jahrzehnt jahrzehnte
    century centuries jahrhundert jahrhunderte siècle siècles siglo siglos
    km kilometre kilometres kilometer kilometers
    metre metres meter meters mètre mètres metro metros
    cm centimetre centimetres centimeter centimeters zentimeter
    mm millimetre millimetres millimeter millimeters
    mile miles meile meilen
    foot feet ft fuß
    inch inches zoll
    kg kilogram kilograms kilo kilos kilogramm
    gram grams gramm g
    mg milligram milligrams
    tonne tonnes ton tons
    litre litres liter liters l
    °c celsius
    °f fahrenheit
    kwh
    watt watts w
    kw kilowatt
    gb gigabyte gigabytes
    mb megabyte megabytes
    tb terabyte terabytes
""")
UNITS["°"] = "°c"

_GERMAN = re.compile(
    r"(?P<ones>ein|zwei|drei|vier|fünf|sechs|sieben|acht|neun)und(?P<tens>zwanzig|dreißig|vierzig|fünfzig|"
    r"sechzig|siebzig|achtzig|neunzig)"
)


def value_of_words(words: Sequence[str]) -> Decimal | None:
    """The value of number words in a row, `two hundred and five`; None where they are none."""
    if not set(words) - {"and"} or (len(words) == 1 and words[0] in _AMBIGUOUS):
        return None
    total = section = 0
    for word in words:
        if word == "and":
            continue
        compound = _GERMAN.fullmatch(word)
        if compound is not None:
            ones = 1 if compound["ones"] == "ein" else NUMBER_WORDS[compound["ones"]]
            section += NUMBER_WORDS[compound["tens"]] + ones
            continue
        value = NUMBER_WORDS.get(word)
        if value is None:
            return None
        if value == 100:
            section = (section or 1) * value
        elif value >= 1000:
            total += (section or 1) * value
            section = 0
        else:
            section += value
    return Decimal(total + section)
