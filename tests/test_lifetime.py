"""Remaining life: forecasts of made-up lives with a known end, the early predictor's guards, an asset's own history."""

from datetime import UTC, date, datetime
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from eval.lifetime import Case, prospective
from eval.lifetime_fit import fit_early, shapes_from
from eval.lives import Life, read_lives
from tools.arguments import ForecastLife
from tools.asset_life import gains, history_from, outlook, resistance_percent, shapes_of
from tools.cells import find_cell
from tools.contract import Context
from tools.errors import BadArgument
from tools.fleet import fleet_url, open_engine
from tools.fleet.tables import Month, Pack, PackState
from tools.life import forecast_life
from tools.remaining_life import REFERENCE_LOSS, forecast, shape_of
from tools.remaining_life_early import predict_cycle_life


def life(cycles: float, knee: float = 0.6, group="made up", noise=0.0, seed=0) -> Life:
    """Linear loss of 10 % until `knee` of the life, then three times as fast."""
    clock = np.linspace(0, cycles, 60)
    x = clock / cycles
    loss = 0.1 / knee * np.minimum(x, knee) + 0.3 / knee * np.maximum(x - knee, 0)
    return Life("made up", group, f"{cycles}", clock, loss + np.random.default_rng(seed).normal(0, noise, 60))


LIVES = [life(c) for c in np.linspace(700, 1300, 13)]


def test_shape_reaches_the_reference_loss_at_one():
    loss, clock = shape_of(LIVES[0].cycles, LIVES[0].loss)
    assert np.interp(1.0, np.arange(len(loss)) * 0.02, loss) == pytest.approx(REFERENCE_LOSS, abs=1e-3)
    assert clock == pytest.approx(0.08 / (0.1 / 0.6) * 700, rel=0.01)


@settings(max_examples=20, deadline=None)
@given(st.floats(650, 1400))
def test_a_life_like_others_is_forecast_through_its_knee(cycles):
    case = Case(life(cycles))
    found = forecast(case.clock, case.loss, case.future, shapes_from(LIVES), trust=30.0)
    assert np.abs(found.loss - case.true).max() < 0.02
    assert np.abs(case.slope() - case.true)[-1] > 0.1  # going on straight misses the knee
    assert (found.low <= found.loss).all() and (found.loss <= found.high).all()


@settings(max_examples=20, deadline=None)
@given(st.floats(0.3, 3.0), st.floats(0.3, 2.0))
def test_a_wider_prior_gives_a_wider_band(stretch, width):
    case = Case(life(1000 * stretch))
    narrow, wide = (forecast(case.clock, case.loss, case.future, shapes_from(LIVES), 0.0, w) for w in (0.01, width))
    assert (wide.high - wide.low)[-1] > (narrow.high - narrow.low)[-1]


def test_evaluation_beats_its_baselines_where_lives_are_alike_and_covers():
    lives = [life(c, noise=0.001, seed=n) for n, c in enumerate(np.linspace(700, 1300, 24))]
    lives += [Life("other", "other", x.cell, x.cycles, x.loss) for x in lives[:12]]
    found = prospective(lives)["groups"]["made up"]
    assert found["forecast"] < 0.5 * min(found["slope"], found["mean"])
    assert found["forecast_inside"] > 0.8 and found["cells"] == 24


def test_lives_are_read_from_a_directory_or_the_lack_is_said(tmp_path):
    with pytest.raises(ValueError, match="holds neither"):
        read_lives(tmp_path)
    (tmp_path / "lifetime").mkdir()
    rows = "".join(f"a,{n * 100},{2.0 - 0.13 * n}\n" for n in range(8))
    (tmp_path / "lifetime" / "rwth_rpt.csv").write_text("cell,cum_cycles,cap_dch_ah\n" + rows)
    [found] = read_lives(tmp_path)
    assert found.loss[-1] == pytest.approx(0.325) and found.cycles[-1] == 500  # the first beyond 30 %


# -- from the first hundred cycles


def discharge(cycle_life: float, rng) -> np.ndarray:
    """Curves whose change by cycle 100 is larger the shorter the life, as measured ones are."""
    volts, cycles = np.linspace(3.6, 2.0, 1000), np.arange(2, 101)
    curve = 1.07 / (1 + np.exp((volts - 3.25) / 0.03))
    dip = np.exp(-((volts - 3.0) / (0.1 + 0.02 * rng.random())) ** 2) + 0.3 * np.exp(-((volts - 3.2) / 0.05) ** 2)
    return curve - np.outer(cycles / 100, dip) * 30 / cycle_life**1.1 + rng.normal(0, 1e-5, (99, 1000))


@pytest.fixture(scope="module")
def made_up():
    rng = np.random.default_rng(0)
    lives = np.exp(rng.uniform(np.log(300), np.log(1800), 40))
    return np.stack([discharge(x, rng) for x in lives]), lives


def test_early_prediction_learns_what_the_curves_tell(made_up):
    curves, lives = made_up
    model = fit_early(curves[:30], lives[:30])
    for curve, cycles in zip(curves[30:], lives[30:], strict=True):
        found = predict_cycle_life(curve, model)
        assert found.valid and found.cycles == pytest.approx(cycles, rel=0.25)
        assert found.low_cycles < found.cycles < found.high_cycles


