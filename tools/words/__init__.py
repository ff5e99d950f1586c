"""Words a person used -> canonical values: the language model copies, this converts.

`canonical` converts the arguments of one call, `read` one value, `reading` one exact phrase. Percent, degC, A,
C-rate, minutes, years, mV and cycles per week; ids as PK-0042, PK-0042-C07, UP-3f9a. English, German, French
and Chinese. Two values in one argument, or none, raise BadArgument: nothing is guessed.
"""

import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from tools.arguments import Arguments
from tools.contract import TEXT_QUANTITIES, quantity_of
from tools.errors import BadArgument
from tools.words import amounts, assets, cycles, durations
from tools.words.text import Unreadable, fold, forms, one_line

MAX_WORDS = 120  # characters that are still read as one value; longer text is a sentence

# quantity: reader of one form, least and largest sensible value, what it is called, an example
_READERS: dict[str, tuple[Callable[[str], Any], float, float, str, str]] = {
    "percent": (amounts.percent, 0, 100, "a percentage", '"20 %", "half" or "full"'),
    "soh": (amounts.soh, 0, 120, "a state of health", '"85 %" or "15 percent fade"'),
    "celsius": (amounts.celsius, -273.15, 300, "a temperature", '"12 °C", "90 F" or "5 below zero"'),
    "ampere": (amounts.ampere, 0, 1e5, "a current", '"5 A" or "500 mA"'),
    "c_rate": (amounts.c_rate, 0, 100, "a C-rate", '"0.5C" or "C/3"'),
    "minutes": (durations.minutes, 0, 1e6, "a time span", '"40 min", "an hour and a half" or "7:30, it is 6:50 now"'),
    "years": (durations.years, 0, 100, "a number of years", '"10 years", "18 months" or "a decade"'),
    "cycles_per_week": (cycles.cycles_per_week, 0, 2000, "a number of cycles per week",
                        '"5", "twice a day" or "every other day"'),
    "millivolt": (amounts.millivolt, 0, 1e5, "a voltage difference", '"30 mV" or "0.03 V"'),
    "count": (amounts.count, 0, 1e5, "a whole number", '"5" or "top ten"'),
    "asset_id": (assets.asset_id, 0, 0, "a pack, cell or upload", '"PK-0042", "cell 7 of pack 42" or "upload 3f9a"'),
}
QUANTITIES = tuple(_READERS)

# Words around a value that do not change it, before and after; a word not listed here makes the value unreadable.
_LEAD = re.compile(one_line(
    r"""(?:up to|down to|at most|at least|(?:no |not )?(?:more|less|fewer|higher|lower|better|worse|hotter|warmer
    |colder|longer) than|(?:worn|faded|aged|dropped|fallen|degraded) to|as much as|about|around|approximately
    |approx\.?|roughly|(?:nearly|almost)(?! (?:full|empty|flat|dead|discharged|voll|leer))|circa|ca\.?|some|say
    |maybe|exactly|precisely|just|only|maximum|max\.?|minimum|min\.|above|over|under|below|beyond|exceeding|past
    |the|an?|at|to|from|of|in|within|until|till|for|by|on|with|au moins|au plus|mindestens|höchstens
    |it is|it's|is|are|has|have|had|having|our|my|your
    |this|that|their|unser|(?:(?:is|are|be|gets?|being) )?(?:cycled|charged|recharged)|cycles|charges|next|coming
    |top|bottom|first|worst|best|last|limit|state of charge|state of health|charge|soc|soh|health|dod|depth
    |temperature|temp|ambient|current|spread|t|i|bis|auf|von|bei|unter|über|ab|mit|nach|ungefähr|etwa|rund|genau
    |nur|der|die|das|den|dem|à|de|en|dans|sous|jusqu'à|environ|pendant|le|la|les|avec|moins de|plus de|充[到至]|到
    |在|健康度|约|大约|超过|低于|高于|环境|电量|温度|前|最多|<=|>=|<|>|=|~|≈|≤|≥|@|:|,
    |\()[ :=]*(?![^\W\d_一-鿿])"""))
_TRAIL = re.compile(one_line(
    r"""[ ,]*(?:\b(?:please|pls|now|right now|currently|soc|soh|dod|health|healthy|state of (?:charge|health)
    |charged?|charging|constant|dc|current|spread|gap|difference|capacity|ambient|outside|inside|left|remaining
    |maximum|max\.?|at most|tops|or so|only|long|deep|depth|packs?|units|ones|of them|ahead|from now|available|time
    |limit|window|bitte|jetzt|noch|ladung|geladen|gesundheit|restante?s?|s'il vous plaît|svp)|以上|以下|以内|之内
    |内|左右|后|[.,;:!?)]| )$"""))


