"""What one charge shows near its end: features of the raw record, and why a record shows none.

The sixteen window features are those released with Wang et al., Nature Communications 15, 4332 (2024): the
constant-current part between 0.2 V below the charge limit and the limit, and the constant-voltage part between
0.5 A and 0.1 A. Their exact definitions are not published; mean, spread and shape follow from their names, entropy
and slopes were recovered from the 217,545 published rows: the entropy is that of the values above their smallest,
as shares of their sum (it then returns the cyclers' sampling intervals of 5 s, 10 s and 1 s), the current's slope
the chord from 0.5 A to 0.4 A (within 1 % of XJTU's rows) and the voltage's the chord from 0.1 V to 0.01 V below
the limit (within 1 % of XJTU's, 5 % of most others).
"""

from dataclasses import asdict, dataclass

import numpy as np

WINDOW_V = 0.2  # below the charge limit
CURRENT_HIGH_A, CURRENT_LOW_A = 0.5, 0.1
TAPER_END_C = 0.055  # cyclers often stop at C/20: of a big cell the taper ends above 0.1 A
MIN_SAMPLES = 6  # of each part
MAX_GAP_SHARE = 0.25  # of a part's duration, and of its window, between two samples
LIMIT_TOLERANCE_V = 0.012  # cyclers hold the limit within a few mV
IDLE_A = 0.04
REACHED_V = 0.001  # so close to the voltage that the charger then holds, the constant-current part has ended
STEADY = 0.05  # relative spread of the current that still counts as constant
STUCK_SHARE = 0.3  # of the window's samples at one same voltage: the sensor is stuck
RELAXATION_S = (30.0, 1800.0)  # rest after the charge that is long enough to read, and the longest that is read


class Unusable(Exception):
    """The record does not show the features; the message is one sentence that says why."""


@dataclass(frozen=True)
class WindowFeatures:
    """Features of one charge of one cell; units are in the names, shape features have none."""

    v_mean: float
    v_std: float
    v_kurt: float
    v_skew: float
    v_slope: float  # V/s
    v_entropy: float
    cc_q_ah: float
    cc_time_s: float
    i_mean: float
    i_std: float
    i_kurt: float
    i_skew: float
    i_slope: float  # A/s
    i_entropy: float
    cv_q_ah: float
    cv_time_s: float
    limit_v: float  # of the charge
    ic_peak_ah_per_v: float  # largest incremental capacity inside the voltage window
    ic_peak_v: float
    relaxation_mv: float | None  # fall of the voltage in the rest after the charge; None without a rest

    def scaled(self, nominal_ah: float) -> dict[str, float]:
        """What carries over between cells: charge and current over nominal capacity, voltages below the limit."""
        return {"cc_q_share": self.cc_q_ah / nominal_ah, "cv_q_share": self.cv_q_ah / nominal_ah,
                "c_rate": self.cc_q_ah * 3600 / self.cc_time_s / nominal_ah,
                "i_mean_c": self.i_mean / nominal_ah, "v_below_limit_v": self.limit_v - self.v_mean,
                "ic_peak_per_v": self.ic_peak_ah_per_v / nominal_ah}

    def as_dict(self) -> dict[str, float | None]:
        return asdict(self)


def window_features(t_s: np.ndarray, current_a: np.ndarray, voltage_v: np.ndarray, limit_v: float,
                    nominal_ah: float) -> WindowFeatures:
    """Features of one charge of one cell; s, A (charge positive) and V, each [n], from its start.

    `limit_v` is the charge voltage limit. A rest after the charge is read if there is one. Raises Unusable with
    the reason: wrong sign, window not covered, sampling too coarse, current not constant, sensor stuck.
    """
    charging = _charging_part(t_s, current_a, voltage_v)
    cc, cv = _constant_current(charging, limit_v), _taper(charging, limit_v, nominal_ah)
    peak, peak_v = _incremental_capacity(*cc)
    return WindowFeatures(
        **_shape("v", cc[2]), v_slope=_chord(cc[0], cc[2], limit_v - 0.1, limit_v - 0.01),
        cc_q_ah=_charge_ah(cc[0], cc[1]), cc_time_s=float(cc[0][-1] - cc[0][0]),
        **_shape("i", cv[1]), i_slope=_chord(cv[0], cv[1], CURRENT_HIGH_A - 0.1, CURRENT_HIGH_A),
        cv_q_ah=_charge_ah(cv[0], cv[1]), cv_time_s=float(cv[0][-1] - cv[0][0]), limit_v=limit_v,
        ic_peak_ah_per_v=peak, ic_peak_v=peak_v, relaxation_mv=_relaxation_mv(t_s, current_a, voltage_v))


Part = tuple[np.ndarray, np.ndarray, np.ndarray]  # t_s, current_a, voltage_v


