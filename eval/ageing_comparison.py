"""The claim "a recommended charge ages the cell less": against plain CC-CV that takes the same time.

Both are repeated for a few hundred cycles in PyBaMM's DFN with SEI growth and plating; no world model takes part. A
cycle is the charge from 10 to 80 %, 10 min of rest, a 0.5C discharge of the same charge, and an hour. Plans come from
the tool under the physics envelope and are run as they are, with no second look as the cell ages. Counted is lithium
lost per equivalent full cycle of the new cell.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.progress import track
from rich.table import Table

from eval.ageing_truth import Profile, cc_cv_current_a, live, live_through
from eval.report import header, people, print_header
from tools.ageing import PLATINGS, AgeingCell, Plating, sei_loss_percent
from tools.cells import find_cell
from tools.errors import CannotAnswer
from tools.parameters import OKANE2022, CellModel, fresh_capacity_ah, model_of, parameter_values

CELLS = ("LG M50", "UMich pouch", "Kokam 7.5Ah", "A123 26650")
TEMPERATURES_C = (0.0, 5.0, 10.0, 25.0, 40.0)
FROM_PERCENT, TO_PERCENT = 10.0, 80.0
UNHURRIED = 1.4  # a deadline this many times the fastest time
RESTS_S = (600.0, 3600.0)
DISCHARGE_C_RATE = 0.5
TARGET, COLD_C = 22.9, 10.0
TIE = 0.5  # percent of the loss within which two charges age alike
CYCLES = 200
# Loss measured per cycle, percent: full cycles at equal charge and discharge rate; the last one is a bound.
COLD = "NMC811 21700, 200 cycles at 0 degC: Wang et al., Energies 14, 4724 (2021)"
MEASURED = ((0.0, 0.5, 49 / 200, COLD), (0.0, 1.0, 25 / 200, COLD),
            (25.0, 0.33, 20 / 500, "LG M50 datasheet: at most, 500 cycles to 80 %"))
YEAR_MEASURED = "a year at 25 degC and 50 %, fit of Schmalstieg et al., J. Power Sources 257, 325 (2014)"


def measure(cycles: int, cells: Sequence[str] = CELLS, temperatures_c: Sequence[float] = TEMPERATURES_C,
            platings: Sequence[Plating] = PLATINGS, verify: bool = True) -> dict[str, Any]:
    """Compare every cell, temperature and plan; PyBaMM's own plating options on the LG M50's fastest plans only."""
    rows = []
    todo = [(cell, temperature_c) for cell in cells for temperature_c in temperatures_c]
    for cell, temperature_c in track(todo, description="ageing", console=people):
        rows += compared(cell, temperature_c, cycles, platings)
    chosen = [row for row in rows if row["plating"] == "onset" and row["less_lost_percent"] is not None]
    cold = [row for row in chosen if row["temperature_c"] <= COLD_C and row["cc_cv_plating_percent"] > 0]
    return header() | {
        "cycles": cycles, "measured_fade": measured_fade(platings), "rows": rows,
        "cold_wins": sum(row["less_lost_percent"] >= TARGET for row in cold), "cold": len(cold),
        "worse": sum(row["less_lost_percent"] < -TIE for row in chosen), "compared": len(chosen),
        "verified": verification(cycles) if verify else None}


def compared(cell_model: str, temperature_c: float, cycles: int, platings: Sequence[Plating]) -> list[dict[str, Any]]:
    """Rows for one cell and temperature: the fastest plan, and one with time to spare."""
    model, rows, fastest_min = model_of(find_cell(cell_model)), [], None
    for plan in ("fastest", "deadline"):
        row = {"cell_model": cell_model, "parameterisation": model.parameterisation.name,
               "temperature_c": temperature_c, "plan": plan}
        try:
            result = recommended(cell_model, temperature_c, None if plan == "fastest" else UNHURRIED * fastest_min)
        except CannotAnswer as error:
            result, reason = None, str(error)
        if result is None or result.reached_soc_percent < TO_PERCENT - 0.1:
            reason = reason if result is None else result.binding_constraint
            return rows + [row | {"plating": "onset", "less_lost_percent": None, "why": reason}]
        fastest_min = fastest_min or result.charge_time_min
        charge = charge_of(model, [(s.current_a, s.until_soc_percent) for s in result.protocol])
        own = plan == "fastest" and model.parameterisation is OKANE2022
        for plating in platings if own else ("onset",):
            rows.append(row | against_cc_cv(model, temperature_c, charge, cycles, plating))
    return rows


def recommended(cell_model: str, temperature_c: float, time_limit_min: float | None):
    """The tool's full result through its public door: fastest, or balanced with a deadline."""
    from tools.arguments import RecommendChargingCurrent
    from tools.charging import recommend_charging_current
    from tools.contract import Context

    arguments = RecommendChargingCurrent(
        cell_model=cell_model, temperature_c=temperature_c, soc_percent=FROM_PERCENT, target_soc_percent=TO_PERCENT,
        soh_percent=100.0, time_limit_min=time_limit_min, priority="fastest" if time_limit_min is None else None)
    with TemporaryDirectory() as home:
        return recommend_charging_current(arguments, Context(home=Path(home), envelope="physics"))


