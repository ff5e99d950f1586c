"""Training phrasings that never train, as judged questions: by the hands of those that do, many of them harder."""

import random
from collections.abc import Sequence
from typing import Any

from eval.score import ANY_TEXT, Call, Question
from finetune.dataset import is_held_out
from finetune.phrasings import NotWritten, phrasing_files, turn


def held_out_questions(names: Sequence[str], at_most: int, seed: int) -> list[Question]:
    """One filling of each held-out phrasing of the files so named (none: of all), `at_most` of them drawn by `seed`.

    Any search text is right, and `kind` of a search may be left out. Raises ValueError for a file that is not there.
    """
    files = phrasing_files()
    if unknown := [name for name in names if name not in files]:
        raise ValueError(f"There are no phrasings {unknown[0]!r}; there are {', '.join(files)}.")
    found = []
    for name in names or files:
        for number, line in enumerate(files[name], start=1):
            if is_held_out(line):
                found += _question(f"{name}-{number}", name, line, random.Random(f"{seed} {line['messages']}"))
    if not found:
        raise ValueError(f"None of the phrasings {', '.join(names)} is held out: name another file.")
    drawn = random.Random(seed).sample(found, min(at_most, len(found)))
    return sorted(drawn, key=lambda question: (question.category, question.id))


def _question(key: str, category: str, line: dict[str, Any], rng: random.Random) -> list[Question]:
    try:
        item = turn(line, rng)
    except NotWritten:
        return []
    calls = [_with(call, query=ANY_TEXT) if "query" in call["arguments"] else call for call in item.canonical]
    short = [{**call, "arguments": {k: v for k, v in call["arguments"].items() if k != "kind"}} for call in calls]
    accept = [calls, short] if short != calls else [calls]
    return [Question(id=key, category=category, messages=list(item.messages),
                     accept=[[Call(**call) for call in alternative] for alternative in accept])]


def _with(call: dict[str, Any], **arguments: Any) -> dict[str, Any]:
    return {**call, "arguments": call["arguments"] | arguments}
