"""The two health tools: state of health with its uncertainty, and what is wrong with a pack."""

from datetime import datetime
from typing import Any

import numpy as np
from pydantic import Field

from tools.arguments import Diagnose, EstimateSoh
from tools.cells import Cell, find_cell
from tools.contract import Context, Result
from tools.diagnosis import DiagnoseResult, find_faults, load_evidence
from tools.errors import CannotAnswer
from tools.estimation import newest_usable, weakest_of
from tools.fleet.records import ChargeRecord, from_blob
from tools.fleet.store import ASSET, Fleet, cell_id, open_fleet
from tools.uploads import cell_named


class EstimateSohResult(Result):
    """State of health from the newest usable charge record; of a pack its weakest cell's, which ends a discharge."""

    asset_id: str
    cell_model: str
    valid: bool
    reason: str = Field(description="why the record is unusable, or empty")
    soh_percent: float | None = None
    soh_low_percent: float | None = Field(default=None, description="lower end of the 90 % interval")
    soh_high_percent: float | None = None
    capacity_ah: float | None = Field(default=None, description="of one cell")
    nominal_capacity_ah: float
    weakest_cell: str | None = None
    mean_cell_soh_percent: float | None = None
    method: str
    record_time: str | None = None
    window_low_v: float | None = None
    window_high_v: float | None = None
    window_ah: float | None = Field(default=None, description="charge per cell counted in the window")
    telemetry_soh_percent: float | None = None
    simulated: bool = False
    cells_soh_percent: dict[str, float] = {}

    def brief(self) -> dict[str, Any]:
        hidden = {"cells_soh_percent", "simulated", "soh_low_percent", "soh_high_percent", "window_low_v",
                  "window_high_v", "nominal_capacity_ah", "telemetry_soh_percent"}
        short = {k: v for k, v in self.model_dump(exclude_none=True, exclude=hidden).items() if v != ""}
        if self.valid:
            short["soh_90_percent_interval"] = f"{self.soh_low_percent} to {self.soh_high_percent}"
        elif self.telemetry_soh_percent is not None:
            short["telemetry_soh_percent"] = self.telemetry_soh_percent
        return short | ({"note": "simulated pack"} if self.simulated else {})


def estimate_soh(arguments: EstimateSoh, context: Context) -> EstimateSohResult:
    """Estimate state of health with its uncertainty from the asset's latest charge records.

    Takes the newest record that shows it. Raises CannotAnswer for an unknown asset or one without any record.
    """
    fleet = open_fleet(context)
    if arguments.asset_id.startswith("UP-"):
        upload = fleet.upload(arguments.asset_id)
        cell = cell_named(upload.cell_model)
        return _result(arguments.asset_id, cell, [from_blob(upload.data, upload.started)], 1, None)
    pack = fleet.pack(arguments.asset_id)
    cell, number = find_cell(pack.cell_model), ASSET.match(arguments.asset_id)[2]
    records = [_for_cell(r, int(number), arguments.asset_id) if number else r for r in fleet.records(pack)]
    if not records:
        raise CannotAnswer(f"{pack.pack_id} has no charge record: import one to estimate its state of health.")
    return _result(arguments.asset_id, cell, records, pack.parallel, (fleet, pack))


def _for_cell(record: ChargeRecord, number: int, asset_id: str) -> ChargeRecord:
    if number not in record.cells:
        raise CannotAnswer(f"The charge records do not log {asset_id} by itself; ask about the pack.")
    return record.column(number)


def _result(asset_id: str, cell: Cell, records: list[ChargeRecord], parallel: int,
            owner: tuple[Fleet, Any] | None) -> EstimateSohResult:
    record, estimates = newest_usable(records, cell, parallel)
    common = {"asset_id": asset_id, "cell_model": cell.name, "nominal_capacity_ah": cell.capacity_nominal_ah,
              "record_time": _stamp(record.started)}
    if owner:
        fleet, pack = owner
        common |= {"simulated": pack.simulated, "telemetry_soh_percent": round(fleet.state(pack).soh_percent, 1)}
    usable, weakest = [e for e in estimates if e.valid], weakest_of(estimates)
    if weakest is None:
        reason = next(e.reason for e in estimates if not e.valid)
        return EstimateSohResult(**common, valid=False, reason=reason, method="charge counting")
    pack_id = asset_id[:7] if asset_id.startswith("PK-") else None
    several = len(usable) > 1
    return EstimateSohResult(
        **common, valid=True, reason="", soh_percent=round(weakest.soh_percent, 1),
        soh_low_percent=round(weakest.low_percent, 1), soh_high_percent=round(weakest.high_percent, 1),
        capacity_ah=round(weakest.soh_percent / 100 * cell.capacity_nominal_ah, 3),
        weakest_cell=cell_id(pack_id, weakest.cell) if several else None,
        mean_cell_soh_percent=round(float(np.mean([e.soh_percent for e in usable])), 1) if several else None,
        method=weakest.method, window_low_v=round(weakest.window_v[0], 3), window_high_v=round(weakest.window_v[1], 3),
        window_ah=round(weakest.window_ah, 3),
        cells_soh_percent={cell_id(pack_id, e.cell): round(e.soh_percent, 1) for e in usable} if several else {})


def _stamp(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC")


def diagnose(arguments: Diagnose, context: Context) -> DiagnoseResult:
    """Check a pack for faults: weak cells, imbalance, resistance, cooling, plating risk, stuck sensors.

    An empty list of findings means that none of the checks that ran found anything; checks that could not
    run are named with the reason. Raises CannotAnswer for an unknown asset.
    """
    fleet = open_fleet(context)
    if arguments.asset_id.startswith("UP-"):
        fleet.upload(arguments.asset_id)
        raise CannotAnswer(f"{arguments.asset_id} is one cell's charge record: faults are found by comparing cells, "
                           "so name a pack; its health can be estimated.")
    pack = fleet.pack(arguments.asset_id)
    result = find_faults(load_evidence(fleet, pack))
    if arguments.asset_id == pack.pack_id:
        return result
    own = tuple(f for f in result.findings if not f.cells or arguments.asset_id in f.cells)
    return result.model_copy(update={"asset_id": arguments.asset_id, "findings": own})
