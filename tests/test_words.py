"""A person's words become canonical values, or one sentence says why not."""

import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from number_words import chinese, english, german

from tools.arguments import (
    FindPacks,
    ForecastLife,
    GetStatus,
    RecommendChargingCurrent,
    SearchDocuments,
    SimulateCharge,
)
from tools.errors import BadArgument
from tools.words import QUANTITIES, canonical, read

WRITINGS = {  # canonical value: writings separated by " | "
    "percent": {
        20: "20 percent | 20% | twenty | 20 pct | zwanzig Prozent | vingt pour cent | 百分之二十 | 20 p.c."
            " | up to 20 %",
        50: "half | 50 % | half full | halb voll | la moitié | 一半 | half charged | fifty percent",
        33.333333: "a third | one third | 1/3 | ein Drittel | un tiers | 三分之一",
        75: "three quarters | 3/4 | ¾ | dreiviertel | trois quarts | 四分之三",
        80: "achtzig Prozent | quatre-vingts pour cent | 百分之八十 | 八成 | four fifths | 80 pct",
        100: "full | fully charged | voll | plein | 充满 | to the brim | a hundred percent | full depth",
        0: "empty | flat | leer | vide | 没电 | zero", 12.5: "12,5 % | 12.5 percent | ein Achtel", 0.2: "0.2",
        60: "0.6 DoD | DoD of 0.6 | 60 perc", 66.666667: "Zweidrittel voll | zwei Drittel", 40: "zwei Fuenfteln voll",
    },
    "soh": {
        85: "15 percent fade | 85 % | lost 15% of capacity | hat 15 % verloren | a perdu 15 % | 衰减了15%"
            " | down 15 percent",
        80: "20 % lost | has lost a fifth | worn to 80 % | a fifth of its capacity gone | 0.8 | lost more than a fifth",
        70: "thirty percent of capacity gone | 70 % health", 92: "0.92 | SoH 0.92 | 92", 100: "brand new | 1.0",
        81.5: "eighty-one and a half",
        75: "only three quarters of its capacity left",
    },
    "celsius": {
        12: "12 degrees | 12 | 12°C | 12 Grad | 十二度 | twelve degrees", 25: "room temperature | 77 F"
            " | Raumtemperatur",
        8.5: "eight degrees and a half", -6: "环境-6度",
        -5: "-5 °C | minus five | minus 5 Grad | 5 below zero | 零下5度 | moins cinq degrés | −5"
            " | fünf Grad unter null",
        32.222222: "90 F | 90 degF | ninety Fahrenheit | 90 °F", 26.85: "300 K",
        0: "freezing point | below zero | sub-zero | null Grad",
        -2: "2 degrees of frost | 2 Grad Frost | - 2 °C", 30: "au moins 30 degrés", 40: "a hundred and four degree (F",
        -10: "ten below | minus ten degrees", 10: "50 fahrenheit | ten above",
    },
    "ampere": {5: "5 A | 5 amps | five amperes | fünf Ampere | 5安", 0.5: "500 mA"
        " | half an amp", 1200: "1.2 kA", 2.5: "2,5 A"},
    "c_rate": {
        0.5: "0.5C | C/2 | 1/2 C | half C | half a C | C-Rate von 0,5 | ½ C", 1 / 3: "C/3 | a third of C", 2: "2 C"
            " | two C",
        0.2: "C over 5 | C over five", 1.5: "1.5 C-rate | one and a half C | 1½C", 1: "1C | one-C",
    },
    "minutes": {
        40: "40 minutes | 40 min | 40 | forty | 40分钟 | 7:30, it is 6:50 now | it's 6:50, leave at 7:30 | 40'"
            " | by half past seven, now ten to seven | quarante minutes | 0:10, now 23:30 | 7:30 am, it's 6:50 am",
        90: "an hour and a half | 1h30 | 1:30 h | anderthalb Stunden | une heure et demie | 1½ hours | 1 h 30 min"
            " | hour n a half | an hour and thirty minutes | 一个半小时",
        100: "1 Std. 40 Min. | 1 hr. 40 min", 70: "hour and ten minutes",
        85: "cinq heures moins dix, le bus part à six heures et quart | fünf nach halb acht, um neun los",
        120: "2 more hours | two hours | two-hour | deux heures | 两个小时 | zwei Stunden", 150: "two and a half hours"
            " | zweieinhalb Stunden",
        30: "half an hour | half hour | eine halbe Stunde | une demi-heure | 半小时"
            " | 半个小时", 1440: "a day", 1.5: "90 s",
        45: "three quarters of an hour | trois quarts d'heure | 三刻钟 | jetzt is sieben, dreiviertel acht fahren",
        480: "22:00 and 06:00", 105: "quarter past three now, it must show 80 % at five o'clock"
             " | an hour and three quarters | one hour and 3 quarters",
        15: "un quart d'heure", 110: "an hour and fifty | 1 hour 50", 510: "21:45 now, 06:15 start of duty",
        95: "by ten past nine, when the clock reads twenty-five to eight | midi dix, on repart à 13 h 45",
        75: "Half past nine it is, quarter to eleven I go",
        60: "5 pm, it's 4 pm now | one hour",
        80: "full by 17:20, clock says 16:00 | at eight thirty, clock says ten past seven",
        360: "five thirty in the morning, at present it's eleven thirty at night",
    },
    "years": {
        10: "10 years | a decade | ten-year | zehn Jahre | dix ans | 十年", 1.5: "18 months | a year and a half"
            " | anderthalb Jahre",
        0.5: "half a year | six mois | 6 months", 26 * 7 / 365.25: "26 weeks", 3: "3 yrs", 20: "two decades",
        25: "a quarter of a century", 2.5: "2y6m | 2 yrs 6 m", 7.5: "seven and a half", 5: "Fünfjahresvertrag",
    },
    "cycles_per_week": {
        5: "5 | five times a week | workdays | every weekday | Monday to Friday | 5x/week | 每周循环5次"
            " | 5 mal pro Woche",
        7: "daily | every night | täglich | jeden Tag | tous les jours | 每天 | one cycle a day | every single day",
        14: "twice a day | 每天两次 | deux fois par jour | zweimal täglich | jeden Tag zweimal | 天天两循环"
            " | deux cycles quotidiens"
            " | 2 times each day", 1: "twice a fortnight | weekly",
        3.5: "every other day | jeden zweiten Tag | un jour sur deux | 每两天一次 | every two days",
        12 * 7 / 365.25: "once a month"
            " | monthly", 300 * 7 / 365.25: "300 cycles a year", 2: "Mondays and Thursdays only",
        0.5: "两周才循环一次", 24 * 7 / 365.25: "半个月一次",
        21: "three cycles a day seven days a week | 3 trips a day | 3 cyc/d", 4.5: "9 trips a fortnight",
    },
    "millivolt": {30: "30 mV | 0.03 V | thirty millivolts | 30毫伏", 100: "0,1 V | 100 mV"},
    "count": {5: "5 | five | fünf | the five", 10: "top ten", 12: "a dozen", 6: "half a dozen", 1: "the single worst"
        " | one"},
    "asset_id": {
        "PK-0042": "PK-0042 | pk 42 | pack 42 | PK42 | pk-042 | Pack Nr. 42 | pack number forty-two | batterie 42"
            " | 42号电池包"
                   " | #42 | Pack zweiundvierzig | PK_0042 | 42 | pack no. 42",
        "PK-0042-C07": "cell 7 of pack 42 | PK-0042 C7 | cell 7 in PK0042 | PK-0042-C07 | Zelle 7 von Pack 42 | pk42c7"
                       " | cellule 7 du pack 42 | pack 42, cell 7 | 42号电池包第7号电芯",
        "UP-3f9a": "UP-3f9a | up 3F9A | upload 3f9a", "PK-0042-C107": "PK-0042-C107", "UP-beef": "UP-beef",
        "PK-0112": "pack a hundred and twelve", "PK-0105-C12": "cell 12 of pack one-oh-five",
        "PK-0007": "PK-OOO7 | PK-0O07 | pack oh oh seven | pack double oh seven",
    },
}
CASES = [(q, v, w) for q, values in WRITINGS.items() for v, ws in values.items() for w in ws.split(" | ")]


