"""State of health on measured cells, split by cell: the estimator beside boosting, ridge and what is published."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.progress import track
from rich.table import Table

from eval import soh_raw
from eval.report import header, people, print_header
from tools.soh.model import FAMILIES, WEIGHTS_FILE, load
from tools.soh.train import FOLDS, SEED, fit, matrix, predicted, read_rows, thinned, with_interval

if TYPE_CHECKING:
    import pandas as pd

ROWS_PER_CELL = 120  # judged of each cell, evenly over its life, so that each cell counts alike
# MAPE of PINN4SOH on held-back cells, percent: Wang et al., Nature Communications 15, 4332 (2024). Its loader scales
# the features of each cell over the cell's whole life, test cells included, and counts its cycles; ours does neither.
PUBLISHED = {"XJTU 2C": 0.70, "XJTU 3C": 1.13, "XJTU R2.5": 0.86, "XJTU R3": 0.71, "XJTU RW": 1.05,
             "XJTU Sim_satellite": 0.63, "TJU Dataset_1_NCA_battery": 1.64, "TJU Dataset_2_NCM_battery": 1.19,
             "TJU Dataset_3_NCM_NCA_battery": 0.80, "MIT": 0.65, "HUST": 0.78}
RAW = ("v_mean", "v_std", "v_kurt", "v_skew", "v_slope", "v_entropy", "cc_q_ah", "cc_time_s", "i_mean", "i_std",
       "i_kurt", "i_skew", "i_slope", "i_entropy", "cv_q_ah", "cv_time_s")
TARGETS = {"mape_percent": 0.87, "groups_below_published": 8, "coverage": (0.88, 0.92), "transfer_percent": 2.5}


def measure(data: Path, shipped: bool = False) -> dict[str, Any]:
    """Cross-validated over the cells under `data`; with `shipped` the shipped weights judge them instead."""
    every = read_rows(data)
    rows = thinned(every.assign(charges=every.groupby("uid").soh.transform("size")), ROWS_PER_CELL)
    report = header() | {"cells": int(rows.uid.nunique()), "rows": len(rows), "folds": FOLDS, "targets": TARGETS}
    if shipped:
        report |= {"warning": "shipped weights: of the 275 cells that they were trained on these figures say nothing"}
        found = {"estimator": predicted(load(WEIGHTS_FILE), rows)}
        half = predicted(load(WEIGHTS_FILE), rows, "half_width_percent")
    else:
        found, half = _cross_validated(rows)
        report |= {"transfer": _transfer(rows), "raw": soh_raw.measure(data)}
    return report | _figures(rows, found, half)


def _cross_validated(rows: "pd.DataFrame") -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Health of every row by each method, fitted without its cell; the estimator's half interval."""
    found = {name: np.full(len(rows), np.nan) for name in ("estimator", "boosting", "ridge")}
    weights = []
    for fold in track(range(FOLDS), description="cross-validation", console=people):
        held = (rows.fold == fold).to_numpy()
        weights.append({family: fit(rows[~held], family, SEED + fold) for family in FAMILIES})
        found["estimator"][held] = predicted(weights[-1], rows[held])
        for name in ("boosting", "ridge"):
            found[name][held] = baseline(name, thinned(rows[~held]), rows[held])
    return found, _intervals(rows, found["estimator"], weights)


def _intervals(rows: "pd.DataFrame", health: np.ndarray, weights: list) -> np.ndarray:
    """Half intervals of every row, set by the errors on the cells of the other folds."""
    half, error = np.full(len(rows), np.nan), health - 100 * rows.soh.to_numpy()
    for fold in track(range(FOLDS), description="intervals", console=people):
        held = (rows.fold == fold).to_numpy()
        calibrated = {name: with_interval(family, rows[mine := (~held & (rows.family == name).to_numpy())], error[mine])
                      for name, family in weights[fold].items()}
        half[held] = predicted(calibrated, rows[held], "half_width_percent")
    return half


