"""The estimator: support-vector regression and extremely randomised trees together, with a conformal interval.

Trained by `python -m tools.soh.train`; the weights are data/soh.safetensors, their card data/soh_card.md. Reading
them needs numpy and safetensors alone. Per family of cells: inputs are the window features scaled by nominal
capacity, standardised by the training cells; no row number, no scaling over a life.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from tools.soh.features import WindowFeatures

WEIGHTS_FILE = Path(__file__).parent.parent / "data" / "soh.safetensors"
CHUNK = 2048  # rows at a time: the kernel of 217,545 rows would not fit
BEYOND = 0.5  # standard deviations outside the training range that are still close to it
NOMINAL_TOLERANCE, LIMIT_TOLERANCE_V = 0.03, 0.02
LOWEST_SPREAD_PERCENT = 0.1
ARRAYS = ("centre", "scale", "support", "weight", "constants", "low", "high", "gate")

# The inputs, in the order of the weights' columns. Entropies would tell the sampling interval and the slopes'
# published definition is not known for certain; without them the error on held-back cells is as small.
INPUTS = ("charge above the lower voltage", "charge rate", "charge in the taper", "duration of the taper",
          "mean voltage", "voltage spread", "voltage kurtosis", "voltage skewness", "mean taper current",
          "taper current spread", "taper current kurtosis", "taper current skewness", "share of the taper")


@dataclass(frozen=True)
class CellType:
    """Cells that the estimator was trained on; what is not one of them is not estimated."""

    name: str
    chemistry: str
    nominal_ah: float
    limit_v: float
    families: tuple[str, ...]  # whose weights serve it; of several the charge itself tells which
    source: str  # data set and batch


TYPES = (
    CellType("LFP 18650, 1.1 Ah", "LFP", 1.1, 3.6, ("hust", "mit"), "HUST and MIT"),
    CellType("NCA 18650, 3.5 Ah", "NCA", 3.5, 4.2, ("tju",), "TJU, data set 1"),
    CellType("NMC 18650, 3.5 Ah", "NMC", 3.5, 4.2, ("tju",), "TJU, data set 2"),
    CellType("NMC and NCA blend 18650, 2.5 Ah", "Ni-rich", 2.5, 4.2, ("tju",), "TJU, data set 3"),
    CellType("NMC 18650, 2.0 Ah", "NMC", 2.0, 4.2, ("xjtu",), "XJTU"))
FAMILIES = tuple(dict.fromkeys(f for t in TYPES for f in t.families))


@dataclass(frozen=True)
class Estimates:
    """One entry a row: health, the 90 % interval (percent of nominal capacity), and why a row is not valid, or ""."""

    soh_percent: np.ndarray
    low_percent: np.ndarray
    high_percent: np.ndarray
    reasons: tuple[str, ...]


def type_names(family: str) -> tuple[str, ...]:
    """Names of the types that a family serves."""
    return tuple(t.name for t in TYPES if family in t.families)


def type_of(chemistry: str, nominal_ah: float | None, limit_v: float | None) -> CellType | None:
    """The trained type with this chemistry (NMC, NCA, LFP, Ni-rich), nominal capacity and charge limit, or None."""
    chemistry = {"NCM": "NMC"}.get(chemistry.upper(), chemistry)
    for kind in TYPES:
        if (chemistry == kind.chemistry and nominal_ah and limit_v
                and abs(nominal_ah / kind.nominal_ah - 1) <= NOMINAL_TOLERANCE
                and abs(limit_v - kind.limit_v) <= LIMIT_TOLERANCE_V):
            return kind
    return None


def known_types() -> str:
    """The trained types in words."""
    return "; ".join(t.name for t in TYPES)


def inputs(features: Mapping[str, np.ndarray], nominal_ah: np.ndarray, limit_v: np.ndarray) -> np.ndarray:
    """Input matrix [n, len(INPUTS)] from columns of window features, Ah and A over nominal capacity."""
    f = {name: np.asarray(features[name], float) for name in (
        "v_mean", "v_std", "v_kurt", "v_skew", "cc_q_ah", "cc_time_s", "i_mean", "i_std", "i_kurt", "i_skew",
        "cv_q_ah", "cv_time_s")}
    cc, cv = np.log(f["cc_q_ah"] / nominal_ah), np.log(f["cv_q_ah"] / nominal_ah)
    rate = np.log(f["cc_q_ah"] * 3600 / f["cc_time_s"] / nominal_ah)
    return np.stack([cc, rate, cv, np.log(f["cv_time_s"]), limit_v - f["v_mean"], f["v_std"], f["v_kurt"], f["v_skew"],
                     f["i_mean"] / nominal_ah, f["i_std"] / nominal_ah, f["i_kurt"], f["i_skew"], cv - cc], axis=1)


@dataclass(frozen=True)
class Forest:
    """Regression trees in flat arrays: a node's left child follows it, `right` is the other; leaves have feature -1."""

    feature: np.ndarray  # int8 [nodes]
    threshold: np.ndarray  # float32 [nodes], of a leaf its value
    right: np.ndarray  # int32 [nodes]
    roots: np.ndarray  # int32 [trees]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Mean over the trees, [n] for x [n, d]."""
        x, rows, total = x.astype(np.float32), np.arange(len(x)), np.zeros(len(x))
        for root in self.roots:
            node = np.full(len(x), root)
            while (inner := self.feature[node] >= 0).any():
                go, at = rows[inner], node[inner]
                left = x[go, self.feature[at]] <= self.threshold[at]
                node[inner] = np.where(left, at + 1, self.right[at])
            total += self.threshold[node]
        return total / len(self.roots)


