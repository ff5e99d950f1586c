"""What a question asks for, and the answer from a cell's own passages: no index, no embedding, quick."""

import numpy as np
import pytest

from oracle import render
from oracle.grounding import Call, check
from retrieval import index, vectors
from retrieval.answer import answer
from retrieval.asked import asked
from retrieval.documents import cell_passages
from retrieval.names import cells_meant, cells_named, unknown_name
from retrieval.passages import Passage
from retrieval.question import in_full
from retrieval.units import converted, unit_asked
from retrieval.words import WordIndex
from tools.cells import find_cell
from tools.errors import CannotAnswer


@pytest.mark.parametrize(("question", "cell"), [
    ("the LG 50, how heavy", "LG M50"), ("LG 50 LT mass", "LG M50LT"), ("inr21700 m50lt mass", "LG M50LT"),
    ("M50-LT?", "LG M50LT"), ("314 Ah CATL cycles", "CATL 314Ah"), ("molicel 42a amps", "Molicel P42A"),
    ("sanyo ga min capacity", "Panasonic NCR18650GA"), ("Naxtar energy", "CATL Naxtra"), ("the Kokam", "Kokam 7.5Ah"),
    ("Kokam 7,5 Ah", "Kokam 7.5Ah"), ("smasung 35E", "Samsung 35E")])
def test_names_as_people_write_them(question, cell):
    assert cells_meant(question)[0] == {cell}


@pytest.mark.parametrize(("question", "fields"), [
    ("Welche Entladeschlussspannung nennt das Datenblatt?", {"voltage_discharge_cutoff_v"}),
    ("discharge cut-off", {"voltage_discharge_cutoff_v"}), ("cut-off current", {"charge_current_cutoff_standard_a"}),
    ("charge cut-off", {"charge_current_cutoff_standard_a", "voltage_charge_cutoff_v"}),
    ("charge cut-off voltage", {"voltage_charge_cutoff_v"}),
    ("cut-off", {"voltage_discharge_cutoff_v", "voltage_charge_cutoff_v"})])
def test_a_cut_off_is_a_voltage_or_a_current(question, fields):
    assert set(asked(question).fields) == fields


def test_an_ambient_is_a_temperature():
    assert asked("the highest ambient at which it may be charged").fields == ("charge_temperature_max_c",)


def test_a_maker_with_two_such_cells_means_both():
    assert cells_meant("weight of the Samsung 50")[0] == {"Samsung 50E", "Samsung 50S"}


@pytest.mark.parametrize("question", ["Samsung 25R", "the Sony VTC5A", "EVE LF304 mass", "LG M58T", "NCR20700B"])
def test_a_part_number_one_letter_off_is_another_cell(question):
    found, rest = cells_meant(question)
    assert found == set()
    assert unknown_name(rest) in question


def test_documents_are_about_cells_they_spell_out_and_no_others():
    assert cells_named("the Samsung 40 at 40 degC, the Kokam, Naxtar")[0] == set()


@pytest.mark.parametrize(("question", "fields"), [
    ("how hard may it be charged", ("charge_current_max_a", "charge_current_rapid_a")),
    ("Entladeschlussspannung", ("voltage_discharge_cutoff_v",)),
    ("what does one weigh", ("mass_g",)), ("cicle life", ("cycle_life_cycles",)), ("Wie breit ist sie", ("width_mm",)),
    ("how cold while discharging", ("discharge_temperature_min_c",)), ("burst amps", ("discharge_current_pulse_a",)),
    ("Wie hoch ist die Nennspannung", ("voltage_nominal_v",)), ("taper current", ("charge_current_cutoff_standard_a",)),
    ("self discharge per month", ("self_discharge_max_pct_per_month",)), ("Wh per litre", ("energy_density_wh_per_l",)),
    ("charge and discharge cut-off voltage", ("voltage_charge_cutoff_v", "voltage_discharge_cutoff_v")),
    ("length and diameter", ("length_mm", "diameter_mm")), ("who won the world cup", ())])
def test_fields_asked_for(question, fields):
    assert asked(question).fields == fields


@pytest.mark.parametrize(("question", "celsius"), [
    ("charge current at -5C", -5), ("at minus 5 degrees", -5), ("at - 5 °C", -5), ("at 14 °F", -10), ("at 2C", None),
    ("at 25 degC", 25), ("charge current", None)])
