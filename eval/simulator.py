"""The claim "the simulated cells are like measured ones": PyBaMM's DFN, and later its copies, against measured cells.

Every record's current is put into the model; voltage and temperature are held against the cell's. A perfect copy of
a wrong simulator is wrong, so this is where the ground truth itself is judged. "published" are the parameter sets
as printed, "ours" what the tools use, "ours, moving air" the same at the cooling of the chamber in which the LG M50s
were measured. Records that a calibration has seen are marked; the others are held out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track
from rich.table import Table

from eval.measured_cells import DRIVE, Record, records
from eval.report import header, people, print_header
from tools.errors import CannotAnswer
from tools.parameters import (
    OKANE2022,
    CellModel,
    Parameterisation,
    aged_state,
    fresh_capacity_ah,
    parameter_values,
)
from tools.simulation import VirtualCell, joined

# (parameterisation, initial SoC in percent, ambient in degC, t_s (N,), current_a (N,) charging positive and in the
# set's own size) -> "voltage_v" and "temperature_c", each (N,); CannotAnswer where it has no answer
Predictor = Callable[[Parameterisation, float, float, np.ndarray, np.ndarray], Mapping[str, np.ndarray]]

SAME = 0.005
MOVING_AIR_W_PER_M2_K = 30.0  # measured on the LG M50s: energy lost over a full cycle over the mean temperature rise
REST_SHARES = np.linspace(-0.05, 1.05, 1101)
ERRORS = ("voltage_rmse_mv", "voltage_mae_mv", "voltage_bias_mv", "voltage_spread_mv", "temperature_rmse_k",
          "temperature_mae_k", "charge_error_percent", "resistance_error_percent")


def dfn(parameterisation: Parameterisation, soc_percent: float, ambient_c: float, t_s: np.ndarray,
        current_a: np.ndarray) -> dict[str, np.ndarray]:
    """PyBaMM's DFN as the tools use it; `current_a[i]` holds from t_s[i - 1] to t_s[i]."""
    cell = VirtualCell(CellModel(None, parameterisation, 1.0, None), aged_state(parameterisation, 100), ambient_c)
    state, traces = cell.rested(soc_percent), []
    for first, last in _stretches(current_a):
        seconds = np.diff(t_s[first:last + 1])
        mean_a = float(np.average(current_a[first + 1:last + 1], weights=seconds))
        state, trace = cell.step(state, mean_a, float(seconds.sum()), last - first + 1)
        traces.append(trace)
    steps = joined(traces)
    # a stretch begins where the last one ended, with another voltage: the sample there belongs to the last one
    steps_s = steps.t_s + np.repeat(1e-6 * np.arange(1, len(traces) + 1), [len(trace.t_s) for trace in traces])
    return {"voltage_v": np.interp(t_s, steps_s, steps.voltage_v),
            "temperature_c": np.interp(t_s, steps_s, steps.temperature_c)}


def _stretches(current_a: np.ndarray) -> list[tuple[int, int]]:
    """First and last sample of every stretch in which the current stays within `SAME` of its highest."""
    room, ends, start = SAME * np.abs(current_a).max(), [], 0
    for sample in range(2, len(current_a)):
        if abs(current_a[sample] - current_a[start + 1]) > room:
            ends.append((start, sample - 1))
            start = sample - 1
    return [*ends, (start, len(current_a) - 1)]


@lru_cache(maxsize=8)
def as_published(parameterisation: Parameterisation) -> Parameterisation:
    """The set with every value that it prints itself; only what it lacks is completed."""
    def completion(values):
        return {key: value for key, value in parameterisation.completion(values).items() if key not in values}

    return replace(parameterisation, completion=completion)


@lru_cache(maxsize=8)
def in_moving_air(parameterisation: Parameterisation) -> Parameterisation | None:
    """The LG M50 set as the tools use it, cooled as in the chamber that measured it; no other cell's was."""
    if parameterisation is not OKANE2022:
        return None

    def completion(values):
        return parameterisation.completion(values) | {"Total heat transfer coefficient [W.m-2.K-1]":
                                                      MOVING_AIR_W_PER_M2_K}

    return replace(parameterisation, completion=completion)


