"""Bring in packs and charge records of one's own, from CSV or Parquet; all rows or none.

Two kinds of table, told apart by their columns (`schema_text()` prints them): packs, one row for each telemetry of
each; and charge records, one row per sample. After an import the months are written from it (`tools.fleet.months`)
and the health checks run on what came in.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import delete, insert, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from tools.cells import Cell, find_cell, using
from tools.confirmed import catalogue_of
from tools.diagnosis import fault_rows, find_faults, load_evidence
from tools.errors import CannotAnswer
from tools.fleet.import_schema import Errors, ImportFailed, checked, kind_of, nearest, read_table, schema_text
from tools.fleet.months import month_of, write_months
from tools.fleet.records import ChargeRecord, to_blob
from tools.fleet.store import ASSET, Fleet, fleet_url, open_engine
from tools.fleet.tables import Fault, Pack, PackState, Record, Telemetry

__all__ = ["ImportFailed", "import_file", "schema_text"]

MIN_SAMPLES, MAX_GAP_S = 20, 900.0
AT_ONCE = 5000  # telemetry rows in one statement


def import_file(path: Path, home: Path, tenant: str, url: str | None = None) -> dict[str, Any]:
    """Import one CSV or Parquet file for `tenant`; {"kind", "rows", "packs" or "records", "replaced", "months"}.

    A pack's newest telemetry is its state, whichever file brought it; `months` counts the months of packs that are
    new or changed. One transaction: with any error nothing is imported.
    Raises ImportFailed with all problems by line (the header is line 1) and column; CannotAnswer for a file
    that cannot be read.
    """
    path, table = Path(path), read_table(Path(path))
    columns, kind = kind_of(path, table)
    values, errors = checked(table, columns)
    engine = open_engine(fleet_url(home, url))
    try:
        with using(catalogue_of(home, tenant)), Session(engine) as session, session.begin():
            write = _write_packs if kind == "packs" else _write_records
            done = write(session, tenant, values, errors) if not errors else {}
            if errors:
                raise ImportFailed(path, errors)
    except SQLAlchemyError as error:
        reason = str(error.__cause__ or error).splitlines()[0]
        raise CannotAnswer(f"The fleet database cannot be written: {reason}.") from None
    return {"kind": kind, "rows": len(table), **done}


# -- packs


def _write_packs(session: Session, tenant: str, rows: list[dict], errors: Errors) -> dict[str, Any]:
    known = {p.pack_id: p for p in session.scalars(select(Pack).where(Pack.tenant == tenant))}
    of_pack: dict[str, dict[datetime, dict]] = {}
    for row in rows:
        _check_pack(row, known, of_pack.setdefault(row["pack_id"], {}), errors)
    if errors:
        return {}
    changed = {_write_pack(session, tenant, list(by_time.values())): {month_of(time) for time in by_time}
               for by_time in of_pack.values()}
    return {"packs": len(of_pack), "replaced": len(of_pack.keys() & known.keys()),
            "months": _brought_up_to_date(session, changed)}


def _write_pack(session: Session, tenant: str, rows: list[dict]) -> Pack:
    """The pack as its newest telemetry has it, and all the telemetry."""
    newest = max(rows, key=lambda row: row["time"])
    state = session.get(PackState, (tenant, newest["pack_id"]))
    if state is None or state.time <= newest["time"]:
        session.merge(Pack(**_pack_row(tenant, newest)))
        session.flush()  # the state refers to its pack
        session.merge(PackState(**_telemetry_row(tenant, newest), soh_source="imported telemetry"))
    session.flush()
    for part in (rows[i:i + AT_ONCE] for i in range(0, len(rows), AT_ONCE)):
        session.execute(delete(Telemetry).where(
            Telemetry.tenant == tenant, Telemetry.pack_id == newest["pack_id"],
            Telemetry.time.in_([row["time"] for row in part])))
        session.execute(insert(Telemetry), [_telemetry_row(tenant, row) for row in part])
    return session.get(Pack, (tenant, newest["pack_id"]))


def _brought_up_to_date(session: Session, changed: dict[Pack, set[str]]) -> int:
    """Write the months of packs again, then screen those packs; how many months are new or changed."""
    written = sum(write_months(session, pack, months) for pack, months in changed.items())
    for pack in changed:
        _screen(session, pack)
    return written


def _check_pack(row: dict, known: dict[str, Pack], before: dict[datetime, dict], errors: Errors) -> None:
    """What one row says against itself, the catalogue, the packs there are and the same pack's rows `before` it.

    Sets its "cell" and bounds and puts it to those rows.
    """
    line, pack_id = row["line"], row["pack_id"]
    match = ASSET.match(pack_id)
    if not match or match[2]:
        errors.append((line, "pack_id", f"{pack_id!r} is not a pack id; write PK- and four digits, as PK-1001"))
    elif pack_id in known and known[pack_id].simulated:
        errors.append((line, "pack_id", f"{pack_id} is a pack of the demonstration fleet; take another id"))
    mean_c = row["temperature_c"]
    row["low_c"], row["high_c"] = (mean_c if row.get(n) is None else row[n]
                                   for n in ("temperature_min_c", "temperature_max_c"))
    if not row["low_c"] <= mean_c <= row["high_c"]:
        errors.append((line, "temperature_c", f"{mean_c:g} is not between temperature_min_c {row['low_c']:g} and "
                                              f"temperature_max_c {row['high_c']:g}"))
    if row["commissioned"] > row["time"]:
        errors.append((line, "commissioned", "is after the telemetry's time"))
    try:
        row["cell"] = find_cell(row["cell_model"])
    except CannotAnswer as problem:
        errors.append((line, "cell_model", str(problem)))
        return
    _check_same(row, before, errors)
    if problem := _voltage_problem(row["cell"], row["voltage_v"] / row["series"]):
        errors.append((line, "voltage_v", f"{row['voltage_v']:g} V over {row['series']} cells in series is {problem}"))


def _check_same(row: dict, before: dict[datetime, dict], errors: Errors) -> None:
    """A pack may have many rows, one for each time; what it is made of is the same in all. Puts the row to them."""
    if row["time"] in before:
        line = before[row["time"]]["line"]
        errors.append((row["line"], "time", f"{row['pack_id']} at this time is in line {line} already"))
    first = next(iter(before.values()), row)
    for name in ("series", "parallel", "commissioned", "cell"):
        if row[name] != first[name]:
            column = "cell_model" if name == "cell" else name
            errors.append((row["line"], column, f"{row['pack_id']} has {first[column]} in line {first['line']}; "
                                                "a pack keeps what it is made of"))
    before.setdefault(row["time"], row)


def _voltage_problem(cell: Cell, volts: float) -> str | None:
    """Why a cell voltage cannot be this cell's: more than 0.3 V above full or below 60 % of empty."""
    high, low = cell.voltage_charge_cutoff_v or 4.35, (cell.voltage_discharge_cutoff_v or 2.0) * 0.6
    if low <= volts <= high + 0.3:
        return None
    return f"{volts:.3g} V a cell; {cell.name} lies between {low:.2g} and {high + 0.3:.3g} V"


