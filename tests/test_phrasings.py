"""The hand-written phrasings: none twice, every reply without a number of its own, values that need a second turn."""

import random
from collections import Counter

import pytest

from eval.overlap import skeleton
from finetune.phrasings import load_phrasings, turn
from oracle.grounding import check
from retrieval.toolset import ALL_TOOLS, tool_named
from tools.sourcing import unsaid
from tools.words import canonical


def conversation(*texts):
    return [{"role": "assistant" if i % 2 else "user", "content": text} for i, text in enumerate(texts)]


def raw_arguments(name, arguments, *texts):
    item = turn({"messages": conversation(*texts), "calls": [{"name": name, "arguments": arguments}]}, random.Random(0))
    return item.calls[0]["arguments"]


def test_no_two_phrasings_share_a_skeleton():
    asked = Counter(tuple(skeleton(m["content"]) for m in line["messages"] if m["role"] == "user")
                    for line in load_phrasings())
    assert [words for words, times in asked.items() if times > 1] == []


def test_there_are_enough_for_every_tool():
    lines = load_phrasings()
    called = Counter(call["name"] for line in lines for call in line["calls"])
    assert len(lines) >= 4200 and min(called[tool.name] for tool in ALL_TOOLS) >= 250
    assert sum(not line["calls"] for line in lines) >= 500


def test_calls_name_known_arguments():
    for line in load_phrasings():
        for call in line["calls"]:
            assert call["arguments"].keys() <= tool_named(call["name"]).arguments.model_fields.keys(), line


def test_replies_state_no_number_that_nobody_said():
    rng = random.Random(0)
    silent = [line for line in load_phrasings() if not line["calls"]]
    for line in rng.sample(silent, 150):
        item = turn(line, rng)
        assert check(item.reply, [], item.messages).grounded, (item.messages, item.reply)


@pytest.mark.parametrize("texts, arguments, raw", [
    (("Amps for pack 42 at 12 °C?", "18 A.", "same for 193"), {"asset_id": "PK-0193", "temperature_c": 12}, "193"),
    (("current for pack 7", "28 A.", "no no, 17"), {"asset_id": "PK-0017"}, "17"),
])
def test_a_bare_number_names_the_next_pack(texts, arguments, raw):
    written = raw_arguments("recommend_charging_current", arguments, *texts)
    assert written["asset_id"] == raw
    assert canonical(written, tool_named("recommend_charging_current").arguments)["asset_id"] == arguments["asset_id"]


def test_a_unit_said_afterwards_goes_with_the_number():
    texts = ("amps for PK-0042 at 95 degrees?", "Charging is not allowed above 45 °C.", "Fahrenheit, sorry")
    written = raw_arguments("recommend_charging_current", {"asset_id": "PK-0042", "temperature_c": 35}, *texts)
    assert written["temperature_c"] == "95 Fahrenheit"


@pytest.mark.parametrize("last, value", [("double that rate", 1.0), ("and at half the rate?", 0.25)])
def test_what_follows_from_what_was_said_is_a_number(last, value):
    texts = ("PK-0042 at C/2 please, how warm?", "28.7 °C at most.", last)
    model = tool_named("simulate_charge").arguments
    written = raw_arguments("simulate_charge", {"asset_id": "PK-0042", "c_rate": value}, *texts)
    assert written["c_rate"] == value
    assert not unsaid(written, canonical(written, model), model, texts[::2], ())


def test_what_is_said_around_a_question_changes_no_value_of_its_call():
    def values(item):
        return [{k: " ".join(str(v).casefold().split()) for k, v in call["arguments"].items()} for call in item.calls]

    lines = [line for line in load_phrasings() if line["calls"]]
    changed = 0
    for n, line in enumerate(random.Random(0).sample(lines, 400)):
        plain, told = turn(line, random.Random(n)), turn(line, random.Random(n), said_around=1.0)
        changed += told.messages != plain.messages
        assert values(told) == values(plain), told.messages
        assert plain.messages[-1]["content"].casefold().split()[0] in told.messages[-1]["content"].casefold()
    assert changed > 380
