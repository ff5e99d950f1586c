"""What the checks look at and what they find."""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from tools.cells import Cell
from tools.contract import Result
from tools.faults.features import Features
from tools.fleet.records import ChargeRecord
from tools.fleet.store import cell_id
from tools.fleet.tables import CellState, Month, Pack, PackState

Severity = Literal["low", "medium", "high"]
Fault = Literal["imbalance", "weak_cell", "high_resistance", "cooling", "plating_risk", "sensor_stuck",
                "self_discharge", "plating_signature", "sensor_drift"]


class Finding(Result):
    """One fault with what shows it."""

    fault: Fault
    cells: tuple[str, ...] = Field(description="cells concerned; empty: the whole pack")
    evidence: str
    severity: Severity
    since: str | None = Field(description="first month that shows it, or a record's date")
    confidence: Severity
    what_to_do: str
    found_by: Literal["limit", "trend"] = Field(default="limit", description="a limit crossed, or a trend before that")


class DiagnoseResult(Result):
    """Findings, most serious first; empty means that none of `checks_ran` found anything."""

    asset_id: str
    cell_model: str
    simulated: bool
    findings: tuple[Finding, ...]
    checks_ran: tuple[str, ...]
    checks_not_possible: dict[str, str] = Field(description="check: reason")

    def brief(self) -> dict[str, Any]:
        short: dict[str, Any] = {"asset_id": self.asset_id, "cell_model": self.cell_model, "count": len(self.findings)}
        for n, f in enumerate(self.findings[:3], 1):
            where = f" {', '.join(f.cells)}" if f.cells else ""
            since = f", since {f.since}" if f.since else ""
            short[f"finding_{n}"] = (f"{f.fault}{where}: {f.evidence}; severity {f.severity}, "
                                     f"confidence {f.confidence}{since}")
            short[f"what_to_do_{n}"] = f.what_to_do
        if not self.findings:
            short["findings"] = "none"
        short["checks_ran"] = ", ".join(self.checks_ran)
        if self.checks_not_possible:
            short["not_checked"] = ", ".join(self.checks_not_possible)
        return short | ({"note": "simulated pack"} if self.simulated else {})


@dataclass(frozen=True)
class Evidence:
    """All that the checks look at; oldest first. `records` are the newest few, `features` reach back a year."""

    pack: Pack
    cell: Cell
    state: PackState
    cells: list[CellState]
    records: list[ChargeRecord]
    history: list[Month]
    peers: list[Month]  # of the newest months
    features: tuple[Features, ...] = ()


class NotPossible(Exception):
    """Why a check cannot be made with what is there."""


def finding(e: Evidence, fault: Fault, cells: list[int], evidence: str, serious: bool, since: str | None,
            confidence: Severity, what_to_do: str) -> Finding:
    """A finding by a limit: severity medium, or high where serious. Cell 0 stands for the whole pack."""
    return Finding(fault=fault, cells=cell_names(e, cells), evidence=evidence,
                   severity="high" if serious else "medium", since=since, confidence=confidence, what_to_do=what_to_do)


def cell_names(e: Evidence, cells: list[int]) -> tuple[str, ...]:
    return tuple(cell_id(e.pack.pack_id, c) for c in cells if c > 0)
