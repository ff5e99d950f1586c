"""Charging along the constraints: in stages of a few percent, the highest current that keeps every limit."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import floor, log10

from tools.envelope import Limits
from tools.errors import CannotAnswer
from tools.simulation import CellState, Trace, VirtualCell, joined

STAGE_PERCENT = 1.25
FLOOR_C_RATE = 0.02  # below this a stage counts as impossible
VOLTAGE_RESERVE_V = 0.002  # kept by the search so that the finer check stays within the limit
TEMPERATURE_RESERVE_C = 0.1
SLACK_V = 0.0008  # a stage this close to its limit is on it
TRIES = 9


@dataclass(frozen=True)
class Rules:
    """What a ride obeys.

    `limits_at(temperature_c, soc_percent)` is the envelope. The current limit at the surroundings' temperature holds
    throughout, so that a cell's own warmth never raises it. `anode_floor_v` None leaves the anode unchecked.
    """

    limits_at: Callable[[float, float], Limits]
    ambient_c: float
    anode_floor_v: float | None
    cap_a: float | None = None

    def current_a(self, temperature_c: float, soc_percent: float) -> float:
        allowed = min(self.limits_at(t, soc_percent).max_current_a for t in {self.ambient_c, temperature_c})
        return allowed if self.cap_a is None else min(allowed, self.cap_a)


@dataclass(frozen=True)
class Stage:
    """Constant current (A, cell) up to a state of charge; bound by current, cap, anode, voltage or temperature."""

    current_a: float
    until_soc_percent: float
    bound_by: str


@dataclass(frozen=True)
class Ride:
    """Stages, their trace, and the charge reached (below the target when nothing above the floor current fits)."""

    stages: tuple[Stage, ...]
    trace: Trace | None
    reached_soc_percent: float

    @property
    def charge_time_min(self) -> float:
        return self.trace.charge_time_min if self.trace else 0.0


def ride(cell: VirtualCell, soc_percent: float, target_soc_percent: float, rules: Rules,
         stage_percent: float = STAGE_PERCENT, lowest_c_rate: float = FLOOR_C_RATE) -> Ride:
    """The fastest stages from `soc_percent` to the target under the rules; ends below `lowest_c_rate`."""
    state, stages, traces, hint = cell.rested(soc_percent), [], [], None
    while state.soc_percent < target_soc_percent - 1e-6:
        until = min(state.soc_percent + stage_percent, target_soc_percent)
        found = _best_stage(cell, state, until, rules, lowest_c_rate * cell.capacity_ah, hint)
        if found is None:
            break
        stage, state, trace, hint = found
        stages.append(stage)
        traces.append(trace)
    return Ride(tuple(stages), joined(traces) if traces else None, state.soc_percent)


def follow(cell: VirtualCell, soc_percent: float, stages: tuple[Stage, ...], samples: int = 11) -> Trace:
    """Simulate given stages as they are, with no limit enforced."""
    state, traces = cell.rested(soc_percent), []
    for stage in stages:
        state, trace = cell.charge(state, stage.current_a, stage.until_soc_percent, samples)
        traces.append(trace)
    return joined(traces)


def rounded_down(current_a: float) -> float:
    """Three significant digits, never upwards."""
    digits = 10 ** (floor(log10(current_a)) - 2)
    return round(floor(current_a / digits + 1e-9) * digits, 6)


def _best_stage(cell: VirtualCell, state: CellState, until: float, rules: Rules, lowest_a: float,
                hint: "_Hint | None"):
    """(stage, state after, trace, hint) of the highest current that keeps the rules up to `until`, or None.

    Slack is nearly linear in current: a secant from the previous stage's current and slope, kept inside the bracket.
    """
    top_a = min(rules.current_a(state.temperature_c, soc) for soc in (state.soc_percent, until - 1e-6))
    if top_a < lowest_a:
        return None
    top_a = rounded_down(top_a)
    trial_a = min(top_a, rounded_down(hint.current_a)) if hint else top_a
    slope = hint.slope if hint else None
    best, low, high, last = None, None, None, None
    for _ in range(TRIES):
        after, trace, slack, bound = _tried(cell, state, trial_a, until, rules)
        if last is not None and (slack - last[1]) * (trial_a - last[0]) < 0:
            slope = (slack - last[1]) / (trial_a - last[0])
        last = (trial_a, slack)
        if slack >= 0:
            best, low = (trial_a, after, trace), trial_a
            if trial_a >= top_a or slack < SLACK_V:
                break
        else:
            high, high_bound = trial_a, bound
        trial_a = rounded_down(_next_current(trial_a, slack, slope, low, high, top_a))
        if trial_a < lowest_a or (low is not None and trial_a <= low * 1.003):
            break
    if best is None:
        return None
    current_a, after, trace = best
    bound = high_bound if high is not None else _slack_bound(rules, current_a, top_a, trace, until)
    return Stage(current_a, until, bound), after, trace, _Hint(current_a, slope)


def _tried(cell: VirtualCell, state: CellState, current_a: float, until: float, rules: Rules):
    """(state after, trace, slack, which limit); a current that the model cannot solve is far beyond the voltage."""
    try:
        after, trace = cell.charge(state, current_a, until)
    except CannotAnswer:
        return None, None, -0.3, "voltage"
    return after, trace, *_slack(trace, rules, current_a, until)


@dataclass(frozen=True)
class _Hint:
    """Where the next stage's search starts: current (A) and slack per current (V/A)."""

    current_a: float
    slope: float | None


def _next_current(trial_a, slack, slope, low, high, top_a) -> float:
    guess = trial_a * 0.1 / (0.1 - slack) if slope is None else trial_a + (SLACK_V / 2 - slack) / slope
    if low is not None and high is not None:
        return min(max(guess, low + 0.1 * (high - low)), high - 0.1 * (high - low))
    if high is not None:
        return min(max(guess, 0.3 * high), 0.98 * high)
    return min(max(guess, 1.01 * low), top_a)


def _slack_bound(rules: Rules, current_a: float, top_a: float, trace: Trace, until: float) -> str:
    if current_a < top_a:
        return _slack(trace, rules, current_a, until)[1]
    uncapped_a = replace(rules, cap_a=None).current_a(rules.ambient_c, until - 1e-6)
    return "cap" if rules.cap_a is not None and rules.cap_a < uncapped_a * (1 - 1e-9) else "current"


def _slack(trace: Trace, rules: Rules, current_a: float, until: float) -> tuple[float, str]:
    """Smallest distance to a limit in V, and which limit (0.01 V per K, 0.1 V per unit of relative current)."""
    hottest_c = trace.max_temperature_c
    limits = rules.limits_at(min(hottest_c, rules.limits_at(rules.ambient_c, until).max_temperature_c), until - 1e-6)
    allowed_a = rules.current_a(min(hottest_c, limits.max_temperature_c), until - 1e-6)
    distances = [((limits.max_temperature_c - TEMPERATURE_RESERVE_C - hottest_c) * 0.01, "temperature"),
                 ((allowed_a - current_a) / current_a * 0.1 + 1e-6, "current")]
    if limits.max_voltage_v is not None:
        distances.append((limits.max_voltage_v - VOLTAGE_RESERVE_V - trace.max_voltage_v, "voltage"))
    if rules.anode_floor_v is not None:
        distances.append((trace.min_anode_potential_v - rules.anode_floor_v, "anode"))
    # A current exactly at its limit is no near miss: leave it out unless it is exceeded.
    return min(d for d in distances if d[1] != "current" or d[0] < 0)
