"""Simulated fleets with seeded faults of graded size, written as the fleet store holds them.

An equivalent-circuit pack of its own: open-circuit voltages are those of Chen et al. 2020 (NMC811) and Prada et al.
2013 (LFP) as PyBaMM has them; each cell has capacity, charge, resistance with two relaxation times, heat and sensors
with errors. It shares no code with `tools.faults`; of the fleet only the tables and the record format are used.

What makes it hard: weekly charges from and to changing states of charge at changing rates, seasons, cells that age
apart, a balancer of limited strength, offsets and noise of sensors, missing samples, charges after
which the pack does not rest. Sizes 0, 1, 2 of a fault are small, middle and large; `SIZES` has the numbers.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np

from tools.fleet.records import ChargeRecord

START = datetime(2025, 1, 6, 18, 0, tzinfo=UTC)
WEEKS = 70
SIZES = {
    "weak_cell": (3.0, 6.0, 12.0),  # points of capacity lost in half a year beside its neighbours
    "high_resistance": (0.2, 0.5, 1.0),  # share of its resistance gained in 20 weeks
    "imbalance": (0.2, 0.4, 0.9),  # percent of charge a week by which three cells drift apart
    "self_discharge": (0.03, 0.08, 0.2),  # percent of charge a day lost by one cell
    "plating_risk": (3.0, 6.0, 12.0),  # mV of the stripping plateau after a cold charge; begins with the cold season
    "cooling": (0.30, 0.50, 0.70),  # share of the cooling that is lost within 8 weeks
    "sensor_temperature": (2.0, 4.0, 8.0),  # K by which one sensor drifts within 12 weeks
    "sensor_voltage": (4.0, 8.0, 16.0)}  # mV by which one sensor drifts within 12 weeks
RESTS_S, CHARGE_SAMPLES = np.array([0.0, 300.0, 600.0]), 72
RELAXATION_S = np.concatenate([[10.0], np.arange(60.0, 3661.0, 90.0)])
TAU_S = (60.0, 1500.0)
TAU_SHARES = (0.5, 0.7)  # of the ohmic resistance
BALANCED_PERCENT_PER_WEEK = 0.1
COLD_C = 16.0  # charges around which no lithium plates, however it is charged


@dataclass(frozen=True)
class Chemistry:
    cell_id: str
    nominal_ah: float
    resistance_ohm: float
    heat_j_per_k: float


NMC = Chemistry("lg-inr21700-m50lt", 4.8, 0.030, 70.0)
LFP = Chemistry("a123-anr26650m1-b", 2.5, 0.012, 80.0)


@dataclass(frozen=True)
class PackPlan:
    """One pack: `fault` None is sound. `size` 0 to 2; `onset` is the week in which the fault begins."""

    pack_id: str
    chemistry: Chemistry
    seed: int
    fault: str | None = None
    size: int = 0
    onset: int = 0
    cell: int = 0  # 0-based; of several, the first
    series: int = 12
    parallel: int = 4


@dataclass(frozen=True)
class PackLife:
    """What a plan became: weekly charge records and the true cells that are faulty (1-based)."""

    plan: PackPlan
    records: list[ChargeRecord]
    faulty: tuple[int, ...]
    soh_percent: np.ndarray  # [weeks], of the median cell
    onset_week: int | None  # when the fault begins to act; None for a sound pack

    @property
    def onset(self) -> datetime | None:
        return None if self.onset_week is None else START + timedelta(weeks=self.onset_week)


def plan_packs(seed: int, sound: int, per_size: int) -> list[PackPlan]:
    """`sound` packs without a fault, and `per_size` of each fault and size; every third pack is LFP."""
    rng = np.random.default_rng(seed)
    wanted = [(None, 0)] * sound + [(f, s) for f in SIZES for s in range(3) for _ in range(per_size)]
    return [PackPlan(f"PK-{n:04d}", LFP if n % 3 == 0 else NMC, int(rng.integers(2**31)), fault, size,
                     int(rng.integers(18, 36)) if fault else 0, int(rng.integers(12)))
            for n, (fault, size) in enumerate(wanted, 1)]


@lru_cache(maxsize=2)
def open_circuit(chemistry: Chemistry) -> tuple[np.ndarray, np.ndarray]:
    """State of charge (0 to 1) and open-circuit voltage (V), from the electrodes' potentials."""
    import pybamm

    soc = np.linspace(0, 1, 201)
    values = pybamm.ParameterValues("Chen2020" if chemistry is NMC else "Prada2013")
    negative, positive = (values[f"{side} electrode OCP [V]"] for side in ("Negative", "Positive"))
    # Stoichiometries between empty and full: Chen et al. 2020, table; Prada et al. 2013, fitted to 2.5 to 3.6 V.
    x, y = ((0.0263, 0.9106), (0.8540, 0.2638)) if chemistry is NMC else ((0.01, 0.81), (0.97, 0.05))
    at = [(x[0] + s * (x[1] - x[0]), y[0] + s * (y[1] - y[0])) for s in soc]
    volt = np.array([float(positive(pybamm.Scalar(b)).evaluate()) - float(negative(pybamm.Scalar(a)).evaluate())
                     for a, b in at])
    return soc, np.maximum.accumulate(volt)


