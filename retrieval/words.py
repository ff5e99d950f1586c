"""Search by words: stems and BM25."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np

from retrieval.names import cells_named  # noqa: F401

_WORD = re.compile(r"[a-z0-9]+(?:\.[0-9]+)?")
# Words that say little: those of grammar, and those about the asking rather than about what is asked.
_SAYS_LITTLE = """
    a about above after all also am an and any are as at be been below between both but by can could do does for
    from had has have he her how i if in into is it its just like may me might more most my no not of off on once only
    or other our out over own should so some such than that the their them then there these they this those through to
    too under until up us very was we were what when where which while who whom why will with would you your s t re ve
    according battery batteries cell cells datasheet document documents find get give long many much need per please
    say says sheet show stated tell want"""
_LITTLE = frozenset(_SAYS_LITTLE.split())


@lru_cache(maxsize=1)
def _stemmer():
    import Stemmer
    return Stemmer.Stemmer("english")


def stems(text: str) -> list[str]:
    """Lower-case stems of the words that carry meaning."""
    words = _WORD.findall(text.lower().replace("-", " "))
    return _stemmer().stemWords([w for w in words if w not in _LITTLE])


class WordIndex:
    """BM25 over the passages' searched text, as a share of what a passage with every word would score.

    With k1 = b = 0, since a short passage says a thing once: BM25 is then the summed rarity (inverse document
    frequency) of the words in common. Rarity is counted over the passages that a scope may read, so not even word
    counts cross from one tenant to another.
    """

    def __init__(self, texts: Sequence[str]):
        having = defaultdict(set)
        for row, text in enumerate(texts):
            for stem in stems(text):
                having[stem].add(row)
        self._rows = {stem: np.array(sorted(rows)) for stem, rows in having.items()}

    def scores(self, query: Iterable[str], readable: np.ndarray) -> np.ndarray:
        """Share 0 to 1 of the query's stems that each passage has, by rarity; float [passages].

        `readable` is a bool [passages]. A word that no readable passage has weighs most: a question about it is
        not answered by the other words.
        """
        scores, total, count = np.zeros(len(readable)), 0.0, int(readable.sum())
        for stem in set(query):
            rows = self._rows.get(stem, np.array([], dtype=int))
            rows = rows[readable[rows]]
            rarity = np.log1p((count - len(rows) + 0.5) / (len(rows) + 0.5))  # BM25, Lucene's form
            scores[rows] += rarity
            total += rarity
        return scores / total if total else scores
