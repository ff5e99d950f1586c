"""Fleet summaries as documents: one per tenant, site, cell model and month, written from the fleet store."""

from dataclasses import replace
from typing import Any

import numpy as np

from retrieval.chunks import chunks
from retrieval.passages import Passage, clean
from retrieval.when import month_name, season_of
from tools.cells import load_catalogue
from tools.contract import Context
from tools.errors import CannotAnswer

LATEST_MONTHS = 6
SIDE_BY_SIDE_WORDS = 400  # a comparison is one passage for up to about 16 rows

# Which of the store's queries (see `tools.fleet.summary`) made which number.
QUERY_OF = {
    "pack_count": "packs", "soh_percent": "packs", "cycles": "packs", "spread_mv": "packs", "lowest_soh": "packs",
    "hottest": "packs", "largest_spread": "packs", "charging": "packs", "new_faults": "faults",
    "open_faults": "faults", "change": "previous"}


COLUMN_WORDS = (("soh_percent", "state of health"), ("cycles", "cycles"), ("temperature_max_c", "highest temperature"),
                ("spread_mv", "cell voltage spread at rest"), ("charges", "charges"))


def fleet_passages(context: Context, months: int = LATEST_MONTHS) -> list[Passage]:
    """Summaries of every tenant's latest `months` months; each passage belongs to its tenant.

    A build reads all tenants whatever scope asks for it: what may be read is decided by each search.
    """
    from tools.fleet.store import Fleet, open_fleet

    everyone = open_fleet(replace(context, tenant=None))
    passages = []
    for tenant in everyone.tenants():
        passages += tenant_passages(Fleet(everyone.engine, tenant), tenant, months)
    return passages


def tenant_passages(fleet, tenant: str, months: int) -> list[Passage]:
    """One tenant's summaries: each site and cell model by month, all sites side by side, each site over time."""
    by_key: dict[tuple[str, str], list[dict[str, Any]]] = {}
    chosen = fleet.months()[-months:]
    for site in fleet.sites():
        for cell_model in fleet.cell_models(site):
            for month in chosen:
                try:
                    summary = fleet.month_summary(site, cell_model, month)
                except CannotAnswer:  # no packs of that model there yet
                    continue
                by_key.setdefault((site, cell_model), []).append(summary)
    told = [p for rows in by_key.values() for summary in rows for p in _month(tenant, summary)]
    for month in chosen:
        told += _side_by_side(tenant, month, [s for rows in by_key.values() for s in rows if s["month"] == month])
    return told + [p for rows in by_key.values() for p in _over_time(tenant, rows)]


def _month(tenant: str, s: dict[str, Any]) -> list[Passage]:
    title = f"{s['site']}, {_model(s)} packs, {month_name(s['month'])}"
    hints = f"monthly report, summary, {_time_words(s['month'])}"
    parts = {"health and ageing": (_health(s), "state of health, SoH, capacity fade, oldest, weakest packs, outliers"),
             "operation and faults": (_operation(s), "temperature, hot, overheating, cold charging, imbalance, cell "
                                                     "spread, faults, alarms, charging habits, parked full")}
    return [_passage(tenant, title, f"{title}, {part}: {text}", f"{hints}, {words}", [s], _model(s), s["site"],
                     s["month"])
            for part, (told, words) in parts.items() for text in chunks(" ".join(told), repeat=False)]


def _health(s: dict[str, Any]) -> list[str]:
    soh, cycles = s["soh_percent"], s["cycles"]
    told = [f"{s['pack_count']} packs{' (simulated demonstration fleet)' if s['simulated'] else ''}."]
    if soh:
        told += [f"Median state of health {soh['p50']:g} %, lowest {soh['min']:g} %, highest {soh['max']:g} %, "
                 f"10th to 90th percentile {soh['p10']:g} to {soh['p90']:g} %{_of(s, 'soh_percent')}.",
                 f"Lowest state of health: {_each(s['lowest_soh'], 'soh_percent', '%')}."]
    if cycles:
        told.append(f"Equivalent full cycles since new: median {cycles['p50']:g}, most {cycles['max']:g}"
                    f"{_of(s, 'cycles')}.")
    change = s["change"]
    if change:
        health = _signed(change["soh_percent_p50"], "median state of health {:+g} percentage points, ")
        told.append(f"Against {month_name(change['month'])}: {health}packs {change['pack_count']:+d}.")
    return told


def _operation(s: dict[str, Any]) -> list[str]:
    told, spread = [], s["spread_mv"]
    if s["hottest"]:
        told.append(f"Hottest packs, highest temperature: {_each(s['hottest'], 'temperature_max_c', 'degC')}"
                    f"{_of(s, 'temperature_max_c')}.")
    if spread:
        told.append(f"Cell voltage spread: median {spread['p50']:g} mV; largest "
                    f"{_each(s['largest_spread'], 'spread_mv', 'mV')}{_of(s, 'spread_mv')}.")
    if s["charging"]["charges"] is not None:
        told.append(_charging(s))
    new = "; ".join(map(_fault, s["new_faults"]))
    told.append(f"New faults: {len(s['new_faults'])}" + (f": {new}." if new else "."))
    told.append(f"Faults known by the end of the month: {s['open_faults']}.")
    change = s["change"]
    if change:
        differences = (("temperature_max_c", "highest temperature {:+g} degC, "),
                       ("spread_mv_p50", "median spread {:+g} mV, "), ("charges", "charges {:+d}, "))
        words = "".join(_signed(change[name], text) for name, text in differences).removesuffix(", ")
        told += [f"Against {month_name(change['month'])}: {words}."] if words else []
    silent = ", ".join(words for name, words in COLUMN_WORDS if s["known"].get(name) == 0)
    return [*told, f"Not shown by what was imported: {silent}."] if silent else told


