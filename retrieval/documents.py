"""The catalogue as documents: every stated value with its unit, its qualifier and its source, in sentences."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from retrieval.chunks import chunks
from retrieval.passages import Passage
from retrieval.topics import LABELS, TOPICS, Topic, unit_of
from tools.cells import Cell, DeratingPoint, load_catalogue


def datasheet_passages() -> list[Passage]:
    """All cells' documents, one passage or a few per cell and topic."""
    return [passage for cell in load_catalogue() for passage in cell_passages(cell)]


def cell_passages(cell: Cell) -> list[Passage]:
    """One cell's document: its topics in order, then what the sources disagree on, then remarks."""
    groups = [(t.title, t.hints, _fields_told(cell, t), topic_sentences(cell, t)) for t in TOPICS]
    groups.append(("conflicts between sources", "disagree, contradiction, different values, which is right, revisions",
                   [], _conflicts(cell)))
    groups.append(("remarks", "notes, sources, reliability", [], _remarks(cell)))
    return [_passage(cell, title, hints, fields, f"{cell.name}, {title}: {text}")
            for title, hints, fields, told in groups
            for text in chunks(" ".join(told), repeat=False)]


def document_name(cell: Cell) -> str:
    """Name to cite: the cell and its document's number, revision and date where they are known."""
    document = cell.facts.get("document", {})
    parts = [document.get("number"), f"revision {document['revision']}" if document.get("revision") else None,
             document.get("date")]
    return f"{cell.name}: " + (", ".join(p for p in parts if p) or "catalogue facts")


def _passage(cell: Cell, title: str, hints: str, fields: list[str], text: str) -> Passage:
    sources = list(dict.fromkeys(cell.source_of(f) for f in fields)) or [entry["ref"] for entry in cell.source]
    names = ", ".join(dict.fromkeys((cell.name, cell.model, *cell.aliases)))
    return Passage(document=document_name(cell), text=text, kind="datasheet", public=True, cell_model=cell.name,
                   source="; ".join(sources), names=names, hints=f"{title}: {hints}")


def topic_sentences(cell: Cell, topic: Topic) -> list[str]:
    """What the sources state on a topic, then what was asked for and they do not."""
    told, missing = [], []
    for field, label in topic.fields:
        found = _told(cell, field, label)
        told += found
        if not found and field in topic.asked:
            missing.append(label)
    told += [s for field, _ in topic.fields for s in _secondary(cell, field)]
    if missing:
        told.append(f"Not stated in the sources read: {', '.join(missing)}.")
    return told


def _told(cell: Cell, field: str, label: str) -> list[str]:
    """Sentences for one field; most are one value, some are tables."""
    if field == "chemistry":
        return [f"Made by {cell.manufacturer} as {cell.model}.", f"Chemistry: {cell.chemistry_stated}."]
    if field.endswith("_temperature"):
        return _window(cell, field, label) + (_storage(cell) if field == "storage_temperature" else [])
    told = _value(cell, field, label)
    if field == "charge_current_max_a":
        told += _charge_table(cell) if cell.charge_derating_points else _charge_bands(cell)
    if field == "discharge_current_max_continuous_a":
        told += [_band("Discharging", band) for band in cell.discharge_derating]
    if field == "cycle_life_cycles" and cell.cycle_life:
        told = told if field in cell.qualifiers else []  # a bare count misleads where its conditions are known
        told += [_cycling(entry) for entry in cell.cycle_life]
    return told


def _fields_told(cell: Cell, topic: Topic) -> list[str]:
    names = [n for field, _ in topic.fields for n in (field, f"{field}_min_c", f"{field}_max_c")]
    return [n for n in names if n in cell.facts] or ["document"]


def _value(cell: Cell, field: str, label: str) -> list[str]:
    if field not in cell.facts:
        return []
    remarks = [cell.qualifiers.get(field), _source_remark(cell, field), _disputed(cell, field)]
    return [f"{_capital(label)}: {measured(cell.facts[field], field)}{_bracket(remarks)}."]


def _window(cell: Cell, field: str, label: str) -> list[str]:
    low, high = cell.facts.get(f"{field}_min_c"), cell.facts.get(f"{field}_max_c")
    if low is None and high is None:
        return []
    span = (f"from {_number(low)} degC; no maximum stated" if high is None else
            f"up to {_number(high)} degC; no minimum stated" if low is None else
            f"{_number(low)} to {_number(high)} degC")
    ends = (f"{field}_min_c", f"{field}_max_c")
    remarks = [about for end in ends for about in (cell.qualifiers.get(end), _source_remark(cell, end))]
    remarks += [_disputed(cell, f) for f in (*ends, field)]
    return [f"{_capital(label)}: {span}{_bracket(remarks)}."]


def _storage(cell: Cell) -> list[str]:
    return [f"Stored for {row['duration']}: {_number(row['temp_min_c'])} to {_number(row['temp_max_c'])} degC."
            for row in cell.storage_temperature]


def _charge_bands(cell: Cell) -> list[str]:
    return [_band("Charging", band.model_dump(exclude_none=True)) for band in cell.charge_derating]


