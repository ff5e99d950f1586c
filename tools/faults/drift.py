"""Which cell has left its neighbours, and since when: a cumulative sum over charges, and a robust rate."""

from dataclasses import dataclass

import numpy as np

BASELINE, MIN_RECORDS = 8, 12  # charges that say what is usual for a cell; charges needed at all
SLACK, CLIP = 0.5, 3.0  # of the cumulative sum, in standard deviations; one odd charge adds at most CLIP - SLACK
NEIGHBOURS = 2.0  # times the neighbours' spread is allowed
RECENT = 4  # charges whose median is the present level


@dataclass(frozen=True)
class Drift:
    """State of each series [k] at the newest charge."""

    score: np.ndarray  # cumulative sum of standardised excess
    level: np.ndarray  # present departure from the series' own baseline, in its unit
    peak: np.ndarray  # upper quartile of the departure since it began
    rate: np.ndarray  # per 30 days, since it began
    begun: np.ndarray  # index of the charge since which the sum is above zero


def drift(days: np.ndarray, values: np.ndarray, errors: np.ndarray, floor: float, sign: float) -> Drift | None:
    """One-sided cumulative sum (Page 1954) of departures from the own baseline; None with too few charges.

    days [n], values and errors [n, k] in one unit, `sign` +1 looks for a rise and -1 for a fall. Allowed are `floor`,
    below which a departure does not matter, and twice the spread that the neighbours' departures have by then, as
    sound cells age apart too; what goes beyond counts in standard deviations of one charge.
    """
    n, k = values.shape
    if n < MIN_RECORDS:
        return None
    usual = np.median(values[:BASELINE], axis=0)
    away = sign * (values - usual)
    scatter = 1.4826 * np.median(np.abs(np.diff(values, axis=0))) / np.sqrt(2.0)
    allowed = floor + (NEIGHBOURS * _smoothed(_spread(away)) if k >= 4 else np.zeros(n))
    sigma = np.sqrt(np.maximum(errors, scatter) ** 2 + scatter**2 / BASELINE)
    excess = np.clip((away - allowed[:, None]) / sigma, -CLIP, CLIP) - SLACK
    total, begun = np.zeros(k), np.full(k, n - 1)
    for i in range(BASELINE, n):
        begun = np.where(total <= 0, i, begun)
        total = np.maximum(total + excess[i], 0.0)
    rate = np.array([_rate(days[b:], values[b:, j]) for j, b in enumerate(begun)])
    peak = np.array([sign * np.quantile(away[b:, j], 0.75) for j, b in enumerate(begun)])
    return Drift(total, np.median(values[-RECENT:] - usual, axis=0), peak, rate, begun)


def _spread(values: np.ndarray) -> np.ndarray:
    """Robust standard deviation over the cells, [n]."""
    return 1.4826 * np.median(np.abs(values - np.median(values, axis=1, keepdims=True)), axis=1)


def _smoothed(values: np.ndarray) -> np.ndarray:
    """Running median of five."""
    padded = np.pad(values, 2, mode="edge")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=1)


def _rate(days: np.ndarray, values: np.ndarray) -> float:
    """Theil-Sen slope per 30 days: the median over all pairs of charges; 0 for fewer than three."""
    if len(days) < 3:
        return 0.0
    i, j = np.triu_indices(len(days), 1)
    return 30 * float(np.median((values[j] - values[i]) / np.maximum(days[j] - days[i], 0.1)))