def simulate(plan: PackPlan) -> PackLife:
    """A life of WEEKS weekly charges."""
    rng = np.random.default_rng(plan.seed)
    cells = _Cells(plan, rng)
    t_s, current = _profiles(plan, rng, cells)
    volt, warm = _run(plan, rng, cells, t_s, current)
    days = rng.uniform(-1.5, 1.5, WEEKS)
    records = [_logged(plan, rng, START + timedelta(weeks=w, days=float(days[w])), t_s[w], current[w], volt[w], warm[w])
               for w in range(WEEKS)]
    soh = 100 * np.median(cells.capacity, axis=1) / plan.chemistry.nominal_ah
    return PackLife(plan, records, cells.faulty, soh, cells.onset if plan.fault else None)


class _Cells:
    """True cells over the weeks; arrays [weeks, series]. Charges and capacities are of one cell, Ah."""

    def __init__(self, plan: PackPlan, rng: np.random.Generator):
        k, weeks = plan.series, np.arange(WEEKS)[:, None]
        c, since = plan.chemistry, np.clip(np.arange(WEEKS) - plan.onset, 0, None) if plan.fault else np.zeros(WEEKS)
        size = SIZES[plan.fault][plan.size] if plan.fault else 0.0
        bad, self.onset = [plan.cell], plan.onset
        fade = 0.0012 * np.exp(rng.normal(0, 0.3)) * np.clip(1 + 0.12 * rng.standard_t(4, k), 0.6, 1.4)  # share a week
        self.capacity = c.nominal_ah * (1 + rng.normal(0, 0.006, k)) * (0.985 - fade * weeks**0.95)
        growth = 0.002 * np.exp(rng.normal(0, 0.3)) * np.clip(1 + 0.2 * rng.standard_t(4, k), 0.4, 1.8)
        self.resistance = c.resistance_ohm * (1 + rng.normal(0, 0.035, k)) * (1 + growth * weeks)
        drift = rng.normal(0, 0.012, k) * np.ones((WEEKS, 1)) + rng.normal(0, 0.02, (WEEKS, k))  # percent a week
        season = np.cos(2 * np.pi * (np.arange(WEEKS) + rng.uniform(-2, 2)) / 52.18 + np.pi)
        self.cold = 12.0 + 9.0 * season + rng.normal(0, 2.0, WEEKS) + rng.uniform(-4, 8)  # degC around the pack
        self.volt_offset = rng.normal(0, 0.0008, k) + rng.normal(0, 3e-5, k) * (self.cold - 20)[:, None]
        self.warm_offset = rng.normal(0, 0.3, k) + np.cumsum(rng.normal(0, 0.015, (WEEKS, k)), axis=0)
        self.cooling = (1 + rng.normal(0, 0.03, k)) * (1 + 0.05 * season + rng.normal(0, 0.04, WEEKS))[:, None]
        self.plated_v = np.zeros((WEEKS, k))
        if plan.fault == "weak_cell":
            self.capacity[:, bad[0]] *= 1 - size / 100 * np.minimum(since / 26, 1.5)
        elif plan.fault == "high_resistance":
            self.resistance[:, bad[0]] *= 1 + size * np.minimum(since / 20, 1.2)
        elif plan.fault == "imbalance":
            bad = [int(i) for i in rng.choice(k, 3, replace=False)]
            drift[:, bad] += (since > 0)[:, None] * size * np.array([-1.0, -0.7, 0.8])
        elif plan.fault == "self_discharge":
            drift[:, bad[0]] -= (since > 0) * 7 * size
        elif plan.fault == "plating_risk":
            bad = list(range(k))
            self.onset = next((w for w in range(plan.onset, WEEKS) if self.cold[w] < COLD_C - 2), WEEKS - 1)
            self.plated_v = size / 1000 * (since > 0)[:, None] * np.clip(rng.normal(1, 0.25, (WEEKS, k)), 0.3, None)
        elif plan.fault == "cooling":
            bad = [(plan.cell + i) % k for i in range(4)] if plan.seed % 2 else list(range(k))
            self.cooling[:, bad] *= (1 - size * np.minimum(since / 8, 1.0))[:, None]
        elif plan.fault == "sensor_temperature":
            self.warm_offset[:, bad[0]] += rng.choice([-1, 1]) * size * np.minimum(since / 12, 1.0)
        elif plan.fault == "sensor_voltage":
            self.volt_offset[:, bad[0]] += rng.choice([-1, 1]) * size / 1000 * np.minimum(since / 12, 1.0)
        self.faulty = tuple(sorted(i + 1 for i in bad)) if plan.fault else ()
        self.offset_percent = _balanced(drift, rng)