def _pack_row(tenant: str, row: dict) -> dict[str, Any]:
    return {"tenant": tenant, "pack_id": row["pack_id"], "site": row["site"], "cell_model": row["cell"].id,
            "model_name": row["cell"].name, "series": row["series"], "parallel": row["parallel"],
            "commissioned": row["commissioned"].date().isoformat(), "simulated": False}


def _telemetry_row(tenant: str, row: dict) -> dict[str, Any]:
    same = {n: row[n] for n in ("time", "soc_percent", "soh_percent", "voltage_v", "current_a", "spread_mv", "cycles")}
    return {"tenant": tenant, "pack_id": row["pack_id"], **same,
            "temperature_min_c": row["low_c"], "temperature_mean_c": row["temperature_c"],
            "temperature_max_c": row["high_c"]}


# -- charge records


def _write_records(session: Session, tenant: str, rows: list[dict], errors: Errors) -> dict[str, Any]:
    packs = {p.pack_id: p for p in session.scalars(select(Pack).where(Pack.tenant == tenant))}
    built = [(pack, _record(pack, started, cells, errors))
             for (pack, started), cells in _charges(rows, packs, errors).items()]
    if errors:
        return {}
    replaced = sum(_store(session, pack, record) for pack, record in built)
    changed: dict[Pack, set[str]] = {}
    for pack, record in built:
        changed.setdefault(pack, set()).add(month_of(record.started))
    return {"records": len(built), "replaced": replaced, "months": _brought_up_to_date(session, changed)}


