"""What is written from a canonical value, in any of the ways people write, reads back as that value.

Alone through `read` and inside a sentence through `spans`, where it must be the only value found. What is ambiguous
is refused with one sentence.
"""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from number_words import chinese, english, french, german, spanish

from tools.arguments import Diagnose, FindPacks, ForecastLife, RecommendChargingCurrent, SimulateCharge
from tools.contract import quantity_of
from tools.errors import BadArgument
from tools.sourcing import spans, unsaid
from tools.words import canonical, read

many = settings(max_examples=200, deadline=None)
some = settings(max_examples=100, deadline=None)
few = settings(max_examples=40, deadline=None)
SENTENCES = ("{}", "for PK-0042: {}", "PK-0042, {}, please", "What about pack 42 ({})?", "{} for our cell; thanks")


def choice(*writings):
    return st.sampled_from(writings)


def plain(value, point="."):
    return f"{value:.6f}".rstrip("0").rstrip(".").replace(".", point)


def found(text, quantity):
    return [value for _, _, value in spans(text, quantity)]


def reads_back(words, quantity, value, sentence="{}"):
    """The words alone, and in a sentence with no other value of the quantity."""
    assert read(words, quantity) == pytest.approx(value, abs=2e-3)
    assert found(sentence.format(words), quantity) == [pytest.approx(value, abs=2e-3)]


def refused(words, quantity):
    with pytest.raises(BadArgument) as error:
        read(words, quantity)
    sentence = str(error.value)
    assert 20 < len(sentence) < 260 and "\n" not in sentence and sentence.endswith(".")


@many
@given(st.integers(-600, 1000).map(lambda t: t / 10), choice(".", ","), choice(*SENTENCES), st.data())
def test_temperatures_in_three_scales(celsius, point, sentence, data):
    scale, unit = data.draw(choice(
        ("c", "{} °C"), ("c", "{} degrees"), ("c", "{}°C"), ("c", "{} Grad"), ("c", "{}度"),
        ("f", "{} °F"), ("f", "{} F"), ("f", "{} Fahrenheit"), ("f", "{} degrees Fahrenheit"), ("f", "{}°F"),
        ("f", "Fahrenheit: {}"), ("f", "华氏{}度"), ("k", "{} K"), ("k", "{} Kelvin")))
    number = {"c": celsius, "f": celsius * 1.8 + 32, "k": celsius + 273.15}[scale]
    assume("." not in plain(number) or len(plain(number).partition(".")[2]) != 3)
    reads_back(unit.format(plain(round(number, 2), point)), "celsius", celsius, sentence)


@many
@given(st.integers(0, 99), choice(english, german, french, spanish, chinese), choice(*SENTENCES))
def test_number_words_of_five_languages(n, writer, sentence):
    words = writer(n)
    units = {english: (" percent", " degrees", " minutes", " amps"), chinese: ("%", "度", "分钟", "安"),
             german: (" Prozent", " Grad", " Minuten", " Ampere"),
             french: (" pour cent", " degrés", " minutes", " ampères"),
             spanish: (" por ciento", " grados", " minutos", " amperios")}[writer]
    assume(not (writer is spanish and n == 11))  # "once" is English too
    for quantity, unit in zip(("percent", "celsius", "minutes", "ampere"), units, strict=True):
        reads_back(words + unit, quantity, n, sentence)


@some
@given(st.integers(1, 9), st.integers(2, 10), choice(*SENTENCES), st.data())
def test_fractions(top, bottom, sentence, data):
    assume(top < bottom)
    parts = ("halves", "thirds", "quarters", "fifths", "sixths", "sevenths", "eighths", "ninths", "tenths")
    part = parts[bottom - 2] if top > 1 else {"halves": "half"}.get(parts[bottom - 2], parts[bottom - 2][:-1])
    words = data.draw(choice(f"{top}/{bottom}", f"{english(top)} {part}", f"{top} {part}",
                             f"{chinese(bottom)}分之{chinese(top)}"))
    reads_back(words, "percent", 100 * top / bottom, sentence)
    reads_back(f"{words} of its capacity gone" if words.isascii() else f"衰减了{words}", "soh",
               100 - 100 * top / bottom, sentence)


