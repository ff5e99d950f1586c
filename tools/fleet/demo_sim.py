"""Simulate one pack of the demonstration fleet: months of use, charge records, the newest telemetry.

Voltages and self-heating come from the PyBaMM charge curves (`tools.fleet.curves`); cells differ in capacity,
resistance and state of charge; sensors have noise and a gain error. Health falls as `tools.life` forecasts it for the
pack's use, times a factor of its own.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np

from tools.cells import Cell, find_cell
from tools.fleet.curves import Curves, curves_of, scaled
from tools.fleet.demo_plan import FEATURED, NOW, Plan, month_names
from tools.fleet.records import ChargeRecord
from tools.published_ageing import AgeingModel, Use, ageing_model, anchor_to_datasheet

DEPTH = 0.7  # of a usual cycle
CELL_SOH_SIGMA, CELL_SOC_SIGMA, CELL_RESISTANCE_SIGMA = 0.35, 0.15, 0.03
PACK_HEATING = 2.0  # cells in a pack warm more than a single one in still air
VOLTAGE_NOISE_V, TEMPERATURE_NOISE_K, CURRENT_GAIN_SIGMA = 0.0007, 0.08, 0.003
LOWEST_SOH_PERCENT = 64.0
RECORD_DAYS_AGO = (185, 95, 4)


@dataclass(frozen=True)
class Cells:
    """What the cells of a pack truly are; each array [series]."""

    soh_offset: np.ndarray  # points against the pack's health
    soc_offset: np.ndarray  # points, balanced at the top
    resistance: np.ndarray  # factor
    temperature_offset: np.ndarray  # K


def health_after(plan: Plan, day: date) -> tuple[float, float]:
    """(SoH percent of a median cell, equivalent full cycles) on a day."""
    years = max((day - plan.commissioned).days, 0) / 365.25
    cycles = plan.design.cycles_per_week * plan.use * 52.18 * years
    plating = 0.5 * _fault_age(plan, day) if plan.fault == "plating_risk" else 0.0  # points a month since it began
    return max(100 - plan.wear * _loss_percent(plan, years, cycles) - plating, LOWEST_SOH_PERCENT), cycles


def _loss_percent(plan: Plan, years: float, cycles: float) -> float:
    """Loss of the published ageing model for this cell, anchored to its datasheet's cycle life."""
    cell = find_cell(plan.design.cell_id)
    model, factor = _ageing(cell)
    warm_c = 0.8 * plan.site.mean_c + 10  # depot and use warm it
    use = Use(cycles / DEPTH / max(years, 0.01), DEPTH, plan.design.record_c_rate, warm_c)
    return float(model.calendar(use, years) + factor * model.cycling(use, cycles))


@lru_cache(maxsize=16)
def _ageing(cell: Cell) -> tuple[AgeingModel, float]:
    model = ageing_model(cell)
    return model, anchor_to_datasheet(cell, model)[0]


def _fault_age(plan: Plan, day: date) -> float:
    """Months since the fault began, 0 before."""
    began = NOW.date() - timedelta(days=30 * plan.fault_months)
    return max((day - began).days / 30, 0.0) if plan.fault else 0.0


def draw_cells(plan: Plan, rng: np.random.Generator) -> Cells:
    k = plan.design.series
    soh, soc = rng.normal(0, CELL_SOH_SIGMA, k), rng.normal(0, CELL_SOC_SIGMA, k)
    resistance = 1 + rng.normal(0, CELL_RESISTANCE_SIGMA, k)
    temperature = 0.8 * np.sin(np.linspace(0, np.pi, k)) - 0.5 + rng.normal(0, 0.15, k)
    bad = plan.fault_cell - 1
    if plan.fault == "weak_cell":
        soh[bad] -= rng.uniform(9, 13)
    if plan.fault == "imbalance":
        soc[bad] -= rng.uniform(6, 9)
    if plan.fault == "high_resistance":
        resistance[bad] *= rng.uniform(1.8, 2.6)
    return Cells(soh, soc, resistance, temperature)


def pack_curves(plan: Plan) -> tuple[Cell, Curves]:
    """The catalogue cell and the curves it is simulated with (another cell's, scaled, where it has none)."""
    cell = find_cell(plan.design.cell_id)
    return cell, scaled(curves_of(find_cell(plan.design.curves_of)), cell.capacity_nominal_ah)


def battery_c(plan: Plan, month: int) -> float:
    """Temperature of a parked battery: depots keep some warmth."""
    return 0.8 * plan.site.ambient_c(month) + 8.0


