"""The judges of whole answers: number tracing, units, citations, unknowns, languages; and the question set itself."""

import json
from collections import Counter

import pytest
from hypothesis import given as cases
from hypothesis import settings
from hypothesis import strategies as st
from scripted import TOLD, calls, scripted_agent
from typer.testing import CliRunner

from eval.answer_judge import Expect, Given, Question, answered_language, called_right, judge, load_questions
from eval.answers import ask, print_report, report
from eval.languages import language_of
from eval.overlap import shared_with, skeleton, training_texts
from eval.run import app
from eval.score import QUESTIONS_FILE
from eval.score import load_questions as load_calls
from eval.trace import numbers, trace
from finetune import answers as templates
from retrieval.toolset import ALL_TOOLS, tool_named
from tools.cells import find_cell
from tools.contract import Context
from tools.fleet.demo_plan import plan_fleet

HEALTH = {"asset_id": "PK-0042", "cell_model": "LG M50LT", "valid": True, "soh_percent": 91.4, "soh_low_percent": 88.2,
          "soh_high_percent": 94.6, "capacity_ah": 4.39, "method": "charge counted between two voltages"}
HEALTH_CALL = {"name": "estimate_soh", "arguments": {"asset_id": "PK-0042"}, "result": HEALTH,
               "read": {"soh_90_percent_interval": "88.2 to 94.6"}}
HEALTHY = ("State of health of PK-0042: 91.4 %, 90 % interval 88.2 to 94.6 %. Capacity 4.39 Ah. "
           "Method: charge counted between two voltages.")
UNKNOWN_PACK = {"name": "get_status", "arguments": {"asset_id": "PK-0777"},
                "result": {"error": "PK-0777 is unknown; the nearest of 400 packs is PK-0377."}, "read": {}}


def asked(text="How healthy is PK-0042?", **expect):
    return Question(id="q", category="c", messages=[{"role": "user", "content": text}],
                    expect={"tools": [["estimate_soh"]], **expect})


def answered(shown, *made, before=None, text="How healthy is PK-0042?"):
    return Given(shown, before or shown, made, ({"role": "user", "content": text},), False, False)


def cited(shown, passage):
    result = {"passages": [{"n": 1, "text": passage, "document": "LG M50LT: 2021"}], "value": 4.2, "unit": "V",
              "answer": "4.2 V [1]."}
    call = {"name": "search_documents", "arguments": {"query": "voltage"}, "result": result, "read": {}}
    return answered(shown, call)


# -- the second tracer


@pytest.mark.parametrize("text, value, unit", [
    ("4.2 V", 4.2, "volt"), ("0.5C", 0.5, "c_rate"), ("C/4", 0.25, "c_rate"), ("-12 °C", -12, "degC"),
    ("1,5 Stunden", 1.5, "hour"), ("90-%-Band", 90, "percent"), ("35 Grad", 35, "degC"), ("400 mA", 400, "milliampere"),
    ("4.4e-05 %", 4.4e-5, "percent"),
])
def test_numbers_are_read_with_their_units(text, value, unit):
    (number,) = numbers(text)
    assert (number.value, number.unit) == (pytest.approx(value), unit)


def test_names_dates_and_citations_are_no_numbers():
    assert numbers("PK-0042-C07, UP-3f9a, LG M50LT, OKane2022, a 21700 cell [1, 2], of 2026-11-01 06:00 UTC") == []


def test_a_range_shares_its_unit():
    assert [n.unit for n in numbers("20 to 80 %")] == ["percent", "percent"]


@settings(deadline=None)  # the first case loads Pint
@cases(st.floats(-40, 90), st.integers(0, 2))
def test_rounding_and_conversion_are_traced_and_an_error_is_not(celsius, digits):
    call = {"arguments": {}, "result": {"temperature_c": celsius}, "read": {}}
    shown = round(celsius * 1.8 + 32, digits)
    assert trace(f"{shown:.{digits}f} °F", [call], ()).untraced == ()
    assert trace(f"{shown + 10.0 ** -digits * 2:.{digits}f} °F", [call], ()).untraced != ()


def test_a_wrong_and_a_missing_unit_are_told_from_an_invented_number():
    call = {"arguments": {}, "result": {"max_voltage_v": 4.17, "cycles": 369}, "read": {}}
    assert trace("4.17 V, 369 cycles", [call], ()).wrong_units == ()
    assert trace("4.17 A", [call], ()).wrong_units == ("4.17 A",)
    assert trace("it is 4.17", [call], ()).wrong_units == ("4.17",)
    assert trace("4.36 V", [call], ()).untraced == ("4.36 V",)


