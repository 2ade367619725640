"""Function words of seven languages: they say nothing about what a text is about."""

from __future__ import annotations

from collections.abc import Sequence

# Each list leaves out words that carry meaning in another of these languages when they stand alone
# ("war", "hat", "man"): BM25 gives a frequent word little weight anyway, a dropped one none.
_LISTS = {
    "en": """
        a about above after again against all also am an and any are as at be because been before being
        below between both but by can could did do does doing done down during each either ever few for from
        further had has have having he her here hers him his how however i if in into is it its itself just
        let many may me might more most much must my neither no nor not of off on once one only or other our
        out over own per please same shall she should since so some such tell than that the their them then
        there these they this those though through to too under until up upon us very via was we were what
        when where whether which while who whom whose why will with within without would yes you your
    """,
    "de": """
        aber alle allem allen aller alles als also am an auch auf aus bei beim bin bis bist da damit dann
        das dass dein dem den denn der des dessen die dies diese diesem diesen dieser dieses doch dort du
        durch ein eine einem einen einer eines er es etwas euch für gegen gibt haben hatte hatten hier ich
        ihm ihn ihnen ihr ihre ihrem ihren ihrer im in ins ist ja jede jedem jeden jeder jedes kann kein
        keine keinem keinen können mein mehr mir mit muss nach nicht noch nur ob oder ohne sehr sein seine
        seinem seinen seiner seit sich sie sind so über um und uns unser unter vom von vor wann warum was
        weil welche welchem welchen welcher welches wem wen wenn wer werden wie wieviel wir wird wo woher
        wohin wurde wurden zu zum zur zwischen
    """,
    "fr": """
        à ai alors après au aucun aussi autre aux avait avant avec avez avoir avons c ce cela ces cet cette
        ceux chez combien comme comment d dans de depuis des donc dont du elle elles en encore entre est et
        était étaient été être eu fut furent il ils j je l la laquelle le lequel les lesquels leur leurs
        lors lui ma mais me même mes moi n ne nos notre nous on ont ou où par parce pas pendant peut plus
        pour pourquoi qu quand que quel quelle quelles quels qui quoi s sa sans se sera ses si son sont sous
        sur ta te tes toi ton tous tout toute toutes tu un une vers vos votre vous y
    """,
    "es": """
        a al algo ante antes aquel aunque cada como cómo con cual cuál cuales cuáles cuando cuándo cuanta
        cuánta cuantas cuántas cuanto cuánto cuantos cuántos de del desde donde dónde dos durante e el él
        ella ellas ellos en entre era eran es esa ese eso esta está están estas este esto estos fue fueron
        ha haber había han hasta hay la las le les lo los más me mi mientras muy nada ni no nos nosotros o
        otra otras otro otros para pero por porque qué que quien quién quienes quiénes se según ser si sí
        sido sin sobre son su sus también tanto te tiene tienen todo todos tras tu un una unas uno unos y ya
        yo
    """,
    "it": """
        a ad agli ai al alla alle allo anche ancora avere aveva c che chi ci come con cosa cui d da dagli
        dai dal dalla dalle dei del della delle dello di dopo dove e è ed era erano essere fra gli ha hai
        hanno ho i il in io l la le lei li lo loro ma mi mio molto ne negli nei nel nella nelle nello noi
        non nostro o ogni per perché però più prima qual quale quali quando quanta quante quanti quanto
        quella quelle quelli quello questa queste questi questo se sei si sia sono stata stati stato su sua
        sue sugli sui sul sulla sulle suo suoi tra tu tutti tutto un una uno voi
    """,
    "nl": """
        aan al alle als altijd andere bij dan dat de deze die dit doen door dus een en er ga geen had hadden
        heb hebben heeft hem het hier hij hoe hoeveel hun ik in is ja je jullie kan kunnen maar me meer met
        mij mijn moet na naar niet niets nog nu of om omdat ons ook op over te tegen toch toen tot u uit van
        veel voor waar waarom wanneer want waren wat we wel welk welke werd werden wie wij wordt worden zal
        ze zich zij zijn zo zonder zou
    """,
    "pt": """
        a à ao aos aquela aquele aquilo as às até com como da das de dela dele deles depois do dos e é ela
        elas ele eles em entre era eram essa essas esse esses esta está estão estas este estes eu foi foram
        há isso isto já lhe mais mas me mesmo meu minha muito na não nas nem no nos nós o onde os ou para
        pela pelas pelo pelos por porque qual quais quando quanta quantas quanto quantos que quem são se sem
        ser seu seus só sob sobre sua suas também te tem têm ter teve um uma umas uns você vocês
    """,
}

STOP_WORDS = {language: frozenset(words.split()) for language, words in _LISTS.items()}
"""Case-folded function words by ISO 639-1 code."""


def stop_words(words: Sequence[str]) -> frozenset[str]:
    """The function words of the language these words are most likely in; empty when none is likely.

    English needs one of its words to be there; another language needs two, and more than English has, since
    "die" and "no" are words in several.
    """
    folded = {word.casefold() for word in words}
    found = {language: len(folded & stops) for language, stops in STOP_WORDS.items()}
    best = max(found, key=lambda language: (found[language], language == "en"))
    if found[best] < (1 if best == "en" else 2):
        return frozenset()
    return STOP_WORDS[best]
