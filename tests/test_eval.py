"""The scoring rules, the judged questions, and their independence from the training phrasings."""

import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from eval.baseline import keyword_calls
from eval.charging import Scenario, broken_limits, maker_current_a, rerun, scenarios
from eval.confusions import confusions
from eval.held_out import held_out_questions
from eval.overlap import shared_with, skeleton, training_texts
from eval.run import app
from eval.score import Call, Question, judge, load_questions, same_arguments, tally, wilson_interval
from eval.tool_calls import in_training, perfect_answer
from tools import arguments as schemas
from tools.cells import find_cell

MODELS = {
    "get_status": schemas.GetStatus, "find_packs": schemas.FindPacks, "estimate_soh": schemas.EstimateSoh,
    "diagnose": schemas.Diagnose, "simulate_charge": schemas.SimulateCharge,
    "recommend_charging_current": schemas.RecommendChargingCurrent, "forecast_life": schemas.ForecastLife,
    "search_documents": schemas.SearchDocuments,
}


@pytest.fixture(scope="module")
def questions():
    return load_questions()


def question(*accept, text="any"):
    return Question(id="q", category="c", messages=[{"role": "user", "content": text}], accept=accept)


STATUS = Call(name="get_status", arguments={"asset_id": "PK-0042"})
HEALTH = Call(name="estimate_soh", arguments={"asset_id": "PK-0042"})


def test_numbers_agree_within_a_hundredth_and_no_further():
    assert same_arguments({"temperature_c": 32.2222}, {"temperature_c": 32.22})
    assert not same_arguments({"temperature_c": 32.24}, {"temperature_c": 32.22})


@given(st.floats(-1000, 1000), st.floats(0.0101, 100))
def test_a_number_off_by_more_than_the_tolerance_is_wrong(value, error):
    assert same_arguments({"x": value}, {"x": value})
    assert not same_arguments({"x": value + error}, {"x": value})


def test_an_ascending_list_needs_no_word_for_it():
    coldest = {"sort_by": "temperature", "limit": 5}
    assert same_arguments(coldest | {"descending": False}, coldest)
    assert same_arguments(coldest, coldest | {"descending": False})
    assert not same_arguments(coldest | {"descending": True}, coldest)
    assert not same_arguments({"has_fault": True, "descending": False}, {"has_fault": True})


def test_a_missing_an_extra_and_a_moved_argument_are_wrong():
    wanted = {"asset_id": "PK-0042", "soc_percent": 20}
    assert same_arguments({"asset_id": "PK-0042", "soc_percent": 20.0, "priority": None}, wanted)
    assert not same_arguments({"asset_id": "PK-0042"}, wanted)
    assert not same_arguments(wanted | {"priority": "fastest"}, wanted)
    assert not same_arguments({"asset_id": "PK-0042", "target_soc_percent": 20}, wanted)


def test_ids_are_exact_and_booleans_are_not_numbers():
    assert not same_arguments({"asset_id": "PK-0024"}, {"asset_id": "PK-0042"})
    assert not same_arguments({"asset_id": "PK-42"}, {"asset_id": "PK-0042"})
    assert not same_arguments({"limit": True}, {"limit": 1})
    assert not same_arguments({"has_fault": 1}, {"has_fault": True})


def test_a_cell_is_compared_by_its_catalogue_entry():
    assert same_arguments({"cell_model": "m50lt"}, {"cell_model": "LG M50LT"})
    assert not same_arguments({"cell_model": "Samsung 50E"}, {"cell_model": "LG M50LT"})
    assert not same_arguments({"cell_model": "no such cell"}, {"cell_model": "LG M50LT"})


def test_any_search_text_is_right_but_none_is_not():
    assert same_arguments({"query": "cut-off voltage"}, {"query": "*"})
    assert not same_arguments({"query": "  "}, {"query": "*"})
    assert not same_arguments({}, {"query": "*"})


