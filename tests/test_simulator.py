"""The simulator against measured cells: how it is scored, and what the calibration may not do to the parameters."""

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from eval import simulator
from eval.measured_cells import DRIVE, DRIVE_FILE, LG_FILE, records
from eval.run import app
from tools.errors import CannotAnswer
from tools.parameters import (
    OKANE2022,
    PARAMETERISATIONS,
    PRADA2013,
    CellModel,
    aged_state,
    fresh_capacity_ah,
    parameter_values,
)
from tools.simulation import VirtualCell


def lg_file(folder, t_s, current_a, voltage_v, temperature_c):
    """One LG M50 charge as the measured file has it: a rest, then cycle 2's charge."""
    status = ["PAU", *["CHA"] * (len(t_s) - 1)]
    pd.DataFrame({"cell": 783, "chamber_c": 10, "rate": "0.5C", "status": status, "cyc": 2, "t_s": t_s, "v": voltage_v,
                  "i_a": current_a, "temp1_c": temperature_c}).to_parquet(folder / LG_FILE)


@pytest.fixture
def charge(tmp_path):
    """A measured charge at C/3 whose voltage rises evenly from 3.0 to 4.2 V, and the folder it is in."""
    t_s = np.arange(0, 10801.0, 60)
    current_a = np.where(t_s > 0, 5 / 3, 0.0)
    voltage_v, temperature_c = np.linspace(3.0, 4.2, len(t_s)), np.linspace(10, 12, len(t_s))
    lg_file(tmp_path, t_s, current_a, voltage_v, temperature_c)
    return tmp_path, voltage_v, temperature_c


def test_errors_are_predicted_minus_measured(charge):
    folder, voltage_v, temperature_c = charge

    def low_and_warm(parameterisation, soc_percent, ambient_c, t_s, current_a):
        assert parameterisation is OKANE2022 and ambient_c == 10 and t_s[0] == 0
        # 5 Ah nominal at C/3, in the size of the set
        assert current_a[1] == pytest.approx(fresh_capacity_ah(OKANE2022) / 3)
        return {"voltage_v": voltage_v - 0.012, "temperature_c": temperature_c + 0.5}

    (row,) = simulator.measure(folder, {"copy": low_and_warm})
    assert row["voltage_bias_mv"] == pytest.approx(-12) and row["voltage_rmse_mv"] == pytest.approx(12)
    assert row["voltage_spread_mv"] == pytest.approx(0, abs=1e-9)
    assert row["temperature_mae_k"] == pytest.approx(0.5) and not row["fitted"]
    # 12 mV late at 1.2 V in 3 h is 108 s of C/3, so 1 % of the capacity; samples are a minute (0.56 %) apart
    assert row["charge_error_percent"] == pytest.approx(1.0, abs=0.56)


def test_a_predictor_without_an_answer_is_counted_and_does_not_end_the_run(charge):
    def refuses(*_):
        raise CannotAnswer("outside its range")

    rows = simulator.measure(charge[0], {"copy": refuses})
    assert rows[0]["failed"] == "outside its range" and rows[0]["voltage_rmse_mv"] is None
    assert simulator.means(rows)[0]["failed"] == 1


def test_the_dfn_reproduces_a_cell_that_is_a_dfn(tmp_path):
    cell = VirtualCell(CellModel(None, OKANE2022, 5.0 / fresh_capacity_ah(OKANE2022), None), aged_state(OKANE2022, 100),
                       10.0)
    rest = cell.step(cell.rested(20), 0.0, 1.0, 2)[1]
    trace = cell.step(cell.rested(20), 5 / 3, 5400, 91)[1]
    lg_file(tmp_path, trace.t_s, np.where(trace.t_s > 0, 5 / 3, 0.0),
            np.concatenate([rest.voltage_v[:1], trace.voltage_v[1:]]), trace.temperature_c)
    row = next(r for r in simulator.measure(tmp_path) if r["predictor"] == "ours")
    assert row["voltage_rmse_mv"] < 2 and row["temperature_rmse_k"] < 0.05
    published, air = (next(r for r in simulator.measure(tmp_path) if r["predictor"] == name)
                      for name in ("published", "ours, moving air"))
    assert published["voltage_rmse_mv"] > 5 and air["temperature_rmse_k"] > 0.2


def test_drive_files_count_discharge_positive_and_tell_the_resistance(tmp_path):
    # 10 mOhm, discharged 5 % before the cycle that starts at half charge; the second column of the pair is script 2
    rng = np.random.default_rng(0)
    current_a = np.concatenate([np.zeros(300), rng.uniform(-4, 8, 1800), np.zeros(100)])
    discharged_ah = 0.95 + np.cumsum(np.clip(current_a, 0, None)) / 3600
    charged_ah = np.cumsum(np.clip(-current_a, 0, None)) / 3600
    cycle = pd.DataFrame({"chamber_c": 35, "script": 1, "t_s": np.arange(2200.0), 
                          "step": [6] * 300 + [5] * 1800 + [6] * 100,
                          "i_a": current_a, "v": 3.3 - 0.010 * current_a, "q_chg_ah": charged_ah,
                          "q_dis_ah": discharged_ah})
    ends = [cycle.tail(2).assign(script=script, step=11, i_a=-0.77, q_chg_ah=0.0, q_dis_ah=0.0) for script in (2, 3)]
    pd.concat([cycle, *ends]).to_parquet(tmp_path / DRIVE_FILE)
    record = next(r for r in records(tmp_path) if r.test == DRIVE)
    assert record.current_a[1:].min() == pytest.approx(-current_a.max()) and not record.fitted
    assert record.soc_percent == pytest.approx(100 * (1 - 0.95 / record.capacity_ah), abs=0.1)

    def twice(_set, _soc, _ambient, t_s, own_size_a):
        own_ohm = 0.020 * record.capacity_ah / fresh_capacity_ah(PRADA2013)
        return {"voltage_v": 3.3 + own_ohm * own_size_a, "temperature_c": np.full(t_s.shape, 35.0)}

    row = next(r for r in simulator.measure(tmp_path, {"copy": twice}) if r["test"] == DRIVE)
    assert row["resistance_error_percent"] == pytest.approx(100, abs=1)


