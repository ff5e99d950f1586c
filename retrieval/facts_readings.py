"""What every row and line of a page says: quantities under the labels that name the catalogue's fields."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from retrieval.facts_bands import is_band_table
from retrieval.facts_labels import LEAST, MOST, field_of, side_of
from retrieval.parsing import Line, Page, Table
from retrieval.quantities_written import Written, quantities, texts_around, unit_named

MAX_QUOTE = 240
ROLES = (("min", re.compile(r"^min", re.I)), ("typ", re.compile(r"^(typ|nom|standard|avg|average)", re.I)),
         ("max", re.compile(r"^(max|limit)", re.I)), ("unit", re.compile(r"^(unit|einheit)", re.I)),
         ("note", re.compile(r"^(condition|remark|note|test|bemerk|comment)", re.I)),
         ("number", re.compile(r"^(no\b|no\.|nr\.?|#|item no|pos)", re.I)))
PREFERENCE = {"typ": 0, "": 1, "max": 2, "min": 3}  # of several columns of one row that state one field
_CLAUSE = re.compile(r"(?<=[a-z)])(?<!max)(?<!Max)(?<!min)(?<!Min)(?<!typ)(?<!Typ)(?<!std)(?<!Std)(?<!MAX)[.;] ")
_BOTH_SIDES = re.compile(r"(dis-?\s?)?charg\w*\W{0,3}(?:and|or|und|/|&|,)?\W{0,3}(dis-?\s?)?charg\w*", re.I)
_BEHIND = re.compile(r"\W{0,3}(cut-?\s?off|end|terminat\w*|taper|max\b|min\b|typ\b)", re.I)
_EXTREME = re.compile(r"\b(?:min|typ|max|nom)(?:imum|ical|inal)?\b\.?", re.I)
_NOT_EXCEED = re.compile(r"(?:must|shall|should|do|may) not (?:be )?exceed(?:ed)?|never exceed", re.I)


@dataclass(frozen=True)
class Reading:
    """A value on its way to a fact: in A or as a C-rate, at one place."""

    field: str
    written: Written
    role: str
    page: int | None
    at: int
    quote: str
    note: str = ""
    value: float | None = None  # one end of a window

    @property
    def number(self) -> float:
        return self.written.value if self.value is None else self.value


class Cell(NamedTuple):
    """A value's cell: the role and unit of its column, and its head where that says charge or discharge."""

    text: str
    role: str
    unit: str
    about: str


@dataclass(frozen=True)
class Row:
    """A labelled row."""

    label: str
    cells: tuple[Cell, ...]
    unit: str
    note: str


def places(page: Page) -> Iterator[tuple[Line | Table, tuple[str, ...] | None, int, str]]:
    """(block, row or None, offset in the page's text, quote) for every line and row of a page."""
    at = 0
    for block in page.blocks:
        for row in (None,) if isinstance(block, Line) else block.rows:
            quote = block.text if row is None else " | ".join(filter(None, row))
            yield block, row, at, quote[:MAX_QUOTE]
            at += len(quote) + 1


def readings_of(page: Page) -> Iterator[Reading]:
    """Every value of a page with its field, page and quote; currents by temperature are read elsewhere."""
    carried = ""
    for block, cells, at, quote in places(page):
        if isinstance(block, Table) and is_band_table(block):
            continue
        if isinstance(block, Table):
            row = _row(block, cells, carried)
            carried = row.label
            found = list(_of_row(row))
        else:
            found = list(_of_line(block))
            carried = ""
        yield from (replace(reading, page=page.number, at=at, quote=quote) for reading in found)


