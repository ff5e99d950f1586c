"""Documents into chunks that fit the embedder, cut at sentence ends."""

import re
from collections.abc import Callable

# all-MiniLM-L6-v2 reads 256 word pieces; text full of numbers has about two a word.
WORDS_PER_CHUNK = 110
_SENTENCE_END = re.compile(r"(?<=[A-Za-z0-9%)\]\"'][.!?])\s+(?=[A-Z\"'(\[])")


def sentences(text: str) -> list[str]:
    """Split at a full stop, question or exclamation mark followed by a capital ("4.2 V" stays whole)."""
    return [s for s in _SENTENCE_END.split(text.strip()) if s]


def chunks(text: str, words: int = WORDS_PER_CHUNK, repeat: bool = True) -> list[str]:
    """Whole sentences up to `words` words; with `repeat` a chunk starts with the last sentence before it.

    A sentence longer than that is cut at words.
    """
    pieces = [piece for sentence in sentences(text) for piece in _cut(sentence.split(), words)]
    done, current = [], []
    for piece in pieces:
        if current and sum(map(len, current)) + len(piece) > words:
            done.append(current)
            overlap = current[-1]
            current = [overlap] if repeat and len(overlap) + len(piece) <= words else []
        current.append(piece)
    return [" ".join(" ".join(p) for p in chunk) for chunk in [*done, current] if chunk]


def _cut(words: list[str], size: int) -> list[list[str]]:
    return [words[i:i + size] for i in range(0, len(words), size)]


def excerpt(text: str, wanted: set[str], stems: Callable[[str], list[str]], words: int = 60) -> str:
    """At most `words` words of `text`, in its order: first the sentences that tell what is `wanted`, then the others.

    `wanted` are stems, as `stems(text)` gives them. Sentences stay whole, so that no value loses its qualifier;
    a gap is shown as "...".
    """
    parts = sentences(text)
    kept, room = set(), words
    for i in _telling_first(parts, [wanted & set(stems(part)) for part in parts]):
        length = len(parts[i].split())
        if length <= room:
            kept.add(i)
            room -= length
    if not kept:
        return " ".join(text.split()[:words]) + " ..." if parts else ""
    shown, last = [], -1
    for i in sorted(kept):
        shown += ["..."] * (i > last + 1) + [parts[i]]
        last = i
    return " ".join(shown + ["..."] * (last < len(parts) - 1))


def _telling_first(parts: list[str], told: list[set[str]]) -> list[int]:
    """Order of sentences: each next one tells most of what is still wanted; those that add nothing follow in place."""
    order, heard, left = [], set(), list(range(len(parts)))
    while left:
        best = max(left, key=lambda i: (len(told[i] - heard), -i))
        order.append(best)
        heard |= told[best]
        left.remove(best)
    return order