def test_a_temperature_is_a_condition_and_keeps_its_sign(question, celsius):
    assert asked(question).temperature_c == celsius


def test_matters_that_no_field_covers_are_told_apart():
    assert asked("separator thickness").beyond == {"separator"}
    assert asked("thickness including swelling").beyond == set()


def _told(cell: str, question: str) -> list[str]:
    found = answer(asked(question), cell_passages(find_cell(cell)))
    return [t.text for t in found.told]


def test_the_answer_is_the_passages_sentence_with_the_unit_asked_for():
    """LG 2021-LSD-MBD-b00002: 0.7C = 3.36 A from 25 to 45 degC, 0.3C = 1.44 A below."""
    told = _told("LG M50LT", "max charging current in mA")
    assert told[0] == "Maximum charging current: 3.36 A = 3360 mA (only 25 to 45 degC)."
    assert told[1] == "Charging from 0 to 25 degC: at most 0.3C (1.44 A)."
    assert _told("LG M50LT", "charging current at 10 degC") == told[1:2]
    assert _told("LG M50LT", "charging current at -5 degC") == [
        "Charging temperature: 0 to 45 degC; -5 degC is outside that."]


def test_one_end_of_a_window():
    """A123 ANR26650M1-B: operating -30 to 55 degC; -30 degC are -22 degF."""
    told = _told("A123 26650", "lowest discharge temperature in °F")
    assert told[0].startswith("Lowest discharging temperature: -30 degC = -22 degF; the window is -30 to 55 degC")


def test_a_field_that_no_source_states_is_missing_with_what_is_near():
    found = answer(asked("maximum charging current"), cell_passages(find_cell("Samsung 40T")))
    assert (found.told, found.missing) == ((), ("maximum charging current",))
    assert found.instead[0].value == 6.0  # "rated charge"


def test_every_stated_number_can_be_asked_for_by_its_label():
    """Each field of each cell, asked by the label of the documents, is answered with its own value."""
    from retrieval.answer import label_of
    from retrieval.topics import LABELS
    from tools.cells import load_catalogue

    wrong = []
    for cell in load_catalogue():
        passages = cell_passages(cell)
        for field, value in cell.facts.items():
            base = field.removesuffix("_min_c").removesuffix("_max_c")
            if base not in LABELS or not isinstance(value, int | float) or field == "cycle_life_cycles":
                continue
            told = answer(asked(label_of(field)), passages).told
            if not any(t.value == pytest.approx(value) for t in told[:3]):
                wrong.append((cell.name, field, [t.text for t in told][:1]))
    assert not wrong


@pytest.mark.parametrize(("question", "unit"), [
    ("current in mA", "mA"), ("how many grams", "g"), ("resistance, mOhm?", "mOhm"), ("in Fahrenheit", "degF"),
    ("a pulse of 10 s at 5 A", None), ("in the sheet", None)])
def test_units_asked_in(question, unit):
    assert unit_asked(question) == unit


def test_conversion():
    assert converted(3.36, "A", "mA") == pytest.approx(3360)
    assert converted(-30, "degC", "degF") == pytest.approx(-22)
    assert converted(1, "A", "V") is None


# -- the final answer

FOUND = {"query": "q", "answer": "LG M50LT, mass: 67.5 g [1].", "value": 67.5, "unit": "g", "passages": [
    {"n": 1, "document": "sheet", "page": 2, "kind": "datasheet", "text": "Mass: 67.5 g. Height: 70.65 mm.",
     "answers": "LG M50LT, mass: 67.5 g."}]}
NOWHERE = {"query": "q", "passages": [], "note": "Not in the documents: the mass of the CATL Naxtra."}
QUESTION = [{"role": "user", "content": "How heavy is it?"}]


def test_an_answer_without_the_value_that_was_found_is_not_accepted():
    call = [Call("search_documents", {"query": "q"}, FOUND)]
    assert check("It weighs 67.5 g [1].", call, QUESTION).grounded
    assert not check("It is 70.65 mm high [1].", call, QUESTION).grounded
    assert not check("It weighs 67.5 g.", call, QUESTION).grounded
    assert render.result("search_documents", FOUND) == "LG M50LT, mass: 67.5 g [1]. Source: sheet, page 2."


