"""The claim "the best charging current that physics allows": drawn scenarios, each result simulated anew and timed.

The recommendation is taken at its word: its stages are run through the DFN on a finer mesh, and the trace is held
against 0 V at the anode and against the catalogue's own figures, read here and not by the code under test. How fast a
charge could be at best is found in `eval.reference`. Simulator and parameterisations are those of the tool: this shows
that a plan keeps its limits in the model, not in a real cell.
"""

import json
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

from rich.progress import track
from rich.table import Table

from eval.reference import Bounds, fastest_charge
from eval.report import header, people, print_header
from tools.cells import Cell, find_cell
from tools.contract import EnvelopeName
from tools.errors import CannotAnswer

SEED = 20
CELLS = ("LG M50LT", "A123 26650", "Kokam 7.5Ah", "UMich pouch")  # those with a parameterisation of their own
COLDEST_C, HOTTEST_C = -5.0, 45.0
USUAL_WINDOW_C = (0.0, 45.0)  # lithium-ion charging where a sheet states no window
USUAL_VOLTAGE_V = 4.2
PHYSICS_C_RATE, PHYSICS_LOWEST_C = 2.0, -20.0  # of the physics envelope, as designed
LIMITS = ("anode", "voltage", "temperature", "current")
STEP_SAMPLES = 15
NEAR = 1.05  # fastest must be within 5 % of the best time; a deadline nearer to that than this is a tie


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


def scenarios(count: int, seed: int = SEED) -> list[Scenario]:
    """The first `count` scenarios of a seed: cells in turn, temperatures spread evenly over each dozen."""
    rng, found = random.Random(seed), []
    for number in range(count):
        if number % 12 == 0:
            twelfths = rng.sample(range(12), 12)
        found.append(Scenario(
            cell_model=CELLS[number % len(CELLS)],
            temperature_c=round(COLDEST_C + (twelfths[number % 12] + rng.random()) / 12 * (HOTTEST_C - COLDEST_C), 1),
            soc_percent=float(rng.randrange(5, 50, 5)),
            target_soc_percent=float(rng.randrange(60, 96, 5)),
            soh_percent=float(rng.randrange(70, 101, 3)),
            time_limit_min=rng.choice((None, float(rng.randrange(10, 60, 5)), float(rng.randrange(60, 240, 20)))),
            priority=rng.choice((None, "fastest", "balanced", "longest_life"))))
    return found


def measure(count: int, seed: int = SEED, envelope: EnvelopeName = "physics",
            work: Path | None = None) -> dict[str, Any]:
    """Recommend, re-simulate and compare each scenario. `work`: JSON lines, one a scenario, resumed where they end."""
    done = _read(work)
    if not done:
        _warm_up(envelope)
    rows = []
    for scenario in track(scenarios(count, seed), description="charging", console=people):
        key = json.dumps([envelope, *asdict(scenario).values()])
        if key not in done:
            done[key] = _row(scenario, envelope)
            if work is not None:
                with work.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"key": key, "row": done[key]}) + "\n")
        rows.append(done[key])
    return header() | {"seed": seed, "envelope": envelope, "n": len(rows)} | _counts(rows) | {"rows": rows}


