"""From passages to the answer: the sentence that states what was asked, taken from the passage that is cited."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from retrieval.asked import Asked, asked
from retrieval.chunks import sentences
from retrieval.passages import Passage
from retrieval.topics import LABELS, unit_of
from retrieval.units import converted, number

MAX_BANDS = 4  # of a charge table told with the maximum current
_END = re.compile(r"_(min|max)_c$")
_VALUE = re.compile(r"(?P<label>[^:]+): (?P<value>-?\d+(?:\.\d+)?) (?P<unit>[^\s,;.()]+(?: per month)?)(?P<rest>.*)")
_WINDOW = re.compile(r"(?P<label>[^:]+): (?:(?P<low>-?[\d.]+) to (?P<high>-?[\d.]+)|from (?P<from>-?[\d.]+)|"
                     r"up to (?P<to>-?[\d.]+)) degC(?P<rest>.*)")
_BAND = re.compile(r"(?P<doing>Charging|Discharging) from (?P<low>-?[\d.]+) to (?P<high>-?[\d.]+) degC: ")
_SECONDARY = "Not from the maker's sheet, secondary source only: "
BANDED = {"charge_current_max_a": "Charging", "charge_current_rapid_a": "Charging",
          "charge_current_standard_a": "Charging", "discharge_current_max_continuous_a": "Discharging"}
MADE_BY = "maker"


@dataclass(frozen=True)
class Told:
    """A field as one passage (its place in the list given) tells it. `value` is None where it is not one number."""

    passage: int
    text: str
    value: float | None = None
    unit: str | None = None


@dataclass(frozen=True)
class Answer:
    """What is told of the fields asked for, what of them no passage states, and what is told instead."""

    told: tuple[Told, ...] = ()
    missing: tuple[str, ...] = ()  # labels
    instead: tuple[Told, ...] = ()


def answer(what: Asked, passages: Sequence[Passage]) -> Answer:
    """Answer for one cell from the passages about it.

    Several fields of one kind ("capacity" without saying which) are an answer as soon as one of them is stated.
    """
    told, missing, instead = [], [], []
    for thing in what.things:
        found = [t for name in thing for t in _tell(name, what, passages)]
        told += found
        if not found:
            missing += [label_of(name) for name in thing]
            instead += [t for name in what.others for t in _tell(name, what, passages)]
            instead += [Told(i, s) for i, s in _secondary(thing, passages)]
    return Answer(tuple(dict.fromkeys(told)), tuple(missing), tuple(instead))


def label_of(name: str) -> str:
    """How people read a field: "highest charging temperature"."""
    base = _END.sub("", name)
    if base != name:
        return f"{'lowest' if name.endswith('min_c') else 'highest'} {LABELS[base]}"
    return "maker" if name == MADE_BY else LABELS[name]


def _tell(name: str, what: Asked, passages: Sequence[Passage]) -> Iterable[Told]:
    """The field as the catalogue's passages tell it; where they do not, as a person's own files do."""
    if what.temperature_c is not None and name in BANDED:
        at_temperature = list(_at_temperature(name, what.temperature_c, passages))
        if at_temperature:
            return at_temperature
    if what.bands and name in BANDED and (bands := _bands(BANDED[name], passages)):
        return bands
    if what.disputed and (disputed := list(_disputed(name, passages))):
        return disputed
    own = [Told(i, s) for i, p in enumerate(passages) if p.kind == "file" for s in _in_file(name, p.text)]
    found = [t for i, p in enumerate(passages) if p.kind == "datasheet" for t in _in_catalogue(i, name, what, p)]
    if found and name == "charge_current_max_a":
        found += _bands("Charging", passages)[:MAX_BANDS]
    return (found or own[:2])


def _stated(passage: Passage) -> list[str]:
    """A catalogue passage's sentences without its heading "LG M50LT, voltage: "."""
    text = passage.text
    if passage.cell_model and text.startswith(passage.cell_model):
        text = text.partition(": ")[2]
    return sentences(text)


def _in_catalogue(i: int, name: str, what: Asked, passage: Passage) -> Iterable[Told]:
    end = _END.search(name)
    label = "Made by" if name == MADE_BY else LABELS[_END.sub("", name)]
    start = label if name == MADE_BY else f"{label[:1].upper()}{label[1:]}: "
    for sentence in _stated(passage):
        if not sentence.startswith(start):
            continue
        told = _one_end(i, sentence, end[1], what.unit) if end else _value(i, sentence, name, what.unit)
        if told:
            yield told