def test_verdicts():
    one_of_two = question([STATUS], [HEALTH])
    assert judge(one_of_two, [HEALTH]).exact
    right_tool = judge(one_of_two, [Call(name="get_status", arguments={"asset_id": "PK-0001"})])
    assert right_tool.tool_right and not right_tool.exact
    assert not judge(one_of_two, []).tool_right and judge(one_of_two, []).valid is None
    assert not judge(one_of_two, [STATUS], valid=False).exact
    assert judge(one_of_two, None).valid is False


def test_parallel_calls_in_any_order_but_all_of_them():
    both = question([STATUS, HEALTH])
    assert judge(both, [HEALTH, STATUS]).exact
    assert not judge(both, [STATUS]).tool_right
    assert not judge(both, [STATUS, STATUS]).tool_right


def test_no_call_is_right_only_where_it_is_accepted():
    silence = question([])
    assert judge(silence, []).exact
    assert not judge(silence, [STATUS]).tool_right
    assert not judge(silence, None).exact


def test_tally_counts_valid_among_those_that_called():
    verdicts = [judge(question([STATUS]), calls) for calls in ([STATUS], [], [HEALTH], None)]
    counts = tally(verdicts)
    assert (counts.n, counts.tool_right, counts.exact, counts.called, counts.valid) == (4, 1, 1, 3, 2)


def test_wilson_interval_matches_a_published_value():
    # Newcombe 1998, Statistics in Medicine 17, 857, table I: 81 of 263 gives 0.2553 to 0.3662.
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_a_broken_line_is_named(tmp_path):
    file = tmp_path / "bad.jsonl"
    file.write_text(json.dumps({"id": "x"}) + "\n")
    with pytest.raises(ValueError, match="bad.jsonl, line 1"):
        load_questions(file)


def test_the_judged_set_has_its_categories(questions):
    counts = Counter(q.category for q in questions)
    assert {f"plain_{name}" for name in MODELS} == {c for c in counts if c.startswith("plain_")}
    assert all(counts[f"plain_{name}"] == 12 for name in MODELS)
    assert {c: counts[c] for c in ("values", "follow_up", "no_call", "parallel", "foreign")} == {
        "values": 34, "follow_up": 24, "no_call": 24, "parallel": 8, "foreign": 14}
    assert len({q.id for q in questions}) == len(questions) == 200


def test_every_accepted_call_fits_its_tool(questions):
    for q in questions:
        assert q.accept, q.id
        assert q.messages[-1]["role"] == "user", q.id
        for call in (call for calls in q.accept for call in calls):
            MODELS[call.name].model_validate(call.arguments)


def test_plain_questions_want_their_tool_and_no_call_none(questions):
    for q in questions:
        names = {call.name for calls in q.accept for call in calls}
        if q.category.startswith("plain_"):
            assert q.category.removeprefix("plain_") in names, q.id
        assert q.category != "no_call" or q.accept == [[]], q.id


def test_no_two_judged_questions_have_one_skeleton(questions):
    skeletons = Counter("\n".join(" ".join(skeleton(m["content"])) for m in q.messages) for q in questions)
    assert [text for text, n in skeletons.items() if n > 1] == []


def test_overlap_sees_through_values():
    trained = ["{asset_id} is at {t} and {soc}, what would be a good current for it?", "how healthy is <pack> ?"]
    assert shared_with(["PK-0042 is at 12 degC and 20 %, may I give it 2C?"], trained) == []
    assert shared_with(["PK-0042 is at 12 and 20, what would be a good current for it?"], trained)
    assert shared_with(["How healthy is PK-0007?"], trained)
    assert shared_with(["Is PK-0007 healthy?"], trained) == []


def test_judged_questions_are_not_in_the_training_phrasings(questions):
    assert training_texts()
    assert not in_training(questions)


def test_the_baseline_reads_plain_digits_and_stays_silent_without_a_subject():
    calls = keyword_calls([{"role": "user", "content": "Recommend a current for PK-0042 at 12 degC, 20 % to 80 %"}])
    assert calls == [Call(name="recommend_charging_current", arguments={
        "asset_id": "PK-0042", "temperature_c": 12.0, "soc_percent": 20.0, "target_soc_percent": 80.0})]
    assert keyword_calls([{"role": "user", "content": "Recommend a current"}]) == []


