"""What wrong answers got wrong: tools taken for one another, and arguments left out, added or given other values."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from eval.score import Call, Question, same_value, told

NOTHING = "nothing"


def confusions(questions: Sequence[Question], answers: Sequence[Sequence[Call] | None]) -> dict[str, dict[str, int]]:
    """How often each tool and each argument was mixed up, the most frequent first.

    An answer is held to the accepted alternative it is nearest to; one that could not be read (None) counts as no call.
    """
    total = {"tools": Counter(), "arguments": Counter()}
    for question, calls in zip(questions, answers, strict=True):
        nearest = min((_between(calls or (), wanted) for wanted in question.accept),
                      key=lambda mixed: (mixed["tools"].total(), mixed["arguments"].total()))
        for kind, counts in nearest.items():
            total[kind] += counts
    return {kind: dict(counts.most_common()) for kind, counts in total.items()}


def _between(calls: Sequence[Call], wanted: Sequence[Call]) -> dict[str, Counter]:
    left, missing, arguments = list(calls), [], Counter()
    for expected in wanted:
        candidates = [call for call in left if call.name == expected.name]
        if not candidates:
            missing.append(expected.name)
            continue
        nearest = min(candidates, key=lambda call: len(_mixed_up(call.arguments, expected.arguments)))
        left.remove(nearest)
        arguments.update(_mixed_up(nearest.arguments, expected.arguments))
    pairs = zip_longest(missing, [call.name for call in left], fillvalue=NOTHING)
    return {"tools": Counter(f"{name} as {other}" for name, other in pairs), "arguments": arguments}


def _mixed_up(given: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """One entry for each argument that is not what it should be: "soc_percent as target_soc_percent", ..."""
    given, wanted = told(given), told(wanted)
    wrong = {k: v for k, v in given.items() if k not in wanted or not same_value(k, v, wanted[k])}
    found = []
    for name, value in wanted.items():
        if name in given and name not in wrong:
            continue
        role = next((other for other, v in wrong.items() if other != name and same_value(name, v, value)), None)
        if role:
            found.append(f"{name} as {role}")
            del wrong[role]
        else:
            found.append(f"{name}: another value" if name in given else f"{name} left out")
            wrong.pop(name, None)
    return found + [f"{name} added" for name in wrong if name not in wanted]
