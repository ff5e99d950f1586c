"""Ageing in the DFN: the plating onset, PyBaMM's own options, and losses that add up."""

import pytest

from eval.ageing_truth import Profile, grown, live, live_through
from tools.ageing import (
    PLATINGS,
    AgeingCell,
    LithiumLost,
    capacity_percent,
    film_growth_m,
    sei_growth_m2_per_s,
    sei_loss_percent,
    worn,
)
from tools.parameters import ECKER2015, OKANE2022, aged_state, fresh_capacity_ah


def charged(c_rate, ambient_c, plating="onset", minutes=30.0, parameterisation=OKANE2022):
    cell = AgeingCell(parameterisation, ambient_c, 0.3, plating=plating)
    sample = cell.hold(c_rate * fresh_capacity_ah(parameterisation), 60 * minutes, 21)
    return cell, sample


def test_lithium_plates_below_0_volt_only():
    _, gentle = charged(0.5, 25.0)
    assert gentle.anode_potential_v.min() > 0 and gentle.plating_percent[-1] == 0
    _, hard = charged(1.0, 0.0)
    below = hard.anode_potential_v < 0
    assert below.any() and hard.plating_percent[-1] > 0.01
    assert hard.plating_percent[~below].max() < 1e-3  # none before the anode got there


def test_pybamms_options_bracket_the_onset():
    cold, warm = ({p: charged(c_rate, ambient_c, p, 15)[0].lost.plating_percent for p in PLATINGS}
                  for c_rate, ambient_c in ((1.0, 0.0), (0.5, 25.0)))
    assert cold["irreversible"] > cold["onset"] > 0
    assert warm["irreversible"] > 0.1 and warm["onset"] == 0  # it plates a warm cell too, at any rate
    # what is plated reversibly strips as the cell is discharged
    cell, sample = charged(1.0, 0.0, "partially reversible")
    cell.hold(-2.5, 1800)
    assert cell.lost.plating_percent < 0.1 * sample.plating_percent[-1]


def test_sei_of_a_year_lies_near_what_was_measured():
    # 2.4 % at 25 degC and 50 %, fit of Schmalstieg et al. 2014. 38 kJ/mol: 2.08 times faster at 40 degC.
    assert sei_loss_percent(25.0, 365.25 * 86400) == pytest.approx(2.4, rel=0.35)
    assert sei_growth_m2_per_s(313.15) / sei_growth_m2_per_s(298.15) == pytest.approx(2.085, rel=0.01)


def test_worn_cells_have_lost_their_lithium():
    new, lost = worn(OKANE2022, LithiumLost()), LithiumLost(6.0, 4.0)
    assert new.soh_percent == pytest.approx(100, abs=1e-6)
    assert capacity_percent(OKANE2022, lost) == pytest.approx(90, abs=2.5)
    assert worn(OKANE2022, LithiumLost(10.0, 0.0)).added_resistance_ohm > worn(OKANE2022, lost).added_resistance_ohm
    # one definition of an aged cell: where SEI took everything, both agree on film and balance
    aged = aged_state(OKANE2022, 90.0)
    film = worn(OKANE2022, LithiumLost(aged.film_thickness_m / film_growth_m(OKANE2022, 1.0), 0.0))
    assert film.soh_percent == pytest.approx(90.0, abs=0.05) and film.x_100 == pytest.approx(aged.x_100, abs=1e-3)


def test_sei_grows_with_the_root_of_time():
    month = sei_loss_percent(25.0, 30 * 86400)
    assert grown(OKANE2022, LithiumLost(), LithiumLost(month, 0.1), 4).sei_percent == pytest.approx(
        sei_loss_percent(25.0, 120 * 86400), rel=1e-6)


def test_strides_live_the_life_that_every_cycle_lives():
    profile = Profile(((5.0, 3000.0),), 4.2, 2.5, (600.0, 3600.0))
    strides, through = (how(OKANE2022, 5.0, 0.1, profile, 12) for how in (live, live_through))
    assert strides.simulated < 12
    assert strides.lost.total_percent == pytest.approx(through.lost.total_percent, rel=0.05)
    assert strides.full_cycles == pytest.approx(through.full_cycles, rel=0.02)


def test_constants_are_transferred_to_sets_without_ageing():
    cell, _ = charged(1.0, 0.0, minutes=40, parameterisation=ECKER2015)
    assert cell.lost.sei_percent > 0 and cell.lost.plating_percent > 0