@pytest.mark.parametrize(("quantity", "value", "words"), CASES, ids=lambda x: str(x))
def test_writings(quantity, value, words):
    got = read(words, quantity)
    assert got == value if isinstance(value, str) else math.isclose(got, value, abs_tol=1e-5)


REFUSED = {
    "percent": "20 or 30 % | 20-80 | 20/80 | 120 % | nan | inf | 1,500 % | not 20 % | 20 percent more |  | the usual"
        " | -5 %",
    "soh": "20 to 30 % lost | bad", "celsius": "warm | 4 to 5 | 1e9 | -400 | half the degrees | - 5 and 3",
    "ampere": "1C | C/2 | five or six A | 99999999 A | -5 A", "c_rate": "5 A | 500 mA | C/0 | half", "count": "2.5"
        " | many",
    "minutes": "7:30 | by 7:30 | 30 or 40 min | 7:30, it is 7:30 now | minutes | by 7"
        " | an hour, 55 minutes | 21:45 now, 10:15 | 6:50, 7:10, 7:30 | 1:75 h | soon",
    "millivolt": "a tenth | 30 A", "years": "next decade or two | 40 m | 500 years | 2 years 30 min",
    "cycles_per_week": "often | every other | 5 or 6 a week | 90 every evening | 80 daily | 5 A/d",
    "asset_id": "pack 42 and 43 | pack 123456 | LG M50LT | it | pack | up dead",
}


