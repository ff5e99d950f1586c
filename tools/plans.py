"""Charging plans: fastest, gentlest in time, plain CC-CV; and the check every plan passes before anyone sees it."""

from dataclasses import dataclass, replace

import numpy as np

from tools.cells import Cell
from tools.contract import EnvelopeName
from tools.envelope import CAUTIOUS_C_RATE, limits, standard_current_a
from tools.errors import CannotAnswer
from tools.parameters import CellModel
from tools.riding import Ride, Rules, Stage, follow, ride, rounded_down
from tools.simulation import Trace, VirtualCell, virtual_cell

GENTLE_EXTRA_MARGIN_V = 0.010  # more anode margin where time allows
SLOWEST_C_RATE = 0.1  # slower gains nothing: heat and overpotential are already small
BACK_OFF = 0.97
BACK_OFF_TRIES = 12


@dataclass(frozen=True)
class Charge:
    """What is to be charged: cell, its state (percent, degC), the target and the envelope."""

    model: CellModel
    soc_percent: float
    target_soc_percent: float
    temperature_c: float
    soh_percent: float
    envelope: EnvelopeName
    anode_margin_v: float

    @property
    def cell(self) -> Cell:
        return self.model.cell

    def virtual(self, mesh="coarse") -> VirtualCell:
        return virtual_cell(self.model, self.soh_percent, self.temperature_c, mesh)

    def rules(self, cap_a: float | None = None, extra_margin_v: float = 0.0) -> Rules:
        return Rules(lambda t, soc: limits(self.cell, t, soc, self.envelope), self.temperature_c,
                     self.anode_margin_v + extra_margin_v, cap_a)


def fastest(charge: Charge) -> Ride:
    """Ride the envelope all the way."""
    return _ride(charge, charge.rules())


def capped(charge: Charge, cap_a: float) -> Ride:
    """Ride at no more than `cap_a`, with extra anode margin; without the extra where that falls short of the target."""
    gentle = _ride(charge, charge.rules(cap_a, GENTLE_EXTRA_MARGIN_V))
    if gentle.reached_soc_percent >= charge.target_soc_percent - 1e-6:
        return gentle
    plain = _ride(charge, charge.rules(cap_a))
    return plain if plain.reached_soc_percent > gentle.reached_soc_percent else gentle


def gentlest(charge: Charge, time_limit_min: float, fast: Ride) -> Ride:
    """The plan of lowest constant current that arrives in time; falls back to `fast`.

    Heat and overpotential grow faster than linearly with current, so for a given time a level current stresses the
    cell least; where a limit is lower than that level, the limit is ridden.
    """
    cap_a = max(_level_current(charge, time_limit_min, fast), SLOWEST_C_RATE * charge.cell.capacity_nominal_ah)
    for extra_v in (GENTLE_EXTRA_MARGIN_V, 0.0, 0.0, 0.0):
        plan = _ride(charge, charge.rules(cap_a, extra_v))
        short = plan.reached_soc_percent < fast.reached_soc_percent - 1e-6
        if not short and plan.charge_time_min <= time_limit_min:
            return plan
        # A slower charge stays cooler, so its anode limit is tighter than the fast ride's: ask for a little more.
        cap_a *= 1.01 if short or not extra_v else min(max(plan.charge_time_min / time_limit_min, 1.01), 1.2)
    return fast


def gentle_current_a(cell: Cell) -> float:
    """The maker's standard charge current, at most 0.3C."""
    return min(standard_current_a(cell)[0], CAUTIOUS_C_RATE * cell.capacity_nominal_ah)


def cc_cv(charge: Charge, current_a: float) -> Ride:
    """Plain constant current, then constant voltage: only the voltage and the current ceiling are obeyed."""
    rules = charge.rules(current_a)
    return _ride(charge, replace(rules, anode_floor_v=None))


def checked(charge: Charge, plan: Ride) -> tuple[tuple[Stage, ...], Trace, int]:
    """(stages, fine DFN trace, times backed off): the plan re-simulated on the fine mesh, lowered until it holds."""
    stages, cell = merged(plan.stages), charge.virtual("fine")
    for tries in range(BACK_OFF_TRIES):
        trace = follow(cell, charge.soc_percent, stages)
        if not violations(charge, trace):
            return stages, trace, tries
        stages = tuple(replace(s, current_a=rounded_down(s.current_a * BACK_OFF)) for s in stages)
    raise CannotAnswer(f"No charging plan for {charge.cell.name} at {charge.soc_percent:g} % and "
                       f"{charge.temperature_c:g} degC passes the check in the DFN; bring the cell towards 25 degC.")


def violations(charge: Charge, trace: Trace) -> list[str]:
    """What a trace breaks of the envelope: anode below 0 V, voltage, temperature, current."""
    found = [] if trace.min_anode_potential_v >= 0 else ["anode potential below 0 V"]
    at_start = limits(charge.cell, charge.temperature_c, charge.soc_percent, charge.envelope)
    if at_start.max_voltage_v is not None and trace.max_voltage_v > at_start.max_voltage_v:
        found.append("voltage above its limit")
    if trace.max_temperature_c > at_start.max_temperature_c:
        found.append("temperature above its limit")
    allowed = np.array([min(limits(charge.cell, t, soc - 1e-6, charge.envelope).max_current_a
                            for t in {charge.temperature_c, min(warm, at_start.max_temperature_c)})
                        for warm, soc in zip(trace.temperature_c, trace.soc_percent, strict=True)])
    if np.any(trace.current_a > allowed * (1 + 1e-9)):
        found.append("current above its limit")
    return found


def merged(stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
    """Neighbours of equal current and reason as one stage."""
    out: list[Stage] = []
    for stage in stages:
        if out and (out[-1].current_a, out[-1].bound_by) == (stage.current_a, stage.bound_by):
            out[-1] = stage
        else:
            out.append(stage)
    return tuple(out)


def physics_current_a(charge: Charge) -> float | None:
    """What physics alone would allow now, A per cell: first stage of the physics envelope; None when nothing."""
    alone = replace(charge, envelope="physics", target_soc_percent=min(charge.soc_percent + 1.25, 100.0))
    stages = fastest(alone).stages
    return stages[0].current_a if stages else None


def soc_after(trace: Trace, minutes: float) -> float:
    """State of charge (percent) that a trace has reached after so many minutes."""
    return float(np.interp(minutes * 60, trace.t_s, trace.soc_percent))


def _ride(charge: Charge, rules: Rules) -> Ride:
    return ride(charge.virtual(), charge.soc_percent, charge.target_soc_percent, rules)


def _level_current(charge: Charge, time_limit_min: float, fast: Ride) -> float:
    """Current c with sum(charge / min(c, fast current)) = time limit, from the fast ride's stages."""
    from scipy.optimize import brentq

    ends = np.array([s.until_soc_percent for s in fast.stages])
    ah = np.diff(np.concatenate([[charge.soc_percent], ends])) / 100 * charge.virtual().capacity_ah
    currents = np.array([s.current_a for s in fast.stages])

    def minutes_over(current_a):
        return float(np.sum(ah / np.minimum(current_a, currents)) * 60 - time_limit_min)

    if minutes_over(currents.max()) >= 0:
        return float(currents.max())
    lowest = float(ah.sum() / time_limit_min * 60) * 0.99
    return brentq(minutes_over, lowest, float(currents.max()), xtol=1e-4)
