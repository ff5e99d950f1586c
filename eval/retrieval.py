"""The claim "the right passage first, the right number, and 'not in the documents' when it is not there".

Questions are JSON lines {question, answerable, expected_cell, expected_field, expected_value, expected_unit}; the cell
is an id of the catalogue. Optional: id, category, and half ("dev": looked at while tuning, "judged": not).
A passage is right when it is about the expected cell and states the expected value; an answer is right when the FIRST
quantity of that kind it states is the expected one, in whatever unit, and it cites a passage that is right.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict
from rich.progress import track
from rich.table import Table

from eval.report import header, people, print_header
from eval.score import wilson_interval
from tools.cells import load_catalogue
from tools.contract import Context
from tools.errors import CannotAnswer

QUESTIONS_FILE = Path(__file__).parent / "data" / "retrieval.jsonl"
TOLERANCE = 0.002  # relative; expected values in converted units are rounded to about four digits
ABSENT = re.compile(r"not in the documents|no cell .+ in the (?:catalogue|documents)", re.IGNORECASE)
_FIGURES, _UNIT = r"([-+−]?\d+(?:\.\d+)?)", r"\s*(%|°C|°F|[A-Za-zµΩ]+(?:/[A-Za-z]+)?)?"
_NUMBER = re.compile(rf"(?<![\w.])(?<!\d to )(?<!\d\.\d to ){_FIGURES}(?:\s+to\s+[-+−]?\d+(?:\.\d+)?)?{_UNIT}")
_UPPER_END = re.compile(rf"(?<=\d to ){_FIGURES}{_UNIT}")
_PINT = {  # as written -> pint's name; what is not here stands for itself
    "A": "ampere", "mA": "milliampere", "V": "volt", "mV": "millivolt", "Ah": "ampere_hour", "mAh": "milliampere_hour",
    "Wh": "watt_hour", "kWh": "kilowatt_hour", "Wh/kg": "watt_hour/kilogram", "Wh/l": "watt_hour/liter",
    "Wh/L": "watt_hour/liter", "g": "gram", "kg": "kilogram", "oz": "ounce", "lb": "pound", "mm": "millimeter",
    "cm": "centimeter", "m": "meter", "in": "inch", "inch": "inch", "Ohm": "ohm", "ohm": "ohm", "mOhm": "milliohm",
    "mohm": "milliohm", "uOhm": "microohm", "µOhm": "microohm", "mΩ": "milliohm", "degC": "degC", "°C": "degC",
    "degF": "degF", "°F": "degF", "K": "kelvin", "min": "minute", "h": "hour", "s": "second", "%": "percent"}


class Question(BaseModel):
    """One judged question of the documents."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    question: str
    answerable: bool
    expected_cell: str | None = None
    expected_field: str | None = None
    expected_value: float | str | None = None
    expected_unit: str | None = None
    id: str = ""
    category: str = "all"
    half: str = "judged"


@dataclass(frozen=True)
class Found:
    """What one question brought: passages as (cell name, text), best first, and the final answer."""

    passages: tuple[tuple[str | None, str], ...]
    answer: str = ""


@dataclass(frozen=True)
class Verdict:
    """None: not asked of this kind of question."""

    hit_1: bool | None = None
    hit_5: bool | None = None
    value: bool | None = None
    absent: bool | None = None


def load_questions(path: Path = QUESTIONS_FILE) -> list[Question]:
    """The questions of a JSON-lines file; raises ValueError naming the line, or the cell that nobody knows."""
    questions, known = [], {cell.id for cell in load_catalogue()}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            question = Question.model_validate(json.loads(line))
        except ValueError as error:
            raise ValueError(f"{path.name}, line {number} is no question: {str(error).splitlines()[0]}") from None
        if question.answerable and question.expected_cell not in known:
            raise ValueError(f"{path.name}, line {number}: {question.expected_cell!r} is no cell of the catalogue.")
        questions.append(question if question.id else question.model_copy(update={"id": f"line {number}"}))
    return questions


