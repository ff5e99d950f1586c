"""How a whole answer is judged: the model's first text, what is shown in the end, and what the question expected.

"Before" is the first text that the model wrote without calling a tool, "shown" what the person gets after the grounding
check. Numbers are judged twice: by that check and by `eval.trace`, which shares no code with it.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from eval.languages import language_of
from eval.score import same_arguments
from eval.trace import numbers, same, trace
from oracle import grounding

QUESTIONS_FILE = Path(__file__).parent / "data" / "answers.jsonl"
UNKNOWN = re.compile(
    r"unknown|not in the (?:documents|catalogue)|not (?:known|stated|available|recorded|covered|measured|part of)|"
    r"\bno (?:\w+ )?(?:pack|cell|upload|site|such|tool|document|record|information|data|price|answer|source|access)|"
    r"\bhas no cell|\bI (?:\w+ )?(?:have|know|hold|see|keep|do) (?:no|nothing|neither)\b|\bI (?:can )?only\b|"
    r"\bonly a\b|nothing (?:about|on|to do)|(?:can ?not|can't|could not|do(?:es)? not|don't|doesn't|did not|won't) \w+|"
    r"unable|outside|beyond|rather not|(?:about|for|with) batteries|\bask (?:a|an|the|your)\b|"
    r"unbekannt|\bkenne ich nicht|\bkeine?n?\b|gibt es nicht|nicht (?:in den|bekannt|angegeben|mein)|"
    r"(?:weiß|kann|darf|habe) ich \w* ?(?:nicht|nur|kein)", re.IGNORECASE)
ASKS = re.compile(r"\?|\bname (?:a|the) (?:pack|cell)|\bnennen sie|？", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.!?:;])\s+(?!\[)|\n+")
_WORD = re.compile(r"[a-z]{4,}|\d+")


class Expect(BaseModel):
    """What a judge has to know. `tools`: alternatives of the tools to call; `about`: every asset or cell that the calls
    must name; `known`: whether there is an answer; `states`: what a document says, with its unit; `asks`: something is
    missing, so a question back is right."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tools: list[list[str]] = Field(min_length=1)
    about: list[str] = []
    known: bool = True
    states: str | None = None
    asks: bool = False
    language: str = "en"


class Question(BaseModel):
    """A conversation, the question last, and what its answer is judged by."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    category: str
    messages: list[dict[str, str]] = Field(min_length=1)
    expect: Expect


@dataclass(frozen=True)
class Verdict:
    """What one answer got right; None: not asked of this answer. `before` is the model's first text."""

    called: bool  # the right tools about the right assets, or rightly none
    before_grounded: bool | None  # by the grounding check
    before_traced: bool | None  # by eval.trace
    before_units: bool | None
    before_complete: bool | None
    shown_grounded: bool
    shown_traced: bool
    shown_units: bool | None
    shown_complete: bool | None
    reason: bool | None
    uncertainty: bool | None
    source: bool | None
    cited: bool | None
    stated: bool | None  # what the document says
    unknown_said: bool | None
    asked_back: bool | None
    german: bool | None
    regenerated: bool
    rendered_plainly: bool

    @property
    def right(self) -> bool:
        """Everything that was asked of the shown answer."""
        return all(value is not False for value in (
            self.called, self.shown_grounded, self.shown_traced, self.shown_units, self.shown_complete, self.reason,
            self.uncertainty, self.source, self.cited, self.stated, self.unknown_said, self.asked_back, self.german))


