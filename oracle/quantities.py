"""Numbers with their units, read from text and from tool results, comparable up to rounding and unit conversion."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

# unit -> (family, factor, offset): base value = value * factor + offset, in A, C-rate, V, degC, min, %, Ah, Wh, W, ohm
_C, _F = ("temperature", 1.0, 0.0), ("temperature", 5 / 9, -160 / 9)
_RATE = ("c_rate", 1.0, 0.0)
_UNITS: dict[str, tuple[tuple[str, float, float], ...]] = {}


def _define(names: str, *readings: tuple[str, float, float]) -> None:
    _UNITS.update((name.replace("_", " "), readings) for name in names.split())


_define("% percent per_cent pct percentage_points", ("percent", 1.0, 0.0))
_define("°C ℃ degC deg_C celsius Celsius degrees_celsius degrees_Celsius degrees_C degree_Celsius", _C)
_define("°F ℉ degF deg_F fahrenheit Fahrenheit degrees_fahrenheit degrees_Fahrenheit degrees_F F", _F)
_define("° degrees degree", _C, _F)
_define("K kelvin", ("temperature", 1.0, -273.15))
_define("C", _RATE, _C)
_define("C-rate C_rate", _RATE)
_define("A amp amps ampere amperes", ("current", 1.0, 0.0))
_define("mA milliamp milliamps milliampere milliamperes", ("current", 1e-3, 0.0))
_define("V volt volts", ("voltage", 1.0, 0.0))
_define("mV millivolt millivolts", ("voltage", 1e-3, 0.0))
_define("s sec secs second seconds", ("time", 1 / 60, 0.0))
_define("min mins minute minutes", ("time", 1.0, 0.0))
_define("h hr hrs hour hours", ("time", 60.0, 0.0))
_define("day days", ("time", 1440.0, 0.0))
_define("week weeks", ("time", 10080.0, 0.0))
_define("month months", ("time", 43830.0, 0.0))
_define("year years yr yrs", ("time", 525960.0, 0.0))
_define("Ah amp-hours ampere-hours", ("capacity", 1.0, 0.0))
_define("mAh", ("capacity", 1e-3, 0.0))
_define("Wh", ("energy", 1.0, 0.0))
_define("kWh", ("energy", 1e3, 0.0))
_define("W watt watts", ("power", 1.0, 0.0))
_define("kW kilowatt kilowatts", ("power", 1e3, 0.0))
_define("ohm ohms Ω", ("resistance", 1.0, 0.0))
_define("mohm mOhm mΩ milliohm milliohms", ("resistance", 1e-3, 0.0))

# field suffix -> unit; the longest suffix wins.
_SUFFIXES = {
    "percent": "%", "pct": "%", "c_rate": "C-rate", "c": "°C", "a": "A", "ma": "mA", "v": "V", "mv": "mV", "s": "s",
    "min": "min", "minutes": "min", "h": "h", "hours": "h", "days": "days", "years": "years", "ah": "Ah", "mah": "mAh",
    "wh": "Wh", "kwh": "kWh", "w": "W", "kw": "kW", "ohm": "ohm", "mohm": "mohm",
}
_PLAIN_UNITS = {  # spelled out for a person
    "%": "%", "°C": "°C", "C-rate": "C", "A": "A", "mA": "mA", "V": "V", "mV": "mV", "s": "s", "min": "min", "h": "h",
    "days": "days", "years": "years", "Ah": "Ah", "mAh": "mAh", "Wh": "Wh", "kWh": "kWh", "W": "W", "kW": "kW",
    "ohm": "ohm", "mohm": "mohm",
}

_UNIT = "|".join(re.escape(u).replace(r"\ ", r"\s+") for u in sorted(_UNITS, key=len, reverse=True))
_WORDS = (r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|"
          r"seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand)")
MAX_LIST = 12  # a longer list of bare numbers is a curve
_IDS = re.compile(
    r"PK-\d{4}(?:-C\d{2,3})?|UP-[0-9a-f]{4,12}"  # assets
    r"|\[\d+(?:\s*,\s*\d+)*\]"  # citations
    r"|(?m:^\s*\d{1,2}[.)](?=\s))"  # list numerals
    r"|\b(?:10440|14500|16340|18350|18650|20700|21700|26650|26700|32650|32700|38120|4[06]\d{2,3})\b(?!\s*(?:" + _UNIT +
    r")(?![A-Za-z]))"  # cell formats
    r"|\b[A-Za-z][A-Za-z]*-?\d+[A-Za-z][\w-]*\b"  # M50LT, INR21700-M50LT, LR1865SZ
    r"|\b[A-Z][A-Za-z]+\d+\b"  # NMC532, OKane2022
    r"|\bCC-CV\b")
_C_OVER = re.compile(r"\bC\s*/\s*(\d+(?:\.\d+)?)")
_NUMBER = re.compile(
    r"(?P<sign>(?<![\w.)%°])[-+−])?(?<![\w.])(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|"
    r"(?<!\d)\.\d+)(?:[\s\-]*(?P<unit>" + _UNIT + r")(?![A-Za-z0-9]))?")
_WORD_NUMBER = re.compile(rf"\b({_WORDS}(?:[\s-]+(?:and\s+)?{_WORDS})*)[\s-]+(?={_UNIT})(?!s\b)", re.IGNORECASE)
_RANGE = re.compile(r"\s*(?:to|and|or|through|-|–|—|±|\.\.)\s*$")
_CLOCK_SUM = re.compile(r"\s*(?:and|,)?\s*$")


@dataclass(frozen=True)
class Quantity:
    """A number as written: `readings` are (family, value in the family's base unit, half of its last digit).

    No readings: a bare number `value`. `start` and `end` are positions in the text it came from.
    """

    text: str
    value: float
    half_step: float
    readings: tuple[tuple[str, float, float], ...] = ()
    start: int = 0
    end: int = 0


def in_text(text: str, names: tuple[str, ...] = ()) -> list[Quantity]:
    """Every number that a text states, with its unit; ids, citations, list numerals and `names` are not numbers."""
    text = _blank_names(_spell_digits(text), names)
    text = _IDS.sub(lambda m: " " * len(m[0]), text)
    found = []
    for match in _C_OVER.finditer(text):
        rate = 1 / float(match[1]) if float(match[1]) else 0.0
        found.append(Quantity(match[0], rate, rate * 0.01, (("c_rate", rate, rate * 0.01),), *match.span()))
    text = _C_OVER.sub(lambda m: " " * len(m[0]), text)
    found += [_quantity(match) for match in _NUMBER.finditer(text)]
    return _merge_hours(_share_units(sorted(found, key=lambda q: q.start), text), text)


def of_field(name: str, value: float) -> Quantity:
    """A number of a tool result; its unit is the suffix of the field's name, none means a count."""
    unit = unit_of_field(name)
    if unit is None:
        scaled = (("percent", value * 100, 0.0),) if name.endswith(("fraction", "share", "ratio")) else ()
        return Quantity(f"{name} {value:g}", value, 0.0, (("count", value, 0.0), *scaled))
    return Quantity(f"{name} {value:g}", value, 0.0, _readings(value, 0.0, unit))


def unit_of_field(name: str) -> str | None:
    """The unit in a field's name: `charge_time_min` is in min; None when there is none."""
    name = re.sub(r"_to_\d+_percent$", "", name.lower())  # years_to_80_percent are years
    parts = name.split("_")
    for width in (2, 1):
        if (suffix := "_".join(parts[-width:])) in _SUFFIXES and len(parts) >= width:
            return _SUFFIXES[suffix]
    return None


def plain_unit(unit: str) -> str:
    """A unit as a person reads it."""
    return _PLAIN_UNITS[unit]


def numbers_of(result: Any, name: str = "") -> Iterator[tuple[str, float]]:
    """(field name, number) for every number of a result, however deep; a list's numbers bear the list's name.

    Curves are left out: no answer quotes one, and among hundreds of points every number finds its like.
    """
    if isinstance(result, dict):
        for key, value in result.items():
            yield from numbers_of(value, name if key == "value" else key)
    elif isinstance(result, list | tuple):
        curve = len(result) > MAX_LIST and all(v is None or isinstance(v, int | float) for v in result)
        for value in () if curve else result:
            yield from numbers_of(value, name)
    elif isinstance(result, int | float) and not isinstance(result, bool):
        yield name, float(result)


def texts_of(result: Any) -> Iterator[str]:
    """Every string of a result, however deep."""
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, list | tuple):
        for value in result:
            yield from texts_of(value)
    elif isinstance(result, str):
        yield result