def _band(doing: str, band: dict[str, Any]) -> str:
    """A temperature band: "Charging from 0 to 25 degC: at most 0.3C (1.44 A)."."""
    rate, current = band.get("c_rate_max"), band.get("current_max_a")
    limit = f"at most {_number(rate)}C" if rate is not None else ""
    if current is not None:
        limit += f" ({_number(current)} A)" if limit else f"at most {_number(current)} A"
    if rate == 0 or current == 0:
        limit = "not allowed (0 A)"
    remarks = [f"up to {_number(band['voltage_max_v'])} V" if "voltage_max_v" in band else None,
               f"up to {_number(band['soc_max_pct'])} % SOC" if "soc_max_pct" in band else None,
               band["basis"] if band["basis"] != "as stated" else None]
    return (f"{doing} from {_number(band['temp_min_c'])} to {_number(band['temp_max_c'])} degC: "
            f"{limit or 'no number stated'}{_bracket(remarks)}.")


def _charge_table(cell: Cell) -> list[str]:
    """Between two printed break points the lower rate is told: how the sheet interpolates is not known."""
    points, told = cell.charge_derating_points, []
    for low, high in pairwise(points):
        below, above = (min(low.c_rate_at(soc), high.c_rate_at(soc)) for soc in (0, 100))
        limit = _rate(cell, below) + (f" below 80 % SOC and {_rate(cell, above)} above" if above != below else "")
        derived = "" if low.c_rate_at(0) == high.c_rate_at(0) else ", the lower of two printed points"
        told.append(f"Charging from {_number(low.temp_c)} to {_number(high.temp_c)} degC: at most {limit}{derived}.")
    printed = "; ".join(f"{_number(p.temp_c)} degC {_printed_rate(p)}" for p in points)
    remark = _bracket([cell.qualifiers.get("charge_derating_points")])
    return [*told, f"Printed break points of the charge table: {printed}{remark}."]


def _rate(cell: Cell, c_rate: float) -> str:
    capacity = cell.capacity_nominal_ah
    return f"{_number(c_rate)}C" + (f" ({_number(c_rate * capacity)} A)" if capacity else "")


def _printed_rate(point: DeratingPoint) -> str:
    below, above = point.soc_below_80_c_rate_max, point.soc_above_80_c_rate_max
    if point.c_rate_max is not None:
        return f"{_number(point.c_rate_max)}C"
    return f"{_number(below)}C" if below == above else f"{_number(below)}C below 80 % SOC, {_number(above)}C above"


def _cycling(entry: dict[str, Any]) -> str:
    temperature = entry.get("temperature_c")
    conditions = [f"basis {entry['retention_basis']}", f"charge {entry['charge']}", f"discharge {entry['discharge']}"]
    if temperature is not None:
        conditions.append(f"{temperature} degC" if isinstance(temperature, int | float) else f"at {temperature}")
    if entry.get("clamp_kgf"):
        conditions.append(f"clamped with {entry['clamp_kgf']} kgf")
    kept = entry.get("retention_min_pct")
    left = f"with at least {_number(kept)} % left" if kept is not None else "retention not stated"
    return f"Cycle life: {_number(entry['cycles'])} cycles, {left} ({'; '.join(conditions)})."


def _secondary(cell: Cell, field: str) -> list[str]:
    return [_secondary_sentence(entry) for entry in cell.secondary_values if entry["field"] == field]


def _secondary_sentence(entry: dict[str, Any]) -> str:
    label = LABELS.get(entry["field"], entry["field"].replace("_", " "))
    value = measured(entry["value"], entry["field"])
    return f"Not from the maker's sheet, secondary source only: {label} {value}" + _bracket(
        [entry["source"], entry["why_secondary"]]) + "."


def _conflicts(cell: Cell) -> list[str]:
    told = []
    for conflict in cell.conflicts:
        field = conflict["field"]
        values = "; ".join(f"{measured(v['value'], field)} ({v['source']})" for v in conflict["values"])
        note = f"; {conflict['note']}" if conflict.get("note") else ""
        told.append(f"Sources disagree on {LABELS.get(field, field.replace('_', ' '))}: {values}{note}.")
    return told


def _remarks(cell: Cell) -> list[str]:
    known = set(LABELS)
    told = [_sentence(note) for note in cell.notes]
    told += [_secondary_sentence(entry) for entry in cell.secondary_values if entry["field"] not in known]
    sources = "; ".join(f"{s['key']} is {s['kind']}, reliability {s['reliability']}" for s in cell.source)
    return [*told, f"Sources, reliability from A (the datasheet itself was read) to D: {sources}."]


def _source_remark(cell: Cell, field: str) -> str | None:
    """The source's key where a value was not read in the cell's first source."""
    index = cell.source_by_field.get(field, 0)
    return f"from {cell.source[index]['key']}, reliability {cell.source[index]['reliability']}" if index else None


def _disputed(cell: Cell, field: str) -> str | None:
    return "sources disagree, see conflicts" if any(c["field"] == field for c in cell.conflicts) else None


def _bracket(remarks: Iterable[str | None]) -> str:
    told = dict.fromkeys(remark for remark in remarks if remark)
    return f" ({'; '.join(told)})" if told else ""


def measured(value: Any, field: str) -> str:
    """A value with its unit; words stand as they are."""
    return f"{_number(value)} {unit_of(field)}".strip() if isinstance(value, int | float) else str(value)


def _number(value: Any) -> str:
    return f"{value:.10g}" if isinstance(value, int | float) else str(value)


def _sentence(text: str) -> str:
    return text if text.endswith(".") else text + "."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
