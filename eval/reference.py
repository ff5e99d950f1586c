"""The fastest charge that the DFN allows: constraints ridden in steps of 30 s with no margin, to compare plans with.

Shares nothing with the tool's own search but the DFN and the cell's parameters: every step's current is found by
regula falsi on the DFN itself, on the very limit (anode at 0 V, no reserve for voltage or temperature).
"""

from collections.abc import Callable
from dataclasses import dataclass

from scipy.optimize import minimize_scalar

from tools.cells import Cell
from tools.errors import CannotAnswer
from tools.parameters import model_of
from tools.simulation import CellState, Trace, VirtualCell, virtual_cell

STEP_S = 30.0
LOWEST_C_RATE = 0.02
CLOSE_V = 2e-4  # room that a step may leave unused: less than half a percent of its current
TRIES = 6
CEILING_TRIES = 7  # where temperature binds, charging flat out and then waiting is not the fastest: ceilings are tried


@dataclass(frozen=True)
class Bounds:
    """What a charge must keep, per cell."""

    max_voltage_v: float
    max_temperature_c: float
    max_current_a: Callable[[float], float]  # at a cell temperature, degC


@dataclass(frozen=True)
class Fastest:
    """Minutes to the charge reached (below the target where less than 0.02C keeps the limits)."""

    minutes: float
    reached_soc_percent: float
    heat_bound: bool


def fastest_charge(cell: Cell, soc_percent: float, target_soc_percent: float, temperature_c: float,
                   soh_percent: float, bounds: Bounds) -> Fastest:
    """The constraint-riding optimum of the DFN from rest at the temperature of the surroundings."""
    virtual = virtual_cell(model_of(cell), soh_percent, temperature_c)
    highest_a = bounds.max_current_a(temperature_c)
    best = _ridden(virtual, soc_percent, target_soc_percent, bounds, highest_a)
    if not best.heat_bound or best.reached_soc_percent < target_soc_percent - 1e-3:
        return best
    # Held level, the mean current would take as long: the best ceiling lies between it and the highest current.
    mean_a = (target_soc_percent - soc_percent) / 100 * virtual.capacity_ah / best.minutes * 60
    tried = [best]

    def minutes(ceiling_a: float) -> float:
        found = _ridden(virtual, soc_percent, target_soc_percent, bounds, ceiling_a)
        tried.extend([found] if found.reached_soc_percent > target_soc_percent - 1e-3 else [])
        return found.minutes

    minimize_scalar(minutes, bounds=(mean_a, min(3 * mean_a, highest_a)), method="bounded",
                    options={"maxiter": CEILING_TRIES})
    return min(tried, key=lambda found: found.minutes)


def _ridden(cell: VirtualCell, soc_percent: float, target_soc_percent: float, bounds: Bounds,
            ceiling_a: float) -> Fastest:
    state, heat_bound, current_a = cell.rested(soc_percent), False, None
    lowest_a = LOWEST_C_RATE * cell.capacity_ah
    while state.soc_percent < target_soc_percent - 1e-6:
        top_a = min(ceiling_a, bounds.max_current_a(cell.ambient_c), bounds.max_current_a(state.temperature_c))
        step = _Step(cell, state, target_soc_percent, bounds)
        current_a = step.highest_a(lowest_a, top_a, current_a)
        if current_a is None:
            break
        state, trace = step.taken(current_a)
        heat_bound = heat_bound or trace.max_temperature_c > bounds.max_temperature_c - 0.05
    return Fastest(state.t_s / 60, state.soc_percent, heat_bound)


class _Step:
    """One step of 30 s, shorter where the target is reached before."""

    def __init__(self, cell: VirtualCell, state: CellState, target_soc_percent: float, bounds: Bounds):
        self.cell, self.state, self.bounds = cell, state, bounds
        self.left_as = (target_soc_percent - state.soc_percent) * 36 * cell.capacity_ah
        self.known: dict[float, tuple[CellState, Trace]] = {}

    def taken(self, current_a: float) -> tuple[CellState, Trace]:
        if current_a not in self.known:
            seconds = min(STEP_S, self.left_as / current_a)
            self.known[current_a] = self.cell.step(self.state, current_a, seconds, 5)
        return self.known[current_a]

    def room(self, current_a: float) -> float:
        """Distance to the nearest limit, V; a kelvin counts as 10 mV. Falls as current rises."""
        try:
            _, trace = self.taken(current_a)
        except CannotAnswer:
            return -0.5
        return min(trace.min_anode_potential_v, self.bounds.max_voltage_v - trace.max_voltage_v,
                   0.01 * (self.bounds.max_temperature_c - trace.max_temperature_c))

    def highest_a(self, lowest_a: float, top_a: float, last_a: float | None) -> float | None:
        """The highest current with room left, CLOSE_V or less of it; None where none above `lowest_a` has any."""
        if top_a < lowest_a:
            return None
        if (last_a is None or last_a > 0.9 * top_a) and self.room(top_a) >= 0:
            return top_a
        low_a, high_a = self._bracket(lowest_a, top_a, last_a)
        if low_a is None or high_a is None:
            return low_a
        for _ in range(TRIES):
            low_v, high_v = self.room(low_a), self.room(high_a)
            if low_v < CLOSE_V or high_a < 1.001 * low_a:
                break
            share = min(max((low_v - CLOSE_V / 2) / (low_v - high_v), 0.05), 0.95)
            between_a = low_a + share * (high_a - low_a)
            low_a, high_a = (between_a, high_a) if self.room(between_a) >= 0 else (low_a, between_a)
        return low_a

    def _bracket(self, lowest_a: float, top_a: float, last_a: float | None) -> tuple[float | None, float | None]:
        """A current that fits and one that does not, close to the last step's where there was one.

        (top, None) where the highest current fits, (None, current) where nothing does."""
        low_a, high_a = (last_a or top_a) * 0.98, None
        while low_a > lowest_a:
            if self.room(low_a) >= 0:
                while high_a is None or self.room(high_a) >= 0:
                    low_a, high_a = high_a or low_a, min((high_a or low_a) * 1.04, top_a)
                    if low_a >= top_a:
                        return top_a, None
                return low_a, high_a
            high_a, low_a = low_a, low_a * 0.85
        return (lowest_a, high_a) if self.room(lowest_a) >= 0 else (None, high_a)
