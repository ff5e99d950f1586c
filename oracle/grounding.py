"""Is every number of an answer backed: by the conversation, by a tool result of this turn, by a cited passage?

A number is backed up to rounding and unit conversion (degC/degF, min/h, A/mA, V/mV, percent/fraction,
current/C-rate through the capacity, pack/cell through the counts in the same result).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from oracle.quantities import Quantity, in_text, numbers_of, of_field, texts_of

ROUNDING_LIMIT = 0.05  # "3 A" for 3.4 A loses too much, though it is correct rounding
CURRENT_TOLERANCE = 0.02  # of the recommended current, which people set on a charger
WARNINGS = {"simulate_charge": ("envelope_warning", "plating_words"), "estimate_soh": ("reason",)}
_IN_TIME = re.compile(r"(?<!not )(?<!not be ready )\bin time\b|\brechtzeitig\b|\bdeadline is met\b", re.IGNORECASE)
_TOO_LATE = re.compile(r"too short|cannot be met|not (?:be )?met|not in time|nicht zu halten|zu kurz", re.IGNORECASE)
_BAND = re.compile(r"\b90[\s-]*%[\s-]*(?=band\b|interval)", re.IGNORECASE)  # what every interval of a result covers
_NAMED = re.compile(r"\b(?:PK-\d{4}|UP-[0-9a-f]{4,}|\d{4}-\d\d-\d\d)\b", re.IGNORECASE)
_CITATION = re.compile(r"\[(\d+(?:\s*,\s*\d+)*)\]")
_SENTENCE = re.compile(r"[^.!?\n]*(?:\.(?=\d)[^.!?\n]*)*[.!?\n]?")


@dataclass(frozen=True)
class Call:
    """A tool call of this turn: canonical arguments, the full result, and what the model read of it (rounded)."""

    name: str
    arguments: dict[str, Any]
    result: dict[str, Any]
    read: dict[str, Any] = field(default_factory=dict)

    def currents(self, name: str) -> tuple[float, ...]:
        """A current in amperes, as computed and as the model read it."""
        return tuple(r[name] for r in (self.result, self.read) if r.get(name) is not None)


@dataclass(frozen=True)
class Verdict:
    """`unsupported`: numbers and citations without a source; `missing`: what the answer had to say and does not."""

    unsupported: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def grounded(self) -> bool:
        return not self.unsupported and not self.missing


def check(answer: str, calls: Sequence[Call], conversation: Sequence[dict[str, str]]) -> Verdict:
    """Judge an answer against the calls of its turn and the conversation ({role, content}, the question last)."""
    names = cell_names()
    sources = sources_of(answer, calls, conversation, names)
    stated = _BAND.sub("", answer) if any(_has_interval(call.result) for call in calls) else answer
    unsupported = [q.text for q in in_text(stated, names) if not backed(q, sources)]
    unsupported += _strangers(answer, calls, conversation)
    unsupported += [f"[{n}]" for n in sorted(cited_numbers(answer) - passages_of(calls).keys())]
    return Verdict(tuple(unsupported), tuple(_missing(answer, calls, names)))


def _strangers(answer: str, calls: Sequence[Call], conversation: Sequence[dict[str, str]]) -> list[str]:
    """Packs, uploads and days of an answer to calls that neither the calls nor the conversation name."""
    if not calls:
        return []
    known = str([*calls, *(m["content"] for m in conversation)]).lower()
    return [name for name in dict.fromkeys(_NAMED.findall(answer)) if name.lower() not in known]


def _has_interval(result: dict[str, Any]) -> bool:
    return any(key.endswith("low_percent") and value is not None for key, value in result.items())


def cited_numbers(answer: str) -> set[int]:
    """The passages that an answer cites: "[1]" and "[2, 3]" are 1, 2 and 3."""
    return {int(n) for group in _CITATION.findall(answer) for n in group.split(",")}


def passages_of(calls: Sequence[Call]) -> dict[int, dict[str, Any]]:
    """Citation number -> passage, of every search of this turn."""
    found = (p for c in calls if c.name == "search_documents" for p in c.result.get("passages", ()))
    return {passage.get("n", i): passage for i, passage in enumerate(found, start=1)}


def citations(answer: str, calls: Sequence[Call]) -> list[dict[str, Any]]:
    """The cited passages as {n, document, page, passage}."""
    passages, cited = passages_of(calls), sorted(cited_numbers(answer))
    return [{"n": n, "document": passages[n].get("document"), "page": passages[n].get("page"),
             "passage": passages[n].get("text")} for n in cited if n in passages]


def cell_names() -> tuple[str, ...]:
    """Names of cells that hold digits; those digits are no claims."""
    from tools.cells import load_catalogue

    spellings = {s for cell in load_catalogue() for s in (cell.model, cell.name, cell.id, *cell.aliases)}
    return tuple(sorted(s for s in spellings if any(c.isdigit() for c in s)))


def sources_of(answer: str, calls: Sequence[Call], conversation, names) -> list[Quantity]:
    """Everything a number may come from. With no result and no earlier answer a person's own numbers may be
    repeated in a question back to them, but not in a statement: repeating is not knowing."""
    told = conversation
    if not calls and not any(m["role"] == "assistant" for m in conversation) and not _asks_only(answer, names):
        told = ()
    sources = [q for message in told for q in in_text(message["content"], names)]
    cited = cited_numbers(answer)
    for call in calls:
        result: Any = [call.result, call.read]
        if call.name == "search_documents":
            result = [[p["text"], p["document"], p.get("answers")] for n, p in passages_of(calls).items() if n in cited]
        sources += [of_field(name, value) for name, value in numbers_of(call.arguments)]
        sources += [of_field(name, value) for name, value in numbers_of(result)]
        sources += [q for text in (*texts_of(result), *texts_of(call.arguments)) for q in in_text(text, names)]
        sources += [q for name in _fields_with_digits(result) for q in in_text(name)]
        sources += _converted(result)
    return sources


def _fields_with_digits(result: Any) -> Iterator[str]:
    """Field names that state a number: years_to_80_percent states 80 percent."""
    if isinstance(result, dict):
        yield from (key.replace("_", " ") for key in result if isinstance(key, str) and any(map(str.isdigit, key)))
        result = list(result.values())
    if isinstance(result, list | tuple):
        for value in result:
            yield from _fields_with_digits(value)


def _asks_only(answer: str, names) -> bool:
    """True when every sentence with a number in it is a question."""
    sentences = [s for s in _SENTENCE.findall(answer) if in_text(s, names)]
    return all(s.rstrip().endswith("?") for s in sentences)


def _converted(result: Any, capacity_ah: float = 0.0, parallel: int = 0, series: int = 0) -> Iterator[Quantity]:
    """Currents as C-rates, C-rates as currents, pack values as a cell's and back, where the result says how."""
    if isinstance(result, list | tuple):
        for value in result:
            yield from _converted(value, capacity_ah, parallel, series)
    if not isinstance(result, dict):
        return
    capacity_ah = next((v for k, v in result.items() if "capacity" in k and k.endswith("_ah") and v), capacity_ah)
    parallel = _count(result.get("parallel")) or parallel
    series = _count(result.get("series")) or series
    for key, value in result.items():
        if isinstance(value, dict | list | tuple):
            yield from _converted(value, capacity_ah, parallel, series)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield from _siblings(key, float(value), capacity_ah, parallel, series)


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _siblings(key: str, value: float, capacity_ah: float, parallel: int, series: int) -> Iterator[Quantity]:
    if key.endswith("c_rate") and capacity_ah:
        yield of_field("current_a", value * capacity_ah)
    elif key.endswith("_a"):
        if capacity_ah:
            yield of_field("c_rate", value / capacity_ah)
        if parallel:
            yield from (of_field("current_a", value * parallel), of_field("current_a", value / parallel))
    elif key.endswith("_v") and series:
        yield from (of_field("voltage_v", value * series), of_field("voltage_v", value / series))