@pytest.mark.parametrize(("quantity", "words"), [(q, w) for q, ws in REFUSED.items() for w in ws.split(" | ")])
def test_what_cannot_be_read_is_refused(quantity, words):
    with pytest.raises(BadArgument) as error:
        read(words, quantity)
    assert str(error.value).count("\n") == 0 and len(str(error.value)) < 260


def test_a_wrong_kind_of_current_names_the_right_argument():
    with pytest.raises(BadArgument, match="c_rate"):
        read("1C", "ampere")
    with pytest.raises(BadArgument, match="current_a"):
        read("5 A", "c_rate")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e300, True, None, [5], {"a": 1}])
@pytest.mark.parametrize("quantity", QUANTITIES)
def test_no_number_that_is_none(value, quantity):
    with pytest.raises(BadArgument):
        read(value, quantity)


def test_canonical_converts_a_whole_call():
    raw = {"asset_id": "cell 7 of pack 42", "soc_percent": "half", "target_soc_percent": 80, "temperature_c": "41 F",
           "soh_percent": "15 percent fade", "time_limit_min": "an hour and a half", "priority": "fastest",
           "cell_model": None}
    assert canonical(raw, RecommendChargingCurrent) == {
        "asset_id": "PK-0042-C07", "soc_percent": 50, "target_soc_percent": 80, "temperature_c": 5, "soh_percent": 85,
        "time_limit_min": 90, "priority": "fastest"}
    assert canonical({"soh_below_percent": "lost a fifth", "limit": "top ten", "site": ' "Depot  North" '},
        FindPacks) == {
        "soh_below_percent": 80, "limit": 10, "site": "Depot North"}
    assert canonical({"cell_model": "'LG  M50LT'", "years": "a decade"}, ForecastLife) == {"cell_model": "LG M50LT",
        "years": 10}
    assert canonical({"query": "“max charge current”"}, SearchDocuments) == {"query": "max charge current"}


def test_canonical_names_the_bad_field():
    with pytest.raises(BadArgument) as error:
        canonical({"asset_id": "PK-0042", "current_a": "1C"}, SimulateCharge)
    assert error.value.field == "current_a" and "current_a" in str(error.value)
    with pytest.raises(BadArgument) as error:
        canonical({"pack": "PK-0042"}, GetStatus)
    assert error.value.field == "pack" and "asset_id" in str(error.value)


def written(n):
    """An integer in digits or in the words of three languages."""
    forms = [str(n), f"{n}.0"] + ([english(n), english(n).replace("-", " "), german(n)] if 0 <= n < 100 else [])
    return st.sampled_from(forms)


