"""The fleet store, its demonstration content and the import of own data, through their public doors."""

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import event
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from tools.arguments import Diagnose, EstimateSoh, FindPacks, GetStatus
from tools.cells import find_cell
from tools.contract import Context
from tools.diagnosis import load_evidence
from tools.errors import BadArgument, CannotAnswer
from tools.fleet import Fleet, fleet_url, open_engine, open_fleet
from tools.fleet.curve_build import CELLS, charge_curve
from tools.fleet.curves import curves_of, scaled
from tools.fleet.demo import build_demo
from tools.fleet.demo_plan import plan_fleet
from tools.fleet.importing import ImportFailed, import_file, schema_text
from tools.fleet.tables import Base
from tools.health import diagnose, estimate_soh
from tools.status import find_packs, get_status


def test_demo_holds_400_packs_of_several_owners_sites_and_models(fleet):
    assert fleet.pack_ids() == [f"PK-{n:04d}" for n in range(1, 401)]
    assert len(fleet.sites()) >= 5 and len(fleet.tenants()) >= 2 and len(fleet.cell_models()) >= 5
    assert len(fleet.months()) >= 24
    assert all(fleet.pack(p).simulated for p in ("PK-0001", "PK-0400"))


def test_featured_pack(demo):
    status = get_status(GetStatus(asset_id="PK-0042"), demo)
    assert status.cell_model == "LG M50LT" and status.site == "Oslo" and status.faults == ()
    assert 88 <= status.soh_percent <= 92 and status.soh_low_percent < status.soh_percent < status.soh_high_percent
    assert status.temperature_min_c <= status.temperature_c <= status.temperature_max_c < 15
    brief = status.brief()
    assert len(brief) <= 14 and "simulated" in brief["note"]


def test_pack_voltage_is_the_sum_of_its_cells(fleet):
    pack = fleet.pack("PK-0042")
    cells = [c.voltage_v for c in fleet.cells(pack)]
    assert len(cells) == pack.series
    assert fleet.state(pack).voltage_v == pytest.approx(sum(cells), abs=0.02)
    assert fleet.state(pack).spread_mv == pytest.approx(1000 * (max(cells) - min(cells)), abs=0.1)


def test_same_seed_gives_the_same_fleet_and_another_another():
    assert plan_fleet(3) == plan_fleet(3) != plan_fleet(4)


def test_second_build_does_nothing_and_an_interrupted_one_leaves_nothing_half_done(demo, tmp_path, monkeypatch):
    assert build_demo(demo.home) == {"packs": 400, "built": False, "seed": 0}
    monkeypatch.setattr("tools.fleet.demo.plan_fleet", lambda seed: plan_fleet(seed)[:8])
    engine = open_engine(fleet_url(tmp_path))

    def interrupt(_connection, _cursor, statement, *_):
        if statement.startswith("INSERT INTO months"):
            raise KeyboardInterrupt

    event.listen(engine, "before_cursor_execute", interrupt)
    with pytest.raises(KeyboardInterrupt):
        build_demo(tmp_path)
    event.remove(engine, "before_cursor_execute", interrupt)
    assert Fleet(engine, None).pack_ids() == []
    assert build_demo(tmp_path)["built"] and Fleet(engine, None).count() == 8


def test_another_owners_pack_is_unknown_everywhere(demo, fleet):
    owner = fleet.pack("PK-0042").tenant
    other = Context(demo.home, next(t for t in fleet.tenants() if t != owner))
    for tool, arguments in ((get_status, GetStatus(asset_id="PK-0042")), (diagnose, Diagnose(asset_id="PK-0042-C01")),
                            (estimate_soh, EstimateSoh(asset_id="PK-0042"))):
        with pytest.raises(CannotAnswer, match="PK-0042 is unknown"):
            tool(arguments, other)
    with pytest.raises(CannotAnswer, match="No site 'Oslo'"):
        find_packs(FindPacks(site="Oslo"), other)
    theirs = open_fleet(other)
    assert "PK-0042" not in theirs.pack_ids() and "Oslo" not in theirs.sites()
    with pytest.raises(CannotAnswer):
        theirs.month_summary("Oslo", "lg-inr21700-m50lt", "2026-10")
    found = find_packs(FindPacks(limit=100), other)
    assert found.count == found.of_packs == theirs.count() < fleet.count()
    assert sum(open_fleet(Context(demo.home, t)).count() for t in fleet.tenants()) == 400


