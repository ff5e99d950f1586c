"""The demonstration fleet: 400 simulated packs, built in one transaction from a seed."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from tools.cells import find_cell
from tools.diagnosis import Evidence, fault_rows, find_faults
from tools.errors import CannotAnswer
from tools.estimation import newest_usable, step_resistance_ohm, weakest_of
from tools.fleet.demo_plan import FEATURED, NOW, Plan, plan_fleet
from tools.fleet.demo_sim import (
    RECORD_DAYS_AGO,
    battery_c,
    draw_cells,
    health_after,
    rest_voltages,
    simulate_months,
    simulate_record,
)
from tools.fleet.records import to_blob
from tools.fleet.store import fleet_url, open_engine
from tools.fleet.tables import Build, CellState, Fault, Month, Pack, PackState, Record

VERSION = "3"  # of the generator: a fleet built by another version is built anew
Progress = Callable[[int, int, str], None]  # done, of, what


def build_demo(home: Path, url: str | None = None, seed: int = 0, progress: Progress | None = None) -> dict:
    """Build the demonstration fleet; nothing to do if this seed and version is there already.

    Everything is written in one transaction: interrupted, it leaves the database as it was. Packs of the
    demonstration's owners that were built before are replaced, imported ones stay. Returns {"packs", "built", "seed"}.
    Raises CannotAnswer when the database cannot be written.
    """
    engine, report = open_engine(fleet_url(home, url)), progress or (lambda done, of, what: None)
    plans = plan_fleet(seed)
    if _is_built(engine, seed, plans):
        return {"packs": len(plans), "built": False, "seed": seed}
    rows = _simulate_all(plans, report)
    report(len(plans), len(plans), "writing")
    try:
        with Session(engine) as session, session.begin():
            _replace(session, rows, seed, plans)
    except IntegrityError:
        raise CannotAnswer("A pack of the demonstration's owners with the same id was imported before; delete it or "
                           "build the demonstration elsewhere.") from None
    except SQLAlchemyError as error:
        reason = str(error.__cause__ or error).splitlines()[0]
        raise CannotAnswer(f"The fleet database cannot be written: {reason}.") from None
    return {"packs": len(plans), "built": True, "seed": seed}


def _is_built(engine, seed: int, plans: list[Plan]) -> bool:
    tenants = {p.site.tenant for p in plans}
    with Session(engine) as session:
        builds = session.scalars(select(Build)).all()
    return {b.tenant for b in builds if b.seed == seed and b.version == VERSION} >= tenants


def _replace(session: Session, rows: dict[type, list[dict]], seed: int, plans: list[Plan]) -> None:
    tenants = sorted({p.site.tenant for p in plans})
    old = select(Pack.pack_id).where(Pack.simulated, Pack.tenant.in_(tenants))
    for table in (Record, Fault, Month, CellState, PackState):  # not every database cascades
        session.execute(delete(table).where(table.tenant.in_(tenants), table.pack_id.in_(old)))
    session.execute(delete(Pack).where(Pack.simulated, Pack.tenant.in_(tenants)))
    session.execute(delete(Build).where(Build.tenant.in_(tenants)))
    for table, values in rows.items():
        session.execute(insert(table), values)
    build = {"seed": seed, "version": VERSION, "packs": len(plans)}
    session.execute(insert(Build), [{"tenant": tenant, **build} for tenant in tenants])


def _simulate_all(plans: list[Plan], report: Progress) -> dict[type, list[dict]]:
    """Rows of all tables. Faults are what the health checks find, not what was planned."""
    rows: dict[type, list[dict]] = {t: [] for t in (Pack, PackState, CellState, Record, Month, Fault)}
    evidence = []
    for n, plan in enumerate(plans):
        evidence.append(simulate_pack(plan, rows))
        report(n + 1, len(plans), "simulating")
    months = _by_group(evidence)
    for e in evidence:
        peers = [m for m in months[e.pack.site, e.pack.cell_model] if m.pack_id != e.pack.pack_id]
        rows[Fault] += fault_rows(e.pack, find_faults(replace(e, peers=peers)))
    return rows


def _by_group(evidence: list[Evidence]) -> dict[tuple[str, str], list[Month]]:
    groups: dict[tuple[str, str], list[Month]] = {}
    for e in evidence:
        groups.setdefault((e.pack.site, e.pack.cell_model), []).extend(e.history[-13:])
    return groups


def simulate_pack(plan: Plan, rows: dict[type, list[dict]]) -> Evidence:
    """Simulate one pack and append its rows; returns what the checks look at (without peers)."""
    rng = np.random.default_rng(plan.seed)
    cells, cell = draw_cells(plan, rng), find_cell(plan.design.cell_id)
    key = {"tenant": plan.site.tenant, "pack_id": plan.pack_id}
    pack = key | {"site": plan.site.name, "cell_model": cell.id, "model_name": cell.name, "series": plan.design.series,
                  "parallel": plan.design.parallel, "commissioned": plan.commissioned.isoformat(),
                  "climate": plan.site.climate, "use": plan.design.use, "simulated": True}
    records = [simulate_record(plan, cells, rng, ago) for ago in RECORD_DAYS_AGO
               if (NOW.date() - plan.commissioned).days > ago + 30]
    state, cell_states = _telemetry(plan, cells, rng, records)
    history = simulate_months(plan, rng, state["spread_mv"])
    rows[Pack].append(pack)
    rows[PackState].append(key | state)
    rows[CellState] += [key | c for c in cell_states]
    rows[Record] += [key | {"started": r.started, "samples": len(r.t_s), "data": to_blob(r)} for r in records]
    rows[Month] += [key | m for m in history]
    return Evidence(Pack(**pack), cell, PackState(**key, **state), [CellState(**key, **c) for c in cell_states],
                    records, [Month(**key, **m) for m in history], [])


def _telemetry(plan: Plan, cells, rng: np.random.Generator, records) -> tuple[dict, list[dict]]:
    """The newest telemetry: a resting pack, with what its records say about health and resistance."""
    cell = find_cell(plan.design.cell_id)
    soc = float(rng.uniform(22, 28) if plan.pack_id == FEATURED else rng.uniform(22, 92))
    if plan.fault == "imbalance":  # where the voltage is steep: on a plateau an imbalance hides
        soc = float(rng.uniform(10, 14) if cell.chemistry == "LFP" else rng.uniform(14, 20))
    just_used = plan.pack_id != FEATURED and rng.random() < 0.2
    base_c = battery_c(plan, NOW.month) + rng.normal(0, 0.7) + (rng.uniform(3, 11) if just_used else 0.0)
    volt, soc_cells = rest_voltages(plan, cells, soc, base_c)
    volt = np.round(volt + rng.normal(0, 0.0007, len(volt)), 3)
    warm = base_c + cells.temperature_offset * 0.6 + (9.0 if plan.fault == "cooling" else 0.0)
    if plan.fault == "sensor_stuck":
        warm[plan.fault_cell - 1] = 21.4
    record, estimates = newest_usable(records, cell, plan.design.parallel)
    soh = {e.cell: round(e.soh_percent, 1) for e in estimates if e.valid and e.cell > 0}
    ohm = step_resistance_ohm(record)
    states = [{"cell": i + 1, "voltage_v": float(volt[i]), "temperature_c": round(float(warm[i]), 1),
               "soc_percent": round(float(soc_cells[i]), 1), "soh_percent": soh.get(i + 1),
               "resistance_mohm": None if ohm is None else round(float(ohm[i]) * plan.design.parallel * 1000, 2)}
              for i in range(plan.design.series)]
    temperatures = [s["temperature_c"] for s in states]
    standby = -0.002 * (cell.capacity_nominal_ah or 0) * plan.design.parallel if rng.random() < 0.3 else 0.0
    return {"time": NOW, "voltage_v": round(float(volt.sum()), 2),
            "soc_percent": round(float(np.median(soc_cells)), 1),
            "temperature_min_c": min(temperatures), "temperature_mean_c": round(float(np.mean(temperatures)), 1),
            "temperature_max_c": max(temperatures), "current_a": round(standby, 2),
            "spread_mv": round(float(np.ptp(volt)) * 1000, 1), "cycles": round(health_after(plan, NOW.date())[1], 1),
            **_pack_health(plan, cells, rng, estimates, record)}, states


def _pack_health(plan: Plan, cells, rng, estimates, record) -> dict:
    """The weakest cell's estimate; where no record shows health, what the battery management system counts."""
    weakest = weakest_of(estimates)
    if weakest:
        return {"soh_percent": round(weakest.soh_percent, 1), "soh_low_percent": round(weakest.low_percent, 1),
                "soh_high_percent": round(weakest.high_percent, 1),
                "soh_source": f"charge record of {record.started:%Y-%m-%d}"}
    true = health_after(plan, NOW.date())[0] + cells.soh_offset.min()
    return {"soh_percent": round(min(true + rng.normal(0, 1.0), 100.0), 1), "soh_low_percent": None,
            "soh_high_percent": None, "soh_source": "battery management system, uncertainty not stated"}