def backed(claim: Quantity, sources: Sequence[Quantity]) -> bool:
    """Whether any of the sources states the claim, up to rounding and conversion."""
    return any(_matches(claim, source) for source in sources)


def _matches(claim: Quantity, source: Quantity) -> bool:
    if not claim.readings or not source.readings:  # a bare number is compared as written
        if claim.readings and source.readings == ():
            return _near(claim.value, source.value, claim.half_step, claim.readings[0][0])
        return _near(claim.value, source.value, claim.half_step, source.readings[0][0] if source.readings else "")
    return any(family == other and _near(value, true, half, family)
               for family, value, half in claim.readings for other, true, _ in source.readings)


def _near(stated: float, true: float, half_step: float, family: str = "") -> bool:
    """True when `stated` is `true` rounded to the digits it shows, and rounding did not eat the value."""
    off = abs(stated - true)
    if off <= 1e-9 * max(1.0, abs(true)):
        return True
    if family == "temperature":
        return off <= half_step * (1 + 1e-6)
    return off <= min(half_step * (1 + 1e-6), ROUNDING_LIMIT * abs(true))


def states_current(answer: str, current_a: float, names: tuple[str, ...] = ()) -> bool:
    """True when the answer states this current, to 2 %."""
    limit = max(CURRENT_TOLERANCE * abs(current_a), 5e-4)
    return any(family == "current" and abs(value - current_a) <= limit
               for q in in_text(answer, names) for family, value, _ in q.readings)


