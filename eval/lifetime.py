"""Remaining life on measured cells: early prediction, and forecasts from the first third of a life.

Cells are split whole. Early: Severson, trained on its training cells, every choice made by cross-validation inside
them; RWTH, each cell left out in turn. Prospective: each cell is forecast from the other cells of its group; what can
be tuned is chosen on the other half of all cells. `unseen type` knows only the other data sets' lives.
"""

from pathlib import Path

import numpy as np
from rich.table import Table

from eval.lifetime_fit import fit_early, read_severson, shapes_from, typical
from eval.lives import Life, read_lives
from eval.report import header, people, print_header
from tools.remaining_life import GRID_STEP, Shapes, forecast
from tools.remaining_life_early import log_life

PUBLISHED_RMSE = {"variance (Severson 2019)": 138, "discharge (Severson 2019)": 91, "full (Severson 2019)": 118,
                  "ridge (BatteryML)": 116, "principal components (BatteryML)": 90, "CNN (BatteryML)": 102}
TRUSTS, BANDS = (0.1, 0.5, 2.0, 8.0, 30.0), (0.8, 0.9, 1.0, 1.1, 1.25, 1.4, 1.6, 1.8, 2.0, 2.5, 3.0)
SEEN, FUTURE_POINTS, GOAL, FEW_CELLS = 1 / 3, 20, 0.9, 15
UNSEEN_WIDTH = 0.35  # of the logarithm of life, where a data sheet is all that is known of a type


def measure(data: Path) -> dict:
    """All reports; ValueError where the directory holds none of the data."""
    return header() | {"severson": severson(data), "rwth": rwth(data), "prospective": prospective(read_lives(data))}


# -- early prediction


def severson(data: Path) -> dict:
    """RMSE, MAPE and coverage per split that is not trained on."""
    splits = read_severson(data)
    model = fit_early(*splits.pop("train"))
    report = {"published_rmse_dev": PUBLISHED_RMSE}
    for split, (curves, life) in splits.items():
        found, half = log_life(model, curves), model["half_width"][0]
        report[split] = {"cells": len(life), **_errors(10**found, life),
                         "coverage": round(float(np.mean(np.abs(found - np.log10(life)) <= half)), 3)}
    return report


def _errors(found: np.ndarray, true: np.ndarray) -> dict[str, float]:
    return {"rmse_cycles": round(float(np.sqrt(np.mean((found - true) ** 2))), 1),
            "mape_percent": round(100 * float(np.mean(np.abs(found - true) / true)), 2)}


def rwth(data: Path) -> dict:
    """Cycles to 80 % of the first capacity: from the check-up before cycling, and with the one after 160 cycles."""
    import pandas as pd

    life = pd.read_csv(data / "lifetime" / "rwth_lifetimes.csv").set_index("cell").eol80_of_first
    checks = pd.read_csv(data / "lifetime" / "rwth_rpt.csv")
    pulses = pd.read_parquet(data / "lifetime" / "rwth_pulses.parquet")
    capacity = checks.pivot_table(index="cell", columns="rpt_no", values="cap_dch_ah").reindex(life.index)
    ohm = pulses.groupby(["cell", "rpt_no", "duration_s"]).resistance_ohm.median().unstack([1, 2]).reindex(life.index)
    later = np.column_stack([ohm[number][seconds] for number in (0, 1) for seconds in ohm[number].columns])
    later = np.where(np.isfinite(later), later, np.nanmedian(later, axis=0))
    return {"cells": len(life), "population_mean_mape": _left_out(None, life.to_numpy(), np.mean),
            "population_median_mape": _left_out(None, life.to_numpy(), np.median),
            "within_100_cycles_mape": _left_out(capacity[[0]].to_numpy(), life.to_numpy(), _least_absolute),
            "after_160_cycles_mape": _left_out(later, life.to_numpy(), _ridge)}


