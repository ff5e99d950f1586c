"""From what a question says to the catalogue fields it means; every choice is (fields meant, fields near by)."""

from collections.abc import Callable

Said = frozenset[str]
Choice = tuple[list[str], list[str]]

def fields_meant(said: Said) -> Choice:
    """What the first quantity that is named means; nothing where none is."""
    for applies, choose in _QUANTITIES:
        if applies(said):
            return choose(said)
    return [], []


def _has(*names: str) -> Callable[[Said], bool]:
    return lambda said: any(name in said for name in names)


def current(said: Said) -> Choice:
    charge = ["charge_current_max_a", "charge_current_rapid_a", "charge_current_standard_a"]
    if "temp_cut" in said:
        return ["discharge_current_max_continuous_temp_cut_a", "discharge_current_max_continuous_a"], []
    if {"charge", "discharge"} <= said and "derating" not in said and "cutoff" not in said:
        return ["charge_current_max_a", "discharge_current_max_continuous_a"], []
    discharge = ["discharge_current_max_continuous_a", "discharge_current_pulse_a", "discharge_current_standard_a"]
    if "cutoff" in said:
        return ["charge_current_cutoff_standard_a"], []
    if "pulse" in said and "charge" not in said:
        timed = "time" in said
        return (["discharge_pulse_duration_s"] if timed else ["discharge_current_pulse_a"]), discharge[:1]
    if "discharge" in said or ("continuous" in said and "charge" not in said):
        meant = "discharge_current_standard_a" if _usual(said) else "discharge_current_max_continuous_a"
        return [meant], [f for f in discharge if f != meant]
    if "fast" in said and "max" not in said:
        return charge[:2], charge[2:]
    if "charge" in said or "rapid" in said:
        meant = (charge[1] if "rapid" in said and "max" not in said else charge[2] if _usual(said) else charge[0])
        return [meant], [f for f in charge if f != meant]
    return [charge[0], discharge[0]], [charge[1], charge[2]]


def _usual(said: Said) -> bool:
    return bool({"standard", "nominal", "rated"} & said) and not {"max", "continuous"} & said


def _voltage(said: Said) -> Choice:
    full, empty, nominal = "voltage_charge_cutoff_v", "voltage_discharge_cutoff_v", "voltage_nominal_v"
    if "over" in said:
        return ["voltage_overvoltage_protection_v"], [full]
    if "under" in said:
        return ["voltage_undervoltage_protection_v"], [empty]
    if "nominal" in said or "rated" in said:
        return [nominal], []
    if {"charge", "discharge"} <= said or {"full", "empty"} <= said or {"min", "max"} <= said or "range" in said:
        return [full, empty], []
    if "cold" in said or ("temperature" in said and "min" in said):
        return ["voltage_discharge_cutoff_cold_v"], [empty]
    if "discharge" in said or "empty" in said:
        return [empty], []
    if "charge" in said or "full" in said:
        return [full], []
    if "min" in said and "max" not in said:
        return [empty], []
    if "max" in said and "min" not in said:
        return [full], []
    return ([empty], [full]) if "cutoff" in said else ([nominal, full, empty], [])


def _temperature(said: Said) -> Choice:
    low, high = "cold" in said or "min" in said, "hot" in said or "max" in said
    if low and high:  # "how cold at most" is about the cold, "lowest" and "warm" a range
        low, high = ("cold" in said) >= ("hot" in said), ("hot" in said) >= ("cold" in said)
    ends = [e for e, meant in (("min_c", low or not high), ("max_c", high or not low)) if meant]
    doing = [d for d, words in (("storage", "storage"), ("discharge", "discharge"), ("charge", "charge"))
             if words in said] or ["discharge", "charge"]
    doing = ["storage"] if "storage" in doing else doing
    return [f"{d}_temperature_{end}" for d in doing for end in ends], []


