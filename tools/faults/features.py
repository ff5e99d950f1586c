"""What one charge record says about each cell against its neighbours, with standard errors.

No reference curve is needed: the pack's median cell is the reference. A cell that holds `a` Ah more than the median
cell at the end of the charge, whose capacity is larger by the share `b`, whose resistance is larger by `r` and whose
voltage sensor reads `c` too high shows, to first order,

    V - V_median = g a + g b / (1 + b) (q_end - q) + r I + c,     g = dV_median/dq,

so one linear least-squares fit over the constant-current part and the relaxed end gives all four with their
covariance (a cell that is far off is fitted to the shifted curve itself). Relaxation after the charge is a sum of
decaying exponentials unless plated lithium strips (Uhlmann et al., J. Power Sources 279, 428 (2015)); a matched filter
looks for the step at the end of stripping.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import numpy as np

from tools.fleet.records import ChargeRecord, from_blob

SETTLE_S = 600.0  # overpotentials still build up in the first minutes of a charge
RELAXED_S = 1200.0  # rest after which a cell's voltage is near its open-circuit voltage
STEP_S = 15.0  # a current step is sharp when both samples lie this close
REST_SHARE = 0.02  # currents below this share of the largest count as rest
MIN_SAMPLES, MIN_RELAXATION_S, MIN_RELAXATION_SAMPLES = 15, 2400.0, 20
FAR = 0.02  # of the charge taken: cells further off are fitted without linearising
USUAL_SHARE, USUAL_V = 0.08, 0.004  # sizes beyond which a pair of values that cancels out is not believed
MISFIT_V = (0.02, 0.002)  # weight of that against the record: without and with a relaxed end, which tells them apart
CORRELATED = 2.0  # variance inflation: neighbouring residuals of a fit are not independent
VOLTAGE_STEP_V, TEMPERATURE_STEP_K = 0.0005, 0.05  # half a digit of a usual battery monitor
RELAXATION_TAU_S = (25.0, 120.0, 600.0, 3000.0)
STRIPPED_AFTER_S = (360.0, 540.0, 780.0, 1080.0, 1440.0, 1860.0)
STRIPPED_WIDTH_S = 0.18  # of the time until stripped


@dataclass(frozen=True)
class Measured:
    """One value per cell and its standard error, both [k]; infinite errors where the record does not show it."""

    value: np.ndarray
    error: np.ndarray


@dataclass(frozen=True)
class Features:
    """Each cell of one charge against the pack's median cell."""

    started: datetime
    cells: tuple[int, ...]
    charge_ah: Measured  # more charge than the median cell at the end of the charge
    capacity: Measured  # share of the median cell's capacity above it
    resistance: Measured  # share of the median cell's resistance above it
    voltage_v: Measured  # sensor reads too high by
    temperature_k: Measured  # warmer before the charge, when all have rested
    warming_k: Measured  # more warming during the charge
    plating_v: Measured  # height of the stripping step in the relaxation, of the cell itself
    pack_plating_v: tuple[float, float]  # the same of the mean cell: value, standard error
    cooling_per_h: tuple[float, float]  # share of the excess temperature lost per hour: value, standard error
    temperature_c: float  # median cell, before the charge
    end_v: float  # median cell at the end, at rest where the record goes on so long
    end_slope_v_per_ah: float


@lru_cache(maxsize=1024)
def features_of_blob(blob: bytes, started: datetime) -> Features | None:
    """Features of a stored record; kept, as a pack's past does not change."""
    return features(from_blob(blob, started))


def features(record: ChargeRecord) -> Features | None:
    """Features of a charge of at least four cells; None where there are fewer or no steady charge."""
    level = record.current_a.max(initial=0.0)
    charging = np.flatnonzero(record.current_a > 0.5 * level)
    if len(record.cells) < 4 or level <= 0 or len(charging) < MIN_SAMPLES:
        return None
    begin, end = int(charging[0]), int(charging[-1])
    taken_ah = np.concatenate([[0.0], np.cumsum((record.current_a[1:] + record.current_a[:-1]) / 2
                                                * np.diff(record.t_s) / 3600)])
    charge, capacity, voltage, slope = _fit(record, taken_ah, begin, end)
    plating, of_pack = _plating(record, end)
    before = record.temperature_c[:begin] if begin else record.temperature_c[:1]
    noise = np.hypot(TEMPERATURE_STEP_K, _noise(record.temperature_c))
    return Features(
        record.started, record.cells, charge, capacity, _resistance(record), voltage,
        _relative(before.mean(axis=0), noise / np.sqrt(len(before))), _warming(record, before, end, noise), plating,
        of_pack, _cooling(record), float(np.median(before)), float(np.median(record.voltage_v[-1])), slope)


def _none(k: int) -> Measured:
    return Measured(np.zeros(k), np.full(k, np.inf))


