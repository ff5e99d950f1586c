"""Trends against neighbours: what they measure, that they see seeded faults early, and that sound packs stay quiet."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.diagnose import replay
from eval.fault_fleet import NMC, START, WEEKS, PackPlan, open_circuit, plan_packs, simulate
from tools.contract import Context
from tools.diagnosis import load_evidence
from tools.faults.drift import MIN_RECORDS, drift
from tools.faults.features import features
from tools.fleet import ChargeRecord, open_fleet


def charge(capacity=(1.0,) * 8, behind=(0.0,) * 8, ohm=(1.0,) * 8, sensor=(0.0,) * 8):
    """A C/3 charge of eight 5 Ah cells from 20 to 92 % and an hour of rest, without noise."""
    grid, ocv = open_circuit(NMC)
    charging = 10 + np.linspace(0, 0.72 * 3 * 3600, 80)
    t = np.concatenate([[0.0], charging, charging[-1] + np.array([10.0, *np.arange(60, 3660, 90)])])
    current = np.where((t >= 10) & (t <= charging[-1]), 5 / 3, 0.0)
    taken = np.concatenate([[0], np.cumsum((t[1:] - t[:-1]) * np.where(t[1:] <= charging[-1], current[1:], 0) / 3600)])
    capacity, behind, ohm = (np.asarray(x) for x in (capacity, behind, ohm))
    soc = 1 + behind / 100 - (5 * 0.8 - taken[:, None]) / (5 * capacity)  # balanced when full
    volt = np.interp(soc, grid, ocv) + current[:, None] * 0.03 * ohm + np.asarray(sensor)
    return ChargeRecord(START, tuple(range(1, 9)), t, current, volt, np.full(volt.shape, 25.0))


def only(value, usual):
    return (usual, usual, value, *[usual] * 5)


@settings(max_examples=25, deadline=None)
@given(st.floats(-0.15, 0.05))
def test_capacity_is_measured_against_neighbours_without_a_reference_curve(share):
    found = features(charge(capacity=only(1 + share, 1.0)))
    assert found.capacity.value[2] == pytest.approx(share, abs=0.015 + 0.12 * abs(share))
    assert np.abs(np.delete(found.capacity.value, 2)).max() < 0.003


@settings(max_examples=25, deadline=None)
@given(st.floats(-6, 4))
def test_missing_charge_is_not_taken_for_missing_capacity(percent):
    found = features(charge(behind=only(percent, 0.0)))
    assert 100 * found.charge_ah.value[2] / 5 == pytest.approx(percent, abs=0.3 + 0.12 * abs(percent))
    assert abs(found.capacity.value[2]) < 0.025


def test_resistance_and_sensor_offset_are_told_apart():
    ohm = features(charge(ohm=only(1.3, 1.0)))
    assert ohm.resistance.value[2] == pytest.approx(0.3, abs=0.01) and abs(ohm.voltage_v.value[2]) < 0.0005
    sensor = features(charge(sensor=only(0.006, 0.0)))
    assert sensor.voltage_v.value[2] == pytest.approx(0.006, abs=0.001) and abs(sensor.resistance.value[2]) < 0.01


def test_a_record_without_steady_charge_or_of_few_cells_gives_nothing():
    record = charge()
    assert features(record.column(3)) is None
    idle = ChargeRecord(START, record.cells, record.t_s, 0 * record.current_a, record.voltage_v, record.temperature_c)
    assert features(idle) is None


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31))
def test_noise_alone_does_not_drift_and_a_ramp_does(seed):
    rng = np.random.default_rng(seed)
    days, noise = np.arange(0, 280.0, 7), rng.normal(0, 1.0, (40, 10))
    errors = np.ones_like(noise)
    assert drift(days, noise, errors, 0.5, 1.0).score.max() < 5
    ramp = noise.copy()
    ramp[20:, 4] += np.linspace(0, 12, 20)
    found = drift(days, ramp, errors, 0.5, 1.0)
    assert found.score[4] > 12 and found.score[4] == found.score.max() and 18 <= found.begun[4] <= 32
    assert found.rate(4) == pytest.approx(12 / (20 * 7) * 30, rel=0.6)
    assert drift(days[:MIN_RECORDS - 1], noise[:MIN_RECORDS - 1], errors[:MIN_RECORDS - 1], 0.5, 1.0) is None


@pytest.mark.parametrize(("fault", "chemistry", "within_days", "name"), [
    ("self_discharge", NMC, 90, "self_discharge"), ("high_resistance", NMC, 150, "high_resistance"),
    ("sensor_voltage", NMC, 120, "sensor_drift")])
def test_a_seeded_fault_is_found_through_the_store_before_any_limit(tmp_path, fault, chemistry, within_days, name):
    life = simulate(PackPlan("PK-0001", chemistry, 11, fault, 1, 20, 4))
    found = replay(life, Context(tmp_path, "evaluation"))
    assert found.right(found.found) is not None
    assert (found.right(found.found) - life.onset).days <= within_days
    assert any(f == name and cells == ("PK-0001-C05",) for f, cells in found.found)
    assert found.right(found.by_limit) is None or found.right(found.by_limit) > found.right(found.found)


def test_a_sound_pack_stays_quiet_and_its_evidence_is_kept_small(tmp_path):
    context = Context(tmp_path, "evaluation")
    found = replay(simulate(PackPlan("PK-0001", NMC, 5)), context)
    assert found.found == {} and found.months > 10
    fleet = open_fleet(context)
    evidence = load_evidence(fleet, fleet.pack("PK-0001"))
    assert len(evidence.features) <= 64 and len(evidence.records) == 3


def test_the_fleet_of_faults_is_what_it_says():
    plans = plan_packs(3, 5, 2)
    assert plans == plan_packs(3, 5, 2) != plan_packs(4, 5, 2)
    assert len(plans) == 5 + 8 * 3 * 2 and len({p.pack_id for p in plans}) == len(plans)
    life = simulate(PackPlan("PK-0009", NMC, 1, "self_discharge", 2, 20, 3))
    assert len(life.records) == WEEKS and life.faulty == (4,)
    assert life.records[0].started < life.onset < life.records[-1].started <= datetime(2026, 6, 1, tzinfo=UTC)
    ends = [r.voltage_v[-1] - np.median(r.voltage_v[-1]) for r in life.records]
    assert abs(ends[10][3]) < 0.01 and ends[45][3] < -0.02
