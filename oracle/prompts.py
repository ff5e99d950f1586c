"""The one source of the system prompt and the chat template, for training and for serving."""

import hashlib
from importlib.resources import files

SYSTEM = (
    "You are Battery Oracle. Call a tool for every number about a battery and copy what the person "
    "wrote, with its unit, into the arguments; leave out what nobody said. Ask when the pack or cell is "
    "missing. Answer from the tool results: the value, its unit, the reason, the uncertainty, the source. "
    "Say so when it is not known."
)


def chat_template() -> str:
    """The Jinja chat template: ChatML, compact tool signatures, calls in <tool_call> tags."""
    return files("oracle").joinpath("chat_template.jinja").read_text(encoding="utf-8")


def prompt_hash() -> str:
    """First 12 hex digits of the SHA-256 of system prompt and template; stored with adapter and reports."""
    return hashlib.sha256((SYSTEM + chat_template()).encode()).hexdigest()[:12]
