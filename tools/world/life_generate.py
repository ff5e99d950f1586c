"""Ageing runs of PyBaMM's DFN to learn from: `python -m tools.world.life_generate --out DIR` (seeded, resumable).

A run is one stretch at one current from rest: a charge (constant current, then constant voltage) or a discharge. What
it has cost on its way is read at several states of charge, each a row of `FIELDS`.
"""

import argparse
import os
from pathlib import Path

import numpy as np

from tools.ageing import AgeingCell, LithiumLost, sei_growth_m2_per_s
from tools.parameters import KELVIN, OKANE2022, fresh_capacity_ah, parameter_values
from tools.world.shards import save_shard, write_shards

INPUTS = ("c_rate", "ambient_c", "from_soc", "to_soc", "lost_percent", "added_ohm")
OUTPUTS = ("hours", "sei_speed", "warmer_c", "plating_percent")
FIELDS = INPUTS + OUTPUTS
SHARD = 40
ROWS = 14
DISCHARGES = 0.25  # share of the runs
BROAD_SHARDS = 10  # drawn from everywhere; after them four runs in five are charges that may plate
C_RATES, AMBIENT_C = (0.05, 2.1), (-10.0, 60.0)
LOST_PERCENT, SEI_SHARE = 40.0, (0.15, 1.0)
LAST_C_RATE = 0.03  # a charge ends when its current has fallen to this
SLOWEST_HOURS = 8.0  # of constant voltage


def draw(rng: np.random.Generator, broad: bool) -> dict:
    """What one run starts from: C-rate of new capacity (negative discharges), degC, states of charge, losses."""
    if not broad and rng.random() < 0.8:
        lost, share = 30.0 * rng.random() ** 2, rng.uniform(*SEI_SHARE)
        return {"c_rate": float(np.exp(rng.uniform(np.log(0.2), np.log(C_RATES[1])))),
                "ambient_c": rng.uniform(AMBIENT_C[0], 20.0), "from_soc": 0.8 * rng.random() ** 1.5,
                "lost": LithiumLost(lost * share, lost * (1 - share))}
    c_rate = float(np.exp(rng.uniform(*np.log(C_RATES))))
    cold = rng.random() < 0.6
    lost = LOST_PERCENT * rng.random() ** 2
    share = rng.uniform(*SEI_SHARE)
    discharge = rng.random() < DISCHARGES
    return {"c_rate": -c_rate if discharge else c_rate,
            "ambient_c": rng.uniform(AMBIENT_C[0], 25.0 if cold else AMBIENT_C[1]),
            "from_soc": rng.uniform(0.3, 1.0) if discharge else 0.8 * rng.random() ** 1.5,
            "lost": LithiumLost(lost * share, lost * (1 - share))}


def run(rng: np.random.Generator, broad: bool = True) -> np.ndarray | None:
    """(ROWS, len(FIELDS)) of one run, or None where the solver gave up."""
    import pybamm

    start = draw(rng, broad)
    try:
        return rows_of(start, rng)
    except pybamm.SolverError:
        return None


def rows_of(start: dict, rng: np.random.Generator) -> np.ndarray:
    cell = AgeingCell(OKANE2022, start["ambient_c"], start["from_soc"], start["lost"])
    new_ah, aged, c_rate = fresh_capacity_ah(OKANE2022), cell.aged, start["c_rate"]
    room = 1 - start["from_soc"] if c_rate > 0 else start["from_soc"] - 0.01
    at_constant_current_s = 3600 * room * aged.capacity_ah / new_ah / abs(c_rate)
    max_v = parameter_values(OKANE2022)["Upper voltage cut-off [V]"] if c_rate > 0 else 10.0
    pieces, spent_s = [cell.hold(c_rate * new_ah, at_constant_current_s, 41, max_v)], at_constant_current_s
    while c_rate > 0 and pieces[-1].current_a[-1] > LAST_C_RATE * new_ah and spent_s < 3600 * SLOWEST_HOURS:
        more_s = max(at_constant_current_s / 3, 1200.0)
        pieces.append(cell.hold(c_rate * new_ah, more_s, 13, max_v))
        spent_s += more_s
    names = ("current_a", "temperature_c", "plating_percent")
    current, warm, plated = (np.concatenate([getattr(p, n) for p in pieces]) for n in names)
    times = np.concatenate([p.t_s + sum(q.t_s[-1] for q in pieces[:i]) for i, p in enumerate(pieces)])
    mean_a = (current[1:] + current[:-1]) / 2
    soc = start["from_soc"] + np.concatenate([[0.0], np.cumsum(mean_a * np.diff(times))]) / 3600 / aged.capacity_ah
    speed = sei_growth_m2_per_s(warm + KELVIN) / sei_growth_m2_per_s(start["ambient_c"] + KELVIN)
    grown = np.concatenate([[0.0], np.cumsum((speed[1:] + speed[:-1]) / 2 * np.diff(times))])
    last = len(soc)
    if c_rate > 0 and np.any(current[1:] < LAST_C_RATE * new_ah):
        last = 2 + int(np.argmax(current[1:] < LAST_C_RATE * new_ah))
    order = slice(0, last)
    reached = soc[:last].max() if c_rate > 0 else soc[:last].min()
    stops = np.sort(start["from_soc"] + (reached - start["from_soc"]) * rng.uniform(0.03, 1.0, ROWS))
    stops[-1 if c_rate > 0 else 0] = reached

    def at(values):
        x, y = soc[order], values[order]
        return np.interp(stops, x, y) if c_rate > 0 else np.interp(-stops, -x, y)

    seconds = np.maximum(at(times), 1.0)
    columns = [np.full(ROWS, v) for v in (c_rate, start["ambient_c"], start["from_soc"])] + [
        stops, np.full(ROWS, start["lost"].total_percent), np.full(ROWS, aged.added_resistance_ohm),
        seconds / 3600, at(grown) / seconds, at(warm) - start["ambient_c"], np.maximum(at(plated), 0)]
    return np.stack(columns, 1)


def _shard(number: int, seed: int, path: Path) -> Path:
    rng = np.random.default_rng([seed, number])
    found = [rows for _ in range(SHARD) if (rows := run(rng, number < BROAD_SHARDS)) is not None]
    return save_shard(path, rows=np.stack(found).astype(np.float32))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=1600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    tasks = [(number, given.seed, given.out / f"life-{given.seed}-{number:04d}.npz")
             for number in range(-(-given.runs // SHARD))]
    write_shards(_shard, tasks, given.workers, f"ageing runs, by {SHARD}")


if __name__ == "__main__":
    main()
