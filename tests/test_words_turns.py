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
    ("soh", 88, "worn by 12 %|twelve percent worn|aged 12 percent|wear of 12 %|SOH88, please|soh .88"
        "|健康损失超过12%"), ("soh", 60, "已经衰减超过五分之二"),
    ("asset_id", "PK-0412", "pack four-twelve, how is it|is battery four twelve all right?|asset 412|unit 412 please"
        "|batt 412 and its temperature|bat. 412 charge?|pack=412|the pack with id 412|a pack numbered 412|pack (412)"
        '|is pack "412" well?|what of P-412?|id=412|pk412 amps|PK-0412单体电压|pack four-twelve to eighty percent'),
    ("asset_id", "PK-0205", "pack two-oh-five|battery two oh five is hot"),
    ("asset_id", "PK-0006", "pack six thirty minutes|battery six twenty-five percent"),
    ("asset_id", "PK-0007-C03", "pack seven, cell three|PK-0007, cell 3"),
    ("asset_id", "UP-12ab", "UP-12ab's health|what of UP-12ab’s cells"),
    ("percent", 20, "从两成充起|只剩2成电"), ("percent", 75, "充到七成五"),
    ("percent", 80, "充到八成三十分钟内|八成五度"), ("percent", 35, "三成半"),
    ("percent", 95, "up to ninty-five percent|SOC95"), ("percent", 45, "fuenfundvierzig Prozent"),
    ("percent", 100, "brimmed by then|let it be at the top|randvoll laden|une charge à ras bord|eine Vollladung"),
    ("percent", 50, "halbvoll geladen"), ("percent", 0, "bone dry|bei leerer Batterie"), ("percent", 30, "0.3 full"),
    ("percent", 60, "It was 21:00 by then, and it is three fifths full|bis drei Fünfteln"),
    ("percent", 90, "à quatre-vingt-dix pour cent"),
    ("celsius", -9, "nueve grados bajo cero|nine below, brr|below zero by nine degrees|minus nine this morning"),
    ("celsius", 33, "33 degrees under the awning|thirty-three degrees under canvas|33 Grad unter dem Dach"),
    ("celsius", 18.5, "PK-0042温度十八点五度"),
    ("millivolt", 30, "three hundredths of a volt|drei hundertstel Volt"),
    ("millivolt", 7, "seven thousandths of a volt"),
    ("ampere", 3.5, "三点五安充电"), ("ampere", 1.5, "an amp and a half"),
    ("count", 12, "top 12 by cycles|best twelve in cycles"), ("count", 6, "das halbe Dutzend"),
    ("count", 10, "une dizaine"), ("c_rate", 1, "une cellule à 1C"),
    ("cycles_per_week", 7, "cada día|chaque soir|every single evening"), ("cycles_per_week", 3.5, "cada dos días"),
    ("cycles_per_week", 4, "4 half cycles a week"), ("cycles_per_week", 0.7, "once in ten days"),
    ("cycles_per_week", 7 / 3, "every 72 hours"),
    ("minutes", 165, "deux heures trois quarts|three hours less fifteen minutes"),
    ("minutes", 45, "tres cuartos de hora"),
    ("minutes", 100, "dans 1 h 40 et pack 12 est prêt|dans 1 h 40, batterie 12"),
    ("minutes", 50, "halb sieben ist es jetzt, um 7:20 los|jetzt haben wir 6:30, Abfahrt 7:20"
        "|ten to eight, says my watch, out at twenty to nine|0630 to 0720 is the slot|Folks, 0630 to 0720 it is"
        "|下午三点二十了，四点十分走"),
    ("minutes", 75, "quarter to six now, seven sharp out|Six o'clock now, seven fifteen out"
        "|ten past four now; five twenty-five at the latest|七点一刻出车，现在六点"),
    ("celsius", 30, "sans défaut, au moins 30 degrés"), ("celsius", -4, "PK-0042, - 4 °C, amps"),
    ("celsius", -2, "amps at 2 degrees of frost"), ("celsius", -5, "It'll be five below tomorrow where it is parked"),
    ("celsius", 40, "in a hundred and four degree (F) warehouse"),
    ("ampere", 10.5, "La prise donne dix ampères et demi"),
    ("soh", 80, "ont perdu plus d'un cinquième de leur capacité|ayant perdu plus de vingt pour cent de leur capacité"),
    ("soh", 93, "PK-0042 scored 93 in the capacity test"), ("percent", 60, "0.6 DoD|DoD of 0.6"),
    ("percent", 90, "has to show 90 an hour from now"), ("percent", 50, "no zur Hälfti voll|zur Haelfte voll"),
    ("count", 8, "die acht am wenigsten gefahrenen Packs"), ("count", 10, "the ten highest cycle counts"),
    ("count", 27, "top27 soc desc"), ("years", 3, "in three more years"), ("years", 7.5, "and after seven and a half?"),
    ("years", 1.5, "for 1.5 years"), ("minutes", 120, "two more hours"), ("minutes", 45, "innert dreiviertel Stund"),
    ("minutes", 85, "Es ist fünf nach halb acht und um neun Uhr beginnt die Schicht"),
    ("minutes", 38, "Now eight minutes to six; loading at half six"),
    ("minutes", 90, "From half nine until eleven at night"),
    ("minutes", 100, "il est 14h20 et ça repart a 16h"), ("minutes", 450, "Maintenant 22 h, premier service à 5 h 30"),
    ("minutes", 30, "um acht am Abend, jetzt ist 19:30|it's 7:30 am, out by 8 am"),
    ("cycles_per_week", 7, "once every evening, PK-0042"), ("cycles_per_week", 14, "2 cyc/d"),
    ("asset_id", "PK-0112", "PK-0112,64,92,37|status: pack a hundred and twelve|the pack one hundred and twelve"),
    ("asset_id", "PK-0105-C12", "cell 12 of pack one-oh-five hits forty-one degrees"),
    ("asset_id", "PK-0042", "status of PK-OO42|how is pack double oh four two today"),
    ("asset_id", "PK-0100", "pack a hundred and twenty minutes"),
    ("asset_id", "UP-3f9a", "upload three f nine a health"),
    ("minutes", 180, "nine now; by noon done"), ("minutes", 240, "midnight to four"))
