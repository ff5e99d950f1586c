"""What a call is about: an asset's live state, overruled by whatever the call itself states."""

import math

from tools.arguments import Arguments
from tools.cells import find_cell
from tools.contract import Context
from tools.errors import CannotAnswer
from tools.fleet.records import from_blob
from tools.fleet.store import ASSET, Fleet, cell_id, open_fleet
from tools.subject import Subject
from tools.uploads import cell_named

DEFAULTS = {"soc_percent": 20.0, "temperature_c": 25.0, "soh_percent": 100.0}  # of a cell named by model
GIVEN_AS = {"soc_percent": ("soc_percent", "soc_start_percent"), "temperature_c": ("temperature_c",),
            "soh_percent": ("soh_percent",)}


def resolve_subject(arguments: Arguments, context: Context) -> Subject:
    """Cell and state for a call with `asset_id` or `cell_model`.

    What the call gives wins; the rest comes from telemetry for an asset, from `DEFAULTS` for a cell model.
    Of a pack the weakest cell's health counts, and the sensor that limits charging: the coldest while the
    pack is below 25 degC, else the hottest. Raises CannotAnswer for what is unknown in scope.
    """
    given = {name: value for name, fields in GIVEN_AS.items()
             for field in fields if (value := getattr(arguments, field, None)) is not None}
    if arguments.asset_id is None:
        return _subject(find_cell(arguments.cell_model), {}, given)
    if arguments.asset_id.startswith("UP-"):
        return _of_upload(arguments.asset_id, given, context)
    return _of_pack(arguments.asset_id, given, open_fleet(context))


def _of_pack(asset_id: str, given: dict[str, float], fleet: Fleet) -> Subject:
    pack = fleet.pack(asset_id)
    cell = find_cell(pack.cell_model)
    known = {} if len(given) == len(DEFAULTS) else _telemetry(asset_id, fleet, pack)
    number = ASSET.match(asset_id)[2]
    series = 1 if number else pack.series
    return _subject(cell, known, given, asset_id, series, pack.parallel)


def _telemetry(asset_id: str, fleet: Fleet, pack) -> dict[str, float]:
    state = fleet.state(pack)
    if number := ASSET.match(asset_id)[2]:
        return _cell_telemetry(int(number), fleet, pack, state)
    cool = state.temperature_mean_c < 25
    return {"soc_percent": state.soc_percent, "soh_percent": state.soh_percent,
            "temperature_c": state.temperature_min_c if cool else state.temperature_max_c}


def _cell_telemetry(number: int, fleet: Fleet, pack, state) -> dict[str, float]:
    """The cell's own values; what it does not report is the pack's."""
    cell = next((c for c in fleet.cells(pack) if c.cell == number), None)
    if cell is None:
        raise CannotAnswer(f"{cell_id(pack.pack_id, number)} reports no telemetry; ask about {pack.pack_id}.")
    return {"soc_percent": state.soc_percent if cell.soc_percent is None else cell.soc_percent,
            "soh_percent": state.soh_percent if cell.soh_percent is None else cell.soh_percent,
            "temperature_c": cell.temperature_c}


def _of_upload(upload_id: str, given: dict[str, float], context: Context) -> Subject:
    """A charge record: its last temperature and estimated health; it has no live state of charge."""
    from tools.estimation import estimate_cells

    upload = open_fleet(context).upload(upload_id)
    record, cell = from_blob(upload.data, upload.started), cell_named(upload.cell_model)
    last_c = float(record.temperature_c[-1, 0])
    known = {"temperature_c": last_c} if math.isfinite(last_c) else {}
    if "soh_percent" not in given:
        estimate = estimate_cells(record, cell, 1)[0]
        if not estimate.valid:
            raise CannotAnswer(f"{upload_id} does not show its state of health ({estimate.reason}): give soh_percent.")
        known["soh_percent"] = estimate.soh_percent
    return _subject(cell, known, given, upload_id)


def _subject(cell, known, given, asset_id=None, series=1, parallel=1) -> Subject:
    state = DEFAULTS | known | given
    sources = {n: "given" if n in given else "telemetry" if n in known else "default" for n in DEFAULTS}
    return Subject(cell=cell, soc_percent=state["soc_percent"], temperature_c=state["temperature_c"],
                   soh_percent=min(state["soh_percent"], 100.0) if "soh_percent" not in given else state["soh_percent"],
                   asset_id=asset_id, series=series, parallel=parallel, sources=sources)
