"""How a first answer is judged: the calls it made against the calls that an honest reader accepts.

A question carries `accept`, alternatives of call lists in canonical units; an empty list means "no call". The order of
calls does not matter. Numbers agree within 0.01, a cell type by its catalogue entry, the search text "*" with any text.
A list is in ascending order unless `descending` is true, so `"descending": false` says the same as leaving it out.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from tools.cells import find_cell
from tools.errors import CannotAnswer

QUESTIONS_FILE = Path(__file__).parent / "data" / "tool_calls.jsonl"
NUMBER_TOLERANCE = 0.01
ANY_TEXT = "*"


class Call(BaseModel):
    """A tool call with canonical arguments."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    arguments: dict[str, Any]


class Question(BaseModel):
    """One judged question: the conversation so far and every first answer that is right."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    category: str
    messages: list[dict[str, str]]
    accept: list[list[Call]]


@dataclass(frozen=True)
class Verdict:
    """What one answer got right. `valid` is None where nothing was called."""

    tool_right: bool
    exact: bool
    valid: bool | None


@dataclass(frozen=True)
class Tally:
    """Counts over a set of verdicts; `called` is how many answers made a call at all."""

    n: int
    tool_right: int
    exact: int
    called: int
    valid: int


def load_questions(path: Path = QUESTIONS_FILE) -> list[Question]:
    """The judged questions of a JSON-lines file; raises ValueError naming the line that is not one."""
    questions = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            questions.append(Question.model_validate(json.loads(line)))
        except ValueError as error:
            reason = str(error).splitlines()[0]
            raise ValueError(f"{path.name}, line {number} is not a judged question: {reason}") from None
    return questions


def judge(question: Question, calls: Sequence[Call] | None, valid: bool = True) -> Verdict:
    """Verdict on the calls of one answer; `calls` None: the answer could not be read at all."""
    if calls is None:
        return Verdict(tool_right=False, exact=False, valid=False)
    names = sorted(call.name for call in calls)
    return Verdict(
        tool_right=any(sorted(c.name for c in wanted) == names for wanted in question.accept),
        exact=valid and any(same_calls(calls, wanted) for wanted in question.accept),
        valid=valid if calls else None,
    )


def same_calls(calls: Sequence[Call], wanted: Sequence[Call]) -> bool:
    """Whether both lists hold the same calls, in any order."""
    if len(calls) != len(wanted):
        return False
    left = list(calls)
    for expected in wanted:
        match = next((call for call in left if _same_call(call, expected)), None)
        if match is None:
            return False
        left.remove(match)
    return True


def _same_call(call: Call, expected: Call) -> bool:
    return call.name == expected.name and same_arguments(call.arguments, expected.arguments)


def same_arguments(given: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether the same arguments are present with the same values; an argument that is None counts as left out."""
    given, wanted = told(given), told(wanted)
    return given.keys() == wanted.keys() and all(same_value(k, given[k], wanted[k]) for k in wanted)


def told(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments without what says nothing: None, and an ascending order of a list whose column is named."""
    ascending = "sort_by" in arguments and arguments.get("descending") is False
    return {k: v for k, v in arguments.items() if v is not None and not (ascending and k == "descending")}


def same_value(field: str, given: Any, wanted: Any) -> bool:
    """Whether an argument's value is the wanted one."""
    if isinstance(wanted, bool) or isinstance(given, bool):
        return given is wanted
    if isinstance(wanted, (int, float)):
        return isinstance(given, (int, float)) and math.isclose(given, wanted, rel_tol=0, abs_tol=NUMBER_TOLERANCE)
    if field == "query" and wanted == ANY_TEXT:
        return isinstance(given, str) and bool(given.strip())
    if field == "cell_model":
        return _cell_id(given) == _cell_id(wanted)
    if field == "site":
        return str(given).strip().casefold() == wanted.casefold()
    return given == wanted


def _cell_id(name: Any) -> str:
    """The catalogue entry a name resolves to, or the name itself (case and spaces aside) where it resolves to none."""
    try:
        return find_cell(str(name)).id
    except CannotAnswer:
        return "".join(str(name).casefold().split())


def tally(verdicts: Sequence[Verdict]) -> Tally:
    """Counts over verdicts."""
    return Tally(
        n=len(verdicts),
        tool_right=sum(v.tool_right for v in verdicts),
        exact=sum(v.exact for v in verdicts),
        called=sum(v.valid is not None for v in verdicts),
        valid=sum(v.valid is True for v in verdicts),
    )


def wilson_interval(successes: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """95 % confidence interval of a proportion (Wilson 1927, J. Am. Stat. Assoc. 22, 209); (0, 1) for n = 0."""
    if n == 0:
        return 0.0, 1.0
    share = successes / n
    centre = share + z * z / (2 * n)
    spread = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, (centre - spread) / (1 + z * z / n)), min(1.0, (centre + spread) / (1 + z * z / n))
