"""Charging plans: fastest, gentlest in time, plain CC-CV; and the check every plan passes before anyone sees it.

The world model, where it is valid, tries the currents; the DFN then takes each stage at what it found, corrected by
how the stage before went, so that the plan's own simulation is its check. Elsewhere the DFN tries them itself.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from tools.cells import Cell
from tools.contract import EnvelopeName
from tools.envelope import CAUTIOUS_C_RATE, limits, standard_current_a
from tools.errors import CannotAnswer
from tools.outlook import Expected, expect, world_of
from tools.parameters import CellModel
from tools.riding import STAGE_PERCENT, Guide, Ride, Rules, Stage, follow, ride, rounded_down
from tools.simulation import Trace, VirtualCell, virtual_cell

GENTLE_EXTRA_MARGIN_V = 0.010  # more anode margin where time allows
SLOWEST_C_RATE = 0.1  # slower gains nothing: heat and overpotential are already small
DEADLINE_RESERVE = 0.98  # plans aim to be there a little early
UNSURE = 1.08  # the world model's time keeps clear of the limits: the DFN may be this much faster or slower
LOOSE = 2.0  # with this many times the fastest time more margin is no question of time
NO_TIME_LEFT = 1.05  # a deadline within this of the fastest time gets the fastest plan
ANODE_BELOW = "anode potential below 0 V"
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


@dataclass(frozen=True)
class Plan:
    """A ride, the earliest time (min) at which any plan gets as far, how far any gets, and what searched for it."""

    ride: Ride
    earliest_min: float
    furthest_soc_percent: float
    allowed_now_a: float  # what the limits allow in the first percent
    searched_by: str | None


def plan(charge: Charge, priority: str, time_limit_min: float | None = None) -> Plan:
    """The plan that priority and deadline ask for; the fastest one when there is no time for another.

    "fastest" takes all that the limits allow. With a deadline the others are the gentlest plan in time; without one
    "longest_life" is the maker's standard current, at most 0.3C, and "balanced" midway between standard and fastest.
    """
    return _Planner(charge).plan(priority, time_limit_min)


def fastest(charge: Charge) -> Ride:
    """Ride the envelope all the way."""
    return _Planner(charge).fastest


class _Planner:
    """Plans for one charge; what is costly is worked out once and only when asked for."""

    def __init__(self, charge: Charge):
        self.charge, self.cell = charge, charge.virtual()

    def plan(self, priority: str, time_limit_min: float | None) -> Plan:
        if priority == "fastest":
            found = self.fastest
        elif time_limit_min is not None:
            found = self._gentlest(time_limit_min * DEADLINE_RESERVE)
        elif priority == "longest_life":
            found = self._capped(gentle_current_a(self.charge.cell))
        else:
            found = self._capped((standard_current_a(self.charge.cell)[0] + self.first_a) / 2)
        furthest = self.fastest.reached_soc_percent if self._rode else self.charge.target_soc_percent
        return Plan(found, self._earliest_min(), furthest, self.first_a, self._world and self._world.version)

    @property
    def _rode(self) -> bool:
        """Whether the fastest charge has been simulated in the DFN, and not only been foreseen."""
        return self.expected is None or "fastest" in self.__dict__

    @cached_property
    def fastest(self) -> Ride:
        if self.expected is None:
            found = self._ride(self.charge.rules(), None)
            return self._level(found) if any(s.bound_by == "temperature" for s in found.stages) else found
        cap_a = self.expected.cap_a if self.expected.heat_bound else None
        return self._ride(self.charge.rules(cap_a), self.expected.guide)

    def _level(self, hot: Ride) -> Ride:
        """As fast with less heat: holding back from the start instead of heating up and waiting."""
        level = self._ride(self.charge.rules(), Guide.of(hot.stages), hot.charge_time_min)
        better = (level.reached_soc_percent >= hot.reached_soc_percent - 1e-6
                  and level.charge_time_min <= 1.02 * hot.charge_time_min)
        return level if better else hot

    @cached_property
    def _world(self):
        highest_a = max(self.charge.rules().current_a(self.charge.temperature_c, soc)
                        for soc in (self.charge.soc_percent, self.charge.target_soc_percent))
        return world_of(self.cell, self.charge.soc_percent, self.charge.target_soc_percent, highest_a)

    @cached_property
    def expected(self) -> Expected | None:
        """The fastest charge as the world model sees it; None where it is not valid or sees none."""
        return self._expect(self.charge.rules())

    def _expect(self, rules: Rules) -> Expected | None:
        if self._world is None:
            return None
        found = expect(self._world, self.cell, self.charge.soc_percent, self.charge.target_soc_percent, rules)
        return found if found.reaches_target else None

    def _ride(self, rules: Rules, guide: Guide | None, arrive_min: float | None = None) -> Ride:
        return ride(self.cell, self.charge.soc_percent, self.charge.target_soc_percent, rules, guide, arrive_min)

    def _guide(self) -> Guide:
        return Guide.of(self.fastest.stages) if self._rode else self.expected.guide

    @cached_property
    def first_a(self) -> float:
        """What the limits allow now, A; 0 where that is nothing."""
        if self._rode and not (self.expected is not None and self.expected.heat_bound):
            return self.fastest.stages[0].current_a if self.fastest.stages else 0.0
        soon = min(self.charge.soc_percent + STAGE_PERCENT, self.charge.target_soc_percent)
        found = ride(self.cell, self.charge.soc_percent, soon, self.charge.rules(), self.expected.guide)
        return found.stages[0].current_a if found.stages else 0.0

    def _earliest_min(self) -> float:
        return self.fastest.charge_time_min if self._rode else self.expected.charge_time_min

    def _gentlest(self, arrive_min: float) -> Ride:
        """The plan of lowest constant current that arrives in time, cut where a limit is lower; else the fastest.

        Heat and overpotential grow faster than linearly with current, so for a given time a level current costs
        least; more margin to plating is kept where that costs little of the time.
        """
        unsure = self.expected is None or arrive_min < UNSURE * self.expected.charge_time_min
        if unsure and (not self.fastest.stages or arrive_min < NO_TIME_LEFT * self.fastest.charge_time_min):
            return self.fastest
        longest_min = 60 * self._charge_ah() / (SLOWEST_C_RATE * self.charge.cell.capacity_nominal_ah)
        aim_min = min(arrive_min, longest_min)
        tries = [(self.charge.rules(), self._guide())] * 3
        goal = self.fastest.reached_soc_percent if self._rode else self.charge.target_soc_percent
        if roomy := self._roomy_guide(aim_min):
            tries.insert(0, (self.charge.rules(extra_margin_v=GENTLE_EXTRA_MARGIN_V), roomy))
        for rules, guide in tries:
            found = self._ride(rules, guide, 0.997 * aim_min)
            if found.reached_soc_percent >= goal - 1e-6:
                if found.charge_time_min <= arrive_min:
                    return found
                aim_min *= 0.998 * arrive_min / found.charge_time_min
        return self.fastest

    def _roomy_guide(self, aim_min: float) -> Guide | None:
        """A guide for a plan with more margin to plating; None where it may not arrive in time."""
        if self.expected is None or aim_min > LOOSE * self.expected.charge_time_min:
            return self.expected and self.expected.guide
        roomy = self._expect(self.charge.rules(extra_margin_v=GENTLE_EXTRA_MARGIN_V))
        return roomy.guide if roomy is not None and UNSURE * roomy.charge_time_min < aim_min else None

    def _capped(self, cap_a: float) -> Ride:
        """Ride at no more than `cap_a`, with extra anode margin; without where that falls short of the target."""
        gentle = self._ride(self.charge.rules(cap_a, GENTLE_EXTRA_MARGIN_V), self._capped_guide(cap_a))
        if gentle.reached_soc_percent >= self.charge.target_soc_percent - 1e-6:
            return gentle
        plain = self._ride(self.charge.rules(cap_a), self._capped_guide(cap_a))
        return plain if plain.reached_soc_percent > gentle.reached_soc_percent else gentle

    def _capped_guide(self, cap_a: float) -> Guide | None:
        if self.expected is None:
            return None
        guide = self.expected.guide
        return Guide(guide.until_soc_percent, np.minimum(guide.current_a, cap_a))

    def _charge_ah(self) -> float:
        return (self.charge.target_soc_percent - self.charge.soc_percent) / 100 * self.cell.capacity_ah


def gentle_current_a(cell: Cell) -> float:
    """The maker's standard charge current, at most 0.3C."""
    return min(standard_current_a(cell)[0], CAUTIOUS_C_RATE * cell.capacity_nominal_ah)