def test_unknown_assets_name_the_nearest(demo):
    with pytest.raises(CannotAnswer, match="PK-9042 is unknown; .*PK-0042"):
        get_status(GetStatus(asset_id="PK-9042"), demo)
    with pytest.raises(CannotAnswer, match="PK-0042-C01 to PK-0042-C24"):
        get_status(GetStatus(asset_id="PK-0042-C99"), demo)
    with pytest.raises(CannotAnswer, match="Hamburg"):
        find_packs(FindPacks(site="Hamborg"), demo)
    with pytest.raises(CannotAnswer, match="A123 26650"):
        find_packs(FindPacks(cell_model="A124 26650"), demo)


@pytest.mark.parametrize(("filters", "key", "fits"), [
    ({"soh_below_percent": 85}, "soh_percent", lambda p: p.soh_percent < 85),
    ({"soh_above_percent": 90}, "soh_percent", lambda p: p.soh_percent > 90),
    ({"temperature_above_c": 20}, "temperature_c", lambda p: p.temperature_c > 20),
    ({"temperature_below_c": 10}, "temperature_c", lambda p: p.temperature_c < 10),
    ({"spread_above_mv": 30}, "spread_mv", lambda p: p.spread_mv > 30),
    ({"soc_below_percent": 30}, "soc_percent", lambda p: p.soc_percent < 30)])
def test_each_filter_counts_what_fits_worst_first(demo, filters, key, fits):
    everything = [p for site in open_fleet(demo).sites()
                  for p in find_packs(FindPacks(site=site, limit=100), demo).packs]
    found = find_packs(FindPacks(**filters, limit=100), demo)
    values = [getattr(p, key) for p in found.packs]
    assert len(everything) == 400 and found.count == sum(fits(p) for p in everything) > 0
    assert all(fits(p) for p in found.packs)
    assert values == sorted(values, reverse="above" in next(iter(filters)))


def test_sorting_limit_and_faults(demo):
    found = find_packs(FindPacks(has_fault=True, sort_by="cycles", descending=False, limit=5), demo)
    cycles = [p.cycles for p in found.packs]
    assert len(cycles) == 5 < found.count and cycles == sorted(cycles)
    assert all(p.fault != "none" for p in found.packs)
    sound = find_packs(FindPacks(has_fault=False), demo)
    assert sound.count + found.count == 400 and len(sound.packs) == 10
    with pytest.raises(BadArgument, match="below 80"):
        find_packs(FindPacks(soh_above_percent=90, soh_below_percent=80), demo)


@pytest.mark.parametrize("column, key", [("temperature", "temperature_c"), ("spread", "spread_mv"),
                                         ("cycles", "cycles"), ("soh", "soh_percent"), ("soc", "soc_percent")])
def test_a_named_column_is_in_ascending_order_unless_descending(demo, column, key):
    least, most = (find_packs(FindPacks(sort_by=column, descending=d, limit=30), demo).packs for d in (None, True))
    assert [getattr(p, key) for p in least] == sorted(getattr(p, key) for p in least)
    assert getattr(least[0], key) < getattr(most[0], key)


def test_month_summary_numbers_can_be_counted_again(fleet):
    summary = fleet.month_summary("Oslo", "lg-inr21700-m50lt", "2026-10")
    packs = [p for p in map(fleet.pack, fleet.pack_ids()) if p.site == "Oslo" and p.cell_model == "lg-inr21700-m50lt"]
    soh = [m.soh_percent for p in packs for m in fleet.history(p) if m.month == "2026-10"]
    assert summary["pack_count"] == len(packs) == len(soh)
    assert summary["soh_percent"]["p50"] == pytest.approx(np.median(soh), abs=0.051)
    before = fleet.month_summary("Oslo", "lg-inr21700-m50lt", "2026-09")
    change = summary["soh_percent"]["p50"] - before["soh_percent"]["p50"]
    assert summary["change"]["soh_percent_p50"] == pytest.approx(change, abs=0.11)
    with fleet.engine.connect() as connection:
        count = connection.exec_driver_sql(f"SELECT count(*) {summary['sql']['packs']}").scalar()
    assert count == summary["pack_count"]


