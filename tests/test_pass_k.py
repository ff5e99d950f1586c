"""pass^k: surroundings leave the right call as it is, and only k equal and right calls pass."""

import re

import pytest

from eval import surroundings
from eval.pass_k import pass_k, variants
from eval.score import Call, Question, judge, load_questions
from eval.surroundings import KINDS, surrounded
from eval.tool_calls import Answer, measure, perfect_answer
from oracle.settings import Settings

STATUS = Call(name="get_status", arguments={"asset_id": "PK-0042"})


def question(name="q", *accept, text="Status of PK-0042?"):
    return Question(id=name, category="c", messages=[{"role": "user", "content": text}], accept=accept or ([STATUS],))


@pytest.fixture(scope="module")
def judged():
    return load_questions()


def test_five_surroundings_are_one_of_each_kind_and_the_same_every_time():
    first = surrounded(question().messages, 5, "0 q")
    assert sorted(kind for kind, _ in first) == sorted(KINDS)
    assert first == surrounded(question().messages, 5, "0 q") != surrounded(question().messages, 5, "1 q")
    assert all(messages != question().messages for _, messages in first)
    assert len(surrounded(question().messages, 8, "0 q")) == 8


def test_what_is_said_around_a_question_holds_nothing_that_an_argument_could_be_read_from():
    said = []
    for group in (surroundings.SMALL_TALK, surroundings.GREETINGS, surroundings.THANKS, surroundings.PREAMBLES):
        for texts in group.values():
            said += [part for text in texts for part in ([text] if isinstance(text, str) else text)]
    telling = re.compile(r"\d|%|\b(?:one|two|half|zwei|halb|deux|fast|quick|slow|gentl\w*|schnell|minute|hour|cell|"
                         r"pack|battery|batteries|akku|charge\w*)\b", re.IGNORECASE)
    assert [text for text in said if telling.search(text)] == []


def test_the_right_call_is_read_the_same_in_all_surroundings(judged):
    """No surroundings make the reading code lose, or find, an argument."""
    for q, group in zip(judged, variants(judged, 5, 0), strict=True):
        alone = perfect_answer(q)
        for variant in group:
            assert perfect_answer(variant.question).calls == alone.calls, (q.id, variant.kind)


def test_the_case_of_a_first_letter_changes_only_where_it_means_nothing():
    for text in ("C/3 for PK-0042?", "LG M50LT, which current?", "A pack, PK-0042, and its status"):
        for _, messages in surrounded([{"role": "user", "content": text}], 5, text):
            assert text.split(maxsplit=1)[0] in messages[-1]["content"]


def test_only_equal_and_right_calls_pass():
    health = Call(name="estimate_soh", arguments={"asset_id": "PK-0042"})
    questions = [question("steady"), question("wavering", [STATUS], [health]), question("wrong"), question("broken")]

    def ask_all(asked):
        found = []
        for i, q in enumerate(asked):
            found.append({"steady": Answer([STATUS]), "wavering": Answer([STATUS if i % 5 else health]),
                          "wrong": Answer([health]), "broken": Answer([STATUS] if i % 5 else None)}[q.id])
        return found

    report = pass_k(questions, 5, 0, ask_all)
    assert (report["passed"], report["same"], report["n"]) == (1, 2, 4)
    failed = {f["id"]: f for f in report["failed"]}
    assert failed["wavering"] == {"id": "wavering", "same": False, "wrong_in": []}
    assert sorted(failed["wrong"]["wrong_in"]) == sorted(KINDS) and len(failed["broken"]["wrong_in"]) == 1
    assert all(counts["n"] == 4 for counts in report["by_kind"].values())


def test_a_search_may_be_worded_anew_and_still_be_the_same_call():
    search = [Call(name="search_documents", arguments={"query": f"mass {i}", "cell_model": "LG HG2"}) for i in range(5)]
    wanted = Call(name="search_documents", arguments={"query": "*", "cell_model": "LG HG2"})
    report = pass_k([question("q", [wanted])], 5, 0, lambda asked: [Answer([call]) for call in search])
    assert report["passed"] == report["same"] == 1


def test_the_report_sets_it_beside_the_single_shot_share(tmp_path, judged):
    found = measure(judged[::10], "some", [], Settings(home=tmp_path), k=5, seed=3)["systems"]["ceiling"]
    exact = sum(judge(q, a.calls, a.valid).exact for q in judged[::10] for a in [perfect_answer(q)])
    assert found["pass_k"]["passed"] == found["total"]["exact"] == exact
    assert "pass_k" not in measure(judged[::10], "some", [], Settings(home=tmp_path))["systems"]["ceiling"]
