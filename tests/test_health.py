"""State of health and fault checks against what the cells truly are."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from tools.arguments import Diagnose, EstimateSoh, RecommendChargingCurrent
from tools.assets import resolve_subject
from tools.cells import find_cell
from tools.contract import Context
from tools.errors import CannotAnswer
from tools.estimation import constant_current, estimate_cells, step_resistance_ohm
from tools.fleet import ChargeRecord, fleet_url, open_engine, open_fleet
from tools.fleet.curves import curves_of
from tools.fleet.demo_plan import NOW, plan_fleet
from tools.fleet.demo_sim import draw_cells, health_after
from tools.fleet.records import from_blob, to_blob
from tools.fleet.tables import Upload
from tools.health import diagnose, estimate_soh

START = datetime(2026, 1, 1, tzinfo=UTC)


def charge(cell_name="LG M50LT", soh=88.0, c_rate=0.3, temperature_c=20.0, from_share=0.0, until_share=1.0):
    """One cell's constant-current charge along its reference curve, sampled each minute."""
    cell = find_cell(cell_name)
    ah, volt = curves_of(cell).for_soh(soh, c_rate, temperature_c)
    current = c_rate * cell.capacity_nominal_ah
    t = np.arange(0, (until_share - from_share) * ah[-1] / current * 3600, 60.0)
    v = np.interp(from_share * ah[-1] + current * t / 3600, ah, volt)
    return cell, ChargeRecord(START, (0,), t, np.full(len(t), current), v[:, None], np.full((len(t), 1), temperature_c))


@given(soh=st.floats(72, 100), c_rate=st.floats(0.1, 0.6), temperature_c=st.floats(8, 38), start=st.floats(0, 0.15))
@settings(max_examples=40, deadline=None)
def test_health_of_a_deep_charge_lies_in_its_interval(soh, c_rate, temperature_c, start):
    cell, record = charge(soh=soh, c_rate=c_rate, temperature_c=temperature_c, from_share=start)
    estimate = estimate_cells(record, cell, 1)[0]
    if estimate.valid:
        assert estimate.low_percent <= soh <= estimate.high_percent
        assert estimate.soh_percent == pytest.approx(soh, abs=1.0)


def test_a_deep_charge_at_room_temperature_is_usable():
    cell, record = charge()
    assert estimate_cells(record, cell, 1)[0].valid


@pytest.mark.parametrize(("change", "says"), [
    ({"from_share": 0.8}, "of the capacity"),
    ({"until_share": 0.15}, "constant current|of the capacity"),
    ({"cell_name": "A123 26650", "from_share": 0.25, "until_share": 0.7}, "flat|no single health"),
    ({"temperature_c": -5.0}, "outside the reference curves")])
def test_a_record_that_does_not_show_health_says_why(change, says):
    cell, record = charge(**change)
    estimate = estimate_cells(record, cell, 1)[0]
    assert not estimate.valid
    assert any(word in estimate.reason for word in says.split("|"))


def test_a_full_charge_needs_no_reference_curve():
    cell = find_cell("CATL 280Ah")
    t = np.arange(0, 9100, 50.0)
    current = np.where(t < 9000, 100.0, 15.0)
    volt = np.interp(t, [0, 300, 8700, 9000, 9100], [2.6, 3.2, 3.4, 3.65, 3.65])
    record = ChargeRecord(START, (0,), t, current, volt[:, None], np.full((len(t), 1), 25.0))
    estimate = estimate_cells(record, cell, 1)[0]
    counted_ah = (100 * 9000 + 15 * 100) / 3600
    assert estimate.valid and estimate.soh_percent == pytest.approx(100 * counted_ah / 280, abs=0.3)
    partial = ChargeRecord(START, (0,), t, current, volt[:, None] + 0.5, record.temperature_c)
    assert "no reference curve for CATL 280Ah" in estimate_cells(partial, cell, 1)[0].reason


def test_estimates_of_the_demonstration_hold_what_they_claim(demo):
    """90 % intervals against the simulated truth; the weakest cell's, over every eighth pack."""
    inside, errors = [], []
    for plan in plan_fleet(0)[::8]:
        result = estimate_soh(EstimateSoh(asset_id=plan.pack_id), demo)
        if result.valid:
            cells = draw_cells(plan, np.random.default_rng(plan.seed))
            true = health_after(plan, NOW.date())[0] + cells.soh_offset.min()
            inside.append(result.soh_low_percent <= true <= result.soh_high_percent)
            errors.append(result.soh_percent - true)
    assert len(inside) > 25 and np.mean(inside) >= 0.9
    assert np.sqrt(np.mean(np.square(errors))) < 2.0


