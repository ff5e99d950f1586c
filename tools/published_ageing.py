"""Published ageing models, one per chemistry, and the factor with which one meets a maker's cycle life.

Naumann's coefficients were checked against three independent implementations. Both were fitted to cells cycled at 25 to
45 degC and at most 1C: beyond, they are extrapolated.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tools.ageing import has_ageing, sei_loss_percent
from tools.cells import Cell
from tools.errors import CannotAnswer
from tools.parameters import model_of

HOURS_PER_YEAR = 8766.0


@dataclass(frozen=True)
class Use:
    """How a cell is used: cycles per year, depth 0 to 1, mean charge C-rate, temperature (degC)."""

    cycles_per_year: float
    depth: float
    c_rate: float
    temperature_c: float

    @property
    def full_cycles_per_year(self) -> float:
        return self.cycles_per_year * self.depth


@dataclass(frozen=True)
class AgeingModel:
    """Loss in percent of new capacity: `calendar(use, years)` and `cycling(use, full cycles)`, with their source."""

    calendar: Callable[[Use, float], float]
    cycling: Callable[[Use, float], float]
    source: str


def _naumann_calendar(use: Use, years: float) -> float:
    """Naumann et al., J. Energy Storage 17, 153 (2018): k sqrt(t), Arrhenius 17126 J/mol, at 50 % mean charge."""
    kelvin = use.temperature_c + 273.15
    rate = 1.2571e-5 * np.exp(-17126 / 8.314462618 * (1 / kelvin - 1 / 298.15)) * 0.60225
    return 100 * rate * np.sqrt(years * HOURS_PER_YEAR * 3600)


def _naumann_cycling(use: Use, full_cycles: float) -> float:
    """Naumann et al., J. Power Sources 451, 227666 (2020): k_C k_depth sqrt(full equivalent cycles), percent."""
    return ((0.0630 * use.c_rate + 0.0971) * (4.0253 * (use.depth - 0.6) ** 3 + 1.0923) * np.sqrt(full_cycles))


def _schmalstieg_calendar(use: Use, years: float) -> float:
    """Schmalstieg et al., J. Power Sources 257, 325 (2014): alpha(V, T) t^0.75 with t in days, at 3.7 V."""
    alpha = (7.543 * 3.7 - 23.75) * 1e6 * np.exp(-6976 / (use.temperature_c + 273.15))
    return 100 * alpha * (years * 365.25) ** 0.75


def _schmalstieg_cycling(use: Use, full_cycles: float) -> float:
    """Schmalstieg et al. (2014): beta(mean V, depth) sqrt(Q), Q in Ah through their 2.05 Ah cell, at 3.7 V."""
    beta = 7.348e-3 * (3.7 - 3.667) ** 2 + 7.600e-4 + 4.081e-3 * use.depth
    return 100 * beta * np.sqrt(2 * 2.05 * full_cycles)


def _okane_calendar(use: Use, years: float) -> float:
    return sei_loss_percent(use.temperature_c, years * HOURS_PER_YEAR * 3600)


NAUMANN = AgeingModel(_naumann_calendar, _naumann_cycling, "Naumann et al. 2018 and 2020 (LFP/graphite)")
SCHMALSTIEG = AgeingModel(_schmalstieg_calendar, _schmalstieg_cycling, "Schmalstieg et al. 2014 (NMC/graphite)")
OKANE = AgeingModel(_okane_calendar, _schmalstieg_cycling,
                    "SEI growth and plating of PyBaMM's OKane2022, cycling wear of Schmalstieg et al. 2014")


def ageing_model(cell: Cell) -> AgeingModel:
    """The published model for a chemistry. Raises CannotAnswer where none is known."""
    if cell.chemistry == "LFP":
        return NAUMANN
    if cell.chemistry in ("LTO", "Na-ion"):
        stated = cell.facts.get("cycle_life_cycles")
        said = f"; its maker states {stated} cycles" if stated else ""
        raise CannotAnswer(f"No published ageing model covers {cell.name} ({cell.chemistry_stated}){said}.")
    return OKANE if has_ageing(model_of(cell)) else SCHMALSTIEG


def anchor_to_datasheet(cell: Cell, model: AgeingModel) -> tuple[float, str | None]:
    """(factor on cycling wear, words): the factor with which the model just meets the maker's cycle life.

    The maker promises at least that capacity, so the anchored forecast leans to the cautious side. A row needs cycles
    and a retention of 60 to 95 %, and counts only when it moves the wear by less than a factor of 3; else factor 1.
    """
    for row in cell.cycle_life:
        retained = row.get("retention_min_pct")
        if retained is None or not 60 <= retained <= 95:
            continue
        cycles = float(row["cycles"])
        temperature = row.get("temperature_c")
        use = Use(0.0, 0.8 if "80 % depth" in str(row) else 1.0, 0.5, temperature if _number(temperature) else 25.0)
        years = cycles * 5 / HOURS_PER_YEAR  # a test cycle takes about five hours
        factor = (100 - retained - model.calendar(use, years)) / model.cycling(use, cycles * use.depth)
        if 1 / 3 <= factor <= 3:
            return float(factor), f"{cycles:g} cycles to {retained:g} % ({cell.name} datasheet)"
    return 1.0, None


def _number(value) -> bool:
    return isinstance(value, int | float)