def _quantity(match: re.Match) -> Quantity:
    digits = match["digits"].replace(",", "")
    value = float(digits) * (-1 if match["sign"] in ("-", "−") else 1)
    mantissa, _, exponent = digits.lower().partition("e")
    decimals = len(mantissa.partition(".")[2]) - int(exponent or 0)
    half_step = 0.5 * 10.0 ** -decimals
    unit = re.sub(r"\s+", " ", match["unit"]) if match["unit"] else None
    readings = _readings(value, half_step, unit) if unit else ()
    return Quantity(match[0].strip(), value, half_step, readings, *match.span())


def _readings(value: float, half_step: float, unit: str) -> tuple[tuple[str, float, float], ...]:
    return tuple((family, value * factor + offset, half_step * factor) for family, factor, offset in _UNITS[unit])


def _share_units(found: list[Quantity], text: str) -> list[Quantity]:
    """In "20 to 80 %" the 20 is a percentage too."""
    shared = list(found)
    for i in range(len(shared) - 2, -1, -1):
        one, other = shared[i], shared[i + 1]
        if not one.readings and other.readings and _RANGE.fullmatch(text[one.end:other.start]):
            unit = re.sub(r"^[\d.,eE+\-−\s]*", "", other.text)
            if unit in _UNITS:
                readings = _readings(one.value, one.half_step, unit)
                shared[i] = Quantity(one.text, one.value, one.half_step, readings, one.start, one.end)
    return shared


