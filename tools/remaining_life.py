"""How a cell's own history goes on: measured lives as shapes, stretched in time to what it has shown so far.

A life is loss of capacity over a clock (cycles, or years of one use). `Shapes` holds many, each on a clock of its own
on which REFERENCE_LOSS is reached at 1. A forecast weighs every shape and every stretch of its clock by how well it
fits the history and by what was known before (how long such cells last), and goes on from the present level: an exact
posterior on a grid, no sampling. Its 90 % band is the weighted quantiles, widened by a factor that was calibrated on
lives left out.
"""

from dataclasses import dataclass

import numpy as np

REFERENCE_LOSS = 0.08  # of the first capacity
GRID_STEP, GRID_END = 0.02, 4.0  # of the clock on which the reference loss is at 1
STRETCHES = np.linspace(-2.5, 2.5, 15)  # standard deviations of the logarithm of the stretch
HISTORY_POINTS = 12
POWERS = (0.5, 0.6, 0.75, 0.9, 1.0, 1.25, 1.6, 2.0)  # from film growth by diffusion to accelerating wear


@dataclass(frozen=True)
class Shapes:
    """m lives: loss [m, g] on the common grid, logarithm of each one's clock at the reference loss [m], weights [m]."""

    loss: np.ndarray
    log_clock: np.ndarray
    weight: np.ndarray

    def without(self, i: int) -> "Shapes":
        keep = np.arange(len(self.weight)) != i
        return Shapes(self.loss[keep], self.log_clock[keep], self.weight[keep])

    def with_powers(self, log_clock: float) -> "Shapes":
        """These and plain powers of time, which weigh as much together: what a type never seen may do instead."""
        grid = np.arange(self.loss.shape[1]) * GRID_STEP
        powers = REFERENCE_LOSS * np.stack([grid**p for p in POWERS])
        weight = np.full(len(POWERS), self.weight.sum() / len(POWERS))
        return Shapes(np.vstack([self.loss, powers]), np.append(self.log_clock, np.full(len(POWERS), log_clock)),
                      np.append(self.weight, weight))

    def bandwidth(self) -> float:
        """Width of the stretch about each member, so that together they show how lives of this kind differ."""
        spread = 1.4826 * float(np.median(np.abs(self.log_clock - np.median(self.log_clock))))
        spread = max(min(spread, float(np.std(self.log_clock))), 0.02)
        return max(1.06 * spread * len(self.log_clock) ** -0.2, 0.03)


@dataclass(frozen=True)
class Forecast:
    """Loss at the asked clock times, with its 90 % band."""

    loss: np.ndarray
    low: np.ndarray
    high: np.ndarray
    stretch: float  # weighted mean of the logarithm of this life's clock at the reference loss


def shape_of(clock: np.ndarray, loss: np.ndarray) -> tuple[np.ndarray, float]:
    """(loss on the common grid, clock at the reference loss) of one life that reached it or came near.

    Beyond its end a life goes on with the slope of its last fifth.
    """
    tail = clock >= clock[-1] - 0.2 * (clock[-1] - clock[0])
    slope = max(float(np.polyfit(clock[tail], loss[tail], 1)[0]), 1e-3 * REFERENCE_LOSS / clock[-1])
    above = np.flatnonzero(loss >= REFERENCE_LOSS)
    if len(above):
        i = above[0]
        share = (REFERENCE_LOSS - loss[i - 1]) / max(loss[i] - loss[i - 1], 1e-9) if i else 0.0
        reached = clock[i - 1] + share * (clock[i] - clock[i - 1]) if i else clock[0]
    else:
        reached = clock[-1] + (REFERENCE_LOSS - loss[-1]) / slope
    reached = max(float(reached), 1e-9)
    at = np.arange(0.0, GRID_END + GRID_STEP / 2, GRID_STEP) * reached
    return np.where(at <= clock[-1], np.interp(at, clock, loss), loss[-1] + slope * (at - clock[-1])), reached


def forecast(clock: np.ndarray, loss: np.ndarray, future: np.ndarray, shapes: Shapes, trust: float,
             width: float | None = None, band: float = 1.0, anchor: bool = True) -> Forecast:
    """Go on from a history of loss [n] at clock times [n] to `future` [f].

    `trust` is how strongly a mean squared misfit of 1 point^2 counts; `width` the spread of the logarithm of the
    stretch about each shape's own clock (None: `Shapes.bandwidth`); `band` widens the interval.
    """
    width = shapes.bandwidth() if width is None else width
    stretch = np.exp(-(shapes.log_clock[:, None] + width * STRETCHES))  # [m, w], shape's clock per clock
    seen = np.linspace(clock[0], clock[-1], HISTORY_POINTS)[1:]
    known = np.interp(seen, clock, loss)
    misfit = ((_at(shapes.loss, stretch, seen) - known) ** 2).mean(axis=-1) * 1e4
    log_weight = np.log(shapes.weight)[:, None] - STRETCHES**2 / 2 - trust * misfit / 2
    weight = np.exp(log_weight - log_weight.max()).ravel()
    weight /= weight.sum()
    path = _at(shapes.loss, stretch, future)
    if anchor:
        path = path - _at(shapes.loss, stretch, clock[-1:]) + loss[-1]
    path = path.reshape(len(weight), -1)
    low, middle, high = _quantiles(path, weight, (0.05, 0.5, 0.95))
    return Forecast(middle, middle - band * (middle - low), middle + band * (high - middle),
                    -float((weight * np.log(stretch).ravel()).sum()))


def _at(loss: np.ndarray, stretch: np.ndarray, clock: np.ndarray) -> np.ndarray:
    """Loss [m, w, n] of stretched shapes at clock times; beyond the grid its last slope goes on."""
    x = stretch[:, :, None] * clock / GRID_STEP
    i = np.minimum(x.astype(int), loss.shape[1] - 2)
    m = np.arange(len(loss))[:, None, None]
    first = loss[m, i]
    return first + (x - i) * (loss[m, i + 1] - first)


def _quantiles(paths: np.ndarray, weight: np.ndarray, shares: tuple[float, ...]) -> list[np.ndarray]:
    """Weighted quantiles [n] of paths [p, n], for each share."""
    order = np.argsort(paths, axis=0)
    total = np.cumsum(weight[order], axis=0)
    rows = [np.minimum((total < share).sum(axis=0), len(weight) - 1) for share in shares]
    columns = np.arange(paths.shape[1])
    return [paths[order[row, columns], columns] for row in rows]