@dataclass(frozen=True)
class Family:
    """Weights of one family; d inputs and one column a type of the family."""

    names: tuple[str, ...]  # of its types, in the order of the columns
    centre: np.ndarray  # [d]
    scale: np.ndarray  # [d]
    support: np.ndarray  # [m, d + types], standardised
    weight: np.ndarray  # [m]
    constants: np.ndarray  # [5]: kernel's gamma, intercept, mean and deviation of health (share), the trees' share
    trees: Forest
    spread: Forest  # expected absolute error, percent
    quantile: float  # of |error| over expected error: 90 % of rows of held-back cells
    low: np.ndarray  # [types, d] training range, standardised
    high: np.ndarray
    gate: np.ndarray  # [d + 1] score that a charge is of this family and not of another of its type; last: constant

    def design(self, x: np.ndarray, names: np.ndarray) -> np.ndarray:
        """Standardised inputs with the type's columns, [n, d + types]; far values are held at 6 deviations."""
        one_hot = np.array([[name == n for n in self.names] for name in names], float).reshape(len(x), -1)
        return np.concatenate([np.clip((x - self.centre) / self.scale, -6, 6), one_hot], axis=1)

    def health_percent(self, design: np.ndarray) -> np.ndarray:
        """State of health, [n]."""
        gamma, intercept, mean, deviation, share = self.constants
        kernel = np.concatenate([
            np.exp(-gamma * _squared(design[i:i + CHUNK], self.support)) @ self.weight
            for i in range(0, len(design), CHUNK)]) if len(design) else np.zeros(0)
        machine = (kernel + intercept) * deviation + mean
        return 100 * ((1 - share) * machine + share * self.trees(design))

    def half_width_percent(self, design: np.ndarray) -> np.ndarray:
        """Half of the 90 % interval, [n]."""
        return self.quantile * np.maximum(self.spread(design), LOWEST_SPREAD_PERCENT)

    def estimate(self, x: np.ndarray, names: np.ndarray) -> Estimates:
        """Health of rows of inputs [n, d] whose types are `names` [n]."""
        design = self.design(np.nan_to_num(x), names)
        health, half = self.health_percent(design), self.half_width_percent(design)
        standard = (x - self.centre) / self.scale
        reasons = tuple(self._outside(row, name) for row, name in zip(standard, names, strict=True))
        return Estimates(health, health - half, health + half, reasons)

    def score(self, x: np.ndarray) -> np.ndarray:
        """How much rows of inputs look like this family's charges, [n]."""
        return np.nan_to_num(x) @ self.gate[:-1] + self.gate[-1]

    def _outside(self, row: np.ndarray, name: str) -> str:
        if not np.isfinite(row).all():
            return "a feature is missing"
        at = self.names.index(name)
        beyond = np.maximum(self.low[at] - row, row - self.high[at])
        worst = int(np.argmax(beyond))
        return "" if beyond[worst] <= BEYOND else (
            f"the charge is unlike those of the trained {name} cells: {INPUTS[worst]} is "
            f"{'above' if row[worst] > self.high[at][worst] else 'below'} theirs")


def _squared(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.maximum((a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T, 0)


def estimate(features: WindowFeatures, kind: CellType) -> Estimates:
    """Health from one charge's features; one row."""
    columns = {k: np.array([v]) for k, v in features.as_dict().items() if v is not None}
    x = inputs(columns, np.array([kind.nominal_ah]), np.array([features.limit_v]))
    weights = load()
    return weights[family_of(weights, x, kind)[0]].estimate(x, np.array([kind.name]))


def family_of(weights: Mapping[str, Family], x: np.ndarray, kind: CellType) -> np.ndarray:
    """Name of the family that judges each row of inputs of cells of one type, [n]."""
    scores = np.stack([weights[name].score(x) for name in kind.families])
    return np.array(kind.families)[np.argmax(scores, axis=0)]


@lru_cache(maxsize=2)
def load(path: Path = WEIGHTS_FILE) -> dict[str, Family]:
    """The weights by family."""
    from safetensors.numpy import load_file

    arrays = load_file(path)
    return {name: _family(name, {k.split("/", 1)[1]: v for k, v in arrays.items() if k.startswith(f"{name}/")})
            for name in FAMILIES}


def _family(name: str, arrays: Mapping[str, np.ndarray]) -> Family:
    forests = {f: Forest(*(arrays[f"{f}/{part}"] for part in ("feature", "threshold", "right", "roots")))
               for f in ("trees", "spread")}
    plain = {k: arrays[k].astype(float) for k in ARRAYS}
    return Family(type_names(name), **plain, **forests,
                  quantile=float(arrays["quantile"][0]))


def save(families: Mapping[str, Family], path: Path, card: Mapping[str, object]) -> None:
    """Write the weights; `card` (figures, data, time) goes into the file's header. Atomic."""
    from safetensors.numpy import save_file

    arrays = {}
    for name, family in families.items():
        for key in ARRAYS:
            arrays[f"{name}/{key}"] = np.ascontiguousarray(getattr(family, key), np.float32)
        arrays[f"{name}/quantile"] = np.array([family.quantile], np.float32)
        for forest in ("trees", "spread"):
            arrays |= {f"{name}/{forest}/{part}": np.ascontiguousarray(getattr(getattr(family, forest), part))
                       for part in ("feature", "threshold", "right", "roots")}
    temporary = path.with_suffix(".partial")
    save_file(arrays, temporary, metadata={"card": json.dumps(card)})
    temporary.replace(path)