def test_without_data_it_says_so_in_one_sentence(tmp_path):
    for arguments in ([], ["--data", str(tmp_path)]):
        found = CliRunner().invoke(app, ["simulator", *arguments])
        assert isinstance(found.exception, ValueError)
        assert str(found.exception).count(". ") == 0 and "easured cells" in str(found.exception)


@pytest.mark.parametrize("parameterisation", PARAMETERISATIONS, ids=lambda p: p.name)
def test_stoichiometries_are_physical(parameterisation):
    aged = aged_state(parameterisation, 100)
    assert 0 < aged.x_0 < aged.x_100 < 1 and 0 < aged.y_100 < aged.y_0 < 1


def test_published_sets_stay_as_published():
    # capacities of the printed sets, and the catalogue's 5.0 and 2.3 Ah
    assert fresh_capacity_ah(simulator.as_published(OKANE2022)) == pytest.approx(5.11, abs=0.01)
    assert fresh_capacity_ah(simulator.as_published(PRADA2013)) == pytest.approx(2.303, abs=0.003)
    assert fresh_capacity_ah(OKANE2022) == pytest.approx(5.0, rel=0.03)
    assert fresh_capacity_ah(PRADA2013) == pytest.approx(2.3, rel=0.03)


def test_a123_resists_as_its_datasheet_says():
    # A123 ANR26650M1 datasheet: 10 mOhm at 10 A for 1 s; the set as published has more than twice that
    def resistance_ohm(chosen):
        cell = VirtualCell(CellModel(None, chosen, 1.0, None), aged_state(chosen, 100), 25.0)
        rest, pulse = (cell.step(cell.rested(50), amperes, 1.0, 2)[1].voltage_v[-1] for amperes in (0.0, -10.0))
        return (rest - pulse) / 10

    assert resistance_ohm(PRADA2013) == pytest.approx(0.010, rel=0.2)
    assert resistance_ohm(simulator.as_published(PRADA2013)) > 0.015


def test_a123_rests_at_the_measured_open_circuit_voltage():
    # mean of C/30 charge and discharge of a measured A123 26650 at 25 degC
    for soc_percent, volts in ((20, 3.245), (40, 3.302), (50, 3.308), (60, 3.317), (80, 3.345), (90, 3.352)):
        cell = VirtualCell(CellModel(None, PRADA2013, 1.0, None), aged_state(PRADA2013, 100), 25.0)
        rested_v = cell.step(cell.rested(soc_percent), 0.0, 1.0, 2)[1].voltage_v[-1]
        assert rested_v == pytest.approx(volts, abs=0.012)


def test_calibrated_values_keep_physical_bounds():
    import pybamm

    a123, lg = parameter_values(PRADA2013), parameter_values(OKANE2022)
    exchange = a123["Negative electrode exchange-current density [A.m-2]"]
    half = a123["Maximum concentration in negative electrode [mol.m-3]"] / 2
    electrolyte, surface = pybamm.Scalar(1200), pybamm.Scalar(half)
    currents = [float(a123.evaluate(exchange(electrolyte, surface, 2 * half, pybamm.Scalar(kelvin))))
                for kelvin in (253.15, 273.15, 298.15, 318.15)]
    # graphite in carbonate electrolyte: 0.1 to 10 A/m2 at 25 degC, 30 to 80 kJ/mol
    assert 0.1 < currents[2] < 10 and np.all(np.diff(currents) > 0)
    assert 30e3 < 8.314 * np.log(currents[2] / currents[0]) / (1 / 253.15 - 1 / 298.15) < 80e3
    assert 0 < a123["Contact resistance [Ohm]"] < 0.006  # less than the cell's 1 kHz impedance
    for values in (a123, lg):
        solids = [values[f"{side} electrode active material volume fraction"] + values[f"{side} electrode porosity"]
                  for side in ("Negative", "Positive")]
        assert all(0.5 < solid <= 1 for solid in solids)
    heat = float(lg.evaluate(pybamm.LithiumIonParameters().rho_c_p_eff(pybamm.Scalar(298.15))))
    # 68 g at 0.8 to 1.3 J/g/K, what cells of this kind have
    assert 0.068 * 800 < heat * lg["Cell volume [m3]"] < 0.068 * 1300
    assert lg["Total heat transfer coefficient [W.m-2.K-1]"] == 10
    assert lg["Negative electrode active material volume fraction"] == 0.75  # plating and SEI side as published