def _read(work: Path | None) -> dict[str, dict[str, Any]]:
    if work is None or not work.exists():
        return {}
    lines = [json.loads(line) for line in work.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
    return {line["key"]: line["row"] for line in lines}


def _counts(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    charged = [row for row in rows if row["refused"] is None and row["crashed"] is None]
    dated = [row for row in charged if row["time_limit_min"] is not None and row.get("best_min")]
    kinds = {kind: [row for row in dated if row["deadline"] == kind] for kind in ("feasible", "tie", "infeasible")}
    ratios = sorted(row["fastest_ratio"] for row in charged if row.get("fastest_ratio"))
    return {
        "charged": len(charged), "refused": sum(row["refused"] is not None for row in rows),
        "crashed": sum(row["crashed"] is not None for row in rows),
        "refused_inside_window": sum(row["inside_window"] for row in rows if row["refused"] is not None),
        "short_of_target": sum(row["reached_soc_percent"] < row["target_soc_percent"] - 0.05 for row in charged),
        "violations": {limit: sum(limit in row["violations"] for row in charged) for limit in LIMITS},
        "fastest_ratio": {"n": len(ratios), "median": median(ratios), "worst": ratios[-1],
                          "within": sum(ratio <= NEAR for ratio in ratios)} if ratios else None,
        "deadlines": {kind: len(found) for kind, found in kinds.items()},
        "deadlines_met": {kind: sum(row["deadline_met"] for row in found) for kind, found in kinds.items()},
        "deadlines_missaid": sum(row["deadline_met"] is not row["deadline_said"] for row in dated),
        "seconds": {name: _spread([row["seconds"][name] for row in charged])
                    for name in ("whole", "whole_cpu", "search", "check")} if charged else None,
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": median(values), "p95": quantiles(values, n=20)[-1] if len(values) > 1 else values[0]}


def _row(scenario: Scenario, envelope: EnvelopeName) -> dict[str, Any]:
    cell = find_cell(scenario.cell_model)
    low_c, high_c = _window_c(cell, envelope)
    row = asdict(scenario) | {"current_a": 0.0, "refused": None, "crashed": None, "violations": [],
                              "inside_window": low_c <= scenario.temperature_c <= high_c}
    try:
        result, seconds = _timed(scenario, envelope)
    except CannotAnswer as error:
        return row | {"refused": str(error)}
    except Exception as error:  # whatever breaks the tool is counted, not the end of the measurement
        return row | {"crashed": f"{type(error).__name__}: {error}"[:200]}
    if not result.protocol:
        return row | {"refused": result.binding_constraint}
    trace = rerun(scenario, [(stage.current_a, stage.until_soc_percent) for stage in result.protocol])
    limit_min, versus = scenario.time_limit_min, result.versus_cc_cv
    reached = trace["soc_percent"][-1] >= scenario.target_soc_percent - 0.05
    return row | {
        "current_a": result.current_a, "stages": len(result.protocol), "seconds": seconds,
        "violations": broken_limits(cell, scenario.temperature_c, trace, envelope),
        "min_anode_potential_v": min(trace["anode_potential_v"]), "max_voltage_v": max(trace["voltage_v"]),
        "max_temperature_c": max(trace["temperature_c"]), "version": result.version,
        "charge_time_min": trace["t_min"][-1], "reached_soc_percent": trace["soc_percent"][-1],
        "deadline_met": None if limit_min is None else bool(reached and trace["t_min"][-1] <= limit_min + 0.05),
        "deadline_said": result.deadline_met, "earliest_time_min": result.earliest_time_min,
        "cc_cv_time_min": versus and versus.cc_cv_time_min,
        "cc_cv_min_anode_potential_v": versus and versus.cc_cv_min_anode_potential_v,
    } | _against_best(scenario, cell, envelope, result)


def _against_best(scenario: Scenario, cell: Cell, envelope: EnvelopeName, result) -> dict[str, Any]:
    """How the fastest plan compares with the best time, and what that says about the deadline."""
    fastest = result
    if scenario.priority != "fastest" or scenario.time_limit_min is not None:
        fastest = recommended(replace(scenario, priority="fastest", time_limit_min=None), envelope)
    bounds = Bounds(cell.voltage_charge_cutoff_v or USUAL_VOLTAGE_V, _window_c(cell, envelope)[1],
                    lambda warm_c: min(allowed_current_a(cell, t, envelope) for t in (scenario.temperature_c, warm_c)))
    best = fastest_charge(cell, scenario.soc_percent, scenario.target_soc_percent, scenario.temperature_c,
                          scenario.soh_percent, bounds)
    if best.reached_soc_percent < scenario.target_soc_percent - 0.05:
        return {"best_reached_soc_percent": best.reached_soc_percent, "best_min": None}
    limit_min, kind = scenario.time_limit_min, None
    if limit_min is not None:
        kind = "infeasible" if limit_min < best.minutes else "feasible" if limit_min > NEAR * best.minutes else "tie"
    whole = fastest.reached_soc_percent >= scenario.target_soc_percent - 0.05
    return {"best_min": best.minutes, "fastest_min": fastest.charge_time_min, "deadline": kind,
            "fastest_ratio": fastest.charge_time_min / best.minutes if whole else None}


def recommended(scenario: Scenario, envelope: EnvelopeName = "datasheet"):
    """The tool's own full result for a scenario, through its public door."""
    from tools.arguments import RecommendChargingCurrent
    from tools.charging import recommend_charging_current
    from tools.contract import Context

    arguments = RecommendChargingCurrent(**asdict(scenario))
    with TemporaryDirectory() as home:
        return recommend_charging_current(arguments, Context(home=Path(home), envelope=envelope))


def _warm_up(envelope: EnvelopeName) -> None:
    """Models are built once per process, as in a running service."""
    for cell_model in CELLS:
        recommended(Scenario(cell_model, 22.0, 40.0, 60.0, 90.0, None, "fastest"), envelope)


def _timed(scenario: Scenario, envelope: EnvelopeName) -> tuple[Any, dict[str, float]]:
    """The result, and seconds: whole, of it processor, of it search (world model) and check (DFN)."""
    import tools.plans
    from tools.simulation import VirtualCell

    with _clocked(tools.plans, "expect") as search, _clocked(VirtualCell, "step") as check:
        start, start_cpu = time.perf_counter(), time.process_time()
        result = recommended(scenario, envelope)
        whole, cpu = time.perf_counter() - start, time.process_time() - start_cpu
    return result, {"whole": whole, "whole_cpu": cpu, "search": sum(search), "check": sum(check)}


@contextmanager
def _clocked(owner: Any, name: str) -> Iterator[list[float]]:
    """Collects the seconds of each call of a function while the block runs."""
    function, seconds = getattr(owner, name), []

    def clocked(*arguments, **named):
        start = time.perf_counter()
        try:
            return function(*arguments, **named)
        finally:
            seconds.append(time.perf_counter() - start)

    setattr(owner, name, clocked)
    try:
        yield seconds
    finally:
        setattr(owner, name, function)


def rerun(scenario: Scenario, stages: Sequence[tuple[float, float]]) -> dict[str, list[float]]:
    """Stages (A per cell, until percent) run through the DFN on the fine mesh; equally long series."""
    from tools.parameters import model_of
    from tools.simulation import virtual_cell

    model = model_of(find_cell(scenario.cell_model))
    cell = virtual_cell(model, scenario.soh_percent, scenario.temperature_c, "fine")
    state, series = cell.rested(scenario.soc_percent), {}
    for current_a, until_soc_percent in stages:
        state, trace = cell.charge(state, current_a, until_soc_percent, STEP_SAMPLES)
        found = {"t_min": trace.t_s / 60, "current_a": trace.current_a, "voltage_v": trace.voltage_v,
                 "temperature_c": trace.temperature_c, "anode_potential_v": trace.anode_potential_v,
                 "soc_percent": trace.soc_percent}
        for name, values in found.items():
            series.setdefault(name, []).extend(float(v) for v in values)
    return series


def broken_limits(cell: Cell, ambient_c: float, trace: Mapping[str, Sequence[float]],
                  envelope: EnvelopeName = "datasheet") -> list[str]:
    """Which of anode, voltage, temperature and current a trace breaks anywhere."""
    low_c, high_c = _window_c(cell, envelope)
    voltage_v = cell.voltage_charge_cutoff_v or USUAL_VOLTAGE_V
    broken = {
        "anode": min(trace["anode_potential_v"]) < 0,
        "voltage": max(trace["voltage_v"]) > voltage_v,
        "temperature": ambient_c < low_c or max(trace["temperature_c"]) > high_c,
        "current": any(
            current_a > (1 + 1e-6) * min(allowed_current_a(cell, t, envelope) for t in (ambient_c, warm_c))
            for current_a, warm_c in zip(trace["current_a"], trace["temperature_c"], strict=True)),
    }
    return [limit for limit in LIMITS if broken[limit]]


def allowed_current_a(cell: Cell, temperature_c: float, envelope: EnvelopeName) -> float:
    """The highest charge current at a cell temperature: the maker's, or 2C (more where the maker states more)."""
    if envelope == "datasheet":
        return maker_current_a(cell, temperature_c)
    return max(cell.charge_current_max_a or 0.0, cell.charge_current_rapid_a or 0.0,
               PHYSICS_C_RATE * cell.capacity_nominal_ah)


def maker_current_a(cell: Cell, temperature_c: float) -> float:
    """The highest charge current the catalogue states at a cell temperature, A; infinite where it states none."""
    stated = cell.charge_current_max_a or cell.charge_current_standard_a or float("inf")
    bands = [band for band in cell.charge_derating if band.temp_min_c <= temperature_c <= band.temp_max_c]
    currents = [band.current_max_a for band in bands if band.current_max_a is not None]
    currents += [band.c_rate_max * cell.capacity_nominal_ah for band in bands if band.c_rate_max is not None]
    return min([stated, *currents])


def _window_c(cell: Cell, envelope: EnvelopeName) -> tuple[float, float]:
    low_c, high_c = cell.charge_temperature_min_c, cell.charge_temperature_max_c
    low_c = USUAL_WINDOW_C[0] if low_c is None else low_c
    return (min(low_c, PHYSICS_LOWEST_C) if envelope == "physics" else low_c,
            USUAL_WINDOW_C[1] if high_c is None else high_c)


def print_report(report: Mapping[str, Any]) -> None:
    """The scenarios and the counts, for people, on stderr."""
    print_header(f"Charging: {report['n']} scenarios (seed {report['seed']}, {report['envelope']} envelope), "
                 "each plan simulated anew in the DFN", report)
    table = Table("cell", "asked", "A", "min", "fastest\n/ best", "anode\nmV", "max V", "max\ndegC", "ms", "broken")
    for row in report["rows"]:
        table.add_row(row["cell_model"], _asked(row), *_outcome(row))
    people.print(table)
    people.print(f"broken in {report['charged']} charges: "
                 + ", ".join(f"{limit} {n}" for limit, n in report["violations"].items())
                 + f"; {report['short_of_target']} end short of their target")
    if ratio := report["fastest_ratio"]:
        people.print(f"fastest over the DFN's best time: median {ratio['median']:.3f}, worst {ratio['worst']:.3f}, "
                     f"{ratio['within']} of {ratio['n']} within {NEAR - 1:.0%}")
    met = report["deadlines_met"]
    people.print("deadlines met: " + ", ".join(f"{met[kind]} of {n} {kind}" for kind, n in report["deadlines"].items())
                 + f"; {report['deadlines_missaid']} wrongly promised or denied")
    if seconds := report["seconds"]:
        people.print("milliseconds a recommendation: " + "; ".join(
            f"{name} median {1000 * found['median']:.0f}, p95 {1000 * found['p95']:.0f}"
            for name, found in seconds.items()))
    people.print(f"refused: {report['refused']}, {report['refused_inside_window']} of them inside the "
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
    late = {True: " in time", False: f" late ({row.get('deadline')})", None: ""}[row["deadline_met"]]
    return (f"{row['current_a']:.2f}", f"{row['charge_time_min']:.1f}{late}", _number(row.get("fastest_ratio"), 3),
            _number(row["min_anode_potential_v"], 1, 1000), _number(row["max_voltage_v"], 3),
            _number(row["max_temperature_c"], 1), _number(row["seconds"]["whole"], 0, 1000),
            ", ".join(row["violations"]) or "nothing")


def _number(value: float | None, digits: int, scale: float = 1.0) -> str:
    return "-" if value is None else f"{value * scale:.{digits}f}"
