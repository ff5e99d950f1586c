"""Confirmed facts laid over the catalogue: a new cell, a limit tightened, a gap filled; never a limit widened unasked.

Whether a fact widens is not read off its field but found out: the limits before and after are compared wherever
they can change.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from tools.cells import Cell, DeratingBand
from tools.envelope import Limits, limits
from tools.errors import CannotAnswer
from tools.facts import BANDS, DocumentFacts, Fact, same_value, told

Effect = Literal["adds", "agrees", "tightens", "widens", "differs"]
LIMITING = ("capacity_nominal_ah", "capacity_rated_ah", "capacity_minimum_ah", "voltage_charge_cutoff_v",
            "charge_current_standard_a", "charge_current_rapid_a", "charge_current_max_a", "charge_temperature_min_c",
            "charge_temperature_max_c", "charge_derating")
NEEDED = ("voltage_charge_cutoff_v",)  # and a capacity: without them nothing about a new cell's charge is known
CAPACITIES = ("capacity_nominal_ah", "capacity_rated_ah", "capacity_minimum_ah")
_LEGAL_FORM = re.compile(r"\b(?:ltd|inc|co|corp|corporation|company|gmbh|ag|llc|limited|technology|technologies|energy|"
                         r"battery|batteries|cells|group)\b\.?,?", re.I)
_RANGE = re.compile(r"(-?\d+(?:\.\d+)?)\s?(?:°C)?\s?(?:~|to|-)\s?(-?\d+(?:\.\d+)?)\s?°C")


def laid_over(cell: Cell, fact: Fact, document: str, widen: bool = False) -> tuple[Cell, Effect, str]:
    """(the cell with the fact, what the fact did, why in words).

    A fact that widens a limit, or differs from a stated value without touching a limit, changes nothing but the
    cell's list of conflicts. With `widen` a fact on a limit counts instead of what is stated, even so. Both values
    stay visible either way.
    """
    stated = _stated(cell, fact.field)
    if stated is not None and same_value(stated, _comparable(fact)):
        return cell, "agrees", "the catalogue states the same"
    if fact.field not in LIMITING or (fact.field in CAPACITIES and stated is not None):
        if stated is None:
            return _with(cell, fact, document, None), "adds", "the catalogue is silent on it"
        return _disputed(cell, fact, document), "differs", f"the catalogue states {told(fact.field, stated)}"
    instead = _with(_disputed(cell, fact, document), fact, document, stated, instead=True)
    loose = loosened(cell, instead)
    why = f"it would allow {loose.after} instead of {loose.before} {loose.where}" if loose else (
        f"the catalogue states {told(fact.field, stated)}" if stated is not None else "the catalogue is silent on it")
    if widen and (loose or not loosened(instead, cell)):
        return instead, "widens", why
    changed = _with(cell, fact, document, stated)
    if loosened(cell, changed):
        return _disputed(cell, fact, document), "widens", why
    if tight := loosened(changed, cell):
        conflict = cell if stated is None else _disputed(cell, fact, document)
        return (_with(conflict, fact, document, stated), "tightens",
                f"{tight.before} {tight.where} where the catalogue alone allows {tight.after}")
    if stated is None:
        return changed, "adds", why
    return _disputed(cell, fact, document), "widens" if loose else "differs", why


def new_cell(stated: DocumentFacts, facts: tuple[Fact, ...]) -> Cell | None:
    """A cell from confirmed facts alone; None until its capacity and charge voltage are among them."""
    values = {fact.field: fact for fact in facts}
    if not all(name in values for name in NEEDED) or not any(name in values for name in CAPACITIES):
        return None
    maker = _LEGAL_FORM.sub("", stated.manufacturer).strip(" ,.") or "Own"
    named = maker == "Own" or stated.model.lower().startswith(maker.lower())
    name = stated.model if named else f"{maker} {stated.model}"
    cell = Cell(
        id=cell_id(stated), manufacturer=maker, model=stated.model, name=name, aliases=(), chemistry=stated.chemistry,
        chemistry_stated=stated.chemistry,
        facts={f.field: f.value for f in facts if f.field not in BANDS} | (
            {"format": stated.format} if stated.format else {}),
        qualifiers={f.field: f.qualifier for f in facts if f.qualifier},
        confirmed={f.field: _from(f, stated.document) for f in facts},
        source=({"key": stated.document, "ref": stated.document, "kind": "a document of your own, confirmed",
                 "reliability": "C"},), source_reliability="C")
    bands = _new_bands(cell, values, stated.document)
    discharge = values.get("discharge_derating")
    return cell.model_copy(update={"charge_derating": bands, "discharge_derating": tuple(
        {**band, "basis": _from(discharge, stated.document)} for band in (discharge.value if discharge else ()))})


def cell_id(stated: DocumentFacts) -> str:
    """Catalogue id of a new cell: maker and model in small letters with hyphens."""
    return "own-" + re.sub(r"[^a-z0-9]+", "-", f"{stated.manufacturer} {stated.model}".lower()).strip("-")


class Looser(NamedTuple):
    """Where one cell's limits allow more than another's: "4 A" before, "5 A" after, "at 10 °C"."""

    before: str
    after: str
    where: str


def loosened(before: Cell, after: Cell) -> Looser | None:
    """The first place where `after` may be charged harder than `before`; None where there is none."""
    for envelope in ("datasheet", "physics"):
        for temperature_c in _telling_temperatures(before, after):
            for soc in (0.0, 74.9, 75.1, 79.9, 80.0, 100.0):
                old, new = (_limits(cell, temperature_c, soc, envelope) for cell in (before, after))
                if new is None or new.max_current_a <= 0:
                    continue
                where = f"at {temperature_c:g} °C within the {envelope} limits"
                old_a = 0.0 if old is None else old.max_current_a
                if new.max_current_a > old_a * (1 + 1e-6):
                    return Looser(f"{old_a:.4g} A", f"{new.max_current_a:.4g} A", where)
                if (new.max_voltage_v or 9.0) > (old.max_voltage_v or 9.0) + 1e-6:
                    return Looser(f"{old.max_voltage_v:g} V", f"{new.max_voltage_v or 9:g} V", where)
    return None


def _limits(cell: Cell, temperature_c: float, soc: float, envelope: str) -> Limits | None:
    try:
        return limits(cell, temperature_c, soc, envelope)
    except CannotAnswer:
        return None


def _telling_temperatures(*cells: Cell) -> list[float]:
    """Limits are constant between these: every edge of every window and band, a little to each side, and between."""
    edges = {-40.0, -20.0, 0.0, 25.0, 45.0, 60.0, 90.0}
    for cell in cells:
        edges |= {float(t) for t in (cell.charge_temperature_min_c, cell.charge_temperature_max_c) if t is not None}
        edges |= {edge for band in cell.charge_derating for edge in (band.temp_min_c, band.temp_max_c)}
        edges |= {point.temp_c for point in cell.charge_derating_points}
    ordered = sorted(edges)
    return sorted({t for edge in ordered for t in (edge - 0.01, edge, edge + 0.01)}
                  | {(a + b) / 2 for a, b in pairwise(ordered)})


def _stated(cell: Cell, field: str) -> Any:
    if field == "charge_derating":
        return tuple(_plain_band(b) for b in cell.charge_derating) or None
    if field == "discharge_derating":
        return tuple(_plain_band(b) for b in cell.discharge_derating) or None
    return cell.facts.get(field)


def _plain_band(band: DeratingBand | dict[str, Any]) -> dict[str, float]:
    record = band.model_dump(exclude_none=True) if isinstance(band, DeratingBand) else band
    return {k: v for k, v in record.items() if k in ("temp_min_c", "temp_max_c", "c_rate_max", "current_max_a")
            and v is not None}


def _comparable(fact: Fact) -> Any:
    return tuple(map(_plain_band, fact.value)) if fact.field in BANDS else fact.value


def _from(fact: Fact, document: str) -> str:
    return f"confirmed from {document}" + (f", page {fact.page}" if fact.page else "")


def _with(cell: Cell, fact: Fact, document: str, stated: Any, instead: bool = False) -> Cell:
    """The cell with the fact in force. Bands join the bands there are, and the lower one holds, unless `instead`."""
    was = f"; the catalogue states {told(fact.field, stated)}" if stated is not None else ""
    source = _from(fact, document) + was
    confirmed = {**cell.confirmed, fact.field: source}
    if fact.field == "charge_derating":
        own = tuple(DeratingBand(**band, basis=_from(fact, document)) for band in fact.value)
        kept = () if instead else cell.charge_derating
        return cell.model_copy(update={"charge_derating": (*kept, *own), "confirmed": confirmed} | (
            {"charge_derating_points": ()} if instead else {}))
    if fact.field == "discharge_derating":
        own = tuple({**band, "basis": _from(fact, document)} for band in fact.value)
        return cell.model_copy(update={"discharge_derating": own, "confirmed": confirmed})
    note = "; ".join(filter(None, (fact.qualifier, source)))
    return cell.model_copy(update={"facts": {**cell.facts, fact.field: fact.value}, "confirmed": confirmed,
                                   "qualifiers": {**cell.qualifiers, fact.field: note}})


def _disputed(cell: Cell, fact: Fact, document: str) -> Cell:
    """The cell with both values in its list of conflicts."""
    stated = _stated(cell, fact.field)
    values = [{"value": told(fact.field, stated), "source": "catalogue"}] if stated is not None else []
    values.append({"value": told(fact.field, fact.value), "source": _from(fact, document)})
    return cell.model_copy(update={"conflicts": (*cell.conflicts, {"field": fact.field, "values": values})})


def _new_bands(cell: Cell, values: dict[str, Fact], document: str) -> tuple[DeratingBand, ...]:
    """A new cell's charge bands, without gaps: what the sheet leaves open is held to its lowest rate.

    A maximum current printed for a range of temperatures only is a band; outside it the standard current holds.
    """
    low, high = cell.charge_temperature_min_c, cell.charge_temperature_max_c
    if fact := values.get("charge_derating"):
        bands = [DeratingBand(**band, basis=_from(fact, document)) for band in fact.value]
        return tuple(_without_gaps(bands, low, high))
    maximum, standard = values.get("charge_current_max_a"), values.get("charge_current_standard_a")
    span = _RANGE.search(maximum.qualifier) if maximum else None
    if span is None or standard is None or standard.value >= maximum.value:
        return ()
    inside = DeratingBand(temp_min_c=float(span[1]), temp_max_c=float(span[2]), current_max_a=maximum.value,
                          basis=_from(maximum, document))
    return tuple(_without_gaps([inside], 0.0 if low is None else low, 45.0 if high is None else high, standard.value))


def _without_gaps(bands: list[DeratingBand], low: float | None, high: float | None,
                  gap_a: float | None = None) -> Iterator[DeratingBand]:
    lowest = {"current_max_a": gap_a} if gap_a is not None else min(
        ({k: v for k, v in (("c_rate_max", b.c_rate_max), ("current_max_a", b.current_max_a)) if v is not None}
         for b in bands), key=lambda limit: limit.get("c_rate_max", limit.get("current_max_a", 0.0)))
    at = low
    for band in sorted(bands, key=lambda b: b.temp_min_c):
        if at is not None and band.temp_min_c > at:
            yield DeratingBand(temp_min_c=at, temp_max_c=band.temp_min_c, basis="not stated: the sheet's lower rate",
                               **lowest)
        yield band
        at = band.temp_max_c if at is None else max(at, band.temp_max_c)
    if high is not None and at is not None and at < high:
        yield DeratingBand(temp_min_c=at, temp_max_c=high, basis="not stated: the sheet's lower rate", **lowest)