def _charging_part(t_s: np.ndarray, current_a: np.ndarray, voltage_v: np.ndarray) -> Part:
    """From the first to the last sample that charges."""
    check_series(t_s, current_a, voltage_v)
    on = np.flatnonzero(current_a > idle_a(current_a))
    if len(on) < MIN_SAMPLES:
        raise Unusable("no part of the record charges; charging current is positive")
    part = slice(on[0], on[-1] + 1)
    return t_s[part], current_a[part], voltage_v[part]


def idle_a(current_a: np.ndarray) -> float:
    """Current up to which a cell rests, A: 2 % of the highest, at most IDLE_A, for the taper must not be cut."""
    return min(0.02 * float(current_a.max(initial=0)), IDLE_A)


def check_series(t_s: np.ndarray, current_a: np.ndarray, voltage_v: np.ndarray) -> None:
    """Raise Unusable for what is no series of one cell at all."""
    if len(t_s) < MIN_SAMPLES:
        raise Unusable(f"the record has only {len(t_s)} samples")
    for name, values in (("time", t_s), ("current", current_a), ("voltage", voltage_v)):
        if not np.isfinite(values).all():
            raise Unusable(f"{int((~np.isfinite(values)).sum())} of {len(values)} samples have no {name}")
    if (np.diff(t_s) <= 0).any():
        at = int(np.argmax(np.diff(t_s) <= 0))
        raise Unusable(f"time does not rise: {t_s[at + 1]:g} s comes after {t_s[at]:g} s")
    if voltage_v.max() > 6 or voltage_v.min() < 0.3:
        raise Unusable(f"voltages from {voltage_v.min():g} to {voltage_v.max():g} V are not one cell's in V")
    if np.ptp(voltage_v) < 1e-3:
        raise Unusable(f"the voltage stays at {voltage_v[0]:g} V throughout: the sensor is stuck")
    _check_sign(current_a, voltage_v)


def _check_sign(current_a: np.ndarray, voltage_v: np.ndarray) -> None:
    """A cell's voltage rises while it is charged: a record in which it falls has the other sign."""
    change = np.diff(voltage_v)
    strong = np.abs(current_a[1:]) > 0.5 * np.abs(current_a).max()
    both = strong & (np.abs(current_a[:-1]) > 0.5 * np.abs(current_a).max())
    inward, outward = change[both & (current_a[1:] > 0)].sum(), change[both & (current_a[1:] < 0)].sum()
    if inward < -0.05 or (outward > 0.05 and inward <= 0):
        raise Unusable("the voltage falls while the current is positive, or rises while it is negative: the sign of "
                       "the current is the wrong way round; charging must be positive")


def _constant_current(part: Part, limit_v: float) -> Part:
    t_s, current_a, voltage_v = part
    if voltage_v.max() < limit_v - LIMIT_TOLERANCE_V:
        raise Unusable(f"the charge ends at {voltage_v.max():.3f} V; the window reaches up to {limit_v:g} V")
    if voltage_v.max() > limit_v + 0.05:
        raise Unusable(f"the charge goes up to {voltage_v.max():.3f} V, above its limit of {limit_v:g} V")
    if voltage_v[0] > limit_v - WINDOW_V + 0.02:
        raise Unusable(f"the charge begins at {voltage_v[0]:.3f} V; the window begins at {limit_v - WINDOW_V:g} V")
    held_v = min(limit_v, float(np.median(voltage_v[voltage_v >= limit_v - LIMIT_TOLERANCE_V])))
    stop = int(np.argmax(voltage_v >= held_v - REACHED_V)) + 1
    below = np.flatnonzero(voltage_v[:stop] < limit_v - WINDOW_V)
    start = int(below[-1]) + 1 if len(below) else 0
    t, i, v = t_s[start:stop], current_a[start:stop], voltage_v[start:stop]
    _check_sampling(t, v, WINDOW_V, f"{limit_v - WINDOW_V:g} and {limit_v:g} V")
    if np.abs(i - np.median(i)).mean() > STEADY * np.median(i):
        raise Unusable(f"the current is not constant between {limit_v - WINDOW_V:g} and {limit_v:g} V")
    _check_stuck(v)
    return t, i, np.minimum(v, limit_v)


def _check_stuck(voltage_v: np.ndarray) -> None:
    steps = np.flatnonzero(np.diff(voltage_v))
    longest = np.diff(np.concatenate([[-1], steps, [len(voltage_v) - 1]])).max()
    if len(voltage_v) >= MIN_SAMPLES and longest > max(STUCK_SHARE * len(voltage_v), 4):
        raise Unusable(f"the voltage stands still for {longest} samples while the cell is charged: the sensor is stuck "
                       "or too coarse")


