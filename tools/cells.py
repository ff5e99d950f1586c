"""The cell catalogue: datasheet facts with their sources, and the resolver of names as people write them."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from tools.errors import CannotAnswer

CATALOGUE_FILE = Path(__file__).parent / "data" / "cells.json"

# Every way a maker is written; a name with a maker's word in it only ever resolves to that maker's cells.
MAKER_WORDS = {
    "lg": "LG", "lgchem": "LG", "lges": "LG", "samsung": "Samsung", "samsungsdi": "Samsung", "panasonic": "Panasonic",
    "sanyo": "Panasonic", "murata": "Murata", "sony": "Murata", "molicel": "Molicel", "molicell": "Molicel",
    "a123": "A123", "catl": "CATL", "eve": "EVE", "byd": "BYD", "kokam": "Kokam", "toshiba": "Toshiba",
    "hina": "HiNa", "tesla": "Tesla", "umich": "University of Michigan", "michigan": "University of Michigan",
}
FILLER_WORDS = {"cell", "cells", "battery", "batteries", "type", "the", "a", "an", "chem", "sdi", "energy", "solution",
                "systems", "li-ion", "lithium", "ion", "university", "of", "pouch", "prismatic", "cylindrical"}
SIZE_WORDS = {"18650", "21700", "26650", "nmc", "nca", "lfp", "lto"}


class DeratingBand(BaseModel):
    """Charge limit between two temperatures; where a band has no number the sheet has none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temp_min_c: float
    temp_max_c: float
    c_rate_max: float | None = None
    current_max_a: float | None = None
    voltage_max_v: float | None = None
    soc_max_pct: float | None = None
    basis: str


class DeratingPoint(BaseModel):
    """A printed break point of a charge table: C-rates at one temperature, possibly by state of charge."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temp_c: float
    c_rate_max: float | None = None
    soc_below_80_c_rate_max: float | None = None
    soc_above_80_c_rate_max: float | None = None

    def c_rate_at(self, soc_percent: float) -> float:
        """C-rate at this temperature; at exactly 80 % the stricter side holds."""
        if self.c_rate_max is not None:
            return self.c_rate_max
        if soc_percent < 80:
            return self.soc_below_80_c_rate_max
        return min(self.soc_below_80_c_rate_max, self.soc_above_80_c_rate_max)


class Cell(BaseModel):
    """One cell type: `facts` holds every stated value (units in the keys), the rest how to read them.

    A fact that no source states is absent (its property is None). `qualifiers[field]` says what a value
    means (maximum, typical, conditions); `conflicts` lists values that sources disagree on. `confirmed[field]` says
    which document of a person's own a value is from (see tools.confirmed); no built-in cell has any.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    manufacturer: str
    model: str
    name: str
    aliases: tuple[str, ...]
    chemistry: Literal["NMC", "NCA", "Ni-rich", "LFP", "LTO", "Na-ion", "not stated"]
    chemistry_stated: str
    facts: dict[str, Any]
    charge_derating: tuple[DeratingBand, ...] = ()
    charge_derating_points: tuple[DeratingPoint, ...] = ()
    discharge_derating: tuple[dict[str, Any], ...] = ()
    storage_temperature: tuple[dict[str, Any], ...] = ()
    cycle_life: tuple[dict[str, Any], ...] = ()
    qualifiers: dict[str, str] = {}
    secondary_values: tuple[dict[str, Any], ...] = ()
    conflicts: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    source: tuple[dict[str, Any], ...]
    source_by_field: dict[str, int] = {}
    source_reliability: Literal["A", "B", "C", "D"]
    confirmed: dict[str, str] = {}

    def __hash__(self):
        return hash(self.id)

    @property
    def capacity_nominal_ah(self) -> float | None:
        """Nominal capacity; where none is stated the rated, then the minimum one."""
        for field in ("capacity_nominal_ah", "capacity_rated_ah", "capacity_minimum_ah"):
            if field in self.facts:
                return self.facts[field]
        return None

    @property
    def voltage_charge_cutoff_v(self) -> float | None:
        return self.facts.get("voltage_charge_cutoff_v")

    @property
    def voltage_discharge_cutoff_v(self) -> float | None:
        return self.facts.get("voltage_discharge_cutoff_v")

    @property
    def voltage_nominal_v(self) -> float | None:
        return self.facts.get("voltage_nominal_v")

    @property
    def charge_current_standard_a(self) -> float | None:
        return self.facts.get("charge_current_standard_a")

    @property
    def charge_current_rapid_a(self) -> float | None:
        return self.facts.get("charge_current_rapid_a")

    @property
    def charge_current_max_a(self) -> float | None:
        return self.facts.get("charge_current_max_a")

    @property
    def charge_temperature_min_c(self) -> float | None:
        return self.facts.get("charge_temperature_min_c")

    @property
    def charge_temperature_max_c(self) -> float | None:
        return self.facts.get("charge_temperature_max_c")

    def source_of(self, field: str) -> str:
        """Where one fact was read, in a few words for a citation."""
        if field in self.confirmed:
            return self.confirmed[field]
        entry = self.source[self.source_by_field.get(field, 0)]
        document = self.facts.get("document", {})
        number = f"{document['number']}, " if "number" in document and field not in self.source_by_field else ""
        return f"{number}{entry['ref'].split('@')[0]}"