def cc_cv(charge: Charge, current_a: float) -> Ride:
    """Plain constant current, then constant voltage: only the voltage and the current ceiling are obeyed."""
    return ride(charge.virtual(), charge.soc_percent, charge.target_soc_percent, _plain(charge, current_a))


def cc_cv_trace(charge: Charge, current_a: float) -> tuple[Trace | None, str]:
    """A plain CC-CV charge to compare with, and what simulated it; None where it does not reach the target.

    The constant current in the DFN; where a constant voltage has to follow, by the world model if there is one.
    """
    cell, rules = charge.virtual(), _plain(charge, current_a)
    allowed_a = min(rules.current_a(charge.temperature_c, soc - 1e-6)
                    for soc in (charge.soc_percent + 1e-6, charge.target_soc_percent))
    whole = (Stage(allowed_a, charge.target_soc_percent, "cap"),)
    with suppress(CannotAnswer):  # where that current leads beyond the cell, its voltage has to be held
        trace = follow(cell, charge.soc_percent, whole, 29)
        if not set(violations(charge, trace)) - {ANODE_BELOW}:
            return trace, "DFN"
    world = world_of(cell, charge.soc_percent, charge.target_soc_percent, current_a)
    if world is None:
        found = cc_cv(charge, current_a)
        return (found.trace if found.reached_soc_percent >= charge.target_soc_percent - 0.01 else None), "DFN"
    expected = expect(world, cell, charge.soc_percent, charge.target_soc_percent, rules, False)
    return (expected.trace(cell.ambient_c) if expected.reaches_target else None), "world model"


