"""Months of imported packs: written from telemetry and charges, empty where these do not show it, told in summaries."""

import sqlite3

import numpy as np
import pandas as pd
import pytest

from retrieval import embedder
from retrieval.library import build_index
from retrieval.search import search
from tools.arguments import Diagnose, ForecastLife
from tools.cells import find_cell
from tools.contract import Context
from tools.fleet import Fleet, fleet_url, open_engine, open_fleet
from tools.fleet.importing import ImportFailed, import_file
from tools.health import diagnose
from tools.life import forecast_life

MODEL = "lg-inr21700-m50lt"
PARALLEL = 4


def telemetry(pack_id: str, days, **changes) -> pd.DataFrame:
    """One row a day at 08:00; health falls 0.01 points a day, cycles rise by 0.3."""
    days = pd.to_datetime(list(days))
    age = (days - pd.Timestamp("2024-02-01")).days
    table = pd.DataFrame({
        "pack_id": pack_id, "site": "Turin", "cell_model": "LG M50LT", "series": 14, "parallel": PARALLEL,
        "commissioned": "2024-02-01", "time": days.strftime("%Y-%m-%dT08:00"), "soc_percent": 40,
        "soh_percent": 100 - 0.01 * age, "temperature_c": 20.0, "temperature_max_c": 20.0 + days.day, "voltage_v": 51.2,
        "current_a": 0.0, "spread_mv": 8.0, "cycles": 0.3 * age})
    return table.assign(**changes)


def charge(pack_id: str, started: str, amps: float = 9.6, from_c: float = 6.0) -> pd.DataFrame:
    """Two hours at constant current, then a rest; the pack warms by 12 K while it charges and goes on to warm."""
    t = np.arange(0, 9000, 60.0)
    return pd.DataFrame({"asset_id": pack_id, "started": started, "t_s": t,
                         "voltage_v": 14 * np.linspace(3.4, 4.0, len(t)), "current_a": np.where(t < 7200, amps, 0.0),
                         "temperature_c": from_c + 12 * t / 7200})


def bring(home, *tables, tenant: str = "mine") -> dict:
    path = home / "in.parquet"
    pd.concat(tables).astype({"time": str} if "time" in tables[0] else {}).to_parquet(path)
    return import_file(path, home, tenant)


def months(home, pack_id: str = "PK-1001", tenant: str = "mine") -> dict:
    fleet = Fleet(open_engine(fleet_url(home)), tenant)
    return {m.month: m for m in fleet.history(fleet.pack(pack_id))}


def test_months_hold_what_the_telemetry_shows_and_nothing_else(tmp_path):
    days = [*pd.date_range("2026-01-05", "2026-01-29", freq="8D"), "2026-02-03", "2026-02-20"]
    assert bring(tmp_path, telemetry("PK-1001", days))["months"] == 2
    january, february = months(tmp_path).values()
    assert (january.month, january.soh_percent, january.cycles) == ("2026-01", 100 - 0.01 * 728, pytest.approx(218.4))
    assert (january.temperature_mean_c, january.temperature_max_c, january.spread_mv) == (20.0, 49.0, 8.0)
    assert february.soh_percent == 100 - 0.01 * 750  # of the 20th, its newest
    nothing_said = ("charges", "charge_c_rate", "charge_temperature_min_c", "charge_end_soc_percent")
    assert [getattr(january, name) for name in nothing_said] == [None] * 4
    assert (february.temperature_mean_c, february.temperature_max_c) == (None, None)  # two readings are no month's


def test_a_spread_under_load_is_not_the_months_spread(tmp_path):
    rows = telemetry("PK-1001", ["2026-01-05", "2026-01-20"])
    bring(tmp_path, rows.assign(current_a=[0.0, 12.0], spread_mv=[8.0, 60.0]))
    assert months(tmp_path)["2026-01"].spread_mv == 8.0
    bring(tmp_path, telemetry("PK-1002", ["2026-01-05"], current_a=12.0))
    assert months(tmp_path, "PK-1002")["2026-01"].spread_mv is None