PREDICTORS: dict[str, Predictor] = {"published": dfn, "ours": dfn, "ours, moving air": dfn}
# Predictors that simulate another set than the tools' own; None: nothing to compare there.
SETS: dict[str, Callable[[Parameterisation], Parameterisation | None]] = {
    "published": as_published, "ours, moving air": in_moving_air}


def soc_at_rest_percent(parameterisation: Parameterisation, voltage_v: float) -> float:
    """State of charge at which the set's open-circuit voltage is `voltage_v`; for sloping curves, not for LFP."""
    import pybamm

    aged, values = aged_state(parameterisation, 100), parameter_values(parameterisation)
    lithium = pybamm.LithiumIonParameters()
    reference = pybamm.Scalar(values["Reference temperature [K]"])
    x = pybamm.Vector(aged.x_0 + REST_SHARES * (aged.x_100 - aged.x_0))
    y = pybamm.Vector(aged.y_0 + REST_SHARES * (aged.y_100 - aged.y_0))
    curve = np.ravel(values.evaluate(lithium.p.prim.U(y, reference) - lithium.n.prim.U(x, reference)))
    return 100 * float(np.interp(voltage_v, curve, REST_SHARES))


def measure(data_dir: Path, predictors: Mapping[str, Predictor] = PREDICTORS) -> list[dict[str, Any]]:
    """One row per record and predictor: what was tested, and the errors, predicted minus measured.

    Raises ValueError when `data_dir` has no measured cells.
    """
    rows = []
    for record in track(records(data_dir), description="measured cells", console=people):
        for name, predictor in predictors.items():
            chosen = SETS.get(name, lambda parameterisation: parameterisation)(record.parameterisation)
            if chosen is not None:
                rows.append({"source": record.source, "cell": record.cell, "test": record.test,
                             "ambient_c": round(record.ambient_c, 1), "fitted": record.fitted, "predictor": name,
                             "parameterisation": chosen.name} | _errors(record, chosen, predictor))
    return rows


def _errors(record: Record, chosen: Parameterisation, predictor: Predictor) -> dict[str, Any]:
    soc_percent = record.soc_percent
    if soc_percent is None:
        soc_percent = soc_at_rest_percent(chosen, record.voltage_v[0])
    own_size_a = record.current_a * fresh_capacity_ah(chosen) / record.capacity_ah
    try:
        found = predictor(chosen, soc_percent, record.ambient_c, record.t_s, own_size_a)
    except CannotAnswer as error:
        return dict.fromkeys(ERRORS) | {"failed": str(error)}
    voltage_v = np.asarray(found["voltage_v"])
    gap_mv = 1e3 * (voltage_v - record.voltage_v)[record.scored]
    errors = dict.fromkeys(ERRORS) | {
        "voltage_rmse_mv": _rms(gap_mv), "voltage_mae_mv": float(np.abs(gap_mv).mean()),
        "voltage_bias_mv": float(gap_mv.mean()), "voltage_spread_mv": float(gap_mv.std()),
        "charge_error_percent": _charge_error_percent(record, voltage_v), "failed": None}
    if record.test == DRIVE:
        predicted, measured = (_resistance(volts, record.current_a) for volts in (voltage_v, record.voltage_v))
        errors["resistance_error_percent"] = 100 * (predicted / measured - 1)
    if record.temperature_c is not None:
        warmer_k = (np.asarray(found["temperature_c"]) - record.temperature_c)[record.scored]
        errors |= {"temperature_rmse_k": _rms(warmer_k), "temperature_mae_k": float(np.abs(warmer_k).mean())}
    return errors


