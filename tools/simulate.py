"""Simulate one CC-CV charge of a cell in the DFN; it may leave the envelope, and then says so."""

from typing import Any

from tools.arguments import SimulateCharge
from tools.assets import resolve_subject
from tools.charging import series_of
from tools.contract import Context, EnvelopeName, Result
from tools.envelope import Limits, anode_margin, limits
from tools.errors import BadArgument
from tools.parameters import model_of
from tools.plans import Charge, violations
from tools.riding import Ride, Rules, ride
from tools.simulation import Trace, version
from tools.subject import Subject

DEFAULT_C_RATE = 0.5
DEFAULT_END_PERCENT = 80.0
MAX_C_RATE = 4.0  # the highest charge rate a maker in the catalogue states; beyond it no data stand behind the models
CUT_OFF_C_RATE = 0.05  # a constant-voltage phase ends at C/20


class SimulateChargeResult(Result):
    """Currents are per cell; `pack_current_a` is the whole pack's. `end_reason` says why the charge stopped."""

    asset_id: str | None = None
    cell_model: str
    current_a: float
    pack_current_a: float | None = None
    parallel: int = 1
    c_rate: float
    soc_start_percent: float
    soc_end_percent: float
    reached_soc_percent: float
    temperature_c: float
    soh_percent: float
    charge_time_min: float
    energy_wh: float
    capacity_charged_ah: float
    max_voltage_v: float
    max_temperature_c: float
    min_anode_potential_v: float
    plating_risk: bool
    plating_words: str
    end_reason: str
    envelope: EnvelopeName
    envelope_warning: str | None = None
    assumptions: tuple[str, ...] = ()
    version: str
    series: dict[str, list[float]] = {}

    def brief(self) -> dict[str, Any]:
        shown = {
            "cell_model": self.cell_model, "current_a": round(self.current_a, 2),
            "pack_current_a": round(self.pack_current_a, 1) if self.parallel > 1 and self.pack_current_a else None,
            "c_rate": round(self.c_rate, 2), "charge_time_min": round(self.charge_time_min, 1),
            "reached_soc_percent": round(self.reached_soc_percent, 1), "energy_wh": round(self.energy_wh, 1),
            "max_voltage_v": round(self.max_voltage_v, 3), "max_temperature_c": round(self.max_temperature_c, 1),
            "min_anode_potential_v": round(self.min_anode_potential_v, 3), "plating_risk": self.plating_words,
            "end_reason": self.end_reason, "envelope_warning": self.envelope_warning, "version": self.version}
        return {key: value for key, value in shown.items() if value is not None}


def simulate_charge(arguments: SimulateCharge, context: Context) -> SimulateChargeResult:
    """Simulate a charge at a given current or C-rate: time, energy, temperature, voltage and lithium plating risk.

    Constant current up to the cell's charge voltage, then constant voltage down to C/20 or the end charge. A pack's
    `current_a` is the pack's current; each cell gets it divided by the parallel count. Default 0.5C, to 80 %.
    The DFN result is reported as it is, also outside the envelope, with a warning.
    Raises BadArgument for a current beyond 4C or an end below the start, CannotAnswer where no model exists.
    """
    subject = resolve_subject(arguments, context)
    model, end = model_of(subject.cell), _end_percent(arguments, subject)
    current_a = _cell_current(arguments, subject)
    margin_v, _ = anode_margin(subject.cell)
    charge = Charge(model, subject.soc_percent, end, subject.temperature_c, subject.soh_percent, context.envelope,
                    margin_v)
    voltage_v = limits(subject.cell, 25.0, 50.0, "physics").max_voltage_v
    done = _cc_cv(charge, current_a, voltage_v)
    trace = done.trace
    warning = _envelope_warning(charge, current_a, trace)
    return SimulateChargeResult(
        asset_id=subject.asset_id, cell_model=subject.cell.name, current_a=current_a, parallel=subject.parallel,
        pack_current_a=None if subject.asset_id is None else current_a * subject.parallel,
        c_rate=current_a / subject.cell.capacity_nominal_ah, soc_start_percent=subject.soc_percent, soc_end_percent=end,
        reached_soc_percent=done.reached_soc_percent, temperature_c=subject.temperature_c,
        soh_percent=subject.soh_percent, charge_time_min=trace.charge_time_min, energy_wh=trace.energy_wh,
        capacity_charged_ah=trace.capacity_charged_ah, max_voltage_v=trace.max_voltage_v,
        max_temperature_c=trace.max_temperature_c, min_anode_potential_v=trace.min_anode_potential_v,
        plating_risk=trace.min_anode_potential_v < 0, plating_words=_plating_words(trace, margin_v),
        end_reason=_end_reason(done, end, voltage_v), envelope=context.envelope, envelope_warning=warning,
        assumptions=_assumptions(arguments, subject, model.stand_in), version=version(model), series=series_of(trace))