class ScriptedModel(BaseHTTPRequestHandler):
    """An OpenAI endpoint that answers by what the question holds, and keeps what it was asked."""

    asked = []
    calls = {"good": ("get_status", '{"asset_id": "pack 42"}'), "broken": ("get_status", '{"asset_id": '),
             "unknown": ("charge_now", "{}"), "invented": ("recommend_charging_current",
                                                           '{"asset_id": "PK-0042", "soh_percent": 77}')}

    def do_GET(self):
        self._send({"object": "list", "data": [{"id": "scripted", "object": "model"}]})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(body)
        word = body["messages"][-1]["content"].split()[0]
        message = {"role": "assistant", "content": "Which pack?"}
        if word in self.calls:
            name, arguments = self.calls[word]
            message = {"role": "assistant", "content": None, "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": name, "arguments": arguments}}]}
        self._send({"id": "x", "object": "chat.completion", "created": 0, "model": "scripted", "choices": [
            {"index": 0, "finish_reason": "stop", "message": message}]})

    def _send(self, body):
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture
def scripted_url():
    server = ThreadingHTTPServer(("127.0.0.1", 0), ScriptedModel)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


def test_a_served_model_is_asked_and_read_as_the_agent_does(scripted_url, tmp_path):
    from oracle.prompts import SYSTEM

    recommend = {"name": "recommend_charging_current", "arguments": {"asset_id": "PK-0042"}}
    status = {"name": "get_status", "arguments": {"asset_id": "PK-0042"}}
    texts = {"good pack 42": [status], "broken PK-0042": [status], "unknown PK-0042": [status],
             "invented PK-0042": [recommend], "silent": []}
    file = tmp_path / "five.jsonl"
    file.write_text("".join(json.dumps({"id": text, "category": "c", "accept": [accept],
                                        "messages": [{"role": "user", "content": text}]}) + "\n"
                            for text, accept in texts.items()))
    run = CliRunner().invoke(app, ["tool-calls", "--questions", str(file), "--base-url", scripted_url, "--json"])
    report = json.loads(run.stdout)
    answers = {a["id"].split()[0]: a for a in report["systems"]["tuned"]["answers"]}
    assert {word: a["exact"] for word, a in answers.items()} == {
        "good": True, "broken": False, "unknown": False, "invented": True, "silent": True}
    assert {word: a["valid"] for word, a in answers.items()} == {
        "good": True, "broken": False, "unknown": False, "invented": True, "silent": None}
    assert "charge_now" in answers["unknown"]["problem"]
    asked = ScriptedModel.asked[-8:]
    assert all(len(a["tools"]) == 8 and a["messages"][0] == {"role": "system", "content": SYSTEM} for a in asked)
    once = {a["messages"][-1]["content"].split()[0] for a in asked if a["temperature"] == 0}
    again = {a["messages"][-1]["content"].split()[0] for a in asked if a["temperature"] > 0 and a["n"] == 5}
    assert once == set(answers) and again == {"broken", "unknown", "invented"}  # what leaves a doubt is drawn again
    assert report["commit"] and report["machine"] and report["n"] == 5


def test_confusions_name_what_was_taken_for_what():
    def asked(*accept):
        return Question(id="q", category="c", messages=[{"role": "user", "content": "?"}], accept=accept)

    def call(name, **arguments):
        return Call(name=name, arguments=arguments)

    one, two = call("get_status", asset_id="PK-1"), call("get_status", asset_id="PK-2")
    answered = {
        "roles": ([call("recommend_charging_current", soc_percent=20, time_limit_min=40)],
                  [call("recommend_charging_current", target_soc_percent=20, time_limit_min=35)]),
        "silence": ([], [call("diagnose", asset_id="PK-1")]), "several": ([one, two], [one]),
        "list": ([call("find_packs", limit=3, sort_by="soc", site="Cork", cell_model="LG HG2")],
                 [call("find_packs", sort_by="soc", descending=False, site="cork", has_fault=True,
                       soc_below_percent=2)])}
    found = confusions([asked(wanted) for wanted, _ in answered.values()] + [asked([one], [])],
                       [given for _, given in answered.values()] + [None])
    assert found == {"tools": {"nothing as diagnose": 1, "get_status as nothing": 1},
                     "arguments": {"soc_percent as target_soc_percent": 1, "time_limit_min: another value": 1,
                                   "limit left out": 1, "has_fault added": 1, "cell_model left out": 1,
                                   "soc_below_percent added": 1}}


