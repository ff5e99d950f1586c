"""What the world model expects of a charge along the limits: many currents tried at once, stage after stage."""

from dataclasses import dataclass
from functools import cached_property
from math import ceil

import numpy as np

from tools.riding import FLOOR_C_RATE, Guide, Rules
from tools.simulation import Trace, VirtualCell

STAGE_PERCENT = 2.5
STEP_S = 60.0  # the longest step of the world model
# Currents tried at once, as shares of the last stage's; where none fits, of the highest allowed. The slowest of a batch
# decides how many steps it takes, so slow ones are not tried in vain.
NARROW = (0.82, 0.86, 0.89, 0.91, 0.93, 0.945, 0.96, 0.97, 0.98, 0.99, 1.0, 1.015, 1.04, 1.1, 1.3)
WIDE = (tuple(np.geomspace(0.3, 1.0, 24)), tuple(np.geomspace(0.03, 0.32, 24)))
CAPS = (1.0, 1.05, 1.1, 1.2, 1.35, 1.6)  # tried where the temperature binds, of the mean current of riding into it
AS_FAST = 1.005  # caps within this of the best time count as equal: the lowest heats least


@dataclass(frozen=True)
class Expected:
    """One charge as the world model sees it: moments at the ends of its stages, per cell.

    `current_a` is what the limits allow in the stage that ends there; `heat_bound` whether temperature ever limits it.
    """

    t_s: np.ndarray
    soc_percent: np.ndarray
    current_a: np.ndarray
    voltage_v: np.ndarray
    temperature_c: np.ndarray
    anode_potential_v: np.ndarray
    reaches_target: bool
    heat_bound: bool
    cap_a: float

    @property
    def charge_time_min(self) -> float:
        return float(self.t_s[-1]) / 60

    def trace(self, ambient_c: float) -> Trace:
        """The stages' ends as a trace that begins at rest at the surroundings' temperature."""
        first = {"t_s": 0.0, "soc_percent": np.nan, "temperature_c": ambient_c}
        rows = {name: np.concatenate([[first.get(name, values[0])], values])
                for name in Trace.__dataclass_fields__ if len(values := getattr(self, name))}
        return Trace(**rows)

    @cached_property
    def guide(self) -> Guide:
        return Guide(self.soc_percent, self.current_a)


def world_of(cell: VirtualCell, soc_percent: float, target_soc_percent: float, highest_a: float):
    """The world model of this cell, or None where it has none or is not valid: then the DFN alone is used."""
    from tools.world.rollout import world_for

    world = world_for(cell.model.parameterisation)
    if world is None:
        return None
    c_rate = highest_a / cell.model.fresh_capacity_ah
    outside = [world.outside(soc, cell.ambient_c, cell.aged.soh_percent, c_rate)
               for soc in (soc_percent, target_soc_percent)]
    return None if any(outside) else world


def expect(world, cell: VirtualCell, soc_percent: float, target_soc_percent: float, rules: Rules,
           keep_clear: bool = True) -> Expected:
    """The fastest charge along the limits, kept clear of them by the world model's stated margin if wanted.

    Where temperature binds, holding back from the start is as fast as heating up and waiting: then the best of `CAPS`.
    """
    ride = _Rollout(world, cell, soc_percent, target_soc_percent, rules, keep_clear)
    first = ride.run(np.array([ride.highest_a]))[0]
    if not first.heat_bound:
        return first
    ride.max_c += world.margin.temperature_c * keep_clear  # a level that is a little high is cut at the very end only
    mean_a = (first.soc_percent[-1] - soc_percent) * 36 * cell.capacity_ah / first.t_s[-1]
    tried = [found for found in ride.run(np.minimum(mean_a * np.array(CAPS), ride.highest_a)) if found.reaches_target]
    best_s = min((found.t_s[-1] for found in tried), default=0.0)
    return next((found for found in tried if found.t_s[-1] <= AS_FAST * best_s), first)


