"""Whether judged questions and training phrasings are independent: what is left of a text without its values."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

VALUE = "#"
GRAM = 8  # words in a row that two independent hands hardly ever share
SHORTEST = 3  # below this a text is a greeting anybody would write

_SLOT = re.compile(r"\{[^{}]*\}|<[^<>]*>|\[[a-z_]+2?\]")
_ID = re.compile(r"\b(?:pk[\s-]?\d+(?:-c\d+)?|up-[0-9a-f]+)\b")
_CELL = re.compile(r"\b(?:lg m50lt|lg m50|a123 26650|catl 280ah|kokam 7\.5ah|samsung 50e|molicel p42a)\b")
_SITE = re.compile(r"\b(?:hamburg|oslo|phoenix|lyon|gothenburg|pune|tartu)\b")
_NUMBER = re.compile(r"-?\d+(?:[.,:]\d+)*")
_WORD = re.compile(r"[\u4e00-\u9fff]|[^\W\d_]+|#")


def skeleton(text: str) -> tuple[str, ...]:
    """The words of a text in lower case, every id, cell name, site, number and template slot as "#"."""
    text = text.casefold()
    for pattern in (_SLOT, _ID, _CELL, _SITE, _NUMBER):
        text = pattern.sub(f" {VALUE} ", text)
    return tuple(_WORD.findall(text))


def grams(words: tuple[str, ...], size: int = GRAM) -> set[tuple[str, ...]]:
    """Runs of `size` words; a text of SHORTEST words up to `size` is one run, a shorter one none."""
    if len(words) < size:
        return {words} if len(words) >= SHORTEST else set()
    return {words[i:i + size] for i in range(len(words) - size + 1)}


def shared_with(texts: Iterable[str], others: Iterable[str]) -> list[str]:
    """Those of `texts` that share a run of words, or the whole of a short text, with any of `others`."""
    seen = set().union(*(grams(skeleton(other)) for other in others))
    return [text for text in texts if grams(skeleton(text)) & seen]


def training_texts() -> list[str]:
    """Every string of the phrasings that train, templates as they are."""
    from finetune.dataset import is_held_out
    from finetune.phrasings import load_phrasings

    return [text for line in load_phrasings() if not is_held_out(line) for text in _strings(line)]


def strings_of(path: Path) -> list[str]:
    """Every string value anywhere in a JSON-lines file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [text for line in lines if line.strip() for text in _strings(json.loads(line))]


def _strings(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