def _balanced(drift: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Charge offsets (percent, [weeks, k]): drift, pulled to the median by a balancer of limited strength."""
    offset = np.zeros_like(drift)
    now = rng.normal(0, 0.15, drift.shape[1])
    serviced = int(rng.integers(0, 3 * len(drift)))  # a third of the packs is balanced by hand once
    for week, step in enumerate(drift):
        if week == serviced:
            now = rng.normal(0, 0.1, len(now))
        apart = now - np.median(now)
        now = now + step - np.clip(0.5 * apart, -BALANCED_PERCENT_PER_WEEK, BALANCED_PERCENT_PER_WEEK)
        offset[week] = now
    return np.clip(offset, -15, 15)  # beyond that a pack is stopped


def _profiles(plan: PackPlan, rng: np.random.Generator, cells: _Cells) -> tuple[np.ndarray, np.ndarray]:
    """Times (s) and cell currents (A), [weeks, n]: rest, charge at one current, rest."""
    first = rng.uniform(0.08, 0.45, WEEKS)
    last = rng.uniform(0.86, 0.985, WEEKS)
    rate = rng.uniform(0.22, 0.42, WEEKS)
    cells.first_soc = first
    level = rate * plan.chemistry.nominal_ah
    took_s = (last - first) * np.median(cells.capacity, axis=1) / level * 3600
    begin = RESTS_S[-1] + 10.0
    charge = begin + np.linspace(0, 1, CHARGE_SAMPLES)[None, :] * took_s[:, None]
    t_s = np.hstack([np.broadcast_to(RESTS_S, (WEEKS, 3)), charge, charge[:, -1:] + RELAXATION_S])
    on = np.zeros(t_s.shape[1])
    on[3:3 + CHARGE_SAMPLES] = 1.0
    return t_s, on * level[:, None]


def _run(plan: PackPlan, rng, cells: _Cells, t_s: np.ndarray, current: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """True voltages and temperatures [weeks, n, k], all weeks side by side, exact exponential steps."""
    c = plan.chemistry
    grid, ocv = open_circuit(c)
    soc = 1 - (1 - cells.first_soc[:, None]) * np.median(cells.capacity, axis=1)[:, None] / cells.capacity
    soc = soc + cells.offset_percent / 100
    coolant = cells.cold[:, None] * 0.6 + 9
    warm = coolant + rng.normal(0, 1.5, WEEKS)[:, None] + rng.exponential(0.15, (WEEKS, plan.series))
    spread = [rng.normal(-0.004, 0.003, WEEKS)[:, None] * share / sum(TAU_SHARES) for share in TAU_SHARES]
    branch = [s + np.zeros_like(soc) for s in spread]  # left over from driving before
    volt, heat = np.empty((*t_s.shape, plan.series)), np.empty((*t_s.shape, plan.series))
    conductance = c.heat_j_per_k / 3000.0 * cells.cooling
    end_s = t_s[:, 2 + CHARGE_SAMPLES]
    for n in range(t_s.shape[1]):
        step = (t_s[:, n] - t_s[:, max(n - 1, 0)])[:, None]
        flow, moving = current[:, n:n + 1], current[:, max(n - 1, 0)][:, None]  # now, and since the last sample
        ohm = cells.resistance * np.exp(1800 * (1 / (warm + 273.15) - 1 / 298.15))
        soc = soc + moving * step / 3600 / cells.capacity
        for b, (tau, share) in enumerate(zip(TAU_S, TAU_SHARES, strict=True)):
            keep = np.exp(-step / tau)
            branch[b] = branch[b] * keep + moving * ohm * share * (1 - keep)
        power = moving**2 * ohm * (1 + sum(TAU_SHARES)) * 2.0  # the pack's busbars and tabs heat too
        keep = np.exp(-step * conductance / c.heat_j_per_k)
        target = coolant + power / conductance
        warm = target + (warm - target) * keep
        volt[:, n] = np.interp(soc, grid, ocv) + sum(branch) + flow * ohm + _stripping(cells, t_s[:, n] - end_s)
        heat[:, n] = warm
    return volt + cells.volt_offset[:, None], heat + cells.warm_offset[:, None]


def _stripping(cells: _Cells, since_s: np.ndarray) -> np.ndarray:
    """Mixed potential while plated lithium strips after a cold charge (V); ends after 8 to 25 minutes."""
    cold = np.clip((COLD_C - cells.cold) / 8, 0, 1)
    until_s = 500 + 1000 * cold
    part = 1 / (1 + np.exp((since_s - until_s) / (0.15 * until_s)))
    return cells.plated_v * (cold * part * (since_s > 0))[:, None]


def _logged(plan: PackPlan, rng, started: datetime, t_s, current, volt, warm) -> ChargeRecord:
    """What the monitor writes: 1 mV and 0.1 K steps, noise, a wrong current gain, lost samples."""
    keep = rng.random(len(t_s)) > (0.15 if rng.random() < 0.1 else 0.0)
    if rng.random() < 0.15:  # driven off soon after the charge
        keep[3 + CHARGE_SAMPLES + int(rng.integers(0, 20)):] = False
    volt = np.round(volt + rng.normal(0, 0.0007, volt.shape), 3)
    warm = np.round(warm + rng.normal(0, 0.08, warm.shape), 1)
    amp = np.round(current * plan.parallel * (1 + rng.normal(0, 0.003)), 2)
    return ChargeRecord(started, tuple(range(1, plan.series + 1)), t_s[keep], amp[keep], volt[keep], warm[keep])
