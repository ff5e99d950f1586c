"""Faults on their way: cells that leave their neighbours over weeks of charges, before any limit is reached."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from tools.faults.drift import BASELINE, Drift, drift
from tools.faults.features import Features, Measured
from tools.faults.finding import Evidence, Fault, Finding, cell_names

# Sum at which a trend is reported, and departures that do not matter or that sound cells reach by ageing apart, in the
# unit of the series (percent of capacity, points of capacity, percent of resistance, mV, K, K, mV, percent). Chosen on
# fleets of `eval.fault_fleet`, seeds 1 and 7, so that sound packs raise less than one alarm in 1,000 pack-months.
LIMITS = {"charge": 6.0, "capacity": 16.0, "resistance": 12.0, "voltage": 6.0, "temperature": 6.0, "warming": 10.0,
          "plating": 5.0, "cooling": 6.0}
FLOORS = {"charge": 0.4, "capacity": 1.5, "resistance": 8.0, "voltage": 1.2, "temperature": 0.5, "warming": 0.8,
          "plating": 1.0, "cooling": 12.0}
RESISTIVE = 5.0  # times as much a risen resistance counts as what else the same cell shows
MOST_SHORT = 0.15  # of the capacity: further from full a charge's end is not taken to be
INVOLVED = 0.5  # of the limit: a neighbour that drifts as well


@dataclass(frozen=True)
class Suspicion:
    """A fault that the trends speak for; it is reported from `score` 1 on."""

    fault: Fault
    cells: tuple[int, ...]  # positions in the pack; empty: the whole pack
    score: float
    level: float
    rate: float  # per 30 days
    since: datetime
    charges: int
    series: str


@dataclass(frozen=True)
class Series:
    """One feature over the charges that show it: [n, k], in the unit of FLOORS."""

    features: list[Features]
    values: np.ndarray
    errors: np.ndarray

    def drift(self, name: str, sign: float) -> Drift | None:
        start = self.features[0].started if self.features else None
        days = np.array([(f.started - start).total_seconds() / 86400 for f in self.features])
        return drift(days, self.values, self.errors, FLOORS[name], sign)


def series(features: Sequence[Features], name: str, scale: float = 1.0) -> Series:
    """The charges whose feature `name` is known, scaled."""
    shown = [(f, getattr(f, name)) for f in features]
    pairs = [(f, m if isinstance(m, Measured) else Measured(np.array([m[0]]), np.array([m[1]]))) for f, m in shown]
    pairs = [(f, m) for f, m in pairs if np.isfinite(m.error).all()]
    stack = lambda part: np.stack([getattr(m, part) for _, m in pairs]) * scale if pairs else np.zeros((0, 1))  # noqa: E731
    return Series([f for f, _ in pairs], stack("value"), stack("error"))


class Scores:
    """Scores (1 is the limit) and drifts of every cell of a pack, by series name and sign."""

    def __init__(self, e: Evidence):
        newest = e.features[-1].cells if e.features else ()
        self.features = [_at_full(f, e) for f in e.features if f.cells == newest]
        self.cells = np.array(newest)
        self.drifts: dict[str, Drift] = {}
        self.shown: dict[str, list[Features]] = {}
        nominal_ah = (e.cell.capacity_nominal_ah or 0.0) * e.pack.parallel
        self._add("charge", "charge_ah", "-+", 100 / nominal_ah if nominal_ah else 0.0)
        self._add("capacity", "capacity", "-", 100.0)
        self._add("resistance", "resistance", "+", 100.0)
        self._add("voltage", "voltage_v", "-+", 1000.0)
        self._add("temperature", "temperature_k", "-+", 1.0)
        self._add("warming", "warming_k", "+", 1.0)
        self._add("plating", "plating_v", "+", 1000.0)
        self._add("plating", "pack_plating_v", "+", 1000.0, "pack_plating")
        usual = [f.cooling_per_h[0] for f in self.features if np.isfinite(f.cooling_per_h[1])][:BASELINE]
        cooled = float(np.median(usual)) if usual else 0.0
        self._add("cooling", "cooling_per_h", "-", 100 / cooled if cooled > 0 else 0.0)

    def _add(self, name: str, attribute: str, signs: str, scale: float, key: str | None = None) -> None:
        if not scale:
            return
        shown = series(self.features, attribute, scale)
        for sign in signs:
            found = shown.drift(name, 1.0 if sign == "+" else -1.0)
            if found is not None:
                found = replace(found, score=found.score / LIMITS[name])
                self.drifts[f"{key or name}{sign}"], self.shown[f"{key or name}{sign}"] = found, shown.features

    def of(self, key: str) -> np.ndarray:
        """Scores [k]; zeros where the charges do not show this series often enough."""
        return self.drifts[key].score if key in self.drifts else np.zeros(len(self.cells))

    def suspicion(self, fault: Fault, key: str, at: Sequence[int], score: float, whole_pack: bool = False) -> Suspicion:
        """A suspicion of the cells at these columns of a series; the worst of them speaks for all."""
        d, shown = self.drifts[key], self.shown[key]
        worst = max(at, key=lambda j: d.score[j])
        begun = min(int(d.begun[j]) for j in at)
        cells = () if whole_pack else tuple(int(self.cells[j]) for j in at)
        level = d.peak if fault == "plating_signature" else d.level  # plating comes and goes with the cold
        return Suspicion(fault, cells, float(score), level(worst), d.rate(worst),
                         shown[begun].started, len(shown) - begun, key.rstrip("+-"))


def _at_full(f: Features, e: Evidence) -> Features:
    """Charge offsets as they are when full, where packs are balanced: below it a smaller cell stands lower anyway."""
    nominal_ah, full_v = (e.cell.capacity_nominal_ah or 0.0) * e.pack.parallel, e.cell.voltage_charge_cutoff_v
    if not nominal_ah or full_v is None or f.end_slope_v_per_ah <= 0:
        return f
    short_ah = np.clip((full_v - f.end_v) / f.end_slope_v_per_ah, 0, MOST_SHORT * nominal_ah)
    share = f.capacity.value / (1 + f.capacity.value)
    return replace(f, charge_ah=Measured(f.charge_ah.value - short_ah * share, f.charge_ah.error))


def suspicions(e: Evidence) -> list[Suspicion]:
    """Every fault with the score of its trend; one cause per cell, where several series move the strongest speaks."""
    s = Scores(e)
    fall, rise, weak, ohm = (s.of(k) for k in ("charge-", "charge+", "capacity-", "resistance+"))
    sensor = np.maximum(s.of("voltage-"), s.of("voltage+"))
    # A resistive cell is not relaxed when the others are, which also looks like a sensor or like missing charge.
    cause = np.argmax(np.stack([np.where(ohm >= INVOLVED, RESISTIVE, 1.0) * ohm, weak, np.maximum(fall, rise),
                                sensor]), axis=0)
    at = np.flatnonzero((cause == 0) & (ohm > 0))
    found = [s.suspicion("high_resistance", "resistance+", [j], ohm[j]) for j in at]
    found += [s.suspicion("weak_cell", "capacity-", [j], weak[j]) for j in np.flatnonzero(cause == 1)]
    found += _charge(s, np.where(cause == 2, fall, 0.0), np.where(cause == 2, rise, 0.0))
    for key in ("voltage-", "voltage+", "temperature-", "temperature+"):
        scores = np.where((cause != 3) & key.startswith("voltage"), 0.0, s.of(key))
        found += [s.suspicion("sensor_drift", key, [j], scores[j]) for j in np.flatnonzero(scores > 0)]
    return found + _heat(s, np.where(ohm >= INVOLVED, 0.0, s.of("warming+"))) + _plating(s)


def _charge(s: Scores, fall: np.ndarray, rise: np.ndarray) -> list[Suspicion]:
    """One cell that falls while all others stay loses charge by itself; several that part are an imbalance."""
    moving = np.flatnonzero(np.maximum(fall, rise) >= INVOLVED)
    worst = int(np.argmax(np.maximum(fall, rise))) if len(fall) else 0
    if not len(fall) or max(fall[worst], rise[worst]) <= 0:
        return []
    key = "charge-" if fall[worst] >= rise[worst] else "charge+"
    if key == "charge-" and set(moving) <= {worst}:
        return [s.suspicion("self_discharge", key, [worst], float(fall[worst]))]
    at = [worst, *(int(j) for j in moving if j != worst)]
    found = s.suspicion("imbalance", key, [worst], max(fall[worst], rise[worst]))
    return [replace(found, cells=tuple(sorted(int(s.cells[j]) for j in at)))]


def _heat(s: Scores, warming: np.ndarray) -> list[Suspicion]:
    hot = [int(j) for j in np.flatnonzero(warming >= 1)]
    cooling = float(s.of("cooling-").max(initial=0.0)) if "cooling-" in s.drifts else 0.0
    if hot or (warming.max(initial=0.0) > cooling):
        at = hot or [int(np.argmax(warming))]
        return [s.suspicion("cooling", "warming+", at, float(warming.max()))]
    return [s.suspicion("cooling", "cooling-", [0], cooling, whole_pack=True)] if cooling > 0 else []


def _plating(s: Scores) -> list[Suspicion]:
    of_pack = float(s.of("pack_plating+").max(initial=0.0)) if "pack_plating+" in s.drifts else 0.0
    single = s.of("plating+")
    at = [int(j) for j in np.flatnonzero(single >= 1)]
    if of_pack > 0 and (of_pack >= single.max(initial=0.0) or not at):
        return [s.suspicion("plating_signature", "pack_plating+", [0], of_pack, whole_pack=True)]
    return [s.suspicion("plating_signature", "plating+", at, float(single.max()))] if at else []


# -- in words


def findings(e: Evidence) -> list[Finding]:
    """Suspicions from the limit on, as findings."""
    return [_finding(e, s) for s in suspicions(e) if s.score >= 1]


def _finding(e: Evidence, s: Suspicion) -> Finding:
    evidence, size, steps, advice = _words(e, s)
    severity = "low" if size < steps[0] else "medium" if size < steps[1] else "high"
    confidence = "low" if s.score < 1.5 else "medium" if s.score < 3 else "high"
    return Finding(fault=s.fault, cells=cell_names(e, list(s.cells)), evidence=f"{evidence}, over {s.charges} charges",
                   severity=severity, since=f"{s.since:%Y-%m-%d}", confidence=confidence, what_to_do=advice,
                   found_by="trend")


def _words(e: Evidence, s: Suspicion) -> tuple[str, float, tuple[float, float], str]:
    """(evidence, size, sizes that are medium and high, what to do)."""
    size, rate = abs(s.level), abs(s.rate)
    if s.fault == "weak_cell":
        return (f"lost {size:.1f} points of capacity more than its neighbours, now {rate:.1f} points a month", size,
                (3.0, 8.0), "Watch it monthly; plan to replace the cell group before it limits the pack.")
    if s.fault == "high_resistance":
        return (f"resistance rose {size:.0f} % more than its neighbours', now {rate:.0f} % a month", size, (30.0, 80.0),
                "Check the cell's welds and busbar at the next service; charge gently until then.")
    if s.fault == "self_discharge":
        per_day = rate / 30
        milliamps = per_day / 100 * (e.cell.capacity_nominal_ah or 0) * e.pack.parallel / 24 * 1000
        return (f"loses {per_day:.2f} % of charge a day against its neighbours, a leak of about {milliamps:.0f} mA, "
                f"{size:.1f} % behind by now", per_day, (0.04, 0.15),
                "A soft short may grow: take the pack out of unattended charging, test the cell's self-discharge.")
    if s.fault == "imbalance":
        return (f"cells drift apart by {rate:.1f} % of charge a month, {size:.1f} % by now", size, (2.0, 5.0),
                "Check that the balancer works; balance the pack and look again in a month.")
    if s.fault == "sensor_drift":
        unit, steps = ("mV", (5.0, 12.0)) if s.series == "voltage" else ("K", (3.0, 6.0))
        return (f"{s.series} reads {s.level:+.1f} {unit} against its neighbours, at rest and under load", size, steps,
                "Calibrate or replace the sensor; limits that use its reading are off by as much.")
    if s.fault == "cooling" and s.cells:
        return (f"these cells warm {size:.1f} K more in a charge than before against the others", size, (3.0, 8.0),
                "Check coolant flow and thermal contact at these cells.")
    if s.fault == "cooling":
        return (f"the pack sheds its heat {size:.0f} % more slowly than it did", size, (35.0, 60.0),
                "Check fan, coolant flow and filters.")
    return (f"the voltage after charges shows a stripping plateau of {size:.1f} mV that was not there before", size,
            (0.0, 7.0), "Lithium plates: charge slower or warmer now, then test the capacity.")