def test_charges_bring_habits_and_the_highest_temperature(tmp_path):
    bring(tmp_path, telemetry("PK-1001", ["2026-01-05"], temperature_max_c=21.0))
    starts = {"2026-01-06T20:00": 6.0, "2026-01-07T20:00": 3.0, "2026-01-08T20:00": 9.0, "2026-02-10T20:00": 1.0}
    done = bring(tmp_path, *(charge("PK-1001", started, from_c=from_c) for started, from_c in starts.items()))
    assert (done["records"], done["months"]) == (4, 2)
    january, february = months(tmp_path).values()
    c_rate = 9.6 / PARALLEL / find_cell("LG M50LT").capacity_nominal_ah
    assert january.charges == 3 and january.charge_c_rate == pytest.approx(c_rate, abs=0.001)
    assert january.charge_temperature_min_c == 3.0 and january.charge_end_soc_percent is None
    assert january.temperature_max_c == pytest.approx(9 + 12 * 8940 / 7200, abs=0.06)  # four days: 5, 6, 7 and 8
    assert (february.charges, february.temperature_max_c, february.soh_percent) == (1, None, None)


def test_the_same_file_again_changes_nothing_and_order_does_not_matter(tmp_path):
    early, late = (telemetry("PK-1001", pd.date_range(f"2026-0{month}-02", periods=9, freq="3D")) for month in (1, 2))
    charges = charge("PK-1001", "2026-01-06T20:00")
    homes = [tmp_path / name for name in ("a", "b")]
    for home, order in zip(homes, ((early, late), (late, early)), strict=True):
        home.mkdir()
        for table in order:
            bring(home, table)
        bring(home, charges)
    first, second = ([{k: v for k, v in vars(m).items() if not k.startswith("_")} for m in months(home).values()]
                     for home in homes)
    assert first == second and len(first) == 2
    for table in (early, late, charges):
        assert bring(homes[0], table)["months"] == 0
    states = [Fleet(open_engine(fleet_url(home)), "mine") for home in homes]
    assert [f.state(f.pack("PK-1001")).time.isoformat() for f in states] == ["2026-02-26T08:00:00+00:00"] * 2
    correction = late.tail(1).assign(soh_percent=91.0)
    assert bring(homes[0], correction)["months"] == 1 and months(homes[0])["2026-02"].soh_percent == 91.0


def test_rows_of_one_pack_must_be_of_different_times_and_of_one_pack(tmp_path):
    rows = telemetry("PK-1001", ["2026-01-05", "2026-01-05", "2026-01-06"]).assign(series=[14, 14, 13])
    with pytest.raises(ImportFailed, match="line 3, time: PK-1001 at this time is in line 2 already\n"
                                           "line 4, series: PK-1001 has 14 in line 2"):
        bring(tmp_path, rows)


def test_a_forecast_goes_on_from_imported_months(tmp_path):
    bring(tmp_path, telemetry("PK-1001", pd.date_range("2025-01-28", periods=12, freq="30D")))
    found = forecast_life(ForecastLife(asset_id="PK-1001", years=2), Context(tmp_path, "mine"))
    assert found.history_months == 12
    assert found.capacity_percent < 94


def test_like_packs_are_compared_in_like_months_only(tmp_path):
    """Charges are logged of one pack of six; it is warmer in its months, as every pack would be: no cooling fault."""
    days = pd.date_range("2026-01-01", "2026-03-31", freq="5D")
    bring(tmp_path, *(telemetry(f"PK-100{n}", days, temperature_max_c=22.0) for n in range(1, 7)))
    bring(tmp_path, *(charge("PK-1001", f"2026-0{m}-1{d}T20:00", from_c=30.0) for m in (1, 2, 3) for d in range(4)))
    assert months(tmp_path)["2026-02"].temperature_max_c > 40
    result = diagnose(Diagnose(asset_id="PK-1001"), Context(tmp_path, "mine"))
    assert "cooling" not in {f.fault for f in result.findings}
    hot = telemetry("PK-1002", days, temperature_c=30.0, temperature_max_c=35.0)
    bring(tmp_path, hot)
    result = diagnose(Diagnose(asset_id="PK-1002"), Context(tmp_path, "mine"))
    assert "cooling" in {f.fault for f in result.findings}


