"""Train the estimator on measured cells: python -m tools.soh.train DATA, with DATA holding soh_cycles/*.parquet.

Rows are split by cell, never by row; every cell counts alike. Out-of-fold errors of cells that the fold's weights
have not seen set the interval; the shipped weights are then fitted on all cells. Some minutes on one core.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tools.errors import CannotAnswer
from tools.soh.model import (
    FAMILIES,
    INPUTS,
    LOWEST_SPREAD_PERCENT,
    TYPES,
    WEIGHTS_FILE,
    Family,
    Forest,
    family_of,
    inputs,
    save,
    type_names,
)

if TYPE_CHECKING:
    import pandas as pd

FOLDS, SEED = 10, 0
ROWS_PER_CELL = {"hust": 60, "mit": 50, "tju": 50, "xjtu": 80}
# Of the support-vector regression: gamma of the kernel, cost, width of the insensitive tube; the trees' share in the
# estimate. TJU's were chosen on another dealing of the cells over folds than the one that is reported.
SETTINGS = {"hust": (0.05, 10.0, 0.05, 0.5), "mit": (0.05, 10.0, 0.05, 0.5), "tju": (0.1, 30.0, 0.03, 0.2),
            "xjtu": (0.05, 10.0, 0.05, 0.5)}
TREES, LEAF, SPLIT_SHARE = 32, 2, 0.7
SPREAD_TREES, SPREAD_LEAF = 16, 120
COVERAGE = 0.9
TYPE_OF = {"HUST": TYPES[0], "MIT": TYPES[0], "TJU Dataset_1_NCA_battery": TYPES[1],
           "TJU Dataset_2_NCM_battery": TYPES[2], "TJU Dataset_3_NCM_NCA_battery": TYPES[3]}


def read_rows(data: Path) -> "pd.DataFrame":
    """Rows of all cells: features, `soh`, and `group`, `uid`, `type`, `family` and `fold` added."""
    import pandas as pd

    files = sorted(Path(data).glob("soh_cycles/*.parquet")) or sorted(Path(data).glob("*.parquet"))
    if not files:
        raise CannotAnswer(f"There is no soh_cycles/*.parquet under {data}.")
    try:
        rows = pd.concat([pd.read_parquet(f) for f in files], ignore_index=True)
        rows["group"] = np.where(rows.dataset.isin(["HUST", "MIT"]), rows.dataset, rows.dataset + " " + rows.batch)
        rows["uid"] = rows.dataset + "/" + rows.batch + "/" + rows.cell.astype(str)
        soh = rows.soh
    except (KeyError, AttributeError) as error:
        raise CannotAnswer(f"{files[0].name} is not a table of charges with health: {error} is missing.") from None
    kinds = [TYPE_OF.get(g, TYPES[4]) for g in rows.group]
    rows["type"] = [k.name for k in kinds]
    rows["family"] = rows.dataset.str.lower()
    rows["limit_v"] = [k.limit_v for k in kinds]
    rows["fold"] = rows.uid.map(_folds(rows))
    return rows[np.isfinite(soh) & np.isfinite(matrix(rows)).all(axis=1)].reset_index(drop=True)


def matrix(rows: "pd.DataFrame") -> np.ndarray:
    """Input matrix of the rows."""
    with np.errstate(all="ignore"):
        return inputs(rows, rows.nominal_ah.to_numpy(float), rows.limit_v.to_numpy(float))


def _folds(rows: "pd.DataFrame") -> dict[str, int]:
    """Each group's cells are dealt out over the folds in random order."""
    rng, folds, dealt = np.random.default_rng(SEED), {}, 0
    for _, cells in rows.groupby("group").uid:
        for uid in rng.permutation(np.sort(cells.unique())):
            folds[uid], dealt = dealt % FOLDS, dealt + 1
    return folds


