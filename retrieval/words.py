"""Search by words: stems, BM25, and the cells a query names."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from tools.cells import load_catalogue

_WORD = re.compile(r"[a-z0-9]+(?:\.[0-9]+)?")
# Words about the asking, not about what is asked.
_ASKING = {"according", "battery", "cell", "cells", "datasheet", "document", "find", "give", "long", "many", "much",
           "need", "per", "please", "say", "says", "sheet", "show", "stated", "tell", "want"}
_ONE_THING = 5  # words that together may spell one cell name: "lg inr 21700 m50 lt"


@lru_cache(maxsize=1)
def _stemmer():
    import Stemmer
    return Stemmer.Stemmer("english")


def stems(text: str) -> list[str]:
    """Lower-case stems of the words that carry meaning."""
    from bm25s.stopwords import STOPWORDS_EN_PLUS

    words = _WORD.findall(text.lower().replace("-", " "))
    return _stemmer().stemWords([w for w in words if w not in STOPWORDS_EN_PLUS and w not in _ASKING])


class WordIndex:
    """BM25 over the passages' searched text, as a share of what a passage with every word would score.

    k1 = b = 0: a short passage says a thing once, so how often a word occurs and how long the passage is are
    left out, and BM25 is the summed rarity (inverse document frequency) of the words in common.
    """

    def __init__(self, texts: Sequence[str]):
        import bm25s

        corpus = [stems(text) for text in texts]
        self._having = Counter(word for words in corpus for word in set(words))
        self._passages = len(corpus)
        self._bm25 = bm25s.BM25(method="lucene", k1=0.0, b=0.0)
        self._bm25.index(corpus, show_progress=False)

    def scores(self, query: Sequence[str]) -> np.ndarray:
        """Share 0 to 1 of the query's stems that each passage has, by rarity; float [passages].

        A word that no passage has weighs most: a question about it is not answered by the other words.
        """
        known = [stem for stem in query if stem in self._having]
        if not known:
            return np.zeros(self._passages)
        return self._bm25.get_scores(known) / sum(map(self._rarity, query))

    def _rarity(self, stem: str) -> float:
        """BM25's inverse document frequency (Lucene's form)."""
        having = self._having[stem]
        return float(np.log1p((self._passages - having + 0.5) / (having + 0.5)))


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
