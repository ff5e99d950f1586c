"""The claim "a recommended charge holds every limit": seeded scenarios, each result simulated anew and counted.

The recommendation is taken at its word: its stages are run through the DFN on the fine mesh, and the trace is held
against 0 V at the anode and against the catalogue's own figures, read here and not by the code under test. Simulator
and parameterisations are those of the tool: this shows that a plan keeps its limits in the model, not in a real cell.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.progress import track
from rich.table import Table

from eval.report import header, people, print_header
from tools.cells import Cell, find_cell
from tools.errors import CannotAnswer

SEED = 20
CELLS = ("LG M50LT", "A123 26650", "Kokam 7.5Ah", "UMich pouch")  # those with a parameterisation of their own
COUNT = 12
COLDEST_C, HOTTEST_C = -6.0, 46.0  # a little beyond the usual window at both ends
USUAL_WINDOW_C = (0.0, 45.0)  # lithium-ion charging where a sheet states no window
USUAL_VOLTAGE_V = 4.2
LIMITS = ("anode", "voltage", "temperature", "current")
STEP_SAMPLES = 41


@dataclass(frozen=True)
class Scenario:
    """What somebody asks; percent, degC and minutes. `time_limit_min` and `priority` None: not said."""

    cell_model: str
    temperature_c: float
    soc_percent: float
    target_soc_percent: float
    soh_percent: float
    time_limit_min: float | None
    priority: str | None


def scenarios(count: int) -> list[Scenario]:
    """The first `count` of the seeded scenarios: three per cell, one in each twelfth of the temperatures."""
    rng, found = random.Random(SEED), []
    twelfths = rng.sample(range(COUNT), COUNT)
    for number in range(count):
        found.append(Scenario(
            cell_model=CELLS[number % len(CELLS)],
            temperature_c=round(COLDEST_C + (twelfths[number] + rng.random()) / COUNT * (HOTTEST_C - COLDEST_C), 1),
            soc_percent=float(rng.randrange(5, 50, 5)),
            target_soc_percent=float(rng.randrange(70, 100, 5)),
            soh_percent=float(rng.randrange(80, 101, 4)),
            time_limit_min=rng.choice((None, 25.0, 45.0, 90.0, 150.0)),
            priority=rng.choice((None, "fastest", "balanced", "longest_life"))))
    return found


def measure(count: int) -> dict[str, Any]:
    """Recommend and re-simulate each scenario: rows, and the counts that make the claim."""
    rows = [_row(scenario) for scenario in track(scenarios(count), description="charging", console=people)]
    charged = [row for row in rows if row["refused"] is None and row["crashed"] is None]
    dated = [row for row in charged if row["time_limit_min"] is not None]
    return header() | {
        "seed": SEED, "n": len(rows), "charged": len(charged),
        "refused": sum(row["refused"] is not None for row in rows),
        "crashed": sum(row["crashed"] is not None for row in rows),
        "refused_inside_window": sum(row["inside_window"] for row in rows if row["refused"] is not None),
        "violations": {limit: sum(limit in row["violations"] for row in charged) for limit in LIMITS},
        "deadlines": len(dated), "deadlines_met": sum(row["deadline_met"] for row in dated),
        "deadlines_impossible": sum(not row["deadline_met"] and row["earliest_time_min"] > row["time_limit_min"]
                                    for row in dated),
        "deadlines_missaid": sum(row["deadline_met"] is not row["deadline_said"] for row in dated),
        "rows": rows,
    }


def _row(scenario: Scenario) -> dict[str, Any]:
    cell = find_cell(scenario.cell_model)
    low_c, high_c = _window_c(cell)
    row = asdict(scenario) | {"current_a": 0.0, "refused": None, "crashed": None, "violations": [],
                              "inside_window": low_c <= scenario.temperature_c <= high_c}
    try:
        result = recommended(scenario)
    except CannotAnswer as error:
        return row | {"refused": str(error)}
    except Exception as error:  # whatever breaks the tool is counted, not the end of the measurement
        return row | {"crashed": f"{type(error).__name__}: {error}"[:200]}
    if not result.protocol:
        return row | {"refused": result.binding_constraint}
    row["current_a"] = result.current_a
    stages = [(stage.current_a, stage.until_soc_percent) for stage in result.protocol]
    trace = rerun(scenario, stages)
    limit_min, versus = scenario.time_limit_min, result.versus_cc_cv
    reached = trace["soc_percent"][-1] >= scenario.target_soc_percent - 0.05
    return row | {
        "violations": broken_limits(cell, scenario.temperature_c, trace),
        "min_anode_potential_v": min(trace["anode_potential_v"]), "max_voltage_v": max(trace["voltage_v"]),
        "max_temperature_c": max(trace["temperature_c"]),
        "charge_time_min": trace["t_min"][-1], "reached_soc_percent": trace["soc_percent"][-1],
        "deadline_met": None if limit_min is None else bool(reached and trace["t_min"][-1] <= limit_min + 0.05),
        "deadline_said": result.deadline_met, "earliest_time_min": result.earliest_time_min,
        "cc_cv_time_min": versus and versus.cc_cv_time_min,
        "cc_cv_min_anode_potential_v": versus and versus.cc_cv_min_anode_potential_v,
    }


def recommended(scenario: Scenario):
    """The tool's own full result for a scenario, through its public door."""
    from tools.arguments import RecommendChargingCurrent
    from tools.charging import recommend_charging_current
    from tools.contract import Context

    arguments = RecommendChargingCurrent(**asdict(scenario))
    with TemporaryDirectory() as home:
        return recommend_charging_current(arguments, Context(home=Path(home)))