def test_held_out_phrasings_are_questions_that_never_train():
    asked = held_out_questions(["turns", "documents"], 20, 0)
    assert asked == held_out_questions(["turns", "documents"], 20, 0) and len(asked) == 20
    assert {q.category for q in asked} == {"turns", "documents"} and not in_training(asked)
    searches = [calls for q in asked for calls in q.accept if any(c.name == "search_documents" for c in calls)]
    assert searches and all(c.arguments["query"] == "*" for calls in searches for c in calls if "query" in c.arguments)
    right = sum(judge(q, a.calls, a.valid).exact for q in asked for a in [perfect_answer(q)])
    assert right >= 19
    run = CliRunner().invoke(app, ["tool-calls", "--held-out", "turn", "--only-baseline"])
    assert isinstance(run.exception, ValueError) and "'turn'" in str(run.exception) and "turns" in str(run.exception)


def test_an_unknown_claim_names_the_nearest():
    run = CliRunner().invoke(app, ["tool-cals"])
    assert run.exit_code == 2 and "tool-calls" in run.output


def test_the_ceiling_is_near_the_top(questions):
    """What the reading code loses of right answers stays below 5 %."""
    exact = sum(judge(q, a.calls, a.valid).exact for q in questions for a in [perfect_answer(q)])
    assert exact >= 0.95 * len(questions)


M50LT = find_cell("LG M50LT")


def flat_trace(**changed):
    trace = {"current_a": 1.0, "voltage_v": 3.9, "temperature_c": 24.0, "anode_potential_v": 0.02}
    return {name: [value] for name, value in (trace | changed).items()}


@pytest.mark.parametrize(("changed", "broken"), [
    ({}, []), ({"anode_potential_v": -1e-4}, ["anode"]), ({"voltage_v": 4.201}, ["voltage"]),
    ({"temperature_c": 45.1}, ["temperature"]), ({"current_a": 1.45}, ["current"]),
])
def test_each_broken_limit_is_seen(changed, broken):
    # LG M50LT: 4.2 V, 0 to 45 degC, 1.44 A below 25 degC (its datasheet, 2021-LSD-MBD-b00002).
    assert broken_limits(M50LT, 24.0, flat_trace(**changed)) == broken


def test_the_band_of_the_cold_surroundings_holds_when_the_cell_has_warmed_up():
    assert maker_current_a(M50LT, 10.0) == 1.44 and maker_current_a(M50LT, 30.0) == 3.36
    assert broken_limits(M50LT, 10.0, flat_trace(temperature_c=30.0, current_a=2.0)) == ["current"]
    assert broken_limits(M50LT, 30.0, flat_trace(temperature_c=31.0, current_a=3.0)) == []
    assert broken_limits(M50LT, -3.0, flat_trace()) == ["temperature"]


def test_a_reckless_plan_is_caught_by_the_simulation():
    cold = Scenario("LG M50LT", 5.0, 30.0, 70.0, 100.0, None, None)
    broken = broken_limits(M50LT, cold.temperature_c, rerun(cold, [(10.0, 60.0)]))
    assert {"anode", "current"} <= set(broken)


def test_scenarios_are_the_same_every_time_and_fit_the_tool():
    assert scenarios(12) == scenarios(12) and scenarios(12)[:3] == scenarios(3)
    assert len(set(scenarios(12))) == 12
    for scenario in scenarios(12):
        schemas.RecommendChargingCurrent(**vars(scenario))
        assert scenario.soc_percent < scenario.target_soc_percent
