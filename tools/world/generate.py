"""Runs of PyBaMM's DFN to learn from: `python -m tools.world.generate --out DIR` (seeded, parallel, resumable)."""

import argparse
import os
from pathlib import Path

import numpy as np

from tools.parameters import (
    PARAMETERISATIONS,
    Parameterisation,
    aged_state,
    fresh_capacity_ah,
    parameter_values,
    series_ohm,
)
from tools.simulation import INPUTS, discretised_dfn, outputs_of, rested_inputs
from tools.world.protocols import STEPS, Driver, Start, draw_start
from tools.world.shards import save_shard, write_shards

# Shells thin towards the surface, where concentration is steep: closer to a converged mesh than 20 even shells.
MESH, STRETCH = {"x_n": 14, "x_s": 6, "x_p": 14, "r_n": 16, "r_p": 16}, 2.5
FIRST_STEP_S = 1.0
# Highest C-rate learnt; the A123 cell charges and discharges faster than the others.
MAX_C_RATES = {"OKane2022": 2.1, "Prada2013": 4.2, "Mohtat2020": 2.1, "Ecker2015": 2.2}
VOLTAGE_ROOM_V = 0.1  # runs may leave the cell's voltage window by this much
SHARD = 50
SERIES = ("dt_s", "c_rate", "voltage_v", "temperature_c", "anode_potential_v")
FIXED = ("soh_percent", "soc_percent", "ambient_c", "start_temperature_c")


class Truth:
    """The DFN of one parameterisation, stepped with constant currents."""

    def __init__(self, parameterisation: Parameterisation):
        self.parameterisation, self.capacity_ah = parameterisation, fresh_capacity_ah(parameterisation)
        values = parameter_values(parameterisation)
        low_v, high_v = (values[f"{side} voltage cut-off [V]"] for side in ("Lower", "Upper"))
        self.solver, self.model = discretised_dfn(
            parameterisation, MESH, STRETCH, (low_v - VOLTAGE_ROOM_V, high_v + VOLTAGE_ROOM_V), FIRST_STEP_S, 3000)
        self.outputs = outputs_of(self.model)

    def begin(self, start: Start) -> None:
        aged = aged_state(self.parameterisation, round(start.soh_percent, 1))
        self.soc_percent, self.aged_capacity_ah, self.solution = start.soc_percent, aged.capacity_ah, None
        self.inputs = {"Contact resistance [Ohm]": series_ohm(self.parameterisation, aged),
                       **rested_inputs(self.parameterisation, aged, start.soc_percent / 100, start.ambient_c,
                                       start.temperature_c)}

    def stretch(self, c_rate: float, seconds: float, steps: int) -> tuple[list[tuple[float, ...]], bool]:
        """Rows (dt, C-rate, V, degC, anode V), one a step, and whether a limit ended the stretch early."""
        import pybamm

        times = np.arange(steps + 1) * seconds
        inputs = self.inputs | {INPUTS[0]: -c_rate * self.capacity_ah}
        if self.solution is not None:
            self.solution.termination = "final time"  # go on after a voltage limit, now with another current
        try:
            solution = self.solver.step(self.solution, self.model, times[-1], t_interp=times, save=False,
                                        inputs=inputs)
        except pybamm.SolverError:
            return [], True
        t = np.asarray(solution.t) - float(solution.t[0])
        if t[-1] < 1.0:  # over before it began: too short to teach anything
            return [], True
        given = np.array([[inputs[name]] for name in INPUTS])
        columns = np.asarray(self.outputs(solution.y, np.tile(given, len(t))))
        self.solution = solution
        self.soc_percent += c_rate * t[-1] * self.capacity_ah / 36 / self.aged_capacity_ah
        keep = np.concatenate([[False], np.diff(t) > 0.5])
        keep[-1] = True
        moments = np.concatenate([[0.0], t[keep]])
        rows = [(dt, c_rate, *(float(column[i]) for column in columns))
                for dt, i in zip(np.diff(moments), np.flatnonzero(keep), strict=True)]
        return rows, solution.termination != "final time"


def run(truth: Truth, rng: np.random.Generator) -> tuple[tuple[float, ...], np.ndarray] | None:
    """(fixed values, series (STEPS, 5)) of one run, or None where the solver gave up."""
    start = draw_start(rng)
    truth.begin(start)
    driver = Driver(start.kind, start.ambient_c, MAX_C_RATES[truth.parameterisation.name], rng)
    rows: list[tuple[float, ...]] = []
    failures = 0
    while len(rows) < STEPS:
        c_rate, seconds, steps = driver.next(truth.soc_percent)
        found, stopped = truth.stretch(c_rate, seconds, min(steps, STEPS - len(rows)))
        rows += found
        failures = 0 if found else failures + 1
        if failures > 12:
            return None
        if stopped:
            driver.stopped(c_rate)
    return ((round(start.soh_percent, 1), start.soc_percent, start.ambient_c, start.temperature_c),
            np.array(rows[:STEPS], dtype=np.float32))


_truths: dict[str, Truth] = {}


def _shard(name: str, number: int, seed: int, path: Path) -> Path:
    if name not in _truths:
        _truths[name] = Truth(next(p for p in PARAMETERISATIONS if p.name == name))
    rng = np.random.default_rng([seed, number, *name.encode()])
    runs = [found for _ in range(SHARD) if (found := run(_truths[name], rng)) is not None]
    fixed, series = np.array([r[0] for r in runs]), np.stack([r[1] for r in runs])
    return save_shard(path, **dict(zip(FIXED, fixed.T.astype(np.float32), strict=True)),
                      **dict(zip(SERIES, np.moveaxis(series, 2, 0), strict=True)))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=3000, help="per parameterisation")
    parser.add_argument("--only", nargs="*", default=[p.name for p in PARAMETERISATIONS])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    tasks = [(name, number, given.seed, given.out / f"{name}-{given.seed}-{number:04d}.npz")
             for number in range(-(-given.runs // SHARD)) for name in given.only]
    write_shards(_shard, tasks, given.workers, f"runs of the DFN, by {SHARD}")


if __name__ == "__main__":
    main()
