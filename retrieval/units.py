"""Units that people ask in, and the numbers of a datasheet turned into them."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Unit:
    """`value in the base unit of its kind = number * factor + offset`."""

    name: str
    kind: str
    words: str  # regular expression, case as people write it
    factor: float = 1.0
    offset: float = 0.0


_UNITS = (
    Unit("mAh", "capacity", r"mAh|mah|milliamp(?:ere)?[ -]?hours?", 1e-3),
    Unit("Ah", "capacity", r"Ah|amp(?:ere)?[ -]hours?"),
    Unit("mA", "current", r"mA|ma|milliamp(?:ere)?s?", 1e-3), Unit("A", "current", r"A|amp(?:ere)?s?"),
    Unit("mV", "voltage", r"mV|mv|millivolts?", 1e-3), Unit("V", "voltage", r"V|volts?"),
    Unit("uOhm", "resistance", r"[µμu](?:Ohms?|ohms?|Ω)|micro-?ohms?|Mikroohm", 1e-3),
    Unit("mOhm", "resistance", r"m(?:Ohms?|ohms?|Ω)|milli-?ohms?|Milliohm"),
    Unit("Ohm", "resistance", r"Ohms?|ohms?|Ω", 1e3),
    Unit("kWh", "energy", r"kWh|kwh|kilowatt[ -]?hours?", 1e3), Unit("Wh", "energy", r"Wh|wh|watt[ -]?hours?"),
    Unit("J", "energy", r"joules?", 1 / 3600), Unit("kJ", "energy", r"kJ|kilojoules?", 1 / 3.6),
    Unit("degF", "temperature", r"°\s?F|deg\s?F|[Ff]ahrenheit", 5 / 9, -160 / 9),
    Unit("K", "temperature", r"[Kk]elvin", 1.0, -273.15), Unit("degC", "temperature", r"°\s?C|deg\s?C|[Cc]elsius"),
    Unit("kg", "mass", r"kg|kilos?|kilogram(?:me|m)?s?|Kilogramm", 1e3),
    Unit("mg", "mass", r"mg|milligrams?", 1e-3), Unit("oz", "mass", r"oz|ounces?", 28.349523125),
    Unit("lb", "mass", r"lbs?|pounds?", 453.59237), Unit("g", "mass", r"g|gram(?:me|m)?s?|Gramm"),
    Unit("mm", "length", r"mm|millimet(?:er|re)s?|Millimeter"),
    Unit("cm", "length", r"cm|[Cc]entimet(?:er|re)s?|Zentimeter", 10.0),
    Unit("inch", "length", r"inch(?:es)?|Zoll", 25.4), Unit("ft", "length", r"ft|feet|foot", 304.8),
    Unit("m", "length", r"m|met(?:er|re)s?|Meter", 1e3),
    Unit("h", "time", r"h|hrs?|hours?|Stunden?", 60.0), Unit("s", "time", r"s|sec(?:ond)?s?|Sekunden?", 1 / 60),
    Unit("min", "time", r"min|minutes?|Minuten?"),
)
_BY_NAME = {unit.name: unit for unit in _UNITS}
# "in mA", "in milliamps", "how many grams", "(mV)", "what is it, mOhm"; a unit after a number is a condition or a name.
_ASKED = re.compile(r"(?:(?:\bin|how many|how much|wie viele?|many|amount of)\s+(?:the\s+)?|[(,]\s*)(" +
                    "|".join(f"(?:{u.words})" for u in _UNITS) + r")(?![\w/])(?!\s+(?:per|pro|/))")
_LAST = re.compile(r"(?<![\d\s])\s+(" + "|".join(f"(?:{u.words})" for u in _UNITS) + r")\s*[?.!)]*$")


def unit_asked(question: str) -> str | None:
    """The unit a question asks in ("in mA", "how many grams"), or None."""
    match = _ASKED.search(question) or _LAST.search(question)
    if not match:
        return None
    return next(unit.name for unit in _UNITS if re.fullmatch(unit.words, match[1]))


def converted(value: float, unit: str, wanted: str) -> float | None:
    """`value` of `unit` in the unit `wanted`; None where they are not of one kind."""
    base, target = _BY_NAME.get(unit), _BY_NAME.get(wanted)
    if base is None and unit == "m":
        base = _BY_NAME["m"]
    if base is None or target is None or base.kind != target.kind:
        return None
    return (value * base.factor + base.offset - target.offset) / target.factor


def number(value: float) -> str:
    """At most six significant digits."""
    return f"{value:.6g}"
