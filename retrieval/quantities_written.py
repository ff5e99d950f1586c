"""Quantities as makers print them: "4.20 ± 0.05 V", "1.0C (4.85A)", "-20 ~ 60 °C", "≥ 4,800 mAh"."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache

# spelling -> (dimension, pint's unit); the dimension is the catalogue's unit of it
_UNITS = {
    "mah": ("Ah", "mA*h"), "ah": ("Ah", "A*h"), "kwh": ("Wh", "kW*h"), "wh": ("Wh", "W*h"), "mwh": ("Wh", "mW*h"),
    "wh/kg": ("Wh/kg", "W*h/kg"), "wh/l": ("Wh/l", "W*h/l"), "mv": ("V", "mV"), "v": ("V", "V"), "vdc": ("V", "V"),
    "volt": ("V", "V"), "volts": ("V", "V"), "ma": ("A", "mA"), "a": ("A", "A"), "amp": ("A", "A"), "amps": ("A", "A"),
    "ca": ("C", ""), "c5a": ("C", ""), "it": ("C", ""), "ita": ("C", ""), "c": ("C", ""),
    "°c": ("degC", "degC"), "degc": ("degC", "degC"), "oc": ("degC", "degC"), "celsius": ("degC", "degC"),
    "degreecelsius": ("degC", "degC"), "degreescelsius": ("degC", "degC"),
    "°f": ("degC", "degF"), "degf": ("degC", "degF"), "k": ("degC", "kelvin"),
    "mω": ("mOhm", "mohm"), "mohm": ("mOhm", "mohm"), "mohms": ("mOhm", "mohm"), "milliohm": ("mOhm", "mohm"),
    "milliohms": ("mOhm", "mohm"), "uω": ("mOhm", "uohm"), "ω": ("mOhm", "ohm"), "ohm": ("mOhm", "ohm"),
    "g": ("g", "g"), "gram": ("g", "g"), "grams": ("g", "g"), "kg": ("g", "kg"), "oz": ("g", "oz"),
    "mm": ("mm", "mm"), "cm": ("mm", "cm"), "inch": ("mm", "inch"), "inches": ("mm", "inch"),
    "cycles": ("cycles", ""), "cycle": ("cycles", ""), "times": ("cycles", ""), "zyklen": ("cycles", ""),
    "%": ("%", ""), "min": ("min", "min"), "mins": ("min", "min"), "minutes": ("min", "min"), "h": ("min", "h"),
    "hr": ("min", "h"), "hrs": ("min", "h"), "hour": ("min", "h"), "hours": ("min", "h"), "std": ("min", "h"),
    "s": ("min", "s"), "sec": ("min", "s"), "seconds": ("min", "s"),
}
_PINT_OF = {"Ah": "A*h", "Wh": "W*h", "Wh/kg": "W*h/kg", "Wh/l": "W*h/l", "V": "V", "A": "A", "degC": "degC",
            "mOhm": "mohm", "g": "g", "mm": "mm", "min": "min"}
_NUM = r"[-+]?\d+(?:[.,]\d+)*"
_UNIT = (r"(?:[mk]?Wh\s?/\s?(?:kg|[lL])|m?A\s?[·.*]?\s?[hH](?:r|rs)?\b|[mk]?W\s?[·.*]?\s?h\b|°\s?[CF]"
         r"|deg\.?\s?[CF]\b|degrees? Celsius|[oO]C\b|[Cc]elsius|m\s?Ω|[uµ]Ω|Ω"
         r"|m(?:illi)?\s?[oO]hms?\b|[oO]hms?\b|V(?:dc|DC)?\b|mV\b|[vV]olts?\b"
         r"|C5A\b|C\s?A\b|I[tT]A?\b|mA\b|A(?:mps?|mperes?)?\b|C(?![a-z0-9])|k?g\b|[gG]rams?\b|oz\b|mm\b|cm\b|inch(?:es)?\b"
         r"|[cC]ycles?\b|times\b|Zyklen\b|%|min(?:s|utes)?\b(?!\.)|h(?:rs?|ours?)?\b|Std\b|s(?:ec(?:onds)?)?\b|K\b)")
_START = r"(?<![\w.,°])"
_PATTERN = re.compile(
    rf"{_START}(?P<low>{_NUM})\s?(?P<lu>{_UNIT})?\s?(?:~|\bto\b|\bbis\b|\.{{2,3}}|…|≤\s?[Tt]\w*\s?[<≤]|(?<=\s)-(?=\s)|-)\s?"
    rf"(?P<high>{_NUM})\s?(?P<hu>{_UNIT})?"
    rf"|{_START}(?:[<>≤≥]\s?)?(?P<num>{_NUM})\s?(?P<nu>{_UNIT})?"
    rf"(?:\s?[\[(]?\s?±\s?(?P<tol>{_NUM})\s?(?P<tu>{_UNIT}|%)?|\s?\(?\+\s?/?(?P<plus>{_NUM})?\s?(?:{_UNIT})?\s?[,/]\s?-\s?"
    rf"(?P<minus>{_NUM})\s?(?P<pu>{_UNIT})?)?")
_BARE_TOLERANCE = re.compile(rf"(?:±|\+\s?/\s?-)\s?{_NUM}\s?(?:{_UNIT})?")


@dataclass(frozen=True)
class Written:
    """A quantity in the catalogue's unit of its `dimension` ("" where none is printed).

    A range has `low` and `value` (its high end); `also` is the same quantity in other words: 4.85 A for 1.0C.
    """

    value: float
    dimension: str
    start: int
    end: int
    low: float | None = None
    tolerance: float | None = None
    also: "Written | None" = None

    @property
    def is_range(self) -> bool:
        return self.low is not None


def number_of(text: str) -> float:
    """ "4,800" is 4800, "4,2" is 4.2, "1.234,5" is 1234.5."""
    text = text.strip()
    if "," in text and "." in text:
        thousands = "," if text.rindex(".") > text.rindex(",") else "."
        text = text.replace(thousands, "")
    elif re.fullmatch(r"[-+]?[1-9]\d{0,2}(?:,\d{3})+", text):
        text = text.replace(",", "")
    if text.count(".") > 1 or text.count(",") > 1:
        raise ValueError(text)
    return float(text.replace(",", "."))


def quantities(text: str, unit: str = "", celsius: bool = False) -> list[Written]:
    """All quantities of a text in order; `unit` is for numbers without one, `celsius` reads "45 C" as a temperature.

    Tolerances are never values of their own; two units of one value are one quantity.
    """
    found: list[Written] = []
    for written in _scan(text, unit, celsius):
        before = text[found[-1].end:written.start] if found else ""
        if found and found[-1].also is None and _same_thing(found[-1], written, before):
            found[-1] = replace(found[-1], also=written, end=written.end)
        else:
            found.append(written)
    return found


def unit_named(text: str) -> str:
    """The unit in a column's or row's head, "" without one: "Current (A)", "Voltage [V]", "Unit: mm"."""
    hits = re.findall(rf"[\[(/,:]\s?({_UNIT})\s?[\])]?\s*$", text) or re.findall(rf"^({_UNIT})$", text.strip())
    return hits[-1] if hits else ""


def _scan(text: str, unit: str, celsius: bool) -> Iterator[Written]:
    blocked = [m.span() for m in _BARE_TOLERANCE.finditer(text)]
    at = 0
    while m := _PATTERN.search(text, at):
        at = m.end()
        try:
            written = _range(m, unit, celsius) if m["low"] else _single(m, unit, celsius)
        except ValueError:
            if m["low"]:  # "500 cycles to 3802 mAh" is no range: the first number stands alone
                at = m.end("lu") if m["lu"] else m.end("low")
                yield from _alone(m, unit, celsius)
            continue
        if not any(a <= written.start < b for a, b in blocked) and not re.match(r"[A-Za-z]", text[m.end():m.end() + 1]):
            yield written


def _alone(m: re.Match, unit: str, celsius: bool) -> Iterator[Written]:
    with suppress(ValueError):
        value, dimension = _canonical(number_of(m["low"]), m["lu"] or unit, celsius)
        yield Written(value, dimension, m.start("low"), m.end("lu") if m["lu"] else m.end("low"))


def _range(m: re.Match, unit: str, celsius: bool) -> Written:
    high_unit = m["hu"] or unit
    celsius = celsius or "°" in (m["lu"] or "") + high_unit
    low, dimension = _canonical(number_of(m["low"]), m["lu"] or high_unit, celsius)
    high, same = _canonical(number_of(m["high"].lstrip("+")), high_unit, celsius)
    if low > high and m["high"][0] != "-" or dimension != same:
        raise ValueError(m[0])
    return Written(max(low, high), same, m.start(), m.end(), low=min(low, high))


def _single(m: re.Match, unit: str, celsius: bool) -> Written:
    own = m["nu"] or m["tu"] or m["pu"] or unit
    value, dimension = _canonical(number_of(m["num"]), own if own != "%" or m["nu"] or unit == "%" else unit, celsius)
    width = m["tol"] or m["plus"] or m["minus"]
    tolerance = abs(number_of(width)) if width and (m["tu"] or "") != "%" else None
    if tolerance is not None and dimension in _PINT_OF and dimension != "degC":
        tolerance, _ = _canonical(tolerance, own, celsius)
    return Written(value, dimension, m.start(), m.end(), tolerance=tolerance)


def _canonical(value: float, unit: str, celsius: bool) -> tuple[float, str]:
    """(value in the catalogue's unit, dimension); no unit leaves the number as it is."""
    key = re.sub(r"[\s·.*]", "", unit).lower()
    key = re.sub(r"(ah)rs?$", r"\1", key)
    if key in ("c", "oc") and celsius:
        key = "°c"
    if key.startswith("amper"):
        key = "a"
    if not key:
        return value, ""
    dimension, name = _UNITS.get(key, ("", ""))
    if name and name != _PINT_OF.get(dimension):
        value = float(round(_registry().Quantity(value, name).to(_PINT_OF[dimension]).magnitude, 9))
    return value, dimension


@lru_cache(maxsize=1)
def _registry():
    import pint

    return pint.UnitRegistry(cache_folder=None)


_TWINS = (("A", "C"), ("C", "A"), ("g", "g"), ("mm", "mm"), ("degC", "degC"), ("Ah", "Wh"))


def _same_thing(first: Written, second: Written, between: str) -> bool:
    """Whether the second is the first in another unit: "1.0C (4.85A)", "500 mA / 0.2C", "45 °C (113 °F)"."""
    if not re.fullmatch(r"\s*[\[(/=,]\s*=?\s*", between) or (first.dimension, second.dimension) not in _TWINS[:5]:
        return False
    if first.dimension == second.dimension:
        return abs(first.value - second.value) <= 0.02 * max(1.0, abs(first.value)) and "(" in between
    return True


def texts_around(text: str, found: Sequence[Written]) -> Iterator[tuple[str, Written, str]]:
    """(text before it since the last quantity, quantity, text behind it up to the next)."""
    last = 0
    for i, written in enumerate(found):
        following = found[i + 1].start if i + 1 < len(found) else len(text)
        yield text[last:written.start], written, text[written.end:following]
        last = written.end