def _missing(answer: str, calls: Sequence[Call], names) -> Iterator[str]:
    """What an answer may not leave out: a tool's refusal, the recommended plan, what a search found or did not find, a
    simulation's warnings."""
    for i, call in enumerate(calls):
        if "error" in call.result:
            mended = any(c.name == call.name and "error" not in c.result for c in calls[i + 1:])
            if not mended and not _conveys(answer, call.result["error"]):
                yield call.result["error"]
        elif call.name == "recommend_charging_current":
            yield from _unsaid_currents(answer, call, names)
            yield from _unsaid_deadline(answer, call)
        elif call.name == "search_documents":
            yield from _unsaid_finding(answer, call, names)
        else:
            yield from (text for name in WARNINGS.get(call.name, ())
                        if (text := call.result.get(name)) and not _conveys(answer, text))


def _unsaid_currents(answer: str, call: Call, names) -> Iterator[str]:
    """The cell's current, and the pack's where cells are in parallel; for a refusal its reason."""
    reason = call.result.get("binding_constraint", "no charging now")
    if call.currents("current_a")[0] <= 0:
        if not states_current(answer, 0.0, names) and not _conveys(answer, reason):
            yield f"no charging now: {reason}"
        return
    fields = ("current_a", "pack_current_a") if (call.result.get("parallel") or 1) > 1 else ("current_a",)
    for name in (*fields, "final_current_a"):
        currents = call.currents(name)
        if currents and not any(states_current(answer, current, names) for current in currents):
            yield f"{name} = {currents[-1]:g} A"
    if not _conveys(answer, reason):
        yield f"the reason: {reason}"


def _unsaid_finding(answer: str, call: Call, names) -> Iterator[str]:
    """The value that a passage states just as asked, with its citation; and that something is not in the documents."""
    value, note = call.result.get("value"), call.result.get("note")
    if value is not None:
        stated = in_text(f"{value:.10g} {call.result['unit']}")
        if not backed(stated[0], in_text(answer, names)):
            yield call.result["answer"]
        elif not cited_numbers(answer):
            yield f"the citation: {call.result['answer']}"
    absent = note and (not call.result["passages"] or note.startswith("Not in the documents"))
    if absent and not _conveys(answer, note):
        yield note


def _unsaid_deadline(answer: str, call: Call) -> Iterator[str]:
    """A missed deadline has to be said, and nothing else may be said of it; nor that a met one is missed."""
    met = call.result.get("deadline_met") if call.currents("current_a")[0] > 0 else None
    if met is False and (_IN_TIME.search(answer) or not _TOO_LATE.search(answer)):
        yield "the deadline cannot be met"
    if met and _TOO_LATE.search(answer):
        yield "the deadline is met"


def _conveys(answer: str, sentence: str) -> bool:
    """True when most of a refusal's telling words are in the answer."""
    telling = {w for w in re.findall(r"[a-z]{4,}|pk-\d{4}\S*|\d+", sentence.lower())}
    said = set(re.findall(r"[a-z]{4,}|pk-\d{4}\S*|\d+", answer.lower()))
    return len(telling & said) >= 0.6 * len(telling)