@many
@given(st.integers(1, 2000).map(lambda i: i / 20), choice(".", ","), choice(*SENTENCES), st.data())
def test_currents_and_rates(value, point, sentence, data):
    number, factor, unit = data.draw(choice(
        (value, 1, "{} A"), (value, 1, "{}A"), (value, 1, "{} amps"), (value, 1, "{} Ampere"), (value, 1, "{}安培"),
        (value * 1000, 1, "{} mA"), (value * 1000, 1, "{} milliamps"), (value / 1000, 1, "{} kA")))
    assume(len(plain(number).partition(".")[2]) != 3)
    reads_back(unit.format(plain(number, point)), "ampere", value * factor, sentence)
    rate = data.draw(choice(f"{plain(value, point)}C", f"{plain(value)} C", f"{plain(value)} C-rate",
                            f"C-rate of {plain(value)}", f"{plain(value)} of C"))
    reads_back(rate, "c_rate", value, sentence)
    refused(rate, "ampere")


@many
@given(st.integers(0, 30), st.integers(1, 59), choice(*SENTENCES), st.data())
def test_durations(hours, minutes, sentence, data):
    total = 60 * hours + minutes
    writings = [f"{total} min", f"{total} minutes", f"{total}分钟", f"{total} Minuten", f"{60 * total} seconds"]
    if hours:
        writings += [f"{hours} h {minutes} min", f"{hours}h{minutes:02d}min", f"{hours} hours and {minutes} minutes",
                     f"{hours} hours, {minutes} minutes", f"{hours} Stunden {minutes} Minuten",
                     f"{hours} heures et {minutes} minutes", f"{hours}小时{minutes}分钟", f"{hours}:{minutes:02d} h",
                     f"{hours} horas y {minutes} minutos", f"{english(hours)} hours {english(minutes)} minutes",
                     f"{hours} hours and {minutes}", f"{english(hours)} hours {english(minutes)}"]
    if hours == 1:
        writings += [f"an hour and {minutes} minutes", f"an hour and {english(minutes)}"]
    reads_back(data.draw(st.sampled_from(writings)), "minutes", total, sentence)


@some
@given(st.integers(1, 120), choice(*SENTENCES), st.data())
def test_years(quarters, sentence, data):
    words = data.draw(choice(f"{3 * quarters} months", f"{plain(quarters / 4)} years", f"{quarters} quarters",
                             f"{plain(quarters / 4, ',')} Jahre", f"{3 * quarters} mois", f"{3 * quarters}个月"))
    assume(not words.startswith("1 quarters"))
    reads_back(words, "years", quarters / 4, sentence)


def clock(minute, style):
    """A time of the day that leaves no doubt about its half."""
    hour, rest = divmod(minute % 1440, 60)
    half, twelve = ("am", "pm")[hour >= 12], hour % 12 or 12
    part = "in the morning" if hour < 12 else "in the afternoon" if hour < 18 else "in the evening"
    following = (hour + 1) % 24
    to = f"{english(60 - rest)} to {english(following % 12 or 12)} {('am', 'pm')[following >= 12]}" if rest else ""
    return {
        "digits": f"{hour:02d}:{rest:02d}", "am": f"{twelve}:{rest:02d} {half}", "h": f"{hour:02d}h{rest:02d}",
        "words": f"{english(rest)} past {english(twelve)} {half}" if 0 < rest <= 30 else to or f"{twelve} {half}",
        "spoken": f"at {english(twelve)} {english(rest)} {half}" if rest >= 10 else f"{twelve}:{rest:02d} {half}",
        "uhr": f"{hour:02d}:{rest:02d} Uhr", "chinese": f"{hour:02d}点{rest:02d}分",
        "part": f"{twelve}:{rest:02d} {part}"}[style]


STYLES = ("digits", "am", "words", "uhr", "h", "chinese")
PRESENT_LAST = ("{b}, it is {a} now", "by {b}, it's {a}", "{b}, present time {a}", "{b}, currently {a}",
                "bis {b}, jetzt {a}", "by {b}, the clock reads {a}", "until {b}, still {a}", "{b}, now {a}",
                "avant {b}, il est {a}")
PRESENT_FIRST = ("it's {a}, leave at {b}", "now {a}, ready by {b}", "{a} now and out at {b}",
                 "{a} now, {b} start of duty", "es ist jetzt {a}, um {b} los", "the clock says {a}, by {b}",
                 "{a} it is, {b} I go", "现在{a}，{b}出发")


@some
@given(st.integers(0, 1439), st.integers(1, 719), choice(*STYLES), choice(*STYLES),
       choice(*PRESENT_LAST, *PRESENT_FIRST), choice("{}", "for PK-0042: {}", "{}, what amps?"))