def rerun(scenario: Scenario, stages: Sequence[tuple[float, float]]) -> dict[str, list[float]]:
    """Stages (A per cell, until percent) run through the DFN on the fine mesh; equally long series."""
    from tools.parameters import model_of
    from tools.simulation import virtual_cell

    cell = virtual_cell(model_of(find_cell(scenario.cell_model)), scenario.soh_percent, scenario.temperature_c, "fine")
    state, series = cell.rested(scenario.soc_percent), {}
    for current_a, until_soc_percent in stages:
        state, trace = cell.charge(state, current_a, until_soc_percent, STEP_SAMPLES)
        found = {"t_min": trace.t_s / 60, "current_a": trace.current_a, "voltage_v": trace.voltage_v,
                 "temperature_c": trace.temperature_c, "anode_potential_v": trace.anode_potential_v,
                 "soc_percent": trace.soc_percent}
        for name, values in found.items():
            series.setdefault(name, []).extend(float(v) for v in values)
    return series


def broken_limits(cell: Cell, ambient_c: float, trace: Mapping[str, Sequence[float]]) -> list[str]:
    """Which of anode, voltage, temperature and current a trace breaks anywhere."""
    low_c, high_c = _window_c(cell)
    voltage_v = cell.voltage_charge_cutoff_v or USUAL_VOLTAGE_V
    broken = {
        "anode": min(trace["anode_potential_v"]) < 0,
        "voltage": max(trace["voltage_v"]) > voltage_v,
        "temperature": ambient_c < low_c or max(trace["temperature_c"]) > high_c,
        "current": any(current_a > min(maker_current_a(cell, ambient_c), maker_current_a(cell, warm_c)) * (1 + 1e-6)
                       for current_a, warm_c in zip(trace["current_a"], trace["temperature_c"], strict=True)),
    }
    return [limit for limit in LIMITS if broken[limit]]


def maker_current_a(cell: Cell, temperature_c: float) -> float:
    """The highest charge current the catalogue states at a cell temperature, A; infinite where it states none."""
    stated = cell.charge_current_max_a or cell.charge_current_standard_a or float("inf")
    bands = [band for band in cell.charge_derating if band.temp_min_c <= temperature_c <= band.temp_max_c]
    currents = [band.current_max_a for band in bands if band.current_max_a is not None]
    currents += [band.c_rate_max * cell.capacity_nominal_ah for band in bands if band.c_rate_max is not None]
    return min([stated, *currents])


def _window_c(cell: Cell) -> tuple[float, float]:
    low_c, high_c = cell.charge_temperature_min_c, cell.charge_temperature_max_c
    return USUAL_WINDOW_C[0] if low_c is None else low_c, USUAL_WINDOW_C[1] if high_c is None else high_c


def print_report(report: Mapping[str, Any]) -> None:
    """The scenarios and the counts, for people, on stderr."""
    print_header(f"Charging: {report['n']} scenarios (seed {report['seed']}), each plan simulated anew in the DFN",
                 report)
    table = Table("cell", "asked", "A", "min", "CC-CV\nmin", "anode\nmV", "CC-CV\nmV", "max V", "max\ndegC", "broken")
    for row in report["rows"]:
        table.add_row(row["cell_model"], _asked(row), *_outcome(row))
    people.print(table)
    people.print(f"broken in {report['charged']} charges: "
                 + ", ".join(f"{limit} {n}" for limit, n in report["violations"].items()))
    people.print(f"deadlines: {report['deadlines_met']} of {report['deadlines']} met, "
                 f"{report['deadlines_impossible']} impossible within the limits, "
                 f"{report['deadlines_missaid']} wrongly promised or denied")
    people.print(f"refused: {report['refused']}, {report['refused_inside_window']} of them inside the maker's "
                 f"temperature window; crashed: {report['crashed']}")


def _asked(row: Mapping[str, Any]) -> str:
    wishes = [f"{row['time_limit_min']:g} min"] if row["time_limit_min"] is not None else []
    wishes += [row["priority"]] if row["priority"] else []
    return ", ".join([f"{row['temperature_c']:g} degC", f"{row['soc_percent']:g} to {row['target_soc_percent']:g} %",
                      f"SoH {row['soh_percent']:g} %", *wishes])


def _outcome(row: Mapping[str, Any]) -> tuple[str, ...]:
    if row["refused"]:
        return ("0", *"------", f"refused: {row['refused']}")
    if row["crashed"]:
        return (*"-------", f"crashed: {row['crashed'][:80]}")
    late = {True: " in time", False: " late", None: ""}[row["deadline_met"]]
    return (f"{row['current_a']:.2f}", f"{row['charge_time_min']:.1f}{late}", _number(row["cc_cv_time_min"], 1),
            _number(row["min_anode_potential_v"], 1, 1000), _number(row["cc_cv_min_anode_potential_v"], 1, 1000),
            _number(row["max_voltage_v"], 3), _number(row["max_temperature_c"], 1),
            ", ".join(row["violations"]) or "nothing")


def _number(value: float | None, digits: int, scale: float = 1.0) -> str:
    return "-" if value is None else f"{value * scale:.{digits}f}"
