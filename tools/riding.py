"""Charging along the constraints in the DFN: stage after stage, the highest current that keeps every limit."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import floor, log10

import numpy as np

from tools.envelope import Limits
from tools.errors import CannotAnswer
from tools.simulation import CellState, Trace, VirtualCell, joined

STAGE_PERCENT, SHORTEST_PERCENT, LONGEST_PERCENT = 1.25, 0.3, 10.0
RIDING_PERCENT = 2.5  # longest stage on a limit that is no current limit
FALL = 0.03  # stages are as long as the current that a limit allows takes to fall by this share
FLOOR_C_RATE = 0.02  # below this a stage counts as impossible
VOLTAGE_RESERVE_V = 0.002  # what the mesh of the check may be wrong by
TEMPERATURE_RESERVE_C = 0.05
AIM_V, WASTE_V = 0.0005, 0.002  # distance to its limit that a stage is to end with, and one that wants another try
AMPLE_V = 0.005
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


@dataclass(frozen=True)
class Guide:
    """What the limits are thought to allow over a charge: stage ends (percent, rising) and currents (A, cell)."""

    until_soc_percent: np.ndarray
    current_a: np.ndarray

    @classmethod
    def of(cls, stages: tuple[Stage, ...]) -> "Guide":
        return cls(np.array([s.until_soc_percent for s in stages]), np.array([s.current_a for s in stages]))

    def at(self, soc_percent: float) -> float:
        return float(np.interp(soc_percent, self.until_soc_percent, self.current_a))

    def level_a(self, soc_percent: float, capacity_ah: float, minutes: float) -> float:
        """The constant current that, cut where the guide is lower, charges to its end in so many minutes.

        The guide's highest current where even that takes longer, and where the charge has gone beyond the guide's end.
        """
        from scipy.optimize import brentq

        later = self.until_soc_percent > soc_percent + 1e-9
        shares = np.diff(np.concatenate([[soc_percent], self.until_soc_percent[later]]))
        ah, currents = shares / 100 * capacity_ah, self.current_a[later]

        def minutes_over(current_a):
            return float(np.sum(ah / np.minimum(current_a, currents)) * 60 - minutes)

        highest = float((currents if later.any() else self.current_a).max())
        if not later.any() or minutes <= 0 or minutes_over(highest) >= 0:
            return highest
        return brentq(minutes_over, float(ah.sum() / minutes * 60) * 0.99, highest, xtol=1e-4)


def ride(cell: VirtualCell, soc_percent: float, target_soc_percent: float, rules: Rules, guide: Guide | None = None,
         arrive_min: float | None = None, lowest_c_rate: float = FLOOR_C_RATE) -> Ride:
    """The fastest stages from `soc_percent` to the target under the rules; ends below `lowest_c_rate`.

    With a guide each stage is tried first at the guide's current, corrected by how the DFN met the stage before it:
    one try a stage as a rule. `arrive_min` (with a guide) asks for the lowest level current that is there in time:
    when the limits cost more or less time than the guide says, the level of what is left is set anew.
    """
    state, stages, traces = cell.rested(soc_percent), [], []
    search, lowest_a = _Search(guide), lowest_c_rate * cell.capacity_ah
    length = STAGE_PERCENT
    while state.soc_percent < target_soc_percent - 1e-6:
        if arrive_min is not None:
            rules = _in_time(rules, search, state, cell.capacity_ah, arrive_min)
        until = min(state.soc_percent + length, target_soc_percent)
        found = _best_stage(cell, state, until, rules, lowest_a, search, length > RIDING_PERCENT)
        if found is None:
            if length <= SHORTEST_PERCENT:
                break
            length = STAGE_PERCENT if length > RIDING_PERCENT else max(length / 2, SHORTEST_PERCENT)
            continue
        stage, state, trace, search = found
        stages.append(stage)
        traces.append(trace)
        length = search.next_length(until - trace.soc_percent[0])
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


@dataclass(frozen=True)
class _Search:
    """What the last stage taught: the current (A) it should have had, how slack falls with current (V/A), and how
    much slack it had when it was held back by a current limit (None: by another)."""

    guide: Guide | None
    ratio: float = 1.0  # of the current that fitted to the guide's
    follows_guide: bool = True  # the guide foretold the last stage better than the trend did
    best_a: float | None = None
    fall: float = FALL / STAGE_PERCENT  # share per percent of charge by which that current falls
    slope: float | None = None
    spare_v: float | None = None
    spent_v: float = 0.0

    def first_try_a(self, soc_percent: float, until: float, top_a: float) -> float:
        guided_a, trend_a = self._foretold_a(soc_percent, until)
        if trend_a is None or guided_a is not None and self.follows_guide:
            return min(top_a, guided_a or top_a)
        return min(top_a, trend_a)

    def _foretold_a(self, soc_percent: float, until: float) -> tuple[float | None, float | None]:
        guided_a = None if self.guide is None else self.ratio * self.guide.at(until) * (1 + 1e-5)  # float32 as exact
        if self.best_a is None or self.spare_v is not None:
            return guided_a, None
        return guided_a, self.best_a * (1 - self.fall * (until - soc_percent))

    def after(self, current_a: float, top_a: float, slack: float, bound: str, slope: float | None, soc_percent: float,
              until: float) -> "_Search":
        if current_a >= top_a and slack > WASTE_V:
            return replace(self, best_a=current_a, slope=slope, spare_v=slack,
                           spent_v=0.0 if self.spare_v is None else self.spare_v - slack)
        if bound == "temperature":  # it answers so slowly that the slack left says little about the next current
            return replace(self, best_a=1.04 * current_a, fall=0.0, slope=None, spare_v=None)
        best_a = current_a if slope is None else current_a + float(np.clip(
            (AIM_V - slack) / slope, -0.1 * current_a, 0.1 * current_a))
        guided_a, trend_a = self._foretold_a(soc_percent, until)
        fall, follows = self.fall, self.follows_guide
        if trend_a is not None:
            fall = float(np.clip((1 - best_a / self.best_a) / (until - soc_percent), 0.0, 0.3))
            follows = guided_a is not None and abs(guided_a - best_a) <= abs(trend_a - best_a)
        ratio = self.ratio if self.guide is None else best_a / self.guide.at(until)
        return replace(self, ratio=ratio, follows_guide=follows, best_a=best_a, fall=fall, slope=slope, spare_v=None)

    def next_length(self, length: float) -> float:
        """Twice as long while a current limit holds with slack for it; on other limits until the current must fall."""
        if self.spare_v is not None:
            ample = self.spare_v - 2.5 * max(self.spent_v, 0.0) > AMPLE_V
            return min(2 * length, LONGEST_PERCENT) if ample else STAGE_PERCENT
        wanted = FALL / max(self.fall, 1e-3)
        return float(np.clip(wanted, max(SHORTEST_PERCENT, 0.6 * length), min(RIDING_PERCENT, 1.5 * length)))


def _in_time(rules: Rules, search: _Search, state: CellState, capacity_ah: float, arrive_min: float) -> Rules:
    """The rules with a cap that arrives in time: kept while it does, moved when it is off by more than a percent."""
    left_min = arrive_min - state.t_s / 60
    guide = Guide(search.guide.until_soc_percent, search.guide.current_a * search.ratio)
    level_a = guide.level_a(state.soc_percent, capacity_ah, left_min)
    if rules.cap_a is not None and 0.99 * rules.cap_a <= level_a <= 1.002 * rules.cap_a:
        return rules
    return replace(rules, cap_a=level_a)


def _best_stage(cell: VirtualCell, state: CellState, until: float, rules: Rules, lowest_a: float, search: _Search,
                whole: bool):
    """(stage, state after, trace, search) of the highest current that keeps the rules up to `until`, or None.

    Slack is nearly linear in current: a secant, kept inside the bracket. `whole`: None as well where the first
    try breaks a limit, as so long a stage is only worth having at the current limit.
    """
    top_a = min(rules.current_a(state.temperature_c, soc) for soc in (state.soc_percent, until - 1e-6))
    if top_a < lowest_a:
        return None
    top_a = rounded_down(top_a)
    trial_a = max(rounded_down(search.first_try_a(state.soc_percent, until, top_a)), rounded_down(lowest_a))
    best, low, high, last, slope = None, None, None, None, search.slope
    high_bound = ""
    for _ in range(TRIES):
        after, trace, slack, bound = _tried(cell, state, trial_a, until, rules)
        if last is not None and (slack - last[1]) * (trial_a - last[0]) < 0:
            slope = (slack - last[1]) / (trial_a - last[0])
        last = (trial_a, slack)
        if slack >= 0:
            best, low = (trial_a, after, trace, slack), trial_a
            settled = slack < WASTE_V if bound != "temperature" else high is None or high < 1.05 * trial_a
            if trial_a >= top_a or settled:
                break
        elif whole:
            return None
        else:
            high, high_bound = trial_a, bound
        if bound == "temperature" and high is not None:  # falls too little with current for a secant
            trial_a = rounded_down(0.9 * high if low is None else (low * high) ** 0.5)
        else:
            trial_a = rounded_down(_next_current(trial_a, slack, slope, low, high, top_a))
        if trial_a < lowest_a or (low is not None and trial_a <= low * 1.003):
            break
    if best is None:
        return None
    current_a, after, trace, slack = best
    bound = high_bound if high is not None else _slack_bound(rules, current_a, top_a, trace, until)
    learnt = search.after(current_a, top_a, slack, bound, slope, state.soc_percent, until)
    return Stage(current_a, until, bound), after, trace, learnt


def _tried(cell: VirtualCell, state: CellState, current_a: float, until: float, rules: Rules):
    """(state after, trace, slack, which limit); a current that the model cannot solve is far beyond the voltage."""
    samples = max(4, round((until - state.soc_percent) / STAGE_PERCENT) + 2)
    try:
        after, trace = cell.charge(state, current_a, until, samples)
    except CannotAnswer:
        return None, None, -0.3, "voltage"
    return after, trace, *_slack(trace, rules, current_a, until)


def _next_current(trial_a, slack, slope, low, high, top_a) -> float:
    guess = trial_a * 0.1 / (0.1 - min(slack, 0.09)) if slope is None else trial_a + (AIM_V - slack) / slope
    if low is not None and high is not None:
        return min(max(guess, low + 0.1 * (high - low)), high - 0.1 * (high - low))
    if high is not None:
        return min(max(guess, 0.3 * high), 0.995 * high)
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
