"""What words offer an argument: the right one always, another kind of value never."""

import json
import random

import jsonschema
import pytest
from langchain_core.language_models.fake_chat_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from finetune.phrasings import NotWritten, load_phrasings, turn
from oracle.first_step import doubts, thought_over
from retrieval.toolset import ALL_TOOLS, tool_named
from tools.offered import held_to, offered
from tools.words import read


def properties(name, *texts):
    return held_to(tool_named(name), texts)["function"]["parameters"]["properties"]


def allowed(name, field, value, *texts):
    return jsonschema.Draft202012Validator(properties(name, *texts)[field]).is_valid(value)


def test_the_right_words_of_the_phrasings_are_offered():
    rng = random.Random(5)
    withheld, arguments = [], 0
    for phrasing in rng.sample([line for line in load_phrasings() if line["calls"]], 300):
        try:
            item = turn(phrasing, rng)
        except NotWritten:
            continue
        for call in item.calls:
            for field, value in call["arguments"].items():
                arguments += 1
                if not allowed(call["name"], field, value, *[m["content"] for m in item.messages]):
                    withheld.append((item.messages, field, value))
    assert arguments > 500 and withheld == []


def test_what_is_offered_reads():
    text = "PK-0042 at 90 F from a fifth to 80 % within an hour and a half, C/3 or 12 A, twice a week, 18 months"
    for quantity in ("percent", "celsius", "minutes", "c_rate", "ampere", "cycles_per_week", "years", "asset_id"):
        assert (words := offered(quantity, (text,)))
        assert all(read(w, quantity) is not None for w in words)


def test_the_ends_of_a_spanish_range_are_offered():
    assert {"veinte", "ochenta"} <= set(offered("percent", ("PK-0042 de veinte a ochenta",)))
    assert "veinte a" not in offered("ampere", ("PK-0042 de veinte a ochenta",))


@pytest.mark.parametrize("field, value, fits", [
    ("temperature_c", "12 degrees", True), ("temperature_c", "20 %", False), ("soc_percent", "20 %", True),
    ("soc_percent", "12 degrees", False), ("soc_percent", "20", False), ("time_limit_min", None, True),
    ("time_limit_min", "40 min", False), ("asset_id", "PK-0042", True), ("asset_id", "PK-0043", False),
    ("priority", "fastest", False), ("priority", None, True)])
def test_only_what_was_said_and_only_as_its_kind(field, value, fits):
    assert allowed("recommend_charging_current", field, value, "PK-0042, 12 degrees, 20 %: how many amps?") is fits


def test_the_names_of_the_arguments_stay():
    for tool in ALL_TOOLS:
        free, held = tool.wire_schema(), held_to(tool, ["hello"])
        assert list(held["function"]["parameters"]["properties"]) == list(free["function"]["parameters"]["properties"])


@pytest.mark.parametrize("texts, field", [
    (("PK-0042 at 5 A?", "75 minutes.", "and with double that?"), "current_a"),
    (("PK-0042 has 12 kWh in it and gets 5 A",), "current_a"),  # no reader knows kWh
])
def test_what_code_cannot_foresee_stays_free(texts, field):
    assert properties("simulate_charge", *texts)[field] == tool_named(
        "simulate_charge").wire_schema()["function"]["parameters"]["properties"][field]


def test_a_value_out_of_bounds_is_offered_so_that_it_is_refused_with_a_sentence():
    assert allowed("simulate_charge", "soh_percent", "30 %", "PK-0042 at 5 A, health 30 %")


def test_one_needs_no_word_after_a_superlative():
    assert allowed("find_packs", "limit", 1, "the hottest pack") and not allowed("find_packs", "limit", 1, "hot packs")


@pytest.mark.parametrize("words, fits", [("every evening", True), ("90 every evening", False)])
def test_a_charge_to_reach_is_no_number_of_cycles(words, fits):
    assert allowed("forecast_life", "cycles_per_week", words, "PK-0042 goes to 90 every evening, for 5 years") is fits


