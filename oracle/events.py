"""What the agent tells while it works: the same stream feeds the chat, the API and the command line."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ToolCalled:
    """A call that passed the argument check and is about to run; arguments are canonical."""

    step: int
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class ToolReturned:
    """`result` is the tool's full result, or {"error": sentence} when it could not answer."""

    step: int
    name: str
    result: dict[str, Any]


@dataclass(frozen=True)
class Answered:
    """The final, grounded, audited answer."""

    text: str
    tool_calls: list[dict[str, Any]] = field(default_factory=list)  # {step, name, arguments, result}
    citations: list[dict[str, Any]] = field(default_factory=list)  # {n, document, page, passage}
    grounding: dict[str, Any] = field(default_factory=dict)  # {grounded, regenerated, rendered_plainly, unsupported}
    audit_id: str = ""
    usage: dict[str, int] = field(default_factory=dict)  # {prompt_tokens, completion_tokens}
