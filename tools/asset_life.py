"""An asset's life goes on from its own history: measured lives as shapes, its past use as the clock.

The ageing model says how long a cell lasts under a use; the months say how fast this one really ages. Both meet in
`tools.remaining_life.forecast`: shapes of 311 measured lives and plain powers of time, with the model's life as what
was known before. A change of habit changes the speed of the clock by what the model says of it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

import numpy as np

from tools.cells import Cell
from tools.contract import Context
from tools.fleet.store import open_fleet
from tools.fleet.tables import Month
from tools.remaining_life import REFERENCE_LOSS, Forecast, Shapes, forecast
from tools.remaining_life_early import MODEL_FILE

TRUST, BAND = 2.0, 1.25  # chosen by `eval.lifetime` for types of which only the usual life is known
WIDTHS = {True: 0.35, False: 0.5}  # of the logarithm of life, with and without a maker's cycle life
MIN_MONTHS, MIN_LOST_PERCENT, HABIT_MONTHS = 6, 1.0, 12
LONGEST_YEARS = 40.0
# Rise of resistance per lost capacity, share per share: the measured RWTH cells (median 1.0) at the low end, the aged
# cell of `tools.parameters` (twice the resistance at 80 %) at the high end, between them their geometric mean.
RESISTANCE_PER_LOSS = (1.0, 2.2, 5.0)


@dataclass(frozen=True)
class Habits:
    """How a pack was used in its last year."""

    full_cycles_per_week: float | None
    charge_c_rate: float | None
    temperature_c: float | None


@dataclass(frozen=True)
class OwnHistory:
    """Capacity lost (share of new) over years since it was commissioned, smoothed, and the habits of the last year."""

    years: np.ndarray
    loss: np.ndarray
    habits: Habits

    @property
    def tells(self) -> bool:
        """Whether there is enough of it, and enough lost, to say how fast this asset ages."""
        return len(self.years) >= MIN_MONTHS and 100 * float(self.loss[-1]) >= MIN_LOST_PERCENT


@dataclass(frozen=True)
class Outlook:
    """Capacity in percent of new at `years` from now, with its 90 % band, and what follows from it."""

    years: np.ndarray
    capacity_percent: np.ndarray
    low_percent: np.ndarray
    high_percent: np.ndarray
    speed: float  # times as fast as the ageing model says

    def years_to(self, percent: float) -> tuple[float | None, float | None, float | None]:
        """(expected, earliest, latest) years until the capacity falls to `percent`; None: not within 40 years."""
        return tuple(self._crossing(c, percent) for c in (self.capacity_percent, self.low_percent, self.high_percent))

    def _crossing(self, capacity: np.ndarray, percent: float) -> float | None:
        below = np.flatnonzero(capacity <= percent)
        if not len(below):
            return None
        i = int(below[0])
        if i == 0:
            return 0.0
        share = (capacity[i - 1] - percent) / (capacity[i - 1] - capacity[i])
        return float(self.years[i - 1] + share * (self.years[i] - self.years[i - 1]))

    def at(self, years: float) -> tuple[float, float, float]:
        """(expected, low, high) capacity in percent after `years`."""
        return tuple(float(np.interp(years, self.years, c))
                     for c in (self.capacity_percent, self.low_percent, self.high_percent))


def history_of(asset_id: str | None, context: Context) -> OwnHistory | None:
    """History from the fleet's months; None for anything but a pack or cell with months."""
    if asset_id is None or not asset_id.startswith("PK-"):
        return None
    fleet = open_fleet(context)
    pack = fleet.pack(asset_id)
    months = [m for m in fleet.history(pack) if m.soh_percent is not None and m.cycles is not None]
    return history_from(months, date.fromisoformat(pack.commissioned)) if months else None


def history_from(months: list[Month], commissioned: date) -> OwnHistory:
    """Months oldest first; a month's health is that of its end."""
    ends = [(date(int(m.month[:4]), int(m.month[5:]), 28) - commissioned).days / 365.25 for m in months]
    years = np.maximum(np.array(ends), 1 / 52)
    soh = np.array([m.soh_percent for m in months])
    padded = np.pad(soh, 2, mode="edge")
    smooth = np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=1)
    return OwnHistory(years, 1 - np.minimum(smooth, 100) / 100, _habits(months, years))


def _habits(months: list[Month], years: np.ndarray) -> Habits:
    last, span = months[-HABIT_MONTHS:], years[-1] - years[-len(months[-HABIT_MONTHS:])]
    mean = lambda values, digits: round(float(np.mean(values)), digits) if values else None  # noqa: E731
    cycles = round((last[-1].cycles - last[0].cycles) / span / 52.18, 2) if span > 0 else None
    return Habits(cycles, mean([m.charge_c_rate for m in last if m.charge_c_rate is not None], 2),
                  mean([m.temperature_mean_c for m in last if m.temperature_mean_c is not None], 1))


