"""Documents into chunks that fit the embedder, cut at sentence ends."""

import re

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


def excerpt(text: str, wanted: set[str], stems, words: int = 60) -> str:
    """At most `words` words of `text`: the sentences that share most stems with `wanted`, in their order.

    `stems(text) -> list[str]`. Sentences stay whole, so that no value loses its qualifier; a gap is shown
    as "...".
    """
    parts = sentences(text)
    ranked = sorted(range(len(parts)), key=lambda i: (-len(wanted & set(stems(parts[i]))), i))
    kept, room = set(), words
    for i in ranked:
        length = len(parts[i].split())
        if length <= room:
            kept.add(i)
            room -= length
    if not kept:
        return " ".join(parts[ranked[0]].split()[:words]) + " ..." if parts else ""
    shown, last = [], -1
    for i in sorted(kept):
        shown += ["..."] * (i > last + 1) + [parts[i]]
        last = i
    return " ".join(shown + ["..."] * (last < len(parts) - 1))
