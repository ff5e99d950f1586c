"""The retrieval questions and how an answer to one is judged."""

import pytest

from eval.overlap import shared_with, training_texts
from eval.retrieval import Found, Question, judge, load_questions, quantities
from tools.cells import load_catalogue

MASS = Question(question="q", answerable=True, expected_cell="eve-lf280k", expected_field="mass_g", expected_value=5.42,
                expected_unit="kg")
UNITS = {"mohm": "mOhm", "min": "min", "mm": "mm", "wh": "Wh", "a": "A", "v": "V", "g": "g", "c": "degC", "ah": "Ah"}
ABSENT = Question(question="q", answerable=False)


def test_the_questions_are_enough_and_agree_with_the_catalogue():
    """At least 150, a fifth without an answer; every expected number is the catalogue's, in whatever unit."""
    questions, cells = load_questions(), {cell.id: cell for cell in load_catalogue()}
    assert len(questions) >= 150
    assert sum(not q.answerable for q in questions) >= 0.2 * len(questions)
    assert len({q.question for q in questions}) == len(questions)
    for question in questions:
        facts = cells[question.expected_cell].facts if question.expected_cell else {}
        if not question.answerable:
            assert question.expected_field not in facts, question
        elif isinstance(question.expected_value, float) and question.expected_field in facts:
            unit = UNITS.get(question.expected_field.rsplit("_", 1)[1], question.expected_unit)
            told = Found(((cells[question.expected_cell].name, f"{facts[question.expected_field]} {unit}"),))
            assert judge(question, told).hit_1, question


def test_the_questions_are_no_training_text():
    assert not shared_with([q.question for q in load_questions()], training_texts())


def test_a_hit_is_the_right_cell_and_value_in_any_unit():
    right, other = ("EVE LF280K", "Mass: 5420 g (5420 +/- 300)."), ("EVE LF105", "Mass: 5420 g.")
    assert judge(MASS, Found((right,), "")).hit_1
    assert (judge(MASS, Found((other, right), "")).hit_1, judge(MASS, Found((other, right), "")).hit_5) == (False, True)
    assert not judge(MASS, Found((("EVE LF280K", "Height: 5420 mm."),), "")).hit_5


def test_an_answer_is_right_when_the_first_such_quantity_is():
    assert judge(MASS, Found((), "EVE LF280K, mass: 5420 g = 5.42 kg [1].")).value
    assert not judge(MASS, Found((), "A tolerance of 300 g on 5420 g.")).value
    assert not judge(MASS, Found((), "Not in the documents: the mass. Stated is: 5420 g.")).value
    assert judge(ABSENT, Found((), "Not in the documents: the price of the LG M50.")).absent
    assert not judge(ABSENT, Found((), "It costs 5 euros.")).absent


def test_quantities_of_a_window_share_the_unit():
    assert quantities("0 to 45 degC; at LG M50LT 3.36 A") == [(0.0, "degC"), (45.0, "degC"), (3.36, "A")]


def test_a_question_of_an_unknown_cell_is_told_by_line(tmp_path):
    path = tmp_path / "q.jsonl"
    path.write_text('{"question": "q", "answerable": true, "expected_cell": "lg-m99", "expected_value": 1}\n')
    with pytest.raises(ValueError, match="line 1.*lg-m99"):
        load_questions(path)