def _relative(values: np.ndarray, error: float) -> Measured:
    return Measured(values - np.median(values), np.full(len(values), error))


def _noise(values: np.ndarray) -> float:
    """Standard deviation of the noise of columns [n, k], from second differences against the median column."""
    apart = values - np.median(values, axis=1, keepdims=True)
    second = np.diff(apart, 2, axis=0)
    return 1.4826 * float(np.median(np.abs(second))) / np.sqrt(6.0) if len(second) else 0.0


# -- charge, capacity, voltage sensor


def _fit(record: ChargeRecord, taken_ah: np.ndarray, begin: int,
         end: int) -> tuple[Measured, Measured, Measured, float]:
    """Charge offset (Ah), capacity share, sensor offset (V) from the steady charge and the relaxed end; end slope."""
    k = len(record.cells)
    level = float(np.median(record.current_a[begin:end + 1]))
    steady = np.abs(record.current_a - level) < 0.03 * level
    steady &= record.t_s > record.t_s[begin] + SETTLE_S
    steady[end + 1:] = False
    relaxed = record.t_s > record.t_s[end] + RELAXED_S
    if steady.sum() < MIN_SAMPLES:
        return _none(k), _none(k), _none(k), 0.0
    middle = np.median(record.voltage_v, axis=1)
    slope = _slope(taken_ah[steady], middle[steady])
    rows = np.flatnonzero(steady | relaxed)
    steepness = np.where(steady[rows], np.interp(taken_ah[rows], taken_ah[steady], slope), slope[-1])
    short_ah = taken_ah[end] - taken_ah[rows]
    columns = [steepness, steepness * short_ah, np.ones(len(rows))]
    if relaxed.any():
        columns.append(record.current_a[rows] / level)
    design, apart = np.stack(columns, axis=1), record.voltage_v[rows] - middle[rows, None]
    value, error = _least_squares(design, apart)
    curve = (taken_ah[steady], middle[steady], slope)
    for j in np.flatnonzero(np.abs(value[0]) + np.abs(value[1]) * short_ah.max() > FAR * taken_ah[end]):
        value[:, j], error[:, j] = _refined(curve, taken_ah[rows], short_ah, design, apart[:, j], value[:, j])
    share = np.clip(value[1], -0.9, 0.9)
    charge = Measured(_centred(value[0]), error[0])
    capacity = Measured(_centred(share / (1 - share)), error[1] / (1 - share) ** 2)
    voltage = Measured(_centred(value[2]), error[2]) if relaxed.any() else _none(k)
    return charge, capacity, voltage, float(slope[-1])


