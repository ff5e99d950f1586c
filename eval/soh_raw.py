"""Raw charges of NASA and CALCE cells: how many show the features, and charge counting against measured capacity."""

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from tools.soh.features import Unusable, window_features
from tools.soh.judge import CellFacts
from tools.uploads import read_charges

NASA_AH, NASA_LIMIT_V = 2.0, 4.2
CALCE = CellFacts("LCO", 1.1, 4.2, 2.7)
PLAUSIBLE_AH = (0.3, 1.3)  # CALCE cells have some restarts with odd capacities


def measure(data: Path) -> dict[str, Any]:
    """Figures of both sets under `data`/charge_discharge; empty where it is not there."""
    folder = Path(data) / "charge_discharge"
    if not folder.is_dir():
        return {}
    return {"nasa": _nasa(folder), "calce": _calce(folder)}


def _nasa(folder: Path) -> dict[str, Any]:
    import pandas as pd

    good, reasons = 0, Counter()
    for path in sorted(folder.glob("nasa_B*.parquet")):
        table = pd.read_parquet(path)
        for _, charge in table[table.type == "charge"].groupby("test_id"):
            arrays = (charge[c].to_numpy(float) for c in ("t_s", "i", "v"))
            try:
                window_features(*arrays, NASA_LIMIT_V, NASA_AH)
                good += 1
            except Unusable as reason:
                reasons[str(reason).split(":")[0][:60]] += 1
    return {"charges": good + sum(reasons.values()), "with_features": good, "reasons": dict(reasons.most_common(5))}


def _calce(folder: Path) -> dict[str, Any]:
    """Charges from the discharge cut-off, read as a cycler's file and counted, against the discharge after each."""
    import pandas as pd

    capacities = pd.read_csv(folder / "calce_cycles.csv")
    errors, found, counted, with_features = [], 0, 0, 0
    for path in sorted(folder.glob("calce_*.parquet")):
        cell, table = path.stem.removeprefix("calce_"), pd.read_parquet(path)
        for number, rows in table.groupby("file_no"):
            truth = capacities[(capacities.cell == cell) & (capacities.file_no == number)].q_dis_int_ah.to_numpy()
            reads = _read(rows)
            found += len(reads)
            with_features += sum(r.features is not None for r in reads)
            counted += sum(r.valid for r in reads)
            if len(reads) == len(truth):
                errors += [100 * (r.counted_ah / t - 1) for r, t in zip(reads, truth, strict=True)
                           if r.valid and PLAUSIBLE_AH[0] < t < PLAUSIBLE_AH[1]]
    return {"charges": found, "with_features": with_features, "counted": counted, "compared": len(errors),
            "counted_mape_percent": round(float(np.mean(np.abs(errors))), 2),
            "counted_within_3_percent": round(float(np.mean(np.abs(errors) < 3)), 3)}


def _read(rows) -> list:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "log.parquet"
        rows.sort_values("t_test_s").rename(columns={"t_test_s": "Test_Time(s)"})[
            ["Test_Time(s)", "current_a", "voltage_v"]].to_parquet(path)
        return [_both(read) for read in read_charges(path, CALCE)]


def _both(read):
    """The judgement, with the features where the charge shows them."""
    from dataclasses import replace

    from tools.soh.judge import judge_learnt

    charge = read.charge
    return replace(read.judged, features=judge_learnt(charge.t_s, charge.current_a, charge.voltage_v, CALCE).features)
