"""Envelope, aged cells and the DFN, against makers' numbers and published ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.cells import find_cell, load_catalogue
from tools.envelope import limits, temperature_window
from tools.errors import CannotAnswer
from tools.parameters import aged_state, fresh_capacity_ah, model_of
from tools.simulation import virtual_cell

CELLS = [c for c in load_catalogue()
         if c.charge_current_max_a or c.charge_current_standard_a or c.capacity_nominal_ah]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(CELLS), st.floats(-60, 100), st.floats(0, 100))
def test_no_datasheet_limit_exceeds_the_makers_bands(cell, temperature_c, soc_percent):
    found = limits(cell, temperature_c, soc_percent)
    stated = cell.charge_current_max_a or cell.charge_current_standard_a or 0.3 * cell.capacity_nominal_ah
    assert 0 <= found.max_current_a <= stated
    for band in cell.charge_derating:
        if band.temp_min_c <= temperature_c <= band.temp_max_c and band.current_max_a is not None:
            assert found.max_current_a <= band.current_max_a
    low_c, high_c = cell.charge_temperature_min_c, cell.charge_temperature_max_c
    if (low_c is not None and temperature_c < low_c) or (high_c is not None and temperature_c > high_c):
        assert found.max_current_a == 0
    assert (found.max_current_a == 0) == (found.refused is not None)
    if found.max_voltage_v is not None and cell.voltage_charge_cutoff_v:
        assert found.max_voltage_v <= cell.voltage_charge_cutoff_v


@given(st.sampled_from(CELLS))
def test_every_band_edge_takes_the_stricter_side(cell):
    for band in cell.charge_derating:
        for edge_c in (band.temp_min_c, band.temp_max_c):
            beside = [limits(cell, edge_c + step, 50).max_current_a for step in (-1e-6, 1e-6)]
            assert limits(cell, edge_c, 50).max_current_a <= max(beside) + 1e-12
            inside = [b.current_max_a for b in cell.charge_derating if b.temp_min_c <= edge_c <= b.temp_max_c]
            assert limits(cell, edge_c, 50).max_current_a <= min((a for a in inside if a is not None), default=np.inf)


def test_limits_name_the_makers_numbers():
    cell = find_cell("LG M50LT")  # 0.3C from 0 to 25 degC, 0.7C from 25 to 45 degC, 4.2 V
    assert [limits(cell, t, 50).max_current_a for t in (10, 25, 30, -1, 46)] == [1.44, 1.44, 3.36, 0, 0]
    assert limits(cell, 30, 50).max_voltage_v == 4.2
    assert "warm it to at least 0 degC" in limits(cell, -1, 50).refused
    catl = find_cell("CATL 302Ah")  # 1C below, 0.8C above 80 % at 25 to 45 degC
    assert [limits(catl, 30, soc).max_current_a for soc in (50, 80, 90)] == pytest.approx([302, 241.6, 241.6])
    murata = find_cell("VTC6")
    assert "as no maximum is stated" in limits(murata, 25, 50).max_current_source
    assert "no charge window is stated" in temperature_window(murata, "datasheet")[2]


def test_physics_envelope_allows_2c_unless_the_maker_states_more():
    assert limits(find_cell("LG M50LT"), 10, 50, "physics").max_current_a == pytest.approx(9.6)
    assert limits(find_cell("P45B"), 10, 50, "physics").max_current_a == 13.5  # 3C by Molicel
    assert limits(find_cell("LG M50LT"), -10, 50, "physics").max_current_a > 0
    assert limits(find_cell("LG M50LT"), 46, 50, "physics").max_current_a == 0


def test_parameterisations_have_their_published_capacities():
    for name, ah in (("LG M50", 5.0), ("A123 26650", 2.3), ("UMich NMC532", 5.0), ("Kokam 7.5Ah", 0.15625)):
        assert fresh_capacity_ah(model_of(find_cell(name)).parameterisation) == pytest.approx(ah, rel=0.1)


@pytest.mark.parametrize("name", ["LG M50", "A123 26650", "UMich NMC532", "Kokam 7.5Ah"])
def test_an_aged_cell_holds_its_share_of_capacity_and_resists_more(name):
    parameterisation = model_of(find_cell(name)).parameterisation
    states = [aged_state(parameterisation, soh) for soh in (100, 90, 80, 60)]
    for state in states:
        share = state.capacity_ah / fresh_capacity_ah(parameterisation)
        assert share == pytest.approx(state.soh_percent / 100, rel=1e-4)
    assert np.all(np.diff([s.added_resistance_ohm for s in states]) > 0)
    assert np.all(np.diff([s.x_100 for s in states]) < 0)  # lithium lost: the anode fills less
    assert aged_state(parameterisation, 105).capacity_ah == pytest.approx(states[0].capacity_ah)
    with pytest.raises(CannotAnswer, match="60 %"):
        aged_state(parameterisation, 59)


@pytest.mark.parametrize("name", ["A123 26650", "UMich NMC532", "Kokam 7.5Ah"])
def test_resistance_doubles_at_80_percent_where_the_set_has_no_ageing(name):
    model = model_of(find_cell(name))

    def resistance(soh):
        cell = virtual_cell(model, soh, 25)
        _, rest = cell.step(cell.rested(50), 1e-4, 1, 3)
        _, pulse = cell.step(cell.rested(50), model.fresh_capacity_ah, 10, 11)
        return (pulse.voltage_v[-1] - rest.voltage_v[0]) / model.fresh_capacity_ah

    assert resistance(80) / resistance(100) == pytest.approx(2.0, rel=0.12)


def test_charge_is_conserved_and_a_step_can_be_repeated():
    cell = virtual_cell(model_of(find_cell("LG M50LT")), 90, 25)
    assert cell.capacity_ah == pytest.approx(4.8 * 0.9, rel=1e-4)
    start = cell.rested(20)
    half, first = cell.charge(start, 1.44, 40)
    end, second = cell.charge(half, 1.44, 60)
    again, _ = cell.charge(half, 1.44, 60)
    assert first.capacity_charged_ah + second.capacity_charged_ah == pytest.approx(0.4 * cell.capacity_ah, rel=1e-6)
    assert end.soc_percent == pytest.approx(60) and end.temperature_c == again.temperature_c
    whole, straight = cell.charge(start, 1.44, 60, 21)
    assert straight.voltage_v[-1] == pytest.approx(second.voltage_v[-1], abs=1e-3)


@settings(max_examples=15, deadline=None)
@given(st.floats(0.2, 1.5), st.floats(0, 40), st.floats(65, 100))
def test_more_current_means_lower_anode_potential_and_more_heat(c_rate, ambient_c, soh):
    cell = virtual_cell(model_of(find_cell("LG M50")), soh, ambient_c)
    traces = [cell.charge(cell.rested(20), rate * 4.8, 50)[1] for rate in (c_rate, c_rate * 1.3)]
    assert traces[1].min_anode_potential_v < traces[0].min_anode_potential_v
    assert traces[1].max_temperature_c >= traces[0].max_temperature_c
    assert traces[1].charge_time_min == pytest.approx(traces[0].charge_time_min / 1.3, rel=1e-6)


def test_cells_without_a_parameterisation():
    stand_in = model_of(find_cell("CATL 280Ah")).stand_in
    assert stand_in.startswith("CATL 280Ah has no parameterisation of its own: Prada2013")
    assert model_of(find_cell("LG M50LT")).stand_in is None
    for name in ("Toshiba SCiB 20Ah", "CATL Naxtra", "HiNa 32140"):
        with pytest.raises(CannotAnswer, match="LG M50LT"):
            model_of(find_cell(name))
