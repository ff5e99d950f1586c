"""Train what `tools.remaining_life` ships: `python -m eval.lifetime_fit --data DIR` (a minute).

Writes tools/data/remaining_life.safetensors: the early predictor, trained on all Severson cells of the directory with
the choices made inside its training cells; and typical shapes of lives, cluster means over all measured lives.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from eval.lives import Life, read_lives
from tools.remaining_life import Shapes, shape_of
from tools.remaining_life_early import MODEL_FILE, log_change, log_life, summary_features

COMPONENTS, FOLDS, SEED = 3, 8, 0
CLUSTERS, MOST_LOSS = 12, 0.6
FAMILIES = {"LFP": ("hust", "mit"), "other": ("xjtu", "tju", "rwth")}


def read_severson(data: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """{split: (discharge curves [n, 99, 1000] in Ah, cycle life [n])}; ValueError where the files are not there."""
    import pandas as pd

    curves, cells = data / "lifetime" / "severson_qdlin.npz", data / "lifetime" / "severson_cells.csv"
    if not (curves.exists() and cells.exists()):
        raise ValueError(f"{data} holds no lifetime/severson_qdlin.npz with severson_cells.csv.")
    table = pd.read_csv(cells).sort_values("idx")
    with np.load(curves) as arrays:
        return {split: (arrays[split].astype(float), table[table.split == split].cycle_life.to_numpy(float))
                for split in arrays.files if (table.split == split).sum() == len(arrays[split])}


def fit_early(curves: np.ndarray, life: np.ndarray, calibrate: bool = True) -> dict[str, np.ndarray]:
    """Arrays of `predict_cycle_life`; the interval is the 90 % quantile of cross-validated errors (split by cell)."""
    target = np.log10(life)
    model = {f"{name}/{key}": value for name in ("single", "median")
             for key, value in _fit_process(log_change(curves, name), target).items()}
    model |= {f"linear/{key}": value for key, value in _fit_linear(summary_features(curves), target).items()}
    half = _half_width(curves, life) if calibrate else 0.0
    return {key: np.ascontiguousarray(value, np.float64) for key, value in (model | {"half_width": [half]}).items()}


def _fit_process(features: np.ndarray, target: np.ndarray) -> dict[str, np.ndarray]:
    from sklearn.decomposition import PCA
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

    pca = PCA(COMPONENTS).fit(features)
    scale = pca.transform(features).std(axis=0)
    points = pca.transform(features) / scale
    kernel = ConstantKernel(1.0) * RBF(3.0, (0.5, 50.0)) + WhiteKernel(0.1)
    process = GaussianProcessRegressor(kernel, normalize_y=True).fit(points, target)
    smooth = process.kernel_.k1
    return {"mean": pca.mean_, "components": pca.components_, "scale": scale, "points": points, "alpha": process.alpha_,
            "kernel": np.array([smooth.k1.constant_value, smooth.k2.length_scale, target.mean(), target.std()])}


def _fit_linear(features: np.ndarray, target: np.ndarray) -> dict[str, np.ndarray]:
    from sklearn.linear_model import ElasticNetCV

    mean, scale = features.mean(axis=0), features.std(axis=0)
    net = ElasticNetCV(l1_ratio=[0.1, 0.5, 0.9, 1.0], cv=5, max_iter=20000).fit((features - mean) / scale, target)
    return {"mean": mean, "scale": scale, "weight": net.coef_, "bias": np.array([net.intercept_])}


def _half_width(curves: np.ndarray, life: np.ndarray) -> float:
    from sklearn.model_selection import KFold

    errors = []
    for train, held in KFold(FOLDS, shuffle=True, random_state=SEED).split(curves):
        part = fit_early(curves[train], life[train], calibrate=False)
        errors += list(np.abs(log_life(part, curves[held]) - np.log10(life[held])))
    return float(np.quantile(errors, min(0.9 * (1 + 1 / len(errors)), 1.0)))


def fit_shapes(lives: list[Life]) -> dict[str, np.ndarray]:
    """Typical lives of each chemistry family, as arrays."""
    arrays = {}
    for family, sources in FAMILIES.items():
        shapes = typical([x for x in lives if x.source in sources])
        arrays |= {f"shapes/{family}/loss": shapes.loss, f"shapes/{family}/weight": shapes.weight}
    return arrays


def typical(lives: list[Life]) -> Shapes:
    """Cluster means of lives, weighted by the share of lives in each, all on a clock of 1."""
    from sklearn.cluster import KMeans

    loss = np.stack([np.minimum(shape_of(x.cycles, x.loss)[0], MOST_LOSS) for x in lives])
    clusters = KMeans(CLUSTERS, n_init=10, random_state=SEED).fit(loss)
    weight = np.bincount(clusters.labels_, minlength=CLUSTERS) / len(loss)
    return Shapes(clusters.cluster_centers_, np.zeros(CLUSTERS), weight)


def shapes_from(lives: list[Life]) -> Shapes:
    """Each life as a shape of its own."""
    pairs = [shape_of(x.cycles, x.loss) for x in lives]
    return Shapes(np.stack([loss for loss, _ in pairs]), np.log([at for _, at in pairs]), np.ones(len(pairs)))


def main(data: Annotated[Path, typer.Option(help="Directory with lifetime/ and soh_cycles/.", exists=True)]) -> None:
    """Fit on everything in the directory and write the shipped file."""
    import os

    from safetensors.numpy import save_file

    splits = read_severson(data)
    curves, life = (np.concatenate(part) for part in zip(*splits.values(), strict=True))
    arrays = fit_early(curves, life) | fit_shapes(read_lives(data)) | fit_resistance(data)
    half = MODEL_FILE.with_suffix(".tmp")
    save_file({key: np.ascontiguousarray(value, np.float32) for key, value in arrays.items()}, half)
    os.replace(half, MODEL_FILE)


def fit_resistance(data: Path) -> dict[str, np.ndarray]:
    """Rise of the 10 s resistance per lost capacity (share per share) down to 80 %: 5, 50 and 95 % over the cells."""
    import pandas as pd

    pulses = pd.read_parquet(data / "lifetime" / "rwth_pulses.parquet")
    pulses = pulses[(pulses.duration_s > 9) & (pulses.current_a.abs() > 1.5)]
    ohm = pulses.groupby(["cell", "rpt_no"]).resistance_ohm.median()
    checks = pd.read_csv(data / "lifetime" / "rwth_rpt.csv").set_index(["cell", "rpt_no"]).cap_dch_ah
    rise = []
    for cell in ohm.index.get_level_values(0).unique():
        r, c = ohm[cell], checks[cell].reindex(ohm[cell].index)
        lost = 1 - c / c.iloc[0]
        used = (lost > 0.03) & (lost < 0.22)
        if used.sum() >= 3:
            rise.append(float(np.median((r[used] / r.iloc[0] - 1) / lost[used])))
    return {"resistance_per_loss": np.quantile(rise, [0.05, 0.5, 0.95])}


if __name__ == "__main__":
    typer.run(main)
