"""State of health from a charge record.

Three ways, the first that the record allows: learnt from measured charges of such cells (`tools.soh`); the charge
counted over a full charge; charge counted between two voltages, against the reference curve.
"""

from dataclasses import dataclass
from itertools import chain

import numpy as np

from tools.cells import Cell
from tools.fleet.curves import Curves, curves_of
from tools.fleet.records import ChargeRecord
from tools.soh.judge import COUNTED, EMPTY_MARGIN_V, FULL_CURRENT_C, CellFacts, implausible, judge_learnt
from tools.soh.model import type_of

# Standard uncertainties of what goes in; how each is chosen stands beside it.
SIGMA_VOLTAGE_V = 0.004  # offset of a battery monitor's cell voltage, independent at the two ends of the window
SIGMA_CURRENT = 0.005  # gain of a shunt or Hall sensor, relative
SIGMA_TEMPERATURE_K = 2.0  # sensor position against cell core
SIGMA_MODEL_PERCENT = 1.2  # cell-to-cell difference of new cells and of the reference curve
Z90 = 1.645  # two-sided 90 % of a normal distribution

MAX_AGE_DAYS = 120
MIN_SHARE = 0.8  # of the cells need an estimate, or the weakest may be among the others
SETTLE_S = 600.0  # after a current step the voltage still carries the past
WINDOW_STARTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)  # share of the constant-current part that is left out
MIN_WINDOW_PERCENT = 30.0  # of nominal capacity
MAX_HALF_WIDTH_PERCENT = 6.0  # a wider 90 % interval says too little to act on
CURRENT_TOLERANCE = 0.03  # constant current: within 3 % of its median


@dataclass(frozen=True)
class CellEstimate:
    """Health of one cell, percent of nominal capacity, with a 90 % interval; or why the record does not show it."""

    cell: int
    valid: bool
    reason: str = ""
    soh_percent: float = float("nan")
    low_percent: float = float("nan")
    high_percent: float = float("nan")
    window_v: tuple[float, float] = (float("nan"), float("nan"))
    window_ah: float = float("nan")
    method: str = ""


def newest_usable(records: list[ChargeRecord], cell: Cell, parallel: int) -> tuple[ChargeRecord, list[CellEstimate]]:
    """The newest record that shows health, with its estimates; if none does, the newest with its reasons.

    Records more than MAX_AGE_DAYS before the newest are left out: health has moved on since.
    """
    newest = (records[-1], estimate_cells(records[-1], cell, parallel))
    recent = [r for r in records[:-1] if (records[-1].started - r.started).days <= MAX_AGE_DAYS]
    for candidate in chain([newest], ((r, estimate_cells(r, cell, parallel)) for r in reversed(recent))):
        if weakest_of(candidate[1]):
            return candidate
    return newest


def weakest_of(estimates: list[CellEstimate]) -> CellEstimate | None:
    """The weakest cell, which is the pack's health; None where more than a fifth of the cells show none."""
    usable = [e for e in estimates if e.valid]
    enough = len(usable) >= MIN_SHARE * len(estimates)
    return min(usable, key=lambda e: e.soh_percent) if usable and enough else None


def estimate_cells(record: ChargeRecord, cell: Cell, parallel: int) -> list[CellEstimate]:
    """Health of each cell that the record logs, by the first way that the record allows."""
    learnt = _learnt(record, cell, parallel)
    if weakest_of(learnt):
        return learnt
    full = _full_charge(record, cell, parallel)
    if full is not None:
        return full
    curves = curves_of(cell)
    if curves is None and learnt:
        return learnt
    if curves is None:
        return _all_invalid(record, f"there is no reference curve for {cell.name}, and the record is not a full charge "
                                    "from empty to the taper at the voltage limit")
    return _by_window(record, cell, curves, parallel)


def _all_invalid(record: ChargeRecord, reason: str) -> list[CellEstimate]:
    return [CellEstimate(c, False, reason) for c in record.cells]


def charged_ah(record: ChargeRecord, parallel: int) -> np.ndarray:
    """Charge per cell since the record's start, Ah [n], trapezoidal."""
    mean_a = (record.current_a[1:] + record.current_a[:-1]) / 2 / parallel
    return np.concatenate([[0.0], np.cumsum(mean_a * np.diff(record.t_s) / 3600)])


