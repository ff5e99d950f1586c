"""pass^k: how often k answers to one question, asked in k surroundings, are all the same call and the right one.

The measure is that of tau-bench (Yao et al. 2024, arXiv:2406.12045), here over surroundings instead of random draws,
because calls are decoded greedily.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from eval.score import ANY_TEXT, Call, Question, judge, same_calls, wilson_interval
from eval.surroundings import surrounded


@dataclass(frozen=True)
class Variant:
    """A question in other surroundings; `kind` says which."""

    kind: str
    question: Question


def variants(questions: Sequence[Question], k: int, seed: int) -> list[list[Variant]]:
    """k variants of every question; the same seed gives the same."""
    return [[Variant(kind, q.model_copy(update={"messages": messages}))
             for kind, messages in surrounded(q.messages, k, f"{seed} {q.id}")] for q in questions]


def pass_k(questions: Sequence[Question], k: int, seed: int, ask_all: Callable[[Sequence[Question]], Sequence[Any]]
           ) -> dict[str, Any]:
    """Ask every variant; `ask_all` gives answers ({calls, valid}) in the questions' order.

    Shares as {right, n}: `passed` all k the same and right, `same` all k the same, `by_kind` right per surroundings;
    `failed`: the questions that did not pass, with the surroundings that broke them.
    """
    asked = variants(questions, k, seed)
    answers = list(ask_all([v.question for group in asked for v in group]))
    groups = [list(zip(group, answers[i * k:(i + 1) * k], strict=True)) for i, group in enumerate(asked)]
    right = [[judge(v.question, a.calls, a.valid).exact for v, a in group] for group in groups]
    same = [_all_same([a.calls for _, a in group]) for group in groups]
    passed = [all(exact) and alike for exact, alike in zip(right, same, strict=True)]
    kinds: dict[str, list[bool]] = {}
    for group, exact in zip(groups, right, strict=True):
        for (variant, _), hit in zip(group, exact, strict=True):
            kinds.setdefault(variant.kind, []).append(hit)
    return {"k": k, "seed": seed, "passed": sum(passed), "same": sum(same), "n": len(questions),
            "passed_95_percent": wilson_interval(sum(passed), len(questions)),
            "by_kind": {kind: {"right": sum(hits), "n": len(hits)} for kind, hits in sorted(kinds.items())},
            "failed": [_failed(q, group, exact, alike) for q, group, exact, alike, ok
                       in zip(questions, groups, right, same, passed, strict=True) if not ok]}


def _failed(question: Question, group: Sequence[tuple[Variant, Any]], right: Sequence[bool], same: bool):
    wrong = [variant.kind for (variant, _), hit in zip(group, right, strict=True) if not hit]
    return {"id": question.id, "same": same, "wrong_in": wrong}


def _all_same(found: Sequence[Sequence[Call] | None]) -> bool:
    """Whether all answers make the same calls; a search text may be worded differently."""
    if any(calls is None for calls in found):
        return False
    first, *others = [[_any_query(call) for call in calls] for calls in found]
    return all(same_calls(other, first) for other in others)


def _any_query(call: Call) -> Call:
    if "query" not in call.arguments:
        return call
    return Call(name=call.name, arguments=call.arguments | {"query": ANY_TEXT})