def thinned(rows: "pd.DataFrame", per_cell: int | None = None) -> "pd.DataFrame":
    """So many rows of each cell, evenly over its life: neighbours say the same. Thinning twice changes nothing."""
    wanted = rows.family.map(ROWS_PER_CELL) if per_cell is None else per_cell
    count, size = rows.groupby("uid").cumcount(), rows.groupby("uid").soh.transform("size")
    share = wanted / np.maximum(size, wanted)
    return rows[np.floor(count * share) != np.floor((count - 1) * share)]


def fit(rows: "pd.DataFrame", family: str, seed: int = SEED) -> Family:
    """Weights for one family, its interval not yet set (spread constant, quantile 1)."""
    from sklearn.ensemble import ExtraTreesRegressor
    from sklearn.svm import SVR

    gate = fit_gate(rows, family)
    rows = thinned(rows[rows.family == family])
    x, y, names = matrix(rows), rows.soh.to_numpy(float), rows["type"].to_numpy()
    empty = Family(type_names(family), np.median(x, 0), x.std(0) + 1e-9, np.zeros((0, 0)), np.zeros(0), np.zeros(5),
                   constant_forest(1.0), constant_forest(1.0), 1.0, np.zeros(0), np.zeros(0), gate)
    design, deviation = empty.design(x, names), y.std()
    gamma, cost, insensitive, share = SETTINGS[family]
    machine = SVR(C=cost, gamma=gamma, epsilon=insensitive, cache_size=500).fit(design, (y - y.mean()) / deviation)
    trees = ExtraTreesRegressor(TREES, min_samples_leaf=LEAF, max_features=SPLIT_SHARE, random_state=seed)
    low, high = _range((x - empty.centre) / empty.scale, names, empty.names)
    return Family(empty.names, empty.centre, empty.scale, machine.support_vectors_, machine.dual_coef_[0],
                  np.array([gamma, machine.intercept_[0], y.mean(), deviation, share]),
                  flattened(trees.fit(design, y)), constant_forest(1.0), 1.0, low, high, gate)


def fit_gate(rows: "pd.DataFrame", family: str) -> np.ndarray:
    """Weights [d + 1] that tell this family's charges from the others' of the same type; zeros where there are none.

    The charge rate is left out: two test stands differ in their current's calibration, a third would in its own.
    """
    from sklearn.linear_model import LogisticRegression

    rows = thinned(rows[rows["type"].isin(type_names(family))])
    x, mine = matrix(rows), (rows.family == family).to_numpy()
    if mine.all():
        return np.zeros(x.shape[1] + 1)
    centre, scale = x.mean(0), x.std(0) + 1e-9
    standard = (x - centre) / scale
    standard[:, INPUTS.index("charge rate")] = 0
    fitted = LogisticRegression(max_iter=2000).fit(standard, mine)
    slopes = fitted.coef_[0] / scale
    return np.append(slopes, fitted.intercept_[0] - slopes @ centre)