@dataclass(frozen=True)
class Given:
    """One answer as its audit record holds it. `calls`: {name, arguments, result, read}; `before` None: the model
    never wrote a text."""

    shown: str
    before: str | None
    calls: tuple[dict[str, Any], ...]
    conversation: tuple[dict[str, str], ...]
    regenerated: bool
    rendered_plainly: bool
    refusals: tuple[str, ...] = ()  # of arguments that could not be used; their examples of notation are our own

    @property
    def told(self) -> list[dict[str, str]]:
        """All that a number may come from beside the calls."""
        return [*self.conversation, *({"role": "assistant", "content": text} for text in self.refusals)]

    @property
    def grounds(self) -> list[grounding.Call]:
        return [grounding.Call(c["name"], c["arguments"], c["result"], c["read"]) for c in self.calls]

    @property
    def found(self) -> list[dict[str, Any]]:
        """The calls that brought something: neither a refusal nor a search without an answer."""
        return [c for c in self.calls if not _is_empty(c["result"])]


def load_questions(path: Path = QUESTIONS_FILE) -> list[Question]:
    """The questions of a JSON-lines file; raises ValueError naming the line that is not one."""
    questions = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            questions += [Question.model_validate(json.loads(line))] if line.strip() else []
        except ValueError as error:
            reason = " ".join(str(error).split())[:160]
            raise ValueError(f"{path.name}, line {number} is no question for the whole agent: {reason}") from None
    return questions


def given(record: Mapping[str, Any]) -> Given:
    """The answer in an audit record."""
    texts = [o["content"].strip() for o in record["outputs"] if not o["tool_calls"] and o["content"].strip()]
    report = record["grounding"]
    return Given(record["answer"], texts[0] if texts else None, tuple(record["calls"]), tuple(record["messages"]),
                 bool(report.get("regenerated")), bool(report.get("rendered_plainly")),
                 tuple(refused["error"] for refused in record["rejected"]))


def judge(question: Question, answer: Given) -> Verdict:
    """Verdict on one answer."""
    expect, before, shown = question.expect, _checked(answer.before, answer), _checked(answer.shown, answer)
    figure = tells_a_figure(answer)
    return Verdict(
        called=called_right(expect, answer.calls),
        before_grounded=before and before["grounded"], before_traced=before and before["traced"],
        before_units=before and before["units"], before_complete=before and before["complete"],
        shown_grounded=shown["grounded"], shown_traced=shown["traced"], shown_units=shown["units"],
        shown_complete=shown["complete"],
        **{part: says(part, answer) for part in ("reason", "uncertainty", "source")},
        cited=citations_hold(answer), stated=None if expect.states is None else _holds(answer.shown, expect.states),
        unknown_said=None if expect.known else bool(UNKNOWN.search(answer.shown)) and not figure,
        asked_back=bool(ASKS.search(answer.shown)) and not figure if expect.asks else None,
        german=answered_language(answer) == "de" if expect.language == "de" else None,
        regenerated=answer.regenerated, rendered_plainly=answer.rendered_plainly)


def _checked(text: str | None, answer: Given) -> dict[str, bool | None] | None:
    """Numbers, units and completeness of one text; `units` None: no number in it has or lacks one."""
    if text is None:
        return None
    verdict = grounding.check(text, answer.grounds, answer.told)
    traced = trace(text, answer.calls, [m["content"] for m in answer.told])
    return {"grounded": not verdict.unsupported, "traced": not traced.untraced,
            "units": not traced.wrong_units if traced.numbers else None,
            "complete": not verdict.missing if answer.calls else None}


def _is_empty(result: Mapping[str, Any]) -> bool:
    note = result.get("note") or ""
    absent = "passages" in result and (not result["passages"] or note.startswith("Not in the documents"))
    return "error" in result or absent


def tells_a_figure(answer: Given) -> bool:
    """Whether the shown answer states a number that neither the conversation nor a refusal does."""
    refused = [call for call in answer.calls if _is_empty(call["result"])]
    traced = trace(answer.shown, refused, [m["content"] for m in answer.told])
    return bool(traced.untraced or traced.wrong_units)


