"""Hand-written phrasings to conversations: slots filled, arguments in the words that were written.

A line is {"messages", "calls", "reply"?}: what people said, the calls it should cause (canonical values or slots)
and, where nothing is to be called, the reply. The model learns to copy: each argument becomes the shortest span
of the conversation that means its value, unit included.
"""

import json
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from finetune.around import around
from finetune.slots import fill
from retrieval.toolset import tool_named
from tools.arguments import Arguments
from tools.contract import quantity_of
from tools.sourcing import locate, unsaid
from tools.words.turns import apart

SLOT = re.compile(r"\[([A-Z]+2?)\]")


class NotWritten(ValueError):
    """An argument of a phrasing is found nowhere in its conversation."""


@dataclass(frozen=True)
class Turn:
    """A conversation that ends with a person's words, the calls they should cause, or the reply without a call."""

    messages: tuple[dict[str, str], ...]
    calls: tuple[dict[str, Any], ...]  # {name, arguments} with the person's words
    canonical: tuple[dict[str, Any], ...]  # the same calls with canonical values
    reply: str | None = None


def load_phrasings() -> list[dict[str, Any]]:
    """All lines of finetune/phrasings/*.jsonl."""
    return [line for lines in phrasing_files().values() for line in lines]


def phrasing_files() -> dict[str, list[dict[str, Any]]]:
    """The lines of each finetune/phrasings/NAME.jsonl by its name."""
    paths = sorted(files("finetune").joinpath("phrasings").iterdir(), key=lambda path: path.name)
    return {path.name.removesuffix(".jsonl"): [json.loads(line) for line in
                                               path.read_text(encoding="utf-8").splitlines() if line.strip()]
            for path in paths if path.name.endswith(".jsonl")}


def turn(phrasing: Mapping[str, Any], rng: random.Random, noise: float = 0.0, demo: bool = False,
         said_around: float = 0.0) -> Turn:
    """One filling of a phrasing; `noise` is the chance that its last words are written carelessly, `said_around` the
    chance that something is said around them; `demo` keeps to assets of the demo fleet.

    Raises NotWritten when an argument's value is not found in the words.
    """
    values = fill(rng, demo)
    messages = [dict(message) for message in phrasing["messages"]]
    if rng.random() < noise:
        messages[-1]["content"] = carelessly(messages[-1]["content"], rng)
    if said_around and rng.random() < said_around:
        messages = around(messages, rng)
    messages = [{"role": m["role"], "content": _filled(m["content"], values)} for m in messages]
    texts = [m["content"] for m in reversed(messages)]
    pairs = [_call(call, values, texts) for call in phrasing["calls"]]
    reply = phrasing.get("reply")
    return Turn(tuple(messages), tuple(raw for raw, _ in pairs), tuple(exact for _, exact in pairs),
                _filled(reply, values) if reply else None)


def _filled(text: str, values: Mapping[str, tuple[str, Any]]) -> str:
    return SLOT.sub(lambda match: values[match[1]][0] if match[1] in values else match[0], text)


def _call(call: Mapping[str, Any], values: Mapping[str, tuple[str, Any]], texts: list[str]):
    model = tool_named(call["name"]).arguments
    fields = model.model_fields
    raw, exact = {}, {}
    for name in fields:  # in the schema's order
        if name in call["arguments"]:
            exact[name] = _value(call["arguments"][name], values)
            raw[name] = _words(name, exact[name], model, texts)
    return {"name": call["name"], "arguments": raw}, {"name": call["name"], "arguments": exact}


def _value(value: Any, values: Mapping[str, tuple[str, Any]]) -> Any:
    if isinstance(value, str) and (slot := SLOT.fullmatch(value)):
        return values[slot[1]][1]
    return _filled(value, values) if isinstance(value, str) else value


def _words(name: str, value: Any, model: type[Arguments], texts: list[str]) -> Any:
    quantity = quantity_of(model.model_fields[name])
    if quantity is None or quantity in ("query", "cell_model", "site"):
        return value
    for text in texts:
        if (span := locate(text, value, quantity)) is not None:
            return span
    if quantity == "count" and value == 1:
        return 1  # "the hottest pack" says one without a word for it
    words = _bare_number(value, texts[0]) if isinstance(value, str) else None
    if (words := words or apart(value, quantity, texts[::-1])) is not None:
        return words  # "95 °F" ... "and over 86?" is "86 °F"
    if not isinstance(value, str) and not unsaid({name: value}, {name: value}, model, texts[::-1], ()):
        return round(value, 4)  # "double that": worked out from what was said
    raise NotWritten(f"{name} = {value!r} is not written in {texts!r}")


def _bare_number(asset_id: str, text: str) -> str | None:
    """The number alone of a pack, as in "and 193?"."""
    pack = re.fullmatch(r"PK-0*([1-9]\d*)", asset_id)
    return pack[1] if pack and re.search(rf"(?<![\w.,:/-]){pack[1]}(?![\w%°/-]|[.,:]\d)", text) else None


def carelessly(text: str, rng: random.Random) -> str:
    """The text in lower case, without its end mark, or with two letters of a word swapped; slots stay whole."""
    style = rng.randrange(4)
    if style == 0:
        return SLOT.sub(lambda match: match[0].upper(), re.sub(r"[^\[\]]+(?![^\[]*\])", lambda m: m[0].lower(), text))
    if style == 1:
        return text.rstrip(".?!")
    if style == 2:
        return text.replace(",", "")
    words = [w for w in re.finditer(r"(?<![\[\w])[a-z]{5,}(?![\w\]])", text)]
    if not words:
        return text
    word = rng.choice(words)
    at = rng.randrange(word.start() + 1, word.end() - 2)
    return text[:at] + text[at + 1] + text[at] + text[at + 2:]
