"""The health that one charge of one cell shows, by the measured-data estimator or else by counting its charge."""

from dataclasses import dataclass

import numpy as np

from tools.errors import BadArgument
from tools.soh.features import Unusable, WindowFeatures, check_series, idle_a, window_features
from tools.soh.model import CellType, estimate, known_types, type_of

CHEMISTRIES = ("NMC", "NCA", "Ni-rich", "LFP", "LTO", "Na-ion", "LCO", "not stated")
EMPTY_MARGIN_V = 0.35  # first voltage of a charge at most so far above the discharge cut-off: it began empty
EMPTIED_MARGIN_V = 0.1  # the discharge before it ended at most so far above the cut-off
FULL_CURRENT_C = 0.07  # a taper below this C-rate at the voltage limit ends a full charge
LIMIT_MARGIN_V = 0.02
# Relative standard uncertainty of a full charge against nominal capacity: the current sensor's gain, and what is left
# below the first and above the last sample.
SIGMA_CURRENT, SIGMA_ENDS = 0.005, 0.02
Z90 = 1.645
PLAUSIBLE_PERCENT = (50.0, 115.0)  # of nominal capacity; outside, it was another cell or no full charge
LEARNT = "learnt from measured charges of {name} cells ({source})"
COUNTED = "charge counted over a full charge, against nominal capacity"


@dataclass(frozen=True)
class CellFacts:
    """What must be known of a cell; `cutoff_v` (discharge) only for counting."""

    chemistry: str
    nominal_ah: float
    limit_v: float
    cutoff_v: float | None = None

    def __post_init__(self):
        if self.chemistry not in CHEMISTRIES:
            raise BadArgument("chemistry", f"No chemistry {self.chemistry!r}; it is one of {', '.join(CHEMISTRIES)}.")
        if not 0.05 <= self.nominal_ah <= 2000:
            raise BadArgument("nominal_ah", f"A nominal capacity of {self.nominal_ah:g} Ah is outside 0.05 to 2000 Ah.")
        if not 1.5 <= self.limit_v <= 5:
            raise BadArgument("limit_v", f"A charge limit of {self.limit_v:g} V is outside 1.5 to 5 V.")

    @property
    def type(self) -> CellType | None:
        return type_of(self.chemistry, self.nominal_ah, self.limit_v)


@dataclass(frozen=True)
class Judged:
    """Health in percent of nominal capacity with its 90 % interval, or why the charge does not show it."""

    valid: bool
    reason: str = ""
    soh_percent: float = float("nan")
    low_percent: float = float("nan")
    high_percent: float = float("nan")
    method: str = ""
    counted_ah: float = float("nan")
    features: WindowFeatures | None = None


def judge(t_s: np.ndarray, current_a: np.ndarray, voltage_v: np.ndarray, facts: CellFacts) -> Judged:
    """Judge one charge of one cell: s, A per cell (charge positive), V, each [n].

    The measured-data estimator where it was trained on such cells and the charge is like theirs; else, of a charge
    from empty to the end of the taper, the charge itself. Never raises for what the record holds.
    """
    learnt = judge_learnt(t_s, current_a, voltage_v, facts)
    return learnt if learnt.valid else judge_counted(t_s, current_a, voltage_v, facts) or learnt


def judge_learnt(t_s: np.ndarray, current_a: np.ndarray, voltage_v: np.ndarray, facts: CellFacts) -> Judged:
    """By the measured-data estimator alone."""
    try:
        features = window_features(t_s, current_a, voltage_v, facts.limit_v, facts.nominal_ah)
    except Unusable as problem:
        return Judged(False, str(problem))
    counted_ah = features.cc_q_ah + features.cv_q_ah
    kind = facts.type
    if kind is None:
        reason = (f"the estimator has not been trained on {facts.chemistry} cells of {facts.nominal_ah:g} Ah charged "
                  f"to {facts.limit_v:g} V; it knows: {known_types()}")
        return Judged(False, reason, counted_ah=counted_ah, features=features)
    result = estimate(features, kind)
    method = LEARNT.format(name=kind.name, source=kind.source)
    return Judged(not result.reasons[0], result.reasons[0], float(result.soh_percent[0]),
                  float(result.low_percent[0]), float(result.high_percent[0]), method, counted_ah, features)


def implausible(soh_percent: float, counted_ah: float) -> str:
    """Why a counted capacity is not believed, or ""."""
    low, high = PLAUSIBLE_PERCENT
    if low <= soh_percent <= high:
        return ""
    return (f"the {counted_ah:.2f} Ah charged from empty to full are {soh_percent:.0f} % of the nominal capacity: the "
            "record is of another cell or of no full charge")


def judge_counted(t_s: np.ndarray, current_a: np.ndarray, voltage_v: np.ndarray, facts: CellFacts) -> Judged | None:
    """By the charge from empty to the end of the taper; None if the record is no such charge."""
    try:
        check_series(t_s, current_a, voltage_v)
    except Unusable:
        return None
    if facts.cutoff_v is None:
        return None
    on = np.flatnonzero(current_a > idle_a(current_a))
    if not len(on):
        return None
    first, last = on[0], on[-1]
    outward = np.flatnonzero(current_a[:first] < -0.02 * current_a.max())
    emptied = len(outward) and voltage_v[outward[-1]] <= facts.cutoff_v + EMPTIED_MARGIN_V
    began_empty = emptied or voltage_v[first] <= facts.cutoff_v + EMPTY_MARGIN_V
    tapered = current_a[last] < FULL_CURRENT_C * facts.nominal_ah
    if not (began_empty and tapered and voltage_v[last] >= facts.limit_v - LIMIT_MARGIN_V):
        return None
    ah = float(np.trapezoid(current_a[first:last + 1], t_s[first:last + 1]) / 3600)
    soh = 100 * ah / facts.nominal_ah
    if reason := implausible(soh, ah):
        return Judged(False, reason, counted_ah=ah)
    half = Z90 * soh * np.hypot(SIGMA_CURRENT, SIGMA_ENDS)
    return Judged(True, "", soh, soh - half, soh + half, COUNTED, ah)
