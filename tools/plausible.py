"""Can a stated value be this cell's? Extraction goes wrong in known ways: tolerances read as values, two voltages
added, units slipped. What cannot be is never confirmed; what is odd is confirmed by name only."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tools.facts import DocumentFacts, Fact, unit_of

# What a single cell can be, wide enough for every cell of the catalogue and ten times beyond on either side
# where nothing but size bounds it: (least, most).
POSSIBLE = {
    "capacity": (0.05, 2000.0), "energy": (0.1, 8000.0), "voltage_nominal": (1.2, 4.0), "voltage_charge": (2.0, 4.6),
    "voltage_discharge": (0.5, 3.4), "voltage_overvoltage": (2.2, 5.0), "voltage_undervoltage": (0.3, 3.3),
    "mass": (1.0, 40_000.0), "impedance": (0.02, 1000.0), "resistance": (0.02, 2000.0), "diameter": (3.0, 150.0),
    "height": (5.0, 1500.0), "length": (5.0, 2000.0), "width": (3.0, 1500.0), "thickness": (0.5, 200.0),
    "cycle_life": (20.0, 60_000.0), "specific_energy": (20.0, 550.0), "energy_density": (30.0, 1500.0),
    "charge_temperature_min": (-45.0, 30.0), "charge_temperature_max": (25.0, 90.0),
    "discharge_temperature_min": (-65.0, 25.0), "discharge_temperature_max": (30.0, 100.0),
    "storage_temperature_min": (-65.0, 30.0), "storage_temperature_max": (15.0, 100.0),
    "charge_time": (3.0, 1500.0)}
# End-of-charge voltage by chemistry, V: the catalogue's cells and what makers release (4.5 V LCO-NMC blends).
CHARGE_VOLTAGE = {"LFP": (3.5, 3.8), "LTO": (2.5, 2.95), "NMC": (4.0, 4.5), "NCA": (4.0, 4.4), "Ni-rich": (4.0, 4.5),
                  "Na-ion": (3.7, 4.3), "not stated": (2.5, 4.5)}
C_RATES = {  # (impossible below, doubtful below, doubtful above, impossible above); 0.05C is the gentlest usual rate
    "charge_current_standard_a": (0.01, 0.05, 2.0, 12.0), "charge_current_rapid_a": (0.02, 0.2, 6.0, 12.0),
    "charge_current_max_a": (0.02, 0.1, 4.0, 12.0), "charge_current_cutoff_standard_a": (0.0005, 0.005, 0.2, 0.6),
    "discharge_current_standard_a": (0.01, 0.05, 3.0, 30.0),
    "discharge_current_max_continuous_a": (0.05, 0.5, 20.0, 60.0), "discharge_current_pulse_a": (0.1, 0.8, 60.0, 200.0)}
SPECIFIC_ENERGY = (30.0, 420.0)  # Wh/kg of a whole cell: LTO about 50, best in production 2025 about 300
IMPEDANCE_AH = (2.0, 500.0)  # mOhm times Ah: 11 (LTO) to 110 (18650 of high energy) in the catalogue
SIZE_CODES = {"18650": (18, 65), "21700": (21, 70), "26650": (26, 65), "26700": (26, 70), "32140": (32, 140),
              "32700": (32, 70), "4680": (46, 80), "4695": (46, 95)}
MOST_AH = {"18650": 4.3, "21700": 6.8, "26650": 6.5, "26700": 6.8, "32700": 9.0, "32140": 18.0, "4680": 40.0}
Verdict = tuple[str, str]  # (impossible, doubt)


def judged(stated: DocumentFacts, known: Mapping[str, Any] | None = None) -> tuple[Fact, ...]:
    """The facts with `impossible` and `doubt` filled in, each held against the document's other facts.

    `known`: facts of the catalogue cell the document is about, where there is one.
    """
    given = dict(known or {})
    for fact in stated.facts:
        if fact.field not in given or not known:
            given.setdefault(fact.field, fact.value)
    size = next((code for code in SIZE_CODES if code in f"{stated.format} {stated.model}"), "")
    return tuple(_judged(fact, given | {fact.field: fact.value}, stated.chemistry, size) for fact in stated.facts)


def _judged(fact: Fact, given: Mapping[str, Any], chemistry: str, size: str) -> Fact:
    impossible, doubts = [], fact.doubt.split("; ") if fact.doubt else []
    for cannot, odd in _verdicts(fact, given, chemistry, size):
        impossible += [cannot] * bool(cannot)
        doubts += [odd] * bool(odd)
    return fact.model_copy(update={"impossible": "; ".join(dict.fromkeys(impossible)),
                                   "doubt": "; ".join(dict.fromkeys(doubts))})


def _verdicts(fact: Fact, given: Mapping[str, Any], chemistry: str, size: str) -> Iterator[Verdict]:
    if isinstance(fact.value, tuple):
        yield from _of_bands(fact.field, fact.value, given)
        return
    name, value = fact.field, float(fact.value)
    least, most = next((span for stem, span in POSSIBLE.items() if name.startswith(stem)), (-1e9, 1e9))
    if not least <= value <= most:
        yield f"{value:g} {unit_of(name)} is outside the {least:g} to {most:g} of any cell", ""
    if name == "voltage_charge_cutoff_v":
        yield from _of_charge_voltage(value, given, chemistry)
    elif name in ("voltage_nominal_v", "voltage_discharge_cutoff_v", "voltage_overvoltage_protection_v"):
        yield from _of_voltage_order(name, value, given)
    elif name in C_RATES:
        yield from _of_current(name, value, given)
    elif name.endswith("_temperature_min_c") or name.endswith("_temperature_max_c"):
        yield from _of_window(name, given)
    elif name.startswith("capacity"):
        yield from _of_capacity(value, given, size)
        nominal = given.get("capacity_nominal_ah")
        if name == "capacity_minimum_ah" and nominal and value > 1.001 * nominal:
            yield "", f"a minimum of {value:g} Ah is above the nominal {nominal:g} Ah"
    elif name == "mass_g":
        yield from _of_mass(value, given)
    elif name.startswith("energy_") and name.endswith("_wh"):
        yield from _of_energy(value, given)
    elif name in ("impedance_ac_1khz_mohm", "resistance_dc_mohm"):
        yield from _of_impedance(value, given)
    elif name in ("diameter_mm", "height_mm") and size:
        wanted = SIZE_CODES[size][name == "height_mm"]
        if not 0.85 * wanted <= value <= 1.15 * wanted:
            yield f"a {size} cell is about {wanted} mm here, not {value:g} mm", ""


def _of_charge_voltage(value: float, given: Mapping[str, Any], chemistry: str) -> Iterator[Verdict]:
    least, most = CHARGE_VOLTAGE[chemistry]
    if not least <= value <= most:
        yield f"{value:g} V is no end-of-charge voltage of one {_cell(chemistry)} ({least:g} to {most:g} V)", ""
    nominal = given.get("voltage_nominal_v")
    if nominal and not 0.15 <= value - nominal <= 1.1:
        yield f"{value:g} V does not go with a nominal voltage of {nominal:g} V", ""
    elif nominal and nominal < 3.35 and value > 3.85 and chemistry != "Na-ion":
        yield f"{value:g} V would overcharge a cell of {nominal:g} V nominal (LFP)", ""


def _cell(chemistry: str) -> str:
    return "lithium-ion cell" if chemistry == "not stated" else f"{chemistry} cell"


def _of_voltage_order(name: str, value: float, given: Mapping[str, Any]) -> Iterator[Verdict]:
    charge, nominal = given.get("voltage_charge_cutoff_v"), given.get("voltage_nominal_v")
    if name == "voltage_overvoltage_protection_v":
        if charge and value < charge:
            yield "", f"protection at {value:g} V is below the charge voltage {charge:g} V"
        return
    if charge and value >= charge:
        yield f"{value:g} V is not below the charge voltage {charge:g} V", ""
    if name == "voltage_discharge_cutoff_v" and nominal and value >= nominal:
        yield f"{value:g} V is not below the nominal voltage {nominal:g} V", ""


def _of_current(name: str, value: float, given: Mapping[str, Any]) -> Iterator[Verdict]:
    if value <= 0:
        yield f"{value:g} A is no current", ""
        return
    capacity = _capacity(given)
    if capacity:
        never_below, least, most, never_above = C_RATES[name]
        rate = value / capacity
        if not never_below <= rate <= never_above:
            yield f"{value:g} A is {rate:.3g}C of {capacity:g} Ah", ""
        elif not least <= rate <= most:
            yield "", f"{value:g} A is {rate:.3g}C of {capacity:g} Ah, which is unusual"
    elif name.startswith("charge"):
        yield "", "no capacity is stated to hold it against"
    for lower, higher in (("charge_current_standard_a", "charge_current_max_a"),
                          ("charge_current_cutoff_standard_a", "charge_current_standard_a"),
                          ("discharge_current_max_continuous_a", "discharge_current_pulse_a")):
        if name in (lower, higher) and given.get(lower) and given.get(higher) and given[lower] > 1.01 * given[higher]:
            yield "", f"{lower} {given[lower]:g} A is above {higher} {given[higher]:g} A"


def _of_window(name: str, given: Mapping[str, Any]) -> Iterator[Verdict]:
    stem = name.removesuffix("_min_c").removesuffix("_max_c")
    low, high = given.get(f"{stem}_min_c"), given.get(f"{stem}_max_c")
    if low is not None and high is not None and low >= high:
        yield f"a window from {low:g} to {high:g} °C has no inside", ""
    if name == "charge_temperature_min_c" and given[name] < -20:
        yield "", "charging below -20 °C is unusual"
    if name == "charge_temperature_max_c" and given[name] > 60:
        yield "", "charging above 60 °C is unusual"


def _of_capacity(value: float, given: Mapping[str, Any], size: str) -> Iterator[Verdict]:
    if size in MOST_AH and value > MOST_AH[size]:
        yield f"no {size} cell holds {value:g} Ah (at most about {MOST_AH[size]:g})", ""
    if size in MOST_AH and value < 0.1 * MOST_AH[size]:
        yield f"{value:g} Ah is too little for a {size} cell", ""
    yield from _against_mass(value, given.get("mass_g"), given)


def _of_mass(value: float, given: Mapping[str, Any]) -> Iterator[Verdict]:
    yield from _against_mass(_capacity(given), value, given)


def _against_mass(capacity: float | None, mass: float | None, given: Mapping[str, Any]) -> Iterator[Verdict]:
    if capacity and mass:
        energy = capacity * given.get("voltage_nominal_v", 3.6) / (mass / 1000)
        if not SPECIFIC_ENERGY[0] / 3 <= energy <= SPECIFIC_ENERGY[1] * 1.5:
            yield f"{capacity:g} Ah in {mass:g} g would be {energy:.3g} Wh/kg", ""
        elif not SPECIFIC_ENERGY[0] <= energy <= SPECIFIC_ENERGY[1]:
            yield "", f"{capacity:g} Ah in {mass:g} g would be {energy:.3g} Wh/kg"


def _of_energy(value: float, given: Mapping[str, Any]) -> Iterator[Verdict]:
    capacity, nominal = _capacity(given), given.get("voltage_nominal_v")
    if capacity and nominal and not 0.85 <= value / (capacity * nominal) <= 1.15:
        yield "", f"{value:g} Wh is not {capacity:g} Ah times {nominal:g} V"


def _of_impedance(value: float, given: Mapping[str, Any]) -> Iterator[Verdict]:
    capacity = _capacity(given)
    if capacity and not IMPEDANCE_AH[0] <= value * capacity <= IMPEDANCE_AH[1]:
        yield "", f"{value:g} mΩ is unusual for {capacity:g} Ah"


def _of_bands(field: str, bands: tuple[Mapping[str, float], ...], given: Mapping[str, Any]) -> Iterator[Verdict]:
    capacity = _capacity(given)
    for band in bands:
        low, high, rate = band["temp_min_c"], band["temp_max_c"], band.get("c_rate_max")
        if low >= high or low < -60 or high > 100:
            yield f"a band from {low:g} to {high:g} °C cannot be", ""
        if rate is None and capacity and "current_max_a" in band:
            rate = band["current_max_a"] / capacity
        most = 12.0 if field == "charge_derating" else 60.0
        if rate is not None and rate > most:
            yield f"{rate:g}C from {low:g} to {high:g} °C is no {re.sub('_.*', '', field)} rate", ""
        elif rate is not None and field == "charge_derating" and rate > 4:
            yield "", f"{rate:g}C from {low:g} to {high:g} °C is unusual"
        if rate is not None and "current_max_a" in band and capacity and abs(
                band["current_max_a"] - rate * capacity) > 0.1 * rate * capacity:
            yield "", f"{band['current_max_a']:g} A is not {rate:g}C of {capacity:g} Ah"


def _capacity(given: Mapping[str, Any]) -> float | None:
    return next((given[name] for name in ("capacity_nominal_ah", "capacity_rated_ah", "capacity_minimum_ah")
                 if given.get(name)), None)
