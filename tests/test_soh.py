"""State of health from measured charges: features, files of common cyclers, bad records, the estimator, uploads."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from oracle.cli import app
from tools.arguments import EstimateSoh
from tools.contract import Context
from tools.errors import BadArgument, CannotAnswer
from tools.health import estimate_soh
from tools.soh.columns import columns_of
from tools.soh.features import Unusable, window_features
from tools.soh.judge import CellFacts, judge
from tools.soh.model import TYPES, WEIGHTS_FILE, inputs, load, type_of
from tools.soh.reading import BLOCK_ROWS, Report, charges
from tools.uploads import keep_named, read_charges

NMC = CellFacts("NMC", 2.0, 4.2, 2.5)
# A published row (XJTU, 2C battery 2, Wang et al. 2024): the features of one charge and the health they belong to.
XJTU_ROW = {"v_mean": 4.09629, "v_std": 0.05677, "v_kurt": -1.21324, "v_skew": 0.02182, "cc_q_ah": 0.333,
            "cc_time_s": 299.88, "i_mean": 0.23178, "i_std": 0.10929, "i_kurt": -0.53576, "i_skew": 0.75811,
            "cv_q_ah": 0.055, "cv_time_s": 850.26}
XJTU_SOH = 97.35
# Another (TJU, data set 2, cell CY25-05_1-#13).
TJU_ROW = {"v_mean": 4.09914, "v_std": 0.0599, "v_kurt": -1.22424, "v_skew": 0.07998, "cc_q_ah": 0.59201,
           "cc_time_s": 1216.99, "i_mean": 0.31148, "i_std": 0.0938, "i_kurt": -1.1081, "i_skew": 0.33581,
           "cv_q_ah": 0.11352, "cv_time_s": 1316.53}
TJU_SOH = 86.93


def cc_cv(step_s=2.0, nominal_ah=2.0, c_rate=2.0, tau_s=400.0, limit_v=4.2, from_v=3.6, cv_to_a=0.08):
    """A textbook charge: the voltage rises straight to the limit, then the current decays; then ten minutes' rest."""
    level, rise_s = c_rate * nominal_ah, 600.0
    t = np.arange(0, rise_s + tau_s * np.log(level / cv_to_a) + 600, step_s)
    current = np.where(t < rise_s, level, level * np.exp(-(t - rise_s) / tau_s))
    rest = t > rise_s + tau_s * np.log(level / cv_to_a)
    volt = np.minimum(from_v + (limit_v - from_v) * t / rise_s, limit_v)
    return t, np.where(rest, 0.0, current), np.where(rest, limit_v - 0.05, volt)


@given(tau_s=st.floats(150, 900), c_rate=st.floats(0.5, 3), step_s=st.floats(0.5, 3))
@settings(max_examples=30, deadline=None)
def test_features_are_those_of_the_curve(tau_s, c_rate, step_s):
    f = window_features(*cc_cv(tau_s=tau_s, c_rate=c_rate, step_s=step_s), limit_v=4.2, nominal_ah=2.0)
    # 0.2 V of 0.6 V in 600 s at the charging current; exp. decay from 0.5 to 0.1 A takes tau ln 5 and 0.4 A tau
    assert f.cc_time_s == pytest.approx(200, abs=2.1 * step_s + 1)
    assert f.cc_q_ah == pytest.approx(2 * c_rate * 200 / 3600, rel=0.05)
    assert f.cv_time_s == pytest.approx(tau_s * np.log(5), abs=2.1 * step_s)
    assert f.cv_q_ah == pytest.approx(0.4 * tau_s / 3600, rel=0.05)
    assert f.v_mean == pytest.approx(4.1, abs=0.004) and f.v_std == pytest.approx(0.2 / np.sqrt(12), rel=0.05)
    assert f.v_kurt == pytest.approx(-1.2, abs=0.05) and f.v_slope == pytest.approx(0.001, rel=0.02)
    assert f.i_slope == pytest.approx(-0.1 / (tau_s * np.log(5 / 4)), rel=0.12)
    assert f.relaxation_mv == pytest.approx(0, abs=0.1)
    assert np.exp(f.v_entropy) < f.cc_time_s / step_s + 2