def measure(path: Path, context: Context, ask: Callable[[str], str] | None = None) -> dict[str, Any]:
    """Every question put to the search, to its halves alone, and with `ask` (question -> answer) to the whole program.

    The index under the context's home is brought up to date first.
    """
    from retrieval.library import build_index

    build_index(context)
    questions = load_questions(path)
    systems: dict[str, Callable[[str], Found]] = {
        "search": lambda q: by_search(q, context), "dense only": lambda q: by_meaning(q, context),
        "lexical only": lambda q: by_words(q, context)}
    if ask:
        systems["whole program"] = lambda q: Found((), ask(q))
    scores = {name: [judge(q, find(q.question)) for q in track(questions, name, console=people)]
              for name, find in systems.items()}
    report = header() | {"questions": path.name, "n": len(questions),
                         "questions_sha256": hashlib.sha256(path.read_bytes()).hexdigest()[:12]}
    return report | {"systems": {name: _tallies(questions, verdicts) for name, verdicts in scores.items()},
                     "wrong": _wrong(questions, scores["search"], context)}


def by_search(question: str, context: Context) -> Found:
    """What `search_documents` finds and the answer that its result gives."""
    from oracle import render
    from retrieval.search import search

    try:
        result = search(question, context)
    except CannotAnswer as reason:
        return Found((), str(reason))
    answer = render.result("search_documents", result.model_dump(mode="json", exclude_none=True))
    return Found(tuple((p.cell_model, p.text) for p in result.passages), answer)


def whole_program(settings) -> Callable[[str], str]:
    """The agent's answer to a question, from the language model at the settings' URL."""
    from oracle.agent import Agent

    agent = Agent(settings)
    return lambda question: agent.answer([{"role": "user", "content": question}]).text


def by_meaning(question: str, context: Context) -> Found:
    """The five nearest passages by embedding alone."""
    from retrieval.embedder import embed_question
    from retrieval.index import open_index

    index = open_index(context.home)
    rows = np.flatnonzero(index.columns.readable(context.tenant))
    return _best(index, rows, index.cosines(embed_question(question, index.model), rows))


def by_words(question: str, context: Context) -> Found:
    """The five best passages by BM25 alone."""
    from retrieval.index import open_index
    from retrieval.words import stems

    index = open_index(context.home)
    readable = index.columns.readable(context.tenant)
    rows = np.flatnonzero(readable)
    return _best(index, rows, index.words.scores(stems(question), readable, rows))


def _best(index, rows: np.ndarray, scores: np.ndarray) -> Found:
    rows = rows[np.argsort(-scores, kind="stable")[:5]]
    return Found(tuple((index.passages[row].cell_model, index.passages[row].text) for row in rows))


def judge(question: Question, found: Found) -> Verdict:
    """Verdict on one question; where passages are not known only the answer is judged."""
    absent = bool(ABSENT.search(found.answer))
    if not question.answerable:
        return Verdict(absent=absent)
    name = next(cell.name for cell in load_catalogue() if cell.id == question.expected_cell)
    hits = [cell == name and _states(text, question) for cell, text in found.passages[:5]]
    first = _first_is(found.answer, question) and not absent
    return Verdict(hits[:1] == [True], any(hits), first)


def _states(text: str, question: Question) -> bool:
    value = question.expected_value
    if isinstance(value, str):
        return value.casefold() in text.casefold()
    return any(_same(number, unit, question) for number, unit in quantities(text))


def _first_is(answer: str, question: Question) -> bool:
    """Whether the first quantity of the expected kind that the answer states is the expected one."""
    if isinstance(question.expected_value, str):
        return _states(answer.split("\n")[0], question)
    alike = [(n, u) for n, u in quantities(answer) if _comparable(u, question.expected_unit)]
    return bool(alike) and _same(*alike[0], question)


def quantities(text: str) -> list[tuple[float, str]]:
    """(number, unit) for every number with a unit in a text; a cell's name holds no number."""
    text = _names().sub(" ", text)
    found = [(match.start(), *match.groups()) for pattern in (_NUMBER, _UPPER_END) for match in pattern.finditer(text)]
    return [(float(number.replace("−", "-")), unit) for _, number, unit in sorted(found) if unit]


