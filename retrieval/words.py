"""Search by words: stems, BM25, and the cells a query names."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from tools.cells import load_catalogue

_WORD = re.compile(r"[a-z0-9]+(?:\.[0-9]+)?")
_ONE_THING = 5  # words that together may spell one cell name: "lg inr 21700 m50 lt"


@lru_cache(maxsize=1)
def _stemmer():
    import Stemmer
    return Stemmer.Stemmer("english")


def stems(text: str) -> list[str]:
    """Lower-case stems of the words that carry meaning."""
    from bm25s.stopwords import STOPWORDS_EN

    words = [w for w in _WORD.findall(text.lower().replace("-", " ")) if w not in STOPWORDS_EN]
    return _stemmer().stemWords(words)


class WordIndex:
    """BM25 (Lucene variant, k1 1.5, b 0.75) over the passages' searched text."""

    def __init__(self, texts: Sequence[str]):
        import bm25s

        self._ids: dict[str, int] = {}
        corpus = [[self._ids.setdefault(s, len(self._ids)) for s in stems(text)] for text in texts]
        self._bm25 = bm25s.BM25(method="lucene")
        self._bm25.index(bm25s.tokenization.Tokenized(ids=corpus, vocab=self._ids), show_progress=False)

    def scores(self, query: Sequence[str]) -> np.ndarray:
        """BM25 score of each passage, float32 [passages]; unknown stems count nothing."""
        known = [s for s in query if s in self._ids]
        if not known:
            return np.zeros(self._bm25.scores["num_docs"], dtype=np.float32)
        return self._bm25.get_scores(known)

    def knows(self, stem: str) -> bool:
        return stem in self._ids


def compact(name: str) -> str:
    """A cell name without what people leave out or vary: case, spaces, hyphens, slashes."""
    return "".join(re.findall(r"[a-z0-9]+", name.lower()))


@lru_cache(maxsize=1)
def _spellings() -> Mapping[str, frozenset[str]]:
    """Compact spelling -> cells, for spellings that cannot be an ordinary word or a mere size."""
    table: dict[str, set[str]] = {}
    for cell in load_catalogue():
        for spelling in (cell.id, cell.name, cell.model, f"{cell.manufacturer} {cell.model}", *cell.aliases):
            key = compact(spelling)
            mixed = any(c.isdigit() for c in key) and any(c.isalpha() for c in key) and len(key) >= 3
            if mixed or (key.isalpha() and len(key) >= 6) or key == "4680":
                table.setdefault(key, set()).add(cell.name)
    return {key: frozenset(cells) for key, cells in table.items()}


def cells_named(query: str) -> tuple[set[str], str]:
    """Names of the catalogue cells a query speaks of, and the query without them.

    The longest run of words wins, so "LG M50 LT" is not also an M50.
    """
    words = re.findall(r"[A-Za-z0-9.,%°/+-]+|[^\sA-Za-z0-9]+", query)
    found, rest, at = set(), [], 0
    while at < len(words):
        for size in range(min(_ONE_THING, len(words) - at), 0, -1):
            ids = _spellings().get(compact(" ".join(words[at:at + size])))
            if ids:
                found |= ids
                at += size
                break
        else:
            rest.append(words[at])
            at += 1
    return found, " ".join(rest)