def _learnt(record: ChargeRecord, cell: Cell, parallel: int) -> list[CellEstimate]:
    """Each cell's health by the measured-data estimator; empty where it was not trained on such cells."""
    limit_v = cell.voltage_charge_cutoff_v
    if type_of(cell.chemistry, cell.capacity_nominal_ah, limit_v) is None:
        return []
    facts = CellFacts(cell.chemistry, cell.capacity_nominal_ah, limit_v)
    judged = [judge_learnt(record.t_s, record.current_a / parallel, record.voltage_v[:, column], facts)
              for column in range(len(record.cells))]
    return [CellEstimate(c, j.valid, j.reason, j.soh_percent, j.low_percent, j.high_percent,
                         (limit_v - 0.2, limit_v), j.counted_ah, j.method)
            for c, j in zip(record.cells, judged, strict=True)]


def _full_charge(record: ChargeRecord, cell: Cell, parallel: int) -> list[CellEstimate] | None:
    """Capacity of a charge from the discharge cut-off to the taper, as cell 0 (the pack); None if it was not one."""
    low_v, high_v = cell.voltage_discharge_cutoff_v, cell.voltage_charge_cutoff_v
    charging = np.flatnonzero(record.current_a > 0.02 * record.current_a.max(initial=0))
    if None in (low_v, high_v, cell.capacity_nominal_ah) or not len(charging):
        return None
    first, last = charging[0], charging[-1]  # a record may hold the end of the discharge before and a rest after
    began_empty = record.voltage_v[:first + 1].max(axis=1).min() <= low_v + EMPTY_MARGIN_V
    tapered = record.current_a[last] / parallel < FULL_CURRENT_C * cell.capacity_nominal_ah
    if not (began_empty and tapered and record.voltage_v[last].max() >= high_v - 0.02):
        return None
    counted = charged_ah(record, parallel)
    ah = float(counted[last] - counted[first])
    soh = 100 * ah / cell.capacity_nominal_ah
    if reason := implausible(soh, ah):
        return _all_invalid(record, reason)
    # All series cells carry the same charge: the pack's capacity, of whichever cell ends it. 2 %: what is left
    # below the first and above the last sample, and new cells against their nominal capacity.
    half = Z90 * soh * np.hypot(SIGMA_CURRENT, 0.02)
    ends_v = (float(record.voltage_v[first].mean()), float(record.voltage_v[last].mean()))
    return [CellEstimate(0, True, "", soh, soh - half, soh + half, ends_v, ah, COUNTED)]


def constant_current(record: ChargeRecord) -> slice | None:
    """Longest stretch (in time) at one current, its first SETTLE_S left out; None if there is none."""
    charging = record.current_a > 0.2 * record.current_a.max(initial=0)
    if not charging.any():
        return None
    level = np.median(record.current_a[charging])
    steady = np.abs(record.current_a - level) <= CURRENT_TOLERANCE * level
    edges = np.flatnonzero(np.diff(np.concatenate([[0], steady.astype(int), [0]])))
    runs = edges.reshape(-1, 2)
    begin, end = max(runs, key=lambda r: record.t_s[r[1] - 1] - record.t_s[r[0]])
    first = int(np.searchsorted(record.t_s, record.t_s[begin] + SETTLE_S))
    return slice(first, end) if end - first >= 5 else None


def _by_window(record: ChargeRecord, cell: Cell, curves: Curves, parallel: int) -> list[CellEstimate]:
    part = constant_current(record)
    if part is None:
        return _all_invalid(record, "the record has no stretch at constant current longer than ten minutes")
    c_rate = float(np.median(record.current_a[part])) / parallel / curves.nominal_ah
    start_c = record.temperature_c[0]
    if not np.isfinite(start_c).all():
        return _all_invalid(record, "the record logs no temperature, which the reference curves need")
    if not curves.covers(c_rate, float(start_c.mean())):
        return _all_invalid(record, f"{c_rate:.2f}C at {start_c.mean():.0f} degC is outside the reference curves "
                                    f"({curves.c_rates[0]:g}C to {curves.c_rates[-1]:g}C, "
                                    f"{curves.temperatures_c[0]:g} to {curves.temperatures_c[-1]:g} degC)")
    counted, volt = charged_ah(record, parallel), record.voltage_v - _extra_drop_v(record)
    high, windows = volt[part.stop - 1], []
    for share in WINDOW_STARTS:  # the voltage tells most where it is steep: each cell takes its sharpest window
        first = part.start + int(share * (part.stop - part.start))
        taken, low = counted[part.stop - 1] - counted[first], volt[first]
        if share == 0 or taken >= MIN_WINDOW_PERCENT / 100 * curves.nominal_ah:
            soh, sigma = window_soh(curves, taken, low, high, c_rate, float(start_c.mean()))
            windows.append([_judged(c, curves, taken, (float(a), float(b)), float(s), float(e))
                            for c, a, b, s, e in zip(record.cells, low, high, soh, sigma, strict=True)])
    return [min(of_cell, key=_half_width) for of_cell in zip(*windows, strict=True)]


