"""The development set: hand-written conversations that choose between training runs and never train anything."""

from collections import Counter
from pathlib import Path

import pytest

import finetune
from eval.overlap import shared_with, skeleton, training_texts
from eval.score import QUESTIONS_FILE, judge, load_questions
from eval.tool_calls import perfect_answer
from retrieval.toolset import ALL_TOOLS, tool_named

DEVELOPMENT_FILE = QUESTIONS_FILE.with_name("development.jsonl")
MAX_SHARED = 0.02  # of the person's turns may share a run of words with a training phrasing by chance


@pytest.fixture(scope="module")
def questions():
    return load_questions(DEVELOPMENT_FILE)


def asked(questions):
    """Every turn that a person wrote, later ones of a conversation too."""
    return [m["content"] for q in questions for m in q.messages if m["role"] == "user"]


def skeletons(questions):
    return ["\n".join(" ".join(skeleton(m["content"])) for m in q.messages) for q in questions]


def test_it_is_large_and_covers_every_tool_and_kind(questions):
    per_category = Counter(q.category for q in questions)
    assert len({q.id for q in questions}) == len(questions) >= 400
    assert min(per_category[tool.name] for tool in ALL_TOOLS) >= 20
    assert per_category["followup"] >= 80 and per_category["values"] >= 60
    assert per_category["no_call"] >= 50 and per_category["foreign"] >= 50
    assert per_category["parallel"] >= 25 and per_category["corrections"] >= 20


def test_every_conversation_alternates_and_ends_with_the_person(questions):
    for q in questions:
        roles = [m["role"] for m in q.messages]
        assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"], q.id
        assert all(m["content"].strip() for m in q.messages), q.id


def test_every_accepted_call_fits_its_tool_and_its_category(questions):
    tools = {tool.name for tool in ALL_TOOLS}
    for q in questions:
        assert q.accept, q.id
        for call in (call for calls in q.accept for call in calls):
            tool_named(call.name).arguments.model_validate(call.arguments)
        if q.category in tools:
            assert [call.name for call in q.accept[0]] == [q.category], q.id
        assert q.category != "no_call" or q.accept == [[]], q.id
        assert q.category != "parallel" or all(len(calls) >= 2 for calls in q.accept), q.id


def test_what_is_accepted_was_said(questions):
    """The reading code lets right answers in canonical values through, apart from at most 5 %."""
    exact = sum(judge(q, a.calls, a.valid).exact for q in questions for a in [perfect_answer(q)])
    assert exact >= 0.95 * len(questions)


def test_no_two_have_one_skeleton_here_or_in_the_judged_set(questions):
    times = Counter(skeletons(questions))
    assert [text for text, n in times.items() if n > 1] == []
    assert set(times) & set(skeletons(load_questions())) == set()


def test_it_shares_hardly_a_run_of_words_with_the_training_phrasings(questions):
    turns, trained = asked(questions), training_texts()
    assert len(trained) > 4000
    shared = shared_with(turns, trained)
    assert len(shared) <= MAX_SHARED * len(turns), shared


def test_fine_tuning_never_reads_it():
    for path in Path(finetune.__file__).parent.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        assert DEVELOPMENT_FILE.name not in source and "from eval" not in source, path.name
