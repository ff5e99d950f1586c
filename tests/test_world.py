"""The world model of the cell: what is built in holds exactly, what is learnt agrees with the DFN."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.cells import find_cell
from tools.parameters import ECKER2015, MOHTAT2020, OKANE2022, PARAMETERISATIONS, PRADA2013, aged_state, model_of
from tools.simulation import virtual_cell
from tools.world.rollout import predict, world_for

EACH = pytest.mark.parametrize("parameterisation", PARAMETERISATIONS, ids=lambda p: p.name)
CELLS = {OKANE2022: "LG M50LT", PRADA2013: "A123 26650", MOHTAT2020: "UMich pouch", ECKER2015: "Kokam 7.5Ah"}


def test_every_parameterisation_has_a_trained_model():
    assert tuple(p for p in PARAMETERISATIONS if world_for(p)) == PARAMETERISATIONS


@EACH
@settings(max_examples=15, deadline=None)
@given(soc=st.floats(10, 80), soh=st.floats(70, 100), ambient=st.floats(-15, 50),
       steps=st.lists(st.tuples(st.floats(-0.8, 0.8), st.floats(1, 60)), min_size=1, max_size=12))
def test_charge_is_counted_exactly(parameterisation, soc, soh, ambient, steps):
    """Counted by hand: C-rate times time over what the aged cell holds."""
    world = world_for(parameterisation)
    state = world.rested(soc, ambient, soh)
    for c_rate, seconds in steps:
        state = world.step(state, c_rate * world.model.capacity_ah, seconds)
    counted_ah = sum(c_rate * seconds for c_rate, seconds in steps) * world.model.capacity_ah / 3600
    held_ah = aged_state(parameterisation, round(soh, 2)).capacity_ah
    assert float(state.soc_percent) == pytest.approx(soc + 100 * counted_ah / held_ah, abs=0.02)


@EACH
def test_a_resting_cell_is_at_its_equilibrium_and_cools_exponentially(parameterisation):
    """PyBaMM's own resting voltage; the time constant is heat capacity over cooling."""
    cell = virtual_cell(model_of(find_cell(CELLS[parameterisation])), 100, 25)
    _, trace = cell.step(cell.rested(60), 0.0, 60.0)
    world = world_for(parameterisation)
    state = world.rested(60.0, 25.0, 100.0)
    assert float(state.voltage_v) == pytest.approx(trace.voltage_v[0], abs=5e-4)
    assert float(state.anode_potential_v) == pytest.approx(trace.anode_potential_v[0], abs=5e-4)
    warm = world.rested(60.0, 25.0, 100.0, temperature_c=35.0)
    for _ in range(30):
        warm = world.step(warm, 0.0, 60.0)
    expected_c = 25 + 10 * np.exp(-1800 * world.model.cooling_w_per_k / world.model.heat_j_per_k)
    assert float(warm.temperature_c) == pytest.approx(expected_c, abs=0.01)


@EACH
def test_agrees_with_the_dfn_on_a_staged_charge(parameterisation):
    """Stages and a rest at 15 degC and 88 % health; the targets of the evaluation with room for a single run."""
    model = model_of(find_cell(CELLS[parameterisation]))
    cell = virtual_cell(model, 88, 15, "fine")
    state, rows = cell.rested(15), []
    for c_rate, minutes in ((0.9, 8), (0.6, 10), (0.0, 4), (0.4, 12)):
        for _ in range(minutes):
            state, trace = cell.step(state, c_rate * model.fresh_capacity_ah, 60.0, 3)
            rows.append((state.t_s, c_rate * model.fresh_capacity_ah, trace.voltage_v[-1], trace.temperature_c[-1],
                         trace.anode_potential_v[-1]))
    t_s, current_a, volts, celsius, anode_v = np.array([(0.0, 0.0, 0.0, 0.0, 0.0), *rows]).T
    found = predict(model.parameterisation, 15, 15, t_s, current_a / model.scale, 88)
    assert np.abs(found["voltage_v"] - volts)[1:].mean() < 0.004
    assert np.abs(found["anode_potential_v"] - anode_v)[1:].mean() < 0.004
    assert np.abs(found["temperature_c"] - celsius)[1:].mean() < 0.2


