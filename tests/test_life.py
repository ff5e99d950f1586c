"""Life forecasts against makers' cycle lives, published models and PyBaMM's own SEI."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.ageing import lithium_lost, sei_loss_percent
from tools.arguments import ForecastLife
from tools.cells import find_cell
from tools.contract import Context
from tools.errors import BadArgument, CannotAnswer
from tools.life import forecast_life
from tools.parameters import model_of
from tools.plans import Charge
from tools.published_ageing import NAUMANN, SCHMALSTIEG, Use, anchor_to_datasheet
from tools.riding import Stage


def forecast(tmp_path, **arguments):
    return forecast_life(ForecastLife(**arguments), Context(home=tmp_path))


def test_published_models_give_their_published_losses():
    # Schmalstieg et al.: 43 cells of their type reached 80 % after 1133 +/- 105 cycles, about half a year to a year.
    # Checked by hand: at 25 degC storage at 3.7 V costs 4.2e6 exp(-6976 / T) t^0.75, 1 year 2.5 %.
    use = Use(0, 1.0, 1.0, 25.0)
    assert SCHMALSTIEG.calendar(use, 1.0) == pytest.approx(2.36, rel=0.1)
    # Naumann et al. 2018: 885 days of storage at 25 degC cost their cells about 6 to 7 %.
    assert NAUMANN.calendar(use, 885 / 365.25) == pytest.approx(6.6, rel=0.1)


def test_sei_closed_form_is_pybamms():
    charge = Charge(model_of(find_cell("LG M50")), 20, 30, 25, 100, "physics", 0.002)
    lost = lithium_lost(charge, (Stage(0.48, 30.0, ""),), period_min=30 * 24 * 60)
    assert lost.sei_percent == pytest.approx(sei_loss_percent(25, 30 * 24 * 3600), rel=0.03)


def test_anchored_forecast_meets_the_makers_cycle_life():
    for name, cycles in (("LG M50LT", 1000), ("Samsung 50E", 500), ("EVE LF280K", 6000)):
        factor, words = anchor_to_datasheet(find_cell(name), SCHMALSTIEG if "LF" not in name else NAUMANN)
        assert f"{cycles} cycles to 80 %" in words and 1 / 3 <= factor <= 3
    assert anchor_to_datasheet(find_cell("Murata VTC6"), SCHMALSTIEG) == (1.0, None)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.1, 20), st.floats(1, 10), st.floats(20, 100), st.floats(0, 55), st.floats(70, 100))
def test_capacity_only_falls_and_lies_in_its_band(tmp_path_factory, years, cycles, depth, temperature_c, soh):
    result = forecast(tmp_path_factory.getbasetemp(), cell_model="A123 26650", years=years, cycles_per_week=cycles,
                      depth_of_discharge_percent=depth, temperature_c=temperature_c, soh_percent=soh)
    curve = [point.capacity_percent for point in result.series]
    assert curve == sorted(curve, reverse=True) and curve[0] == pytest.approx(soh)
    assert result.capacity_low_percent <= result.capacity_percent <= result.capacity_high_percent <= soh + 1e-9
    if result.years_to_80_percent is not None:
        assert (result.years_to_80_percent <= years) == (result.capacity_percent <= 80 + 1e-6)


def test_the_band_is_wider_in_the_cold_where_no_model_was_measured(tmp_path):
    cold, warm = (forecast(tmp_path, cell_model="A123 26650", temperature_c=t, years=10) for t in (0, 25))
    share = [(r.capacity_high_percent - r.capacity_percent) / (100 - r.capacity_percent) for r in (cold, warm)]
    assert share[0] == pytest.approx(share[1] + 0.25)


def test_harder_use_ages_more(tmp_path):
    base = forecast(tmp_path, cell_model="LG M50").capacity_percent
    for harder in ({"temperature_c": 45}, {"cycles_per_week": 10}, {"depth_of_discharge_percent": 100}, {"years": 8}):
        assert forecast(tmp_path, cell_model="LG M50", **harder).capacity_percent < base


def test_cold_fast_charging_is_charged_to_plating(tmp_path):
    warm, cold = (forecast(tmp_path, cell_model="LG M50", temperature_c=t, charge_c_rate=1) for t in (25, 5))
    assert cold.plating_loss_percent > 0.1 > warm.plating_loss_percent >= 0


def test_what_cannot_be_forecast_is_said(tmp_path):
    with pytest.raises(CannotAnswer, match="20000 cycles"):
        forecast(tmp_path, cell_model="Toshiba SCiB 20Ah")
    with pytest.raises(CannotAnswer, match="0 to 60 degC"):
        forecast(tmp_path, cell_model="A123 26650", temperature_c=-20)
    with pytest.raises(BadArgument, match="at most"):
        forecast(tmp_path, cell_model="A123 26650", cycles_per_week=150)
    with pytest.raises(BadArgument, match="2C"):
        forecast(tmp_path, cell_model="A123 26650", charge_c_rate=5)