def simulate_months(plan: Plan, rng: np.random.Generator, spread_mv: float) -> list[dict]:
    """Rows of the months table since commissioning; `spread_mv` is the newest spread."""
    rows = []
    growing = plan.fault in ("imbalance", "weak_cell")
    usual = min(spread_mv, 12.0) if growing else spread_mv
    for name in month_names():
        last_day = date(int(name[:4]), int(name[5:]), 28)
        if last_day <= plan.commissioned:
            continue
        soh, cycles = health_after(plan, last_day)
        before = health_after(plan, last_day - timedelta(days=30))[1]
        charge, end_soc = _charging(plan, rng, last_day), float(np.clip(rng.normal(88, 4), 60, 100))
        charges = max(int(round((cycles - before) / 0.65)), 1)
        hot = rng.normal(0, 0.8) + (11.0 if plan.fault == "cooling" and _fault_age(plan, last_day) > 0 else 0.0)
        grown = 1 - min(_months_to(last_day) / plan.fault_months, 1) if growing else 0.0
        rows.append({
            "month": name, "soh_percent": round(soh, 1), "cycles": round(cycles, 1),
            "temperature_mean_c": round(battery_c(plan, last_day.month) + rng.normal(0, 0.4), 1),
            "temperature_max_c": round(battery_c(plan, last_day.month) + 11 + 6 * charge[0] + hot, 1),
            "spread_mv": round(usual + (spread_mv - usual) * grown + rng.normal(0, 0.5), 1), "charges": charges,
            "charge_c_rate": round(charge[0], 2), "charge_temperature_min_c": round(charge[1], 1),
            "charge_end_soc_percent": round(end_soc, 1)})
    rows[-1]["spread_mv"] = round(spread_mv, 1)
    return rows


def _months_to(day: date) -> float:
    return (NOW.date() - day).days / 30


def _charging(plan: Plan, rng: np.random.Generator, day: date) -> tuple[float, float]:
    """(mean C-rate, coldest charge in degC): sound packs are warmed before a charge, plating ones were not."""
    coldest = battery_c(plan, day.month) - 7
    if plan.fault == "plating_risk" and _fault_age(plan, day) > 0:
        return float(rng.uniform(0.65, 0.85)), float(coldest + rng.uniform(-1, 1))
    return float(plan.design.record_c_rate * rng.uniform(0.9, 1.05)), float(max(coldest, 6.0) + rng.uniform(0, 2))


def simulate_record(plan: Plan, cells: Cells, rng: np.random.Generator, days_ago: int) -> ChargeRecord:
    """One charge with a minute's pause after ten minutes; of stationary storage a full one, else partial."""
    cell, curves = pack_curves(plan)
    day = NOW - timedelta(days=days_ago, hours=float(rng.uniform(1, 10)))
    start_c = float(np.clip(battery_c(plan, day.month) + rng.normal(0, 1), 6, 36))
    soh = np.maximum(health_after(plan, day.date())[0] + cells.soh_offset, curves.soh_percent[0] + 0.5)
    full, limit_v = plan.design.use == "stationary storage", cell.voltage_charge_cutoff_v
    from_soc, until_soc = (0.0, 100.0) if full else _charge_span(plan, rng)
    c_rate = plan.design.record_c_rate
    charge = _cell_charges(curves, soh, cells, from_soc, _age_share(plan, day.date()))
    charging_s = (until_soc - from_soc) / 100 * soh.mean() / 100 / c_rate * 3600
    t_s, current = _timeline(charging_s, c_rate * cell.capacity_nominal_ah)
    volt, rise = _voltages(curves, soh, charge, t_s, current, c_rate, start_c, cells.resistance)
    if full:
        t_s, current, volt, rise = _with_taper(t_s, current, volt, rise, curves, soh, charge, limit_v)
    keep = slice(0, max(int(np.argmax(volt.max(axis=1) > limit_v)) or len(t_s), 20))
    return _logged(plan, cells, rng, day, (t_s[keep], current[keep], volt[keep], rise[keep]), start_c)


def _charge_span(plan: Plan, rng: np.random.Generator) -> tuple[float, float]:
    """SoC percent from and to: mostly from low, now and then a top-up that shows no health."""
    deep = plan.fault == "weak_cell" or plan.pack_id == FEATURED or rng.random() < 0.5
    return float(rng.uniform(4, 12) if deep else rng.uniform(12, 55)), float(rng.uniform(86, 99))


def _age_share(plan: Plan, day: date) -> float:
    """How far a growing imbalance has come, 0 to 1."""
    return float(np.clip(1 - _months_to(day) / plan.fault_months, 0, 1)) if plan.fault == "imbalance" else 1.0


def _cell_charges(curves: Curves, soh: np.ndarray, cells: Cells, soc_percent: float, share: float) -> np.ndarray:
    """Charge in each cell (Ah) when the median cell stands at `soc_percent`; packs are balanced at the top."""
    capacity = np.interp(soh, curves.soh_percent, curves.capacity_ah)
    missing = (100 - soc_percent) / 100 * np.median(capacity)
    return np.maximum(capacity - missing + cells.soc_offset * share / 100 * capacity, 0.0)