def test_rows_of_a_batch_do_not_touch_each_other():
    world = world_for(OKANE2022)
    currents = torch.tensor([1.0, 3.0, 5.0])
    together = world.step(world.rested([10.0, 40.0, 70.0], 20.0, 90.0), currents, 30.0)
    for row, soc in enumerate((10.0, 40.0, 70.0)):
        alone = world.step(world.rested(soc, 20.0, 90.0), currents[row:row + 1], 30.0)
        assert float(alone.voltage_v) == pytest.approx(float(together.voltage_v[row]), abs=2e-5)
    twice = together.take(torch.tensor([2, 2]))
    assert twice.soc_percent.tolist() == [float(together.soc_percent[2])] * 2


def test_half_a_step_twice_is_nearly_a_step():
    world = world_for(OKANE2022)
    whole = world.step(world.rested(30.0, 25.0, 95.0), 3.0, 60.0)
    half = world.step(world.step(world.rested(30.0, 25.0, 95.0), 3.0, 30.0), 3.0, 30.0)
    assert float(half.voltage_v) == pytest.approx(float(whole.voltage_v), abs=0.006)
    assert float(half.soc_percent) == pytest.approx(float(whole.soc_percent), abs=1e-3)


@pytest.mark.parametrize(("arguments", "said"), [
    ((50, 60, 90), "60 degC is outside the -20 to 55 degC"), ((50, 25, 65), "65 % health is outside the 70 to 100"),
    ((50, 25, 90, 5.0), "5 C is outside the 0 to 2.1 C"), ((50, 25, 90, 1.0), None), ((50, 25, 104, 1.0), None)])
def test_it_says_where_it_may_not_be_used(arguments, said):
    found = world_for(OKANE2022).outside(*arguments)
    assert (said in found) if said else found is None


def test_runs_of_the_dfn_are_seeded_and_resumed(tmp_path):
    from tools.world.generate import STEPS, Truth, run

    truth = Truth(PRADA2013)
    first, again = (run(truth, np.random.default_rng(3)) for _ in range(2))
    assert first[0] == again[0]
    np.testing.assert_allclose(first[1], again[1], atol=2e-4)
    assert first[1].shape == (STEPS, 5)
    dt_s, c_rate, volts, celsius, anode_v = first[1].T
    assert np.all(dt_s > 0) and np.all(dt_s <= 60.001)
    assert volts.min() > 1.85 and volts.max() < 3.75  # the cell's 2.0 to 3.6 V with 0.1 V of room
    assert np.all(np.isfinite(first[1]))


def test_training_learns_and_resumes(tmp_path):
    from tools.world.generate import FIXED, SERIES, Truth, run
    from tools.world.train import train

    truth, rng = Truth(PRADA2013), np.random.default_rng(0)
    runs = [run(truth, rng) for _ in range(6)]
    np.savez(tmp_path / "Prada2013-1-0000.npz", **dict(zip(FIXED, np.array([r[0] for r in runs], np.float32).T,
                                                           strict=True)),
             **dict(zip(SERIES, np.moveaxis(np.stack([r[1] for r in runs]), 2, 0), strict=True)))
    lines: list[str] = []
    arguments = dict(batch=6, peak=3e-3, width=16, seed=0, log=lines.append)
    train("Prada2013", tmp_path, tmp_path, 0.03, **arguments)
    _, about = train("Prada2013", tmp_path, tmp_path, 0.1, **arguments)
    losses = [float(line.split('"loss": ')[1].split(",")[0]) for line in lines]
    assert about["epochs"] > int(lines[0].split('"epoch": ')[1].split(",")[0])  # went on from the checkpoint
    assert losses[-1] < losses[0]