def _value(i: int, sentence: str, name: str, wanted: str | None) -> Told:
    """The sentence, with the value in the unit asked for as well."""
    match = _VALUE.match(sentence)
    if not match or not unit_of(name):
        return Told(i, sentence)
    value, unit = float(match["value"]), match["unit"]
    return Told(i, f"{match['label']}: {match['value']} {unit}{_also(value, unit, wanted)}{match['rest']}", value, unit)


def _one_end(i: int, sentence: str, end: str, wanted: str | None) -> Told | None:
    """One end of a temperature window, and the window."""
    match = _WINDOW.match(sentence)
    if not match:
        return None
    text = (match["low"] or match["from"]) if end == "min" else (match["high"] or match["to"])
    if text is None:
        return None
    label = match["label"][:1].lower() + match["label"][1:]
    window = f"; the window is {match['low']} to {match['high']} degC" if match["low"] else ""
    side = "Lowest" if end == "min" else "Highest"
    value = float(text)
    rest = match["rest"] if match["low"] else match["rest"].replace("; no maximum stated", "")
    return Told(i, f"{side} {label}: {text} degC{_also(value, 'degC', wanted)}{window}{rest}", value, "degC")


def _also(value: float, unit: str, wanted: str | None) -> str:
    other = converted(value, unit, wanted) if wanted and wanted != unit else None
    return "" if other is None else f" = {number(other)} {wanted}"


def _bands(doing: str, passages: Sequence[Passage]) -> list[Told]:
    return [Told(i, s) for i, p in enumerate(passages) if p.kind == "datasheet"
            for s in _stated(p) if (m := _BAND.match(s)) and m["doing"] == doing]


def _at_temperature(name: str, celsius: float, passages: Sequence[Passage]) -> Iterable[Told]:
    """The bands of a table that hold the temperature; outside the cell's window, that window."""
    doing = BANDED[name]
    window = f"{'charge' if doing == 'Charging' else 'discharge'}_temperature"
    for told in _bands(doing, passages):
        match = _BAND.match(told.text)
        if float(match["low"]) <= celsius <= float(match["high"]):
            yield told
    for i, passage in enumerate(passages):
        for sentence in _stated(passage) if passage.kind == "datasheet" else ():
            match = _WINDOW.match(sentence)
            if match and sentence.lower().startswith(LABELS[window]) and match["low"] and not (
                    float(match["low"]) <= celsius <= float(match["high"])):
                yield Told(i, f"{sentence.rstrip('.')}; {number(celsius)} degC is outside that.")


def _disputed(name: str, passages: Sequence[Passage]) -> Iterable[Told]:
    start = f"Sources disagree on {label_of(name)}: "
    return (Told(i, s) for i, p in enumerate(passages) for s in _stated(p) if s.startswith(start))


def _secondary(names: Iterable[str], passages: Sequence[Passage]) -> Iterable[tuple[int, str]]:
    labels = tuple(f"{_SECONDARY}{label_of(name)} " for name in names)
    for i, passage in enumerate(passages):
        for sentence in _stated(passage):
            if sentence.startswith(labels):
                yield i, sentence


def _in_file(name: str, text: str) -> Iterable[str]:
    """Sentences and rows of a person's own file that name the field and hold a number of its kind."""
    unit = unit_of(_END.sub("_c", name))
    for sentence in sentences(text):
        head = re.split(r"[-+]?\d", sentence, maxsplit=1)[0]
        if len(head) < len(sentence) and len(head.split()) <= 15 and name in _named_by(head) and _holds(sentence, unit):
            yield sentence


def _named_by(head: str) -> tuple[str, ...]:
    return asked(head).fields[:1] + asked(head).fields[1:]


def _holds(sentence: str, unit: str) -> bool:
    """Whether a number stands in the sentence and a unit of that kind beside it or in its row."""
    kinds = {"A": r"m?A|C", "V": r"m?V", "Ah": r"m?Ah", "degC": r"°\s?C|degC|℃|°F", "mOhm": r"m?(?:Ohm|Ω|ohm)s?",
             "Wh": r"k?Wh", "g": r"k?g", "mm": r"[mc]m", "min": r"min\w*|h(?:ours?)?", "cycles": r"cycles?|times"}
    return bool(re.search(rf"\d\s*(?:{kinds.get(unit, re.escape(unit))})(?![A-Za-z])|"
                          rf"\bUnit:?\s(?:{kinds.get(unit, re.escape(unit))})(?![A-Za-z])", sentence))
