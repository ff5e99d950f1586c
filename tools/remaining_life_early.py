"""Cycle life of LFP/graphite 18650 cells under fast charging, from their discharge curves of the first 100 cycles.

The idea of Severson et al., Nature Energy 4, 383 (2019): how the discharge curve moves between cycle 10 and 100 tells
the life long before capacity falls. Three regressors of the logarithm of life are averaged: Gaussian processes on
principal components of that change on a logarithmic scale (of single cycles, and of medians over several), and a
linear model of summary features. `eval.lifetime_fit` trains it; data/remaining_life.md is its card.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from tools.errors import BadArgument

MODEL_FILE = Path(__file__).parent / "data" / "remaining_life.safetensors"
CYCLES, VOLTAGES = np.arange(2, 101), np.linspace(3.6, 2.0, 1000)
SMOOTH, EVERY, LEAST_AH = 20, 10, 1e-3
MAX_Z = 5.0  # principal components further from the training cells than so many standard deviations are refused


@dataclass(frozen=True)
class EarlyLife:
    """Cycles to 80 % of nominal capacity with a 90 % interval; or why the curves do not show it."""

    valid: bool
    reason: str = ""
    cycles: float = float("nan")
    low_cycles: float = float("nan")
    high_cycles: float = float("nan")


def predict_cycle_life(discharge_ah: np.ndarray, arrays: dict[str, np.ndarray] | None = None) -> EarlyLife:
    """Life from discharge capacity [99, 1000] (Ah; cycles 2 to 100 by voltage 3.6 to 2.0 V, evenly).

    `arrays` replaces the shipped model. Raises BadArgument for another shape or values that are no numbers.
    """
    curves = np.asarray(discharge_ah, float)
    if curves.shape != (len(CYCLES), len(VOLTAGES)):
        raise BadArgument("discharge_ah", f"discharge_ah has the shape {curves.shape}; 99 cycles (2 to 100) by 1000 "
                                          "voltages (3.6 to 2.0 V) are needed.")
    if not np.isfinite(curves).all():
        raise BadArgument("discharge_ah", "discharge_ah holds values that are no numbers.")
    model, curves = arrays or _shipped(), curves[None]
    scores = {name: curve_scores(model, name, curves) for name in ("single", "median")}
    apart = max(float(np.abs(z).max()) for z in scores.values())
    if apart > MAX_Z:
        return EarlyLife(False, f"the discharge curves change unlike those of the training cells ({apart:.0f} standard "
                                f"deviations, at most {MAX_Z:g}); this model holds for LFP 18650 cells")
    middle, half = float(log_life(model, curves, scores)[0]), float(model["half_width"][0])
    return EarlyLife(True, "", 10**middle, 10 ** (middle - half), 10 ** (middle + half))


def log_life(model: dict[str, np.ndarray], curves: np.ndarray,
             scores: dict[str, np.ndarray] | None = None) -> np.ndarray:
    """Logarithm (base 10) of the cycle life of cells [n], the mean of the three regressors."""
    scores = scores or {name: curve_scores(model, name, curves) for name in ("single", "median")}
    members = [_gaussian_process(model, name, z) for name, z in scores.items()]
    features = (summary_features(curves) - model["linear/mean"]) / model["linear/scale"]
    return np.mean([*members, features @ model["linear/weight"] + model["linear/bias"]], axis=0)


def change(curves: np.ndarray, name: str) -> np.ndarray:
    """Discharge curve late minus early, [n, 1000]: of cycles 100 and 10, or medians of 94 to 100 and 9 to 13."""
    if name == "single":
        return curves[:, 98] - curves[:, 8]
    return np.median(curves[:, 92:99], axis=1) - np.median(curves[:, 7:12], axis=1)


def log_change(curves: np.ndarray, name: str) -> np.ndarray:
    """Logarithm of the smoothed fall of the curve at every tenth voltage, [n, v]."""
    total = np.cumsum(np.pad(change(curves, name), ((0, 0), (1, 0))), axis=1)
    fall = -(total[:, SMOOTH:] - total[:, :-SMOOTH]) / SMOOTH
    return np.log10(np.clip(fall, 0, None) + LEAST_AH)[:, ::EVERY]


def curve_scores(model: dict[str, np.ndarray], name: str, curves: np.ndarray) -> np.ndarray:
    """Principal components of the change in training standard deviations, [n, p]."""
    apart = log_change(curves, name) - model[f"{name}/mean"]
    return apart @ model[f"{name}/components"].T / model[f"{name}/scale"]


def summary_features(curves: np.ndarray) -> np.ndarray:
    """Variance, minimum, skewness and kurtosis of the change (logarithms), first capacity and its rise, [n, 6]."""
    from scipy.stats import kurtosis, skew

    moved, capacity = change(curves, "single"), curves[:, :, -1]
    return np.stack([np.log10(moved.var(axis=1)), np.log10(np.abs(moved.min(axis=1))),
                     np.log10(np.abs(skew(moved, axis=1))), np.log10(np.abs(kurtosis(moved, axis=1) + 3)),
                     capacity[:, 0], capacity.max(axis=1) - capacity[:, 0]], axis=1)


def _gaussian_process(model: dict[str, np.ndarray], name: str, z: np.ndarray) -> np.ndarray:
    """Mean of a Gaussian process with a squared-exponential kernel, logarithm of cycles [n]."""
    apart = ((z[:, None, :] - model[f"{name}/points"]) ** 2).sum(axis=-1)
    variance, length, mean, scale = model[f"{name}/kernel"]
    return mean + scale * (variance * np.exp(-apart / (2 * length**2)) @ model[f"{name}/alpha"])


@lru_cache(maxsize=1)
def _shipped() -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file

    return load_file(MODEL_FILE)