def test_a_grammar_that_vllm_compiles_accepts_marks_and_other_scripts():
    import xgrammar

    compiler = xgrammar.GrammarCompiler(xgrammar.TokenizerInfo([chr(i) for i in range(128)]))
    text = "[PK-0042] (½ full?) + -5 °C | C/3, 四十五分钟"
    for field, quantity in (("temperature_c", "celsius"), ("soc_percent", "percent"), ("time_limit_min", "minutes")):
        words = offered(quantity, (text,))
        compiled = compiler.compile_json_schema(json.dumps(properties("recommend_charging_current", text)[field]))
        assert words
        for word in words:
            assert xgrammar.GrammarMatcher(compiled).accept_string(json.dumps(word, ensure_ascii=False)), word


class Several(FakeMessagesListChatModel):
    """A model that may be asked for several replies at once: (message, log probability)."""

    n: int = 1
    drawn: list

    def _generate(self, messages, *args, n=1, **kwargs):
        found = [message.model_copy(update={"response_metadata": {"logprobs": {"content": [{"logprob": p}]}}})
                 for message, p in self.drawn[:n]]
        return ChatResult(generations=[ChatGeneration(message=message) for message in found])


def call(name, **arguments):
    return AIMessage("", tool_calls=[{"name": name, "args": arguments, "id": "1"}])


ASKED = "PK-0042 came in at 14 % and goes out in 35 minutes. Amps?"
LEFT_OUT = call("recommend_charging_current", asset_id="PK-0042", time_limit_min="35 minutes")
RIGHT = call("recommend_charging_current", asset_id="PK-0042", soc_percent="14 %", time_limit_min="35 minutes")
TURNED = call("recommend_charging_current", asset_id="PK-0042", target_soc_percent="14 %", time_limit_min="35 minutes")
TWICE = call("recommend_charging_current", asset_id="PK-0042", soc_percent="14 %", target_soc_percent="14 %",
             time_limit_min="35 minutes")
INVENTED = call("recommend_charging_current", asset_id="PK-0042", soc_percent="14 %", time_limit_min="35 minutes",
                temperature_c=25)
AGAIN = AIMessage("", tool_calls=[*RIGHT.tool_calls, *RIGHT.tool_calls])
UNREADABLE = call("recommend_charging_current", asset_id="PK-0042", soc_percent="35 minutes")


@pytest.mark.parametrize("reply, some", [(RIGHT, False), (LEFT_OUT, True), (TWICE, True), (INVENTED, True),
                                         (AGAIN, True), (UNREADABLE, True), (AIMessage("Which pack?"), False),
                                         (call("search_documents", query="14 %"), False)])
def test_doubts(reply, some):
    assert bool(doubts(reply, ALL_TOOLS, [ASKED])) is some


@pytest.mark.parametrize("drawn, taken", [
    ([(LEFT_OUT, -0.1), (RIGHT, -3.0)], RIGHT),  # fewest doubts first
    ([(AIMessage("Which pack?"), -0.1), (RIGHT, -3.0)], RIGHT),  # silence leaves no doubt, and is no better call
    ([(TURNED, -2.0), (RIGHT, -1.0)], RIGHT), ([(TURNED, -1.0), (RIGHT, -2.0)], TURNED),  # then the surest
])
def test_a_doubtful_call_is_drawn_again(drawn, taken):
    model = Several(responses=[], drawn=drawn)
    chosen = thought_over(LEFT_OUT, model, ALL_TOOLS, [HumanMessage(ASKED)], [ASKED])
    assert chosen.tool_calls == taken.tool_calls


def test_a_call_without_doubt_is_kept():
    model = Several(responses=[], drawn=[(TURNED, 0.0)])
    assert thought_over(RIGHT, model, ALL_TOOLS, [HumanMessage(ASKED)], [ASKED]) is RIGHT