def read(words: str | float, quantity: str) -> float | int | str:
    """The canonical value of one argument; `words` is a number in the canonical unit or a person's own words.

    Raises BadArgument (its field is the quantity) when it holds no value, two values or an absurd one.
    """
    if quantity in TEXT_QUANTITIES and quantity != "asset_id":
        return _plain_text(words, quantity)
    if quantity not in _READERS:
        raise BadArgument(quantity, f"There is no quantity {quantity}; there are {', '.join(QUANTITIES)}.")
    if isinstance(words, bool) or not isinstance(words, str | int | float):
        raise _unreadable(words, quantity)
    if quantity == "asset_id":
        return _read_asset(words)
    if isinstance(words, int | float):
        return _checked(_from_number(words, quantity), words, quantity)
    if len(words) > MAX_WORDS:
        raise _unreadable(words[:40] + "...", quantity)
    try:
        value = next((v for candidate in _stripped(words) if (v := _reading(candidate, quantity)) is not None), None)
    except Unreadable as why:
        raise _unreadable(words, quantity, str(why)) from None
    if value is None:
        raise _unreadable(words, quantity)
    return _checked(value, words, quantity)


def reading(words: str, quantity: str) -> float | str | None:
    """The value of an exact phrase with no word to spare, or None; never raises."""
    try:
        value = _reading(words, quantity)
        return value if value is None or quantity == "asset_id" else _checked(value, words, quantity)
    except (Unreadable, BadArgument):
        return None


@lru_cache(maxsize=262144)
def _reading(words: str, quantity: str) -> Any:
    reader = _READERS[quantity][0]
    said = forms(words)
    if quantity == "asset_id" and assets.in_words(words):
        said = tuple(map(assets.spelt, said))
    values = {round(v, 9) if isinstance(v, float) else v for v in map(reader, said) if v is not None}
    if len(values) > 1:
        raise Unreadable("it reads differently in two languages")
    return values.pop() if values else None


def canonical(arguments: Mapping[str, Any], model: type[Arguments]) -> dict[str, Any]:
    """The arguments of one call in canonical units, in the given order; None is left out.

    Raises BadArgument naming the field: an unknown name, or words that cannot be read.
    """
    converted = {}
    for name, value in arguments.items():
        field = model.model_fields.get(name)
        if field is None:
            raise BadArgument(name, f"There is no argument {name}; there are {', '.join(model.model_fields)}.")
        if value is None:
            continue
        quantity = quantity_of(field)
        try:
            converted[name] = value if quantity is None else read(value, quantity)
        except BadArgument as error:
            raise BadArgument(name, f"{name}: {error}") from None
    return converted


def _stripped(words: str):
    """The words, then the words without what may stand before and after a value."""
    text = fold(words)
    yield words
    while True:
        yield text
        shorter = text
        while (cut := _TRAIL.sub("", shorter)) != shorter:
            shorter = cut
            yield shorter
        lead = _LEAD.match(text)
        if lead is None or lead.end() in (0, len(text)):
            return
        text = text[lead.end():].strip()


def _read_asset(words: str | float) -> str:
    text = str(int(words)) if isinstance(words, float) and words.is_integer() else str(words)
    if len(text) <= MAX_WORDS:
        if re.fullmatch(r"\s*0*\d{1,4}\s*", text):
            return f"PK-{int(text):04d}"
        for candidate in _stripped(text):
            if (value := reading(candidate, "asset_id")) is not None:
                return value
    raise _unreadable(text[:60], "asset_id")


def _plain_text(words: Any, quantity: str) -> str:
    if not isinstance(words, str):
        raise BadArgument(quantity, f"{quantity} must be text, not {words!r}.")
    text = " ".join(words.split()).strip("\"'“”„«»‘’` ")
    if not text or len(text) > 300:
        raise BadArgument(quantity, f"{quantity} must be 1 to 300 characters of text.")
    return text


def _from_number(value: float, quantity: str) -> float:
    """A float (not a whole number) of 0.5 to 1.1 given as health is a fraction of new."""
    is_fraction = quantity == "soh" and isinstance(value, float) and 0.5 <= value <= 1.1
    return 100 * value if is_fraction else float(value)


def _checked(value: float, words: Any, quantity: str) -> float | int:
    _, low, high, name, example = _READERS[quantity]
    if not math.isfinite(value) or not low <= value <= high:
        shown = str(words)[:40]
        raise BadArgument(quantity, f"{shown!r} is not {name} between {low:g} and {high:g}, such as {example}.")
    if quantity == "count":
        if value != int(value):
            raise _unreadable(words, quantity)
        return int(value)
    return round(float(value), 6)


def _unreadable(words: Any, quantity: str, why: str = "") -> BadArgument:
    _, _, _, name, example = _READERS[quantity]
    shown = str(words) if len(str(words)) <= 60 else str(words)[:57] + "..."
    reason = f" ({why})" if why else ""
    return BadArgument(quantity, f"Could not read {shown!r} as {name}{reason}; it can be {example}.")
