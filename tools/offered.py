"""What a person's words offer an argument: the phrases that can be read as it.

A language model that is held to them cannot put a temperature into a state of health, cut an id short or write a
value that nobody said. Where the words hold a number that no reader understands nothing is withheld, so that the
model's copy of it still reaches the reader and is refused with a sentence; what reads but is out of bounds is offered
for the same reason.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from tools.contract import Tool, quantity_of
from tools.sourcing import MORE_LESS, SUPERLATIVE, TWICE_HALF, priority_said
from tools.words import QUANTITIES
from tools.words.spans import spans
from tools.words.turns import all_apart, number_spans

_MOST = 40  # phrases of one argument; a text with more numbers is a table, and left to the readers
_NOTHING = {"type": "null"}
_FIT_FOR_GRAMMAR = re.compile(r'[^"\\\x00-\x1f\x7f]+')
_NUMBER = re.compile(r"(?<![\w.,:-])0*[1-9]\d{0,3}(?![\w%°]|[.,:-]\d)")
_REGEX_MARKS = re.compile(r"([.^$|?*+()\[\]{}])")


def held_to(tool: Tool, texts: Sequence[str]) -> dict[str, Any]:
    """The tool's wire schema with each quantity held to what `texts` (the question last) offer it.

    The names of the arguments stay, as the prompt shows them; one for which nothing was said can only be null.
    """
    schema, texts = tool.wire_schema(), tuple(texts)
    if not texts or not _all_read(texts[-1]):
        return schema
    properties = schema["function"]["parameters"]["properties"]
    for name, field in tool.arguments.model_fields.items():
        if (kind := _kind(name, quantity_of(field), properties[name], texts)) is not None:
            properties[name] = kind
    return schema


def _kind(name: str, quantity: str | None, free: dict[str, Any], texts: tuple[str, ...]) -> dict[str, Any] | None:
    """The JSON schema of one argument; None where it stays as it is."""
    if name == "priority":
        said = [p for p in free["enum"] if priority_said(p, texts)]
        return {"type": "string", "enum": said} if said else _NOTHING
    if quantity not in QUANTITIES or _derived(name, quantity, texts):
        return None
    words = [w for w in offered(quantity, texts) if _FIT_FOR_GRAMMAR.fullmatch(w)]
    if len(words) > _MOST:
        return None
    kinds = [{"type": "string", "pattern": f"^(?:{'|'.join(map(_escaped, words))})$"}] if words else []
    if quantity == "count" and any(SUPERLATIVE.search(text) for text in texts):
        kinds.append({"type": "integer", "enum": [1]})  # "the hottest pack" says one without a word for it
    return {"anyOf": kinds} if len(kinds) > 1 else kinds[0] if kinds else _NOTHING


def _escaped(words: str) -> str:
    return _REGEX_MARKS.sub(r"\\\1", words)


@lru_cache(maxsize=256)  # eight tools ask for the same quantities
def offered(quantity: str, texts: tuple[str, ...]) -> tuple[str, ...]:
    """The phrases of `texts` that read as the quantity, the newest first, and those put together of several parts."""
    said = [text[a:b] for text in reversed(texts) for a, b, _ in spans(text, quantity)]
    if quantity == "asset_id" and not spans(texts[-1], quantity):  # "the weakest cell in number 202"
        said += _NUMBER.findall(texts[-1])
    return tuple(dict.fromkeys((*said, *all_apart(quantity, texts))))


def _derived(name: str, quantity: str, texts: Sequence[str]) -> bool:
    """Whether the value may follow from what was said, as in "double that" or a depth between two charges."""
    if TWICE_HALF.search(texts[-1]) or MORE_LESS.search(texts[-1]):
        return quantity != "asset_id"
    return name.startswith("depth_of_discharge") and any(len(spans(text, quantity)) > 1 for text in texts)


@lru_cache(maxsize=256)
def _all_read(text: str) -> bool:
    """Whether every number of a text is part of a phrase that some reader understands."""
    read = [(a, b) for quantity in QUANTITIES for a, b, _ in spans(text, quantity)]
    return all(any(a < end and start < b for a, b in read) or text[end:end + 1].isalpha()  # "50E" names a cell
               for start, end in number_spans(text))
