"""Tests of measured cells, read from parquet files, as records that a simulator can be held against.

`lgm50_thermal.parquet`: six LG M50 cells, C/3 charges and C/10 or C/2 discharges at 0, 10 and 25 degC, surface
temperature. `a123_26650_dynamic.parquet` and `a123_26650_ocv.parquet`: A123 26650 cells from -25 to 35 degC in a
drive cycle, C/3 charges at 25 degC and C/30 charges and discharges; only the chamber's temperature is known.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from tools.parameters import OKANE2022, PRADA2013, Parameterisation

LG_FILE, DRIVE_FILE, OCV_FILE = "lgm50_thermal.parquet", "a123_26650_dynamic.parquet", "a123_26650_ocv.parquet"
LG_CAPACITY_AH = 5.0  # nominal
LG_FITTED = {(782, 25), (783, 25)}  # cell, degC; the calibration in tools/parameters.py saw these
A123_DRIVES_FITTED, A123_SLOW_FITTED = {5, 25}, {25}
DRIVE = "drive cycle at half charge"
CYCLE_S = 1800  # one drive cycle
FEWEST_SAMPLES = 10
HALF_AH = 0.95  # discharged before the drive cycle that stands for a half-full cell


@dataclass(frozen=True)
class Record:
    """One test of one measured cell. Arrays (N,), current positive when charging, t_s from 0 and increasing.

    The cell is at rest at t = 0. `soc_percent` is its charge then, None where only the rested voltage tells it.
    `scored` (N,) marks the samples that count; `at_v` is a voltage at which the charge passed is compared.
    `fitted`: a calibration in tools/parameters.py used this record.
    """

    source: str
    cell: str
    test: str
    parameterisation: Parameterisation
    capacity_ah: float
    soc_percent: float | None
    ambient_c: float
    t_s: np.ndarray
    current_a: np.ndarray
    voltage_v: np.ndarray
    temperature_c: np.ndarray | None
    scored: np.ndarray
    at_v: float | None
    fitted: bool


def records(data_dir: Path) -> list[Record]:
    """Every test with enough samples under current in the files of `data_dir`. Raises ValueError when there is none."""
    readers = {LG_FILE: _lg, DRIVE_FILE: _drives, OCV_FILE: _slow}
    found = [record for name, reader in readers.items() if (data_dir / name).is_file()
             for record in reader(_table(data_dir / name), name) if record.scored.sum() >= FEWEST_SAMPLES]
    if not found:
        raise ValueError(f"No measured cells in {data_dir}: it has none of {', '.join(readers)}.")
    return found


def _table(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path).sort_values("t_s", kind="stable")
    except (OSError, KeyError, ValueError) as error:
        raise ValueError(f"{path.name} cannot be read as measured data: {error}") from None


def _lg(table: pd.DataFrame, source: str) -> Iterator[Record]:
    for (cell, chamber_c, rate), group in table.groupby(["cell", "chamber_c", "rate"]):
        status = group["status"].astype(str)
        for kind, name, at_v in (("CHA", "charge C/3", 4.1), ("DCH", f"discharge {rate}", 3.0)):
            run = group[(status == kind) & (group["cyc"] == (2 if kind == "CHA" else 1))]
            if run.empty:
                continue
            rest = group[(status == "PAU") & (group["t_s"] < run["t_s"].min())].tail(1)
            rows = pd.concat([rest, run]).drop_duplicates("t_s")
            temperature_c = rows["temp1_c"].to_numpy(float)
            yield _record(source, f"LG M50 {cell}", name, OKANE2022, LG_CAPACITY_AH, None, temperature_c[0], rows,
                          rows["i_a"], temperature_c, at_v, (int(cell), int(chamber_c)) in LG_FITTED)


def _drives(table: pd.DataFrame, source: str) -> Iterator[Record]:
    """Per chamber: one drive cycle at half charge, and the C/3 charge at 25 degC that follows."""
    for chamber_c, chamber in table.groupby("chamber_c"):
        capacity_ah = _discharged_ah(chamber)
        drive = chamber[chamber["script"] == 1]
        net_ah = (drive["q_dis_ah"] - drive["q_chg_ah"]).to_numpy(float)
        rest = min(_cycle_starts(drive), key=lambda start: abs(net_ah[start] - HALF_AH)) - 1
        rows = drive.iloc[rest:rest + 1 + CYCLE_S]
        yield _record(source, f"A123 26650 at {chamber_c}", DRIVE, PRADA2013, capacity_ah,
                      100 * (1 - net_ah[rest] / capacity_ah), float(chamber_c), rows, -rows["i_a"], None, None,
                      int(chamber_c) in A123_DRIVES_FITTED)
        charge = chamber[chamber["script"] == 3]
        charge = charge[charge["step"] == charge["step"].iloc[0]].iloc[::10]
        yield _record(source, f"A123 26650 at {chamber_c}", "charge C/3 at 25 degC", PRADA2013, capacity_ah, 0.0, 25.0,
                      charge, -charge["i_a"], None, 3.5, False)


def _slow(table: pd.DataFrame, source: str) -> Iterator[Record]:
    """C/30: the second step of script 1 discharges from full, that of script 3 charges from empty."""
    for chamber_c, chamber in table.groupby("chamber_c"):
        capacity_ah = _discharged_ah(chamber)
        for script, name, soc_percent, at_v in ((1, "discharge C/30", 100.0, 3.0), (3, "charge C/30", 0.0, 3.5)):
            rows = chamber[(chamber["script"] == script) & (chamber["step"] == 2)].iloc[::6]
            yield _record(source, f"A123 26650 at {chamber_c}", name, PRADA2013, capacity_ah, soc_percent,
                          float(chamber_c), rows, rows["i_a"], None, at_v, int(chamber_c) in A123_SLOW_FITTED)


def _record(source, cell, test, parameterisation, capacity_ah, soc_percent, ambient_c, rows, current_a, temperature_c,
            at_v, fitted) -> Record:
    """`rows` with time from zero; the first sample and those at rest are simulated but not scored."""
    current_a, voltage_v = current_a.to_numpy(float), rows["v"].to_numpy(float)
    t_s = rows["t_s"].to_numpy(float)
    if not (np.isfinite(current_a).all() and np.isfinite(voltage_v).all()):
        raise ValueError(f"{source}: {cell}, {test} has missing values.")
    active = np.abs(current_a) > 0.01 * capacity_ah
    active[0] = False
    return Record(source, cell, test, parameterisation, capacity_ah, soc_percent, ambient_c, t_s - t_s[0], current_a,
                  voltage_v, temperature_c, active, at_v, fitted)


def _cycle_starts(drive: pd.DataFrame) -> list[int]:
    """Row numbers where a whole drive cycle (step 5) begins."""
    step = drive["step"].to_numpy()
    edges = np.flatnonzero(np.diff(np.concatenate([[-1], step, [-1]])))
    return [int(a) for a, b in zip(edges[:-1], edges[1:], strict=True) if step[a] == 5 and b - a >= CYCLE_S]


def _discharged_ah(chamber: pd.DataFrame) -> float:
    """From full to empty: what scripts 1 and 2 took out."""
    return float(sum(run["q_dis_ah"].iloc[-1] - run["q_chg_ah"].iloc[-1]
                     for script, run in chamber.groupby("script") if script in (1, 2)))
