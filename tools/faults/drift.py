"""Which cell has left its neighbours, and since when: a cumulative sum over charges, and a robust rate."""

from dataclasses import dataclass

import numpy as np

BASELINE, MIN_RECORDS = 8, 12  # charges that say what is usual for a cell; charges needed at all
SLACK, CLIP = 0.5, 3.0  # of the cumulative sum, in standard deviations; one odd charge adds at most CLIP - SLACK
NEIGHBOURS = 2.0  # times the neighbours' spread is allowed
RECENT = 4  # charges whose median is the present level


@dataclass(frozen=True)
class Drift:
    """State of each series [k] at the newest charge; `away` [n, k] is the departure from the own baseline, signed."""

    score: np.ndarray  # cumulative sum of standardised excess
    begun: np.ndarray  # index of the charge since which the sum is above zero
    days: np.ndarray
    away: np.ndarray

    def level(self, j: int) -> float:
        """Present departure of one series, in its unit."""
        return float(np.median(self.away[-RECENT:, j]))

    def peak(self, j: int) -> float:
        """Upper quartile of the size of the departure since it began."""
        since = self.away[self.begun[j]:, j]
        return float(np.quantile(np.abs(since), 0.75) * np.sign(np.median(since) or 1.0))

    def rate(self, j: int) -> float:
        """Theil-Sen slope per 30 days since it began: the median over all pairs; 0 for fewer than three charges."""
        days, values = self.days[self.begun[j]:], self.away[self.begun[j]:, j]
        if len(days) < 3:
            return 0.0
        a, b = np.triu_indices(len(days), 1)
        return 30 * float(np.median((values[b] - values[a]) / np.maximum(days[b] - days[a], 0.1)))


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
    return Drift(total, begun, days, sign * away)


def _spread(values: np.ndarray) -> np.ndarray:
    """Robust standard deviation over the cells, [n]."""
    return 1.4826 * np.median(np.abs(values - np.median(values, axis=1, keepdims=True)), axis=1)


def _smoothed(values: np.ndarray) -> np.ndarray:
    """Running median of five."""
    padded = np.pad(values, 2, mode="edge")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=1)
