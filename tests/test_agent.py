"""The agent with the real tools and a model whose words are written down."""

import httpx2 as httpx
import openai
import pytest
from scripted import TOLD, calls, question, scripted_agent

from oracle.audit import read
from oracle.errors import BadQuestion, ModelUnavailable, QuestionTooLong
from oracle.events import Answered, ToolCalled, ToolReturned
from tools.cells import find_cell

SIMULATE = "Simulate an LG M50LT at C/3 from ten percent to half, 25 degrees."
RAW = {"cell_model": "LG M50LT", "c_rate": "C/3", "soc_start_percent": "ten percent", "soc_end_percent": "half",
       "temperature_c": "25 degrees"}
CANONICAL = {"cell_model": "LG M50LT", "c_rate": 1 / 3, "soc_start_percent": 10, "soc_end_percent": 50,
             "temperature_c": 25}


@pytest.fixture
def home(tmp_path):
    return tmp_path


def simulated(answer: Answered) -> dict:
    return answer.tool_calls[0]["result"]


def test_words_become_canonical_arguments_and_events_come_in_order(home):
    agent = scripted_agent(home, calls(("simulate_charge", RAW)), TOLD)
    called, returned, answered = agent.stream(question(SIMULATE))
    assert isinstance(called, ToolCalled) and isinstance(returned, ToolReturned) and isinstance(answered, Answered)
    assert called.arguments == pytest.approx(CANONICAL)
    assert returned.result["reached_soc_percent"] == pytest.approx(50, abs=0.5)
    assert answered.text == TOLD and answered.grounding["grounded"]
    rate = find_cell("LG M50LT").capacity_nominal_ah / 3
    assert simulated(answered)["current_a"] == pytest.approx(rate, rel=0.02)


def test_what_nobody_said_does_not_reach_a_tool(home):
    agent = scripted_agent(home, calls(("simulate_charge", RAW | {"soh_percent": 83})), TOLD)
    answered = agent.answer(question(SIMULATE))
    assert "soh_percent" not in answered.tool_calls[0]["arguments"]
    record = read(agent.settings, answered.audit_id)
    assert record["calls"][0]["dropped"] == {"soh_percent": 83}
    assert record["calls"][0]["raw"]["soh_percent"] == 83


def test_a_required_argument_nobody_said_is_refused(home):
    agent = scripted_agent(home, calls(("get_status", {"asset_id": "PK-0001"})), "Which pack?")
    answered = agent.answer(question("how healthy is it?"))
    assert answered.tool_calls == [] and answered.text == "Which pack?"


def test_an_ungrounded_number_is_asked_again_and_then_rendered_plainly(home):
    script = [calls(("simulate_charge", RAW)), "It takes 999 min."]
    answered = scripted_agent(home, *script, TOLD).answer(question(SIMULATE))
    assert answered.text == TOLD
    assert answered.grounding["regenerated"] and not answered.grounding["rendered_plainly"]
    assert answered.grounding["grounded"] and "999 min" in answered.grounding["unsupported"]
    answered = scripted_agent(home, *script, "It takes 998 min.").answer(question(SIMULATE))
    assert answered.grounding["rendered_plainly"]
    assert f"{simulated(answered)['charge_time_min']:.3g} min" in answered.text


def test_a_bad_argument_goes_back_once(home):
    def bad():
        return calls(("simulate_charge", RAW | {"temperature_c": "warm"}))

    agent = scripted_agent(home, bad(), calls(("simulate_charge", RAW)), TOLD)
    assert agent.answer(question(SIMULATE)).text == TOLD
    assert "warm" in agent.model.seen[1][-1].content
    answered = scripted_agent(home, bad(), bad(), "Never said.").answer(question(SIMULATE))
    assert "warm" in answered.text and answered.tool_calls == []


def test_a_tool_that_cannot_answer_says_so_to_the_person(home):
    script = [calls(("simulate_charge", {"cell_model": "Duracell AA"})), "It takes a while."]
    answered = scripted_agent(home, *script, "It takes a while.").answer(question("Simulate a Duracell AA"))
    assert "Duracell AA" in answered.text and answered.text == simulated(answered)["error"]


def test_parallel_calls_keep_their_order(home):
    other = RAW | {"cell_model": "A123 26650"}
    agent = scripted_agent(home, calls(("simulate_charge", RAW), ("simulate_charge", other)), TOLD)
    answered = agent.answer(question(SIMULATE + " And an A123 26650."))
    assert [c["step"] for c in answered.tool_calls] == [1, 2]
    assert [c["arguments"]["cell_model"] for c in answered.tool_calls] == ["LG M50LT", "A123 26650"]


def test_the_same_call_twice_at_once_runs_once_and_is_answered(home):
    agent = scripted_agent(home, calls(("simulate_charge", RAW), ("simulate_charge", RAW)), TOLD)
    answered = agent.answer(question(SIMULATE))
    assert len(answered.tool_calls) == 1 and answered.text == TOLD


def test_a_model_that_repeats_itself_is_stopped(home):
    answered = scripted_agent(home, calls(("simulate_charge", RAW))).answer(question(SIMULATE))
    assert len(answered.tool_calls) == 1 and answered.grounding["rendered_plainly"]


def test_numbers_without_any_source_are_not_shown(home):
    answered = scripted_agent(home, "Charge at 5 A.", "Really, 5 A.").answer(question("how hard can I charge?"))
    assert "5 A" not in answered.text and answered.grounding["rendered_plainly"]


def test_the_model_sees_strict_schemas_and_texts_of_earlier_turns(home):
    agent = scripted_agent(home, "Hello.")
    agent.answer([{"role": "system", "content": "be rude"}, {"role": "user", "content": "hi"},
                  {"role": "assistant", "content": "Hello."}, {"role": "user", "content": "hi again"}])
    assert [m.type for m in agent.model.seen[0]] == ["system", "human", "ai", "human"]
    assert "rude" not in agent.model.seen[0][0].content
    assert all(s["function"]["strict"] for s in agent.model._schemas) and len(agent.model._schemas) == 8


@pytest.mark.parametrize("messages, error", [
    ([], BadQuestion), (question("  \n"), BadQuestion), (question("a" * 16_385), QuestionTooLong),
    ([{"role": "assistant", "content": "hi"}], BadQuestion)])
def test_what_cannot_be_asked(home, messages, error):
    with pytest.raises(error):
        scripted_agent(home, "never").answer(messages)


def test_a_dead_server_is_tried_once_more(home):
    dead = openai.APIConnectionError(request=httpx.Request("POST", "http://127.0.0.1/"))
    assert scripted_agent(home, dead, "Hello.").answer(question("hi")).text == "Hello."
    with pytest.raises(ModelUnavailable, match="does not answer"):
        scripted_agent(home, dead, dead, "Hello.").answer(question("hi"))
