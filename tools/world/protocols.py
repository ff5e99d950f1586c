"""Random currents to learn from: charges, drives, rests and mixtures, drawn step by step within the cell's voltage."""

from dataclasses import dataclass

import numpy as np

STEPS = 96  # constant-current steps of a run, of 2 to 60 s: about an hour
STEP_SECONDS = (2.0, 5.0, 10.0, 20.0, 30.0, 60.0)
KINDS = ("charge", "mixed", "drive")
TEMPERATURES_C, SOH_PERCENT = (-22.0, 57.0), (67.0, 100.0)


@dataclass(frozen=True)
class Start:
    """Where a run begins: a cell at rest, perhaps warmer or colder than its surroundings."""

    kind: str
    soh_percent: float
    soc_percent: float
    ambient_c: float
    temperature_c: float


def draw_start(rng: np.random.Generator) -> Start:
    kind = str(rng.choice(KINDS, p=(0.5, 0.3, 0.2)))
    ambient_c = rng.uniform(*TEMPERATURES_C)
    offset_c = rng.uniform(-10, 15) if rng.random() < 0.3 else 0.0
    soh = 100.0 if rng.random() < 0.15 else rng.uniform(*SOH_PERCENT)
    soc = rng.uniform(0, 60) if kind == "charge" else rng.uniform(2, 98)
    return Start(kind, soh, soc, ambient_c, float(np.clip(ambient_c + offset_c, *TEMPERATURES_C)))


class Driver:
    """Draws the next current (C-rate, positive charges) and its steps; told when a voltage limit stopped it."""

    def __init__(self, kind: str, ambient_c: float, max_c_rate: float, rng: np.random.Generator):
        self.kind, self.rng, self.max_c_rate = kind, rng, max_c_rate
        # In the cold a cell takes little: most draws are scaled down so that a run is not all voltage limits.
        self.vigour = float(np.clip(np.exp(0.045 * (ambient_c - 20)), 0.12, 1.0)) ** rng.uniform(0.3, 1.0)
        self.level = rng.uniform(0.2, 1.0) * max_c_rate * self.vigour
        self.ceiling: float | None = None
        self.taper = rng.random() < 0.7

    def next(self, soc_percent: float) -> tuple[float, float, int]:
        """(C-rate, seconds a step, steps) of the next stretch."""
        c_rate, seconds, steps = getattr(self, f"_{self.kind}")()
        if self.ceiling is not None:
            c_rate = min(c_rate, self.ceiling) if self.ceiling > 0 else max(c_rate, self.ceiling)
            self.ceiling = None
        if soc_percent > 99 and c_rate > 0 or soc_percent < 1 and c_rate < 0:
            c_rate = -0.5 * c_rate
        return c_rate, seconds, steps

    def stopped(self, c_rate: float) -> None:
        """A limit ended the stretch at `c_rate`: go on with less, or the other way."""
        if self.kind == "charge" and c_rate > 0:
            self.level = c_rate * self.rng.uniform(0.4, 0.85)
            self.ceiling = self.level
        else:
            self.ceiling = c_rate * self.rng.choice((0.5, 0.2, -0.3))

    def _charge(self):
        rng = self.rng
        if rng.random() < 0.06:
            return 0.0, float(rng.choice(STEP_SECONDS[2:])), int(rng.integers(1, 8))
        if rng.random() < 0.03:
            return -rng.uniform(0.1, 1.0) * self.vigour, float(rng.choice(STEP_SECONDS[1:])), int(rng.integers(1, 4))
        c_rate = self.level
        self.level *= rng.uniform(0.82, 1.0) if self.taper else rng.uniform(0.7, 1.35)
        self.level = float(np.clip(self.level, 0.03, self.max_c_rate))
        return c_rate, float(rng.choice((20.0, 30.0, 60.0, 60.0))), int(rng.integers(1, 10))

    def _mixed(self):
        rng = self.rng
        sort = rng.random()
        c_rate = 0.0 if sort < 0.15 else self.vigour * self.max_c_rate * (
            rng.uniform(0.02, 1) ** 1.5 if sort < 0.65 else -rng.uniform(0.02, 1) ** 1.5)
        return c_rate, float(rng.choice(STEP_SECONDS[1:])), int(rng.integers(1, 10))

    def _drive(self):
        rng = self.rng
        c_rate = self.vigour * float(np.clip(rng.normal(-0.35, 0.7), -2.5, 1.0)) * min(self.max_c_rate, 2.0) / 2
        return c_rate, float(rng.choice(STEP_SECONDS[:4])), int(rng.integers(1, 3))