def test_scaled_features_do_not_depend_on_the_size_of_the_cell():
    small, large = (window_features(*cc_cv(nominal_ah=ah), limit_v=4.2, nominal_ah=ah) for ah in (2.0, 4.0))
    for name in ("cc_q_share", "c_rate", "v_below_limit_v", "ic_peak_per_v"):
        assert small.scaled(2.0)[name] == pytest.approx(large.scaled(4.0)[name], rel=0.02)


def broken(kind):
    t, current, volt = cc_cv()
    if kind == "reversed sign":
        return t, -current, volt
    if kind == "time":
        return np.concatenate([t[:50], t[40:]]), np.concatenate([current[:50], current[40:]]), np.concatenate(
            [volt[:50], volt[40:]])
    if kind == "nan":
        return t, current, np.where(np.arange(len(t)) % 7, volt, np.nan)
    if kind == "stuck":
        return t, current, np.where((volt > 4.1) & (volt < 4.2), 4.1, volt)
    if kind == "millivolt":
        return t, current, 1000 * volt
    if kind == "top-up":
        return t[250:], current[250:], volt[250:]
    if kind == "no taper":
        return t[:320], current[:320], volt[:320]
    if kind == "not full":
        return t[:250], current[:250], volt[:250]
    return t[::60], current[::60], volt[::60]


@pytest.mark.parametrize(("kind", "says"), [
    ("reversed sign", "no part of the record charges|wrong way round"), ("time", "time does not rise"),
    ("nan", "have no voltage"),
    ("stuck", "sensor is stuck"), ("millivolt", "are not one cell's in V"), ("top-up", "the charge begins at"),
    ("no taper", "taper"), ("not full", "the charge ends at"), ("coarse", "too coarse")])
def test_a_bad_record_says_why(kind, says):
    judged = judge(*broken(kind), NMC)
    assert not judged.valid and any(word in judged.reason for word in says.split("|")), judged.reason


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_whatever_a_record_holds_it_is_judged(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(0, 80))
    scale = 10.0 ** rng.integers(-3, 5)
    current, volt = rng.normal(0, scale, n), rng.normal(3.7, 10.0 ** rng.integers(-4, 3), n)
    judged = judge(np.cumsum(rng.uniform(-0.1, 9, n)), current, volt, NMC)
    assert judged.valid or judged.reason


@pytest.mark.parametrize(("row", "soh", "nominal_ah", "family"),
                         [(XJTU_ROW, XJTU_SOH, 2.0, "xjtu"), (TJU_ROW, TJU_SOH, 3.5, "tju")])
def test_a_published_charge_has_its_published_health(row, soh, nominal_ah, family):
    kind = type_of("NMC", nominal_ah, 4.2)
    x = inputs({k: np.array([v]) for k, v in row.items()}, np.array([nominal_ah]), np.array([4.2]))
    result = load()[family].estimate(x, np.array([kind.name]))
    assert result.reasons == ("",)
    assert result.soh_percent[0] == pytest.approx(soh, abs=1.5)
    assert result.low_percent[0] < soh < result.high_percent[0] and result.high_percent[0] - soh < 8


def test_a_charge_unlike_the_trained_ones_is_not_estimated():
    kind = type_of("NMC", 2.0, 4.2)
    odd = XJTU_ROW | {"cv_time_s": 20000.0}
    x = inputs({k: np.array([v]) for k, v in odd.items()}, np.array([2.0]), np.array([4.2]))
    assert "duration of the taper is above" in load()["xjtu"].estimate(x, np.array([kind.name])).reasons[0]


def test_only_cells_that_were_trained_on_have_a_type():
    assert [type_of(t.chemistry, t.nominal_ah, t.limit_v) for t in TYPES] == list(TYPES)
    assert type_of("NMC", 2.5, 4.2) is None and type_of("LFP", 1.1, 4.2) is None and type_of("NMC", None, 4.2) is None
    judged = judge(*cc_cv(), CellFacts("LCO", 2.0, 4.2))
    assert not judged.valid and "has not been trained on LCO" in judged.reason