def test_a_pack_current_follows_from_the_cells_and_a_c_rate_from_the_capacity():
    call = {"arguments": {}, "result": {"current_a": 1.44, "parallel": 16, "capacity_nominal_ah": 4.8}, "read": {}}
    assert trace("23.04 A for the pack, 0.3C", [call], ()).untraced == ()
    assert trace("25.1 A for the pack", [call], ()).untraced == ("25.1 A",)


def test_a_moment_that_no_result_states_is_untraced():
    call = {"arguments": {}, "result": {"time": "2026-11-01 06:00 UTC"}, "read": {}}
    assert trace("of 2026-11-01 06:00", [call], ()).untraced == ()
    assert trace("of 2026-11-02 06:00", [call], ()).untraced == ("2026-11-02 06:00",)


def test_a_pack_that_nobody_named_is_untraced_unless_it_is_an_example():
    assert trace("PK-0042 has 91.4 %.", [HEALTH_CALL], ()).untraced == ()
    assert trace("PK-0043 has 91.4 %.", [HEALTH_CALL], ()).untraced == ("PK-0043",)
    assert trace("PK-0043 has 91.4 %.", [HEALTH_CALL], ["and PK-0043?"]).untraced == ()
    assert trace("Which pack, for example PK-0043?", (), ()).untraced == ()


# -- the verdict


def test_a_right_answer_is_right_in_everything_that_is_asked_of_it():
    verdict = judge(asked(about=["PK-0042"]), answered(HEALTHY, HEALTH_CALL))
    assert verdict.right and verdict.uncertainty and verdict.source and verdict.reason is None


@pytest.mark.parametrize("shown, failed", [
    (HEALTHY.replace("91.4", "97.4"), "shown_traced"), (HEALTHY.replace("4.39 Ah", "4.39 A"), "shown_units"),
    (HEALTHY.replace(", 90 % interval 88.2 to 94.6 %", ""), "uncertainty"),
    (HEALTHY.partition(" Method")[0], "source")])
def test_each_fault_of_an_answer_is_seen(shown, failed):
    verdict = judge(asked(), answered(shown, HEALTH_CALL))
    assert getattr(verdict, failed) is False and not verdict.right


def test_before_and_shown_are_judged_apart():
    verdict = judge(asked(), answered(HEALTHY, HEALTH_CALL, before="Its health is 97.4 %."))
    assert verdict.before_grounded is False and verdict.before_traced is False and verdict.shown_grounded
    nothing = Given(HEALTHY, None, (HEALTH_CALL,), ({"role": "user", "content": "?"},), False, True)
    assert judge(asked(), nothing).before_grounded is None


def test_the_right_tools_about_the_right_assets():
    expect = Expect(tools=[["get_status", "get_status"], ["diagnose"]], about=["PK-0016"])

    def call(name, asset):
        return {"name": name, "arguments": {"asset_id": asset}}

    assert called_right(expect, [call("get_status", "PK-0016"), call("get_status", "PK-0024")])
    assert called_right(expect, [call("diagnose", "PK-0016")])
    assert not called_right(expect, [call("get_status", "PK-0016")])
    assert not called_right(expect, [call("diagnose", "PK-0061")])
    assert not called_right(expect, [call("diagnose", "PK-0016"), call("estimate_soh", "PK-0016")])
    cell = Expect(tools=[["simulate_charge"]], about=["LG M50LT"])
    assert called_right(cell, [{"name": "simulate_charge", "arguments": {"cell_model": "m50lt"}}])
    assert not called_right(cell, [{"name": "simulate_charge", "arguments": {"cell_model": "LG M50T"}}])


def test_a_citation_has_to_exist_and_to_hold_the_number():
    passage = "LG M50LT, voltage: Maximum charging voltage: 4.2 V."
    assert judge(asked(), cited("The maximum is 4.2 V [1].", passage)).cited
    assert judge(asked(), cited("The maximum is 4200 mV [1].", passage)).cited
    assert judge(asked(), cited("The maximum is 4.2 V [2].", passage)).cited is False
    assert judge(asked(), cited("The maximum is 4.3 V [1].", passage)).cited is False
    assert judge(asked(), cited("The maximum is 4.2 V.", passage)).cited is None


