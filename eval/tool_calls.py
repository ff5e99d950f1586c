"""The claim "it picks the right tool with the right arguments": judged questions put to served models, first step only.

Every model is asked exactly as the agent asks it: same system prompt, same tools on the wire, temperature 0; what it
answers is read by the agent's own code, so a wrong reading there is a wrong answer here.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any, Literal

import tenacity
from rich.progress import track
from rich.table import Table

from eval.baseline import keyword_calls
from eval.confusions import confusions
from eval.overlap import shared_with, training_texts
from eval.pass_k import pass_k
from eval.report import header, people, print_header
from eval.score import ANY_TEXT, Call, Question, Verdict, judge, tally, wilson_interval
from oracle.settings import Settings

CONCURRENT_REQUESTS = 8
BASELINE = "keywords"
CEILING = "ceiling"
TUNED = "tuned"

Decoding = Literal["thought over", "held", "free"]
STEPS = ("held", "free")  # decoding with less and less help


@dataclass(frozen=True)
class Endpoint:
    """A served model under the name that the report gives it, and how its calls are decoded.

    "thought over" is what the agent does; "held" draws no call again; "free" holds values only to their JSON type.
    """

    name: str
    url: str
    decoding: Decoding = "thought over"


@dataclass(frozen=True)
class Answer:
    """What one model answered to one question; `calls` None: a call that could not be read (`problem` says why)."""

    calls: list[Call] | None
    valid: bool = True
    problem: str = ""


def endpoints(tuned_url: str, also: Sequence[str], ablate: bool = False) -> list[Endpoint]:
    """The tuned model and those given as NAME=URL; raises ValueError on any other text.

    `ablate`: the tuned model also with less help in decoding.
    """
    found = [Endpoint(TUNED, tuned_url.rstrip("/"))]
    found += [Endpoint(f"{TUNED}, {step}", tuned_url.rstrip("/"), step) for step in STEPS if ablate]
    for text in also:
        name, _, url = text.partition("=")
        if not name or not url.startswith(("http://", "https://")):
            raise ValueError(f"--also {text!r} is not NAME=URL, as in --also base=http://127.0.0.1:8002/v1.")
        if name in {BASELINE, CEILING, *(e.name for e in found)}:
            raise ValueError(f"--also {text!r}: the name {name!r} is taken, choose another.")
        found.append(Endpoint(name, url.rstrip("/")))
    return found


def measure(questions: Sequence[Question], title: str, models: Sequence[Endpoint], settings: Settings, k: int = 0,
            seed: int = 0) -> dict[str, Any]:
    """Ask every model every question; the report of all of them, the keyword baseline and the ceiling.

    `title` is what the report calls the questions. With `k`, every question is asked k times more, each time in other
    surroundings drawn by `seed`. Raises ConnectionError when a model does not answer: nothing is reported then.
    """
    asked = "\n".join(question.model_dump_json() for question in questions)
    report = header() | {"questions": title, "n": len(questions),
                         "questions_sha256": hashlib.sha256(asked.encode()).hexdigest()[:12],
                         "in_training": in_training(questions)}
    systems = {model.name: {"url": model.url} | _ask_all(model, questions, settings, k, seed) for model in models}
    systems[BASELINE] = _all_scores(questions, lambda qs: [Answer(keyword_calls(q.messages)) for q in qs], k, seed)
    systems[CEILING] = _all_scores(questions, lambda qs: [perfect_answer(q) for q in qs], k, seed)
    return report | {"systems": systems}


def in_training(questions: Sequence[Question]) -> list[str]:
    """Ids of the questions whose wording the training phrasings share: their answers prove little."""
    seen = set(shared_with([q.messages[-1]["content"] for q in questions], training_texts()))
    return [q.id for q in questions if q.messages[-1]["content"] in seen]


def _ask_all(endpoint: Endpoint, questions: Sequence[Question], settings: Settings, k: int,
             seed: int) -> dict[str, Any]:
    from openai import OpenAI, OpenAIError

    try:
        served = OpenAI(base_url=endpoint.url, api_key="local", timeout=30).models.list().data[0].id
        model = _model(settings.model_copy(update={"vllm_url": endpoint.url}), served)
        scores = _all_scores(questions, lambda qs: _in_parallel(
            lambda q: ask(model, q, endpoint.decoding), qs, f"asking {endpoint.name}"), k, seed)
    except OpenAIError as error:
        reason = str(error).rstrip(".")
        raise ConnectionError(f"{endpoint.name} at {endpoint.url} did not answer ({reason}): is it serving?") from None
    return {"model": served} | scores


def _all_scores(questions: Sequence[Question], ask_all: Callable[[Sequence[Question]], Sequence[Answer]], k: int,
                seed: int) -> dict[str, Any]:
    """The scores of one system, asked once and, with `k`, in k surroundings."""
    scores = _scores(questions, ask_all(questions))
    return scores | ({"pass_k": pass_k(questions, k, seed, ask_all)} if k else {})


def _in_parallel(work: Callable[[Question], Answer], questions: Sequence[Question], title: str) -> list[Answer]:
    """Answers in the questions' order; an interruption or a lost server drops what has not been asked yet."""
    pool = ThreadPoolExecutor(CONCURRENT_REQUESTS)
    try:
        return list(track(pool.map(work, questions), total=len(questions), description=title, console=people))
    finally:
        pool.shutdown(cancel_futures=True)


def _model(settings: Settings, served: str):
    """The agent's own client for the model served there."""
    from oracle.agent import chat_model

    return chat_model(settings).model_copy(update={"model_name": served})