def test_health_never_rises_and_cycles_never_fall(fleet):
    for pack_id in fleet.pack_ids()[::37]:
        months = fleet.history(fleet.pack(pack_id))
        assert all(a.soh_percent >= b.soh_percent and a.cycles <= b.cycles
                   for a, b in zip(months, months[1:], strict=False))


@pytest.mark.parametrize("name", CELLS)
def test_shipped_curves_are_what_the_simulation_gives_today(name):
    """Else run `python -m tools.fleet.curve_build` again."""
    cell = find_cell(name)
    ah, volt, warm = charge_curve(cell, 0.35, 25.0, 90.0)
    shipped_ah, shipped_v = curves_of(cell).for_soh(90.0, 0.35, 25.0)
    assert shipped_ah[-1] == pytest.approx(ah[-1], rel=0.003)
    assert np.median(np.abs(np.interp(shipped_ah, ah, volt) - shipped_v)) < 0.001
    assert curves_of(cell).self_heating(90.0, 0.35, 25.0).max() == pytest.approx(np.max(warm - warm[0]), abs=0.05)


def test_curves_scale_with_the_cell():
    """Half as large again: the same voltages at 1.5 times the charge, resistance divided by 1.5."""
    curves = curves_of(find_cell("LG M50LT"))
    larger = scaled(curves, 1.5 * curves.nominal_ah)
    assert larger.for_soh(80, 0.3, 15)[0] == pytest.approx(1.5 * curves.for_soh(80, 0.3, 15)[0])
    assert larger.resistance(80, 15) == pytest.approx(curves.resistance(80, 15) / 1.5)


def test_tables_can_be_made_in_postgresql():
    for table in Base.metadata.sorted_tables:
        assert "tenant" in str(CreateTable(table).compile(dialect=postgresql.dialect()))


def test_database_that_cannot_be_opened_is_one_sentence():
    with pytest.raises(CannotAnswer, match="cannot be opened"):
        open_engine("sqlite:////proc/no/such/fleet.db")


# -- import

PACKS = """pack_id,site,cell_model,series,parallel,commissioned,time,soc_percent,soh_percent,temperature_c,voltage_v,\
current_a,spread_mv,cycles
PK-1001,Turin,LG M50LT,14,4,2024-02-01,2026-03-01T08:00,40,93,21,51.2,0,8,210
PK-1002,Turin,lg m50 lt,14,4,2024-02-01,2026-03-01T08:00,55,91,22,52.0,0,95,260
"""


@pytest.fixture
def own(tmp_path):
    (tmp_path / "packs.csv").write_text(PACKS)
    import_file(tmp_path / "packs.csv", tmp_path, "mine")
    return Context(tmp_path, "mine")


def _record(soh: float, fault_row: dict | None = None, **changes) -> pd.DataFrame:
    """A C/3 charge of a single M50LT cell group of four, sampled from the reference curve."""
    ah, volt = curves_of(find_cell("LG M50LT")).for_soh(soh, 1 / 3, 21.0)
    t = np.arange(0, ah[-1] / 1.6 * 3600, 60.0)
    table = pd.DataFrame({"asset_id": "PK-1001-C03", "started": "2026-02-27T20:00", "t_s": t,
                          "voltage_v": np.interp(t * 1.6 / 3600, ah, volt), "current_a": 6.4, "temperature_c": 21.0})
    return table.assign(**changes)


def test_own_packs_and_records_are_imported_screened_and_estimated(own):
    found = find_packs(FindPacks(), own)
    assert found.count == 2 and {p.cell_model for p in found.packs} == {"LG M50LT"} and not found.simulated
    assert [f.fault for f in diagnose(Diagnose(asset_id="PK-1002"), own).findings] == ["imbalance"]
    assert find_packs(FindPacks(has_fault=True), own).packs[0].asset_id == "PK-1002"
    _record(87.0).to_parquet(own.home / "charge.parquet")
    done = import_file(own.home / "charge.parquet", own.home, "mine")
    assert done["records"] == 1 and done["replaced"] == 0
    result = estimate_soh(EstimateSoh(asset_id="PK-1001"), own)
    assert result.valid and result.soh_percent == pytest.approx(87.0, abs=0.5)
    assert import_file(own.home / "charge.parquet", own.home, "mine")["replaced"] == 1
    fleet = open_fleet(own)
    assert len(load_evidence(fleet, fleet.pack("PK-1001")).records) == 1


