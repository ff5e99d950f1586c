"""The claim "every number of an answer has a source": questions put to the whole agent, its final answers judged.

The language model is the one at the settings' URL; the tools are real and read the demonstration fleet and the index
under ORACLE_HOME. Every answer is audited there like any other.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.progress import track
from rich.table import Table

from eval.answer_judge import Given, Question, Verdict, answered_language, given, judge, load_questions
from eval.report import header, people, print_header
from eval.score import wilson_interval
from eval.trace import trace
from oracle.errors import ModelUnavailable, QuestionTooLong
from oracle.settings import SERVED_NAME, Settings

AT_ONCE = 2  # questions; the tools' simulations share the cores with the language model
METRICS = {  # field of Verdict: (what it says, target share or None)
    "called": ("right tool about the right asset, or rightly none", None),
    "before_grounded": ("first text: every number has a source", 0.97),
    "before_traced": ("first text: the same by the second tracer", None),
    "before_units": ("first text: every unit right", None),
    "before_complete": ("first text: what must be said is said", None),
    "shown_grounded": ("shown: every number has a source", 1.0),
    "shown_traced": ("shown: the same by the second tracer", 1.0),
    "shown_units": ("shown: every unit right", 1.0),
    "shown_complete": ("shown: what must be said is said", 1.0),
    "reason": ("shown: the reason", 1.0),
    "uncertainty": ("shown: the uncertainty", 1.0),
    "source": ("shown: the source", 1.0),
    "cited": ("shown: citations exist and hold the numbers", 1.0),
    "stated": ("a fact of the documents: the right one", 1.0),
    "unknown_said": ("unknown or off topic: said so, no figure", 1.0),
    "asked_back": ("something missing: asked for", 1.0),
    "german": ("German asked, German answered", 1.0),
    "right": ("all that was asked of the shown answer", None),
    "regenerated": ("asked again by the grounding check", None),
    "rendered_plainly": ("written by code from the results", None),
}
JUDGED_SHOWN = tuple(m for m in METRICS if not m.startswith("before") and m not in ("right", "regenerated",
                                                                                    "rendered_plainly"))


def measure(path: Path, settings: Settings) -> dict[str, Any]:
    """Every question put to the agent; raises ConnectionError when the model does not answer, ValueError when the
    fleet that the questions are about is not there."""
    from oracle.agent import Agent
    from oracle.server import is_serving
    from retrieval.library import build_index

    questions = load_questions(path)
    if not is_serving(settings.llm_url):
        raise ConnectionError(f"No {SERVED_NAME} model answers at {settings.llm_url}: is it serving?")
    agent = Agent(settings)
    _require_fleet(agent.context)
    build_index(agent.context)
    answers = ask_all(questions, lambda question: ask(agent, question))
    return header() | {"questions": path.name, "questions_sha256": hashlib.sha256(path.read_bytes()).hexdigest()[:12],
                       "model": {"url": settings.llm_url}} | report(questions, answers)


def _require_fleet(context) -> None:
    from tools.errors import CannotAnswer
    from tools.fleet import open_fleet

    try:
        open_fleet(context).pack("PK-0400")
    except CannotAnswer as error:
        raise ValueError(f"The questions are about the demonstration fleet: `oracle fleet demo`. ({error})") from None


def ask_all(questions: Sequence[Question], work: Callable[[Question], Given]) -> list[Given]:
    """Answers in the questions' order; an interruption or a lost server drops what has not been asked yet."""
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        return list(track(pool.map(work, questions), total=len(questions), description="asking", console=people))
    finally:
        pool.shutdown(cancel_futures=True)


def ask(agent, question: Question) -> Given:
    """One question put to the agent, and its answer as the audit log has it."""
    from oracle import audit

    try:
        answered = agent.answer(question.messages)
    except QuestionTooLong as error:
        return Given(str(error), None, (), tuple(question.messages), False, False)
    except ModelUnavailable as error:
        reason = f"{error} ({agent.settings.llm_url})"
        raise ConnectionError(f"The language model was lost at question {question.id}: {reason}") from None
    return given(audit.read(agent.settings, answered.audit_id))