def ask(model, question: Question, decoding: Decoding = "thought over") -> Answer:
    """The first step of one question: what the model calls, canonical, as the agent would run it."""
    from langchain_core.messages import SystemMessage

    from oracle.agent import message_of
    from oracle.conversation import checked, within_reach
    from oracle.first_step import is_broken, schemas_for, thought_over
    from oracle.prompts import SYSTEM
    from retrieval.toolset import ALL_TOOLS

    turns = checked(question.messages)
    said = [turn["content"] for turn in turns]
    prompt = [SystemMessage(SYSTEM), *map(message_of, within_reach(turns))]
    schemas = [tool.wire_schema() for tool in ALL_TOOLS] if decoding == "free" else schemas_for(ALL_TOOLS, said)
    retrying = tenacity.Retrying(stop=tenacity.stop_after_attempt(3), reraise=True)  # a lost request is sent again
    reply = retrying(lambda: model.bind_tools(schemas, logprobs=True).invoke(prompt))
    if decoding == "thought over":
        reply = retrying(lambda: thought_over(reply, model, ALL_TOOLS, prompt, said))
    if is_broken(reply):
        return Answer(None, False, "a call that is no JSON")
    return read_calls([(call["name"], call["args"]) for call in reply.tool_calls], turns)


def read_calls(written: Sequence[tuple[str, Mapping[str, Any]]], turns: Sequence[Mapping[str, str]]) -> Answer:
    """Calls as a model wrote them (name, raw arguments), read by the agent's own code.

    Where one cannot be used, `problem` is the sentence the model would get back and no call has arguments.
    """
    from oracle.calls import prepare
    from retrieval.toolset import tool_named
    from tools.errors import BadArgument

    said = [turn["content"] for turn in turns]
    try:
        records = [prepare(tool_named(name), raw, said) for name, raw in written]
    except BadArgument as error:
        return Answer([Call(name=name, arguments={}) for name, _ in written], False, str(error))
    return Answer([Call(name=record.name, arguments=record.arguments) for record in records])


def perfect_answer(question: Question) -> Answer:
    """The first accepted answer in canonical values, as the reading code lets it through: the models' ceiling."""
    written = [(call.name, {k: question.id if v == ANY_TEXT else v for k, v in call.arguments.items()})
               for call in question.accept[0]]
    return read_calls(written, question.messages)


def _scores(questions: Sequence[Question], answers: Sequence[Answer]) -> dict[str, Any]:
    """Counts per category and in all, and every answer, so that a report can be gone through by hand."""
    verdicts = [judge(q, a.calls, a.valid) for q, a in zip(questions, answers, strict=True)]
    by_category: dict[str, list[Verdict]] = {}
    for question, verdict in zip(questions, verdicts, strict=True):
        by_category.setdefault(question.category, []).append(verdict)
    return {
        "categories": {category: asdict(tally(found)) for category, found in by_category.items()},
        "total": asdict(tally(verdicts)),
        "exact_95_percent": wilson_interval(sum(v.exact for v in verdicts), len(verdicts)),
        "confusions": confusions(questions, [answer.calls for answer in answers]),
        "answers": [_shown(q, a) | asdict(v) for q, a, v in zip(questions, answers, verdicts, strict=True)],
    }


def _shown(question: Question, answer: Answer) -> dict[str, Any]:
    calls = None if answer.calls is None else [call.model_dump() for call in answer.calls]
    return {"id": question.id, "calls": calls, "problem": answer.problem}


def print_report(report: Mapping[str, Any]) -> None:
    """The table of all systems per category, for people, on stderr."""
    print_header(f"Tool calls: {report['n']} judged questions ({report['questions']}, "
                 f"{report['questions_sha256']}), first step", report)
    table = Table("category", "n", *(f"{name}\n{column}" for name in report["systems"] for column in
                                     ("tool", "exact", "valid")))
    systems = list(report["systems"].values())
    for category in systems[0]["categories"]:
        table.add_row(category, *_row([system["categories"][category] for system in systems]))
    table.add_section()
    table.add_row("all", *_row([system["total"] for system in systems]), style="bold")
    people.print(table)
    people.print("tool: the right tools or rightly none; exact: and every argument; valid: of those that called, all "
                 "arguments usable. keywords: a floor without a model; ceiling: right answers in canonical values, as "
                 "the reading code lets them through.")
    if report["in_training"]:
        people.print(f"Worded as in the training phrasings, so no proof: {', '.join(report['in_training'])}")
    for name, system in report["systems"].items():
        low, high = system["exact_95_percent"]
        people.print(f"{name}: exact {_percent(system['total']['exact'], report['n'])} "
                     f"(95 % interval {low:.0%} to {high:.0%})")
        if "url" in system:
            mixed = [f"{what} ({n})" for counts in system["confusions"].values() for what, n in counts.items()]
            people.print(f"{name}: mixed up {', '.join(mixed) or 'nothing'}")
        if "pass_k" in system:
            _print_pass_k(name, system)


def _print_pass_k(name: str, system: Mapping[str, Any]) -> None:
    found = system["pass_k"]
    low, high = found["passed_95_percent"]
    kinds = ", ".join(f"{kind} {_percent(c['right'], c['n'])}" for kind, c in found["by_kind"].items())
    people.print(f"{name}: pass^{found['k']} {_percent(found['passed'], found['n'])} (95 % interval {low:.0%} to "
                 f"{high:.0%}), asked once {_percent(system['total']['exact'], found['n'])}; all {found['k']} calls "
                 f"the same {_percent(found['same'], found['n'])}; exact with {kinds}")


def _row(tallies: Sequence[Mapping[str, int]]) -> list[str]:
    cells = [str(tallies[0]["n"])]
    for counts in tallies:
        cells += [_percent(counts["tool_right"], counts["n"]), _percent(counts["exact"], counts["n"]),
                  _percent(counts["valid"], counts["called"])]
    return cells


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "-"