def test_clock_times_in_both_orders(now, gap, style, other, order, sentence):
    assume("现" not in order or {style, other} <= {"digits", "chinese"})
    words = order.format(a=clock(now, style), b=clock(now + gap, other))
    assume(len(words) <= 60)  # of an argument on the wire
    assert read(words, "minutes") == gap
    assert found(sentence.format(words), "minutes") == [gap]


@some
@given(st.integers(0, 1439), st.integers(1, 1439), choice("am", "part", "spoken", "words"))
def test_the_half_of_the_day_counts_over_midnight(now, gap, style):
    assert read(f"{clock(now, style)} now, {clock(now + gap, style)}", "minutes") == gap


@some
@given(st.integers(0, 1439), st.integers(1, 719),
       choice("by {b}, {a}", "{a} now {b}", "now {a}, now {b}", "by {b}", "{b}", "now {a}, tomorrow {c}"))
def test_clock_times_in_doubt_are_refused(now, gap, order):
    words = order.format(a=clock(now, "digits"), b=clock(now + gap, "digits"), c=f"{now // 60 % 12 + 1}:30")
    refused(words, "minutes")
    assert found(words, "minutes") == []


@some
@given(st.integers(13, 23), st.integers(1, 10), st.integers(0, 59))
def test_a_time_of_either_half_of_the_day_is_refused_or_sure(now, deadline, minute):
    """After "21:45" a deadline of "10:15" may be either; "6:15" is the next morning either way of writing."""
    words, gap = f"{now}:00 now, {deadline}:{minute:02d}", (60 * (deadline - now) + minute) % 1440
    if gap <= 720:
        assert read(words, "minutes") == gap
    else:
        refused(words, "minutes")


@many
@given(st.integers(1, 20), choice(*SENTENCES), st.data())
def test_frequencies(n, sentence, data):
    word, per_week = data.draw(choice(
        ("day", 7), ("week", 1), ("month", 84 / 365.25), ("year", 7 / 365.25)))
    german_word = {"day": "Tag", "week": "Woche", "month": "Monat", "year": "Jahr"}[word]
    spanish_word = {"day": "día", "week": "semana", "month": "mes", "year": "año"}[word]
    hanzi = {"day": "天", "week": "周", "month": "月", "year": "年"}[word]
    words, rate = data.draw(choice(
        (f"{n} times a {word}", n * per_week), (f"{english(n)} cycles per {word}", n * per_week),
        (f"{n} mal pro {german_word}", n * per_week), (f"{n} veces por {spanish_word}", n * per_week),
        (f"{n}x/{word}", n * per_week), (f"every {n + 1} {word}s", per_week / (n + 1)),
        (f"每{hanzi}{n}次", n * per_week), (f"{n} charges every {word}", n * per_week)))
    reads_back(words, "cycles_per_week", rate, sentence)


@many
@given(st.integers(1, 9999), st.integers(1, 199), st.data())
def test_ids_in_any_writing(pack, cell, data):
    of = data.draw(choice("PK-{0:04d}", "pk {0}", "PK{0:04d}", "Pack Nr. {0}", "battery {0}", "pack #{0}", "pk_{0:03d}",
                          "pack no. {0}", "batterie {0}", "{0}号电池包", "Akku {0}")).format(pack)
    single = data.draw(choice("{0}-C{1:02d}", "{0} C{1}", "cell {1} of {0}", "cell {1} in {0}", "{0}, cell {1}",
                              "Zelle {1} von {0}", "cellule {1} du {0}")).format(of, cell)
    sentence = data.draw(choice("{}", "how is {} today?", "diagnose {}, please", "{}: 5 A at 12 °C", "is {} at 20 %?"))
    assert read(of, "asset_id") == f"PK-{pack:04d}" and found(sentence.format(of), "asset_id") == [f"PK-{pack:04d}"]
    if "号" not in of:
        assert read(single, "asset_id") == f"PK-{pack:04d}-C{cell:02d}"
        assert found(sentence.format(single), "asset_id") == [f"PK-{pack:04d}-C{cell:02d}"]


@some
@given(st.from_regex(r"[0-9a-f]{4,12}", fullmatch=True), choice("UP-{}", "up-{}", "upload UP-{}"))
def test_uploads(code, writing):
    assert read(writing.format(code), "asset_id") == f"UP-{code}"


@some
@given(st.integers(2, 99), st.integers(2, 99), choice("{} or {}", "{} to {}", "between {} and {}", "{}-{}"),
       choice(("percent", " %"), ("celsius", " °C"), ("ampere", " A"), ("minutes", " min"), ("millivolt", " mV"),
              ("years", " years")))
