"""Monthly facts of one site and cell model, each with the SQL that selected the rows behind it.

Shape of `month_summary`:
    {"site", "cell_model", "model_name", "month", "tenants", "simulated": bool, "pack_count": int,
     "soh_percent": {"min", "p10", "p50", "p90", "max"}, "cycles": {"p50", "max"}, "spread_mv": {"p50", "max"},
     "lowest_soh": [{"pack_id", "soh_percent"}, ...3], "hottest": [{"pack_id", "temperature_max_c"}, ...3],
     "largest_spread": [{"pack_id", "spread_mv"}, ...3],
     "new_faults": [{"pack_id", "fault", "severity", "cell"}], "open_faults": int,
     "charging": {"charges", "c_rate_mean", "c_rate_max", "temperature_min_c", "end_soc_percent_mean"},
     "change": None or {"month", "pack_count", "soh_percent_p50", "temperature_max_c", "spread_mv_p50", "charges"},
     "sql": {"packs": ..., "previous": ..., "faults": ...}}
`change` is this month minus the month before it. Quantiles are numpy's linear ones over packs.

Of imported packs not every column is known: quantiles are over the packs whose column is, `known` counts those where
they are not all ({"soh_percent": 3}), and what no pack's month shows is None, or an empty list.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from sqlalchemy import Select, select

from tools.errors import CannotAnswer
from tools.fleet.tables import Fault, Month, Pack


def month_summary(fleet, site: str, cell_model: str, month: str) -> dict[str, Any]:
    """Facts of one month; CannotAnswer if there is no such month for that site and cell model in scope."""
    statement = _months(fleet, site, cell_model, month)
    rows = fleet.all(statement)
    if not rows:
        raise CannotAnswer(f"There is no history of {cell_model} at {site} in {month}.")
    packs, months = [r[0] for r in rows], [r[1] for r in rows]
    earlier = _months(fleet, site, cell_model, previous_month(month))
    fault_statement = _faults(fleet, site, cell_model, month)
    faults = fleet.all(fault_statement)
    return {
        "site": site, "cell_model": cell_model, "model_name": packs[0].model_name, "month": month,
        "tenants": sorted({p.tenant for p in packs}), "simulated": all(p.simulated for p in packs),
        **_facts(months),
        "lowest_soh": _top(months, "soh_percent", largest=False),
        "hottest": _top(months, "temperature_max_c"), "largest_spread": _top(months, "spread_mv"),
        "new_faults": [{"pack_id": f.pack_id, "fault": f.fault, "severity": f.severity, "cell": f.cell}
                       for f in faults if f.since[:7] == month],
        "open_faults": len(faults),
        "change": _change(months, [r[1] for r in fleet.all(earlier)], previous_month(month)),
        "sql": {"packs": _sql(fleet, statement), "previous": _sql(fleet, earlier),
                "faults": _sql(fleet, fault_statement)},
    }


def previous_month(month: str) -> str:
    """"2026-01" -> "2025-12"."""
    year, number = int(month[:4]), int(month[5:])
    return f"{year - 1}-12" if number == 1 else f"{year}-{number - 1:02d}"


def _months(fleet, site: str, cell_model: str, month: str) -> Select:
    return fleet.mine(Pack, Month).where(
        Pack.site == site, Pack.cell_model == cell_model, Month.month == month).order_by(Pack.pack_id)


def _faults(fleet, site: str, cell_model: str, month: str) -> Select:
    """Faults known by the end of the month."""
    statement = select(Fault).join(Pack, (Pack.tenant == Fault.tenant) & (Pack.pack_id == Fault.pack_id)).where(
        Pack.site == site, Pack.cell_model == cell_model, Fault.since <= f"{month}-99")
    statement = statement if fleet.tenant is None else statement.where(Fault.tenant == fleet.tenant)
    return statement.order_by(Fault.pack_id, Fault.id)


def _sql(fleet, statement: Select) -> str:
    """From FROM on, with the values in it: what made the number, readable in an audit."""
    text = str(statement.compile(fleet.engine, compile_kwargs={"literal_binds": True}))
    return " ".join(text[text.index("FROM"):].split())


def _facts(months: list[Month]) -> dict[str, Any]:
    names = ("soh_percent", "cycles", "spread_mv", "temperature_max_c", "charges")
    numbers = {name: _known(months, name) for name in names}
    return {
        "pack_count": len(months),
        "soh_percent": _quantiles(numbers["soh_percent"], {"min": 0, "p10": 0.1, "p50": 0.5, "p90": 0.9, "max": 1}, 1),
        "cycles": _quantiles(numbers["cycles"], {"p50": 0.5, "max": 1}, 0),
        "spread_mv": _quantiles(numbers["spread_mv"], {"p50": 0.5, "max": 1}, 1),
        "charging": _charging(months),
        "known": {name: len(found) for name, found in numbers.items() if len(found) < len(months)},
    }


def _known(months: list[Month], name: str) -> list[float]:
    return [value for m in months if (value := getattr(m, name)) is not None]


def _quantiles(values: list[float], levels: dict[str, float], digits: int) -> dict[str, float] | None:
    if not values:
        return None
    return _rounded(dict(zip(levels, np.quantile(values, list(levels.values())), strict=True)), digits)


def _charging(months: list[Month]) -> dict[str, Any]:
    rates = [m.charge_c_rate for m in months if m.charge_c_rate is not None]
    cold = [m.charge_temperature_min_c for m in months if m.charge_temperature_min_c is not None]
    ends = [m.charge_end_soc_percent for m in months if m.charge_end_soc_percent is not None]
    counts = _known(months, "charges")
    return {"charges": sum(counts) if counts else None,
            "c_rate_mean": round(float(np.mean(rates)), 2) if rates else None,
            "c_rate_max": round(max(rates), 2) if rates else None,
            "temperature_min_c": round(min(cold), 1) if cold else None,
            "end_soc_percent_mean": round(float(np.mean(ends)), 1) if ends else None}


def _change(now: list[Month], before: list[Month], month: str) -> dict[str, Any] | None:
    if not before:
        return None
    difference = lambda of, name, digits: _difference(of, _known(now, name), _known(before, name), digits)  # noqa: E731
    return {"month": month, "pack_count": len(now) - len(before),
            "soh_percent_p50": difference(np.median, "soh_percent", 2),
            "temperature_max_c": difference(max, "temperature_max_c", 2),
            "spread_mv_p50": difference(np.median, "spread_mv", 2), "charges": difference(sum, "charges", 0)}


def _difference(of: Callable, now: list[float], before: list[float], digits: int) -> float | None:
    if not now or not before:
        return None
    return round(float(of(now) - of(before)), digits) if digits else int(of(now) - of(before))


def _top(months: list[Month], name: str, largest: bool = True, count: int = 3) -> list[dict[str, Any]]:
    months = [m for m in months if getattr(m, name) is not None]
    ordered = sorted(months, key=lambda m: getattr(m, name), reverse=largest)[:count]
    return [{"pack_id": m.pack_id, name: round(getattr(m, name), 1)} for m in ordered]


def _rounded(numbers: dict[str, float], digits: int) -> dict[str, float]:
    return {k: round(float(v), digits) for k, v in numbers.items()}
