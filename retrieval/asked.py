"""What a question asks of a datasheet: the catalogue fields it means, at which temperature, in which unit.

English and German, with slips of the finger. A question names a quantity (current, voltage, how heavy), often what the
cell does meanwhile (charging, discharging, stored) and which of several values is meant (largest, standard, pulse);
these three settle the field. Words of matters that no field covers (price, torque) are told apart, so that a question
about a "separator thickness" is not answered with the thickness of the cell.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache

from retrieval.asked_fields import current, fields_meant
from retrieval.asked_words import IDIOMS, NO_SLIPS, OTHER, PARTS, WORDS
from retrieval.units import unit_asked

_PLAIN = str.maketrans("äöüßéèµμΩ", "aousee" + "uuo")

_CONDITION = re.compile(  # "at 10 degC": a condition, not what is asked; "at 2C" is a rate
    r"(?:\b(?:at|bei|in|with|mit|around|below|under|unter|above|of|from)\s+)?((?:[-+−]|minus)?\s?\d+(?:[.,]\d+)?)\s*"
    r"(?:(°\s*f|deg\s?f|fahrenheit|f(?![a-z0-9/]))|(?:°\s*c?|deg\s?c|degrees?(?:\s*(?:c|celsius))?|grad(?:\s*celsius)?|celsius)"
    r"(?![a-z0-9/])|(c)(?![a-z0-9/]))(?:\s*c\b)?")
_LEAST_PLAIN_C = 10  # a smaller number before a bare C is a rate
_FREEZING = re.compile(r"\bbelow (?:freezing|zero)\b|\bunter null\b|\bminusgrad\w*|\bin (?:the )?frost\b")
_HERTZ = re.compile(r"\b\d+ ?k?hz\b")


@dataclass(frozen=True)
class Asked:
    """What is meant, mostly one thing: each the catalogue fields that answer it, in order; none if no field is meant.

    `others` are fields near by, worth telling where none of a thing's fields is stated. `temperature_c`: the condition
    asked for. `unit`: the unit to answer in too. `bands`: limits by temperature; `disputed`: what sources disagree on.
    `beyond`: words of matters that no field covers.
    """

    things: tuple[tuple[str, ...], ...] = ()
    others: tuple[str, ...] = ()
    temperature_c: float | None = None
    unit: str | None = None
    bands: bool = False
    disputed: bool = False
    beyond: frozenset[str] = field(default_factory=frozenset)

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of all things."""
        return tuple(name for thing in self.things for name in thing)


def asked(question: str) -> Asked:
    """What a question without its cell's name means; see `Asked`."""
    text = " ".join(question.lower().translate(_PLAIN).replace("'", " ").split())
    text, temperature = _condition(text)
    text = _HERTZ.sub(" khz ", text)
    for pattern, words in IDIOMS:
        text = re.sub(pattern, words, text)
    if re.search(_FREEZING, text) and temperature is None:
        text += " cold "
    said, tokens = _read(text)
    things, others = _meant(text, said)
    if not things and temperature is not None and {"charge", "discharge"} & said:
        fields, others = current(said)
        things = (tuple(fields),)
    beyond = _beyond(_APART.split(text)[0]) - {"soc"} if things else _beyond(text)
    return Asked(things, tuple(others), temperature, unit_asked(question), "derating" in said,
                 "disputed" in said, beyond)


_APART = re.compile(r"\b(?:incl\w*|including|with|without|if|inklusive|mit|ohne)\b")
_AND = re.compile(r"\band\b|\bund\b|&|\bplus\b|\bas well as\b|\bsowie\b|[,;]")


def _read(text: str) -> tuple[frozenset[str], list[str]]:
    """What the words of a text say, and the words."""
    tokens = [_mended(token) for token in re.findall(r"[a-z0-9]+(?:-[a-z0-9]+)*", text)]
    tokens += [part for token in tokens if "-" in token and not _says(token) for part in map(_mended, token.split("-"))]
    return frozenset(name for token in tokens for name in _says(token)), tokens


def _beyond(text: str) -> frozenset[str]:
    return frozenset(token for token in _read(text)[1] if token in OTHER and not _says(token))


def _meant(text: str, said: frozenset[str]) -> tuple[tuple[tuple[str, ...], ...], list[str]]:
    """(things meant, fields near by); "length and diameter" are two things."""
    fields, others = fields_meant(said)
    parts = [tuple(found) for part in _AND.split(text) if (found := fields_meant(_read(part)[0])[0])]
    if len(set(parts)) > 1 and len({part[0] for part in parts}) > 1 and fields[0] in [part[0] for part in parts]:
        return tuple(dict.fromkeys(parts)), []
    return ((tuple(fields),) if fields else ()), others


def _condition(text: str) -> tuple[str, float | None]:
    """The text without the temperature it is asked at, and that temperature in degC."""
    for match in _CONDITION.finditer(text):
        value = float(match[1].replace("minus", "-").replace("−", "-").replace(",", ".").replace(" ", ""))
        if match[3] and 0 <= value < _LEAST_PLAIN_C:
            continue
        celsius = (value - 32) * 5 / 9 if match[2] else value
        return f"{text[:match.start()]} {text[match.end():]}", celsius
    return text, None


@lru_cache(maxsize=1)
def _patterns() -> tuple[dict[str, frozenset[str]], tuple[tuple[str, str], ...]]:
    """Whole words -> what they say, and the patterns with a star."""
    whole: dict[str, set[str]] = {}
    starred = []
    for name, words in WORDS.items():
        for word in words.split():
            if "*" in word:
                starred.append((re.escape(word).replace(r"\*", ".*"), name))
            else:
                whole.setdefault(word, set()).add(name)
    return {word: frozenset(names) for word, names in whole.items()}, tuple(starred)


@lru_cache(maxsize=4096)
def _says(token: str) -> frozenset[str]:
    """What a word says: "charging" charge; a German compound says several things, "Entladestrom" discharge, current."""
    whole, starred = _patterns()
    if token in whole:
        return whole[token]
    names = {name for pattern, name in starred if re.fullmatch(pattern, token)}
    if len(token) > 7:
        names |= _compound(token)
    return frozenset(names)


def _compound(token: str) -> set[str]:
    found = set()
    for part, name in PARTS:
        if part in token:
            found.add(name)
            token = token.replace(part, "|")
    if {"charge", "continuous"} <= found and token.endswith("dauer"):
        found.discard("continuous")
    return found if len(found) > 1 else set()


@lru_cache(maxsize=4096)
def _mended(token: str) -> str:
    """The known word that a token is one slip away from (two in a long word), or the token."""
    if len(token) < 5 or _says(token) or token in OTHER or token in NO_SLIPS or any(map(str.isdigit, token)):
        return token
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    allowed = 1 if len(token) < 7 else 2
    known = [w for w in _patterns()[0] if w[0] == token[0] and len(w) > 4]
    near = process.extractOne(token, known, scorer=OSA.distance, score_cutoff=allowed)
    return near[0] if near else token