def _signed(value: float | None, text: str) -> str:
    return "" if value is None else text.format(value)


def _of(s: dict[str, Any], column: str) -> str:
    """How many packs a number is of, where it is not of all."""
    return f" (known of {s['known'][column]} of {s['pack_count']} packs)" if column in s["known"] else ""


def _fault(f: dict[str, Any]) -> str:
    cell = "" if f["cell"] is None else f" cell {f['cell']}"
    return f"{f['pack_id']}{cell} {f['fault'].replace('_', ' ')} ({f['severity']})"


def _charging(s: dict[str, Any]) -> str:
    c, logged = s["charging"], "" if s["simulated"] else " logged"
    told = (("c_rate_mean", "mean rate {:g}C"), ("c_rate_max", "highest monthly mean of a pack {:g}C"),
            ("temperature_min_c", "coldest charge at {:g} degC"),
            ("end_soc_percent_mean", "ended on average at {:g} % SOC"))
    known = [words.format(c[name]) for name, words in told if c[name] is not None]
    return ", ".join([f"Charging: {c['charges']} charges{logged}", *known]) + f"{_of(s, 'charges')}."


def _side_by_side(tenant: str, month: str, rows: list[dict[str, Any]]) -> list[Passage]:
    """All sites of one month, worst median health first, those whose health is not known last."""
    rows = sorted(rows, key=lambda s: s["soh_percent"]["p50"] if s["soh_percent"] else np.inf)
    told = [f"{s['site']}, {_model(s)}: {_in_short(s)}." for s in rows]
    title = f"All sites, {month_name(month)}"
    hints = ("monthly report of the whole fleet, overview, every depot side by side, compare sites, best and worst "
             f"site, performance, averages, {_time_words(month)}")
    return [_passage(tenant, title, f"{title}: {text}", hints, rows, month=month)
            for text in chunks(" ".join(told), SIDE_BY_SIDE_WORDS, repeat=False)]


def _in_short(s: dict[str, Any]) -> str:
    told = [f"{s['pack_count']} packs"]
    told += [f"median SoH {s['soh_percent']['p50']:g} %"] if s["soh_percent"] else []
    told += [f"hottest {s['hottest'][0]['temperature_max_c']:g} degC"] if s["hottest"] else []
    told += [f"largest spread {s['spread_mv']['max']:g} mV"] if s["spread_mv"] else []
    return ", ".join([*told, f"{len(s['new_faults'])} new faults", f"{s['open_faults']} known faults"])


def _over_time(tenant: str, rows: list[dict[str, Any]]) -> list[Passage]:
    """One site and cell model over the months, oldest first."""
    first, last = rows[0], rows[-1]
    title = f"{first['site']}, {_model(first)} packs, {month_name(first['month'])} to {month_name(last['month'])}"
    health = [(s, s["soh_percent"]["p50"]) for s in rows if s["soh_percent"]]
    series = {"Median state of health": [(s, f"{value:g} %") for s, value in health],
              "Highest temperature": [(s, f"{s['hottest'][0]['temperature_max_c']:g} degC") for s in rows
                                      if s["hottest"]],
              "New faults": [(s, str(len(s["new_faults"]))) for s in rows]}
    told = [f"Median state of health changed by {health[-1][1] - health[0][1]:+.1f} percentage points over "
            f"{_months_between(health[0][0]['month'], health[-1][0]['month'])} months."] if health else []
    told += [f"{name}: " + ", ".join(f"{month_name(s['month'])} {value}" for s, value in values) + "."
             for name, values in series.items() if values]
    hints = ("trend, history, development, over time, since, average health decline by site, better or worse, "
             "fault trend per site, reports so far")
    return [_passage(tenant, title, f"{title}: {text}", hints, rows, _model(first), first["site"])
            for text in chunks(" ".join(told), repeat=False)]


def _months_between(first: str, last: str) -> int:
    """Both included."""
    return 12 * (int(last[:4]) - int(first[:4])) + int(last[5:]) - int(first[5:]) + 1


def _passage(tenant: str, title: str, text: str, hints: str, rows: list[dict[str, Any]],
             cell_model: str | None = None, site: str | None = None, month: str | None = None) -> Passage:
    queries = {"query_of": QUERY_OF, "sql": [{"month": s["month"], **s["sql"]} for s in rows]}
    return Passage(document=clean(f"Fleet summary of {tenant}: {title}"), text=clean(text), kind="fleet_summary",
                   source=f"fleet database, tenant {tenant}", tenant=tenant, cell_model=cell_model, month=month,
                   site=site and clean(site), hints=hints, queries=queries)


def _model(s: dict[str, Any]) -> str:
    return next((cell.name for cell in load_catalogue() if cell.id == s["cell_model"]), s["model_name"])


def _time_words(month: str) -> str:
    return f"{month_name(month)}, {month}, quarter Q{(int(month[5:]) + 2) // 3}, {season_of(month)}"


def _each(rows: list[dict[str, Any]], field: str, unit: str) -> str:
    return ", ".join(f"{row['pack_id']} {row[field]:g} {unit}" for row in rows)