ABROAD = (  # the same in Chinese with traditional characters, Japanese, Spanish, Italian, Portuguese, Dutch and others
    ("minutes", 120, "兩個小時後要走|俩小时|2時間以内に|2 ore|PK-0042 binnen 2 uur|2 godziny|2 saat|PK-0042を2時間で"),
    ("minutes", 180, "仨小时"), ("minutes", 15, "un quarto d'ora|een kwartier"),
    ("minutes", 45, "tre quarti d'ora|drie kwartier"), ("minutes", 60, "una hora|uma hora|un'ora"),
    ("minutes", 30, "半小時內|meia hora|mezz'ora|een half uur|pół godziny|yarım saat"),
    ("minutes", 90, "一個半小時|uma hora e meia|un'ora e mezza|anderhalf uur|półtorej godziny|bir buçuk saat"),
    ("minutes", 150, "due ore e mezza|tweeënhalf uur|2 i pół godziny|2時間半|2 buçuk saat"),
    ("celsius", 12, "12 gradi|dodici gradi|12 graus|doze graus|12 graden|twaalf graden|12 stopni|12 derece"),
    ("celsius", -5, "meno cinque gradi|5 gradi sotto zero|5 graus abaixo de zero|5 graus negativos|min 5 graden"
        "|5 graden onder nul|minus 5 stopni|5 stopni poniżej zera|eksi 5 derece|sıfırın altında 5 derece|负5度"
        "|氷点下5度|マイナス5度"), ("celsius", 10, "華氏50度"),
    ("percent", 20, "兩成電|PK-0042は今20%"), ("percent", 30, "pack 15 %30 dolu"),
    ("percent", 12, "quedan doce por ciento y ya"),
    ("soh", 88, "ha perdido un 12 % de su capacidad|ha perso il 12 %|perdeu 12 %|衰減了12%"),
    ("years", 1.5, "十八個月後"), ("years", 0.25, "一个季度后"),
    ("years", 10, "10年持ちますか|10 anni|10 jaar|10 lat|10 yıl"),
    ("cycles_per_week", 14, "每天兩次循環|一天换两次电|dos cargas al día|due volte al giorno|duas vezes por dia"
        "|twee keer per dag|1日2回|周六每天两次"), ("celsius", 25, "周三二十五度"),
    ("c_rate", 0.5, "半个C|半個C"), ("count", 5, "5つ見せて"),
    ("asset_id", "PK-0042", "PK-0042は今|PK-0042を充電|PK-0042는"), ("asset_id", "PK-0015", "pack 15 %30 dolu"))
CASES = [(quantity, value, text) for quantity, value, texts in WRITINGS + ABROAD for text in texts.split("|")]


@pytest.mark.parametrize(("quantity", "value", "text"), CASES)
def test_writings_that_were_misread(quantity, value, text):
    assert [v for _, _, v in spans(text, quantity)] == [pytest.approx(value) if quantity != "asset_id" else value]


@pytest.mark.parametrize(("quantity", "text"), [
    ("asset_id", "pack 1-0-5"), ("asset_id", "dock number 3"), ("asset_id", "cell number 7"),
    ("asset_id", "battery 32 %"), ("minutes", "at 0745"), ("percent", "pack 42 gradually"),
    ("asset_id", "pack (12 kWh)"), ("asset_id", "a P42A, see p 42"), ("asset_id", "unit 5 A"),
    ("asset_id", "pack four twelve to eighty percent"), ("celsius", "8k each"), ("celsius", "250k miles"),
    ("celsius", "€300k"), ("celsius", "6 degrees warmer than the others"), ("c_rate", "une et une autre"),
    ("cycles_per_week", "5 A/d"), ("percent", "two and a half hours"),
    ("years", "seven and a half amps"), ("percent", "three more years"), ("count", "the 5 latest cycles"),
    ("count", "stop5, laptop7"), ("years", "Neujahresplan"), ("asset_id", "a PK-OOOO cell"),
    ("minutes", "om 7 uur klaar"), ("minutes", "het is 2 uur"), ("minutes", "the 5 ore trucks"), ("minutes", "saat 7"),
    ("minutes", "saat 2'de"), ("minutes", "a las 7 horas"), ("minutes", "電量20時間"),
    ("minutes", "um 7 Uhr los"), ("minutes", "alle 7 ora"), ("minutes", "pour cent"),
    ("percent", "20 per cent lost".replace("20", "a"))])