def _row(table: Table, cells: tuple[str, ...], carried: str) -> Row:
    """Label, values, unit and note of a table's row; an empty first cell takes the label of the row above."""
    roles = [next((role for role, pattern in ROLES if pattern.match(head)), "") for head in table.header]
    roles += [""] * (len(cells) - len(roles))
    label, values, unit, notes = [], [], "", []
    for i, (role, text) in enumerate(zip(roles, cells, strict=True)):
        numbered = re.fullmatch(r"\(?\d{1,2}(?:\.\d{1,2})*\)?\.?", text) and not values and not label
        if role == "number" or not text or (numbered and i == 0 and len(cells) > 2):
            continue
        if role == "note":
            notes.append(text)
        elif role == "unit" or (values and re.fullmatch(r"\S{1,5}", text) and unit_named(text)):
            unit = text
        elif role not in ("min", "typ", "max") and not values and (
                not re.search(r"\d", text) or (not label and not _measured(text))):
            label.append(text)
        else:
            head = table.header[i] if i < len(table.header) else ""
            values.append(Cell(text, role, unit_named(head), head if side_of(head) else ""))
    if cells and not cells[0] and label and carried:
        label.insert(0, carried.split(" — ")[0])
    elif not label and carried and not cells[0]:
        label = [carried]
    words = " — ".join(label) or (cells[0] if not values else "")
    return Row(words, tuple(values), unit_named(unit) or unit_named(words), "; ".join(notes))


def _measured(text: str) -> bool:
    """Whether a cell holds a value: a bare number, or one with a unit."""
    return any(w.dimension or text.strip() == text[w.start:w.end].strip() for w in quantities(text))


def _of_row(row: Row) -> Iterator[Reading]:
    """Of Min, Typ and Max columns the reading that says what the field means; of other columns all."""
    found: dict[str, list[Reading]] = {}
    for cell in row.cells:
        label = f"{cell.about} {row.label}".strip()
        for reading in _of_text(cell.text, label, cell.unit or row.unit, cell.role):
            found.setdefault(reading.field, []).append(replace(reading, note=joined(reading.note, row.note)))
    for readings in found.values():
        best = min(PREFERENCE[reading.role] for reading in readings)
        yield from (reading for reading in readings if PREFERENCE[reading.role] == best)
    yield from _sizes(" ".join(cell.text for cell in row.cells), row.label, row.unit)


def _of_line(line: Line) -> Iterator[Reading]:
    """A line of text; with wide gaps, a label and the values beside it."""
    if len(line.segments) == 1:
        label, colon, rest = line.text.partition(":")
        if colon and len(label) < 60 and not quantities(label):
            yield from _of_text(rest, label, "", "")
            yield from _sizes(rest, label, "")
        else:
            yield from _of_text(line.text, "", "", "")
            yield from _sizes(line.text, line.text, "")
        return
    label = ""
    for segment in line.segments:
        found = quantities(segment)
        lead = segment[:found[0].start] if found else segment
        if not found or side_of(lead) or len(re.findall(r"[^\W\d]{3,}", lead)) > 1:
            label = segment if not found else lead
            if found:
                yield from _of_text(segment, "", "", "")
        else:
            yield from _of_text(segment, label, "", "")
        yield from _sizes(segment, label, "")


def _of_text(text: str, label: str, unit: str, role: str) -> Iterator[Reading]:
    """Every quantity of a text that a label before it (or the row's) names."""
    text = _NOT_EXCEED.sub("max", text)
    celsius = "°" not in text and bool(re.search(r"temp|stor|operat|lager", f"{label} {text}", re.I))
    found = quantities(text, unit, celsius)
    lead = label or (text[:found[0].start] if found else "")
    if sides := _sides(lead, found):
        for written, side in zip(found, sides, strict=True):
            yield from _named(_BOTH_SIDES.sub(side, lead, count=1), written, role, "")
        return
    for before, written, behind in texts_around(text, found):
        tried = (list(_named(words, written, role, _condition(behind)))
                 for words in _labels(before, behind, lead, role, bool(label)))
        yield from next((readings for readings in tried if readings), [])


def _sides(label: str, found: list[Written]) -> tuple[str, ...]:
    """("charge", "discharge") in the label's order where it names both for two values: "charge / discharge current"."""
    both = _BOTH_SIDES.search(label)
    if not both or side_of(label) or len(found) != 2 or found[0].dimension != found[1].dimension:
        return ()
    return ("discharge", "charge") if both[1] else ("charge", "discharge")


def _labels(before: str, behind: str, lead: str, role: str, is_row: bool) -> Iterator[str]:
    """Labels to try for a quantity, the nearest first: its own words, then those of its row or of its line's begin.

    A line's begin speaks for a later value only where few words stand between: not across a sentence.
    """
    *earlier, local = _CLAUSE.split(before)
    local, after = local[-80:], _BEHIND.match(behind)
    if after and not _EXTREME.search(local):
        local += f" {after[1]}"
    yield f"{local} {role}"
    if is_row or (not earlier and len(re.findall(r"[^\W\d]{2,}", local)) <= 3):
        stem = lead if local.strip() in ("", lead.strip()) else _EXTREME.sub(" ", lead)
        yield f"{stem} {local} {role}"


