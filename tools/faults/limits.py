"""Limits on the newest telemetry, charge record and months: what is wrong by now, with the limit that says so."""

from collections.abc import Callable

import numpy as np

from tools.cells import Cell
from tools.estimation import step_resistance_ohm
from tools.faults.features import Features, features
from tools.faults.finding import Evidence, Finding, NotPossible, finding
from tools.fleet.records import ChargeRecord
from tools.fleet.tables import Month

# Rest spread in mV that is noted / that is serious. LFP is flat: the same imbalance shows less.
SPREAD_MV = {"LFP": (20.0, 50.0)}
SPREAD_MV_OTHERS = (30.0, 80.0)
REST_C_RATE = 0.02
GROWTH_MV_PER_MONTH = 2.0
WEAK_PERCENT = (5.0, 10.0)  # points of SoH below the pack's median cell: noted, serious
WEAK_ERROR = 0.015  # standard error of a cell's capacity above which a charge does not show it
RESISTANCE_RATIO = (1.4, 2.0)  # times the pack's median cell
OUTLIER_SIGMA = 5.0  # and as many robust standard deviations from the median
HOT_K = (7.0, 15.0)  # monthly maximum above the peers' median, in each of the last three months
HOT_CELL_K = 5.0  # one cell's warming above the median cell's during a charge
COLD_C = 5.0
COLD_C_RATE = 0.5  # fast for a cold charge where the datasheet gives no limit by temperature
COLD_FACTOR = 1.5  # times the datasheet's limit
COLD_MONTHS = 3  # of the last twelve
STUCK_K, MOVED_K = 0.15, 1.0
STUCK_V, MOVED_V = 0.002, 0.05
MIN_CELLS, MIN_PEERS = 4, 4


def imbalance(e: Evidence) -> list[Finding]:
    capacity = (e.cell.capacity_nominal_ah or 0) * e.pack.parallel
    if abs(e.state.current_a) > REST_C_RATE * capacity:
        raise NotPossible("the newest telemetry was taken under load")
    noted, serious = SPREAD_MV.get(e.cell.chemistry, SPREAD_MV_OTHERS)
    if e.state.spread_mv <= noted:
        return []
    growth = _slope([(_number(m.month), m.spread_mv) for m in e.history[-6:] if m.spread_mv is not None])
    growing = growth >= GROWTH_MV_PER_MONTH
    cause = f", growing {growth:.1f} mV a month as under self-discharge" if growing else ""
    return [finding(e, "imbalance", _lowest_cells(e),
                     f"spread {e.state.spread_mv:.0f} mV at rest, limit {noted:g} mV{cause}",
                     e.state.spread_mv > serious, _since(e.history, lambda m: (m.spread_mv or 0) > noted), "high",
                     "Balance the pack; if the spread returns, replace the cell that falls behind." if growing
                     else "Balance the pack at the end of the next full charge and look again in a week.")]


def _lowest_cells(e: Evidence) -> list[int]:
    """Cells whose voltage explains most of the spread: further from the median than half of it."""
    if not e.cells:
        return []
    volts = np.array([c.voltage_v for c in e.cells])
    far = np.abs(volts - np.median(volts)) * 1000 > e.state.spread_mv / 2
    return [c.cell for c, is_far in zip(e.cells, far, strict=True) if is_far]


def weak_cell(e: Evidence) -> list[Finding]:
    """Capacity against the pack's median cell, the median over the newest charges that show it."""
    shown = [f.capacity for f in _newest_features(e) if float(np.median(f.capacity.error)) <= WEAK_ERROR]
    if not shown:
        raise NotPossible("no charge record shows the capacity of single cells")
    behind = -100 * np.median([m.value for m in shown], axis=0)
    sure = behind - 100 * np.median([m.error for m in shown], axis=0)
    return [finding(e, "weak_cell", [c],
                    f"capacity {b:.1f} points below the pack's median cell, limit {WEAK_PERCENT[0]:g}",
                    b > WEAK_PERCENT[1], _day(e.records[-1]), "high",
                    "Replace the cell group or retire the pack: it ends every charge and discharge early.")
            for c, b, least in zip(e.records[-1].cells, behind, sure, strict=True)
            if least > WEAK_PERCENT[0] and b > OUTLIER_SIGMA * _robust_sigma(behind)]


