"""Values whose words stand apart, and writings that once were misread: each has one value, and no other is said."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from number_words import english

from tools.arguments import Diagnose, EstimateSoh, FindPacks, ForecastLife, RecommendChargingCurrent, SimulateCharge
from tools.contract import quantity_of
from tools.errors import BadArgument
from tools.sourcing import locate, spans, unsaid
from tools.words import canonical, read
from tools.words.turns import apart

some = settings(max_examples=200, deadline=None)

WRITINGS = (  # quantity, value, texts that say it and nothing else of the kind
    ("asset_id", "PK-0012", "Has PK-0012 degraded much?|pk-0012 degradation %|PK-0012 % left?|PK-0012 min and max"
        "|Is PK-0012 A grade?|la batería 12"
        "|el paquete 12|old number 12|status of number 12|Pack Nummer 12|pack id: 12"),
    ("asset_id", "PK-0059-C08", "the pack PK-0059 the cell C08|pack 59 (cell 8)|pack 59's cell 8|pack 59, its cell 8"
        "|the eighth cell of pack 59|the 8th cell in PK-0059|celda 8 del paquete 59|la celda 8 de la batería 59"),
    ("minutes", 40, "departure 0745, now 0705|it is now 1320 hours, leaving 1400 hours|40ish minutes"
        "|we unplug at 6:20, the time is 5:40|um 7:45 los, Uhrzeit ist 7:05|il est 14h, départ à 14h40"
        "|7:45 off, 7:05 as I write"),
    ("minutes", 120, "It's 9 now, I leave at 11|a couple of hours"),
    ("minutes", 105, "it's just gone four and we go at quarter to six"), ("minutes", 75, "eineinviertel Stunden"),
    ("minutes", 165, "zweidreiviertel Stunden"),
    ("years", 2, "a couple of years|couple years"), ("years", 12, "a dozen years"),
    ("celsius", -10, "10 Grad minus|14 ºF|14 °F"), ("c_rate", 1.5, "1.5 times C|anderthalb C"),
    ("soh", 88, "worn by 12 %|twelve percent worn|aged 12 percent|wear of 12 %"))
CASES = [(quantity, value, text) for quantity, value, texts in WRITINGS for text in texts.split("|")]


@pytest.mark.parametrize(("quantity", "value", "text"), CASES)
def test_writings_that_were_misread(quantity, value, text):
    assert [v for _, _, v in spans(text, quantity)] == [pytest.approx(value) if quantity != "asset_id" else value]


@pytest.mark.parametrize(("quantity", "text"), [
    ("asset_id", "pack 1-0-5"), ("asset_id", "dock number 3"), ("asset_id", "cell number 7"),
    ("asset_id", "battery 32 %"), ("minutes", "at 0745"), ("percent", "pack 42 gradually")])
def test_what_may_be_something_else_is_not_read(quantity, text):
    assert list(spans(text, quantity)) == []


def test_worn_85_percent_may_be_either():
    with pytest.raises(BadArgument, match="lost or what is left"):
        read("worn 85 %", "soh")


def said(value, name, model, turns, rest=None):
    raw = (rest or {}) | {name: value}
    return name not in unsaid(raw, canonical(raw, model), model, turns, ())


UNITS = (  # model, argument, its canonical unit as first said, another unit, value of one of the other
    (FindPacks, "temperature_above_c", "{} degrees", "Fahrenheit", lambda n: (n - 32) / 1.8, {}),
    (ForecastLife, "years", "{} years", "months", lambda n: n / 12, {"asset_id": "PK-0333"}),
    (SimulateCharge, "current_a", "{} A", "milliamps", lambda n: n / 1000, {"asset_id": "PK-0333"}),
    (RecommendChargingCurrent, "time_limit_min", "{} minutes", "hours", lambda n: n * 60, {"asset_id": "PK-0333"}),
    (FindPacks, "spread_above_mv", "{} V", "millivolts", lambda n: n, {}))


@some
@given(st.sampled_from(UNITS), st.integers(3, 99), st.integers(3, 99),
       st.sampled_from(("no, {}", "Sorry, {} of course.", "make that {}, please", "I meant {}")),
       st.sampled_from(([], ["and for PK-0071?"])))
def test_a_unit_corrected_in_a_later_turn(case, number, other, correction, later):
    model, name, first, unit, meaning, rest = case
    assume(other not in (number, 71) and abs(meaning(number) - meaning(other)) > 0.02 and meaning(number) > 0.01)
    assume(meaning(other) != number)
    turns = [f"PK-0333 or any: {first.format(number)}", correction.format(unit), *later]
    words = apart(meaning(number), quantity_of(model.model_fields[name]), turns)
    assert read(words, quantity_of(model.model_fields[name])) == pytest.approx(meaning(number), abs=1e-5)
    assert said(meaning(number), name, model, turns, rest) and said(f"{number} {unit}", name, model, turns, rest)
    assert not said(f"{other} {unit}", name, model, turns, rest)


@some
@given(st.integers(33, 120), st.integers(33, 120), st.integers(33, 120), st.booleans(),
       st.sampled_from(("And over {}?", "what about {}", "{} then?")))
def test_a_unit_goes_on_in_the_next_turn(first, second, third, in_words, question):
    assume(len({first, second, third}) == 3 and not {first, second, third} & {round((n - 32) / 1.8, 2) for n in
                                                                             (first, second, third)})
    shown = english(second) if in_words and second < 100 else str(second)
    turns = [f"Packs above {first} °F anywhere?", "Two: PK-0961 and PK-0990.", question.format(shown)]
    assert said((second - 32) / 1.8, "temperature_above_c", FindPacks, turns)
    assert read(apart((second - 32) / 1.8, "celsius", turns), "celsius") == pytest.approx((second - 32) / 1.8, abs=1e-5)
    assert not said((third - 32) / 1.8, "temperature_above_c", FindPacks, turns)
    with pytest.raises(BadArgument, match="no unit"):
        said(second, "temperature_above_c", FindPacks, turns)


def clock(minute):
    return f"{minute // 60 % 24:02d}:{minute % 60:02d}"


@some
@given(st.integers(0, 1439), st.integers(5, 600), st.integers(1, 300), st.integers(1, 60), st.booleans(),
       st.sampled_from(("Make it {} instead.", "they moved it to {}", "no, {}")))
def test_a_deadline_moved_in_a_later_turn(now, gap, moved, late, clock_was_slow, news):
    assume(gap + moved <= 700)
    turns = [f"Charge PK-0086 by {clock(now + gap)}, it's {clock(now)}.", "The limit is met.",
             news.format(clock(now + gap + moved))]
    expected = gap + moved
    if clock_was_slow:
        assume(late < expected and late != moved)
        turns.append(f"oh, it's {clock(now + late)} already")
        expected -= late
    rest = {"asset_id": "PK-0086"}
    assume(expected != gap and not {now // 60 % 24, (now + gap) // 60 % 24} & {0})
    assert said(expected, "time_limit_min", RecommendChargingCurrent, turns, rest)
    assert read(apart(expected, "minutes", turns), "minutes") == expected
    assert apart(expected + 1, "minutes", turns) is None


def test_clock_times_at_both_ends_of_a_sentence():
    text = "It's quarter past three now, and PK-0042 over in hall seven must show 80 % on its display at five o'clock"
    assert locate(text, 105, "minutes") is None and said(105, "time_limit_min", RecommendChargingCurrent, [text],
                                                        {"asset_id": "PK-0042"})
    assert apart(105, "minutes", [text]) == "five o'clock, it's quarter past three"


@some
@given(st.integers(1, 9999), st.lists(st.integers(1, 99), min_size=3, max_size=3, unique=True), st.data())
def test_cells_that_share_their_pack(pack, cells, data):
    first, second, other = cells
    order = data.draw(st.sampled_from((
        ["cells {a} and {b} of pack {p}"], ["cells {a}, {b} in PK-{p:04d}"], 
        ["diagnose pack {p}", "cells {a} and {b} of it"],
        ["Zellen {a} und {b} von Pack {p}"], ["SoH of cell {a} in pack {p}?", "It is fine.", "cell {w}?"],
        ["SoH of cell {a} in pack {p}?", "and {b}?"], ["PK-{p:04d}-C{a:02d} please", "what about the cell C{b:02d}"])))
    turns = [t.format(a=first, b=second, p=pack, w=english(second)) for t in order]
    for cell in (first, second):
        asset = f"PK-{pack:04d}-C{cell:02d}"
        assert said(asset, "asset_id", Diagnose, turns)
        assert locate(turns[0], asset, "asset_id") or read(apart(asset, "asset_id", turns), "asset_id") == asset
    assume(other != pack)
    assert not said(f"PK-{pack:04d}-C{other:02d}", "asset_id", Diagnose, turns)
    assert not said(f"PK-{pack % 9999 + 1:04d}-C{first:02d}", "asset_id", Diagnose, turns)


@some
@given(st.integers(1, 9999), st.integers(100, 9999), st.integers(100, 9999),
       st.sampled_from(("For {} too please.", "oops, typo, {} it should have been", "both its neighbours, {} and 17",
                        "and {}?")))
def test_a_pack_by_its_number_alone(first, second, other, question):
    assume(len({first, second, other, 17}) == 4)
    turns = [f"How healthy is pack {first}?", question.format(second)]
    assert said(f"PK-{second:04d}", "asset_id", EstimateSoh, turns)
    assert not said(f"PK-{other:04d}", "asset_id", EstimateSoh, turns)
    assert not said(f"PK-{second:04d}", "asset_id", EstimateSoh, ["How healthy is it?", f"from {second} to 80 at 2C"])


@some
@given(st.integers(1, 9999), st.integers(20, 79), st.sampled_from(("from {} to 80", "at {}", "charge it to {} %",
                                                                   "{} minutes", "only {}", "over {} cells")))
def test_a_number_of_something_else_is_no_pack(pack, number, words):
    assume(pack != number)
    turns = [f"pack {pack}, please", words.format(number)]
    assert apart(f"PK-{number:04d}", "asset_id", turns) is None


@pytest.mark.parametrize("question", ["And over 86?", "clock's slow", "quarter past three now",
                                      "Did you mean millivolt", "depth question", "7点半要出发"])
def test_training_lines_whose_words_stand_apart_can_be_written(question):
    import random

    from finetune.phrasings import load_phrasings, turn
    from retrieval.toolset import tool_named

    lines = [line for line in load_phrasings() if any(question in m["content"] for m in line["messages"])]
    assert lines
    for seed in range(3):
        item = turn(lines[0], random.Random(seed))
        for raw, exact in zip(item.calls, item.canonical, strict=True):
            model, turns = tool_named(raw["name"]).arguments, [m["content"] for m in item.messages]
            values = canonical(raw["arguments"], model)
            assert values == pytest.approx(exact["arguments"])
            assert unsaid(raw["arguments"], values, model, turns, ()) == []


def test_a_number_may_begin_with_its_point():
    assert [v for *_, v in spans("from .2 to .8C, pack 4. 5 A", "c_rate")] == [0.2, 0.8]
    assert [v for *_, v in spans("SoC of .4", "percent")] == [0.4]
