"""What a call is about: telemetry, defaults and what the person said."""

import pytest

from tools.arguments import RecommendChargingCurrent, SimulateCharge
from tools.assets import resolve_subject
from tools.contract import Context
from tools.errors import BadArgument, CannotAnswer
from tools.fleet import open_fleet
from tools.toolset import TOOLS, tool_named


def test_a_pack_comes_with_its_live_state(demo):
    fleet = open_fleet(demo)
    pack, subject = fleet.pack("PK-0042"), resolve_subject(RecommendChargingCurrent(asset_id="PK-0042"), demo)
    state = fleet.state(pack)
    assert (subject.soc_percent, subject.soh_percent) == (state.soc_percent, state.soh_percent)
    assert subject.temperature_c == state.temperature_min_c  # a cool pack: its coldest sensor limits charging
    assert (subject.series, subject.parallel, subject.cell.name) == (24, 16, "LG M50LT")
    assert set(subject.sources.values()) == {"telemetry"}


def test_a_warm_pack_is_as_warm_as_its_hottest_sensor(demo):
    fleet = open_fleet(demo)
    warm = next(p for p in fleet.pack_ids() if fleet.state(fleet.pack(p)).temperature_mean_c > 26)
    subject = resolve_subject(RecommendChargingCurrent(asset_id=warm), demo)
    assert subject.temperature_c == fleet.state(fleet.pack(warm)).temperature_max_c


def test_what_was_given_wins_whatever_its_field_is_called(demo):
    subject = resolve_subject(SimulateCharge(asset_id="PK-0042", soc_start_percent=7, temperature_c=33), demo)
    assert (subject.soc_percent, subject.temperature_c) == (7, 33)
    assert subject.sources == {"soc_percent": "given", "temperature_c": "given", "soh_percent": "telemetry"}


def test_a_cell_of_a_pack_has_its_own_state(demo):
    fleet = open_fleet(demo)
    cell = fleet.cells(fleet.pack("PK-0042"))[6]
    subject = resolve_subject(RecommendChargingCurrent(asset_id="PK-0042-C07"), demo)
    assert (subject.temperature_c, subject.soc_percent) == (cell.temperature_c, cell.soc_percent)
    assert subject.series == 1 and subject.asset_id == "PK-0042-C07"


def test_a_cell_model_has_stated_defaults(tmp_path):
    subject = resolve_subject(RecommendChargingCurrent(cell_model="m50lt", soh_percent=85), Context(tmp_path))
    assert (subject.soc_percent, subject.temperature_c, subject.soh_percent) == (20, 25, 85)
    assert subject.sources == {"soc_percent": "default", "temperature_c": "default", "soh_percent": "given"}
    assert (subject.asset_id, subject.series, subject.parallel) == (None, 1, 1)
    assert not (tmp_path / "fleet.db").exists()


@pytest.mark.parametrize(("asset", "says"), [("PK-0555", "nearest of 400"), ("UP-3f9a", "no upload UP-3f9a")])
def test_unknown_assets(demo, asset, says):
    with pytest.raises(CannotAnswer, match=says):
        resolve_subject(RecommendChargingCurrent(asset_id=asset), demo)


def test_an_empty_fleet_says_so(tmp_path):
    with pytest.raises(CannotAnswer, match="no packs yet"):
        resolve_subject(RecommendChargingCurrent(asset_id="PK-0042"), Context(tmp_path))


def test_the_toolset_is_the_contract():
    assert [t.name for t in TOOLS] == ["get_status", "find_packs", "estimate_soh", "diagnose", "simulate_charge",
                                       "recommend_charging_current", "forecast_life"]
    assert all(t.description.endswith(".") and len(t.description) < 160 for t in TOOLS)
    with pytest.raises(BadArgument, match="recommend_charging_current"):
        tool_named("recommend_current")