def outlook(history: OwnHistory, soh_percent: float, cell: Cell, model_years: float, changed_years: float | None = None,
            anchored: bool = True) -> Outlook:
    """Go on from a history, today at `soh_percent`.

    `model_years` is how long the ageing model gives a new cell to lose REFERENCE_LOSS under the asset's past use,
    `changed_years` the same under the use from now on.
    """
    years = np.concatenate([np.arange(0, 5, 0.1), np.arange(5, LONGEST_YEARS + 0.1, 0.25)])
    faster = 1.0 if changed_years is None else model_years / changed_years
    shapes = shapes_of(cell)
    usual = np.full(len(shapes.weight), np.log(model_years))
    known = Shapes(shapes.loss, usual, shapes.weight).with_powers(float(usual[0]))
    found: Forecast = forecast(history.years, history.loss, history.years[-1] + years * faster, known, TRUST,
                               WIDTHS[anchored], BAND)
    lost = [100 * (loss - history.loss[-1]) for loss in (found.loss, found.high, found.low)]
    middle, low, high = (np.clip(soh_percent - np.maximum.accumulate(np.maximum(x, 0)), 0, None) for x in lost)
    return Outlook(years, middle, low, high, float(np.exp(np.log(model_years) - found.stretch)))


def go_on(result, history: OwnHistory, cell: Cell, use, past, lasts: Callable):
    """A model's `ForecastLifeResult` continued from the asset's own history instead.

    `use` and `past` are `tools.life.Use` from now on and so far; `lasts(use)` is how many years the ageing model gives
    a new cell under a use to lose REFERENCE_LOSS.
    """
    past_years, use_years = lasts(past), lasts(use)
    found = outlook(history, result.soh_percent, cell, past_years, use_years, result.anchor is not None)
    capacity, low, high = found.at(result.years)
    expected, earliest, latest = found.years_to(80.0)
    lost = result.soh_percent - capacity
    modelled = max(result.soh_percent - result.capacity_percent, 1e-9)
    gained = gains(history, result.soh_percent, cell, past_years, use_years, {
        words: (lambda changed=changed: lasts(changed)) for words, changed in gentler(use).items()})
    said = "; ".join(f"{words} gains {years:.1f} years to 80 %" for words, years in gained.items())
    ohm, ohm_low, ohm_high = resistance_percent(lost)
    return result.model_copy(update={
        "capacity_percent": capacity, "capacity_low_percent": low, "capacity_high_percent": high,
        "years_to_80_percent": expected, "years_to_80_earliest": earliest, "years_to_80_latest": latest,
        "years_to_70_percent": found.years_to(70.0)[0], "drivers": "; ".join(filter(None, (result.drivers, said))),
        "series": tuple(_year(point, found) for point in result.series), "gains_years": gained,
        "history_months": len(history.years), "ageing_speed": round(found.speed, 2),
        "resistance_percent": ohm, "resistance_low_percent": ohm_low, "resistance_high_percent": ohm_high,
        "caveat": "goes on from its own history by the lives of other measured cells; a sudden fall stays possible",
        "version": f"{result.version}; own history of {len(history.years)} months and shapes of 311 measured lives",
        **{name: None if value is None else value * lost / modelled for name, value in (
            (n, getattr(result, n)) for n in ("calendar_loss_percent", "cycling_loss_percent",
                                              "plating_loss_percent"))}})


def _year(point, found: Outlook):
    capacity, low, high = found.at(point.year)
    return point.model_copy(update={"capacity_percent": capacity, "low_percent": low, "high_percent": high})


def gentler(use) -> dict:
    """Changes of habit worth asking about, each a use of the same energy over the years."""
    changes = {f"charging at {use.c_rate / 2:.2g}C": replace(use, c_rate=use.c_rate / 2),
               f"cycles of {75 * use.depth:.0f} % instead of {100 * use.depth:.0f} % depth":
                   replace(use, depth=0.75 * use.depth, cycles_per_year=use.cycles_per_year / 0.75)}
    if use.temperature_c >= 10:
        changes["5 K cooler"] = replace(use, temperature_c=use.temperature_c - 5)
    return changes


def gains(history: OwnHistory, soh_percent: float, cell: Cell, past_years: float, use_years: float,
          changes: dict[str, Callable[[], float]]) -> dict[str, float]:
    """{habit: years gained until 80 %}, given the model's life under each; only what gains a month or more."""
    usual = outlook(history, soh_percent, cell, past_years, use_years).years_to(80.0)[0]
    if not usual:
        return {}
    found = {}
    for words, changed_years in changes.items():
        later = outlook(history, soh_percent, cell, past_years, changed_years()).years_to(80.0)[0]
        gained = (LONGEST_YEARS if later is None else later) - usual
        if gained >= 1 / 12:
            found[words] = round(gained, 2)
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def resistance_percent(lost_percent: float) -> tuple[float, float, float]:
    """(expected, low, high) resistance in percent of today's after losing so many more points of capacity."""
    low, middle, high = (100 + 100 * rise * lost_percent / 100 for rise in RESISTANCE_PER_LOSS)
    return middle, low, high


@lru_cache(maxsize=2)
def _shipped(family: str) -> Shapes:
    from safetensors.numpy import load_file

    arrays = load_file(MODEL_FILE)
    loss, weight = (arrays[f"shapes/{family}/{name}"].astype(float) for name in ("loss", "weight"))
    return Shapes(loss, np.zeros(len(loss)), weight)


def shapes_of(cell: Cell) -> Shapes:
    """Typical shapes of measured lives of the cell's family, each reaching REFERENCE_LOSS at 1."""
    return _shipped("LFP" if cell.chemistry == "LFP" else "other")


def reference_percent() -> float:
    """Loss in percent to which a model's life is asked for."""
    return 100 * REFERENCE_LOSS