def report(questions: Sequence[Question], answers: Sequence[Given]) -> dict[str, Any]:
    """Shares per metric with their Wilson intervals, per category, languages, and every answer with its faults."""
    verdicts = [judge(q, a) for q, a in zip(questions, answers, strict=True)]
    groups = {c: [q.category == c for q in questions] for c in dict.fromkeys(q.category for q in questions)}
    tallies = {c: _tallies(v for v, inside in zip(verdicts, chosen, strict=True) if inside)
               for c, chosen in groups.items()}
    languages = Counter((q.expect.language, answered_language(a)) for q, a in zip(questions, answers, strict=True))
    return {"n": len(questions), "total": _tallies(verdicts), "categories": tallies,
            "numbers": {"before": _numbers(answers, "before"), "shown": _numbers(answers, "shown")},
            "no_text": sum(a.before is None for a in answers),
            "languages": [{"asked": asked, "answered": said, "n": n} for (asked, said), n in sorted(languages.items())],
            "answers": [_told(q, a, v) for q, a, v in zip(questions, answers, verdicts, strict=True)]}


def _tallies(verdicts: Sequence[Verdict] | Iterator[Verdict]) -> dict[str, dict[str, Any]]:
    """{metric: {right, n, interval_95_percent}} over the answers that the metric was asked of."""
    verdicts = list(verdicts)
    told = {m: [v for verdict in verdicts if (v := getattr(verdict, m)) is not None] for m in METRICS}
    return {m: {"right": sum(values), "n": len(values),
                "interval_95_percent": wilson_interval(sum(values), len(values))} for m, values in told.items()}


def _numbers(answers: Sequence[Given], which: str) -> dict[str, int]:
    """How many numbers the texts state, and how many of them the second tracer finds."""
    found = [trace(text, a.calls, [m["content"] for m in a.told]) for a in answers
             if (text := getattr(a, which)) is not None]
    return {"n": sum(t.numbers for t in found), "traced": sum(t.numbers - len(t.untraced) for t in found)}


def _told(question: Question, answer: Given, verdict: Verdict) -> dict[str, Any]:
    """One answer to be gone through by hand, with what is wrong."""
    from oracle import grounding

    checked = grounding.check(answer.before or "", answer.grounds, answer.told)
    traced = trace(answer.shown, answer.calls, [m["content"] for m in answer.told])
    return {"id": question.id, "question": question.messages[-1]["content"],
            "calls": [{"name": c["name"], "arguments": c["arguments"]} for c in answer.calls],
            "before": answer.before, "shown": answer.shown,
            "before_unsupported": checked.unsupported, "before_missing": checked.missing,
            "shown_untraced": traced.untraced, "shown_wrong_units": traced.wrong_units,
            "verdict": asdict(verdict) | {"right": verdict.right},
            "failed": [m for m in JUDGED_SHOWN if getattr(verdict, m) is False]}



def print_report(found: Mapping[str, Any]) -> None:
    """The tables and every fault, for people, on stderr."""
    print_header(f"Answers of the whole agent: {found['n']} questions ({found['questions']}, "
                 f"{found['questions_sha256']})", found)
    table = Table("", "share", "of", "95 % interval", "target")
    for metric, (label, target) in METRICS.items():
        counts = found["total"][metric]
        low, high = counts["interval_95_percent"]
        table.add_row(label, _share(counts), str(counts["n"]), f"{low:.0%} to {high:.0%}" if counts["n"] else "-",
                      "" if target is None else f"{target:.0%}")
    people.print(table)
    columns = ("called", "before_grounded", "before_complete", "shown_traced", "rendered_plainly", "right")
    table = Table("category", "n", *(c.replace("_", " ") for c in columns))
    for category, tallies in found["categories"].items():
        table.add_row(category, str(tallies["called"]["n"]), *(_share(tallies[c]) for c in columns))
    people.print(table)
    for which, counts in found["numbers"].items():
        people.print(f"numbers {which}: {counts['traced']} of {counts['n']} traced by the second tracer")
    people.print("answered in: " + ", ".join(f"{r['asked']} -> {r['answered']} {r['n']}" for r in found["languages"]))
    for answer in found["answers"]:
        if answer["failed"]:
            people.print(f"[red]{answer['id']}[/red] {', '.join(answer['failed'])}: ", end="")
            people.print(f"{answer['question']} -> {answer['shown'][:300]}", highlight=False, markup=False)


def _share(counts: Mapping[str, Any]) -> str:
    return f"{counts['right'] / counts['n']:.0%}" if counts["n"] else "-"
