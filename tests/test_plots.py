"""Figures: every curve and limit of a result is drawn, nothing else; a missing series is a panel less."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracle.plots import END_OF_LIFE_PERCENT, MAX_POINTS, charge_figure, figure_for, limit_of

CHARGE = {
    "current_a": 5.0,
    "limits": {
        "max_current_a": {"value": 7.0, "source": "datasheet"}, "max_voltage_v": {"value": 4.2, "source": "datasheet"},
        "max_temperature_c": {"value": 45.0, "source": "datasheet"},
        "anode_potential_margin_v": {"value": 0.005, "source": "mesh"}},
    "series": {
        "t_min": [0.0, 10.0, 20.0], "current_a": [5.0, 5.0, 3.0], "voltage_v": [3.6, 3.9, 4.1],
        "temperature_c": [12.0, 16.0, 17.0], "anode_potential_v": [0.06, 0.02, 0.01],
        "soc_percent": [20.0, 55.0, 80.0]}}
LIFE = {"series": [
    {"year": 0.0, "capacity_percent": 98.0, "low_percent": 98.0, "high_percent": 98.0},
    {"year": 1.0, "capacity_percent": 95.0, "low_percent": 93.0, "high_percent": 97.0},
    {"year": 2.0, "capacity_percent": 92.0, "low_percent": 89.0, "high_percent": 95.0}]}


def curves(figure) -> dict[str, list[float]]:
    return {trace.name: list(trace.y) for trace in figure.data}


def lines(figure) -> list[float]:
    return [shape.y0 for shape in figure.layout.shapes if shape.type == "line"]


def test_charge_figure_draws_every_curve_and_limit():
    figure = figure_for("recommend_charging_current", CHARGE)
    assert curves(figure) == {
        "Cell current": [5.0, 5.0, 3.0], "Cell voltage": [3.6, 3.9, 4.1], "Temperature": [12.0, 16.0, 17.0],
        "Anode potential against lithium": [0.06, 0.02, 0.01]}
    assert lines(figure) == [7.0, 4.2, 45.0, 0.005]


@pytest.mark.parametrize("name", ["recommend_charging_current", "simulate_charge"])
def test_both_charge_tools_are_drawn(name):
    assert figure_for(name, CHARGE) is not None


@pytest.mark.parametrize("missing", ["current_a", "voltage_v", "temperature_c", "anode_potential_v", "soc_percent"])
def test_a_missing_or_broken_series_leaves_its_panel_out(missing):
    for broken in (None, [], [1.0]):
        result = copy.deepcopy(CHARGE)
        result["series"][missing] = broken
        panels = 4 if missing == "soc_percent" else 3
        assert len(charge_figure(result).data) == panels


@pytest.mark.parametrize("result", [
    {}, {"series": {}}, {"series": {"t_min": []}}, {"series": {"t_min": [0.0], "current_a": [1.0]}},
    {"error": "There is no pack PK-9999."}, {"series": 96}, {"series": []},
    {"series": [{}, {}]}])
def test_nothing_to_draw(result):
    for name in ("recommend_charging_current", "simulate_charge", "forecast_life", "get_status"):
        assert figure_for(name, result) is None


def test_missing_limits_are_not_drawn():
    result = copy.deepcopy(CHARGE)
    result["limits"] = {"max_voltage_v": {"value": None, "source": "not stated"}}
    assert lines(charge_figure(result)) == []


def test_every_limit_lies_inside_its_panel():
    figure = charge_figure(CHARGE)
    for axis, value in (("yaxis", 7.0), ("yaxis2", 4.2), ("yaxis3", 45.0), ("yaxis4", 0.005)):
        low, high = figure.layout[axis].range
        assert low < value < high


def test_the_anode_panel_shows_the_plating_side():
    low, high = charge_figure(CHARGE).layout.yaxis4.range
    assert low < 0 < high
    plated = copy.deepcopy(CHARGE)
    plated["series"]["anode_potential_v"] = [0.01, -0.08, -0.2]
    assert charge_figure(plated).layout.yaxis4.range[0] < -0.2


def test_life_figure_has_band_and_end_of_life():
    figure = figure_for("forecast_life", LIFE)
    drawn = curves(figure)
    assert drawn["capacity"] == [98.0, 95.0, 92.0]
    assert drawn["band"] == [98.0, 97.0, 95.0, 89.0, 93.0, 98.0]
    assert lines(figure) == [END_OF_LIFE_PERCENT]


def test_life_figure_without_a_band():
    result = {"series": [{k: p[k] for k in ("year", "capacity_percent")} for p in LIFE["series"]]}
    assert list(curves(figure_for("forecast_life", result))) == ["capacity"]


def test_limit_of_reads_numbers_and_sourced_numbers():
    assert limit_of({"limits": {"a": 3}}, "a") == 3.0
    assert limit_of({"limits": {"a": {"value": 3.5, "source": "x"}}}, "a") == 3.5
    assert limit_of({"limits": {"a": True}}, "a") is None
    assert limit_of({}, "a") is None


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 3000))
def test_long_series_stay_light_and_keep_their_end(length):
    values = [float(i) for i in range(length)]
    result = {"series": {"t_min": values, "current_a": values}}
    trace = charge_figure(result).data[0]
    assert len(trace.x) == len(trace.y) <= MAX_POINTS + 1
    assert trace.x[-1] == values[-1]