def test_a_fact_of_the_documents_has_to_be_the_right_one():
    question = asked(states="4.2 V")
    assert judge(question, cited("4200 mV [1].", "4.2 V")).stated
    assert judge(question, cited("3.69 V [1].", "3.69 V")).stated is False


def test_an_unknown_pack_has_to_be_called_unknown_and_nothing_told_of_another():
    question = asked("Charge of PK-0777?", known=False, tools=[["get_status"]])
    assert judge(question, answered("PK-0777 is unknown.", UNKNOWN_PACK)).unknown_said
    assert judge(question, answered("It is fine.", UNKNOWN_PACK)).unknown_said is False
    other = HEALTH_CALL | {"name": "estimate_soh"}
    assert judge(question, answered("PK-0777 is unknown. " + HEALTHY, UNKNOWN_PACK, other)).unknown_said is False
    assert judge(question, answered("It is unknown, perhaps 50 %.", UNKNOWN_PACK)).unknown_said is False
    looked = answered("I have no record of its mileage.", HEALTH_CALL)
    assert judge(asked("How far has PK-0042 run?", known=False), looked).unknown_said


def test_a_question_back_is_asked_of_what_misses_its_pack():
    question = asked("How healthy is it?", asks=True, tools=[[]])
    assert judge(question, answered("Which pack do you mean?")).asked_back
    assert judge(question, answered("It is healthy.")).asked_back is False
    assert judge(question, answered("Which? " + HEALTHY, HEALTH_CALL)).asked_back is False


def test_german_is_told_without_what_is_quoted_from_a_result():
    reason = "the anode reaches its margin and the plan is not to go below it"
    call = {"name": "recommend_charging_current", "arguments": {}, "read": {},
            "result": {"binding_constraint": reason, "current_a": 2.1}}
    german = answered(f"Laden Sie jetzt mit dem Strom. Grund: {reason}.", call)
    assert answered_language(german) == "de" and language_of(german.shown) == "en"
    question = asked("Mit welchem Strom darf ich laden?", language="de", tools=[["recommend_charging_current"]])
    assert judge(question, german).german
    assert judge(question, answered(f"Charge it now, the limit is: {reason}.", call)).german is False


@pytest.mark.parametrize("language, text", [
    ("en", "What is the state of it?"), ("de", "Wie ist der Zustand von dem Pack?"), ("zh", "请告诉我现在的健康状态"),
    ("fr", "Quel est le niveau de charge ?"), ("es", "¿Cuál es el estado de la batería?"), ("en", "PK-0042")])
def test_languages_are_told_apart(language, text):
    assert language_of(text) == language


# -- through the agent


def test_an_answer_of_the_agent_is_judged_before_and_after_the_grounding_check(tmp_path):
    text = "Simulate an LG M50LT at C/3 from ten percent to half, 25 degrees."
    raw = {"cell_model": "LG M50LT", "c_rate": "C/3", "soc_start_percent": "ten percent", "soc_end_percent": "half",
           "temperature_c": "25 degrees"}
    agent = scripted_agent(tmp_path, calls(("simulate_charge", raw)), f"It takes 999 min. {TOLD}", TOLD)
    question = asked(text, tools=[["simulate_charge"]], about=["LG M50LT"])
    answer = ask(agent, question)
    verdict = judge(question, answer)
    assert "999 min" in answer.before and answer.shown == TOLD and answer.calls[0]["arguments"]["soc_end_percent"] == 50
    assert verdict.called and verdict.regenerated and not verdict.rendered_plainly
    assert (verdict.before_grounded, verdict.before_traced) == (False, False)
    assert (verdict.shown_grounded, verdict.shown_traced) == (True, True)
    found = report([question], [answer])
    assert found["total"]["before_grounded"]["right"] == 0 and found["total"]["shown_grounded"]["right"] == 1
    assert found["numbers"]["before"]["traced"] == found["numbers"]["before"]["n"] - 1
    assert "999 min" in found["answers"][0]["before_unsupported"]