def test_every_bad_cell_is_named_with_line_and_column_and_nothing_is_imported(own):
    bad = PACKS.replace("PK-1001", "pack 7").replace("lg m50 lt", "LG M5O")
    bad = bad.replace("40,93,21,51.2", "140,nan,294,51200")
    bad = bad.replace("55,91,22", "55,91,\"22,5\"").replace("PK-1002", "PK-1003")
    (own.home / "bad.csv").write_text(bad)
    with pytest.raises(ImportFailed) as caught:
        import_file(own.home / "bad.csv", own.home, "mine")
    where = {(line, column) for line, column, _ in caught.value.errors}
    in_line_2 = {(2, name) for name in ("soc_percent", "soh_percent", "temperature_c", "voltage_v")}
    assert where == in_line_2 | {(3, "temperature_c")}
    assert "kelvin" in str(caught.value) and "mV" in str(caught.value) and "decimal point" in str(caught.value)
    fixed = bad.replace("140,nan,294,51200", "40,93,21,51.2").replace('"22,5"', "22.5")
    (own.home / "bad.csv").write_text(fixed)
    with pytest.raises(ImportFailed, match="line 2, pack_id.*\n?.*line 3, cell_model"):
        import_file(own.home / "bad.csv", own.home, "mine")
    assert open_fleet(own).count() == 2


def test_columns_missing_unknown_or_absent_rows(own):
    (own.home / "x.csv").write_text("pack_id,soc\nPK-1,5\n")
    with pytest.raises(ImportFailed, match="soc: unknown column; the nearest is soc_percent") as caught:
        import_file(own.home / "x.csv", own.home, "mine")
    assert "site: column missing" in str(caught.value)
    (own.home / "x.csv").write_text(PACKS.splitlines()[0])
    with pytest.raises(ImportFailed, match="no rows"):
        import_file(own.home / "x.csv", own.home, "mine")
    for name in ("none.csv", "x.xlsx"):
        with pytest.raises(CannotAnswer):
            import_file(own.home / name, own.home, "mine")


@pytest.mark.parametrize(("changes", "column", "says"), [
    ({"current_a": -0.4}, "current_a", "charging current is positive"),
    ({"current_a": -6.4}, "current_a", "charging is positive"),
    ({"voltage_v": 3600.0}, "voltage_v", "mV"),
    ({"voltage_v": 5.2}, "voltage_v", "5.2 V a cell"),
    ({"temperature_c": float("nan")}, "temperature_c", "no value"),
    ({"t_s": 5.0}, "t_s", "does not come after"),
    ({"asset_id": "PK-1009"}, "asset_id", "nearest is PK-100"),
    ({"asset_id": "PK-1001-C15"}, "asset_id", "C01 to C14")])
def test_impossible_records_are_refused(own, changes, column, says):
    _record(87.0, **changes).to_csv(own.home / "r.csv", index=False)
    with pytest.raises(ImportFailed) as caught:
        import_file(own.home / "r.csv", own.home, "mine")
    assert {c for _, c, _ in caught.value.errors} == {column} and says in str(caught.value)
    assert "... and" in str(caught.value) or len(caught.value.errors) <= 50
    assert open_fleet(own).records(open_fleet(own).pack("PK-1001")) == []


def test_imports_of_two_owners_do_not_meet(own):
    (own.home / "packs.csv").write_text(PACKS.replace("Turin", "Bergen"))
    import_file(own.home / "packs.csv", own.home, "yours")
    assert get_status(GetStatus(asset_id="PK-1001"), own).site == "Turin"
    assert get_status(GetStatus(asset_id="PK-1001"), Context(own.home, "yours")).site == "Bergen"
    with pytest.raises(CannotAnswer, match="more than one tenant"):
        get_status(GetStatus(asset_id="PK-1001"), Context(own.home))


def test_schema_names_every_column_with_its_unit():
    assert all(name in schema_text() for name in ("soc_percent", "temperature_c", "spread_mv", "t_s", "current_a"))