def test_the_weights_are_small():
    assert WEIGHTS_FILE.stat().st_size < 10e6


def test_a_full_charge_of_an_unknown_cell_is_counted():
    t, current, volt = cc_cv(from_v=2.6)
    counted = float(np.trapezoid(current, t) / 3600)
    judged = judge(t, current, volt, CellFacts("LCO", 2.0, 4.2, 2.5))
    assert judged.valid and judged.soh_percent == pytest.approx(100 * counted / 2.0, abs=0.3)
    assert "counted" in judged.method


def clock(t_s):
    return f"{int(t_s // 3600):02d}:{int(t_s % 3600 // 60):02d}:{t_s % 60:06.3f}"


def test_a_capacity_that_cannot_be_is_not_believed():
    judged = judge(*cc_cv(from_v=2.6), CellFacts("LCO", 5.0, 4.2, 2.5))
    assert not judged.valid and "another cell" in judged.reason


HEADERS = {
    "generic": ("time_s,voltage_v,current_a,temperature_c", lambda t, i, v: f"{t},{v},{i},25.0"),
    "Arbin": ("Data_Point,Test_Time(s),Step_Time(s),Step_Index,Cycle_Index,Current(A),Voltage(V),Aux_Temperature_1(C)",
              lambda t, i, v: f"1,{t},{t},1,1,{i},{v},25.0"),
    "Neware": ("Record ID\tStep Type\tTotal Time\tCurrent(mA)\tVoltage(V)\tT1(℃)",
               lambda t, i, v: "\t".join(map(str, (1, "CC Chg", clock(t), 1000 * i, v, 25)))),
    "Maccor": ("Today's Date 01/02/2024\nRec#\tTest (Sec)\tStep (Sec)\tAmp-hr\tAmps\tVolts\tState\tEVTemp (C)",
               lambda t, i, v: f"1\t{t}\t{t}\t0\t{abs(i)}\t{v}\tC\t25"),
    "German": ("Zeit/s;time [min];Voltage [V];I/mA", lambda t, i, v: f"0;{t / 60};{v};{1000 * i}".replace(".", ",")),
}


def written(folder, kind, series=None, name="log.csv"):
    header, row = HEADERS[kind]
    t, current, volt = cc_cv() if series is None else series
    lines = [row(a, round(b, 5), round(c, 5))
             for a, b, c in zip(t.tolist(), current.tolist(), volt.tolist(), strict=True)]
    (folder / name).write_text("\n".join([header, *lines]), encoding="utf-8")
    return folder / name


@pytest.mark.parametrize("kind", HEADERS)
def test_files_of_common_cyclers_say_the_same(tmp_path, kind):
    charge, = charges(written(tmp_path, kind), 2.0)
    features = window_features(charge.t_s, charge.current_a, charge.voltage_v, 4.2, 2.0)
    wanted = window_features(*cc_cv(), 4.2, 2.0)
    assert features.cv_time_s == pytest.approx(wanted.cv_time_s, abs=2.1)
    assert features.cc_q_ah == pytest.approx(wanted.cc_q_ah, rel=0.02)
    assert np.isnan(charge.temperature_c).all() == (kind == "German")


def test_parquet_and_several_charges(tmp_path):
    t, current, volt = cc_cv()
    out = np.arange(0, 3000.0, 10)
    whole = {"Test_Time(s)": np.concatenate([t, t[-1] + 10 + out, t[-1] + 5000 + t]),
             "Current(A)": np.concatenate([current, np.full(len(out), -2.0), current]),
             "Voltage(V)": np.concatenate([volt, np.linspace(4.1, 2.5, len(out)), volt])}
    pd.DataFrame(whole).to_parquet(tmp_path / "log.parquet")
    found = list(charges(tmp_path / "log.parquet", 2.0))
    assert [c.number for c in found] == [1, 2]
    assert found[1].current_a[0] == -2.0  # the end of the discharge: this charge began empty
    judged = judge(found[1].t_s, found[1].current_a, found[1].voltage_v, CellFacts("LCO", 2.0, 4.2, 2.5))
    assert judged.valid and judged.counted_ah == pytest.approx(np.trapezoid(current, t) / 3600, rel=0.01)