def _taper(part: Part, limit_v: float, nominal_ah: float) -> Part:
    t_s, current_a, voltage_v = part
    held = np.flatnonzero(voltage_v >= limit_v - LIMIT_TOLERANCE_V)
    first = int(held[0])
    t, i = t_s[first:], current_a[first:]
    if i.max() < CURRENT_HIGH_A:
        raise Unusable(f"the current at the voltage limit begins at {i.max():.3g} A; the features need the taper from "
                       f"{CURRENT_HIGH_A} A")
    wanted = (i <= CURRENT_HIGH_A) & (i >= CURRENT_LOW_A)
    last = max(CURRENT_LOW_A, TAPER_END_C * nominal_ah)
    if i.min() > last * 1.1:
        raise Unusable(f"the taper at the voltage limit ends at {i.min():.3g} A; it must be followed down to "
                       f"{last:.3g} A")
    if not wanted.any():
        raise Unusable(f"no sample lies between {CURRENT_HIGH_A} and {last:.3g} A: the taper was not logged")
    begin = int(np.argmax(wanted))
    falling = np.flatnonzero(i[begin:] < CURRENT_LOW_A)
    end = begin + (int(falling[0]) if len(falling) else len(i) - begin)
    t, i, v = t[begin:end], i[begin:end], voltage_v[first:][begin:end]
    _check_sampling(t, i, CURRENT_HIGH_A - last, f"{CURRENT_HIGH_A} and {last:.3g} A")
    if len(np.unique(i)) < MIN_SAMPLES / 2:
        raise Unusable("the current stands still during the taper: the sensor is stuck or too coarse")
    return t, i, v


def _check_sampling(t_s: np.ndarray, values: np.ndarray, window: float, where: str) -> None:
    """Loggers that write on change leave long gaps where little happens; only a leap in both is too coarse."""
    if len(t_s) < MIN_SAMPLES:
        raise Unusable(f"sampling is too coarse: {len(t_s)} samples between {where}, {MIN_SAMPLES} are needed")
    gap_s, leap = np.diff(t_s), np.abs(np.diff(values))
    bad = (gap_s > MAX_GAP_SHARE * (t_s[-1] - t_s[0])) & (leap > MAX_GAP_SHARE * window)
    if bad.any():
        raise Unusable(f"sampling is too coarse: a gap of {gap_s[bad].max():.0f} s between {where}")


def _charge_ah(t_s: np.ndarray, current_a: np.ndarray) -> float:
    return float(np.trapezoid(current_a, t_s) / 3600)


def _shape(name: str, values: np.ndarray) -> dict[str, float]:
    """Mean, spread, excess kurtosis, skewness and entropy of the samples."""
    from scipy.stats import entropy, kurtosis, skew

    return {f"{name}_mean": float(values.mean()), f"{name}_std": float(values.std()),
            f"{name}_kurt": float(kurtosis(values)), f"{name}_skew": float(skew(values)),
            f"{name}_entropy": float(entropy(values - values.min()))}


def _chord(t_s: np.ndarray, values: np.ndarray, low: float, high: float) -> float:
    """Mean slope per second where the values lie between `low` and `high`; over all of them if only one does."""
    inside = np.flatnonzero((values >= low - 1e-9) & (values <= high + 1e-9))
    first, last = (inside[0], inside[-1]) if len(inside) > 1 else (0, len(values) - 1)
    return float((values[last] - values[first]) / (t_s[last] - t_s[first]))


def _incremental_capacity(t_s: np.ndarray, current_a: np.ndarray, voltage_v: np.ndarray) -> tuple[float, float]:
    """(Ah/V, V) of the largest dQ/dV over steps of 10 mV."""
    rising = np.maximum.accumulate(voltage_v)
    charge = np.concatenate([[0.0], np.cumsum((current_a[1:] + current_a[:-1]) / 2 * np.diff(t_s) / 3600)])
    grid = np.arange(rising[0], rising[-1], 0.01)
    kept = np.concatenate([[True], np.diff(rising) > 0])
    per_v = np.diff(np.interp(grid, rising[kept], charge[kept])) / 0.01
    at = int(np.argmax(per_v))
    return float(per_v[at]), float(grid[at] + 0.005)


def _relaxation_mv(t_s: np.ndarray, current_a: np.ndarray, voltage_v: np.ndarray) -> float | None:
    """Fall of the voltage over the rest that follows the charge; None where no rest was logged."""
    on = np.flatnonzero(current_a > idle_a(current_a))
    rest = slice(on[-1] + 1, None)
    t, i, v = t_s[rest], current_a[rest], voltage_v[rest]
    idle = np.abs(i) <= idle_a(current_a)
    stop = len(idle) if idle.all() else int(np.argmin(idle))
    if stop < 3 or t[stop - 1] - t[0] < RELAXATION_S[0]:
        return None
    until = int(np.searchsorted(t[:stop], t[0] + RELAXATION_S[1]))
    return float(1000 * (v[0] - v[until - 1]))