def test_an_answer_must_say_that_it_is_not_in_the_documents():
    call = [Call("search_documents", {"query": "q"}, NOWHERE)]
    assert check("The mass of the CATL Naxtra is not in the documents.", call, QUESTION).grounded
    assert not check("It is a light cell.", call, QUESTION).grounded


# -- an index that grows


def _passages(numbers):
    return [Passage(document=f"d{n}", text=f"text {n} about part{n}", kind="file", source="s", tenant=f"t{n % 3}")
            for n in numbers]


def _embed(texts):
    made = np.stack([np.random.default_rng(int("".join(filter(str.isdigit, t)))).standard_normal(384) for t in texts])
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


def test_a_large_index_is_changed_in_place_and_finds_what_is_new_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(vectors, "FLAT_UP_TO", 500)
    monkeypatch.setattr(index, "EXACT_UP_TO", 100)
    embedded = []

    def embed(texts):
        embedded.extend(texts)
        return _embed(texts)

    assert index.write_index(tmp_path, _passages(range(1000)), embed=embed)["vectors"] == "IVF-SQ8"
    del embedded[:]
    manifest = index.write_index(tmp_path, _passages(range(50, 1040)), embed=embed)
    assert (manifest["rows"], manifest["passages"], len(embedded)) == (1040, 990, 40)
    opened = index.open_index(tmp_path)
    for number, there in ((1030, True), (500, True), (20, False)):
        readable = opened.columns.readable(None)
        near = opened.near(_embed([f"text {number} about part{number}"])[0], {f"part{number}"},
                           np.flatnonzero(readable), readable)
        found = {opened.passages[int(r)].document for r in near}
        assert (f"d{number}" in found) == there
    mine = opened.columns.readable("t1")
    rows = vectors.nearest(opened.faiss, _embed(["text 500"])[0], mine, 50)
    assert {opened.passages[int(r)].tenant for r in rows} == {"t1"}


def test_an_interrupted_change_leaves_the_old_build(tmp_path):
    index.write_index(tmp_path, _passages(range(20)), embed=_embed)

    def interrupted(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        index.write_index(tmp_path, _passages(range(30)), embed=interrupted)
    assert len(index.open_index(tmp_path).passages) == 20
    assert not list((tmp_path / "index").glob(".building*"))


def test_a_cut_file_is_told(tmp_path):
    index.write_index(tmp_path, _passages(range(20)), embed=_embed)
    build = tmp_path / "index" / (tmp_path / "index" / "CURRENT").read_text()
    text = (build / "passages.jsonl").read_bytes()
    (build / "passages.jsonl").write_bytes(text[:-10])
    with pytest.raises(CannotAnswer, match="oracle index build"):
        index.open_index(tmp_path)


def test_rarity_is_counted_within_the_scope():
    """A word in 1 of 2 readable passages weighs the same however many there are that a scope may not read."""
    few = WordIndex.of(["kiel pack", "porto pack"])
    many = WordIndex.of(["kiel pack", "porto pack", *["kiel secret"] * 50])
    scope = np.array([True, True] + [False] * 50)
    alone = few.scores(["kiel", "pack"], np.array([True, True]))
    assert many.scores(["kiel", "pack"], scope)[:2] == pytest.approx(alone)
    assert not many.scores(["kiel", "pack"], scope)[2:].any()
    assert few.candidates(["kiel"], np.array([True, True]), np.array([False, True]), 5).size == 0


@pytest.mark.parametrize("query, said, searched", [
    ("LG M50 charge current", ["How hard may I discharge the LG M50?"], "How hard may I discharge the LG M50?"),
    ("LG M50LT mass", ["LG M50LT voltage?", "3.69 V [1].", "and its mass?"], "LG M50LT and its mass?"),
    ("worst depot", ["which depot is worst", "I can search for that.", "please do"], "worst depot please do"),
    ("充电电压", ["LG M50 充电电压是多少"], "充电电压 LG M50 充电电压是多少"),
])
def test_a_search_is_asked_what_the_person_asked(query, said, searched):
    assert in_full(query, said) == searched
    assert in_full(query, [*said[:-1], 301 * "x"]) == query
