"""A fact as a document states it, with the place it stands at; data that nothing acts on until a person confirms it."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

WINDOWS = ("charge_temperature", "discharge_temperature", "storage_temperature")
NUMBERS = (  # the catalogue's fields that a document may state, in the order they are shown
    "capacity_nominal_ah", "capacity_rated_ah", "capacity_minimum_ah", "energy_nominal_wh", "energy_minimum_wh",
    "specific_energy_wh_per_kg", "energy_density_wh_per_l", "voltage_nominal_v", "voltage_charge_cutoff_v",
    "voltage_discharge_cutoff_v", "voltage_overvoltage_protection_v", "voltage_undervoltage_protection_v",
    "charge_current_standard_a", "charge_current_rapid_a", "charge_current_max_a", "charge_current_cutoff_standard_a",
    "charge_time_standard_min", "discharge_current_standard_a", "discharge_current_max_continuous_a",
    "discharge_current_pulse_a", *(f"{w}_{end}_c" for w in WINDOWS for end in ("min", "max")), "cycle_life_cycles",
    "impedance_ac_1khz_mohm", "resistance_dc_mohm", "mass_g", "diameter_mm", "height_mm", "length_mm", "width_mm",
    "thickness_mm")
BANDS = ("charge_derating", "discharge_derating")
FIELDS = (*NUMBERS, *BANDS)
UNITS = (("_wh_per_kg", "Wh/kg"), ("_wh_per_l", "Wh/l"), ("_mohm", "mΩ"), ("_cycles", "cycles"), ("_min", "min"),
         ("_ah", "Ah"), ("_wh", "Wh"), ("_mm", "mm"), ("_g", "g"), ("_a", "A"), ("_v", "V"), ("_c", "°C"))


class Fact(BaseModel):
    """One field's value with its quote.

    `value` is a number in the unit of the field's name, or for `charge_derating` and `discharge_derating` a tuple of
    {temp_min_c, temp_max_c, c_rate_max or current_max_a}. `at` is where the quote begins in its page's text.
    `impossible` says why it cannot be right (it is never confirmed), `doubt` why it may not be (it is confirmed
    by name only).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    field: str
    value: float | tuple[dict[str, float], ...]
    page: int | None = None
    at: int = 0
    quote: str = ""
    qualifier: str = ""
    doubt: str = ""
    impossible: str = ""

    @property
    def where(self) -> str:
        return f"page {self.page}" if self.page else "no page number"

    @property
    def told(self) -> str:
        return told(self.field, self.value)


class DocumentFacts(BaseModel):
    """What one document states on one cell. `cell` is a catalogue id where the document names a known cell, else ""."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    document: str
    digest: str
    tenant: str | None = None
    cell: str = ""
    manufacturer: str = ""
    model: str = ""
    chemistry: Literal["NMC", "NCA", "Ni-rich", "LFP", "LTO", "Na-ion", "not stated"] = "not stated"
    format: str = ""
    facts: tuple[Fact, ...] = ()
    remarks: tuple[str, ...] = ()


def unit_of(field: str) -> str:
    """ "A" for charge_current_max_a."""
    return next((unit for suffix, unit in UNITS if field.endswith(suffix)), "")


def told(field: str, value: Any) -> str:
    """A value in words: "4.2 V"; bands as "0 to 25 °C at most 1.44 A; ..."."""
    if field not in BANDS:
        return f"{value:.6g} {unit_of(field)}".strip()
    return "; ".join(f"{b['temp_min_c']:g} to {b['temp_max_c']:g} °C at most {_limit(b)}" for b in value)


def _limit(band: dict[str, float]) -> str:
    said = [f"{band[key]:g}{unit}" for key, unit in (("c_rate_max", "C"), ("current_max_a", " A")) if key in band]
    return " or ".join(said)


def same_value(a: Any, b: Any) -> bool:
    """Equal as printed: numbers to 0.5 %, bands in every number."""
    if isinstance(a, int | float) and isinstance(b, int | float):
        return abs(a - b) <= 0.005 * max(abs(a), abs(b)) + 1e-9
    return a == b