@lru_cache(maxsize=1)
def _names() -> re.Pattern:
    names = {s for c in load_catalogue() for s in (c.id, c.name, c.model, *c.aliases) if any(map(str.isdigit, s))}
    return re.compile("|".join(map(re.escape, sorted(names, key=len, reverse=True))), re.IGNORECASE)


def _same(number: float, unit: str, question: Question) -> bool:
    wanted, wanted_unit = float(question.expected_value), question.expected_unit or ""
    if unit != wanted_unit:
        if not _comparable(unit, wanted_unit):
            return False
        number = _units().Quantity(number, _PINT[unit]).to(_PINT[wanted_unit]).magnitude
    return abs(number - wanted) <= max(TOLERANCE * abs(wanted), 1e-9)


def _comparable(unit: str, wanted: str | None) -> bool:
    if unit == wanted:
        return True
    if unit not in _PINT or wanted not in _PINT:
        return False
    return _units().Unit(_PINT[unit]).is_compatible_with(_PINT[wanted])


@lru_cache(maxsize=1)
def _units():
    from pint import UnitRegistry
    return UnitRegistry(autoconvert_offset_to_baseunit=True)


# -- the report


def _tallies(questions: Sequence[Question], verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """{group: {metric: [right, asked]}} for the whole set, each half and each category."""
    groups = {"all": [True] * len(questions)}
    groups |= {f"{half} half": [q.half == half for q in questions] for half in sorted({q.half for q in questions})}
    groups |= {c: [q.category == c for q in questions] for c in dict.fromkeys(q.category for q in questions)}
    return {name: _tally(v for v, inside in zip(verdicts, chosen, strict=True) if inside)
            for name, chosen in groups.items()}


def _tally(verdicts: Iterable[Verdict]) -> dict[str, list[int]]:
    verdicts = list(verdicts)
    told = {metric: [v for verdict in verdicts if (v := getattr(verdict, metric)) is not None]
            for metric in ("hit_1", "hit_5", "value", "absent")}
    return {metric: [sum(values), len(values)] for metric, values in told.items() if values}


def _wrong(questions: Sequence[Question], verdicts: Sequence[Verdict], context: Context) -> list[dict[str, str]]:
    """The questions that the search got wrong, with its answer."""
    return [{"id": q.id, "half": q.half, "question": q.question, "answer": by_search(q.question, context).answer[:200],
             "failed": ", ".join(m for m in ("hit_1", "hit_5", "value", "absent") if getattr(v, m) is False)}
            for q, v in zip(questions, verdicts, strict=True)
            if False in (v.hit_1, v.hit_5, v.value, v.absent)]


def print_report(report: Mapping[str, Any]) -> None:
    """Hit rates per system, the answers per category, for people, on stderr."""
    print_header(f"Retrieval: {report['n']} questions ({report['questions']}, {report['questions_sha256']})", report)
    table = Table("questions", *(f"{system}\n{metric}" for system, metric in _columns(report)))
    for group in report["systems"]["search"]:
        table.add_row(group, *(_share(report["systems"][s][group].get(m)) for s, m in _columns(report)))
    people.print(table)
    people.print("hit: a passage of the right cell that states the value; value: the first quantity of that kind in "
                 "the answer is right; absent: 'not in the documents' is said.")
    for metric, (right, asked) in report["systems"]["search"]["all"].items():
        low, high = wilson_interval(right, asked)
        people.print(f"search, {metric}: {right} of {asked} (95 % interval {low:.0%} to {high:.0%})")
    for miss in report["wrong"]:
        people.print(f"[red]{miss['id']}[/red] {miss['half']}, {miss['failed']}: {miss['question']} -> "
                     f"{miss['answer']}", highlight=False)


def _columns(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    columns = [("search", m) for m in ("hit_1", "hit_5", "value", "absent")]
    columns += [(s, m) for s in ("dense only", "lexical only") for m in ("hit_1", "hit_5")]
    return columns + [("whole program", m) for m in ("value", "absent") if "whole program" in report["systems"]]


def _share(counts: Sequence[int] | None) -> str:
    return f"{100 * counts[0] / counts[1]:.0f} %" if counts else "-"
