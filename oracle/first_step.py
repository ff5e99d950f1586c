"""The first step of a turn: held to what was said, and thought over where the call leaves a doubt.

The model decides alone whether to call and what. Code only counts what it can check: arguments that cannot be read or
that nobody said, values of the question that no call uses, one phrase used twice, one call made twice. A call with
such a doubt is drawn again a few times, and the one with the fewest doubts is taken; among equals the one the model is
surest of.
"""

from collections.abc import Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage

from oracle.calls import CallRecord, prepare
from tools.contract import Tool, quantity_of
from tools.errors import BadArgument
from tools.offered import held_to
from tools.toolset import tool_named
from tools.words import QUANTITIES
from tools.words.spans import is_bare, same, spans

DRAWN = 5
TEMPERATURE = 0.8
UNREADABLE = 100  # doubts: worse than any number of values left out
_SHARES = {"percent", "soh"}  # a percentage said may be either


def schemas_for(tools: Sequence[Tool], said: Sequence[str]) -> list[dict[str, Any]]:
    """The tools on the wire for the first step of a conversation: quantities held to what was said."""
    return [held_to(tool, said) for tool in tools]


def thought_over(reply: AIMessage, model: BaseChatModel, tools: Sequence[Tool], prompt: Sequence[BaseMessage],
                 said: Sequence[str]) -> AIMessage:
    """The reply, or one drawn anew that leaves fewer doubts; `prompt` is what the model read, `said` all texts.

    A model that cannot be asked for several replies at once (no field `n`) keeps its own.
    """
    if not hasattr(model, "n") or not doubts(reply, tools, said):
        return reply
    drawn = model.generate([list(prompt)], tools=schemas_for(tools, said), n=DRAWN, temperature=TEMPERATURE,
                           logprobs=True).generations[0]
    calling = [choice.message for choice in drawn if choice.message.tool_calls]  # silence is no better call
    return min([reply, *calling], key=lambda message: (doubts(message, tools, said), -_log_probability(message)))


def doubts(reply: AIMessage, tools: Sequence[Tool], said: Sequence[str]) -> int:
    """How many things about a reply's calls cannot be right, or are left out; 0 for a reply that calls nothing."""
    if is_broken(reply):
        return UNREADABLE
    records, count = [], 0
    for call in reply.tool_calls:
        try:
            tool = tool_named(call["name"], tools)
            record = prepare(tool, call["args"], said)
        except BadArgument:
            return UNREADABLE
        records.append((tool, record))
        count += len(record.dropped) + _used_twice(tool, record, said)
    count += len(records) - len({record.key for _, record in records})
    return count + _left_out(records, said[-1]) if records else 0


def is_broken(reply: AIMessage) -> bool:
    """Whether a reply holds a call that is no JSON."""
    return bool(reply.invalid_tool_calls) or not reply.tool_calls and "<tool_call>" in reply.text


def _used_twice(tool: Tool, record: CallRecord, said: Sequence[str]) -> int:
    """Phrases in more than one argument of a call that were said only once."""
    words = [str(record.raw[name]).casefold() for name in record.arguments
             if quantity_of(tool.arguments.model_fields[name]) in QUANTITIES and name in record.raw]
    texts = " ".join(said).casefold()
    return sum(words.count(w) > max(1, texts.count(w)) for w in set(words))


def _left_out(records: Sequence[tuple[Tool, CallRecord]], question: str) -> int:
    """Values of the question, with a unit or a name, that no call uses; none where all of it is searched for."""
    if any("query" in record.arguments for _, record in records):
        return 0
    used = [(quantity_of(tool.arguments.model_fields[name]), value) for tool, record in records
            for name, value in record.arguments.items()]
    return sum(not any(_is_used(meant, used) for meant in meanings) for meanings in _values(question))


def _values(text: str) -> list[list[tuple[str, Any]]]:
    """For each phrase of a text that is a value with its unit, or an id: everything that it may mean."""
    found = sorted((a, b, quantity, value) for quantity in QUANTITIES if quantity != "count"
                   for a, b, value in spans(text, quantity)
                   if quantity == "asset_id" or not is_bare(text[a:b]))
    groups, reach = [], -1
    for start, end, quantity, value in found:
        if start >= reach:
            groups.append([])
        groups[-1].append((quantity, value))
        reach = max(reach, end)
    return groups


def _is_used(meant: tuple[str, Any], used: Sequence[tuple[str | None, Any]]) -> bool:
    quantity, value = meant
    return any((quantity == other or {quantity, other} == _SHARES) and same(value, v) for other, v in used)


def _log_probability(message: AIMessage) -> float:
    tokens = (message.response_metadata.get("logprobs") or {}).get("content") or ()
    return sum(token["logprob"] for token in tokens) if tokens else float("-inf")
