"""A life in PyBaMM's ageing DFN, cycle by cycle or in strides between cycles that are simulated."""

from dataclasses import dataclass

import numpy as np

from tools.ageing import AgeingCell, LithiumLost, Plating, film_growth_m, new_film_m, sei_percent_of, worn
from tools.parameters import Parameterisation, fresh_capacity_ah

STRIDE_PERCENT, STRIDE_CYCLES = 1.5, 100  # capacity lost, or cycles, between two simulated cycles
DEAD_PERCENT = 45.0  # beyond it a cell is no longer followed


@dataclass(frozen=True)
class Profile:
    """A cycle: pieces of (current in A of the parameterisation, seconds), and a voltage limit for charging.

    Charge comes first; the discharge that follows takes out what went in, in `discharge_a`.
    """

    charge: tuple[tuple[float, float], ...]
    max_voltage_v: float
    discharge_a: float
    rests_s: tuple[float, float]


@dataclass(frozen=True)
class Lived:
    """Lithium lost after so many cycles and the charge that went through, in full cycles of the new cell."""

    lost: LithiumLost
    cycles: int
    full_cycles: float
    simulated: int


def run_cycle(cell: AgeingCell, profile: Profile, kept_ah: float = 0.0) -> float:
    """Run one cycle, at whose end `kept_ah` of the charge stay in; returns the Ah charged."""
    charged_ah = sum(float(cell.hold(current_a, seconds, 25, profile.max_voltage_v).charged_ah[-1])
                     for current_a, seconds in profile.charge)
    cell.hold(0.0, profile.rests_s[0])
    cell.hold(-profile.discharge_a, (charged_ah - kept_ah) / profile.discharge_a * 3600)
    cell.hold(0.0, profile.rests_s[1])
    return charged_ah


def live(parameterisation: Parameterisation, ambient_c: float, soc: float, profile: Profile, cycles: int,
         plating: Plating = "onset") -> Lived:
    """So many like cycles from one state of charge, a few of them simulated, each on the cell as aged as it is by then.

    Over a stride the SEI's thickness squared grows by what the simulated cycle cost, which is exact, and lithium plates
    at the rate of the stride's middle, as the last two simulated cycles tell. A stride ends where 1.5 % of capacity has
    gone, or after 100 cycles; it begins rested, at the temperature at which the one before ended.
    """
    lost, done, charged, simulated, start_c, last = LithiumLost(), 0, 0.0, 0, None, None
    while done < cycles and lost.total_percent < DEAD_PERCENT:
        cell = AgeingCell(parameterisation, ambient_c, soc, lost, plating, start_c)
        charged_ah = run_cycle(cell, profile)
        simulated, start_c, found = simulated + 1, cell.temperature_c, cell.lost
        wanted = int(STRIDE_PERCENT / max(found.total_percent, 1e-9)) if simulated > 2 else 1
        stride = min(cycles - done, STRIDE_CYCLES, max(1, wanted))
        slope = (found.plating_percent - last[1]) / (done - last[0]) if last and stride > 1 else 0.0
        last = (done, found.plating_percent)
        plated = max(found.plating_percent + slope * (stride - 1) / 2, 0.0)
        lost = grown(parameterisation, lost, LithiumLost(found.sei_percent, plated), stride)
        done, charged = done + stride, charged + stride * charged_ah
    return Lived(lost, done, charged / fresh_capacity_ah(parameterisation), simulated)


def live_through(parameterisation: Parameterisation, ambient_c: float, soc: float, profile: Profile, cycles: int,
                 plating: Plating = "onset") -> Lived:
    """The same life with every cycle simulated, one after the other on one cell."""
    cell, charged_ah = AgeingCell(parameterisation, ambient_c, soc, LithiumLost(), plating), 0.0
    own, before, kept_ah = fresh_capacity_ah(parameterisation), LithiumLost(), 0.0
    for _ in range(cycles):
        charged_ah += run_cycle(cell, profile, kept_ah)
        # Lithium lost moves the window: discharge ends where the charge began in the window as it is now.
        old, new = worn(parameterisation, before), worn(parameterisation, cell.lost)
        moved = (new.x_0 + soc * (new.x_100 - new.x_0)) - (old.x_0 + soc * (old.x_100 - old.x_0))
        lost_ah = (cell.lost.total_percent - before.total_percent) / 100 * own
        kept_ah = lost_ah + moved * old.capacity_ah / (old.x_100 - old.x_0)
        before = cell.lost
    return Lived(cell.lost, cycles, charged_ah / own, cycles)


def charge_until(cell: AgeingCell, current_a: float, charge_ah: float, max_voltage_v: float) -> tuple[float, float]:
    """CC-CV until so much is charged or a fiftieth of the current is left; returns (Ah charged, seconds)."""
    done_ah, spent_s, now_a = 0.0, 0.0, current_a
    while charge_ah - done_ah > 1e-3 * charge_ah and now_a > current_a / 50:
        seconds = max((charge_ah - done_ah) / now_a * 3600, 1.0)
        sample = cell.hold(current_a, seconds, 15, max_voltage_v)
        done_ah, spent_s, now_a = done_ah + float(sample.charged_ah[-1]), spent_s + seconds, float(sample.current_a[-1])
    return done_ah, spent_s


def grown(parameterisation: Parameterisation, before: LithiumLost, by: LithiumLost, times: float) -> LithiumLost:
    """Losses after `times` cycles like the one that cost `by` after `before`."""
    film_m = new_film_m() + film_growth_m(parameterisation, before.sei_percent)
    after_m = film_m + film_growth_m(parameterisation, by.sei_percent)
    thick_m = np.sqrt(film_m**2 + times * (after_m**2 - film_m**2))
    return LithiumLost(float(sei_percent_of(parameterisation, thick_m - new_film_m())),
                       before.plating_percent + times * by.plating_percent)


def cc_cv_current_a(parameterisation: Parameterisation, ambient_c: float, soc: float, charge_ah: float,
                    seconds: float, max_voltage_v: float) -> float | None:
    """The current with which CC-CV puts `charge_ah` into a new cell in just so many seconds; None where none does."""
    from scipy.optimize import brentq

    def short_by(current_a: float) -> float:
        cell = AgeingCell(parameterisation, ambient_c, soc)
        return float(cell.hold(current_a, seconds, 121, max_voltage_v).charged_ah[-1]) - charge_ah

    level_a = charge_ah / seconds * 3600
    if short_by(3 * level_a) < 0:
        return None
    return float(brentq(short_by, 0.98 * level_a, 3 * level_a, rtol=3e-4))