_IN_USE: ContextVar[tuple[Cell, ...] | None] = ContextVar("catalogue", default=None)


@lru_cache(maxsize=1)
def load_catalogue() -> tuple[Cell, ...]:
    """The built-in cells, in catalogue order."""
    return tuple(Cell.model_validate(entry) for entry in json.loads(CATALOGUE_FILE.read_text(encoding="utf-8")))


@contextmanager
def using(cells: tuple[Cell, ...]) -> Iterator[None]:
    """Names resolve among these cells: the built-in ones and what a tenant confirmed (tools.confirmed.catalogue_of)."""
    token = _IN_USE.set(cells)
    try:
        yield
    finally:
        _IN_USE.reset(token)


def catalogue() -> tuple[Cell, ...]:
    """The cells that names resolve to here: those of `using`, else the built-in ones."""
    return _IN_USE.get() or load_catalogue()


def find_cell(name: str) -> Cell:
    """The cell that people mean by `name` (case, spaces, hyphens and the maker's name do not matter).

    Raises CannotAnswer, with the nearest names, when no cell or more than one answers to it.
    """
    makers = {MAKER_WORDS[word] for word in _words(name) if word in MAKER_WORDS}
    for key in _keys_to_try(name):
        hits = [cell for cell in _by_key(catalogue()).get(key, ()) if _made_by(cell, makers)]
        if len(hits) == 1:
            return hits[0]
        if hits:
            raise CannotAnswer(f"{name!r} fits {_listed(hits)}: say which one.")
    raise CannotAnswer(_not_found(name, makers))


def _made_by(cell: Cell, makers: set[str]) -> bool:
    return not makers or any(cell.manufacturer.startswith(maker) for maker in makers)


def _not_found(name: str, makers: set[str]) -> str:
    from rapidfuzz import fuzz, process

    key, by_key = _normalised(name), _by_key(catalogue())
    inside = [c for c in catalogue() if len(key) > 2 and any(key in k for k in _names(c))]
    if makers and key in {_normalised(m) for m in makers} | set(MAKER_WORDS):
        inside = [c for c in catalogue() if _made_by(c, makers)]
    if len(inside) > 1:
        return f"{name!r} fits {_listed(inside)}: say which one."
    near = process.extract(key, list(by_key), scorer=fuzz.ratio, limit=8)
    names = dict.fromkeys(cell.name for cell in inside)
    names |= dict.fromkeys(cell.name for k, _, _ in near for cell in by_key[k])
    return f"No cell {name!r} in the catalogue; the nearest are {_joined(list(names)[:3])}."


def _listed(cells: list[Cell]) -> str:
    names = [cell.name for cell in cells]
    return _joined(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def _joined(names: list[str]) -> str:
    return ", ".join(names)


def _normalised(text: str) -> str:
    return re.sub(r"[^0-9a-z]", "", re.sub(r"(?<=\d),(?=\d)", ".", text.lower()).replace(".", "p"))


def _words(text: str) -> list[str]:
    return [_normalised(word) for word in re.split(r"[\s/_()]+|(?<=[a-zA-Z])-(?=\D)", text) if _normalised(word)]


def _keys_to_try(name: str) -> list[str]:
    """Normalised spellings from the full text to the bare type, each tried exactly."""
    words = _words(name)
    no_filler = [w for w in words if w not in FILLER_WORDS]
    no_maker = [w for w in no_filler if w not in MAKER_WORDS]
    no_size = [w for w in no_maker if w not in SIZE_WORDS and not re.fullmatch(r"\d+(p\d+)?m?ah", w)]
    return list(dict.fromkeys(k for k in map("".join, (words, no_filler, no_maker, no_size)) if k))


def _names(cell: Cell) -> set[str]:
    return {_normalised(text) for text in _spellings(cell)}


def _spellings(cell: Cell) -> tuple[str, ...]:
    return (cell.id, cell.model, cell.name, f"{cell.manufacturer} {cell.model}", *cell.aliases)


@lru_cache(maxsize=64)
def _by_key(cells: tuple[Cell, ...]) -> dict[str, tuple[Cell, ...]]:
    """Normalised name -> the cells that bear it (with and without the maker's words)."""
    table: dict[str, dict[str, Cell]] = defaultdict(dict)
    for cell in cells:
        for text in _spellings(cell):
            bare = "".join(w for w in _words(text) if w not in MAKER_WORDS and w not in FILLER_WORDS)
            for key in {_normalised(text), bare} - {""}:
                table[key][cell.id] = cell
    return {key: tuple(cells.values()) for key, cells in table.items()}