def _capacity(said: Said) -> Choice:
    three = ["capacity_nominal_ah", "capacity_rated_ah", "capacity_minimum_ah"]
    if {"nominal", "min"} <= said:
        return [three[0], three[2]], []
    meant = three[2] if "min" in said else three[1] if "rated" in said else three[0] if "nominal" in said else None
    return ([meant], [f for f in three if f != meant]) if meant else (three, [])


def _energy(said: Said) -> Choice:
    specific, dense = "specific_energy_wh_per_kg", "energy_density_wh_per_l"
    if "per_kg" in said:
        return [specific], [dense]
    if "per_litre" in said:
        return [dense], [specific]
    nominal, least = "energy_nominal_wh", "energy_minimum_wh"
    return ([least], [nominal]) if "min" in said else ([nominal], [least])


def _resistance(said: Said) -> Choice:
    ac, dc = "impedance_ac_1khz_mohm", "resistance_dc_mohm"
    return ([dc], [ac]) if "dc" in said else ([ac], [dc]) if "ac" in said else ([ac, dc], [])


def _timed(said: Said) -> Choice:
    return (["discharge_pulse_duration_s"], []) if "pulse" in said else (["charge_time_standard_min"], [])


def _one(*names: str) -> Callable[[Said], Choice]:
    return lambda said: (list(names), [])


_SIZES = ("length_mm", "width_mm", "thickness_mm", "diameter_mm", "height_mm")
_TAKES_TIME = lambda said: ("time" in said or "long" in said) and ("charge" in said or "pulse" in said)  # noqa: E731
# The first that applies decides: the more particular before the more general.
_QUANTITIES = (
    (lambda s: {"how_long", "charge"} <= s and "pulse" not in s, _timed),
    (_has("self"), _one("self_discharge_max_pct_per_month")),
    (_has("altitude"), _one("altitude_max_m")),
    (_has("cathode"), lambda said: (["cathode"], ["chemistry"])),
    (_has("anode"), lambda said: (["anode"], ["chemistry"])),
    (lambda s: "derating" in s and bool({"temperature", "cold", "hot"} & s), current),
    (_has("resistance"), _resistance),
    (lambda s: "current" in s and not ("pulse" in s and "time" in s), current),
    (_has("voltage"), _voltage),
    (_has("full", "empty"), _voltage),
    (_has("capacity"), _capacity),
    (_has("energy"), _energy),
    (lambda s: "per_litre" in s and "per_kg" not in s, _one("energy_density_wh_per_l", "specific_energy_wh_per_kg")),
    (_TAKES_TIME, _timed),
    (_has("cycles"), _one("cycle_life_cycles")),
    (_has("temperature", "hot", "cold"), _temperature),
    (_has("mass"), _one("mass_g")),
    (_has("diameter"), _one("diameter_mm")),
    (_has("thickness"), _one("thickness_mm")),
    (_has("width"), _one("width_mm")),
    (_has("length"), _one("length_mm")),
    (_has("height"), _one("height_mm")),
    (_has("size"), _one(*_SIZES)),
    (_has("chemistry"), _one("chemistry")),
    (_has("format"), _one("format")),
    (_has("derating"), current),
    (lambda s: {"discharge", "cutoff"} <= s, _one("voltage_discharge_cutoff_v")),
    (lambda s: {"charge", "cutoff"} <= s and "fast" not in s, _one("charge_current_cutoff_standard_a",
                                                                  "voltage_charge_cutoff_v")),
    (lambda s: {"cutoff"} == s & {"cutoff", "fast", "pulse", "continuous", "rapid"},
     _one("voltage_discharge_cutoff_v", "voltage_charge_cutoff_v")),
    (lambda s: {"charge", "standard"} <= s, _one("charge_current_standard_a", "voltage_charge_cutoff_v",
                                                  "charge_current_cutoff_standard_a")),
    (_has("fast", "pulse", "discharge", "continuous", "rapid", "cutoff"), current),
    (lambda s: {"charge", "max"} <= s, current),
    (_has("long"), _one("length_mm")),
    (_has("high"), _one("height_mm")),
    (_has("operation"), lambda said: ([], [])),
    (_has("maker"), _one("maker")),
)
