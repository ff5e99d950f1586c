"""What the fleet knows right now: one pack or cell, or a list of packs."""

from typing import Any

from pydantic import Field
from sqlalchemy import ColumnElement, Select, and_, exists

from tools.arguments import FindPacks, GetStatus
from tools.cells import find_cell
from tools.contract import Context, Result
from tools.errors import BadArgument, CannotAnswer
from tools.fleet.store import ASSET, Fleet, cell_id, open_fleet
from tools.fleet.tables import Fault, Pack, PackState

DEFAULT_LIMIT = 10


class GetStatusResult(Result):
    """Latest telemetry of a pack, or of one cell (series group) in it. Currents are the pack's, charge positive."""

    asset_id: str
    cell_model: str
    site: str
    simulated: bool
    time: str = Field(description="when the telemetry was sent, UTC")
    soc_percent: float
    soh_percent: float
    soh_low_percent: float | None = Field(description="lower end of the 90 % interval")
    soh_high_percent: float | None
    soh_source: str
    temperature_c: float = Field(description="mean of the pack's sensors, or the cell's own")
    temperature_min_c: float | None
    temperature_max_c: float | None
    spread_mv: float | None = Field(description="highest minus lowest cell voltage")
    cycles: int = Field(description="equivalent full cycles")
    voltage_v: float
    current_a: float
    faults: tuple[str, ...]
    series: int
    parallel: int
    commissioned: str
    resistance_mohm: float | None = None
    weakest_cell: str | None = None
    voltage_offset_mv: float | None = Field(default=None, description="of a cell: its voltage minus the pack's mean")

    def brief(self) -> dict[str, Any]:
        short = {n: getattr(self, n) for n in ("asset_id", "cell_model", "site", "soc_percent")}
        short["soh_percent"] = self.soh_percent
        if self.soh_low_percent is not None:
            short["soh_90_percent_interval"] = f"{self.soh_low_percent} to {self.soh_high_percent}"
        for name in ("temperature_c", "spread_mv", "voltage_offset_mv", "cycles", "voltage_v", "current_a"):
            if getattr(self, name) is not None:
                short[name] = getattr(self, name)
        short |= {"faults": ", ".join(self.faults) or "none", "time": self.time}
        return short | ({"note": "simulated pack"} if self.simulated else {})


class PackRow(Result):
    """One pack of a list."""

    asset_id: str
    site: str
    cell_model: str
    soh_percent: float
    temperature_c: float
    spread_mv: float
    soc_percent: float
    cycles: int
    fault: str


class FindPacksResult(Result):
    """How many packs fit and the first of them, in the stated order."""

    count: int
    of_packs: int = Field(description="packs in scope")
    filters: str
    order: str
    simulated: bool
    packs: tuple[PackRow, ...]

    def brief(self) -> dict[str, Any]:
        """Every pack of the list on one short line."""
        lines = [f"{p.asset_id} {p.site} {p.cell_model} SoH {p.soh_percent:g} % {p.temperature_c:g} degC "
                 f"spread {p.spread_mv:g} mV SoC {p.soc_percent:g} % {p.cycles:g} cycles fault {p.fault}"
                 for p in self.packs]
        short = {"count": self.count, "of_packs": self.of_packs, "filters": self.filters, "order": self.order,
                 "packs": lines}
        return short | ({"note": "simulated packs"} if self.simulated else {})


def get_status(arguments: GetStatus, context: Context) -> GetStatusResult:
    """Latest state of a pack or cell: charge, health, temperature, voltage, spread, cycles, faults.

    Raises CannotAnswer for an asset that is unknown in the context's scope.
    """
    if arguments.asset_id.startswith("UP-"):
        raise CannotAnswer(f"{arguments.asset_id} is an uploaded charge record and has no live state; "
                           "its health can be estimated.")
    fleet = open_fleet(context)
    pack = fleet.pack(arguments.asset_id)
    number = ASSET.match(arguments.asset_id)[2]
    return _cell_status(fleet, pack, int(number)) if number else _pack_status(fleet, pack)


