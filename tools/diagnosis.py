"""Faults of a pack: what limits and trends find in its telemetry, charge records and history."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from tools.cells import find_cell
from tools.faults import limits, trends
from tools.faults.drift import MIN_RECORDS
from tools.faults.features import features_of_blob
from tools.faults.finding import DiagnoseResult, Evidence, Finding, NotPossible
from tools.fleet.store import Fleet
from tools.fleet.tables import Pack

__all__ = ["DiagnoseResult", "Evidence", "Finding", "NotPossible", "fault_rows", "find_faults", "load_evidence"]

RECORDS_FOR_LIMITS = 3
TREND_DAYS, TREND_RECORDS = 450, 64
BINS_DAYS = (1, 3, 7)  # at most one charge in each, the finest that keeps to TREND_RECORDS
Check = Callable[[Evidence], list[Finding]]
CHECKS: tuple[tuple[str, Check, tuple[str, ...]], ...] = (  # name, by limit, faults by trend
    ("imbalance", limits.imbalance, ("imbalance", "self_discharge")),
    ("weak cells", limits.weak_cell, ("weak_cell",)),
    ("resistance", limits.high_resistance, ("high_resistance",)),
    ("cooling", limits.cooling, ("cooling",)),
    ("plating risk", limits.plating_risk, ("plating_signature",)),
    ("stuck sensors", limits.sensor_stuck, ("sensor_drift",)))


def load_evidence(fleet: Fleet, pack: Pack) -> Evidence:
    """Everything the checks look at, from the store."""
    history = fleet.history(pack)
    peers = fleet.peer_history(pack, [m.month for m in history[-13:]])
    rows = fleet.record_rows(pack, _spaced(fleet.record_times(pack, TREND_DAYS)))
    found = (features_of_blob(row.data, row.started) for row in rows)
    return Evidence(pack, find_cell(pack.cell_model), fleet.state(pack), fleet.cells(pack),
                    fleet.records(pack, last=RECORDS_FOR_LIMITS), history, peers,
                    tuple(f for f in found if f is not None))


def _spaced(times: list[tuple[int, datetime]]) -> list[int]:
    """Ids of at most TREND_RECORDS charges, the first of each bin of days, so that the choice of the past stays."""
    for days in BINS_DAYS:
        kept = {started.toordinal() // days: number for number, started in reversed(times)}
        if len(kept) <= TREND_RECORDS:
            break
    return [kept[key] for key in sorted(kept)][-TREND_RECORDS:]


def find_faults(evidence: Evidence) -> DiagnoseResult:
    """Run every check by limit and by trend; a check that can be made in neither way is named with the reason."""
    by_trend, findings, ran, skipped = trends.findings(evidence), [], [], {}
    trends_ran = len(evidence.features) >= MIN_RECORDS
    for name, by_limit, faults in CHECKS:
        found = [f for f in by_trend if f.fault in faults]
        try:
            crossed = by_limit(evidence)
            found = crossed + [f for f in found if not _told(f, crossed)]
        except NotPossible as reason:
            if not trends_ran:
                skipped[name] = str(reason)
                continue
        findings += found
        ran.append(name)
    rank = {"high": 0, "medium": 1, "low": 2}
    return DiagnoseResult(
        asset_id=evidence.pack.pack_id, cell_model=evidence.pack.model_name, simulated=evidence.pack.simulated,
        findings=tuple(sorted(findings, key=lambda f: rank[f.severity])), checks_ran=tuple(ran),
        checks_not_possible=skipped)


def _told(trend: Finding, crossed: list[Finding]) -> bool:
    """A limit that is crossed says more than the trend that led there."""
    return any(f.fault == trend.fault and (not f.cells or set(trend.cells) <= set(f.cells)) for f in crossed)


def fault_rows(pack: Pack, result: DiagnoseResult) -> list[dict[str, Any]]:
    """Findings as rows of the faults table."""
    return [{"tenant": pack.tenant, "pack_id": pack.pack_id, "fault": f.fault, "severity": f.severity, "since": f.since,
             "note": f.evidence[:400], "cell": int(f.cells[0].rsplit("C", 1)[1]) if f.cells else None}
            for f in result.findings]