def test_a_step_time_that_begins_anew_goes_on(tmp_path):
    t, current, volt = cc_cv()
    steps = np.where(t < 600, t, t - 600)
    charge, = charges(written(tmp_path, "generic", (steps, current, volt)), 2.0)
    assert (np.diff(charge.t_s) > 0).all() and charge.t_s[-1] == pytest.approx(t[-1], abs=5)


def rows(line):
    return "\n".join(["time_s,voltage_v,current_a", *map(line, range(90))])


@pytest.mark.parametrize(("text", "says"), [
    ("a,b,c\n1,2,3\n", "no line that names columns"), ("voltage_v,current_a,x\n3.6,1,2\n", "no time column"),
    ("time_s,voltage_v,current_a\n", "no rows"), ("", "no line that names columns"),
    (rows(lambda t: f"{t},{3.6 if t % 3 else 3600},1"), "units are mixed"),
    (rows(lambda t: f"{t},3600,1"), "voltage_mv"), (rows(lambda t: f"{t},3.6,1500"), "current_ma"),
    (rows(lambda t: f"{900 - 2 * t},3.6,1"), "backwards"),
    (rows(lambda t: f"{t},{'' if t % 4 else 3.6},1"), "have no number")])
def test_a_file_that_cannot_be_read_says_why(tmp_path, text, says):
    (tmp_path / "log.csv").write_text(text)
    with pytest.raises(CannotAnswer, match=says):
        list(charges(tmp_path / "log.csv", 2.0))


def test_other_files_get_a_sentence(tmp_path):
    (tmp_path / "log.parquet").write_bytes(b"no parquet")
    for path in (tmp_path / "log.parquet", tmp_path / "none.csv"):
        with pytest.raises(CannotAnswer, match="cannot be read|no file"):
            list(charges(path, 2.0))


def test_a_long_file_is_read_in_blocks(tmp_path):
    n = BLOCK_ROWS + 50_000
    rows = pd.DataFrame({"time_s": np.arange(n), "voltage_v": 3.6, "current_a": 0.5})
    rows.to_csv(tmp_path / "long.csv", index=False)
    report, seen = Report(), []
    charge, = charges(tmp_path / "long.csv", 2.0, report, seen.append)
    assert report.rows == n and seen == [BLOCK_ROWS, n] and charge.t_s[-1] == n - 1


def test_units_and_names_of_headers():
    found = columns_of(["Time(h:min:s.ms)", "Voltage(mV)", "Current(mA)", "Temperature(℃)"])
    assert found["voltage"].factor == 1e-3 and found["current"].factor == 1e-3 and found["temperature"].position == 3
    assert columns_of(["a", "b"]) is None


def test_the_command_line_reads_keeps_and_refuses(tmp_path, monkeypatch):
    monkeypatch.setenv("ORACLE_HOME", str(tmp_path))
    monkeypatch.delenv("ORACLE_TENANT", raising=False)
    path = str(written(tmp_path, "Arbin", cc_cv(from_v=2.6)))
    cell = ["--chemistry", "LCO", "--nominal-ah", "2", "--cutoff-v", "2.5"]
    done = CliRunner().invoke(app, ["soh", path, *cell])
    shown = json.loads(done.stdout)
    assert done.exit_code == 0 and shown["valid"] and "counted" in shown["method"] and "features" not in shown
    kept = CliRunner().invoke(app, ["upload", path, *cell])
    upload_id = json.loads(kept.stdout)["upload_id"]
    again = json.loads(CliRunner().invoke(app, ["upload", path, *cell]).stdout)["upload_id"]
    assert upload_id == again
    result = estimate_soh(EstimateSoh(asset_id=upload_id), Context(tmp_path))
    assert result.valid and result.soh_percent == pytest.approx(shown["soh_percent"], abs=0.2)
    with pytest.raises(BadArgument, match="Say which cell"):
        CliRunner().invoke(app, ["soh", path], catch_exceptions=False)
    with pytest.raises(BadArgument, match="No chemistry"):
        CliRunner().invoke(app, ["soh", path, "--chemistry", "gold", "--nominal-ah", "2"], catch_exceptions=False)