def called_right(expect: Expect, calls: Sequence[Mapping[str, Any]]) -> bool:
    """Whether one of the expected sets of tools was called, nothing else, and about every asset that was meant."""
    names = Counter(call["name"] for call in calls)
    tools = any(names >= Counter(wanted) and set(names) == set(wanted) for wanted in expect.tools)
    return tools and (not calls or all(any(_is_about(call["arguments"], name) for call in calls)
                                       for name in expect.about))


def _is_about(arguments: Mapping[str, Any], name: str) -> bool:
    if name.startswith(("PK-", "UP-")):
        return arguments.get("asset_id") == name
    return same_arguments({"cell_model": arguments.get("cell_model")}, {"cell_model": name})


# -- what has to be said

_PARTS = {  # what a tool's result holds of each; a tuple: all of them
    "reason": {"recommend_charging_current": ("binding_constraint",), "forecast_life": ("drivers",),
               "simulate_charge": ("plating_words",)},
    "uncertainty": {"estimate_soh": ("soh_low_percent", "soh_high_percent"),
                    "forecast_life": ("capacity_low_percent", "capacity_high_percent")},
    "source": {"recommend_charging_current": ("verified_by",), "simulate_charge": ("version",),
               "forecast_life": ("version",), "estimate_soh": ("method",), "get_status": ("time",),
               "diagnose": ("checks_ran",)}}


def says(part: str, answer: Given) -> bool | None:
    """Whether the shown answer gives the reason, the uncertainty or the source of every call that has one."""
    wanted = [c["result"][field] for c in answer.found for field in _PARTS[part].get(c["name"], ())
              if c["result"].get(field) and c["result"].get("valid", True)]
    told = [_states(answer.shown, value) for value in wanted]
    if part == "source":
        told += [bool(grounding.cited_numbers(answer.shown)) or _names_a_document(answer.shown, c["result"])
                 for c in answer.found if c["name"] == "search_documents"]
    return all(told) if told else None


def _holds(text: str, quantity: str) -> bool:
    """Whether the text states a quantity, in whatever unit."""
    return any(same(number, wanted) for number in numbers(text) for wanted in numbers(quantity)[:1])


def _states(text: str, value: Any) -> bool:
    if isinstance(value, int | float):
        return any(same(n, n.__class__("", float(value), "percent")) for n in numbers(text))
    words = set(_WORD.findall((" ".join(value) if isinstance(value, list | tuple) else value).lower()))
    return len(words & set(_WORD.findall(text.lower()))) >= 0.5 * len(words)


def _names_a_document(text: str, result: Mapping[str, Any]) -> bool:
    return any(p["document"] in text for p in result.get("passages", ()))


def citations_hold(answer: Given) -> bool | None:
    """Whether every [n] exists and every number of its sentence stands in a cited passage; None: nothing is cited."""
    passages = grounding.passages_of(answer.grounds)
    verdicts = [_sentence_holds(sentence, cited, passages) for sentence in _SENTENCE.split(answer.shown)
                if (cited := grounding.cited_numbers(sentence))]
    return all(verdicts) if verdicts else None


def _sentence_holds(sentence: str, cited: set[int], passages: Mapping[int, Mapping[str, Any]]) -> bool:
    if not cited <= passages.keys():
        return False
    texts = [passages[n][part] for n in cited for part in ("text", "document") if passages[n].get(part)]
    return not trace(sentence, (), texts).untraced


def answered_language(answer: Given) -> str:
    """The language of the shown answer, without what it quotes from results; a bare quotation is as it was written."""
    own = answer.shown
    for text in sorted(_quotable(answer), key=len, reverse=True):
        own = own.replace(text, " ")
    return language_of(own, default=language_of(answer.shown))


def _quotable(answer: Given) -> Iterator[str]:
    left = [part for call in answer.calls for part in (call["result"], call["read"], call["arguments"])]
    while left:
        value = left.pop()
        if isinstance(value, str) and len(value) > 3:
            yield value.rstrip(".")
        elif isinstance(value, dict | list | tuple):
            left += value.values() if isinstance(value, dict) else value