@settings(max_examples=150, deadline=None)
@given(st.data(), st.integers(0, 99))
def test_integers_in_every_unit(data, n):
    words = data.draw(written(n))
    lead = data.draw(st.sampled_from(["", "about ", "at ", "up to ", "only "]))
    unit = data.draw(st.sampled_from(["%", " %", " percent", " Prozent", ""]))
    assert read(lead + words + unit, "percent") == n
    assert read(lead + words + data.draw(st.sampled_from([" degrees", " °C", " C", " celsius", ""])), "celsius") == n
    assert read(lead + words + data.draw(st.sampled_from([" A", " amps", " Ampere"])), "ampere") == n
    assert read(lead + words + data.draw(st.sampled_from([" min", " minutes", " Minuten"])), "minutes") == n
    assert read(words + data.draw(st.sampled_from([" mV", " millivolts"])), "millivolt") == n
    assert read(words + data.draw(st.sampled_from([" times a week", " cycles per week", " mal pro Woche"])),
        "cycles_per_week") == n
    assert read("minus " + words + " degrees", "celsius") == -n
    assert read(chinese(n) + data.draw(st.sampled_from(["度", "摄氏度"])), "celsius") == n
    if n <= 50:
        assert read(words + data.draw(st.sampled_from([" percent lost", "% fade", " % of capacity gone"])),
            "soh") == 100 - n


decimals = st.integers(1, 9999).map(lambda i: i / 100)


@settings(max_examples=150, deadline=None)
@given(decimals, st.sampled_from([".", ","]))
def test_decimals_and_conversions(value, point):
    words = f"{value:g}".replace(".", point)
    close = {"abs": 0.01, "rel": 1e-9}
    assert read(f"{words} F", "celsius") == pytest.approx((value - 32) / 1.8, **close)
    assert read(f"{words} K", "celsius") == pytest.approx(value - 273.15, **close)
    assert read(f"{words} mA", "ampere") == pytest.approx(value / 1000, abs=1e-5)
    assert read(f"{words} kA", "ampere") == pytest.approx(value * 1000, **close)
    assert read(f"{words} V", "millivolt") == pytest.approx(value * 1000, **close)
    assert read(f"{words} hours", "minutes") == pytest.approx(value * 60, **close)
    assert read(f"{words} months", "years") == pytest.approx(value / 12, **close)
    assert read(f"C/{words}", "c_rate") == pytest.approx(1 / value, **close)
    assert read(f"{words}C", "c_rate") == pytest.approx(value, **close)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 1439), st.integers(1, 719), st.sampled_from(
    ["{b}, it is {a} now", "it's {a}, leave at {b}", "now {a}, ready by {b}", "{a} now and out at {b}",
        "es ist jetzt {a}, um {b} los"]))
def test_clock_differences(now, gap, style):
    clock = [f"{t // 60:02d}:{t % 60:02d}" for t in (now, (now + gap) % 1440)]
    assert read(style.format(a=clock[0], b=clock[1]), "minutes") == gap


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 9999), st.integers(0, 199), st.data())
def test_ids(pack, cell, data):
    p = data.draw(st.sampled_from(["PK-{0:04d}", "pk {0}", "pack {0}", "PK{0:04d}", "Pack Nr. {0}", "battery {0}",
        "pack #{0}", "pk_{0:03d}"]))
    c = data.draw(st.sampled_from(["{0}-C{1:02d}", "{0} C{1}", "cell {1} of {0}", "cell {1} in {0}", "{0}, cell {1}",
        "Zelle {1} von {0}"]))
    assert read(p.format(pack), "asset_id") == f"PK-{pack:04d}"
    assert read(c.format(p.format(pack), cell), "asset_id") == f"PK-{pack:04d}-C{cell:02d}"


FRAGMENTS = (" of", " the", " half", " and", " a", " an", " hour", " quarter", " three", " 3", " 7:30", " it is",
    " now", "%", " percent", " lost",
             " capacity", " C", "/", " /", " minus", "-", " 5", ",", ".", " degrees", " below", " zero", " pack",
             " cell", "#", " to", " past",
             " cycles", " day", " every", " other", " week", "半", "两", "十", "分之", "个", "小时", "½", " demi",
             " et", " eine", "einhalb", " nan")
anything = st.one_of(st.text(max_size=130), st.lists(st.sampled_from(FRAGMENTS), max_size=25).map("".join))


@settings(max_examples=200, deadline=None)
@given(anything, st.sampled_from([*QUANTITIES, "cell_model", "site", "query"]))
@example(" of" * 40, "soh")
@example("5 percent" + " of" * 36, "soh")
@example(" cycle" * 20, "cycles_per_week")
@example("9" * 110, "percent")
@example("十" * 110, "minutes")
def test_arbitrary_text_is_read_or_refused(text, quantity):
    try:
        value = read(text, quantity)
    except BadArgument as error:
        assert str(error)
    else:
        assert isinstance(value, str) or math.isfinite(value)
