"""The life rates: exact SEI, counted lithium, plating that follows PyBaMM, and refusals outside what was learnt."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.world_life import lived_in_dfn, one_cycle
from tools.ageing import LithiumLost, capacity_percent, sei_loss_percent
from tools.parameters import OKANE2022
from tools.world.life import Cycle, life_rates, outside

RESTING = Cycle.of(0.5, 0.5, 25.0, 1e-6)


def test_a_cell_at_rest_grows_sei_as_pybamm_does():
    life = life_rates().live([(10.0, RESTING)])
    for year, sei in ((1.0, 3.13), (10.0, None)):
        said = float(np.interp(year, life.years, life.sei_percent))
        assert said == pytest.approx(sei_loss_percent(25.0, year * 8766 * 3600), rel=0.01)
        assert sei is None or said == pytest.approx(sei, rel=0.02)
    assert life.plating_percent[-1] < 1e-4


def test_capacity_follows_lithium_by_the_cells_balance():
    life = life_rates().live([(3.0, Cycle.of(0.5, 0.8, 40.0, 300))])
    lost = LithiumLost(float(life.sei_percent[-1]), float(life.plating_percent[-1]))
    assert life.capacity_percent[-1] == pytest.approx(capacity_percent(OKANE2022, lost), abs=0.05)


def test_a_cycles_cost_is_the_dfns():
    cycle = Cycle(0.5, 0.2, 0.8, 20.0, 400.0)
    by, busy_s = one_cycle(cycle, LithiumLost(5.0, 1.0))
    hours, plated, _ = life_rates()._cycle(cycle, 6.0, 0.002)
    assert plated == pytest.approx(by.plating_percent, abs=2e-3) and busy_s > 3 * 3600 and -0.1 < hours < 1.5
    cold = Cycle(1.0, 0.1, 0.8, 0.0, 400.0)
    by, _ = one_cycle(cold, LithiumLost())
    assert life_rates()._cycle(cold, 0.0, 0.0)[1] == pytest.approx(by.plating_percent, rel=0.25)


def test_a_cycle_may_come_in_numpys_numbers():
    """A pack's own months give temperatures as NumPy's float64."""
    plain = life_rates().live([(3.0, Cycle(0.5, 0.2, 0.8, 20.0, 400.0))])
    numpys = Cycle(*(np.float64(number) for number in (0.5, 0.2, 0.8, 20.0, 400.0)))
    given = life_rates().live([(3.0, numpys)])
    assert given.capacity_percent[-1] == pytest.approx(plain.capacity_percent[-1], abs=1e-6)


def test_a_years_use_is_the_dfns():
    uses = [(0.5, Cycle.of(0.3, 0.6, 30.0, 200)), (0.5, Cycle.of(0.3, 0.6, 15.0, 200))]
    lost, _ = lived_in_dfn(uses)
    assert life_rates().live(uses).capacity_percent[-1] == pytest.approx(capacity_percent(OKANE2022, lost), abs=0.2)


@settings(max_examples=40, deadline=None)
@given(st.floats(0.05, 2), st.floats(0.05, 1), st.floats(0, 60), st.floats(1, 2000), st.floats(0.1, 40))
def test_any_life_only_loses(c_rate, depth, temperature_c, per_year, years):
    life = life_rates().live([(years, Cycle.of(c_rate, depth, temperature_c, per_year))])
    assert life.years[-1] == pytest.approx(years)
    for lost in (life.sei_percent, life.plating_percent, life.plating_spread_percent, life.added_ohm):
        assert np.all(np.isfinite(lost)) and np.all(np.diff(lost) >= -1e-9)
    assert np.all(np.diff(life.capacity_percent) <= 1e-4) and 50 < life.capacity_percent[-1] <= 100.01


def test_ten_years_are_quick():
    uses, spent = [(0.25, Cycle.of(0.5, 0.7, 5.0 + n, 250)) for n in range(40)], []
    for _ in range(5):
        began = time.process_time()
        life_rates().live(uses)
        spent.append(time.process_time() - began)
    assert min(spent) < 0.05


def test_what_was_not_learnt_is_said():
    assert outside(Cycle.of(0.5, 0.8, 25.0, 250)) is None
    assert "-20 degC" in outside(Cycle.of(0.5, 0.8, -20.0, 250)) and "3 C" in outside(Cycle.of(3.0, 0.8, 25.0, 250))


def test_training_goes_on_from_its_checkpoint(tmp_path):
    from tools.world.life_generate import FIELDS, ROWS
    from tools.world.life_train import train

    rng, runs = np.random.default_rng(2), 12
    charge = np.sort(rng.uniform(0.25, 0.95, (runs, ROWS)), axis=1)
    c_rate = np.repeat(rng.uniform(0.2, 1.5, (runs, 1)), ROWS, 1)
    columns = {"c_rate": c_rate, "ambient_c": np.full_like(charge, 15.0), "from_soc": np.full_like(charge, 0.2),
               "to_soc": charge, "lost_percent": np.full_like(charge, 5.0), "added_ohm": np.full_like(charge, 5e-3),
               "hours": (charge - 0.2) / c_rate, "sei_speed": np.full_like(charge, 1.1),
               "warmer_c": 2 * c_rate, "plating_percent": np.full_like(charge, 1e-3)}
    np.savez(tmp_path / "life-1-0000.npz", rows=np.stack([columns[name] for name in FIELDS], 2).astype(np.float32))
    lines: list[str] = []
    train(tmp_path, tmp_path, 0.01, 1, lines.append)
    _, about = train(tmp_path, tmp_path, 0.03, 1, lines.append)
    assert about["epochs"] > int(lines[0].split('"epoch": ')[1].split(",")[0]) > 0
