"""How capacity fades over years of a given use: published ageing models, anchored to the maker's cycle life.

Valid for cells of the lithium-ion families below, 0 to 60 degC, up to 2C; no knee is modelled.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tools.ageing import has_ageing, lithium_lost
from tools.arguments import ForecastLife
from tools.asset_life import Habits, OwnHistory, go_on, history_of, reference_percent
from tools.assets import resolve_subject
from tools.contract import Context, Result
from tools.envelope import anode_margin
from tools.errors import BadArgument, CannotAnswer
from tools.parameters import model_of
from tools.plans import Charge, cc_cv, merged
from tools.published_ageing import HOURS_PER_YEAR, AgeingModel, Use, ageing_model, anchor_to_datasheet
from tools.subject import Subject

DEFAULT_YEARS, DEFAULT_CYCLES_PER_WEEK, DEFAULT_C_RATE = 5.0, 5.0, 0.5
DEFAULT_DEPTH_PERCENT, DEFAULT_TEMPERATURE_C = 80.0, 25.0
MAX_C_RATE, TEMPERATURES_C = 2.0, (0.0, 60.0)
WEEKS_PER_YEAR = 52.18
LONGEST_YEARS = 200.0
# 90 % band on the lost share. Twin cells cycled alike spread by 9 % in life (RWTH, 43 cells, 1133 +/- 105 cycles);
# the rest is judgement: published models of one chemistry differ by about a third when moved to another cell.
BAND_ANCHORED, BAND_FREE = 0.35, 0.5
# Wider in the cold, where none of the models was measured: Naumann et al.'s calendar loss and its refit in NREL's
# BLAST-Lite agree within a quarter at 25 to 55 degC and differ by 41 % at 10 and 60 % at 0 degC.
BAND_PER_K_BELOW_25_C = 0.01


class YearPoint(Result):
    """Capacity in percent of new after `year` years, with its 90 % band."""

    year: float
    capacity_percent: float
    low_percent: float
    high_percent: float


class ForecastLifeResult(Result):
    """Capacity in percent of new; times in years from now, null when not reached within 40 years."""

    asset_id: str | None = None
    cell_model: str
    years: float
    cycles_per_week: float
    charge_c_rate: float
    depth_of_discharge_percent: float
    temperature_c: float
    soh_percent: float
    capacity_percent: float
    capacity_low_percent: float
    capacity_high_percent: float
    years_to_80_percent: float | None
    years_to_70_percent: float | None
    equivalent_full_cycles: float
    calendar_loss_percent: float
    cycling_loss_percent: float
    plating_loss_percent: float | None
    drivers: str
    anchor: str | None
    caveat: str
    assumptions: tuple[str, ...] = ()
    version: str
    series: tuple[YearPoint, ...] = ()
    history_months: int | None = None  # of the asset's own history that the forecast goes on from; None: none used
    ageing_speed: float | None = None  # times as fast as the ageing model says, by its own history
    years_to_80_earliest: float | None = None
    years_to_80_latest: float | None = None
    resistance_percent: float | None = None  # of today's, after `years`
    resistance_low_percent: float | None = None
    resistance_high_percent: float | None = None
    gains_years: dict[str, float] = {}  # change of habit: years more until 80 %

    def brief(self) -> dict[str, Any]:
        shown = {
            "cell_model": self.cell_model, "years": round(self.years, 2),
            "capacity_percent": round(self.capacity_percent, 1),
            "capacity_low_percent": round(self.capacity_low_percent, 1),
            "capacity_high_percent": round(self.capacity_high_percent, 1),
            "years_to_80_percent": _rounded(self.years_to_80_percent),
            "years_to_70_percent": _rounded(self.years_to_70_percent),
            "equivalent_full_cycles": round(self.equivalent_full_cycles), "drivers": self.drivers,
            "temperature_c": round(self.temperature_c, 1), "caveat": self.caveat, "version": self.version}
        return {key: value for key, value in shown.items() if value is not None}


def forecast_life(arguments: ForecastLife, context: Context) -> ForecastLifeResult:
    """Forecast the capacity left after years of a given use, with a 90 % band and the time to 80 % and 70 %.

    Default use: 5 years, 5 cycles a week of 80 % depth at 0.5C and 25 degC; of an asset, its use in the last year. An
    asset goes on from its own history; any other used cell is taken to have aged by the same use so far. Raises
    CannotAnswer for chemistries without a published model (LTO, sodium-ion) and outside
    0 to 60 degC, BadArgument above 2C.
    """
    subject = resolve_subject(arguments, context)
    own = history_of(subject.asset_id, context)
    use, assumed = _use(arguments, own)
    model = ageing_model(subject.cell)
    factor, anchor = anchor_to_datasheet(subject.cell, model)
    physics = _physics(subject, use, model, factor)
    parts = _parts(model, factor, use, physics)
    soh = min(subject.soh_percent, 100.0)
    age = _years_until(lambda t: float(parts(t).sum()), 100 - soh)
    years = DEFAULT_YEARS if arguments.years is None else arguments.years
    spread = (BAND_ANCHORED if anchor else BAND_FREE) + BAND_PER_K_BELOW_25_C * max(0.0, 25.0 - use.temperature_c)
    lost = parts(age + years) - parts(age)
    point = _point(years, soh, float(lost.sum()), spread)
    result = ForecastLifeResult(
        asset_id=subject.asset_id, cell_model=subject.cell.name, years=years,
        cycles_per_week=use.cycles_per_year / WEEKS_PER_YEAR, charge_c_rate=use.c_rate,
        depth_of_discharge_percent=use.depth * 100, temperature_c=use.temperature_c, soh_percent=soh,
        capacity_percent=point.capacity_percent, capacity_low_percent=point.low_percent,
        capacity_high_percent=point.high_percent,
        years_to_80_percent=_years_to(parts, age, soh, 80.0), years_to_70_percent=_years_to(parts, age, soh, 70.0),
        equivalent_full_cycles=use.full_cycles_per_year * years, calendar_loss_percent=float(lost[0]),
        cycling_loss_percent=float(lost[1]), plating_loss_percent=None if physics is None else float(lost[2]),
        drivers=_drivers(lost, use, physics is not None), anchor=anchor, caveat=_caveat(point, physics is not None),
        assumptions=_assumptions(assumed, subject), version=model.source,
        series=tuple(_point(t, soh, float((parts(age + t) - parts(age)).sum()), spread) for t in _grid(years)))
    if own is None or not own.tells:
        return result

    def lasts(of: Use) -> float:  # years in which the model takes the first points from a new cell
        told = physics if of == use else _physics(subject, of, model, factor)
        return _years_until(lambda t: float(_parts(model, factor, of, told)(t).sum()), reference_percent())

    past = _use(ForecastLife(asset_id=arguments.asset_id), own)[0]
    return go_on(result, own, subject.cell, use, past, lasts)


Physics = Callable[[float], tuple[float, float]]  # percent lost to SEI and to plating after so many years of a use


def _parts(model: AgeingModel, factor: float, use: Use, physics: Physics | None) -> Callable[[float], np.ndarray]:
    """Percent lost after years of a use by calendar, cycling and plating, [3]."""
    def lost(years: float) -> np.ndarray:
        calendar, plated = physics(years) if physics else (model.calendar(use, years), 0.0)
        return np.array([calendar, factor * model.cycling(use, use.full_cycles_per_year * years), plated])

    return lost


def _use(arguments: ForecastLife, own: OwnHistory | None = None) -> tuple[Use, list[str]]:
    """How the cell will be used: as given, else as the asset was used in the last year, else the default."""
    assumed: list[str] = []
    habits = own.habits if own else Habits(None, None, None)

    def taken(value, habit, default, words):
        if value is not None:
            return value
        assumed.append(words.format(default if habit is None else habit) + (" as in its last year" if habit else ""))
        return default if habit is None else habit

    if arguments.years is None:
        assumed.append(f"{DEFAULT_YEARS:g} years")
    depth = taken(arguments.depth_of_discharge_percent, None, DEFAULT_DEPTH_PERCENT, "{:g} % depth") / 100
    full_cycles = habits.full_cycles_per_week
    cycles = None if full_cycles is None else full_cycles / depth
    usual_c = None if habits.temperature_c is None else float(np.clip(habits.temperature_c, *TEMPERATURES_C))
    per_week = taken(arguments.cycles_per_week, cycles, DEFAULT_CYCLES_PER_WEEK, "{:.3g} cycles a week")
    use = Use(
        per_week * WEEKS_PER_YEAR, depth,
        taken(arguments.charge_c_rate, habits.charge_c_rate, DEFAULT_C_RATE, "{:.2g}C charge"),
        taken(arguments.temperature_c, usual_c, DEFAULT_TEMPERATURE_C, "{:.3g} degC on average"))
    if use.c_rate > MAX_C_RATE:
        raise BadArgument("charge_c_rate",
                          f"{use.c_rate:g}C is beyond the ageing models: they hold up to {MAX_C_RATE:g}C.")
    low, high = TEMPERATURES_C
    if not low <= use.temperature_c <= high:
        raise CannotAnswer(f"A life at {use.temperature_c:g} degC is outside the {low:g} to {high:g} degC of the "
                           f"ageing models; the nearest is {low if use.temperature_c < low else high:g} degC.")
    busy_hours = use.cycles_per_year * use.depth * (1 / use.c_rate + 1)
    if busy_hours > HOURS_PER_YEAR:
        raise BadArgument("cycles_per_week", f"{use.cycles_per_year / WEEKS_PER_YEAR:g} cycles a week do not fit in "
                          f"at {use.c_rate:g}C and {use.depth * 100:g} % depth: at most "
                          f"{HOURS_PER_YEAR / busy_hours * use.cycles_per_year / WEEKS_PER_YEAR:.0f}.")
    return use, assumed


def _physics(subject: Subject, use: Use, model: AgeingModel, factor: float) -> Physics | None:
    """SEI and plating of the LG M50 from its learnt life rates; by one charge in the DFN outside of what those know.

    The wear of the published model counts as lithium lost there too. None where no parameterisation describes ageing.
    """
    if not has_ageing(model_of(subject.cell)):
        return None
    from tools.world.life import Cycle, life_rates, outside

    cycle = Cycle.of(use.c_rate, use.depth, use.temperature_c, use.cycles_per_year)
    rates = life_rates()
    if rates is None or outside(cycle):
        per_cycle = _plating_per_cycle(subject, use)
        return lambda years: (model.calendar(use, years), per_cycle * use.cycles_per_year * years)
    life = rates.live([(LONGEST_YEARS, cycle)], lambda years: factor * model.cycling(
        use, use.full_cycles_per_year * years))
    sei, plated = life.capacity_lost_percent()
    return lambda years: (float(np.interp(years, life.years, sei)), float(np.interp(years, life.years, plated)))


def _plating_per_cycle(subject: Subject, use: Use) -> float:
    """Percent of capacity lost to dead lithium per cycle, from one charge in the DFN."""
    model = model_of(subject.cell)
    top = min(100.0, 50 + use.depth * 50)
    soh = max(min(subject.soh_percent, 100.0), 60.0)
    charge = Charge(model, top - use.depth * 100, top, use.temperature_c, soh, "physics", anode_margin(subject.cell)[0])
    stages = merged(cc_cv(charge, use.c_rate * model.fresh_capacity_ah).stages)
    return lithium_lost(charge, stages, 0.0).plating_percent if stages else 0.0


def _years_until(loss: Callable[[float], float], wanted: float, longest: float = LONGEST_YEARS) -> float:
    """Time after which `loss` reaches `wanted` percent; `longest` when it does not."""
    from scipy.optimize import brentq

    if wanted <= 0:
        return 0.0
    return brentq(lambda t: loss(t) - wanted, 0.0, longest) if loss(longest) > wanted else longest


def _years_to(parts, age: float, soh: float, percent: float) -> float | None:
    if soh <= percent:
        return 0.0
    start = float(parts(age).sum())
    years = _years_until(lambda t: float(parts(age + t).sum()) - start, soh - percent, 40.0)
    return None if years >= 40.0 else years


def _point(year: float, soh: float, lost: float, spread: float) -> YearPoint:
    return YearPoint(year=year, capacity_percent=max(soh - lost, 0.0), low_percent=max(soh - lost * (1 + spread), 0.0),
                     high_percent=soh - lost * (1 - spread))


def _grid(years: float) -> list[float]:
    whole = [float(y) for y in range(int(np.ceil(years)))]
    return [*whole, years]


def _drivers(lost: np.ndarray, use: Use, plates: bool) -> str:
    total = max(float(lost.sum()), 1e-9)
    named = [(lost[0], f"calendar ageing at {use.temperature_c:g} degC"),
             (lost[1], f"cycling, {use.depth * 100:g} % deep at {use.c_rate:g}C")]
    if plates:
        named.append((lost[2], "lithium plating"))
    named.sort(key=lambda item: -item[0])
    return ", ".join(f"{words} {100 * share / total:.0f} %" for share, words in named)


def _caveat(point: YearPoint, plates: bool) -> str:
    if point.low_percent < 70:
        return "below about 75 % capacity can fall off suddenly, which is not modelled: trust no number there"
    if not plates:
        return "published model of another cell of the same chemistry; charging below 10 degC is not covered"
    return "model forecast, not a guarantee; real use and cells scatter"


def _assumptions(assumed: list[str], subject: Subject) -> tuple[str, ...]:
    health = (subject.sources or {}).get("soh_percent") == "default"
    if health:
        assumed = [*assumed, "new cell"]
    return (f"Assumed: {', '.join(assumed)}.",) if assumed else ()


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