def _end_percent(arguments: SimulateCharge, subject: Subject) -> float:
    end = arguments.soc_end_percent
    if end is None:
        end = DEFAULT_END_PERCENT if subject.soc_percent < DEFAULT_END_PERCENT else 100.0
    if end <= subject.soc_percent:
        start = subject.soc_percent
        raise BadArgument("soc_end_percent", f"The charge would end at {end:g} % but starts at {start:g} %: "
                          f"give an end above {start:g} %.")
    return end


def _cell_current(arguments: SimulateCharge, subject: Subject) -> float:
    capacity_ah = subject.cell.capacity_nominal_ah
    if arguments.current_a is not None and arguments.c_rate is not None:
        raise BadArgument("c_rate", "Give either a current (current_a) or a C-rate (c_rate), not both.")
    if arguments.current_a is not None:
        current_a = arguments.current_a / subject.parallel
    else:
        current_a = (arguments.c_rate or DEFAULT_C_RATE) * capacity_ah
    if current_a > MAX_C_RATE * capacity_ah:
        field = "c_rate" if arguments.current_a is None else "current_a"
        raise BadArgument(field, f"{current_a:.4g} A is {current_a / capacity_ah:.3g}C for {subject.cell.name}: the "
                          f"simulation holds up to {MAX_C_RATE:g}C, {MAX_C_RATE * capacity_ah:.4g} A per cell.")
    if current_a < CUT_OFF_C_RATE / 5 * capacity_ah:
        raise BadArgument("current_a", f"{current_a:.3g} A is too little for {subject.cell.name}: "
                          f"give at least {CUT_OFF_C_RATE / 5 * capacity_ah:.3g} A per cell (C/100).")
    return current_a


def _cc_cv(charge: Charge, current_a: float, voltage_v: float) -> Ride:
    """Constant current, then stages that keep the charge voltage: nothing else is obeyed."""
    free = Limits("physics", current_a, "", voltage_v, "", -60.0, 200.0, "", 0.0, "")
    rules = Rules(lambda t, soc: free, charge.temperature_c, None)
    return ride(charge.virtual(), charge.soc_percent, charge.target_soc_percent, rules,
                lowest_c_rate=min(CUT_OFF_C_RATE, current_a / charge.cell.capacity_nominal_ah * 0.99))


def _envelope_warning(charge: Charge, current_a: float, trace: Trace) -> str | None:
    at_start = limits(charge.cell, charge.temperature_c, charge.soc_percent, charge.envelope)
    found = [at_start.refused.rstrip(".")] if at_start.refused else []
    if not at_start.refused and current_a > at_start.max_current_a * (1 + 1e-9):
        found.append(f"{current_a:.3g} A is above the {at_start.max_current_a:.3g} A allowed here "
                     f"({at_start.max_current_source})")
    found += [v for v in violations(charge, trace) if "current" not in v]
    return f"Outside the {charge.envelope} envelope: {'; '.join(found)}." if found else None


def _plating_words(trace: Trace, margin_v: float) -> str:
    low_v = trace.min_anode_potential_v
    if low_v >= margin_v:
        return "no: the anode stays above 0 V against lithium"
    if low_v >= 0:
        return "close: the anode comes within the safety margin of 0 V against lithium"
    first = float(trace.soc_percent[(trace.anode_potential_v < 0).argmax()])
    return f"yes: the anode goes below 0 V against lithium from {first:.0f} % on"


def _end_reason(done: Ride, end: float, voltage_v: float) -> str:
    if done.reached_soc_percent >= end - 1e-6:
        held = any(stage.bound_by == "voltage" for stage in done.stages)
        return f"reached {end:g} %" + (f" after holding {voltage_v:g} V" if held else " at constant current")
    return f"current fell to C/20 at {voltage_v:g} V, at {done.reached_soc_percent:.1f} %"


def _assumptions(arguments: SimulateCharge, subject: Subject, stand_in: str | None) -> tuple[str, ...]:
    words = {"soc_percent": f"start {subject.soc_percent:g} %", "temperature_c": f"{subject.temperature_c:g} degC",
             "soh_percent": f"{subject.soh_percent:g} % health"}
    assumed = [text for name, text in words.items() if (subject.sources or {}).get(name) == "default"]
    if arguments.soc_end_percent is None:
        assumed.append("end 80 %")
    if arguments.current_a is None and arguments.c_rate is None:
        assumed.append("0.5C")
    found = ["Surroundings at the cell's temperature, still air."]
    if assumed:
        found.insert(0, f"Assumed: {', '.join(assumed)}.")
    return tuple(found + ([stand_in] if stand_in else []))