def high_resistance(e: Evidence) -> list[Finding]:
    """Resistance against the pack's median cell: of the newest step of current, and over the newest charges too."""
    shown = [f.resistance for f in _newest_features(e) if np.isfinite(f.resistance.error).all()]
    ohms = step_resistance_ohm(e.records[-1])
    if not shown or ohms is None:
        raise NotPossible("no charge record has a current step logged per cell")
    ratio = np.minimum(1 + np.median([m.value for m in shown], axis=0), ohms / np.median(ohms))
    noise = float(np.median([m.error for m in shown])) / np.sqrt(len(shown))
    return [finding(e, "high_resistance", [c],
                    f"resistance {r:.2f} times the pack's median cell, limit {RESISTANCE_RATIO[0]:g}",
                    r > RESISTANCE_RATIO[1], _day(e.records[-1]), "medium",
                    "Check the cell's welds and busbar first, then the cell; charge gently until then.")
            for c, r in zip(e.records[-1].cells, ratio, strict=True)
            if r > RESISTANCE_RATIO[0] and r - 1 > OUTLIER_SIGMA * max(_robust_sigma(ratio), noise)]


def _newest_features(e: Evidence) -> list[Features]:
    """Of the newest records that log the same cells as the last one."""
    _newest(e)
    known = {f.started: f for f in e.features}
    found = [known.get(r.started) or features(r) for r in e.records]
    return [f for f in found if f is not None and f.cells == e.records[-1].cells]


def cooling(e: Evidence) -> list[Finding]:
    return _hot_against_peers(e) + _hot_cells(e)


def _hot_against_peers(e: Evidence) -> list[Finding]:
    excess = _excess_over_peers(e, lambda m: m.temperature_max_c)
    if len(excess) < 3 or _number(excess[-1][0]) - _number(excess[-3][0]) > 2:
        raise NotPossible(f"fewer than {MIN_PEERS} packs of this model at this site, or under three months of history")
    last = [x for _, x in excess[-3:]]
    if min(last) <= HOT_K[0]:
        return []
    since = next((m for i, (m, _) in enumerate(excess) if all(x > HOT_K[0] for _, x in excess[i:])), None)
    return [finding(e, "cooling", [],
                     f"monthly maximum {min(last):.0f} to {max(last):.0f} K above the median of like packs at "
                     f"{e.pack.site} for three months, limit {HOT_K[0]:g} K", max(last) > HOT_K[1], since, "medium",
                     "Check fan, coolant flow and filters; halve the charging current until it is fixed.")]


def _hot_cells(e: Evidence) -> list[Finding]:
    if not e.records or len(e.records[-1].cells) < MIN_CELLS:
        return []
    record = e.records[-1]
    rise = record.temperature_c.max(axis=0) - record.temperature_c[0]
    hot = [c for c, r in zip(record.cells, rise - np.median(rise), strict=True) if r > HOT_CELL_K]
    if not hot:
        return []
    return [finding(e, "cooling", hot,
                     f"warmed {rise.max() - np.median(rise):.1f} K more than the median cell during the charge, "
                     f"limit {HOT_CELL_K:g} K", False, _day(record), "medium",
                     "Check the thermal contact and the connections of these cells.")]


def plating_risk(e: Evidence) -> list[Finding]:
    """Months of the last twelve with cold charges faster than the datasheet, or than 0.5C where it has no limit."""
    recent = [m for m in e.history if _number(m.month) > _number(e.history[-1].month) - 12
              and m.charge_c_rate is not None and m.charge_temperature_min_c is not None]
    if not recent:
        raise NotPossible("no history of charging rates and temperatures")
    cold = [m for m in recent if m.charge_temperature_min_c < COLD_C
            and m.charge_c_rate > cold_limit_c_rate(e.cell, m.charge_temperature_min_c)]
    if len(cold) < COLD_MONTHS:
        return []
    worst = max(cold, key=lambda m: m.charge_c_rate)
    loss, usual = _year_loss(e.history), _peer_loss(e)
    faster = loss is not None and usual is not None and loss > 1.5 * max(usual, 0.5)
    ageing = f"; {loss:.1f} points of SoH lost in a year against {usual:.1f} of like packs" if faster else ""
    limit = cold_limit_c_rate(e.cell, worst.charge_temperature_min_c)
    return [finding(e, "plating_risk", [],
                     f"{len(cold)} of 12 months with charges below {COLD_C:g} degC at up to "
                     f"{worst.charge_c_rate:.2f}C, limit {limit:.2f}C{ageing}",
                     faster, cold[0].month, "medium" if faster else "low",
                     "Warm the pack before charging or charge slower in the cold; test capacity, look for swelling.")]


