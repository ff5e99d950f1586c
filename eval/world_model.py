"""The claim "the world model answers as the DFN does": fresh one-hour runs, both models, errors per cell model.

Temperatures, health and protocols are drawn anew from `--seed`; the protocols are of other kinds than the random
currents of the training. Truth is PyBaMM's DFN on a mesh whose shells are thin at the
particles' surface, which is closer to a converged one than PyBaMM's default.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track
from rich.table import Table

from eval.report import header, people, print_header
from eval.simulator import print_rows
from tools.cells import find_cell
from tools.errors import CannotAnswer
from tools.parameters import model_of
from tools.simulation import virtual_cell

CELLS = ("LG M50LT", "A123 26650", "UMich pouch", "Kokam 7.5Ah")
KINDS = ("constant current", "CC-CV", "stages", "pulses", "drive", "day")
VOLTAGES_V = {"A123 26650": (2.0, 3.6), "UMich pouch": (2.8, 4.2)}  # the parameter sets' own
USUAL_VOLTAGES_V = (2.5, 4.2)
HIGHEST_C_RATE = {"A123 26650": 4.0}
USUAL_HIGHEST_C_RATE = 2.0
HOUR_S = 3600.0
EMPTY_UNTIL_V = 0.3  # an empty cell is not discharged again before it has recovered by so much
ROOM_V = 0.1  # scored within the cell's voltage window and this much beyond it
TARGETS = {"voltage_mae_mv": 1.7, "anode_mae_mv": 2.0, "lowest_anode_mae_mv": 5.0, "temperature_mae_k": 0.2}


def measure(seed: int, runs: int, measured_cells: Path | None = None) -> dict[str, Any]:
    """`runs` per cell model: one row each, and the means per cell model, per kind and over all; with a directory of
    measured cells also the DFN and the world model against those."""
    rows = []
    for cell_model in CELLS:
        for number in track(range(runs), description=cell_model, console=people):
            rng = np.random.default_rng([seed, number, *cell_model.encode()])
            rows.append(compare(cell_model, KINDS[number % len(KINDS)], rng))
    return header() | {
        "seed": seed, "runs": runs, "targets": TARGETS, "rows": rows,
        "cells": {name: _means([r for r in rows if r["cell_model"] == name]) for name in CELLS},
        "kinds": {kind: _means([r for r in rows if r["kind"] == kind]) for kind in KINDS},
        "all": _means(rows), "measured_cells": _against_measured(measured_cells) if measured_cells else None}


def _against_measured(directory: Path) -> list[dict[str, Any]]:
    from eval import simulator
    from tools.world.rollout import predict

    return simulator.means(simulator.measure(directory, {"DFN": simulator.dfn, "world model": predict}))


def compare(cell_model: str, kind: str, rng: np.random.Generator) -> dict[str, Any]:
    """One hour in the DFN, its currents given to the world model: errors of the latter."""
    from tools.world.rollout import predict

    model = model_of(find_cell(cell_model))
    ambient_c, soh = float(rng.uniform(-20, 55)), float(rng.uniform(70, 100))
    soc = float(rng.uniform(2, 40) if kind in KINDS[:3] else rng.uniform(25, 75))
    window_v = VOLTAGES_V.get(cell_model, USUAL_VOLTAGES_V)
    highest = HIGHEST_C_RATE.get(cell_model, USUAL_HIGHEST_C_RATE)
    truth = _hour(virtual_cell(model, soh, ambient_c, "fine"), soc, kind,
                  highest * rng.uniform(0.15, 1) * np.clip(np.exp(0.04 * (ambient_c - 25)), 0.1, 1),
                  window_v, rng)
    found = predict(model.parameterisation, soc, ambient_c, truth["t_s"], truth["current_a"] / model.scale, soh)
    scored = _inside(truth["voltage_v"], window_v)
    gap = {name: np.abs(found[name] - truth[name])[scored]
           for name in ("voltage_v", "anode_potential_v", "temperature_c")}
    return {"cell_model": cell_model, "kind": kind, "ambient_c": round(ambient_c, 1), "soh_percent": round(soh, 1),
            "soc_percent": round(soc, 1),
            "highest_c_rate": float(np.abs(truth["current_a"]).max() / model.fresh_capacity_ah),
            "voltage_mae_mv": 1e3 * float(gap["voltage_v"].mean()),
            "voltage_p95_mv": 1e3 * float(np.quantile(gap["voltage_v"], 0.95)),
            "anode_mae_mv": 1e3 * float(gap["anode_potential_v"].mean()),
            "lowest_anode_mae_mv": 1e3 * abs(float(found["anode_potential_v"][scored].min() - truth["lowest_anode_v"])),
            "temperature_mae_k": float(gap["temperature_c"].mean())}


def _hour(cell, soc_percent: float, kind: str, c_rate: float, voltages_v: tuple[float, float],
          rng: np.random.Generator) -> dict[str, Any]:
    """The DFN over an hour: values at the ends of the steps, and the lowest anode potential anywhere between."""
    state = cell.rested(soc_percent)
    rows, lowest = [(0.0, 0.0, np.nan, np.nan, np.nan)], np.inf
    wanted = _currents(kind, c_rate, rng)
    share, room, empty = 1.0, 0.03, False
    while rows[-1][0] < HOUR_S - 1:
        seconds, c = next(wanted)
        amperes = c * share * cell.model.fresh_capacity_ah
        if (amperes > 0 and state.soc_percent > 99.5) or (amperes < 0 and (state.soc_percent < 0.5 or empty)):
            amperes = 0.0
        try:
            state, trace = cell.step(state, amperes, min(seconds, HOUR_S - rows[-1][0]), 5)
        except CannotAnswer:  # a current beyond the cell: less of it
            share *= 0.5
            continue
        volts = float(trace.voltage_v[-1])
        # Hold the voltage as a charger would: less current beyond the limit, the whole of it again well inside.
        if not voltages_v[0] - room < volts < voltages_v[1] + room / 3:
            share *= 0.8
        elif share < 1 and kind not in KINDS[:3]:
            share = min(1.0, share * 1.05)
        empty = volts < voltages_v[0] or (empty and volts < voltages_v[0] + EMPTY_UNTIL_V)
        if _inside(volts, voltages_v):
            lowest = min(lowest, float(trace.anode_potential_v[1:].min()))
        rows.append((state.t_s, amperes, volts, float(trace.temperature_c[-1]), float(trace.anode_potential_v[-1])))
    names = ("t_s", "current_a", "voltage_v", "temperature_c", "anode_potential_v")
    return dict(zip(names, np.array(rows).T, strict=True)) | {"lowest_anode_v": lowest}


def _inside(voltage_v, window_v: tuple[float, float]):
    return (voltage_v > window_v[0] - ROOM_V) & (voltage_v < window_v[1] + ROOM_V)


def _currents(kind: str, c_rate: float, rng: np.random.Generator) -> Iterator[tuple[float, float]]:
    """(seconds, C-rate) without end; positive charges."""
    level = c_rate
    while True:
        if kind in ("constant current", "CC-CV"):
            yield 60.0, c_rate
        elif kind == "stages":
            for _ in range(int(rng.integers(5, 14))):
                yield 60.0, level
            level *= rng.uniform(0.6, 0.95)
        elif kind == "pulses":
            sign = rng.choice((-1.0, 1.0))
            yield from [(30.0, sign * c_rate)] * int(rng.integers(2, 8))
            yield from [(60.0, 0.0)] * int(rng.integers(1, 6))
        elif kind == "drive":
            level = 0.7 * level + rng.normal(-0.12, 0.5) * c_rate
            yield 10.0, float(np.clip(level, -c_rate, 0.6 * c_rate))
        else:
            yield from [(60.0, -c_rate)] * 20
            yield from [(60.0, 0.0)] * 10
            yield from [(60.0, 0.8 * c_rate)] * 30


def _means(rows: list[dict[str, Any]]) -> dict[str, float]:
    means = {name: float(np.mean([row[name] for row in rows])) for name in TARGETS}
    lowest = np.array([row["lowest_anode_mae_mv"] for row in rows])
    return {"n": len(rows)} | means | {"lowest_anode_within_5_mv_percent": 100 * float(np.mean(lowest <= 5.0))}


def print_report(report: Mapping[str, Any]) -> None:
    """Errors per cell model and per kind beside the targets, for people, on stderr."""
    print_header(f"World model against the DFN: one-hour runs never seen in training (seed {report['seed']})", report)
    table = Table("", "runs", "voltage\nMAE mV", "anode\nMAE mV", "lowest anode\nMAE mV", "within\n5 mV",
                  "temperature\nMAE K")
    table.add_row("target", "", *(f"{report['targets'][name]:g}" for name in list(TARGETS)[:3]), "100 %",
                  f"{TARGETS['temperature_mae_k']:g}")
    for name, row in [*report["cells"].items(), *report["kinds"].items(), ("all", report["all"])]:
        table.add_row(name, str(row["n"]), f"{row['voltage_mae_mv']:.2f}", f"{row['anode_mae_mv']:.2f}",
                      f"{row['lowest_anode_mae_mv']:.2f}", f"{row['lowest_anode_within_5_mv_percent']:.0f} %",
                      f"{row['temperature_mae_k']:.3f}")
    people.print(table)
    if report["measured_cells"]:
        people.print("Both against measured cells, predicted minus measured:")
        print_rows(report["measured_cells"])