def _timeline(charging_s: float, cell_a: float) -> tuple[np.ndarray, np.ndarray]:
    """Times (s) and cell currents (A): samples every 90 s, a pause of 60 s after 600 s."""
    pause = np.array([598.0, 608.0, 630.0, 658.0])
    t = np.union1d(np.append(np.arange(0, charging_s + 60, 90.0), charging_s + 60), np.append(pause, 668.0))
    return t, np.where((t > 600) & (t < 660), 0.0, cell_a)


def _voltages(curves: Curves, soh, charge, t_s, current, c_rate, start_c, resistance) -> tuple[np.ndarray, np.ndarray]:
    """True cell voltages [n, k] and self-heating [n]; the curve's own overpotential includes the mean resistance."""
    taken = np.concatenate([[0.0], np.cumsum((current[1:] + current[:-1]) / 2 * np.diff(t_s) / 3600)])
    volt = np.empty((len(t_s), len(soh)))
    ramp = 1 - 0.3 * np.exp(-t_s / 240)  # diffusion builds up in minutes
    level = current.max()
    for i, health in enumerate(soh):
        ah, v = curves.for_soh(health, c_rate, start_c)
        ohm = curves.resistance(health, start_c) / 1000
        drop = level * ohm * ((current / level) * (resistance[i] - (1 - ramp)) - 1)
        beyond = np.maximum(charge[i] + taken - ah[-1], 0) * (v[-1] - v[-2]) / (ah[-1] - ah[-2])
        volt[:, i] = np.interp(charge[i] + taken, ah, v) + beyond + drop
    middle = float(np.median(soh))
    ah, _ = curves.for_soh(middle, c_rate, start_c)
    warm = curves.self_heating(middle, c_rate, start_c)
    rise = np.interp(np.median(charge) + taken, ah, warm)
    return volt, np.maximum(rise, 0.0) * (1 - np.exp(-t_s / 1500))


def _with_taper(t_s, current, volt, rise, curves, soh, charge, limit_v):
    """End a full charge at the voltage limit with a decaying current that fills the median cell to 100 %."""
    at = int(np.argmax(volt.max(axis=1) >= curves.voltage_v.max())) or len(t_s) - 1
    level, capacity = current.max(), float(np.interp(np.median(soh), curves.soh_percent, curves.capacity_ah))
    done = float(np.median(charge) + np.sum((current[1:at + 1] + current[:at]) / 2 * np.diff(t_s[:at + 1])) / 3600)
    end_share = 0.1
    tau = max(capacity - done, 0.005 * capacity) * 3600 / level / (1 - end_share)
    tail = np.linspace(0, tau * np.log(1 / end_share), 14)[1:]
    held = np.repeat(np.minimum(volt[at:at + 1] + limit_v - volt[at].max(), limit_v), len(tail), axis=0)
    volt = np.vstack([np.clip(volt[:at + 1], 2.5, limit_v), held])
    return (np.append(t_s[:at + 1], t_s[at] + tail), np.append(current[:at + 1], level * np.exp(-tail / tau)), volt,
            np.append(rise[:at + 1], np.full(len(tail), rise[at])))


def _logged(plan: Plan, cells: Cells, rng, day, truth, start_c: float) -> ChargeRecord:
    """What the battery management system writes: pack current, noise, 1 mV and 0.1 K steps, faulty sensors."""
    t_s, current, volt, rise = truth
    n, k = volt.shape
    heating = PACK_HEATING * (3.0 if plan.fault == "cooling" else 1.0)
    warm = start_c + heating * rise[:, None] + cells.temperature_offset + rng.normal(0, TEMPERATURE_NOISE_K, (n, k))
    if plan.fault == "sensor_stuck":
        warm[:, plan.fault_cell - 1] = 21.4
    gain = 1 + rng.normal(0, CURRENT_GAIN_SIGMA)
    return ChargeRecord(day, tuple(range(1, k + 1)), t_s, np.round(current * plan.design.parallel * gain, 2),
                        np.round(volt + rng.normal(0, VOLTAGE_NOISE_V, (n, k)), 3), np.round(warm, 1))


def rest_voltages(plan: Plan, cells: Cells, soc_percent: float, temperature_c: float) -> tuple[np.ndarray, np.ndarray]:
    """Voltages and states of charge (percent) of the resting cells now, each [k]."""
    _, curves = pack_curves(plan)
    soh = np.maximum(health_after(plan, NOW.date())[0] + cells.soh_offset, curves.soh_percent[0])
    charge = _cell_charges(curves, soh, cells, soc_percent, 1.0)
    slowest = float(curves.c_rates[0])
    volt = np.empty(len(soh))
    for i, health in enumerate(soh):
        ah, v = curves.for_soh(health, slowest, temperature_c)
        ohm = curves.resistance(health, temperature_c) / 1000
        volt[i] = np.interp(charge[i], ah, v) - slowest * curves.nominal_ah * ohm
    return volt, 100 * charge / np.interp(soh, curves.soh_percent, curves.capacity_ah)
