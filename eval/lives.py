"""Measured lives as the forecasts see them: loss of capacity over cycles, per cell, from a directory of public data."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

SOURCES = ("xjtu", "tju", "hust", "mit")
END_LOSS, LEAST_LOSS, MIN_POINTS = 0.30, 0.08, 6


@dataclass(frozen=True)
class Life:
    """One cell: loss of its first capacity (share) over cycles, smoothed; up to 30 % loss or its end."""

    source: str
    group: str
    cell: str
    cycles: np.ndarray
    loss: np.ndarray


def read_lives(data: Path) -> list[Life]:
    """Lives that lost at least 8 %; row numbers of the state-of-health tables stand for cycles. ValueError if none."""
    import pandas as pd

    found = []
    for source in SOURCES:
        path = data / "soh_cycles" / f"{source}.parquet"
        if path.exists():
            table = pd.read_parquet(path, columns=["batch", "cell", "cycle", "soh"])
            found += [_life(source, f"{source} {batch}", str(cell), rows.sort_values("cycle"), "cycle", "soh")
                      for (batch, cell), rows in table.groupby(["batch", "cell"])]
    path = data / "lifetime" / "rwth_rpt.csv"
    if path.exists():
        table = pd.read_csv(path)
        found += [_life("rwth", "rwth", cell, rows.sort_values("cum_cycles"), "cum_cycles", "cap_dch_ah")
                  for cell, rows in table.groupby("cell")]
    if not found:
        raise ValueError(f"{data} holds neither soh_cycles/*.parquet nor lifetime/rwth_rpt.csv.")
    return [life for life in found if len(life.cycles) >= MIN_POINTS and life.loss[-1] >= LEAST_LOSS]


def _life(source: str, group: str, cell: str, rows, clock: str, capacity: str) -> Life:
    import pandas as pd

    cycles, values = rows[clock].to_numpy(float), rows[capacity].to_numpy(float)
    if len(values) > 40:  # every cycle, with noise; check-ups are taken as they are
        values = pd.Series(values).rolling(9, center=True, min_periods=3).median().to_numpy()
        first = float(np.median(values[:5]))
    else:
        first = float(values[0])
    loss = 1 - values / first
    beyond = np.flatnonzero(loss > END_LOSS)
    end = int(beyond[0]) + 1 if len(beyond) else len(loss)
    return Life(source, group, cell, cycles[:end] - cycles[0], loss[:end])