def _left_out(features: np.ndarray | None, life: np.ndarray, how) -> float:
    """MAPE (percent) of each cell's life from the other cells."""
    errors = []
    for i in range(len(life)):
        rest = np.arange(len(life)) != i
        if features is None:
            found = how(life[rest])
        else:
            found = np.exp(how(features[rest], np.log(life[rest]), features[i:i + 1]))
        errors.append(abs(float(found) - life[i]) / life[i])
    return round(100 * float(np.mean(errors)), 2)


def _least_absolute(train: np.ndarray, target: np.ndarray, wanted: np.ndarray) -> float:
    """Median regression: it minimises the relative error itself, and one odd cell does not pull it."""
    from sklearn.linear_model import QuantileRegressor

    mean, scale = train.mean(axis=0), train.std(axis=0)
    model = QuantileRegressor(quantile=0.5, alpha=0.01).fit((train - mean) / scale, target)
    return model.predict((wanted - mean) / scale)[0]


def _ridge(train: np.ndarray, target: np.ndarray, wanted: np.ndarray) -> float:
    """Ridge regression; its strength by leave-one-out inside the training cells."""
    from sklearn.linear_model import RidgeCV

    mean, scale = train.mean(axis=0), train.std(axis=0)
    model = RidgeCV(np.logspace(-1, 3, 20)).fit((train - mean) / scale, target)
    return model.predict((wanted - mean) / scale)[0]


# -- from the first third of a life