class _Rollout:
    """Rows of a batch are the same charge under different caps."""

    def __init__(self, world, cell: VirtualCell, soc_percent: float, target_soc_percent: float, rules: Rules,
                 keep_clear: bool):
        import torch

        self.torch, self.world, self.cell, self.rules = torch, world, cell, rules
        self.start, self.scale = soc_percent, cell.model.scale
        count = max(1, ceil((target_soc_percent - soc_percent) / STAGE_PERCENT - 1e-9))
        self.ends = np.minimum(soc_percent + STAGE_PERCENT * np.arange(1, count + 1), target_soc_percent)
        self.tops = [min(rules.current_a(cell.ambient_c, soc) for soc in (low, high - 1e-6))
                     for low, high in zip((soc_percent, *self.ends[:-1]), self.ends, strict=True)]
        self.highest_a = max(self.tops)
        at_start, margin, share = rules.limits_at(cell.ambient_c, soc_percent), world.margin, float(keep_clear)
        self.max_c = at_start.max_temperature_c - share * margin.temperature_c
        self.max_v = None if at_start.max_voltage_v is None else at_start.max_voltage_v - share * margin.voltage_v
        self.min_anode_v = None if rules.anode_floor_v is None else rules.anode_floor_v + share * margin.anode_v

    def run(self, caps_a: np.ndarray) -> list[Expected]:
        torch, rows = self.torch, len(caps_a)
        caps = torch.as_tensor(caps_a, dtype=torch.float32) / self.scale
        state = self.world.rested(torch.full((rows,), self.start), self.cell.ambient_c, self.cell.aged.soh_percent)
        going, heat_bound = torch.ones(rows, dtype=torch.bool), torch.zeros(rows, dtype=torch.bool)
        seconds, last, found = torch.zeros(rows), None, []
        for low, high, top_a in zip((self.start, *self.ends[:-1]), self.ends, self.tops, strict=True):
            share = (high - low) / 100
            top = torch.minimum(caps, torch.tensor(top_a / self.scale, dtype=torch.float32))
            current, allowed, state, fits, warm = self._stage(state, share, top, last)
            going, heat_bound = going & fits, heat_bound | warm
            if not going.any():
                break
            seconds = seconds + self._seconds(share, current)
            last = allowed if bool((current < 0.999 * top).any()) else None
            found.append(torch.stack([seconds, torch.full((rows,), high), allowed * self.scale, state.voltage_v,
                                      state.temperature_c, state.anode_potential_v, going.float()]))
        if not found:
            return [Expected(*(np.zeros(0),) * 6, False, False, float(cap)) for cap in caps_a]
        table = torch.stack(found).numpy().astype(float)  # (stages, 7, rows)
        return [self._row(table[:, :, row], bool(heat_bound[row]), float(cap)) for row, cap in enumerate(caps_a)]

    def _row(self, table: np.ndarray, heat_bound: bool, cap_a: float) -> Expected:
        kept = table[:max(1, int(table[:, 6].sum())), :6]
        whole = bool(table[-1, 6]) and len(table) == len(self.ends)
        return Expected(*kept.T, whole, heat_bound, cap_a)

    def _stage(self, state, share: float, top, last):
        """(current taken, current allowed, state after, whether any fits, whether heat binds) of a stage, all (rows,).

        First the highest current alone; where it does not fit everywhere a batch of others."""
        torch, rows = self.torch, len(top)
        if last is None:
            after = self._held(state, share, top)
            if bool((self._slack(after) >= 0).all()):
                return top, top, after, torch.ones(rows, dtype=torch.bool), torch.zeros(rows, dtype=torch.bool)
        for base, factors in ((last, NARROW), *((top, wide) for wide in WIDE)):
            if base is None:
                continue
            tried = torch.minimum(base[:, None] * torch.tensor(factors, dtype=torch.float32), top[:, None])
            many = self._held(state.take(torch.arange(rows).repeat_interleave(len(factors))), share, tried.flatten())
            slack = self._slack(many).view(rows, -1)
            fits = (slack >= 0).any(1)
            if bool(fits.all()):
                break
        best = (torch.where(slack >= 0, tried, torch.zeros(()))).argmax(1)
        row = torch.arange(rows)
        beyond = (best + 1).clamp(max=tried.shape[1] - 1)
        above, at = slack[row, beyond], slack[row, best]
        part = torch.where((above < 0) & (at > 0), at / (at - above).clamp(min=1e-9), torch.zeros(()))
        current = tried[row, best]
        allowed = current + part * (tried[row, beyond] - current)
        after = many.take(row * tried.shape[1] + best)
        hot = many.take(row * tried.shape[1] + beyond)
        fits = fits & (current * self.scale >= FLOOR_C_RATE * self.cell.capacity_ah)
        return current, allowed, after, fits, (hot.temperature_c > self.max_c) & (current < 0.999 * top)

    def _seconds(self, share: float, current):
        return share * self.cell.capacity_ah / self.scale * 3600 / current

    def _held(self, state, share: float, current):
        """The state after charging by `share` of the capacity at each row's current."""
        seconds = self._seconds(share, current)
        steps = max(1, ceil(float(seconds.max()) / STEP_S - 1e-6))
        for _ in range(steps):
            state = self.world.step(state, current, seconds / steps)
        return state

    def _slack(self, state):
        """Smallest distance to a limit, V (0.01 V per K)."""
        slack = (self.max_c - state.temperature_c) * 0.01
        if self.max_v is not None:
            slack = self.torch.minimum(slack, self.max_v - state.voltage_v)
        if self.min_anode_v is not None:
            slack = self.torch.minimum(slack, state.anode_potential_v - self.min_anode_v)
        return slack