def test_planted_faults_are_found_and_sound_packs_are_left_alone(demo):
    for plan in plan_fleet(0):
        if plan.fault or int(plan.pack_id[3:]) % 10 == 0:
            result = diagnose(Diagnose(asset_id=plan.pack_id), demo)
            found = {f.fault for f in result.findings}
            if plan.fault is None:
                assert found == set(), plan
            else:
                assert plan.fault in found and found <= {plan.fault, "imbalance"}, plan


def test_the_faulty_cell_is_named_with_its_number(demo):
    for plan in plan_fleet(0):
        if plan.fault in ("weak_cell", "high_resistance", "sensor_stuck", "imbalance"):
            findings = diagnose(Diagnose(asset_id=plan.pack_id), demo).findings
            finding = next(f for f in findings if f.fault == plan.fault)
            assert finding.cells == (f"{plan.pack_id}-C{plan.fault_cell:02d}",)
            assert any(c.isdigit() for c in finding.evidence) and finding.what_to_do


def test_no_finding_says_what_was_checked(demo):
    result = diagnose(Diagnose(asset_id="PK-0042"), demo)
    assert result.findings == () and len(result.checks_ran) + len(result.checks_not_possible) == 6
    assert result.brief()["findings"] == "none" and "imbalance" in result.brief()["checks_ran"]


def test_listed_faults_are_the_diagnosed_ones(demo):
    fleet = open_fleet(demo)
    for plan in plan_fleet(0)[::23]:
        stored = sorted(f.fault for f in fleet.faults(fleet.pack(plan.pack_id)))
        assert stored == sorted(f.fault for f in diagnose(Diagnose(asset_id=plan.pack_id), demo).findings)


def test_resistance_is_voltage_drop_over_current_drop():
    t = np.array([0.0, 60, 600, 610, 670, 680])
    current = np.array([10.0, 10, 10, 0, 0, 10])
    volt = 3.7 + np.outer(current, [0.002, 0.005])
    record = ChargeRecord(START, (1, 2), t, current, volt, np.full((6, 2), 25.0))
    assert step_resistance_ohm(record) == pytest.approx([0.002, 0.005])
    assert step_resistance_ohm(ChargeRecord(START, (1, 2), t, np.full(6, 10.0), volt, record.temperature_c)) is None


def test_constant_current_leaves_out_the_first_ten_minutes():
    _, record = charge()
    part = constant_current(record)
    assert record.t_s[part.start] == 600 and part.stop == len(record.t_s)


@given(st.integers(2, 40), st.integers(1, 5), st.integers(0, 2**31))
@settings(max_examples=30, deadline=None)
def test_records_survive_storage_within_their_resolution(n, k, seed):
    rng = np.random.default_rng(seed)
    record = ChargeRecord(START, tuple(range(1, k + 1)), np.cumsum(rng.uniform(0.5, 60, n)), rng.uniform(-5, 400, n),
                          rng.uniform(2, 4.3, (n, k)), rng.uniform(-30, 70, (n, k)))
    back = from_blob(to_blob(record), START)
    assert back.cells == record.cells
    assert np.abs(back.t_s - record.t_s).max() <= 0.051 and np.abs(back.current_a - record.current_a).max() <= 0.00051
    assert np.abs(back.voltage_v - record.voltage_v).max() <= 0.000051
    assert np.abs(back.temperature_c - record.temperature_c).max() <= 0.051


def test_an_uploaded_record_is_estimated_and_can_be_charged_for(tmp_path):
    cell, record = charge(soh=84.0, temperature_c=18.0)
    with Session(open_engine(fleet_url(tmp_path))) as session, session.begin():
        session.add(Upload(tenant="mine", upload_id="UP-3f9a", name="log.csv", cell_model=cell.id, uploaded=START,
                           started=START, data=to_blob(record)))
    mine = Context(tmp_path, "mine")
    result = estimate_soh(EstimateSoh(asset_id="UP-3f9a"), mine)
    assert result.valid and result.soh_percent == pytest.approx(84.0, abs=0.5)
    subject = resolve_subject(RecommendChargingCurrent(asset_id="UP-3f9a"), mine)
    assert subject.soh_percent == pytest.approx(84.0, abs=0.5) and subject.temperature_c == 18.0
    assert subject.sources == {"soc_percent": "default", "temperature_c": "telemetry", "soh_percent": "telemetry"}
    with pytest.raises(CannotAnswer, match="nothing has been uploaded"):
        estimate_soh(EstimateSoh(asset_id="UP-3f9a"), Context(tmp_path, "yours"))
    with pytest.raises(CannotAnswer, match="name a pack"):
        diagnose(Diagnose(asset_id="UP-3f9a"), mine)


def test_uploads_and_packs_without_records_get_a_sentence(demo):
    with pytest.raises(CannotAnswer, match="no upload UP-3f9a"):
        estimate_soh(EstimateSoh(asset_id="UP-3f9a"), demo)
    with pytest.raises(CannotAnswer, match="no upload UP-3f9a"):
        diagnose(Diagnose(asset_id="UP-3f9a"), demo)
