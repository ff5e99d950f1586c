"""Search by words: stems and BM25."""

import json
import re
from array import array
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

_WORD = re.compile(r"[a-z0-9]+(?:\.[0-9]+)?")
# Words that say little: those of grammar, and those about the asking rather than about what is asked.
_SAYS_LITTLE = """
    a about above after all also am an and any are as at be been below between both but by can could did do does for
    from had has have he her how i if in into is it its just like may me might more most my no not of off on once only
    or other our out over own should so some such than that the their them then there these they this those through to
    too under until up us very was we were what when where which while who whom why will with would you your s t re ve
    according battery batteries cell cells datasheet document documents find get give long many much need per please
    say says sheet show stated tell want"""
_LITTLE = frozenset(_SAYS_LITTLE.split())
LOOKED_AT = 20_000  # passages whose words are added up for one question, in a large index


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
    counts cross from one tenant to another; libraries of BM25 fix it for the whole corpus when they index.
    """

    def __init__(self, stems_known: Sequence[str], starts: np.ndarray, rows: np.ndarray, count: int):
        """`rows[starts[i]:starts[i + 1]]` are the rows that have stem i, sorted; `count` passages in all."""
        self._ids = {stem: i for i, stem in enumerate(stems_known)}
        self._starts, self._rows, self._count = starts, rows, count

    @classmethod
    def of(cls, texts: Iterable[str], before: "WordIndex | None" = None) -> "WordIndex":
        """The index of texts, after the rows of `before`."""
        from scipy.sparse import csc_matrix

        ids = dict(before._ids) if before else {}
        first = before._count if before else 0
        columns, lengths = array("i"), array("i")
        for text in texts:
            said = set(stems(text))
            columns.extend(ids.setdefault(stem, len(ids)) for stem in said)
            lengths.append(len(said))
        rows = np.repeat(np.arange(first, first + len(lengths), dtype=np.int32), np.frombuffer(lengths, dtype=np.int32))
        columns = np.frombuffer(columns, dtype=np.int32)
        if before:
            known = np.repeat(np.arange(len(before._ids), dtype=np.int32), np.diff(before._starts))
            rows, columns = np.concatenate([before._rows, rows]), np.concatenate([known, columns])
        count = first + len(lengths)
        table = csc_matrix((np.ones(len(rows), dtype=bool), (rows, columns)), shape=(count, len(ids)))
        table.sort_indices()
        return cls(list(ids), table.indptr.astype(np.int64), table.indices, count)

    def save(self, build: Path) -> None:
        np.save(build / "word_starts.npy", self._starts)
        np.save(build / "word_rows.npy", self._rows)
        (build / "words.json").write_text(json.dumps(list(self._ids)), encoding="utf-8")

    @classmethod
    def load(cls, build: Path, count: int) -> "WordIndex":
        known = json.loads((build / "words.json").read_text(encoding="utf-8"))
        return cls(known, np.load(build / "word_starts.npy"), np.load(build / "word_rows.npy", mmap_mode="r"), count)

    def having(self, stem: str) -> np.ndarray:
        """Rows that have the stem, sorted."""
        at = self._ids.get(stem)
        return self._rows[:0] if at is None else self._rows[self._starts[at]:self._starts[at + 1]]

    def scores(self, query: Iterable[str], readable: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """Share 0 to 1 of the query's stems that each of `rows` (default all) has, by rarity; float [len(rows)].

        `readable` is a bool [passages]. A word that no readable passage has weighs most: a question about it is
        not answered by the other words.
        """
        total, query = 0.0, sorted(set(query))
        scores = np.zeros(len(readable) if rows is None else len(rows))
        for stem, rarity in self._rarities(query, readable).items():
            having = self.having(stem)
            if rows is None:
                scores[having] += rarity
            elif len(having):
                at = np.minimum(np.searchsorted(having, rows), len(having) - 1)
                scores += rarity * (having[at] == rows)
            total += rarity
        return (scores if rows is not None else scores * readable) / total if total else scores

    def candidates(self, query: Iterable[str], readable: np.ndarray, allowed: np.ndarray, count: int) -> np.ndarray:
        """Up to `count` allowed rows with the rarest stems of the query; the commonest are left out where many are."""
        found, looked = [], 0
        for stem, rarity in sorted(self._rarities(query, readable).items(), key=lambda pair: -pair[1]):
            having = self.having(stem)
            if looked and looked + len(having) > LOOKED_AT:
                break
            having = having[allowed[having]][:LOOKED_AT]
            looked += len(having)
            found.append((having, rarity))
        if not looked:
            return np.array([], dtype=np.int64)
        rows = np.concatenate([having for having, _ in found])
        weights = np.concatenate([np.full(len(having), rarity) for having, rarity in found])
        unique, place = np.unique(rows, return_inverse=True)
        scores = np.bincount(place, weights)
        best = np.argpartition(-scores, count)[:count] if len(scores) > count else np.arange(len(scores))
        return unique[best].astype(np.int64)

    def _rarities(self, query: Iterable[str], readable: np.ndarray) -> dict[str, float]:
        count, everything = int(readable.sum()), bool(readable.all())
        found = {}
        for stem in sorted(set(query)):
            having = self.having(stem)
            number = len(having) if everything else _readable_of(having, readable)
            found[stem] = float(np.log1p((count - number + 0.5) / (number + 0.5)))  # BM25, Lucene's form
        return found


def _readable_of(having: np.ndarray, readable: np.ndarray) -> int:
    """How many rows are readable; of a very common word's from a sample, which its rarity can bear."""
    if len(having) <= 2 * LOOKED_AT:
        return int(np.count_nonzero(readable[having]))
    sample = having[np.random.default_rng(0).integers(len(having), size=LOOKED_AT)]
    return round(np.count_nonzero(readable[sample]) / LOOKED_AT * len(having))
