"""One tool call: from what the model wrote to a result, with everything an audit needs."""

import json
import logging
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from retrieval.question import in_full
from tools.contract import Context, Tool
from tools.errors import BadArgument, CannotAnswer

log = logging.getLogger(__name__)
_CITED = re.compile(r"\[(\d+)\]")


@dataclass
class CallRecord:
    """A call that ran. `raw` is what the model wrote, `arguments` the canonical values that reached the tool,
    `dropped` what nobody had said, `result` the full result or {"error": sentence}, `read` what the model read."""

    step: int
    name: str
    raw: dict[str, Any]
    arguments: dict[str, Any]
    dropped: dict[str, Any] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)
    read: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def key(self) -> str:
        """The same for two calls that ask the same."""
        return f"{self.name} {json.dumps(self.arguments, sort_keys=True)}"

    def shown(self) -> dict[str, Any]:
        """As it is shown to people and services: {step, name, arguments, result}."""
        return {"step": self.step, "name": self.name, "arguments": self.arguments, "result": self.result}

    def record(self) -> dict[str, Any]:
        return asdict(self)


def prepare(tool: Tool, raw: Mapping[str, Any], said: Sequence[str], results: Sequence[Any] = (),
            step: int = 1, alone: bool = False) -> CallRecord:
    """Raw arguments as canonical ones, without what nobody said; raises BadArgument.

    `said`: the texts of the conversation, the question last; `results`: earlier results of this turn; `alone`: the
    question is answered by this one call, so a query stands for all of it.
    """
    from tools.sourcing import unsaid
    from tools.words import canonical

    values = canonical(dict(raw), tool.arguments)
    invented = unsaid(raw, values, tool.arguments, said, results)
    for name in invented:
        if tool.arguments.model_fields[name].is_required():
            raise BadArgument(name, f"Nobody said {name} = {raw[name]!r}: ask for it.")
    if alone and said and isinstance(values.get("query"), str):
        values["query"] = in_full(values["query"], said)
    kept = tool.parse({n: v for n, v in values.items() if n not in invented})
    return CallRecord(step, tool.name, dict(raw), kept.model_dump(exclude_none=True),
                      {n: raw[n] for n in invented})


def run(tool: Tool, call: CallRecord, context: Context, first_passage: int = 1) -> CallRecord:
    """Run a prepared call and fill in its result; passages found are numbered from `first_passage`.

    A tool that cannot answer leaves {"error": sentence}; raises BadArgument where it finds the arguments at fault.
    """
    began = time.monotonic()
    try:
        result = tool.run(tool.parse(call.arguments), context)
        call.result = result.model_dump(mode="json", exclude_none=True)
        call.read = _jsonable(result.brief())
    except CannotAnswer as error:
        call.result = call.read = {"error": str(error)}
    except BadArgument:
        raise
    except Exception as error:  # a bug or a solver that gave up: the person gets a sentence, the log the traceback
        log.exception("%s failed on %s", tool.name, call.arguments)
        call.result = call.read = {"error": f"{tool.name} failed ({type(error).__name__}), so there is no result: "
                                            "ask with other values or report this."}
    for passage in {id(p): p for d in (call.result, call.read) for p in d.get("passages", ())}.values():
        if "n" in passage:
            passage["n"] += first_passage - 1
    for found in (call.result, call.read):
        if "answer" in found:
            found["answer"] = _CITED.sub(lambda m: f"[{int(m[1]) + first_passage - 1}]", found["answer"])
    call.seconds = round(time.monotonic() - began, 3)
    return call


def _jsonable(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))