def expected_time_min(charge: Charge, temperature_c: float) -> float | None:
    """How long the fastest charge would take at another temperature, by the world model; None where it cannot say."""
    elsewhere = replace(charge, temperature_c=temperature_c)
    if limits(charge.cell, temperature_c, charge.soc_percent, charge.envelope).refused:
        return None
    found = _Planner(elsewhere).expected
    return None if found is None else found.charge_time_min


def _plain(charge: Charge, current_a: float) -> Rules:
    return replace(charge.rules(current_a), anode_floor_v=None)


def checked(charge: Charge, found: Ride) -> tuple[tuple[Stage, ...], Trace, int]:
    """(stages, DFN trace, times backed off): the plan as the DFN simulated it, lowered until every limit holds."""
    stages, trace = merged(found.stages), found.trace
    for tries in range(BACK_OFF_TRIES):
        if not violations(charge, trace):
            return stages, trace, tries
        stages = tuple(replace(s, current_a=rounded_down(s.current_a * BACK_OFF)) for s in stages)
        trace = follow(charge.virtual(), charge.soc_percent, stages)
    raise CannotAnswer(f"No charging plan for {charge.cell.name} at {charge.soc_percent:g} % and "
                       f"{charge.temperature_c:g} degC passes the check in the DFN; bring the cell towards 25 degC.")


def violations(charge: Charge, trace: Trace) -> list[str]:
    """What a trace breaks of the envelope: anode below 0 V, voltage, temperature, current."""
    found = [] if trace.min_anode_potential_v >= 0 else [ANODE_BELOW]
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
    soon = min(charge.soc_percent + STAGE_PERCENT, 100.0)
    return _Planner(replace(charge, envelope="physics", target_soc_percent=soon)).first_a or None


def soc_after(trace: Trace, minutes: float) -> float:
    """State of charge (percent) that a trace has reached after so many minutes."""
    return float(np.interp(minutes * 60, trace.t_s, trace.soc_percent))