def _charge_error_percent(record: Record, voltage_v: np.ndarray) -> float | None:
    """Charge passed until `at_v`, predicted minus measured, percent of capacity; None where it is not reached."""
    if record.at_v is None:
        return None
    passed_ah = np.concatenate([[0.0], np.cumsum(np.abs(record.current_a[1:]) * np.diff(record.t_s)) / 3600])
    charging = record.current_a[record.scored].mean() > 0
    reached = []
    for volts in (voltage_v, record.voltage_v):
        beyond = np.flatnonzero((volts >= record.at_v if charging else volts <= record.at_v) & record.scored)
        if len(beyond) == 0:
            return None
        reached.append(passed_ah[beyond[0]])
    return float(100 * (reached[0] - reached[1]) / record.capacity_ah)


def _resistance(voltage_v: np.ndarray, current_a: np.ndarray) -> float:
    """What the voltage answers to the current's larger jumps from sample to sample, ohm."""
    jumps_a, jumps_v = np.diff(current_a[1:]), np.diff(voltage_v[1:])
    large = np.abs(jumps_a) > 0.1 * np.abs(jumps_a).max()
    return float((jumps_a * jumps_v)[large].sum() / (jumps_a[large] ** 2).sum())


def _rms(errors: np.ndarray) -> float:
    return float(np.sqrt((errors**2).mean()))


def report(data_dir: Path | None, predictors: Mapping[str, Predictor] = PREDICTORS) -> dict[str, Any]:
    """The rows of `measure` and their means. Raises ValueError when no directory was given or it holds nothing."""
    if data_dir is None:
        raise ValueError("Measured cells do not come with the project: give their directory with --data DIR.")
    rows = measure(data_dir, predictors)
    return header() | {"data": data_dir.name, "rows": rows, "means": means(rows)}


def means(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Mean errors per cell model, test, ambient temperature, seen by a calibration or not, and predictor."""
    keys = ("parameterisation", "test", "ambient_c", "fitted", "predictor")
    groups: dict[tuple, list] = {}
    for row in rows:
        groups.setdefault(tuple(_chamber(row[key]) if key == "ambient_c" else row[key] for key in keys), []).append(row)
    return [dict(zip(keys, group, strict=True)) | {"n": len(members), "failed": sum(bool(m["failed"]) for m in members)}
            | {name: _mean([m[name] for m in members]) for name in ERRORS} for group, members in groups.items()]


def _chamber(ambient_c: float) -> int:
    """Chambers stand a little beside what they were set to: 9.3 is 10 degC."""
    return 5 * round(ambient_c / 5)


def _mean(numbers: Sequence[float | None]) -> float | None:
    known = [number for number in numbers if number is not None]
    return float(np.mean(known)) if known else None


def print_report(report: Mapping[str, Any]) -> None:
    """The means, for people, on stderr: spread is about the bias, charge that passed until a voltage near the end."""
    print_header("Simulator against measured cells: errors, predicted minus measured", report)
    print_rows(report["means"])


def print_rows(rows: Sequence[Mapping[str, Any]]) -> None:
    table = Table("set", "test", "degC", "seen", "predictor", "n", "V rmse\nmV", "V mae\nmV", "V bias\nmV",
                  "V spread\nmV", "T rmse\nK", "charge\n%", "1 s ohm\n%")
    for row in sorted(rows, key=lambda r: (r["parameterisation"], r["test"], r["ambient_c"], r["fitted"])):
        table.add_row(row["parameterisation"], row["test"], f"{row['ambient_c']:g}", "yes" if row["fitted"] else "no",
                      row["predictor"], f"{row['n'] - row['failed']} of {row['n']}",
                      *(_number(row[name], digits) for name, digits in (
                          ("voltage_rmse_mv", 0), ("voltage_mae_mv", 0), ("voltage_bias_mv", 0),
                          ("voltage_spread_mv", 0), ("temperature_rmse_k", 2), ("charge_error_percent", 1),
                          ("resistance_error_percent", 0))))
    people.print(table)


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
