"""Months of imported packs, taken from their telemetry and charge records alone; what these do not show stays empty.

A month (UTC) has a row when something of it was imported. Its columns:

    soh_percent, cycles        of its newest telemetry
    spread_mv                  of its newest telemetry at rest (at most REST_C_RATE)
    temperature_mean_c         mean over the days with telemetry, if there are MIN_DAYS or more
    temperature_max_c          highest of telemetry and charges, if they are of MIN_DAYS different days or more
    charges                    charge records that began in it; empty without one, since nobody said there were none
    charge_c_rate              mean over them; of each the current weighted with the charge it brought
    charge_temperature_min_c   coldest that a cell was while one of them charged
    charge_end_soc_percent     always empty: a charge record does not say the state of charge

The same telemetry and records give the same months, in whatever order and however often they are imported.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from tools.cells import find_cell
from tools.faults.limits import REST_C_RATE
from tools.fleet.records import ChargeRecord, from_blob
from tools.fleet.tables import Month, Pack, Record, Telemetry

MIN_DAYS = 4  # about one a week: fewer readings are neither a month's mean nor its highest
COLUMNS = ("soh_percent", "cycles", "temperature_mean_c", "temperature_max_c", "spread_mv", "charges", "charge_c_rate",
           "charge_temperature_min_c", "charge_end_soc_percent")


def month_of(time: datetime) -> str:
    """"2026-03", in UTC."""
    return f"{time.astimezone(UTC):%Y-%m}"


def write_months(session: Session, pack: Pack, names: Iterable[str]) -> int:
    """Write a pack's months of these names from what is stored of them; how many are new or changed."""
    names = sorted(set(names))
    mine = lambda table: (table.tenant == pack.tenant, table.pack_id == pack.pack_id)  # noqa: E731
    first, end = _begin(names[0]), _begin(_next(names[-1]))
    telemetry, records = {name: [] for name in names}, {name: [] for name in names}
    for row in session.scalars(select(Telemetry).where(*mine(Telemetry), Telemetry.time >= first, Telemetry.time < end)
                               .order_by(Telemetry.time)):
        telemetry.get(month_of(row.time), []).append(row)
    for row in session.execute(select(Record.started, Record.data).where(
            *mine(Record), Record.started >= first, Record.started < end).order_by(Record.started, Record.id)):
        if month_of(row.started) in records:
            records[month_of(row.started)].append(from_blob(row.data, row.started))
    there = {m.month: m for m in session.scalars(select(Month).where(*mine(Month), Month.month.in_(names)))}
    return sum(_write(session, pack, name, there.get(name), month_row(pack, telemetry[name], records[name]))
               for name in names)


def _write(session: Session, pack: Pack, name: str, old: Month | None, row: dict[str, Any]) -> bool:
    if old is not None and all(getattr(old, column) == row[column] for column in COLUMNS):
        return False
    session.merge(Month(tenant=pack.tenant, pack_id=pack.pack_id, month=name, **row))
    return True


def month_row(pack: Pack, telemetry: Sequence[Telemetry], records: Sequence[ChargeRecord]) -> dict[str, Any]:
    """One month's columns from its telemetry and charges, both oldest first; None where they do not show it."""
    nominal_a = (find_cell(pack.cell_model).capacity_nominal_ah or 0.0) * pack.parallel
    newest = telemetry[-1] if telemetry else None
    at_rest = [t for t in telemetry if abs(t.current_a) <= REST_C_RATE * nominal_a]
    charges = [_charge(record) for record in records]
    coldest = [cold for _, cold, _ in charges if np.isfinite(cold)]
    return {"soh_percent": newest and newest.soh_percent, "cycles": newest and newest.cycles,
            "temperature_mean_c": _mean_of_days(telemetry),
            "temperature_max_c": _highest(telemetry, records, [hot for *_, hot in charges]),
            "spread_mv": at_rest[-1].spread_mv if at_rest else None,
            "charges": len(records) or None,
            "charge_c_rate": round(float(np.mean([amps for amps, _, _ in charges])) / nominal_a, 3)
            if charges and nominal_a else None,
            "charge_temperature_min_c": round(min(coldest), 1) if coldest else None,
            "charge_end_soc_percent": None}


def _charge(record: ChargeRecord) -> tuple[float, float, float]:
    """(A of the pack, weighted with the charge brought; coldest degC while charging; hottest degC) of one charge."""
    current = np.maximum(record.current_a, 0.0)
    share = np.gradient(record.t_s) * current
    charging = record.temperature_c[current > 0]
    extreme = lambda of, values: float(of(values)) if np.isfinite(values).any() else np.nan  # noqa: E731
    return (float((share * current).sum() / share.sum()), extreme(np.nanmin, charging),
            extreme(np.nanmax, record.temperature_c))


def _mean_of_days(telemetry: Sequence[Telemetry]) -> float | None:
    """Mean of the days' means, so that a day logged every minute counts as one logged once."""
    days: dict[Any, list[float]] = {}
    for row in telemetry:
        days.setdefault(row.time.astimezone(UTC).date(), []).append(row.temperature_mean_c)
    return round(float(np.mean([np.mean(of_day) for of_day in days.values()])), 1) if len(days) >= MIN_DAYS else None


def _highest(telemetry: Sequence[Telemetry], records: Sequence[ChargeRecord], hottest: Sequence[float]) -> float | None:
    read = [(t.time, t.temperature_max_c) for t in telemetry]
    read += [(r.started, hot) for r, hot in zip(records, hottest, strict=True) if np.isfinite(hot)]
    days = {time.astimezone(UTC).date() for time, _ in read}
    return round(max(hot for _, hot in read), 1) if len(days) >= MIN_DAYS else None


def _begin(name: str) -> datetime:
    return datetime(int(name[:4]), int(name[5:]), 1, tzinfo=UTC)


def _next(name: str) -> str:
    year, number = int(name[:4]), int(name[5:])
    return f"{year + 1}-01" if number == 12 else f"{year}-{number + 1:02d}"