def _named(label: str, written: Written, role: str, note: str) -> Iterator[Reading]:
    """The readings of one quantity under one label; none where the label means no field."""
    dimension = written.dimension
    if not dimension and re.search(r"cycle|zyklen", label, re.I) and 50 <= written.value <= 50_000:
        dimension = "cycles"
    if dimension == "V" and written.is_range:
        yield from _voltage_window(label, written, role, note)
        return
    field = field_of(label, dimension)
    if field is None:
        return
    if not field.endswith("_temperature"):
        if not written.is_range:
            yield Reading(field, written, role, None, 0, "", joined(_tolerance(written), note))
        return
    ends = {"min": written.low, "max": written.value} if written.is_range else {}
    if not ends:
        least, most = (role == "min" or bool(LEAST.search(label)), role == "max" or bool(MOST.search(label)))
        ends = {"min": written.value} if least and not most else {"max": written.value} if most and not least else {}
    for end, value in ends.items():
        yield Reading(f"{field}_{end}_c", written, "", None, 0, "", note, value=value)


def _voltage_window(label: str, written: Written, role: str, note: str) -> Iterator[Reading]:
    """ "Operating voltage 2.5 ~ 4.2 V": both cut-offs."""
    if re.search(r"operat|work|window|range|betriebs", label, re.I) and re.search(r"volt|spannung", label, re.I):
        for field, value in (("voltage_discharge_cutoff_v", written.low), ("voltage_charge_cutoff_v", written.value)):
            yield Reading(field, written, role, None, 0, "", joined("operating range", note), value=value)


_SIZE = re.compile(r"(?P<a>\d+(?:[.,]\d+)?)(?:\s?(?:±|\+)[^x×*]{1,12})?\s?(?:mm)?\s?[x×*]\s?(?P<b>\d+(?:[.,]\d+)?)"
                   r"(?:\s?(?:±|\+)[^x×*]{1,12})?\s?(?:mm)?(?:\s?[x×*]\s?(?P<c>\d+(?:[.,]\d+)?))?\s?"
                   r"(?P<unit>mm)?", re.I)


def _sizes(text: str, label: str, unit: str) -> Iterator[Reading]:
    """ "18.4 × 65.2 mm" of a round cell; "(L × W × H) 174 × 72 × 205 mm" of a square one, where the order is said."""
    m = _SIZE.search(text)
    if not m or not re.search(r"dimension|size|abmess|L\s?[x×*]|Ø|diameter", f"{label} {text}", re.I):
        return
    if not (m["unit"] or unit == "mm" or "mm" in text):
        return
    order = re.search(r"\b([LWHTD])\s?[x×*]\s?([LWHTD])(?:\s?[x×*]\s?([LWHTD]))?", f"{label} {text}")
    names = {"L": "length_mm", "W": "width_mm", "H": "height_mm", "T": "thickness_mm", "D": "diameter_mm"}
    if order and bool(order[3]) == bool(m["c"]):
        fields = [names[letter] for letter in order.groups() if letter]
    elif not m["c"] and not order:
        fields = ["diameter_mm", "height_mm"]
    else:
        return
    for field, number in zip(fields, filter(None, m.group("a", "b", "c")), strict=True):
        value = float(number.replace(",", "."))
        yield Reading(field, Written(value, "mm", m.start(), m.end()), "", None, 0, "")


def _tolerance(written: Written) -> str:
    return f"± {written.tolerance:g}" if written.tolerance else ""


def _condition(behind: str) -> str:
    """What is said right behind a value in brackets or with "at"."""
    m = re.match(r"\s*(?:[A-Za-z]{1,6}\s?)?\(([^()]{2,70})\)?|\s*,?\s*((?:at|@|bei)\b[^;.]{2,50})", behind)
    return (m[1] or m[2]).strip(" ,") if m else ""


def joined(*notes: str) -> str:
    """Notes in one, each once."""
    return "; ".join(dict.fromkeys(note for note in notes if note))[:160]