def test_the_charging_sign_can_be_the_other_way_round(tmp_path):
    t, current, volt = cc_cv()
    path = written(tmp_path, "generic", (t, -current, volt))
    assert list(read_charges(path, NMC)) == []
    read, = read_charges(path, NMC, reverse_sign=True)
    assert read.judged.features.cv_time_s > 0


def test_unusable_is_one_sentence():
    with pytest.raises(Unusable, match="only 2 samples"):
        window_features(np.array([0.0, 1]), np.array([1.0, 1]), np.array([3.6, 3.7]), 4.2, 2.0)


def test_the_api_keeps_a_record(tmp_path):
    from fastapi.testclient import TestClient

    from oracle.api import build_api
    from oracle.settings import Settings

    class Agent:
        settings, context = Settings(home=tmp_path), Context(tmp_path)

    client, body = TestClient(build_api(Agent())), written(tmp_path, "Neware", cc_cv(from_v=2.6)).read_bytes()
    cell = {"chemistry": "LCO", "nominal_ah": 2.0, "cutoff_v": 2.5}
    kept = client.post("/v1/uploads", params={"name": "log.csv"} | cell, content=body).json()
    assert kept["valid"] and "counted" in kept["method"]
    result = estimate_soh(EstimateSoh(asset_id=kept["upload_id"]), Context(tmp_path))
    assert result.soh_percent == pytest.approx(kept["soh_percent"], abs=0.2)
    bad = client.post("/v1/uploads", params={"name": "log.csv"} | cell, content=b"no,table,here")
    assert bad.status_code == 422 and "log.csv has no line" in bad.json()["error"]["message"]
    unnamed = client.post("/v1/uploads", params={"name": "log.csv"}, content=body)
    assert unnamed.status_code == 400 and "Say which cell" in unnamed.json()["error"]["message"]


@pytest.mark.parametrize(("name", "says"), [
    ("NMC 2.0Ah log.csv", "is kept as UP-"), ("2C_A123 26650_3.csv", "is kept as UP-"),
    ("log.csv", "but of which cell")])
def test_a_file_dropped_in_is_kept_when_its_name_says_the_cell(tmp_path, name, says):
    path = written(tmp_path, "generic", name=name)
    assert says in keep_named(path, Context(tmp_path))


def test_other_files_are_no_charge_records(tmp_path):
    (tmp_path / "cells.csv").write_text("cell,voltage,capacity\nLG M50,3.6,5\n")
    assert keep_named(tmp_path / "cells.csv", Context(tmp_path)) is None


def test_the_evaluation_says_when_it_judges_trained_cells(tmp_path):
    from eval.soh import measure

    cells = [f"2C_battery-{n}" for n in (1, 2)]
    known = {"dataset": "XJTU", "batch": "2C", "nominal_ah": 2.0, "soh": XJTU_SOH / 100}
    table = pd.DataFrame([XJTU_ROW | known | {"cell": cell} for cell in cells for _ in range(3)])
    (tmp_path / "soh_cycles").mkdir()
    table.to_parquet(tmp_path / "soh_cycles" / "xjtu.parquet")
    report = measure(tmp_path, shipped=True)
    assert "trained on" in report["warning"] and report["groups"]["XJTU 2C"]["cells"] == 2
    assert report["groups"]["XJTU 2C"]["estimator_mape"] < 1.5
    with pytest.raises(CannotAnswer, match="no soh_cycles"):
        measure(tmp_path / "none", shipped=True)