def charge_of(model: CellModel, stages: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Stages (A of the cell, until percent) as (A of the parameterisation, seconds) for a new cell."""
    pieces, soc, capacity_ah = [], FROM_PERCENT, fresh_capacity_ah(model.parameterisation)
    for current_a, until_percent in stages:
        own_a = current_a / model.scale
        pieces.append((own_a, (until_percent - soc) / 100 * capacity_ah / own_a * 3600))
        soc = until_percent
    return tuple(pieces)


def against_cc_cv(model: CellModel, temperature_c: float, charge: tuple[tuple[float, float], ...], cycles: int,
                  plating: Plating) -> dict[str, Any]:
    """Losses per equivalent full cycle (percent of new capacity) of a charge and of CC-CV in the same time."""
    parameterisation = model.parameterisation
    seconds = sum(duration_s for _, duration_s in charge)
    charge_ah = sum(current_a * duration_s for current_a, duration_s in charge) / 3600
    max_v = parameter_values(parameterisation)["Upper voltage cut-off [V]"]
    level_a = cc_cv_current_a(parameterisation, temperature_c, FROM_PERCENT / 100, charge_ah, seconds, max_v)
    row: dict[str, Any] = {"plating": plating, "minutes": seconds / 60}
    if level_a is None:
        return row | {"less_lost_percent": None, "why": "no CC-CV charges as much in that time"}
    discharge_a = DISCHARGE_C_RATE * fresh_capacity_ah(parameterisation)
    for name, pieces in (("plan", charge), ("cc_cv", ((level_a, seconds),))):
        profile = Profile(pieces, max_v, discharge_a, RESTS_S)
        lived = live(parameterisation, temperature_c, FROM_PERCENT / 100, profile, cycles, plating)
        row |= {f"{name}_percent": lived.lost.total_percent / lived.full_cycles,
                f"{name}_plating_percent": lived.lost.plating_percent / lived.full_cycles,
                f"{name}_cycles": lived.cycles}
    return row | {"cc_cv_current_a": level_a * model.scale,
                  "less_lost_percent": 100 * (1 - row["plan_percent"] / row["cc_cv_percent"])}


def measured_fade(platings: Sequence[Plating]) -> list[dict[str, Any]]:
    """What the first full cycles cost in the DFN with each option, beside what was measured."""
    max_v, capacity_ah = parameter_values(OKANE2022)["Upper voltage cut-off [V]"], fresh_capacity_ah(OKANE2022)
    rows = []
    for temperature_c, c_rate, measured, source in MEASURED:
        row = {"temperature_c": temperature_c, "c_rate": c_rate, "measured_percent": measured, "source": source}
        for plating in platings:
            cell = AgeingCell(OKANE2022, temperature_c, 0.0, plating=plating)
            charged_ah = 0.0
            for _ in range(40):
                piece = cell.hold(c_rate * capacity_ah, 900, 16, max_v)
                charged_ah += float(piece.charged_ah[-1])
                if piece.current_a[-1] < 0.05 * capacity_ah:
                    break
            cell.hold(0.0, 1800)
            cell.hold(-c_rate * capacity_ah, 0.9 * charged_ah / c_rate / capacity_ah * 3600)
            row[plating] = cell.lost.total_percent
        rows.append(row)
    year = {"temperature_c": 25.0, "c_rate": 0.0, "measured_percent": 2.4, "source": YEAR_MEASURED}
    return rows + [year | {p: stored_a_year(p) for p in platings}]


def stored_a_year(plating: Plating) -> float:
    """Percent lost in a year at 25 degC and half charge: SEI in closed form, plating as in the 30 days simulated."""
    cell = AgeingCell(OKANE2022, 25.0, 0.5, plating=plating)
    cell.hold(0.0, 30 * 86400.0)
    return sei_loss_percent(25.0, 365.25 * 86400) + cell.lost.plating_percent * 365.25 / 30


def verification(cycles: int) -> dict[str, float]:
    """One life lived in strides and cycle by cycle: CC-CV at 1C and 5 degC, which plates."""
    capacity_ah, max_v = fresh_capacity_ah(OKANE2022), parameter_values(OKANE2022)["Upper voltage cut-off [V]"]
    profile = Profile(((capacity_ah, 3000.0),), max_v, DISCHARGE_C_RATE * capacity_ah, RESTS_S)
    strides, through = (how(OKANE2022, 5.0, FROM_PERCENT / 100, profile, cycles) for how in (live, live_through))
    return {"strides_percent": strides.lost.total_percent, "simulated": strides.simulated,
            "every_cycle_percent": through.lost.total_percent}


def print_report(report: Mapping[str, Any]) -> None:
    """Options against measured fade, then plans against CC-CV, for people, on stderr."""
    print_header(f"Ageing: {report['cycles']} cycles in the DFN, plan against CC-CV of the same time", report)
    fade = Table("degC", "C-rate", "measured", *PLATINGS, "what",
                 title="percent lost per full cycle (last row: a year)")
    for row in report["measured_fade"]:
        fade.add_row(f"{row['temperature_c']:g}", f"{row['c_rate']:g}", f"{row['measured_percent']:.3f}",
                     *(f"{row[p]:.3f}" if p in row else "-" for p in PLATINGS), row["source"])
    people.print(fade)
    table = Table("cell", "set", "degC", "plan", "min", "CC-CV\nA", "plating", "plan\n%/1000 cycles",
                  "CC-CV\n%/1000 cycles", "of it\nplated", "less lost")
    for row in report["rows"]:
        table.add_row(row["cell_model"], row["parameterisation"], f"{row['temperature_c']:g}", row["plan"],
                      *_outcome(row))
    people.print(table)
    people.print(f"at or below {COLD_C:g} degC, where CC-CV plates: {report['cold_wins']} of {report['cold']} lose "
                 f"{TARGET} % less or better; worse than CC-CV by over {TIE:g} %: {report['worse']} of "
                 f"{report['compared']}")
    if report["verified"]:
        found = report["verified"]
        people.print(f"strides checked: {found['strides_percent']:.3f} % lost from {found['simulated']} simulated "
                     f"cycles, {found['every_cycle_percent']:.3f} % with all {report['cycles']} simulated")


def _outcome(row: Mapping[str, Any]) -> tuple[str, ...]:
    if row["less_lost_percent"] is None:
        return "-", "-", row["plating"], "-", "-", "-", row["why"]
    return (f"{row['minutes']:.0f}", f"{row['cc_cv_current_a']:.2f}", row["plating"],
            f"{1000 * row['plan_percent']:.2f}", f"{1000 * row['cc_cv_percent']:.2f}",
            f"{1000 * row['cc_cv_plating_percent']:.2f}", f"{row['less_lost_percent']:+.1f} %")