def test_shipped_early_predictor_refuses_what_it_cannot_know(made_up):
    curves, _ = made_up
    with pytest.raises(BadArgument, match="99 cycles"):
        predict_cycle_life(curves[0][:50])
    with pytest.raises(BadArgument, match="no numbers"):
        predict_cycle_life(np.where(curves[0] > 1, np.nan, curves[0]))
    other_way = predict_cycle_life(curves[0][::-1])
    assert not other_way.valid and "training cells" in other_way.reason


# -- an asset


def history(speed: float, months: int = 24, cycles_a_month: float = 10.0):
    rows = [SimpleNamespace(month=f"{2024 + n // 12}-{n % 12 + 1:02d}", soh_percent=100 - speed * (n + 1) / 12,
                            cycles=cycles_a_month * n, charge_c_rate=0.4, temperature_mean_c=18.0)
            for n in range(months)]
    return history_from(rows, date(2023, 12, 28))


CELL = find_cell("LG M50LT")


def test_history_gives_loss_years_and_habits():
    found = history(3.0)
    assert found.tells and found.years[-1] == pytest.approx(2.0, abs=0.01)
    assert found.loss[-1] == pytest.approx(0.06, abs=0.004)
    assert found.habits.charge_c_rate == pytest.approx(0.4) and found.habits.temperature_c == pytest.approx(18.0)
    assert found.habits.full_cycles_per_week == pytest.approx(10 * 12 / 52.18, rel=0.02)
    assert not history(3.0, months=4).tells and not history(0.2).tells


@settings(max_examples=15, deadline=None)
@given(st.floats(2.7, 6.0))
def test_an_asset_that_aged_faster_than_its_model_goes_on_faster(speed):
    slow, fast = (outlook(history(s), 100 - 2 * s, CELL, 3.0) for s in (speed, 1.4 * speed))
    assert fast.speed > slow.speed
    for found in (slow, fast):
        assert (np.diff(found.capacity_percent) <= 1e-9).all()
        assert (found.low_percent <= found.capacity_percent + 1e-9).all()
        assert (found.capacity_percent <= found.high_percent + 1e-9).all()
        expected, earliest, latest = found.years_to(80.0)
        assert expected is None or earliest <= expected <= (latest or np.inf)
    assert (fast.years_to(80.0)[0] or 99) < (slow.years_to(80.0)[0] or 99)


def test_gentler_habits_gain_years_and_are_ordered():
    found = gains(history(3.0), 94.0, CELL, 3.0, 3.0, {"5 K cooler": lambda: 4.0, "slower charge": lambda: 3.5,
                                                  "as before": lambda: 3.0})
    assert list(found) == ["5 K cooler", "slower charge"] and found["5 K cooler"] > found["slower charge"] > 0


def test_resistance_band_holds_the_measured_and_the_modelled_rise():
    middle, low, high = resistance_percent(20.0)
    assert low == pytest.approx(120) and high == pytest.approx(200) and low < middle < high


def test_forecast_of_an_asset_goes_on_from_its_months_and_habits(tmp_path):
    key = {"tenant": "mine", "pack_id": "PK-0001"}
    months = [{"month": f"{2024 + n // 12}-{n % 12 + 1:02d}", "soh_percent": 100 - 0.3 * (n + 1), "cycles": 15.0 * n,
               "temperature_mean_c": 21.0, "temperature_max_c": 30.0, "spread_mv": 5.0, "charges": 20,
               "charge_c_rate": 0.4} for n in range(24)]
    state = {"time": datetime(2026, 1, 1, tzinfo=UTC), "soc_percent": 50.0, "soh_percent": 92.5, "soh_source": "test",
             "temperature_min_c": 20.0, "temperature_mean_c": 21.0, "temperature_max_c": 22.0, "voltage_v": 52.8,
             "current_a": 0.0, "spread_mv": 5.0, "cycles": 345.0}
    with Session(open_engine(fleet_url(tmp_path))) as session, session.begin():
        session.add(Pack(**key, site="Turin", cell_model="a123-anr26650m1-b", model_name="A123 26650", series=16,
                         parallel=2, commissioned="2023-12-28", simulated=False))
        session.flush()
        session.add(PackState(**key, **state))
        session.add_all(Month(**key, **m) for m in months)
    context = Context(tmp_path, "mine")
    found = forecast_life(ForecastLife(asset_id="PK-0001", years=3), context)
    assert found.history_months == 24 and "as in its last year" in found.assumptions[0]
    assert found.temperature_c == 21.0 and found.charge_c_rate == 0.4
    assert found.capacity_low_percent < found.capacity_percent < found.capacity_high_percent < 92.5
    assert found.years_to_80_earliest < found.years_to_80_percent < (found.years_to_80_latest or 99)
    assert 100 < found.resistance_low_percent < found.resistance_percent < found.resistance_high_percent
    assert found.gains_years and all(gained > 0 for gained in found.gains_years.values())
    assert set(found.brief()) == set(forecast_life(ForecastLife(cell_model="A123 26650"), context).brief())
    hotter = forecast_life(ForecastLife(asset_id="PK-0001", years=3, temperature_c=40), context)
    assert hotter.capacity_percent < found.capacity_percent


def test_shipped_shapes_start_sound_and_only_fall():
    for name in ("LG M50LT", "A123 26650"):
        shapes = shapes_of(find_cell(name))
        assert shapes.weight.sum() == pytest.approx(1.0, abs=1e-5) and len(shapes.loss) == 12
        assert np.abs(shapes.loss[:, 0]).max() < 0.01 and (shapes.loss[:, 100] > REFERENCE_LOSS).all()
