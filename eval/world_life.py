"""The claim "the life rates say what PyBaMM's ageing DFN says": 500 cycles and 5 years of mixed use, drawn anew.

The DFN's side simulates some of the cycles, each on the cell as aged as it is by then, and strides between them (see
`eval.ageing_truth`, whose strides `eval.run ageing` checks against a life with every cycle simulated). Nothing of a
drawn life was trained on; the physics is PyBaMM's SEI and plating alone, without the published cycling wear that a
forecast adds.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rich.progress import track
from rich.table import Table

from eval.ageing_truth import STRIDE_PERCENT, charge_until, grown
from eval.report import header, people, print_header
from tools.ageing import (
    AgeingCell,
    LithiumLost,
    capacity_percent,
    film_growth_m,
    new_film_m,
    sei_growth_m2_per_s,
    sei_percent_of,
    worn,
)
from tools.parameters import KELVIN, OKANE2022, fresh_capacity_ah, parameter_values
from tools.world.life import HOURS_PER_YEAR, Cycle, LifeRates, life_rates

CYCLES, YEARS, QUARTER = 500, 5.0, 0.25
REST_S = 5400.0
TARGET_CYCLES, TARGET_YEARS, TARGET_MS = 0.5, 1.0, 50.0


def measure(seed: int, lives: int) -> dict[str, Any]:
    """Lives of 500 cycles, half as many of 5 mixed years, and how long ten years take."""
    rates = life_rates()
    if rates is None:
        raise ValueError("No life rates are shipped: python -m tools.world.life_generate, then life_train.")
    rng = np.random.default_rng([seed, 90210])
    todo = [("500 cycles", five_hundred(rng)) for _ in range(lives)]
    todo += [("5 years", mixed_years(rng)) for _ in range(max(1, lives // 2))]
    rows = [compared(kind, uses, rates) for kind, uses in track(todo, description="lives", console=people)]
    by_clock, of_processor = ten_years_ms(rates)
    return header() | {"seed": seed, "rows": rows, "weights": rates.about["version"],
                       "ten_years_ms": by_clock, "ten_years_processor_ms": of_processor, "forecast_ms": forecast_ms()}


def five_hundred(rng: np.random.Generator) -> list[tuple[float, Cycle]]:
    """500 like cycles: CC-CV at 0.1 to 1.5C, 20 to 100 % deep, 0 to 45 degC, as many a week as fit with rests."""
    cycle = draw_cycle(rng, rng.uniform(0, 45))
    return [(CYCLES / cycle.per_year, cycle)]


def mixed_years(rng: np.random.Generator) -> list[tuple[float, Cycle]]:
    """Twenty quarters: a year's temperatures around a mean, another use in each."""
    mean_c, swing_c = rng.uniform(8, 25), rng.uniform(3, 12)
    uses = []
    for quarter in range(round(YEARS / QUARTER)):
        cycle = draw_cycle(rng, float(np.clip(mean_c + swing_c * np.sin(quarter * np.pi / 2), -5, 45)), 1.0)
        uses.append((QUARTER, Cycle(**(vars(cycle) | {"per_year": float(rng.uniform(50, 400))}))))
    return uses


def draw_cycle(rng: np.random.Generator, temperature_c: float, fastest: float = 1.5) -> Cycle:
    depth = rng.uniform(0.2, 0.97)
    mean = rng.uniform(depth / 2 + 0.01, 0.98 - depth / 2)
    c_rate = float(np.exp(rng.uniform(np.log(0.1), np.log(fastest))))
    discharge = float(rng.uniform(0.2, 1.0))
    hours = 1.5 * depth / c_rate + depth / discharge + 2 * REST_S / 3600 + 1
    return Cycle(c_rate, mean - depth / 2, mean + depth / 2, temperature_c, HOURS_PER_YEAR / hours, discharge)


def lived_in_dfn(uses: Sequence[tuple[float, Cycle]]) -> tuple[LithiumLost, int]:
    """Lithium lost after these uses in the DFN, and how many cycles were simulated for it."""
    lost, simulated = LithiumLost(), 0
    for years, cycle in uses:
        left, last = years * cycle.per_year, None
        while left > 1e-9:
            by, busy_s = one_cycle(cycle, lost)
            simulated += 1
            stride = min(left, max(1.0, STRIDE_PERCENT / max(by.total_percent, 1e-9)))
            if last is None and by.plating_percent > 0 and left > 2:
                stride = min(stride, max(1.0, stride / 4))
            slope = (by.plating_percent - last[0]) / last[1] if last else 0.0
            last = (by.plating_percent, stride)
            plated = max(by.plating_percent + slope * stride / 2, 0.0)
            lost = grown(OKANE2022, lost, LithiumLost(by.sei_percent, plated), stride)
            rest_s = max(HOURS_PER_YEAR * 3600 / cycle.per_year - busy_s, 0.0) * stride
            lost = rested(lost, cycle.temperature_c, rest_s)
            left -= stride
    return lost, simulated