def _pack_status(fleet: Fleet, pack: Pack) -> GetStatusResult:
    state, cells = fleet.state(pack), fleet.cells(pack)
    known = [c for c in cells if c.soh_percent is not None]
    weakest = min(known, key=lambda c: c.soh_percent, default=None)
    return GetStatusResult(
        **_common(fleet, pack, state, None), asset_id=pack.pack_id,
        soc_percent=round(state.soc_percent, 1), soh_percent=round(state.soh_percent, 1),
        soh_low_percent=_round(state.soh_low_percent), soh_high_percent=_round(state.soh_high_percent),
        soh_source=state.soh_source, temperature_c=round(state.temperature_mean_c, 1),
        temperature_min_c=round(state.temperature_min_c, 1), temperature_max_c=round(state.temperature_max_c, 1),
        spread_mv=round(state.spread_mv, 1), voltage_v=round(state.voltage_v, 1),
        weakest_cell=weakest and cell_id(pack.pack_id, weakest.cell))


def _cell_status(fleet: Fleet, pack: Pack, number: int) -> GetStatusResult:
    state, cells = fleet.state(pack), fleet.cells(pack)
    cell = next((c for c in cells if c.cell == number), None)
    if cell is None:
        raise CannotAnswer(f"{cell_id(pack.pack_id, number)} reports no telemetry; ask about {pack.pack_id}.")
    mean_v = sum(c.voltage_v for c in cells) / len(cells)
    own_soh = cell.soh_percent is not None
    return GetStatusResult(
        **_common(fleet, pack, state, number), asset_id=cell_id(pack.pack_id, number),
        soc_percent=round(state.soc_percent if cell.soc_percent is None else cell.soc_percent, 1),
        soh_percent=round(cell.soh_percent if own_soh else state.soh_percent, 1),
        soh_low_percent=None, soh_high_percent=None,
        soh_source=state.soh_source if own_soh else f"{state.soh_source} (of the whole pack)",
        temperature_c=round(cell.temperature_c, 1), temperature_min_c=None, temperature_max_c=None, spread_mv=None,
        voltage_v=round(cell.voltage_v, 3), resistance_mohm=_round(cell.resistance_mohm, 2),
        voltage_offset_mv=round((cell.voltage_v - mean_v) * 1000, 1))


def _common(fleet: Fleet, pack: Pack, state: PackState, number: int | None) -> dict[str, Any]:
    faults = [f for f in fleet.faults(pack) if number is None or f.cell in (None, number)]
    return {"cell_model": pack.model_name, "site": pack.site, "simulated": pack.simulated,
            "time": state.time.strftime("%Y-%m-%d %H:%M UTC"), "cycles": round(state.cycles),
            "current_a": round(state.current_a, 1), "faults": tuple(dict.fromkeys(_fault_words(f) for f in faults)),
            "series": pack.series, "parallel": pack.parallel, "commissioned": pack.commissioned}


def _fault_words(fault: Fault) -> str:
    return fault.fault + (f" C{fault.cell:02d}" if fault.cell else "")


def _round(value: float | None, digits: int = 1) -> float | None:
    return None if value is None else round(value, digits)


def find_packs(arguments: FindPacks, context: Context) -> FindPacksResult:
    """List the packs that fit filters on health, temperature, spread, charge, fault, cell type or site.

    Filters are joined by and; bounds are strict. Temperature is the mean of a pack's sensors. Without
    sort_by the order follows the first filter given: worst health, hottest, widest spread first.
    Raises CannotAnswer for an unknown site or cell model.
    """
    _check_bounds(arguments)
    fleet = open_fleet(context)
    site = fleet.site_named(arguments.site) if arguments.site else None
    cell = find_cell(arguments.cell_model) if arguments.cell_model else None
    where, words = _where(arguments, site, cell)
    column, descending = _order(arguments)
    rows = fleet.all(_by(fleet.mine(Pack, PackState).where(*where), column, descending))
    shown = rows[:arguments.limit or DEFAULT_LIMIT]
    return FindPacksResult(
        count=len(rows), of_packs=fleet.count(), filters=", ".join(words) or "none",
        order=f"{arguments.sort_by or _default_sort(arguments)[0]}, {'largest' if descending else 'smallest'} first",
        simulated=bool(shown) and all(p.simulated for p, _ in shown),
        packs=tuple(_row(fleet, p, s) for p, s in shown))


