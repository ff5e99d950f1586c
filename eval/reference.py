"""The fastest charge that the DFN allows: constraints ridden in steps of 30 s with no margin, to compare plans with.

Shares nothing with the tool's own search but the DFN and the cell's parameters: every step's current is found by
bisection and secant on the DFN itself, on the very limit (anode at 0 V, no reserve for voltage or temperature).
"""

from collections.abc import Callable
from dataclasses import dataclass

from scipy.optimize import brentq

from tools.cells import Cell
from tools.errors import CannotAnswer
from tools.parameters import model_of
from tools.simulation import CellState, Trace, VirtualCell, virtual_cell

STEP_S = 30.0
LOWEST_C_RATE = 0.02
TOLERANCE = 2e-3  # of the current of a step
# Where temperature binds, charging flat out and then waiting is not the fastest; so these shares of the highest
# current are tried as a ceiling too.
CEILINGS = (0.7, 0.55, 0.45, 0.38, 0.32, 0.27, 0.23)


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
    if best.heat_bound:
        for share in CEILINGS:
            found = _ridden(virtual, soc_percent, target_soc_percent, bounds, share * highest_a)
            if (-found.reached_soc_percent, found.minutes) < (-best.reached_soc_percent, best.minutes):
                best = found
    return best


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
        """The highest current with room left, within TOLERANCE below the true one; None where none is above lowest."""
        if top_a < lowest_a:
            return None
        if self.room(top_a) >= 0:
            return top_a
        low_a, high_a = self._bracket(lowest_a, top_a, last_a)
        if low_a is None:
            return None
        found = brentq(self.room, low_a, high_a, xtol=TOLERANCE * low_a / 2, rtol=1e-6)
        fitting = [current_a for current_a in self.known if low_a <= current_a and self.room(current_a) >= 0]
        below = found * (1 - TOLERANCE / 2)
        return max([*fitting, below]) if self.room(below) >= 0 else max(fitting)

    def _bracket(self, lowest_a: float, top_a: float, last_a: float | None) -> tuple[float | None, float]:
        """A current that fits and one that does not, close to the last step's where there was one."""
        low_a, high_a = (last_a or top_a) * 0.97, top_a
        while low_a > lowest_a:
            if self.room(low_a) >= 0:
                near_a = min(low_a * 1.06, top_a)
                return (low_a, near_a) if self.room(near_a) < 0 else (near_a, high_a)
            high_a, low_a = low_a, low_a * 0.85
        return (lowest_a, high_a) if self.room(lowest_a) >= 0 else (None, high_a)