def _merge_hours(found: list[Quantity], text: str) -> list[Quantity]:
    """ "1 h 15 min" is one duration."""
    merged: list[Quantity] = []
    for quantity in found:
        last = merged[-1] if merged else None
        if (last and _is_time(last, 60.0) and _is_time(quantity, 1.0)
                and _CLOCK_SUM.fullmatch(text[last.end:quantity.start])):
            total, half = last.readings[0][1] + quantity.readings[0][1], quantity.readings[0][2]
            merged[-1] = Quantity(text[last.start:quantity.end], total, half, (("time", total, half),),
                                  last.start, quantity.end)
        else:
            merged.append(quantity)
    return merged


def _is_time(quantity: Quantity, minutes_each: float) -> bool:
    if not quantity.readings or quantity.readings[0][0] != "time":
        return False
    return abs(quantity.value * minutes_each - quantity.readings[0][1]) < 1e-9


def _spell_digits(text: str) -> str:
    """ "forty minutes" -> "40 minutes": number words in front of a unit."""
    from text_to_num import text2num

    def digits(match: re.Match) -> str:
        try:
            return f"{text2num(match[1].lower(), 'en')} "
        except ValueError:
            return match[0]

    return _WORD_NUMBER.sub(digits, text)


def _blank_names(text: str, names: tuple[str, ...]) -> str:
    return _names_pattern(names).sub(lambda m: " " * len(m[0]), text) if names else text


@lru_cache(maxsize=8)
def _names_pattern(names: tuple[str, ...]) -> re.Pattern:
    longest_first = sorted(names, key=len, reverse=True)
    return re.compile(r"(?<![\w.])(?:" + "|".join(map(re.escape, longest_first)) + r")(?![\w.]*\d)", re.IGNORECASE)