class Case:
    """One life cut after its first third: what was seen, and the truth at FUTURE_POINTS later times."""

    def __init__(self, life: Life):
        seen = life.cycles <= SEEN * life.cycles[-1]
        self.clock, self.loss = life.cycles[seen], life.loss[seen]
        self.future = np.linspace(self.clock[-1], life.cycles[-1], FUTURE_POINTS + 1)[1:]
        self.true = np.interp(self.future, life.cycles, life.loss)

    def slope(self) -> np.ndarray:
        """Baseline: the slope of the second half of what was seen goes on."""
        last = max(3, len(self.clock) // 2)
        rate = np.polyfit(self.clock[-last:], self.loss[-last:], 1)[0]
        return self.loss[-1] + rate * (self.future - self.clock[-1])

    def mean(self, shapes: Shapes) -> np.ndarray:
        """Baseline: the mean of the other lives at the same cycle, whatever this cell did."""
        grid = np.arange(shapes.loss.shape[1]) * GRID_STEP
        return np.mean([np.interp(self.future / np.exp(at), grid, loss)
                        for loss, at in zip(shapes.loss, shapes.log_clock, strict=True)], axis=0)


def prospective(lives: list[Life]) -> dict:
    """Mean absolute error (points of capacity) and coverage per group, beside the baselines."""
    lives = [x for x in lives if (x.cycles <= SEEN * x.cycles[-1]).sum() >= 2]
    cases, own = [Case(x) for x in lives], _others(lives)
    other = {source: typical([x for x in lives if x.source != source]) for source in {x.source for x in lives}}
    known = {trust: [_forecast(c, s, trust) for c, s in zip(cases, own, strict=True)] for trust in TRUSTS}
    unseen = {trust: [_unseen(c, other[x.source], s, trust) for x, c, s in zip(lives, cases, own, strict=True)]
              for trust in TRUSTS}
    rows = [{"group": x.group, "slope": _mae(c.slope(), c.true), "mean": _mae(c.mean(s), c.true)}
            for x, c, s in zip(lives, cases, own, strict=True)]
    few = [len(s.weight) < FEW_CELLS for s in own]
    chosen = {"forecast": _tuned(known, cases, few), "unseen": _tuned(unseen, cases, [False] * len(cases))}
    for name, found in chosen.items():
        for row, case, (f, _, _) in zip(rows, cases, found, strict=True):
            inside = (f[0] <= case.true) & (case.true <= f[2])
            row |= {name: _mae(f[1], case.true), f"{name}_inside": float(np.mean(inside))}
    groups = {g: _mean_of([r for r in rows if r["group"] == g]) for g in dict.fromkeys(x.group for x in lives)}
    return {"groups": groups, "all_cells": _mean_of(rows), "mean_over_groups": _mean_of(list(groups.values())),
            "chosen": {name: sorted({(trust, band) for _, trust, band in found}) for name, found in chosen.items()}}


def _others(lives: list[Life]) -> list[Shapes]:
    """For each life the shapes of the other cells of its group."""
    groups = {g: [x for x in lives if x.group == g] for g in {x.group for x in lives}}
    shapes = {g: shapes_from(members) for g, members in groups.items()}
    return [shapes[x.group].without(next(i for i, y in enumerate(groups[x.group]) if y is x)) for x in lives]


def _forecast(case: Case, shapes: Shapes, trust: float) -> np.ndarray:
    found = forecast(case.clock, case.loss, case.future, shapes, trust)
    return np.stack([found.low, found.loss, found.high])


def _unseen(case: Case, other: Shapes, own: Shapes, trust: float) -> np.ndarray:
    """Typical shapes of other data sets and powers of time; of its own type the usual life, as a data sheet says."""
    usual = float(np.median(own.log_clock))
    shapes = Shapes(other.loss, np.full(len(other.weight), usual), other.weight).with_powers(usual)
    found = forecast(case.clock, case.loss, case.future, shapes, trust, UNSEEN_WIDTH)
    return np.stack([found.low, found.loss, found.high])


def _tuned(found: dict[float, list[np.ndarray]], cases: list[Case],
           few: list[bool]) -> list[tuple[np.ndarray, float, float]]:
    """(low, middle, high), trust and band per case, chosen on the other half of the cases.

    Groups of `few` cells get a band of their own: a small library knows less of what may happen.
    """
    chosen = {(half, small): _choice(found, cases, range(1 - half, len(cases), 2),
                                     [i for i in range(1 - half, len(cases), 2) if few[i] == small])
              for half in (0, 1) for small in set(few)}
    result = []
    for i in range(len(cases)):
        trust, band = chosen[i % 2, few[i]]
        low, middle, high = found[trust][i]
        widened = np.stack([middle - band * (middle - low), middle, middle + band * (high - middle)])
        result.append((widened, trust, band))
    return result


def _choice(found: dict[float, list[np.ndarray]], cases: list[Case], those: range,
            banded: list[int]) -> tuple[float, float]:
    """Trust with the least error over `those` cases and the narrowest band that covers GOAL over the `banded`."""
    trust = min(found, key=lambda t: np.mean([_mae(found[t][i][1], cases[i].true) for i in those]))

    def covered(band: float) -> float:
        inside = []
        for i in banded:
            low, middle, high = found[trust][i]
            inside.append(np.mean((cases[i].true >= middle - band * (middle - low))
                                  & (cases[i].true <= middle + band * (high - middle))))
        return float(np.mean(inside))

    return trust, next((band for band in BANDS if covered(band) >= GOAL), BANDS[-1])


def _mae(found: np.ndarray, true: np.ndarray) -> float:
    """Points of capacity."""
    return 100 * float(np.abs(found - true).mean())


def _mean_of(rows: list[dict]) -> dict:
    names = [n for n in rows[0] if n not in ("group", "cells")]
    means = {n: round(float(np.mean([r[n] for r in rows])), 3) for n in names}
    return {"cells": sum(r.get("cells", 1) for r in rows)} | means


# -- for people


def print_report(report: dict) -> None:
    print_header("Remaining life of measured cells", report)
    for split, found in report["severson"].items():
        people.print(f"Severson {split}: {found}")
    people.print(f"RWTH: {report['rwth']}")
    table = Table("group", "cells", "ours, points", "inside 90 % band", "last slope", "population mean", "unseen type",
                  "inside")
    rows = report["prospective"]
    shown = rows["groups"] | {"all cells": rows["all_cells"], "mean over groups": rows["mean_over_groups"]}
    for name, r in shown.items():
        table.add_row(name, str(r["cells"]), f"{r['forecast']:.2f}", f"{r['forecast_inside']:.0%}", f"{r['slope']:.2f}",
                      f"{r['mean']:.2f}", f"{r['unseen']:.2f}", f"{r['unseen_inside']:.0%}")
    people.print(table)