@pytest.mark.parametrize("asked_in", ["How will it live?", "Wie lange lebt die Zelle und was ist dann noch da?"])
def test_a_forecast_as_the_model_learns_to_tell_it_has_a_source_for_every_number(tmp_path, asked_in):
    tool = tool_named("forecast_life")
    found = tool.run(tool.parse({"cell_model": "LG M50LT", "years": 5}), Context(tmp_path))
    call = {"name": tool.name, "arguments": {"years": 5}, "result": found.model_dump(mode="json"),
            "read": found.brief()}
    question = asked(asked_in, tools=[[tool.name]])
    told = templates.answer(tool.name, found.brief(), asked_in)
    verdict = judge(question, answered(told, call, text=asked_in))
    assert "90" in told and verdict.right, (told, verdict)


@pytest.mark.parametrize("words", ["90 % band", "90-%-Intervall", "90 % interval"])
def test_a_band_of_90_percent_is_what_its_ends_bound_and_no_figure_of_its_own(words):
    result = {"capacity_percent": 76.4, "capacity_low_percent": 33.7, "capacity_high_percent": 79.8}
    call = {"name": "forecast_life", "arguments": {}, "result": result, "read": {}}
    told = f"Capacity 76.4 %, {words} 33.7 to 79.8 %."
    verdict = judge(asked(), answered(told, call))
    assert verdict.shown_grounded and verdict.shown_traced
    for false, made in ((f"{told} It keeps 90 % of its charge.", call), (told, call | {"result": {"share": 33.7}})):
        verdict = judge(asked(), answered(false, made))
        assert not verdict.shown_grounded and not verdict.shown_traced


def test_a_report_is_printed_and_is_json(capsys):
    found = report([asked()], [answered(HEALTHY.replace("91.4", "97.4"), HEALTH_CALL)])
    whole = {"questions": "q.jsonl", "questions_sha256": "0", "commit": "c", "machine": "m", "prompt": "p", "time": "t"}
    print_report(whole | found)
    assert "shown_traced" in capsys.readouterr().err
    assert json.loads(json.dumps(found))["total"]["right"]["right"] == 0


def test_a_server_that_does_not_answer_is_one_sentence():
    run = CliRunner().invoke(app, ["answers", "--base-url", "http://127.0.0.1:9/v1"])
    assert isinstance(run.exception, ConnectionError) and "127.0.0.1:9" in str(run.exception)


def test_a_broken_line_is_named(tmp_path):
    file = tmp_path / "bad.jsonl"
    file.write_text(json.dumps({"id": "x"}) + "\n")
    with pytest.raises(ValueError, match="bad.jsonl, line 1"):
        load_questions(file)


# -- the set


@pytest.fixture(scope="module")
def questions():
    return load_questions()


def test_the_set_has_its_kinds(questions):
    counts = Counter(q.category for q in questions)
    assert len({q.id for q in questions}) == len(questions) >= 80
    assert min(counts[tool.name] for tool in ALL_TOOLS) >= 6
    assert counts["followup"] >= 10 and counts["out_of_scope"] >= 8
    assert sum(q.expect.language == "de" for q in questions) >= 15
    assert sum(not q.expect.known for q in questions if q.category != "out_of_scope") >= 15


def test_every_question_can_be_judged(questions):
    tools = {tool.name for tool in ALL_TOOLS}
    for q in questions:
        roles = [m["role"] for m in q.messages]
        assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"], q.id
        assert {name for wanted in q.expect.tools for name in wanted} <= tools, q.id
        assert q.category not in tools or q.expect.tools == [[q.category]], q.id
        assert not (q.expect.asks and any(q.expect.tools)), q.id
        for name in q.expect.about:
            assert name.startswith(("PK-", "UP-")) or find_cell(name), q.id


def test_what_is_known_is_in_the_demo_fleet_and_what_is_not_is_not(questions):
    packs = {plan.pack_id for plan in plan_fleet(0)}
    for q in questions:
        about = {name for name in q.expect.about if name.startswith("PK-")}
        if q.expect.known:
            assert {name[:7] for name in about} <= packs, q.id
        elif about:
            assert not about <= packs, q.id


def test_it_shares_no_run_of_words_with_the_training_phrasings_or_the_other_sets(questions):
    turns = [m["content"] for q in questions for m in q.messages if m["role"] == "user"]
    assert shared_with(turns, training_texts()) == []
    others = [*load_calls(), *load_calls(QUESTIONS_FILE.with_name("development.jsonl"))]
    assert shared_with(turns, [m["content"] for q in others for m in q.messages]) == []
    skeletons = Counter(" ".join(skeleton(q.messages[-1]["content"])) for q in questions)
    assert [text for text, n in skeletons.items() if n > 1] == []
