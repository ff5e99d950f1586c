"""Every argument has a source: spans finds what was said, unsaid names what was not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.arguments import FindPacks, ForecastLife, GetStatus, RecommendChargingCurrent, SimulateCharge
from tools.sourcing import locate, spans, unsaid
from tools.words import QUANTITIES, canonical, read

LOCATED = [  # text, quantity, value, the words that say it
    ("It's 12 degrees in there, PK-0042 at 20 percent.", "celsius", 12, "12 degrees"),
    ("It's 12 degrees in there, PK-0042 at 20 percent.", "percent", 20, "20 percent"),
    ("90 °F outside, 20 A, 20 %", "celsius", 290 / 9, "90 °F"), ("90 °F outside, 20 A, 20 %", "percent", 20, "20 %"),
    ("Old cell, thirty percent of capacity gone. Fastest?", "soh", 70, "thirty percent of capacity gone"),
    ("be done by 7:30, it is 6:50 now please", "minutes", 40, "7:30, it is 6:50"),
    ("It is 6:50 and pk 42 goes out at 7:30. Which current?", "minutes", 40, "6:50 and pk 42 goes out at 7:30"),
    ("Charge pk 42 within an hour and a half.", "minutes", 90, "an hour and a half"),
    ("swap in 1 h 30, PK-0112 down at 14, two degrees in the yard", "percent", 14, "14"),
    ("what about cell 7 of pack 42 then", "asset_id", "PK-0042-C07", "cell 7 of pack 42"),
    ("what about cell 7 of pack 42 then", "asset_id", "PK-0042", None),
    ("simulate C/2 on PK-0005", "c_rate", 0.5, "C/2"), ("simulate C/2 on PK-0005", "percent", 5, None),
    ("300 cycles a year", "cycles_per_week", 300, None), ("from 10 to 80 at 2C", "percent", 80, "80"),
    ("from 10 to 80 at 2C", "percent", 2, None), ("one cycle every night for a decade", "cycles_per_week", 7,
    "one cycle every night"),
    ("名字无所谓，把42号电池包充到百分之八十，环境-6度", "percent", 80, "百分之八十"),
    ("把42号电池包充到80%，环境-6度", "celsius", -6, "-6度"),
    ("PK-0042 soll um halb fünf voll sein", "percent", 5, None), ("by half past four full", "percent", 100, "full"),
    ("PK-00427点半要", "asset_id", "PK-0042", "PK-0042"), ("pk332/34%/32°C/155min", "celsius", 32, "32°C"),
    ("Not quite an hour, fifty-five minutes", "minutes", 115, None),
    ("battery 32 percent", "asset_id", "PK-0032", None),
    ("an hour and 20 percent", "minutes", 80, None), ("by eleven, it's ten now", "minutes", 60, "by eleven, it's ten"),
    ("minus five, not five", "celsius", 5, "five"), ("thirty or forty minutes", "minutes", 40, "forty minutes"),
]


@pytest.mark.parametrize(("text", "quantity", "value", "words"), LOCATED)
def test_locate(text, quantity, value, words):
    assert locate(text, value, quantity) == words


SAID = "Charge PK-0042 from 20 % to 80 % at 12 degrees within 40 minutes, gently please"
CALL = {"asset_id": "PK-0042", "soc_percent": "20 %", "target_soc_percent": "80 %", "temperature_c": "12 degrees",
        "time_limit_min": "40 minutes", "priority": "longest_life"}


def _unsaid(raw, model, conversation, results=()):
    return unsaid(raw, canonical(raw, model), model, conversation, results)


def test_what_was_said_passes():
    assert _unsaid(CALL, RecommendChargingCurrent, [SAID]) == []


@pytest.mark.parametrize("invented", [
    {"soh_percent": 87}, {"priority": "fastest"}, {"asset_id": "PK-0043"}, {"asset_id": "PK-0042-C07"},
    {"soc_percent": 40},
    {"soc_percent": 42}, {"temperature_c": 20}, {"time_limit_min": 12}, {"target_soc_percent": 100},
    {"cell_model": "LG M50LT"}])
def test_what_was_not_said_is_named(invented):
    assert _unsaid(CALL | invented, RecommendChargingCurrent, [SAID]) == list(invented)


def test_earlier_results_are_a_source_for_the_same_unit_only():
    results = [{"asset_id": "PK-0042", "packs": [{"soc_percent": 37.4, "temperature_c": 26.37}],
        "site": "Hamburg North"}]
    raw = {"asset_id": "PK-0042", "soc_start_percent": 37.4, "temperature_c": 26.4, "current_a": 37.4}
    assert _unsaid(raw, SimulateCharge, ["and now simulate it"], results) == ["current_a"]
    assert _unsaid({"site": "Hamburg North"}, FindPacks, ["and the others there?"], results) == []


@pytest.mark.parametrize(("name", "text", "said"), [
    ("M50LT", "our lg m50lt cells", True), ("LG M50LT", "the M50-LT", True), ("A123 26650", "an a123 cell", True),
    ("Samsung 50S", "charge 45 to 50 should do", False), ("Naxtra", "the naxtra cell", True), ("LG M50LT",
    "an LG cell", False)])
def test_cell_types_need_their_telling_word(name, text, said):
    assert (_unsaid({"cell_model": name}, ForecastLife, [text]) == []) is said


@pytest.mark.parametrize(("priority", "text", "said"), [
    ("fastest", "as quick as you can", True), ("fastest", "so schnell wie möglich", True), ("fastest",
    "赶时间，最快多少", True),
    ("fastest", "must be done in 40 minutes", False), ("longest_life", "möglichst schonend", True),
    ("longest_life", "温和一点", True), ("longest_life", "40 minutes left", False), ("balanced", "a compromise", True),
    ("balanced", "between 22:00 and 06:00", False), ("longest_life", "something cell-friendly", True),
    ("longest_life", "do look after her", True), ("longest_life", "who looks after depots?", False),
    ("fastest", "flat out to eighty", True), ("fastest", "the pack is flat, out at 7", False),
    ("longest_life", "nothing that ages it", True), ("longest_life", "it takes ages", False),
    ("longest_life", "faites-la durer !", True), ("longest_life", "sans l'abîmer", True),
    ("longest_life", "sans la forcer", True), ("longest_life", "i want to save the battery", True),
    ("longest_life", "er soll möglichst wenig leiden", True), ("balanced", "between speed and wear", True),
    ("balanced", "between PK-0042 and PK-0043", False), ("balanced", "zwischen 20 und 80 %", False),
    *(("fastest", text, True) for text in (
        "抓紧", "lo antes posible", "cuanto antes", "con prisa", "più veloce possibile", "zo snel mogelijk",
        "jak najszybciej", "o mais depressa possível", "mümkün olduğunca hızlı")),
    *(("longest_life", text, True) for text in (
        "溫和一點", "保護電池", "延長壽命", "别太猛", "轻柔", "悠着点充", "carga suave", "proteger la batería",
        "proteggere la batteria", "proteger a bateria", "バッテリーに優しく", "möglichst wenig Verschleiß",
        "les batteries doivent durer", "qu'il vieillisse bien", "sin forzar la batería", "想让它用得久", "多活几年")),
    ("longest_life", "la charge dure deux heures", False), ("balanced", "快也别太快，取个中间", True),
    ("fastest", "es eilt", True), ("fastest", "er teilt sich", False),
    ("balanced", "equilibrado", True), ("balanced", "término medio", True), ("fastest", "velocity", False),
    ("longest_life", "a chronic fault", False), ("longest_life", "mümkün olduğunca hızlı", False),
    ("longest_life", "der Akku soll geschont werden", True), ("longest_life", "priorité à la longévité", True)])
def test_priorities_need_their_words(priority, text, said):
    assert (_unsaid({"priority": priority}, RecommendChargingCurrent, [text]) == []) is said


def test_choices_of_the_list_and_superlatives_pass():
    raw = {"sort_by": "soh", "descending": True, "has_fault": True, "limit": 1}
    assert _unsaid(raw, FindPacks, ["which pack is the hottest?"]) == []
    assert _unsaid(raw | {"limit": 5}, FindPacks, ["which pack is the hottest?"]) == ["limit"]


@pytest.mark.parametrize(("question", "said"), [
    ("what battery has maximum of cycles", True), ("the pack the less charged", True), ("max spread pack", True),
    ("Max temperature in the fleet, which pack?", True), ("le pack le + vide", True), ("40 min charge", False),
    ("celui qui a les cellules les mieux équilibrées", True), ("at max 40 °C", False), ("max temp above 40", False),
    ("packs with min. health 80", False), ("the less the better", False),
    ("the bigist spread of all?", True), ("which one is hotist?", True), ("a list of them", False),
    ("el pack más frío", True), ("il pacco più caldo", True), ("o pack mais quente", True), ("en sıcak paket", True),
    ("najzimniejszy pakiet", True), ("lo más rápido posible", False), ("la carga más suave posible", False),
    ("los packs con más de 30", False), ("jak najszybciej", False), ("en este paquete", False)])
def test_a_superlative_with_a_slip_of_the_pen_asks_for_one(question, said):
    assert (_unsaid({"limit": 1}, FindPacks, [question]) == []) is said


def test_follow_ups_that_ask_for_a_multiple():
    turns = ["M50LT, 2 A from 20 to 80 %", "double it"]
    assert _unsaid({"current_a": 4}, SimulateCharge, turns) == []
    assert _unsaid({"current_a": 4}, SimulateCharge, turns[:1]) == ["current_a"]
    assert _unsaid({"temperature_c": 21}, SimulateCharge, ["PK-0007 at 30 °C", "and nine degrees colder?"]) == []
    assert _unsaid({"current_a": "10 amps"}, SimulateCharge, ["pk 7 at 10C", "amps, sorry"]) == []
    assert _unsaid({"asset_id": "17"}, GetStatus, ["how is pack 4", "and 17?"]) == []


FRAGMENTS = ("charge ", "pk 42 ", "PK-0007-C03 ", "to ", "80 % ", "from ", "20 ", "half ", "an hour ", "and a half ",
    "at ", "12 degrees ", "-5 °C, ",
             "C/3 ", "2C ", "lost a fifth ", "of its capacity ", "it is 6:50 ", "now ", "by 7:30 ", "twice a day ",
             "for ten years. ", "5 A ", "10-80 ",
             "，", "充满", "两小时", "LG M50LT ", "90 F ", "thirty ", "percent ", "gone ", "a week ", "(", "? ",
             "up-3f9a ")


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join), st.sampled_from(QUANTITIES))
def test_every_span_reads_to_its_value_and_is_located(text, quantity):
    for start, end, value in spans(text, quantity):
        assert read(text[start:end], quantity) == value
        words = locate(text, value, quantity)
        assert words in text and words == words.strip(" ,.?(")


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200), st.sampled_from(QUANTITIES))
def test_any_text_can_be_searched(text, quantity):
    assert all(0 <= a < b <= len(text) for a, b, _ in spans(text, quantity))