def _refined(curve, taken_ah: np.ndarray, short_ah: np.ndarray, design: np.ndarray, apart: np.ndarray,
             first: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The fit of one far cell without the linearisation, by Gauss-Newton; only where the median curve is known."""
    charge, volt, slope = curve
    value = np.where(np.arange(len(first)) < 2, np.clip(first, -0.3 * charge[-1], 0.3 * charge[-1]), 0.0)
    error = np.full(len(first), np.inf)
    for _ in range(6):
        at = np.minimum(taken_ah + value[0] + value[1] * short_ah, charge[-1])  # beyond the end: the end's slope
        beyond = np.maximum(taken_ah + value[0] + value[1] * short_ah - charge[-1], 0.0) * slope[-1]
        known = at >= charge[0]
        if known.sum() < MIN_SAMPLES:
            break
        moved = np.interp(at, charge, volt) + beyond - np.interp(taken_ah, charge, volt)
        steep = np.interp(at, charge, slope)
        jacobian = np.column_stack([steep, steep * short_ah, design[:, 2:]])[known]
        left = (apart - moved - design[:, 2:] @ value[2:])[known]
        usual = np.array([USUAL_SHARE * charge[-1], USUAL_SHARE, *[USUAL_V] * (len(first) - 2)])
        held = np.diag(MISFIT_V[len(first) == 4] / usual)  # an aged cell's other shape must not give absurd pairs
        step, wide = _least_squares(np.vstack([jacobian, held]), np.append(left, -held @ value)[:, None])
        value, error = value + step[:, 0], wide[:, 0]
    return value, error


def _slope(charge: np.ndarray, volt: np.ndarray, points: int = 9) -> np.ndarray:
    """dV/dq by local parabolas (Savitzky-Golay on an even grid), at least a hundredth of the mean slope."""
    from scipy.signal import savgol_filter

    even = np.linspace(charge[0], charge[-1], len(charge))
    window = min(points, len(charge) // 2 * 2 - 1)
    slope = savgol_filter(np.interp(even, charge, volt), window, 2, deriv=1, delta=even[1] - even[0])
    least = 0.01 * (volt[-1] - volt[0]) / (charge[-1] - charge[0])
    return np.interp(charge, even, np.maximum(slope, max(least, 1e-6)))


def _least_squares(design: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and their standard errors, both [p, k]."""
    inverse = np.linalg.pinv(design.T @ design)
    value = inverse @ design.T @ wanted
    free = max(len(design) - design.shape[1], 1)
    variance = ((wanted - design @ value) ** 2).sum(axis=0) / free
    variance = np.maximum(variance, np.median(variance)) + VOLTAGE_STEP_V**2
    return value, np.sqrt(CORRELATED * np.outer(np.diag(inverse), variance))


def _centred(values: np.ndarray) -> np.ndarray:
    return values - np.median(values)


# -- resistance


def _resistance(record: ChargeRecord) -> Measured:
    """Mean over the sharp current steps of the record, each a change of voltage over a change of current."""
    step = np.diff(record.current_a)
    sharp = np.flatnonzero((np.abs(step) > 0.5 * record.current_a.max()) & (np.diff(record.t_s) <= STEP_S))
    if not len(sharp):
        return _none(len(record.cells))
    ohm = (np.diff(record.voltage_v, axis=0)[sharp] / step[sharp, None]).mean(axis=0)
    middle = float(np.median(ohm))
    if middle <= 0:
        return _none(len(record.cells))
    noise = np.hypot(VOLTAGE_STEP_V, _noise(record.voltage_v)) * np.sqrt(2 / len(sharp)) / np.abs(step[sharp]).mean()
    return _relative(ohm / middle, noise / middle)


# -- heat


def _warming(record: ChargeRecord, before: np.ndarray, end: int, noise: float) -> Measured:
    last = record.temperature_c[max(end - 4, 0):end + 1]
    return _relative(last.mean(axis=0) - before.mean(axis=0), noise * np.sqrt(1 / len(last) + 1 / len(before)))


def _cooling(record: ChargeRecord) -> tuple[float, float]:
    """Share of its excess temperature that the median cell loses per hour, and the standard error.

    T' = p I^2 - c (T - T_coolant) integrated once is linear in p, c and c T_coolant: no ambient sensor is needed.
    """
    hours = (record.t_s - record.t_s[0]) / 3600
    warm = np.median(record.temperature_c, axis=1) - np.median(record.temperature_c[0])
    if np.ptp(warm) < 1.0 or len(hours) < MIN_SAMPLES:
        return 0.0, np.inf
    design = np.stack([_integral(record.current_a**2, hours), -_integral(warm, hours), hours,
                       np.ones(len(hours))], axis=1)
    design[:, 0] /= design[-1, 0]
    inverse = np.linalg.pinv(design.T @ design)
    value = inverse @ design.T @ warm
    left = warm - design @ value
    variance = (left @ left) / max(len(hours) - 4, 1) + TEMPERATURE_STEP_K**2 / len(record.cells)
    return float(value[1]), float(np.sqrt(CORRELATED * variance * inverse[1, 1]))


def _integral(values: np.ndarray, hours: np.ndarray) -> np.ndarray:
    return np.concatenate([[0.0], np.cumsum((values[1:] + values[:-1]) / 2 * np.diff(hours))])


# -- relaxation


def _plating(record: ChargeRecord, end: int) -> tuple[Measured, tuple[float, float]]:
    """Height (V) of the step at the end of lithium stripping: per cell, and of the mean cell."""
    t_s = record.t_s[end + 1:] - record.t_s[end]
    if len(t_s) < MIN_RELAXATION_SAMPLES or t_s[-1] < MIN_RELAXATION_S \
            or np.abs(record.current_a[end + 1:]).max() > REST_SHARE * record.current_a.max():
        return _none(len(record.cells)), (0.0, np.inf)
    volt = record.voltage_v[end + 1:]
    smooth = np.stack([np.ones(len(t_s)), *(np.exp(-t_s / tau) for tau in RELAXATION_TAU_S)], axis=1)
    smooth, _ = np.linalg.qr(smooth)
    step = np.stack([1 / (1 + np.exp((t_s - at) / (STRIPPED_WIDTH_S * at))) for at in STRIPPED_AFTER_S], axis=1)
    step = step - smooth @ (smooth.T @ step)
    left = volt - smooth @ (smooth.T @ volt)
    strength = (step**2).sum(axis=0)
    height = step.T @ left / strength[:, None]
    error = np.sqrt((left**2).sum(axis=0) / (len(t_s) - smooth.shape[1]) + VOLTAGE_STEP_V**2)
    error = np.median(error) / np.sqrt(strength)
    best = np.argmax(height / error[:, None], axis=0)
    cells = Measured(height[best, np.arange(volt.shape[1])], error[best])
    mean = height.mean(axis=1)
    at = int(np.argmax(mean / error))
    return cells, (float(mean[at]), float(error[at] / np.sqrt(volt.shape[1])))
