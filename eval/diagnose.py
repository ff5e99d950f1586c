"""Early faults: recall, lead over limits and false alarms on simulated fleets, through store and `diagnose`.

Each pack is replayed: week by week its charge records, telemetry and months reach the store; every third week
`tools.health.diagnose` reads them there. A finding counts as right when fault and (for faults of single cells) a
faulty cell are named; anything else, and anything before the fault began, is a false alarm, once per fault and cell.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing import Pool
from pathlib import Path
from statistics import median

import numpy as np
from rich.progress import track
from rich.table import Table
from sqlalchemy import delete, insert
from sqlalchemy.orm import Session

from eval.fault_fleet import SIZES, START, WEEKS, PackLife, PackPlan, plan_packs, simulate
from eval.report import header, people, print_header
from tools.arguments import Diagnose
from tools.cells import find_cell
from tools.contract import Context
from tools.diagnosis import load_evidence
from tools.faults.trends import suspicions
from tools.fleet import ChargeRecord, fleet_url, open_engine, open_fleet
from tools.fleet.records import to_blob
from tools.fleet.tables import Month, Pack, PackState, Record
from tools.health import diagnose

TENANT, SITE = "evaluation", "Bench"
SOUND, PER_SIZE = 120, 2
FIRST_WEEK, EVERY_WEEKS = 12, 3
SCORED_WEEKS = 20  # after the onset: when the AUROC is taken
NAMES = {  # what the generator calls a fault -> what a finding may call it
    "weak_cell": {"weak_cell"}, "high_resistance": {"high_resistance"}, "imbalance": {"imbalance"},
    "self_discharge": {"self_discharge"}, "plating_risk": {"plating_signature", "plating_risk"},
    "cooling": {"cooling"}, "sensor_temperature": {"sensor_drift", "sensor_stuck"},
    "sensor_voltage": {"sensor_drift", "sensor_stuck"}}


@dataclass
class Replay:
    """What was found in one pack: first date per (fault, cells), by limit alone and by all, and scores in time."""

    life: PackLife
    months: float
    found: dict[tuple[str, tuple[str, ...]], datetime] = field(default_factory=dict)
    by_limit: dict[tuple[str, tuple[str, ...]], datetime] = field(default_factory=dict)
    scores: dict[str, float] = field(default_factory=dict)

    def right(self, found: dict) -> datetime | None:
        """First date of a right finding since the fault began."""
        life = self.life
        dates = [day for (fault, cells), day in found.items()
                 if day >= life.onset and fault in NAMES[life.plan.fault] and self._names_a_faulty_cell(cells)]
        return min(dates, default=None)

    def false(self, found: dict) -> list[str]:
        """Findings that are no fault of this pack, or too soon, in words."""
        wrong = {}
        for (fault, cells), day in found.items():
            begun = self.life.plan.fault is not None and day >= self.life.onset
            if not (begun and fault in NAMES[self.life.plan.fault] and self._names_a_faulty_cell(cells)):
                wrong.setdefault((fault, cells[:1], begun), day)
        return [f"{self.life.plan.pack_id} {fault} {' '.join(cells)}" for fault, cells, begun in wrong if not begun]

    def mistaken(self, found: dict) -> bool:
        """Whether the first finding since the onset blames another fault or cell."""
        after = sorted((day, key) for key, day in found.items() if self.life.plan.fault and day >= self.life.onset)
        return bool(after) and not (after[0][1][0] in NAMES[self.life.plan.fault]
                                    and self._names_a_faulty_cell(after[0][1][1]))

    def _names_a_faulty_cell(self, cells: tuple[str, ...]) -> bool:
        named = {int(c.rsplit("C", 1)[1]) for c in cells}
        return not named or bool(named & set(self.life.faulty))


def measure(seed: int, sound: int = SOUND, per_size: int = PER_SIZE, jobs: int = 1) -> dict:
    """Replay a fleet in so many processes; the report's counts are of packs, its lead in days."""
    plans = plan_packs(seed, sound, per_size)
    with Pool(jobs) as pool:
        done = track(pool.imap(_replayed, plans), "replaying packs", len(plans), console=people)
        replays = list(done)
    return header() | {"seed": seed, "packs": len(plans), **summary(replays)}


