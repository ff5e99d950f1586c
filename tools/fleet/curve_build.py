"""Compute the reference charge curves with PyBaMM: `python -m tools.fleet.curve_build` (minutes, resumes).

Every curve is a constant-current charge of `tools.simulation.VirtualCell` (DFN with lumped heat, aged cells as
`tools.parameters.aged_state` defines them) from rest at 0 % to the cell's upper voltage limit.
"""

import os
from pathlib import Path

import numpy as np

from tools.cells import Cell, find_cell
from tools.errors import CannotAnswer
from tools.fleet.curves import CURVE_FILE
from tools.parameters import aged_state, model_of

CELLS = ("LG M50LT", "A123 26650", "Kokam 7.5Ah", "UMich NMC532 pouch")  # one cell per parameterisation
C_RATES = (0.05, 0.2, 0.35, 0.5, 1.0)
TEMPERATURES_C = (0.0, 10.0, 25.0, 40.0)
SOH_PERCENT = (60.0, 65.0, 70.0, 75.0, 80.0, 85.0, 90.0, 95.0, 100.0)
POINTS = 101
CHUNK_PERCENT = 5.0  # of charge per solver step


def charge_curve(cell: Cell, c_rate: float, temperature_c: float, soh_percent: float) -> tuple[np.ndarray, ...]:
    """Charge (Ah), voltage (V) and temperature (degC) of one charge up to the voltage limit, unevenly sampled."""
    from tools.simulation import virtual_cell

    virtual = virtual_cell(model_of(cell), soh_percent, temperature_c)
    current_a, limit_v = c_rate * cell.capacity_nominal_ah, cell.voltage_charge_cutoff_v
    state, traces, chunk_s = virtual.rested(0.0), [], CHUNK_PERCENT / 100 * 3600 / c_rate
    while not traces or traces[-1].voltage_v[-1] < limit_v:
        try:
            state, trace = virtual.step(state, current_a, chunk_s, 11)
        except CannotAnswer:  # ran past full within the chunk: go in smaller steps
            chunk_s /= 4
            if chunk_s < 1:
                raise
            continue
        traces.append(trace)
    names = ("t_s", "voltage_v", "temperature_c")
    time_s, volt, warm = (np.concatenate([getattr(t, name) for t in traces]) for name in names)
    end = int(np.argmax(volt >= limit_v))
    share = (limit_v - volt[end - 1]) / (volt[end] - volt[end - 1])
    cut = [np.append(x[:end], x[end - 1] + share * (x[end] - x[end - 1])) for x in (time_s, volt, warm)]
    return cut[0] * current_a / 3600, cut[1], cut[2]


def pulse_resistance_mohm(cell: Cell, temperature_c: float, soh_percent: float) -> float:
    """10 s charge pulse at 0.5C and 50 %: voltage rise over current."""
    from tools.simulation import virtual_cell

    virtual = virtual_cell(model_of(cell), soh_percent, temperature_c)
    current_a = 0.5 * cell.capacity_nominal_ah
    rest = virtual.step(virtual.rested(50.0), 1e-4 * current_a, 1.0, 2)[1].voltage_v[-1]
    return float(virtual.step(virtual.rested(50.0), current_a, 10.0, 3)[1].voltage_v[-1] - rest) / current_a * 1000


def build_one(cell: Cell, progress) -> dict[str, np.ndarray]:
    """All arrays of `tools.fleet.curves.Curves` for one cell."""
    model = model_of(cell)
    shape = (len(C_RATES), len(TEMPERATURES_C), len(SOH_PERCENT))
    volt, rise, end = np.zeros((*shape, POINTS)), np.zeros((*shape, POINTS)), np.zeros(shape)
    for i in np.ndindex(shape):
        charge, v, warm = charge_curve(cell, C_RATES[i[0]], TEMPERATURES_C[i[1]], SOH_PERCENT[i[2]])
        steps = np.linspace(0, charge[-1], POINTS)
        volt[i], rise[i], end[i] = np.interp(steps, charge, v), np.interp(steps, charge, warm - warm[0]), charge[-1]
        progress(1)
    resistance = [[pulse_resistance_mohm(cell, t, s) for s in SOH_PERCENT] for t in TEMPERATURES_C]
    capacity = [aged_state(model.parameterisation, s).capacity_ah * model.scale for s in SOH_PERCENT]
    return {"nominal_ah": np.float64(cell.capacity_nominal_ah), "c_rates": np.array(C_RATES),
            "temperatures_c": np.array(TEMPERATURES_C), "soh_percent": np.array(SOH_PERCENT),
            "voltage_v": np.rint(volt * 1e4).astype(np.uint16), "rise_c": np.rint(rise * 100).astype(np.int16),
            "end_ah": end, "resistance_mohm": np.array(resistance), "capacity_ah": np.array(capacity)}


def build(target: Path = CURVE_FILE) -> None:
    """Write the curves of all parameterisations; a finished one is kept beside the target until all are done."""
    from tqdm import tqdm

    arrays = {}
    for name in CELLS:
        cell = find_cell(name)
        key = model_of(cell).parameterisation.name
        part = target.with_name(f"{target.stem}.{key}.npz")
        if not part.exists():
            total = len(C_RATES) * len(TEMPERATURES_C) * len(SOH_PERCENT)
            with tqdm(total=total, desc=key) as bar:
                _write(part, build_one(cell, bar.update))
        with np.load(part) as data:
            arrays |= {f"{key}/{n}": data[n] for n in data.files}
    _write(target, arrays)
    for part in target.parent.glob(f"{target.stem}.*.npz"):
        part.unlink()


def _write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    with open(path.with_suffix(".tmp"), "wb") as file:
        np.savez_compressed(file, **arrays)
    os.replace(path.with_suffix(".tmp"), path)


if __name__ == "__main__":
    build()
