"""What may be asked: user and assistant texts, the question last, within what the model can read."""

from collections.abc import Sequence
from typing import Any

from oracle.errors import BadQuestion, QuestionTooLong

MAX_QUESTION_BYTES = 16_384
MAX_HISTORY_CHARACTERS = 6_000  # of earlier turns that the model reads


def checked(messages: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    """The conversation as {role, content} texts; other roles than user and assistant are left out.

    Raises BadQuestion for an empty question, QuestionTooLong above 16 kB.
    """
    kept = [{"role": m["role"], "content": text_of(m.get("content"))} for m in messages
            if m.get("role") in ("user", "assistant")]
    if not kept or kept[-1]["role"] != "user" or not kept[-1]["content"].strip():
        raise BadQuestion("The question is empty: ask something, for example how healthy PK-0042 is.")
    size = len(kept[-1]["content"].encode("utf-8", errors="replace"))
    if size > MAX_QUESTION_BYTES:
        raise QuestionTooLong(f"The question has {size} bytes; at most {MAX_QUESTION_BYTES} are read.")
    return [m for m in kept if m["content"].strip()]


def text_of(content: Any) -> str:
    """The text of an OpenAI message content: a string, or its text parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = [p.get("text") for p in content if isinstance(p, dict) and p.get("type") == "text"]
        return "\n".join(p for p in parts if isinstance(p, str))
    return ""


def within_reach(messages: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """The question and as many whole turns before it as the model should read."""
    kept, room = [messages[-1]], MAX_HISTORY_CHARACTERS
    for message in reversed(messages[:-1]):
        room -= len(message["content"])
        if room < 0:
            break
        kept.insert(0, message)
    return kept[1:] if len(kept) > 1 and kept[0]["role"] == "assistant" else kept