def cold_limit_c_rate(cell: Cell, temperature_c: float) -> float:
    """C-rate above which a cold charge counts as fast: 1.5 times the datasheet's, 0 below its lowest temperature."""
    bands = [b for b in cell.charge_derating if b.c_rate_max is not None]
    for band in bands:
        if band.temp_min_c <= temperature_c < band.temp_max_c:
            return COLD_FACTOR * band.c_rate_max
    return 0.0 if bands and temperature_c < min(b.temp_min_c for b in bands) else COLD_C_RATE


def sensor_stuck(e: Evidence) -> list[Finding]:
    record = _newest(e)
    if len(record.cells) < MIN_CELLS:
        raise NotPossible("no charge record logs single cells")
    found = []
    for what, values, stuck, moved, unit in (("temperature", record.temperature_c, STUCK_K, MOVED_K, "K"),
                                             ("voltage", record.voltage_v, STUCK_V, MOVED_V, "V")):
        ranges = np.ptp(values, axis=0)
        usual = float(np.median(ranges))
        cells = [c for c, r in zip(record.cells, ranges, strict=True) if r <= stuck and usual >= moved]
        if cells:
            found.append(finding(e, "sensor_stuck", cells,
                                  f"{what} did not move (at most {stuck:g} {unit}) during a charge in which the "
                                  f"median cell moved {usual:.2g} {unit}", what == "voltage", _day(record), "high",
                                  "Replace the sensor or its wiring; do not rely on limits that use its reading."))
    return found


def _newest(e: Evidence) -> ChargeRecord:
    if not e.records:
        raise NotPossible("no charge record")
    return e.records[-1]


def _day(record: ChargeRecord) -> str:
    return record.started.strftime("%Y-%m-%d")


def _robust_sigma(values: np.ndarray) -> float:
    """Standard deviation from the median absolute deviation."""
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))


def _slope(values: list[tuple[int, float]]) -> float:
    """Least-squares slope of (month, value) per month; 0 for fewer than three values."""
    return float(np.polyfit(*zip(*values, strict=True), 1)[0]) if len(values) >= 3 else 0.0


def _number(month: str) -> int:
    """Months counted through: imported histories have gaps."""
    return 12 * int(month[:4]) + int(month[5:])


def _since(history: list[Month], shows: Callable[[Month], bool]) -> str | None:
    """First month of the unbroken run up to now that shows it."""
    since = None
    for month in reversed(history):
        if not shows(month):
            break
        since = month.month
    return since


def _excess_over_peers(e: Evidence, value: Callable[[Month], float | None]) -> list[tuple[str, float]]:
    """(month, value above the peers' median), where there are enough peers.

    Where charges are logged of some packs only, those are compared among themselves: a pack that charges is warmer.
    """
    alike = lambda m: (m.month, bool(m.charges))  # noqa: E731
    known: dict[tuple[str, bool], list[float]] = {}
    for m in e.peers:
        if value(m) is not None:
            known.setdefault(alike(m), []).append(value(m))
    return [(m.month, value(m) - float(np.median(known[alike(m)]))) for m in e.history
            if value(m) is not None and len(known.get(alike(m), ())) >= MIN_PEERS]


def _year_loss(history: list[Month]) -> float | None:
    known = {_number(m.month): m.soh_percent for m in history if m.soh_percent is not None}
    return known[max(known) - 12] - known[max(known)] if known and max(known) - 12 in known else None


def _peer_loss(e: Evidence) -> float | None:
    known = [_number(m.month) for m in e.history if m.soh_percent is not None]
    if not known:
        return None
    old, new = ({m.pack_id: m.soh_percent for m in e.peers if _number(m.month) == number and m.soh_percent is not None}
                for number in (max(known) - 12, max(known)))
    losses = [old[pack_id] - new[pack_id] for pack_id in old.keys() & new.keys()]
    return float(np.median(losses)) if len(losses) >= MIN_PEERS else None