def test_two_values_are_refused(a, b, order, unit):
    assume(a != b)
    refused(order.format(a, b) + unit[1], unit[0])


@some
@given(st.integers(1, 999), st.integers(0, 999), choice(("ampere", "mA"), ("millivolt", "mV"), ("minutes", "min")))
def test_a_comma_of_thousands_or_decimals_is_refused(whole, rest, unit):
    refused(f"{whole},{rest:03d} {unit[1]}", unit[0])


@some
@given(choice("half", "a third", "three quarters", "a tenth", "1/2", "a quarter", "3/4"),
       choice("ampere", "millivolt", "celsius", "minutes", "count"))
def test_a_part_of_nothing_is_refused(part, quantity):
    refused(part, quantity)


SLIPS = (("celsius", "90 {}", "fahrenheit", 290 / 9), ("celsius", "12 {}", "degrees", 12),
         ("years", "18 {}", "months", 1.5), ("minutes", "2 {}", "hours", 120),
         ("ampere", "500 {}", "milliamps", 0.5), ("percent", "20 {}", "percent", 20))


@many
@given(choice(*SLIPS), st.integers(1, 30), choice("swap", "drop", "double"))
def test_a_slip_of_the_pen_in_a_unit_changes_no_value(case, at, slip):
    quantity, writing, unit, value = case
    at = 1 + at % (len(unit) - 2)
    wrong = {"swap": unit[:at] + unit[at + 1] + unit[at] + unit[at + 2:], "drop": unit[:at] + unit[at + 1:],
             "double": unit[:at] + unit[at] + unit[at:]}[slip]
    words = writing.format(wrong)
    try:
        assert read(words, quantity) == pytest.approx(value)
    except BadArgument:
        assert len(wrong) < 6  # a short word may stay unread, but then nothing else is read either
    assert all(v == pytest.approx(value) for v in found(f"PK-0042, {words}, please", quantity)) or len(wrong) < 5


CARRIED = (  # argument model, argument, what was said first, then, its unit
    (FindPacks, "temperature_above_c", "above {} °F?", "°F", {}),
    (SimulateCharge, "current_a", "PK-0042 at {} mA", "mA", {"asset_id": "PK-0042"}),
    (ForecastLife, "years", "PK-0042 in {} months", "months", {"asset_id": "PK-0042"}),
    (FindPacks, "spread_above_mv", "spread over {} V", "V", {}))


@some
@given(choice(*CARRIED), st.integers(20, 90), st.integers(2, 30), choice("and over {}?", "and {}?", "what about {}"))
def test_a_number_that_lost_its_unit_is_refused_and_taken_with_it(case, first, second, question):
    model, name, said, unit, rest = case
    quantity = quantity_of(model.model_fields[name])
    assume(second not in (first, 42, read(f"{first} {unit}", quantity)))
    turns = [said.format(first), question.format(second)]
    raw = rest | {name: str(second)}
    with pytest.raises(BadArgument, match="no unit"):
        unsaid(raw, canonical(raw, model), model, turns, [])
    raw = rest | {name: f"{second} {unit}"}
    assert unsaid(raw, canonical(raw, model), model, turns, []) == []


@some
@given(st.integers(1, 400), st.integers(1, 96), st.integers(1, 96))
def test_a_cell_of_the_pack_of_an_earlier_turn(pack, cell, other):
    turns = [f"diagnose pack {pack}", f"cell {cell} of it in particular"]
    raw = {"asset_id": f"PK-{pack:04d}-C{other:02d}"}
    assert (unsaid(raw, canonical(raw, Diagnose), Diagnose, turns, []) == []) is (cell == other)


@few
@given(st.integers(0, 1439), st.integers(1, 300), st.integers(1, 300))
def test_a_deadline_and_the_present_of_two_turns(now, gap, late):
    early = clock(now - late, "digits")
    present, deadline, model = clock(now, "digits"), clock(now + gap, "digits"), RecommendChargingCurrent
    turns = [f"PK-0042 full by {deadline}, clock says {early}", f"it's actually {present}"]
    right = {"asset_id": "PK-0042", "time_limit_min": f"{deadline}, it's {present}"}
    values = canonical(right, model)
    assert values["time_limit_min"] == gap and unsaid(right, values, model, turns, []) == []
    swapped = right | {"time_limit_min": f"{present}, it's {deadline}"}
    try:
        assert unsaid(swapped, canonical(swapped, model), model, turns, []) == ["time_limit_min"]
    except BadArgument:
        assert now // 60 in range(1, 13) or (now + gap) // 60 % 24 in range(1, 13)
