"""How a cell's facts are grouped and named in readable documents."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Topic:
    """One passage of a cell's document: `fields` in the order they are told.

    A field that is `asked` for often is said to be missing where no source states it. `hints` are the other
    words people use for the topic: searched, not shown.
    """

    title: str
    fields: tuple[tuple[str, str], ...]
    hints: str
    asked: frozenset[str] = frozenset()


TOPICS = (
    Topic("identity", (
        ("format", "format"), ("chemistry", "chemistry"), ("cathode", "cathode"), ("anode", "anode")),
        "manufacturer maker, format, pouch prismatic cylindrical, chemistry, cathode, anode material, what cell is it, "
        "who makes it, data sheet number revision date"),
    Topic("capacity and energy", (
        ("capacity_nominal_ah", "nominal capacity"), ("capacity_rated_ah", "rated capacity"),
        ("capacity_minimum_ah", "minimum capacity"), ("energy_nominal_wh", "nominal energy"),
        ("energy_minimum_wh", "minimum energy"), ("specific_energy_wh_per_kg", "specific energy"),
        ("energy_density_wh_per_l", "energy density"), ("self_discharge_max_pct_per_month", "largest self-discharge")),
        "capacity in Ah and mAh, rated typical minimum, energy in Wh watt-hours, energy per kilogram and per litre, "
        "self-discharge, how big is it",
        frozenset({"capacity_nominal_ah", "capacity_minimum_ah", "energy_nominal_wh"})),
    Topic("voltage", (
        ("voltage_charge_cutoff_v", "maximum charging voltage"),
        ("voltage_discharge_cutoff_v", "discharge cut-off voltage"), ("voltage_nominal_v", "nominal voltage"),
        ("voltage_discharge_cutoff_cold_v", "discharge cut-off voltage when cold"),
        ("voltage_overvoltage_protection_v", "overvoltage protection"),
        ("voltage_undervoltage_protection_v", "undervoltage protection")),
        "charge cut-off voltage, end-of-charge upper limit voltage, fully charged, empty, lower limit voltage, minimum "
        "voltage, nominal, window, overcharge overdischarge deep discharge protection",
        frozenset({"voltage_charge_cutoff_v", "voltage_discharge_cutoff_v", "voltage_nominal_v"})),
    Topic("charging current", (
        ("charge_current_max_a", "maximum charging current"),
        ("charge_current_standard_a", "standard charging current"),
        ("charge_current_rapid_a", "rapid (fast) charging current"),
        ("charge_current_cutoff_standard_a", "charge termination (cut-off) current of the standard charge"),
        ("charge_time_standard_min", "time of the standard charge")),
        "charge current in A, C-rate, fast charge, quick charge, rated charge, taper, end-of-charge current, CV phase "
        "ends, how fast may it be charged, charging time, charging at temperature, cold charging limit, derating by "
        "temperature, below freezing",
        frozenset({"charge_current_max_a", "charge_current_standard_a", "charge_current_rapid_a",
                   "charge_current_cutoff_standard_a", "charge_time_standard_min"})),
    Topic("discharge current", (
        ("discharge_current_max_continuous_a", "maximum continuous discharge current"),
        ("discharge_current_max_continuous_temp_cut_a", "maximum continuous discharge current with a temperature cut"),
        ("discharge_current_pulse_a", "pulse discharge current"), ("discharge_pulse_duration_s", "pulse duration"),
        ("discharge_current_standard_a", "standard discharge current")),
        "discharging, load, amps out, peak, burst, pulse current limits, C-rate, discharge derating at low "
        "temperature, power",
        frozenset({"discharge_current_max_continuous_a", "discharge_current_pulse_a"})),
    Topic("temperature windows", (
        ("charge_temperature", "charging temperature"), ("discharge_temperature", "discharging temperature"),
        ("storage_temperature", "storage temperature"), ("altitude_max_m", "highest altitude")),
        "operating temperature range, charge, discharge, storage, shelf, warehouse, minimum maximum lowest highest "
        "temperature, window in Celsius, cold, hot, freezing, winter, summer, altitude",
        frozenset({"charge_temperature", "discharge_temperature", "storage_temperature"})),
    Topic("cycle life", (
        ("cycle_life_cycles", "cycle life"),),
        "lifetime, number of cycles, end of life, capacity retention, capacity fade, ageing, durability, how long does "
        "it last, warranty",
        frozenset({"cycle_life_cycles"})),
    Topic("dimensions and mass", (
        ("mass_g", "mass"), ("diameter_mm", "diameter"), ("height_mm", "height"), ("length_mm", "length"),
        ("width_mm", "width"), ("thickness_mm", "thickness")),
        "weight in grams, size, length, width, height, thickness, diameter, dimensions, how heavy",
        frozenset({"mass_g"})),
    Topic("impedance", (
        ("impedance_ac_1khz_mohm", "AC impedance at 1 kHz"), ("resistance_dc_mohm", "DC resistance")),
        "internal resistance, impedance, ACIR, DCIR, milliohm",
        frozenset({"impedance_ac_1khz_mohm", "resistance_dc_mohm"})),
)

LABELS = {name: label for topic in TOPICS for name, label in topic.fields}

UNITS = (  # suffix of a field name -> unit as read; the longer suffix first
    ("_wh_per_kg", "Wh/kg"), ("_wh_per_l", "Wh/l"), ("_pct_per_month", "% per month"), ("_cycles", "cycles"),
    ("_mohm", "mOhm"), ("_min", "min"), ("_mm", "mm"), ("_ah", "Ah"), ("_wh", "Wh"), ("_a", "A"), ("_v", "V"),
    ("_s", "s"), ("_g", "g"), ("_m", "m"), ("_c", "degC"))


def unit_of(field: str) -> str:
    """Unit of a field from its name's suffix; empty for words."""
    return next((unit for suffix, unit in UNITS if field.endswith(suffix)), "")