def baseline(name: str, known: "pd.DataFrame", asked: "pd.DataFrame") -> np.ndarray:
    """Health in percent by one untuned method per data set, on the sixteen published features as they are."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    health = np.full(len(asked), np.nan)
    for family in known.family.unique():
        train, test = known[known.family == family], (asked.family == family).to_numpy()
        if not test.any():
            continue
        x, queried = (_finite(frame) for frame in (train, asked[test]))
        model = (HistGradientBoostingRegressor(random_state=SEED) if name == "boosting"
                 else make_pipeline(StandardScaler(), Ridge()))
        health[test] = 100 * model.fit(x, train.soh).predict(queried)
    return health


def _finite(rows: "pd.DataFrame") -> np.ndarray:
    """The published features; 151 rows have an infinite voltage entropy, which counts as missing (as the median)."""
    x = rows[list(RAW)].to_numpy(float)
    x[~np.isfinite(x)] = np.nan
    return np.where(np.isnan(x), np.nanmedian(x, axis=0), x)


def _transfer(rows: "pd.DataFrame") -> dict[str, dict[str, float]]:
    """MAPE on a data set none of whose cells were trained on: what an estimate for unknown cells would be worth.

    Boosting on the inputs scaled by nominal capacity; beside it the mean health of the training cells.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor

    few, out = thinned(rows), {}
    pairs = [("TJU -> XJTU", few.dataset == "TJU", few.dataset == "XJTU")]
    pairs += [(f"others -> {name}", few.dataset != name, few.dataset == name) for name in sorted(few.dataset.unique())]
    for name, known, asked in track(pairs, description="transfer", console=people):
        truth = few.soh[asked].to_numpy()
        model = HistGradientBoostingRegressor(random_state=SEED).fit(matrix(few[known]), few.soh[known])
        guess = model.predict(matrix(few[asked]))
        out[name] = {"boosting": round(float(100 * np.abs(guess / truth - 1).mean()), 2),
                     "mean": round(float(100 * np.abs(few.soh[known].mean() / truth - 1).mean()), 2)}
    return out


def _figures(rows: "pd.DataFrame", found: dict[str, np.ndarray], half: np.ndarray) -> dict[str, Any]:
    truth = 100 * rows.soh.to_numpy()
    inside = np.abs(found["estimator"] - truth) <= half
    groups = {}
    for name, at in rows.reset_index(drop=True).groupby("group").indices.items():
        groups[name] = {"cells": int(rows.uid.iloc[at].nunique()), "published_mape": PUBLISHED.get(name)}
        for method, health in found.items():
            error = health[at] - truth[at]
            groups[name] |= {f"{method}_mape": round(float(100 * np.abs(error / truth[at]).mean()), 3),
                             f"{method}_rmse": round(float(np.sqrt((error**2).mean())), 3)}
        groups[name] |= {"coverage": round(float(inside[at].mean()), 3),
                         "half_width": round(float(np.median(half[at])), 2)}
    error = 100 * np.abs(found["estimator"] / truth - 1)
    charges = rows.charges / rows.groupby("uid").soh.transform("size")  # that each judged row stands for
    return {"groups": groups, "mape_over_cells": round(float(error.mean()), 3),
            "mape_over_groups": round(float(np.mean([g["estimator_mape"] for g in groups.values()])), 3),
            "mape_over_charges": round(float(np.average(error, weights=charges)), 3),
            "coverage": round(float(inside.mean()), 3),
            "groups_below_published": sum(g["estimator_mape"] < (g["published_mape"] or 0) for g in groups.values())}


def print_report(report: dict[str, Any]) -> None:
    """A table a group, then the totals and the targets."""
    print_header("State of health, measured cells", report)
    if "warning" in report:
        people.print(f"[yellow]{report['warning']}[/yellow]")
    table = Table("group", "cells", "estimator MAPE %", "RMSE", "boosting", "ridge", "PINN4SOH", "90 % interval holds",
                  "+/- median")
    for name, g in report["groups"].items():
        table.add_row(name, str(g["cells"]), *(f"{g[k]:.2f}" if k in g else "" for k in (
            "estimator_mape", "estimator_rmse", "boosting_mape", "ridge_mape")), f"{g['published_mape'] or 0:.2f}",
            f"{100 * g['coverage']:.0f} %", f"{g['half_width']:.1f}")
    people.print(table)
    people.print(f"MAPE {report['mape_over_cells']:.2f} % over cells, {report['mape_over_groups']:.2f} % over groups, "
                 f"{report['mape_over_charges']:.2f} % over charges (target {TARGETS['mape_percent']}); "
                 f"below PINN4SOH in {report['groups_below_published']} of "
                 f"{len(report['groups'])} (target {TARGETS['groups_below_published']}); 90 % intervals hold "
                 f"{100 * report['coverage']:.1f} % (target 88 to 92)")
    for name, figures in report.get("transfer", {}).items():
        people.print(f"{name}: {figures['boosting']:.1f} % (mean of the training cells {figures['mean']:.1f} %)")
    if raw := report.get("raw"):
        nasa, calce = raw["nasa"], raw["calce"]
        people.print(f"raw charges that show the features: NASA {nasa['with_features']} of {nasa['charges']}, CALCE "
                     f"{calce['with_features']} of {calce['charges']}; capacity counted over "
                     f"{calce['compared']} full charges: {calce['counted_mape_percent']} % from the next discharge")