def test_summaries_tell_imported_months_say_less_where_less_is_known_and_only_changed_ones_are_embedded(
        tmp_path, monkeypatch):
    packs = [telemetry(f"PK-100{n}", pd.date_range("2026-01-03", "2026-02-27", freq="5D"), site=site)
             for n, site in ((1, "Turin"), (2, "Turin"), (3, "Bari"))]
    bring(tmp_path, *packs)
    mine, other = Context(tmp_path, "mine"), Context(tmp_path, "other")
    build_index(mine)
    best = search("Turin state of health in February 2026", mine, "fleet_summary").passages[0]
    assert "Turin, LG M50LT packs, February 2026" in best.document and "Median state of health 92.4" in best.text
    assert best.queries["sql"]
    operation = next(p.text for p in search("Turin hottest packs in January 2026", mine, "fleet_summary").passages
                     if "Hottest packs" in p.text)
    assert "PK-1001 48 degC" in operation and "Charging:" not in operation
    assert "Not shown by what was imported: charges." in operation
    assert search("Turin state of health in February 2026", other, "fleet_summary").passages == []

    embedded, real = [], embedder.embed
    monkeypatch.setattr(embedder, "embed", lambda texts, **rest: embedded.extend(texts) or real(texts, **rest))
    bring(tmp_path, telemetry("PK-1002", ["2026-03-01"], site="Turin", soh_percent=88.0, cycles=300.0))
    assert build_index(mine)["rebuilt"]
    assert embedded and all("March 2026" in text for text in embedded)
    assert not any("Bari, LG" in text for text in embedded)
    march = search("Turin hottest packs in March 2026", mine, "fleet_summary").passages
    assert march and not any("Hottest packs" in p.text for p in march)  # one reading is no month's highest


def test_a_database_of_before_lets_months_be_empty_and_keeps_its_rows(tmp_path):
    columns = ("temperature_mean_c FLOAT, charge_c_rate FLOAT, charge_temperature_min_c FLOAT, "
               "charge_end_soc_percent FLOAT, soh_percent FLOAT NOT NULL, cycles FLOAT NOT NULL, "
               "temperature_max_c FLOAT NOT NULL, spread_mv FLOAT NOT NULL, charges INTEGER NOT NULL")
    with sqlite3.connect(tmp_path / "fleet.db") as old:
        old.execute("CREATE TABLE packs (tenant VARCHAR(80) NOT NULL, pack_id VARCHAR(80) NOT NULL, site VARCHAR(80), "
                    "cell_model VARCHAR(80), model_name VARCHAR(80), series INTEGER, parallel INTEGER, commissioned "
                    "VARCHAR(80), climate VARCHAR(80), use VARCHAR(80), simulated BOOLEAN, "
                    "PRIMARY KEY (tenant, pack_id))")
        old.execute(f"CREATE TABLE months (tenant VARCHAR(80) NOT NULL, pack_id VARCHAR(80) NOT NULL, month VARCHAR(7) "
                    f"NOT NULL, {columns}, PRIMARY KEY (tenant, pack_id, month), FOREIGN KEY(tenant, pack_id) "
                    f"REFERENCES packs (tenant, pack_id) ON DELETE CASCADE)")
        old.execute("CREATE INDEX ix_months_month ON months (tenant, month)")
        old.execute("INSERT INTO packs VALUES ('mine', 'PK-1001', 'Turin', ?, 'LG M50LT', 14, 4, '2024-02-01', NULL, "
                    "NULL, 0)", (MODEL,))
        old.execute("INSERT INTO months (tenant, pack_id, month, soh_percent, cycles, temperature_max_c, spread_mv, "
                    "charges) VALUES ('mine', 'PK-1001', '2025-12', 93, 200, 31, 7, 12)")
    old.close()
    bring(tmp_path, telemetry("PK-1001", ["2026-01-05"]))
    before, now = months(tmp_path).values()
    assert (before.soh_percent, before.charges, now.charges, now.temperature_max_c) == (93.0, 12, None, None)
    assert open_fleet(Context(tmp_path, "mine")).month_summary("Turin", MODEL, "2026-01")["change"]["charges"] is None