def one_cycle(cycle: Cycle, lost: LithiumLost) -> tuple[LithiumLost, float]:
    """What one cycle costs a cell that has lost this much, and its seconds with 90 min of rest after each half."""
    new_ah, max_v = fresh_capacity_ah(OKANE2022), parameter_values(OKANE2022)["Upper voltage cut-off [V]"]
    cell = AgeingCell(OKANE2022, cycle.temperature_c, cycle.low_soc, lost)
    charge_ah = (cycle.high_soc - cycle.low_soc) * cell.aged.capacity_ah
    charged_ah, seconds = charge_until(cell, cycle.charge_c_rate * new_ah, charge_ah, max_v)
    cell.hold(0.0, REST_S)
    discharge_s = 3600 * charged_ah / (cycle.discharge_c_rate * new_ah)
    cell.hold(-cycle.discharge_c_rate * new_ah, discharge_s)
    cell.hold(0.0, REST_S)
    return cell.lost, seconds + discharge_s + 2 * REST_S


def rested(lost: LithiumLost, temperature_c: float, seconds: float) -> LithiumLost:
    """After so long at rest: the SEI in closed form, exact for solvent-diffusion-limited growth."""
    film_m = new_film_m() + film_growth_m(OKANE2022, lost.sei_percent)
    film_m = np.sqrt(film_m**2 + 2 * sei_growth_m2_per_s(temperature_c + KELVIN) * seconds)
    return LithiumLost(float(sei_percent_of(OKANE2022, film_m - new_film_m())), lost.plating_percent)


def compared(kind: str, uses: Sequence[tuple[float, Cycle]], rates: LifeRates) -> dict[str, Any]:
    """One life by the DFN and by the rates: capacity in percent of new, resistance added in mOhm."""
    lost, simulated = lived_in_dfn(uses)
    life = rates.live(uses)
    said, is_ = float(life.capacity_percent[-1]), capacity_percent(OKANE2022, lost)
    first = uses[0][1]
    return {"kind": kind, "temperature_c": first.temperature_c, "charge_c_rate": first.charge_c_rate,
            "low_soc": first.low_soc, "high_soc": first.high_soc, "years": sum(y for y, _ in uses),
            "dfn_percent": is_, "rates_percent": said, "error_percent": said - is_,
            "dfn_sei_percent": lost.sei_percent, "rates_sei_percent": float(life.sei_percent[-1]),
            "dfn_plating_percent": lost.plating_percent, "rates_plating_percent": float(life.plating_percent[-1]),
            "spread_percent": float(life.plating_spread_percent[-1]),
            "dfn_mohm": 1000 * worn(OKANE2022, lost).added_resistance_ohm,
            "rates_mohm": 1000 * float(life.added_ohm[-1]), "simulated": simulated}


def ten_years_ms(rates: LifeRates, tries: int = 15) -> tuple[float, float]:
    """Median milliseconds for ten years of mixed use, a new one every quarter: by the clock, and of the processor."""
    uses = mixed_years(np.random.default_rng(1)) * 2
    spent = []
    for _ in range(tries):
        began, busy = time.perf_counter(), time.process_time()
        rates.live(uses)
        spent.append((1000 * (time.perf_counter() - began), 1000 * (time.process_time() - busy)))
    return tuple(float(v) for v in np.median(spent, axis=0))


def forecast_ms(tries: int = 7) -> float:
    """Median milliseconds of the whole tool, ten years of the LG M50."""
    from tools.arguments import ForecastLife
    from tools.contract import Context
    from tools.life import forecast_life

    spent = []
    with TemporaryDirectory() as home:
        for _ in range(tries):
            began = time.perf_counter()
            forecast_life(ForecastLife(cell_model="LG M50", years=10), Context(home=Path(home)))
            spent.append(1000 * (time.perf_counter() - began))
    return float(np.median(spent))


def print_report(report: Mapping[str, Any]) -> None:
    """Every life, the errors against their targets, and the times, for people, on stderr."""
    print_header(f"Life rates against PyBaMM's ageing DFN, LG M50 (seed {report['seed']}, {report['weights']})", report)
    table = Table("life", "degC", "C", "window", "DFN\n%", "rates\n%", "error\npoints", "SEI\nDFN / rates",
                  "plated\nDFN / rates", "+-", "mOhm\nDFN / rates", "cycles\nsimulated")
    for row in report["rows"]:
        mixed = row["kind"] != "500 cycles"
        table.add_row(row["kind"], *(("mixed",) * 3 if mixed else (
            f"{row['temperature_c']:.0f}", f"{row['charge_c_rate']:.2f}",
            f"{100 * row['low_soc']:.0f}-{100 * row['high_soc']:.0f}")),
            f"{row['dfn_percent']:.2f}", f"{row['rates_percent']:.2f}", f"{row['error_percent']:+.2f}",
            f"{row['dfn_sei_percent']:.2f} / {row['rates_sei_percent']:.2f}",
            f"{row['dfn_plating_percent']:.2f} / {row['rates_plating_percent']:.2f}", f"{row['spread_percent']:.2f}",
            f"{row['dfn_mohm']:.2f} / {row['rates_mohm']:.2f}", str(row["simulated"]))
    people.print(table)
    for kind, target in (("500 cycles", TARGET_CYCLES), ("5 years", TARGET_YEARS)):
        errors = np.abs([row["error_percent"] for row in report["rows"] if row["kind"] == kind])
        people.print(f"{kind}: mean error {errors.mean():.2f} points, largest {errors.max():.2f}; "
                     f"{int((errors <= target).sum())} of {len(errors)} within {target:g}")
    people.print(f"ten years in {report['ten_years_ms']:.1f} ms by the clock, "
                 f"{report['ten_years_processor_ms']:.1f} ms of the processor (target {TARGET_MS:g}); the whole tool "
                 f"in {report['forecast_ms']:.0f} ms")