def _half_width(estimate: CellEstimate) -> float:
    half = estimate.high_percent - estimate.soh_percent
    return half if np.isfinite(half) else np.inf


def _extra_drop_v(record: ChargeRecord) -> np.ndarray:
    """Voltage [n, k] that a cell shows only because its resistance differs from the median cell's; 0 if unknown."""
    ohm = step_resistance_ohm(record)
    return np.zeros_like(record.voltage_v) if ohm is None else record.current_a[:, None] * (ohm - np.median(ohm))


def window_soh(curves: Curves, taken_ah: float, low_v: np.ndarray, high_v: np.ndarray, c_rate: float,
               temperature_c: float) -> tuple[np.ndarray, np.ndarray]:
    """Health [k] at which the curve takes `taken_ah` between two voltages, and its standard uncertainty [k].

    Each input is moved by its standard uncertainty in turn; the effects add in quadrature. NaN where no health
    between the curves' lowest and highest fits.
    """
    healths = np.linspace(curves.soh_percent[0], curves.soh_percent[-1], 4 * (len(curves.soh_percent) - 1) + 1)

    def solve(ah=taken_ah, low=low_v, high=high_v, warm=temperature_c):
        return _inverted(curves.charge_between(low, high, c_rate, warm, healths), healths, ah)

    best = solve()
    moved = (solve(ah=taken_ah * (1 + SIGMA_CURRENT)), solve(low=low_v + SIGMA_VOLTAGE_V),
             solve(high=high_v - SIGMA_VOLTAGE_V), solve(warm=temperature_c + SIGMA_TEMPERATURE_K))
    effects = np.stack([m - best for m in moved] + [np.full_like(best, SIGMA_MODEL_PERCENT)])
    return best, np.sqrt((effects**2).sum(axis=0))


def _inverted(charge: np.ndarray, soh: np.ndarray, wanted: float) -> np.ndarray:
    """SoH at which charge [k, s] equals `wanted`, linear between the grid's and up to 8 points beyond; else NaN.

    NaN too where more than one health fits: an aged cell may take more charge between two voltages, not less.
    """
    found = np.full(len(charge), np.nan)
    for i, row in enumerate(charge):
        above = row >= wanted
        crossings = np.flatnonzero(above[1:] != above[:-1])
        if len(crossings) == 1 and above[crossings[0] + 1]:
            n = crossings[0]
            found[i] = soh[n] + (wanted - row[n]) / (row[n + 1] - row[n]) * (soh[n + 1] - soh[n])
        elif len(crossings) == 0 and not above[-1] and row[-1] > row[-2]:
            beyond = soh[-1] + (wanted - row[-1]) / (row[-1] - row[-2]) * (soh[-1] - soh[-2])
            found[i] = beyond if beyond <= soh[-1] + 8 else np.nan
    return found


def _judged(cell: int, curves: Curves, taken: float, window_v: tuple[float, float], soh: float,
            sigma: float) -> CellEstimate:
    half = Z90 * sigma
    reason = ""
    if taken < MIN_WINDOW_PERCENT / 100 * curves.nominal_ah:
        reason = (f"the usable part of the record holds only {100 * taken / curves.nominal_ah:.0f} % of the capacity, "
                  f"{MIN_WINDOW_PERCENT:g} % are needed")
    elif not np.isfinite(soh) or not np.isfinite(sigma):
        reason = (f"no single health between {curves.soh_percent[0]:g} and 108 % explains {taken:.2f} Ah between "
                  f"{window_v[0]:.2f} and {window_v[1]:.2f} V")
    elif half > MAX_HALF_WIDTH_PERCENT:
        reason = (f"between {window_v[0]:.2f} and {window_v[1]:.2f} V the voltage is too flat: the interval would be "
                  f"+/- {half:.0f} %; a charge that starts nearer to empty is needed")
    return CellEstimate(cell, not reason, reason, soh, soh - half, soh + half, window_v, taken,
                        f"charge counted between two voltages, against {curves.parameterisation}")


def step_resistance_ohm(record: ChargeRecord, within_s: float = 15.0) -> np.ndarray | None:
    """Resistance of each cell group [k] at the sharpest drop of current within `within_s`; None without a drop."""
    drop = -np.diff(record.current_a)
    quick = np.diff(record.t_s) <= within_s
    if not quick.any():
        return None
    at = int(np.argmax(np.where(quick, drop, -np.inf)))
    if drop[at] < 0.5 * record.current_a.max():
        return None
    return (record.voltage_v[at] - record.voltage_v[at + 1]) / drop[at]