def test_what_may_be_something_else_is_not_read(quantity, text):
    assert list(spans(text, quantity)) == []


@pytest.mark.parametrize(("quantity", "text", "words"), [  # the words of each value that is found, and no others
    ("cycles_per_week", "to 90 every evening", ["90", "every evening"]),
    ("cycles_per_week", "80 daily", ["80", "daily"]), ("cycles_per_week", "300 every year", ["300 every year"]),
    ("soh", "target: 72\nsoh: 91", ["72", "91"]), ("soh", "soc 20 soh 91", ["20", "91"]), ("soh", "91 soh", ["91 soh"]),
    ("percent", "swap in 1 h 30, pack 12 at 14 %", ["14 %"]), ("soh", "83 % health: how long?", ["83 % health"]),
    ("soh", "15 percent less capacity: why?", ["15 percent less capacity"]),
    ("celsius", "SoC 20 % - 4 °C", ["4 °C"]), ("celsius", "- 4 °C\n- 40 min", ["4 °C"]),
    ("celsius", "il fait moins 30 degrés", ["moins 30 degrés"]),
    ("years", "1.5 years, 30 min each", ["1.5 years", "30 min"]),
    ("minutes", "50 km per hour and 10 minutes", ["50", "10 minutes"]), ("percent", "soc 0.6", ["0.6"]),
    ("minutes", "midi, 10 packs", ["10"]), ("asset_id", "pack six thirty minutes", ["pack six"])])
def test_what_is_cut_out_of_its_phrase_is_not_read(quantity, text, words):
    assert [text[a:b] for a, b, _ in spans(text, quantity)] == words


def test_the_half_of_a_health_is_no_unit_of_the_temperature_after_it():
    text = "with health seventy-two and a half, PK-0042 comes home at a sixth, minus seven tonight"
    assert said("minus seven", "temperature_c", RecommendChargingCurrent, [text], {"asset_id": "PK-0042"})


@pytest.mark.parametrize(("text", "packs"), [
    ("PK-0011-C02, pk612, pk613: faults?", ["PK-0011-C02", "PK-0612", "PK-0613"]),
    ("PK-0011和cell 8 in PK-0012分别查", ["PK-0011", "PK-0012-C08"]),
    ("PK-0011 and cell 8 in PK-0012", ["PK-0011", "PK-0012-C08"]),
    ("pack 11, cell eight of pack twelve", ["PK-0011", "PK-0012-C08"])])
def test_ids_beside_each_other_stay_apart(text, packs):
    assert [v for *_, v in spans(text, "asset_id")] == packs


@pytest.mark.parametrize(("quantity", "text", "bare", "lower"), [
    ("celsius", "between 59 and 77 F", 59, 15), ("celsius", "59 to 77 degrees Fahrenheit", 59, 15),
    ("minutes", "one to two hours", 1, 60), ("years", "6 bis 18 Monate", 6, 0.5), ("ampere", "200-400 mA", 200, 0.2),
    ("soh", "10 to 20 percent lost", 10, 90)])
def test_the_lower_end_of_a_range_has_the_unit_of_the_upper(quantity, text, bare, lower):
    assert bare not in [v for *_, v in spans(text, quantity)]
    assert apart(bare, quantity, [text]) is None
    assert read(apart(lower, quantity, [text]), quantity) == pytest.approx(lower)


def test_the_pack_of_a_cell_of_an_earlier_turn():
    turns = ["Anything wrong with PK-0077 cell 5?", "It is fine.", "And with the whole pack?"]
    assert read(apart("PK-0077", "asset_id", turns), "asset_id") == "PK-0077"
    assert apart("PK-0077", "asset_id", turns[:1]) is None


def test_several_bare_hours_beside_a_time_are_refused():
    assert all(spans(text, "minutes") == () or spans(text, "minutes")[0][2] < 24
               for text in ("It's 7:00, back at 9 or at 10", "it's 7:00, 3 out of 5 are done"))
    assert [v for *_, v in spans("bis 7:30 - 6:50 jetzt", "minutes")] == [40]


def test_a_count_a_week_is_no_part_of_the_years_before_it():
    assert spans("nine years, four a week", "years")[0] == (0, 10, 9.0)


def test_a_temperature_with_its_unit_goes_before_a_rate():
    assert locate("does it take 3C at three degrees", 3, "celsius") == "three degrees"


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