SORT_COLUMNS = {"soh": PackState.soh_percent, "temperature": PackState.temperature_mean_c,
                "spread": PackState.spread_mv, "cycles": PackState.cycles, "soc": PackState.soc_percent}
BOUNDS = (  # field, column, is it a lower bound, words
    ("soh_below_percent", PackState.soh_percent, False, "SoH below {:g} %"),
    ("soh_above_percent", PackState.soh_percent, True, "SoH above {:g} %"),
    ("temperature_above_c", PackState.temperature_mean_c, True, "warmer than {:g} degC"),
    ("temperature_below_c", PackState.temperature_mean_c, False, "colder than {:g} degC"),
    ("spread_above_mv", PackState.spread_mv, True, "spread above {:g} mV"),
    ("soc_below_percent", PackState.soc_percent, False, "SoC below {:g} %"))
FILTER_ORDER = (("soh_below_percent", "soh", False), ("soh_above_percent", "soh", True),
                ("temperature_above_c", "temperature", True), ("temperature_below_c", "temperature", False),
                ("spread_above_mv", "spread", True), ("soc_below_percent", "soc", False))


def _check_bounds(arguments: FindPacks) -> None:
    for low, high, what in (("soh_above_percent", "soh_below_percent", "health"),
                            ("temperature_above_c", "temperature_below_c", "temperature")):
        above, below = getattr(arguments, low), getattr(arguments, high)
        if above is not None and below is not None and above >= below:
            raise BadArgument(low, f"No {what} is above {above:g} and below {below:g}: {low} must be the smaller.")


def _where(arguments: FindPacks, site: str | None, cell) -> tuple[list[ColumnElement], list[str]]:
    where, words = [], []
    for field, column, lower, text in BOUNDS:
        if (value := getattr(arguments, field)) is not None:
            where.append(column > value if lower else column < value)
            words.append(text.format(value))
    if arguments.has_fault is not None:
        fault = exists().where(and_(Fault.tenant == Pack.tenant, Fault.pack_id == Pack.pack_id))
        where.append(fault if arguments.has_fault else ~fault)
        words.append("with a fault" if arguments.has_fault else "without a fault")
    if cell:
        where.append(Pack.cell_model == cell.id)
        words.append(cell.name)
    if site:
        where.append(Pack.site == site)
        words.append(f"at {site}")
    return where, words


def _default_sort(arguments: FindPacks) -> tuple[str, bool]:
    given = [(sort, largest) for field, sort, largest in FILTER_ORDER if getattr(arguments, field) is not None]
    return given[0] if given else ("soh", False)


def _order(arguments: FindPacks) -> tuple[ColumnElement, bool]:
    sort, largest = (arguments.sort_by, False) if arguments.sort_by else _default_sort(arguments)
    return SORT_COLUMNS[sort], largest if arguments.descending is None else arguments.descending


def _by(statement: Select, column: ColumnElement, descending: bool) -> Select:
    return statement.order_by(column.desc() if descending else column.asc(), Pack.pack_id)


def _row(fleet: Fleet, pack: Pack, state: PackState) -> PackRow:
    faults = fleet.faults(pack)
    return PackRow(asset_id=pack.pack_id, site=pack.site, cell_model=pack.model_name,
                   soh_percent=round(state.soh_percent, 1), temperature_c=round(state.temperature_mean_c, 1),
                   spread_mv=round(state.spread_mv, 1), soc_percent=round(state.soc_percent, 1),
                   cycles=round(state.cycles), fault=", ".join(_fault_words(f) for f in faults) or "none")