def _store(session: Session, pack: Pack, record: ChargeRecord) -> int:
    """Write one record in place of one that began at the same time; returns how many it replaced."""
    key = {"tenant": pack.tenant, "pack_id": pack.pack_id, "started": record.started}
    old = session.execute(delete(Record).filter_by(**key)).rowcount
    session.execute(insert(Record), [{**key, "samples": len(record.t_s), "data": to_blob(record)}])
    return old


def _charges(rows: list[dict], packs: dict[str, Pack],
             errors: Errors) -> dict[tuple[Pack, datetime], dict[int, list[dict]]]:
    """{(pack, started): {cell: rows}}, one per charge; cell 0 is the whole pack."""
    found: dict[tuple[Pack, datetime], dict[int, list[dict]]] = {}
    for row in rows:
        match = ASSET.match(row["asset_id"])
        pack = packs.get(match[1]) if match else None
        if pack is None:
            near = f"; the nearest is {nearest(row['asset_id'], list(packs))}" if packs else "; import packs first"
            errors.append((row["line"], "asset_id", f"{row['asset_id']!r} is no known pack or cell{near}"))
        elif match[2] and not 1 <= int(match[2]) <= pack.series:
            errors.append((row["line"], "asset_id", f"{pack.pack_id} has cells C01 to C{pack.series:02d}"))
        else:
            found.setdefault((pack, row["started"]), {}).setdefault(int(match[2] or 0), []).append(row)
    return found


def _record(pack: Pack, started: datetime, cells: dict[int, list[dict]], errors: Errors) -> ChargeRecord | None:
    """One charge as arrays; problems go to `errors`."""
    first = next(iter(cells.values()))
    before = len(errors)
    for number, rows in cells.items():
        _check_series(pack, number, rows, errors)
        if [r["t_s"] for r in rows] != [r["t_s"] for r in first]:
            errors.append((rows[0]["line"], "t_s", "the cells of one charge need the same times"))
    if 0 in cells and len(cells) > 1:
        errors.append((cells[0][0]["line"], "asset_id", "one charge is given for the pack and for cells; take one"))
    if len(errors) > before:
        return None
    column = lambda name: np.array([[r[name] for r in rows] for rows in cells.values()]).T  # noqa: E731
    volt = column("voltage_v") / (pack.series if 0 in cells else 1)
    return ChargeRecord(started, tuple(cells), np.array([r["t_s"] for r in first]),
                        np.array([r["current_a"] for r in first]), volt, column("temperature_c"))


def _check_series(pack: Pack, number: int, rows: list[dict], errors: Errors) -> None:
    cell, cells = find_cell(pack.cell_model), 1 if number else pack.series
    if len(rows) < MIN_SAMPLES:
        errors.append((rows[0]["line"], "t_s", f"a charge needs at least {MIN_SAMPLES} samples, this has {len(rows)}"))
    for earlier, later in zip(rows, rows[1:], strict=False):
        gap = later["t_s"] - earlier["t_s"]
        if gap <= 0:
            errors.append((later["line"], "t_s", f"{later['t_s']:g} does not come after {earlier['t_s']:g}"))
        elif gap > MAX_GAP_S:
            errors.append((later["line"], "t_s", f"a gap of {gap:g} s; at most {MAX_GAP_S:g} s can be counted over"))
    for row in rows:
        if problem := _voltage_problem(cell, row["voltage_v"] / cells):
            errors.append((row["line"], "voltage_v", f"{row['voltage_v']:g} V is {problem}"))
    if rows and max(r["current_a"] for r in rows) <= 0:
        errors.append((rows[0]["line"], "current_a", "no sample charges; charging current is positive"))


def _screen(session: Session, pack: Pack) -> None:
    """Run the health checks on what is now there and store what they find."""
    session.flush()
    result = find_faults(load_evidence(Fleet(session.connection(), pack.tenant), pack))
    session.execute(delete(Fault).where(Fault.tenant == pack.tenant, Fault.pack_id == pack.pack_id))
    session.add_all(Fault(**row) for row in fault_rows(pack, result))
