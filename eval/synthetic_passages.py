"""A million passages that need no million embeddings: made from their number, the same for the same numbers.

Each is three of 120 sentences on batteries, with a part number and a value of its own. Its vector is the mean of the
sentences' real embeddings and some noise, since embedding a million texts takes hours on a CPU.
"""

import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from retrieval.passages import Passage

TENANTS = 20
NOISE = 0.35  # of the length of a sentence's vector
SUBJECTS = ("charging current", "discharge current", "storage temperature", "cell voltage", "capacity fade", "mass",
            "coolant flow", "contactor", "insulation resistance", "state of charge", "firmware version", "fuse rating")
SENTENCES = ("The {} was measured at the end of line.", "The maximum {} is given by the maker.",
             "After the repair the {} stayed within its limits.", "A technician reported an unusual {} in winter.",
             "The supplier changed the {} in the second revision.", "Tests of the {} at high temperature are pending.",
             "The {} depends on age and temperature.", "For transport the {} has to be checked and noted.",
             "An alarm on the {} was acknowledged by the depot.", "The manual explains how the {} is calibrated.")


class Synthetic(Sequence):
    """`count` passages that are the same for the same numbers; made when asked for."""

    def __init__(self, count: int, start: int = 0):
        self.count, self.start = count, start

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, i: int) -> Passage:
        if not 0 <= i < self.count:
            raise IndexError(i)
        n = self.start + i
        a, b, c = _three(n)
        told = sentences()
        text = f"{told[a]} {told[b]} {told[c]} Part {part(n)}, value {n * 7919 % 9973 / 10:g}."
        return Passage(document=f"Synthetic report {n // 8}", text=text, kind="file", source="synthetic",
                       page=n % 8 + 1, tenant=f"tenant {n % TENANTS}")


def part(n: int) -> str:
    """A part number that a few hundred passages in a million share."""
    return f"BX{n * 48271 % 5003:04d}"


def _three(n: int) -> tuple[int, int, int]:
    return n * 31 % 120, n * 17 // 120 % 120, n * 13 // 14400 % 120


@lru_cache(maxsize=1)
def sentences() -> tuple[str, ...]:
    return tuple(sentence.format(subject) for sentence in SENTENCES for subject in SUBJECTS)


@lru_cache(maxsize=1)
def _bases() -> tuple[np.ndarray, np.ndarray]:
    """Real embeddings of the sentences [120, 384], and unit noise [4096, 384]."""
    from retrieval.embedder import embed

    noise = np.random.default_rng(0).standard_normal((4096, 384)).astype(np.float32)
    return embed(sentences()), noise / np.linalg.norm(noise, axis=1, keepdims=True)


def vectors_of(numbers: np.ndarray) -> np.ndarray:
    """Unit vectors of the passages with these numbers, float32 [n, 384]."""
    told, noise = _bases()
    a, b, c = (np.array(column) for column in _three(numbers))
    made = (told[a] + told[b] + told[c]) / 3 + NOISE * (noise[numbers % 4096] + noise[numbers // 4096 % 4096]) / 2**0.5
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def embedder() -> Callable[[Sequence[str]], np.ndarray]:
    """Vectors by text: the number of a synthetic passage is found again from its sentences."""
    place = {sentence: i for i, sentence in enumerate(sentences())}
    told, noise = _bases()

    def embed(texts: Sequence[str]) -> np.ndarray:
        parts = [[place[f"{s}."] for s in text.removeprefix(". ").split(". ")[:3]] for text in texts]
        salt = np.array([int.from_bytes(hashlib.blake2b(t.encode(), digest_size=3).digest()) for t in texts])
        made = told[np.array(parts)].mean(axis=1) + NOISE * (noise[salt % 4096] + noise[salt // 4096 % 4096]) / 2**0.5
        return made / np.linalg.norm(made, axis=1, keepdims=True)

    return embed
