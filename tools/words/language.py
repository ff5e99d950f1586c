"""Which language a person writes in, as far as answers are written in it: German or not."""

import re

_GERMAN = re.compile(
    r"\b(?:der|die|das|den|dem|des|ist|sind|hat|haben|wie|wieviele?|was|wann|warum|wo|welche[rsnm]?|bitte|und|oder|mit|"
    r"wir|ich|mir|kann|soll|muss|darf|von|vom|für|auf|aus|bei|bis|nach|noch|über|unter|im|zum|zur|ein|eine[nmr]?|nicht|"
    r"kein\w*|es|alle|laden|lädt|geladen|ladestrom|akku|zelle|zellen|grad|prozent|stunden?|minuten|jahren?|wochen?|"
    r"schau|zeig|gib|sag|prüf\w*|fehlern?|datenblatt|gesundheit|zustand|lebensdauer|heute|jetzt|schnell\w*)\b",
    re.IGNORECASE)
_ENGLISH_TOO = {"was", "die", "den", "hat", "im", "es", "des", "dem", "bis", "um"}


def is_german(text: str) -> bool:
    """Whether a text has two or more different German words, one of them no English word too."""
    return len(_words(text)) >= 2 and has_german(text)


def has_german(text: str) -> bool:
    """Whether a text has a German word that is no English one: enough for a text that is either."""
    return bool(_words(text) - _ENGLISH_TOO)


def _words(text: str) -> set[str]:
    return {word.lower() for word in _GERMAN.findall(text)}
