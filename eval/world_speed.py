"""The claim "thousands of plans at once": one-hour charges through the world model and through PyBaMM, side by side.

Every charge is a plan of stages, as the optimiser tries them, and the same plan of one stage. PyBaMM gets its best
settings: built once, IDAKLU, all charges in one call on all cores. All in one run, so that a ratio is of one machine.
"""

import os
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from rich.table import Table

from eval.report import header, people, print_header
from tools.cells import find_cell
from tools.parameters import aged_state, model_of, parameter_values, series_ohm
from tools.simulation import ANODE_POTENTIAL, INPUTS, TEMPERATURE, rested_inputs

CELL = "LG M50LT"
HOUR_S, STEP_S, STAGES = 3600.0, 60.0, 12
TARGET_RATIO = 2250.0
REPEATS = 5


def measure(charges: int, seed: int = 0) -> dict[str, Any]:
    """Seconds for `charges` one-hour charges by each model, staged and at one current, and the ratios."""
    import torch

    cores = len(os.sched_getaffinity(0))
    torch.set_num_threads(cores)
    rng = np.random.default_rng(seed)
    cases = {"soc": rng.uniform(2, 12, charges), "ambient_c": rng.uniform(15, 40, charges),
             "soh": rng.uniform(80, 100, charges)}
    # Descending stages whose mean fills the cell by about 70 % in the hour.
    staged = np.sort(rng.uniform(0.2, 1.0, (charges, STAGES)), axis=1)[:, ::-1]
    rows = []
    for plan, c_rates in (("12 stages", staged), ("1 stage", np.repeat(staged.mean(1, keepdims=True), STAGES, 1))):
        stages = STAGES if plan == "12 stages" else 1
        world_s = _world_seconds(cases, c_rates)
        for kind in ("DFN", "SPMe"):
            people.print(f"{charges} charges of {plan} in {kind} ...")
            seconds, worst_mv = _pybamm_seconds(kind, cases, c_rates, stages, cores)
            rows.append({"plan": plan, "against": kind, "pybamm_s": seconds, "world_model_s": world_s,
                         "ratio": seconds / world_s, "mean_voltage_gap_mv": worst_mv})
    return header() | {
        "charges": charges, "target_ratio": TARGET_RATIO, "rows": rows,
        "conditions": f"{CELL}; world model: float32, one batch, {STEP_S:g} s steps, {cores} threads, best of "
                      f"{REPEATS}; PyBaMM: IDAKLU rtol 1e-4 atol 1e-6, default mesh, built once, one call on {cores} "
                      "threads, voltage, temperature and anode potential kept at the same 60 moments"}


def _world_seconds(cases: Mapping[str, np.ndarray], c_rates: np.ndarray) -> float:
    found = [_timed(lambda: world_voltage(cases, c_rates)) for _ in range(REPEATS + 1)]
    return min(found[1:])


def world_voltage(cases: Mapping[str, np.ndarray], c_rates: np.ndarray) -> np.ndarray:
    """Voltage (60, charges) at the end of every minute."""
    import torch

    from tools.world.rollout import world_for

    world = world_for(model_of(find_cell(CELL)).parameterisation)
    state = world.rested(cases["soc"], cases["ambient_c"], cases["soh"])
    currents = torch.as_tensor(c_rates * world.model.capacity_ah, dtype=torch.float32).T.contiguous()
    steps = int(HOUR_S / STEP_S)
    rows = []
    for step in range(steps):
        state = world.step(state, currents[step * STAGES // steps], STEP_S)
        rows.append((state.voltage_v, state.temperature_c, state.anode_potential_v))
    return torch.stack([row[0] for row in rows]).numpy()


def _timed(run: Callable[[], Any]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _pybamm_seconds(kind: str, cases: Mapping[str, np.ndarray], c_rates: np.ndarray, stages: int,
                    cores: int) -> tuple[float, float]:
    """(seconds of the solve, mean voltage difference to the world model in mV)."""
    import pybamm

    pybamm.set_logging_level("ERROR")
    parameterisation = model_of(find_cell(CELL)).parameterisation
    values = parameter_values(parameterisation).copy()
    length_s = HOUR_S / stages
    names = [f"C-rate of stage {number}" for number in range(stages)]
    aged = [aged_state(parameterisation, round(float(soh), 1)) for soh in cases["soh"]]
    capacity_ah = aged_state(parameterisation, 100.0).capacity_ah

    def current(t):
        total = pybamm.InputParameter(names[0]) * (t < length_s) if stages > 1 else pybamm.InputParameter(names[0])
        for number in range(1, stages):
            inside = (t >= number * length_s) * (t < (number + 1) * length_s) if number < stages - 1 else (
                t >= number * length_s)
            total += pybamm.InputParameter(names[number]) * inside
        return -capacity_ah * total

    values.update({"Current function [A]": current, "Upper voltage cut-off [V]": 6.0, "Lower voltage cut-off [V]": 0.5})
    values.update({name: "[input]" for name in INPUTS[1:]})
    model = getattr(pybamm.lithium_ion, kind)({"thermal": "lumped", "contact resistance": "true"})
    anode = (ANODE_POTENTIAL if kind == "DFN" else
             "X-averaged negative electrode surface potential difference [V]")
    solver = pybamm.IDAKLUSolver(
        rtol=1e-4, atol=1e-6, options={"num_threads": cores, "num_solvers": cores},
        output_variables=["Voltage [V]", TEMPERATURE, anode])
    simulation = pybamm.Simulation(model, parameter_values=values, solver=solver)
    simulation.build()
    given = []
    for row, state in enumerate(aged):
        first = rested_inputs(parameterisation, state, cases["soc"][row] / 100, float(cases["ambient_c"][row]))
        given.append(first | {"Contact resistance [Ohm]": series_ohm(parameterisation, state)}
                     | {name: float(c_rates[row, number]) for number, name in enumerate(names)})
    t_eval = np.linspace(0, HOUR_S, stages + 1)
    t_interp = np.linspace(0, HOUR_S, int(HOUR_S / STEP_S) + 1)

    def solve(rows):
        return simulation.solver.solve(simulation.built_model, t_eval, inputs=rows, t_interp=t_interp)

    solve(given[:2])  # compiled and warm
    started = time.perf_counter()
    solutions = solve(given)
    seconds = time.perf_counter() - started
    own = world_voltage(cases, c_rates)
    gaps = [np.abs(np.interp(t_interp[1:] - 1, s.t, s["Voltage [V]"].data) - own[:, row]).mean()
            for row, s in enumerate(solutions)]
    return seconds, 1e3 * float(np.mean(gaps))


def print_report(report: Mapping[str, Any]) -> None:
    """Ratios beside the target, for people, on stderr."""
    print_header(f"Speed: {report['charges']} one-hour charges, world model against PyBaMM", report)
    people.print(report["conditions"])
    table = Table("plan", "against", "PyBaMM s", "world model s", "times as fast", "target", "mean voltage gap mV")
    for row in report["rows"]:
        table.add_row(row["plan"], row["against"], f"{row['pybamm_s']:.1f}", f"{row['world_model_s']:.4f}",
                      f"{row['ratio']:.0f}", f"{report['target_ratio']:.0f}" if row["against"] == "DFN" else "-",
                      f"{row['mean_voltage_gap_mv']:.2f}")
    people.print(table)