def _range(x: np.ndarray, names: np.ndarray, types: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """0.1 % and 99.9 % of each input, by type; [types, d] each. NaN where a type has no rows."""
    limits = [np.quantile(x[names == t], (0.001, 0.999), axis=0) if (names == t).any()
              else np.full((2, x.shape[1]), np.nan) for t in types]
    return np.stack([q[0] for q in limits]), np.stack([q[1] for q in limits])


def flattened(forest) -> Forest:
    """A fitted scikit-learn forest as flat arrays."""
    feature, threshold, right, roots, offset = [], [], [], [], 0
    for tree in (e.tree_ for e in forest.estimators_):
        leaf = tree.children_left < 0  # scikit-learn numbers depth first: the left child follows its parent
        feature.append(np.where(leaf, -1, tree.feature))
        threshold.append(np.where(leaf, tree.value[:, 0, 0], tree.threshold))
        right.append(np.where(leaf, 0, tree.children_right + offset))
        roots.append(offset)
        offset += tree.node_count
    return Forest(np.concatenate(feature).astype(np.int8), np.concatenate(threshold).astype(np.float32),
                  np.concatenate(right).astype(np.int32), np.array(roots, np.int32))


def constant_forest(value: float) -> Forest:
    return Forest(np.array([-1], np.int8), np.array([value], np.float32), np.zeros(1, np.int32), np.zeros(1, np.int32))


def out_of_fold(rows: "pd.DataFrame", progress: Callable | None = None) -> np.ndarray:
    """Health in percent of every row, by weights that have not seen its cell."""
    health = np.full(len(rows), np.nan)
    for fold in progress(range(FOLDS)) if progress else range(FOLDS):
        held = (rows.fold == fold).to_numpy()
        weights = {family: fit(rows[~held], family, SEED + fold) for family in FAMILIES}
        health[held] = predicted(weights, rows[held])
    return health


def predicted(weights: dict[str, Family], rows: "pd.DataFrame", what: str = "health_percent") -> np.ndarray:
    """Health (or `what`) of every row, [n]; which family judges a charge is read off the charge."""
    x, names, values = matrix(rows), rows["type"].to_numpy(), np.full(len(rows), np.nan)
    for kind in TYPES:
        mine = np.flatnonzero(names == kind.name)
        families = family_of(weights, x[mine], kind) if len(mine) else np.array([])
        for name in np.unique(families):
            at, family = mine[families == name], weights[name]
            values[at] = getattr(family, what)(family.design(x[at], names[at]))
    return values


def with_interval(weights: Family, rows: "pd.DataFrame", error_percent: np.ndarray, seed: int = SEED) -> Family:
    """The same weights with a 90 % interval from errors on cells that were held back.

    Normalised conformal prediction: the trees of `spread` learn how large errors are where, the quantile of the
    ratio then holds the coverage. Rows are thinned, so that each cell counts alike.
    """
    from dataclasses import replace

    from sklearn.ensemble import ExtraTreesRegressor

    kept = thinned(rows.assign(error=np.abs(error_percent)))
    design, error = weights.design(matrix(kept), kept["type"].to_numpy()), kept.error.to_numpy()
    expected, folds = np.zeros(len(kept)), kept.fold.to_numpy() % 5
    for fold in range(5):  # what is expected of a cell is learnt from the others
        held = folds == fold
        trees = ExtraTreesRegressor(SPREAD_TREES, min_samples_leaf=SPREAD_LEAF, random_state=seed)
        expected[held] = flattened(trees.fit(design[~held], error[~held]))(design[held])
    ratio = error / np.maximum(expected, LOWEST_SPREAD_PERCENT)
    trees = ExtraTreesRegressor(SPREAD_TREES, min_samples_leaf=SPREAD_LEAF, random_state=seed).fit(design, error)
    return replace(weights, spread=flattened(trees), quantile=float(np.quantile(ratio, COVERAGE)))


def train(data: Path, path: Path = WEIGHTS_FILE, progress=None) -> dict[str, object]:
    """Fit and write the shipped weights; returns the card."""
    from datetime import UTC, datetime

    rows = read_rows(data)
    cells, all_rows, rows = rows.uid.nunique(), len(rows), thinned(rows)
    health = out_of_fold(rows, progress)
    families = {}
    for family in FAMILIES:
        mine = (rows.family == family).to_numpy()
        families[family] = with_interval(fit(rows, family), rows[mine], (health - 100 * rows.soh.to_numpy())[mine])
    error = np.abs(health / 100 / rows.soh - 1) * 100
    card = {"trained": datetime.now(UTC).date().isoformat(), "cells": int(cells), "rows": all_rows,
            "rows_fitted": len(rows), "inputs": INPUTS, "folds": FOLDS, "seed": SEED,
            "mape_percent": error.groupby(rows.group).mean().round(3).to_dict()}
    save(families, path, card)
    return card


def main() -> None:
    from tqdm import tqdm

    if len(sys.argv) != 2:
        sys.exit("usage: python -m tools.soh.train DATA")
    try:
        print(train(Path(sys.argv[1]), progress=lambda jobs: tqdm(jobs, desc="folds")))
    except CannotAnswer as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
