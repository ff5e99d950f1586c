"""A second opinion on an answer's numbers: where each comes from, by rules that share no code with the grounding check.

Units are converted by Pint. A number is traced when the conversation, a call's arguments or its result states it, up to
the rounding it shows, a unit conversion, or cells in parallel and series and the capacity that the same result names.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

ROUNDING = 0.05  # a rounded figure further off than this says something else
CURVE = 12  # a longer list of bare numbers is a curve that no answer quotes
_UNITS = {  # as written, or as the last part of a field's name -> Pint's name
    "%": "percent", "percent": "percent", "prozent": "percent", "per cent": "percent", "°c": "degC", "degc": "degC",
    "°": "degC", "degrees": "degC", "grad": "degC", "c": "degC", "°f": "degF", "degf": "degF", "fahrenheit": "degF",
    "k": "delta_degC", "C": "c_rate", "c rate": "c_rate", "c-rate": "c_rate", "a": "ampere", "amps": "ampere",
    "ampere": "ampere", "amperes": "ampere", "ma": "milliampere", "v": "volt", "volt": "volt", "volts": "volt",
    "mv": "millivolt", "s": "second", "min": "minute", "minutes": "minute", "minuten": "minute", "h": "hour",
    "hours": "hour", "stunden": "hour", "days": "day", "tage": "day", "weeks": "week", "wochen": "week",
    "months": "month", "monate": "month", "monaten": "month", "years": "year", "year": "year", "jahre": "year",
    "jahren": "year", "ah": "ampere_hour", "mah": "milliampere_hour", "wh": "watt_hour", "kwh": "kilowatt_hour",
    "w": "watt", "mohm": "milliohm", "mω": "milliohm", "ohm": "ohm", "g": "gram", "kg": "kilogram", "mm": "millimeter"}
_WRITTEN = "|".join(re.escape(u) for u in sorted((*_UNITS, "cells", "cycles"), key=len, reverse=True))
_DIGITS = r"(?<![\w.,:])([-−]?\d+(?:\.\d+|,\d{1,2}(?!\d))?(?:e[-+]\d+)?)"
_NUMBER = re.compile(_DIGITS + rf"(?:[\s-]*({_WRITTEN})(?![A-Za-z]))?", re.IGNORECASE)
_OVER = re.compile(r"\bC\s*/\s*(\d+)\b")
_RANGE = re.compile(r"\s*(?:to|bis|and|und|-|–)\s*$")
_MOMENT = re.compile(r"\b\d{4}-\d{2}(?:-\d{2})?(?:[T ]\d{2}:\d{2})?|\b\d{1,2}:\d{2}\b")
_BAND = re.compile(r"90[\s-]*%[\s-]*(?:band|inter)", re.IGNORECASE)  # what every interval of a result covers
_ASSET = re.compile(r"\bPK-\d{4}(?:-C\d+)?|\bUP-[0-9A-F]+")
_NAMES = re.compile(r"\bPK-\d+(?:-C\d+)?|\bUP-[0-9a-f]+|\[\d+(?:, ?\d+)*\]|(?m:^\s*\d{1,2}[.)](?=\s))"
                    r"|\b[A-Za-z][A-Za-z]*[-_]?\d[\w-]*|\b(?:18650|21700|26650|26700|32700)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Number:
    """A number and its unit (Pint's name; None: none was written), `step` half of its last digit.

    `loose`: it stood without a unit in a text, so that it may be of any.
    """

    text: str
    value: float
    unit: str | None
    step: float = 0.0
    loose: bool = False


@dataclass(frozen=True)
class Traced:
    """What became of an answer's numbers: how many, those from nowhere, and those whose unit is wrong or missing."""

    numbers: int
    untraced: tuple[str, ...]
    wrong_units: tuple[str, ...]


def trace(answer: str, calls: Sequence[dict[str, Any]], conversation: Iterable[str]) -> Traced:
    """Every number, date and asset of an answer held against calls ({arguments, result, read}) and what was said."""
    told = list(conversation)
    sources = [n for text in told for n in numbers(text)]
    sources += [n for call in calls for part in ("arguments", "result", "read") for n in _stated(call.get(part) or {})]
    moments = {m for text in (*told, *(t for call in calls for t in _texts(call))) for m in _MOMENT.findall(text)}
    if any(name.endswith("low_percent") for call in calls for name, _ in _leaves(call)):
        answer = _BAND.sub(" ", answer)
    found = numbers(answer)
    untraced = [m for m in _MOMENT.findall(answer) if m not in moments] + _strangers(answer, calls, told)
    wrong = []
    for number in found:
        if any(same(number, source) for source in sources):
            if number.unit is None and all(s.unit and not s.loose for s in sources if same(number, s)):
                wrong.append(number.text)
        elif number.unit and any(_close(number, s.value) for s in sources if s.unit):
            wrong.append(number.text)
        else:
            untraced.append(number.text)
    return Traced(len(found) + len(_MOMENT.findall(answer)), tuple(untraced), tuple(wrong))


def _strangers(answer: str, calls: Sequence[dict[str, Any]], told: Iterable[str]) -> list[str]:
    """Packs and cells that neither the calls nor the conversation name; without a call an id is only an example."""
    named = set(_ASSET.findall(f"{calls} {' '.join(told)}".upper()))
    return [asset for asset in _ASSET.findall(answer.upper()) if asset not in named] if calls else []


def numbers(text: str) -> list[Number]:
    """The numbers of a text; ids, citations, dates, cell names and list numerals are none."""
    text = _cells().sub(" ", _MOMENT.sub(" ", text))
    text = _NAMES.sub(lambda m: m[0] if re.match(r"[Cc]/", m[0]) else " ", text)
    found = [Number(m[0], 1 / int(m[1]), "c_rate", 0.01 / int(m[1])) for m in _OVER.finditer(text) if int(m[1])]
    text = _OVER.sub(" ", text)
    matches = list(_NUMBER.finditer(text))
    for i, match in enumerate(matches):
        unit, digits = match[2], match[1].replace("−", "-").replace(",", ".")
        later = matches[i + 1] if i + 1 < len(matches) else None
        if not unit and later and _RANGE.fullmatch(text[match.end():later.start()]):
            unit = later[2]  # "20 to 80 %"
        mantissa, _, exponent = digits.lower().partition("e")
        step = 0.5 * 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
        name = _UNITS.get("C" if unit == "C" else unit.lower()) if unit else None
        found.append(Number(match[0].strip(), float(digits), name, step, loose=not unit))
    return found


def same(claim: Number, source: Number) -> bool:
    """Whether the source states the claim, up to rounding and a conversion."""
    if claim.unit is None or source.loose:
        return _close(claim, source.value)
    if source.unit is None:
        return False
    return any(_close(claim, value) for value in _converted(source, claim.unit))


def _close(claim: Number, true: float) -> bool:
    off = abs(claim.value - true)
    degrees = claim.unit in ("degC", "degF")
    return off <= 1e-9 + claim.step * 1.000001 and (degrees or off <= 1e-9 + ROUNDING * abs(true))


@lru_cache(maxsize=4096)
def _converted(source: Number, unit: str) -> tuple[float, ...]:
    units = _registry()
    if source.unit == unit:
        return (source.value,)
    if {source.unit, unit} == {"degC", "delta_degC"}:  # "5 K cooler" and "5 °C cooler"
        return (source.value,)
    if not units.Unit(source.unit).is_compatible_with(unit):
        return ()
    return (units.Quantity(source.value, source.unit).to(unit).magnitude,)


@lru_cache(maxsize=1)
def _registry():
    from pint import UnitRegistry

    registry = UnitRegistry(autoconvert_offset_to_baseunit=True)
    registry.define("c_rate = [charging_rate]")
    return registry


@lru_cache(maxsize=1)
def _cells() -> re.Pattern:
    from tools.cells import load_catalogue

    names = {s for c in load_catalogue() for s in (c.id, c.name, c.model, *c.aliases) if any(map(str.isdigit, s))}
    return re.compile("|".join(map(re.escape, sorted(names, key=len, reverse=True))), re.IGNORECASE)


def _stated(result: dict[str, Any]) -> Iterator[Number]:
    """Every number of a result or of arguments, those in its texts and field names too, and what follows from them."""
    plain = [n for name, value in _leaves(result) for n in _leaf(name, value)]
    yield from plain
    counts = {name: value for name, value in _leaves(result) if name in ("parallel", "series")}
    capacities = {value for name, value in _leaves(result) if "capacity" in name and name.endswith("_ah")}
    for number in plain:
        if number.unit == "ampere":
            yield from (Number("", f(number.value), "ampere") for n in [counts.get("parallel")] if n
                        for f in (lambda x, n=n: x * n, lambda x, n=n: x / n))
            yield from (Number("", number.value / ah, "c_rate") for ah in capacities if ah)
        if number.unit == "volt" and counts.get("series"):
            yield from (Number("", v, "volt") for v in (number.value * counts["series"],
                                                        number.value / counts["series"]))
        if number.unit == "c_rate":
            yield from (Number("", number.value * ah, "ampere") for ah in capacities)


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, name if key == "value" else str(key))
    elif isinstance(value, list | tuple):
        if len(value) <= CURVE or not all(isinstance(v, int | float | None) for v in value):
            for inner in value:
                yield from _leaves(inner, name)
    elif value is not None and not isinstance(value, bool):
        yield name, value


def _leaf(name: str, value: Any) -> Iterator[Number]:
    if any(map(str.isdigit, name)):  # years_to_80_percent states 80 %
        yield from numbers(name.replace("_", " "))
    if isinstance(value, str):
        yield from numbers(value)
    else:
        yield Number(f"{name} {value:g}", float(value), _unit_of(name))


def _unit_of(field: str) -> str | None:
    if field.endswith("c_rate"):
        return "c_rate"
    if field.startswith("years_to"):
        return "year"
    return _UNITS.get(field.rpartition("_")[2]) if "_" in field or field == "years" else None


def _texts(value: Any) -> Iterator[str]:
    yield from (leaf for _, leaf in _leaves(value) if isinstance(leaf, str))
