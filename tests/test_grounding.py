"""A number without a source is found; a rounded or converted one is not held against the answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.grounding import Call, check, citations, states_current
from oracle.quantities import in_text

QUESTION = [{"role": "user", "content": "PK-0042 is at 12 degrees and 20 percent, I leave in 40 minutes, how hard?"}]
RESULT = {"asset_id": "PK-0042", "cell_model": "LG M50LT", "current_a": 2.48, "pack_current_a": 12.4, "parallel": 5,
          "c_rate": 0.517, "charge_time_min": 38.2, "max_temperature_c": 31.5, "min_anode_potential_v": 0.0121,
          "binding_constraint": "LG M50LT datasheet, 0 to 25 degC", "verified_by": "PyBaMM 26.10 DFN, OKane2022",
          "limits": {"max_voltage_v": {"value": 4.2, "source": "datasheet"}},
          "series": {"voltage_v": [3.0 + i / 100 for i in range(100)]}}
RECOMMENDED = [Call("recommend_charging_current", {"asset_id": "PK-0042", "temperature_c": 12.0, "soc_percent": 20.0,
                                                   "time_limit_min": 40.0}, RESULT)]
STATED = "Charge PK-0042 at 2.48 A per cell, 12.4 A for the pack. Limit: LG M50LT datasheet, 0 to 25 degC. "


@pytest.mark.parametrize("more", [
    "", "That is 0.52C.", "It takes 38 minutes.", "It takes 38.2 min of the forty minutes.", "At most 88.7 °F.",
    "The anode keeps 12 mV.", "From 20 % at 12 °C.", "That is 12400 mA.", "At most 4.2 V.", "It takes 0.64 h.",
    "Checked by PyBaMM 26.10 DFN (OKane2022).", "An LG M50LT is a 21700 cell.",
    "\n1. Plug in.\n2. Wait 38 min."])
def test_backed_numbers_pass(more):
    assert check(STATED + more, RECOMMENDED, QUESTION).grounded


@pytest.mark.parametrize("more, wrong", [
    ("It takes 35 min.", "35 min"), ("At most 45 °C.", "45 °C"), ("That is 0.6C.", "0.6C"),
    ("It takes 31.5 min.", "31.5 min"),  # the number is there, as a temperature
    ("The cell sees 3.57 V.", "3.57 V"),  # only in the curve
    ("See [1].", "[1]"), ("It lasts fifty minutes.", "50 minutes"), ("It takes 1 h 38 min.", "1 h 38 min"),
    ("Stay between 15 and 80 %.", "80 %")])
def test_unbacked_numbers_are_named(more, wrong):
    assert wrong in check(STATED + more, RECOMMENDED, QUESTION).unsupported


@pytest.mark.parametrize("answer", ["It takes 38 min.", "Charge at 2.48 A.", "Charge at 12.4 A.", "Charge at 3 A."])
def test_a_recommendation_must_state_cell_and_pack_current(answer):
    assert not check(answer, RECOMMENDED, QUESTION).grounded


def test_the_reason_and_a_falling_current_must_be_stated():
    assert not check("Charge at 2.48 A per cell, 12.4 A for the pack.", RECOMMENDED, QUESTION).grounded
    staged = [Call("recommend_charging_current", {}, RESULT, {"final_current_a": 1.1})]
    assert not check(STATED, staged, QUESTION).grounded
    assert check(STATED + "It falls to 1.1 A.", staged, QUESTION).grounded


@pytest.mark.parametrize("met, more, good", [
    (False, "40 min is too short.", True), (False, "It is ready in time.", False), (False, "", False),
    (False, "40 min is too short, but it is ready in time.", False),
    (False, "It will not be ready in time: 40 min is too short.", True),
    (True, "It is ready in time.", True), (True, "The deadline cannot be met.", False)])
def test_a_missed_deadline_is_said_and_a_met_one_not_denied(met, more, good):
    late = [Call("recommend_charging_current", {}, RESULT | {"deadline_met": met})]
    assert check(STATED + more, late, QUESTION).grounded == good


def test_a_simulation_s_warnings_must_reach_the_person():
    result = {"current_a": 4.8, "plating_words": "yes: the anode goes below 0 V against lithium from 52 % on"}
    run = [Call("simulate_charge", {}, result)]
    assert check("Plating: the anode goes below 0 V against lithium from 52 % on.", run, QUESTION).grounded
    assert not check("At 4.8 A the anode stays above 0 V.", run, QUESTION).grounded


def test_a_refusal_must_reach_the_person():
    sentence = "There is no pack PK-9999; the nearest is PK-0399."
    refused = [Call("get_status", {"asset_id": "PK-9999"}, {"error": sentence})]
    assert not check("It is healthy.", refused, QUESTION).grounded
    assert check("There is no pack PK-9999, the nearest is PK-0399.", refused, QUESTION).grounded


def test_without_a_result_a_number_may_only_be_asked_back():
    assert check("Hello! Which pack?", [], QUESTION).grounded
    assert check("At 12 degrees and 20 percent, but which cell?", [], QUESTION).grounded
    assert not check("You can charge it at 20 percent.", [], QUESTION).grounded
    assert not check("Charge at 12 A.", [], QUESTION).grounded


def test_a_passage_counts_only_when_it_is_cited():
    search = [Call("search_documents", {"query": "x"}, {"query": "x", "passages": [
        {"n": 1, "document": "LG M50LT", "page": 3, "text": "Maximum charge current 3.44 A.", "score": 0.8}]})]
    assert check("The maximum is 3.44 A [1].", search, QUESTION).grounded
    assert not check("The maximum is 3.44 A.", search, QUESTION).grounded
    assert citations("3.44 A [1].", search) == [
        {"n": 1, "document": "LG M50LT", "page": 3, "passage": "Maximum charge current 3.44 A."}]


@given(st.floats(0.1, 500), st.integers(1, 3))
def test_any_rounding_that_keeps_the_value_is_accepted(current, decimals):
    stated = f"{current:.{decimals}f}"
    close = abs(float(stated) - current) <= 0.02 * current
    assert states_current(f"Charge at {stated} A.", current) == close or abs(float(stated) - current) <= 5e-4


@given(st.floats(-40, 60).map(lambda t: round(t, 1)))
def test_fahrenheit_is_celsius(celsius):
    call = [Call("get_status", {}, {"temperature_c": celsius})]
    assert check(f"It is at {celsius * 9 / 5 + 32:.1f} °F.", call, QUESTION).grounded


@given(st.text(max_size=300))
def test_no_text_breaks_the_reader(text):
    in_text(text)


def test_a_pack_or_a_day_that_nobody_named_is_unsupported():
    call = Call("get_status", {"asset_id": "PK-0042"}, {"soc_percent": 23.8, "time": "2026-11-01 06:00 UTC"})
    asked = [{"role": "user", "content": "pack 42, and how was it on 2026-10-30?"}]
    assert check("pk-0042: 23.8 %, telemetry of 2026-11-01, not 2026-10-30.", [call], asked).unsupported == ()
    assert "PK-0043" in check("PK-0043: 23.8 %.", [call], asked).unsupported
    assert "2026-11-05" in check("PK-0042: 23.8 % on 2026-11-05.", [call], asked).unsupported
