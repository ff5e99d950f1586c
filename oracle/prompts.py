"""The one source of the system prompt and the chat template, for training and for serving."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any

SYSTEM = (
    "You are Battery Oracle. Call a tool for every number about a battery and copy what the person "
    "wrote, with its unit, into the arguments; leave out what nobody said. Ask when the pack or cell is "
    "missing. Answer from the tool results: the value, its unit, the reason, the uncertainty, the source. "
    "Say so when it is not known."
)


def chat_template() -> str:
    """The Jinja chat template: ChatML, compact tool signatures, calls in <tool_call> tags."""
    return files("oracle").joinpath("chat_template.jinja").read_text(encoding="utf-8")


def call_text(calls: Iterable[Mapping[str, Any]]) -> str:
    """Calls {name, arguments} as the model writes them (the hermes format that vLLM parses)."""
    return "\n".join(f"<tool_call>\n{json.dumps({'name': c['name'], 'arguments': c['arguments']}, ensure_ascii=False)}"
                     "\n</tool_call>" for c in calls)


def result_text(brief: Mapping[str, Any]) -> str:
    """A tool's brief result as the model reads it in a message of role tool."""
    return json.dumps(brief, ensure_ascii=False, separators=(",", ":"))


def prompt_hash() -> str:
    """First 12 hex digits of the SHA-256 of system prompt and template; stored with adapter and reports."""
    return hashlib.sha256((SYSTEM + chat_template()).encode()).hexdigest()[:12]