def _replayed(plan: PackPlan) -> Replay:
    """One pack in a store of its own."""
    with tempfile.TemporaryDirectory() as home:
        found = replay(simulate(plan), Context(Path(home), TENANT))
    found.life.records[1:-1] = []  # only the ends are asked for later
    return found


def replay(life: PackLife, context: Context) -> Replay:
    """Bring one pack into the store and diagnose it on the way, every EVERY_WEEKS weeks."""
    result = Replay(life, 0.0)
    scored = _scored_week(life)
    for week, pack in _weeks_in_store(life, context):
        now = life.records[week].started
        for f in diagnose(Diagnose(asset_id=life.plan.pack_id), context).findings:
            result.found.setdefault((f.fault, f.cells), now)
            if f.found_by == "limit":
                result.by_limit.setdefault((f.fault, f.cells), now)
        if week == scored:
            for s in suspicions(load_evidence(open_fleet(context), pack)):
                result.scores[s.fault] = max(result.scores.get(s.fault, 0.0), s.score)
    sound_weeks = WEEKS if life.onset_week is None else life.onset_week
    result.months = max(sound_weeks - FIRST_WEEK, 0) * 7 / 30.44
    return result


def _scored_week(life: PackLife) -> int:
    """When the AUROC is taken: SCORED_WEEKS after the onset; of sound packs, after the mean onset."""
    week = (26 if life.onset_week is None else life.onset_week) + SCORED_WEEKS
    last = (WEEKS - 1 - FIRST_WEEK) // EVERY_WEEKS
    return FIRST_WEEK + min((week - FIRST_WEEK) // EVERY_WEEKS, last) * EVERY_WEEKS


def _weeks_in_store(life: PackLife, context: Context) -> Iterator[tuple[int, Pack]]:
    engine, cell = open_engine(fleet_url(context.home)), find_cell(life.plan.chemistry.cell_id)
    key = {"tenant": TENANT, "pack_id": life.plan.pack_id}
    pack = Pack(**key, site=SITE, cell_model=cell.id, model_name=cell.name, series=life.plan.series,
                parallel=life.plan.parallel, commissioned=START.date().isoformat(), simulated=True)
    with Session(engine, expire_on_commit=False) as session:
        session.add(pack)
        session.commit()
        for week, record in enumerate(life.records):
            session.execute(insert(Record), [key | {"started": record.started, "samples": len(record.t_s),
                                                    "data": to_blob(record)}])
            session.execute(delete(PackState).filter_by(**key))
            session.execute(insert(PackState), [key | _state(life, week, record)])
            session.merge(Month(**key, **_month(life, week, record)))
            if week >= FIRST_WEEK and (week - FIRST_WEEK) % EVERY_WEEKS == 0:
                session.commit()
                yield week, pack


def _state(life: PackLife, week: int, record: ChargeRecord) -> dict:
    """Telemetry of the rest after the charge, as the battery monitor would send it."""
    volt, warm = record.voltage_v[-1], record.temperature_c[-1]
    return {"time": record.started, "soc_percent": 30.0, "soh_percent": round(float(life.soh_percent[week]), 1),
            "soh_source": "battery management system", "temperature_min_c": float(warm.min()),
            "temperature_mean_c": float(warm.mean()), "temperature_max_c": float(warm.max()),
            "voltage_v": float(volt.sum()), "current_a": 0.0, "spread_mv": 1000 * float(np.ptp(volt)),
            "cycles": 3.0 * week}


def _month(life: PackLife, week: int, record: ChargeRecord) -> dict:
    """The month so far; its extremes are taken from the charges of its weeks."""
    of_month = [r for r in life.records[:week + 1] if f"{r.started:%Y-%m}" == f"{record.started:%Y-%m}"] or [record]
    rate = record.current_a.max() / life.plan.parallel / life.plan.chemistry.nominal_ah
    return {"month": f"{record.started:%Y-%m}", "soh_percent": round(float(life.soh_percent[week]), 1),
            "cycles": 3.0 * week, "temperature_mean_c": float(record.temperature_c.mean()),
            "temperature_max_c": max(float(r.temperature_c.max()) for r in of_month),
            "spread_mv": 1000 * float(np.ptp(record.voltage_v[-1])), "charges": len(of_month),
            "charge_c_rate": round(float(rate), 2),
            "charge_temperature_min_c": min(float(r.temperature_c.min()) for r in of_month),
            "charge_end_soc_percent": 92.0}


# -- the report


def summary(replays: list[Replay]) -> dict:
    """Per fault and size, over all, and false alarms of both ways to look."""
    months = sum(r.months for r in replays)
    report = {"sound_pack_months": round(months)}
    for name in ("found", "by_limit"):
        listed = [alarm for r in replays for alarm in r.false(getattr(r, name))]
        key = "false_alarms" if name == "found" else "false_alarms_limits"
        report |= {key: len(listed), f"{key}_listed": listed,
                   f"{key}_per_1000_pack_months": round(1000 * len(listed) / months, 2)}
    report["faults"] = {fault: _of_fault([r for r in replays if r.life.plan.fault == fault], replays)
                        for fault in SIZES}
    faulty = [r for r in replays if r.life.plan.fault]
    report["all"] = _counts(faulty)
    return report


def _of_fault(replays: list[Replay], everyone: list[Replay]) -> dict:
    sizes = {("small", "middle", "large")[size]: _counts([r for r in replays if r.life.plan.size == size])
             for size in range(3)}
    return _counts(replays) | {"auroc": _auroc(replays, everyone), "sizes": sizes}


def _counts(replays: list[Replay]) -> dict:
    """Packs found by trends and limits together and by limits alone; days from onset and days before the limit."""
    with_trends = [(r.right(r.found), r.right(r.by_limit), r.life.onset) for r in replays]
    after = [(found - onset).days for found, _, onset in with_trends if found]
    # Where no limit was ever crossed, the lead is at least what was left of the records.
    last = replays[0].life.records[-1].started
    lead = [((limit or last) - found).days for found, limit, _ in with_trends if found]
    return {"packs": len(replays), "recall": round(len(after) / len(replays), 3),
            "recall_limits": round(sum(limit is not None for _, limit, _ in with_trends) / len(replays), 3),
            "days_after_onset": median(after) if after else None, "days_before_limit": median(lead) if lead else None,
            "limit_never_crossed": sum(bool(found and not limit) for found, limit, _ in with_trends),
            "first_blamed_another": sum(r.mistaken(r.found) for r in replays)}


def _auroc(replays: list[Replay], everyone: list[Replay]) -> float | None:
    """Chance that a pack with the fault scores above a sound one, SCORED_WEEKS after the onset (ties count half)."""
    from scipy.stats import rankdata

    ill = [_score(r, replays[0].life.plan.fault) for r in replays]
    well = [_score(r, replays[0].life.plan.fault) for r in everyone if r.life.plan.fault is None]
    if not well:
        return None
    ranks = rankdata([*ill, *well])
    return round(float((ranks[:len(ill)].sum() - len(ill) * (len(ill) + 1) / 2) / (len(ill) * len(well))), 3)


def _score(r: Replay, fault: str) -> float:
    return max((r.scores.get(name, 0.0) for name in NAMES[fault]), default=0.0)


def print_report(report: dict) -> None:
    print_header(f"Early faults, fleet of seed {report['seed']}, {report['packs']} packs", report)
    table = Table("fault", "size", "packs", "recall", "limits alone", "days after onset", "days before limit",
                  "limit never", "AUROC")
    for fault, of_fault in report["faults"].items():
        for size, counts in ({"all": of_fault} | of_fault["sizes"]).items():
            table.add_row(fault if size == "all" else "", size, str(counts["packs"]), f"{counts['recall']:.0%}",
                          f"{counts['recall_limits']:.0%}", str(counts["days_after_onset"]),
                          str(counts["days_before_limit"]), str(counts["limit_never_crossed"]),
                          str(of_fault["auroc"]) if size == "all" else "")
    people.print(table)
    people.print(f"false alarms: {report['false_alarms']} in {report['sound_pack_months']} sound pack-months "
                 f"({report['false_alarms_per_1000_pack_months']} per 1,000); limits alone "
                 f"{report['false_alarms_limits_per_1000_pack_months']} per 1,000")
