"""The order of passages: meaning and words added up."""

import numpy as np

from retrieval import embedder
from retrieval.index import Index
from retrieval.words import stems
from tools.errors import CannotAnswer

# A passage's score is its cosine similarity to the question plus WORDS_COUNT times the share of the question's
# words it has (`WordIndex.scores`); below ENOUGH it does not speak of the question. Both set on all of
# tests/retrieval_questions.py, where the sum ranks a right passage first for 60 of 60 questions and reciprocal
# rank fusion, which also loses the measure of how relevant the best one is, for 56; ENOUGH costs one of the 60.
WORDS_COUNT = 0.4
ENOUGH = 0.47
ENOUGH_WORDS = 0.6  # share of the words that is enough where there are no vectors to compare
FLEET_WORDS = 0.4  # share of the words that a fleet summary must have: summaries are alike in meaning
RECENT = 0.05  # what the newest month gains over the oldest
# Settled by the choice of months, or true of every summary: they do not tell one from another.
TIME_WORDS = ("last latest newest previous past recent month months monthly week weekly quarter quarterly year report "
              "summary summaries review overview period half season since fleet flotte rest "
              "january february march april may june july august september october november december")


class Ranking:
    """Scores passages against one question, within what a scope may read.

    `warning` says so where the index's embedding model cannot be loaded: words alone decide then.
    """

    def __init__(self, index: Index, subject: str, readable: np.ndarray):
        self.index, self.readable, self.warning = index, readable, None
        self.stems = set(stems(subject)) - set(stems(TIME_WORDS))
        try:
            self.vector = embedder.embed_question(subject, index.model)
        except CannotAnswer as reason:
            self.vector, self.warning = None, f"Searched by words alone. {reason}"

    def near(self, rows: np.ndarray) -> np.ndarray:
        """Those of many rows that are worth scoring."""
        return self.index.near(self.vector, self.stems, rows, self.readable)

    def scores(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(score, share of the question's words) of rows; the newer month counts a little more than the older."""
        by_words = self.index.words.scores(self.stems, self.readable, rows)
        if self.vector is None:
            return by_words, by_words
        by_meaning = self.index.cosines(self.vector, rows)
        return by_meaning + WORDS_COUNT * by_words + RECENT * self._recency(rows), by_words

    def best(self, rows: np.ndarray) -> list[tuple[int, float]]:
        """(row, score), best first, of the passages that speak of the question.

        Fleet summaries are alike, so those must also have enough of the question's words: another site is no answer.
        """
        rows = self.near(rows)
        if not len(rows):
            return []
        scores, by_words = self.scores(rows)
        fleet = self.index.columns.is_any("kind", ("fleet_summary",))[rows]
        enough = ENOUGH if self.vector is not None else ENOUGH_WORDS
        speaks = (scores >= enough) & (~fleet | (by_words >= FLEET_WORDS)) | (fleet & (not self.stems))
        return [(int(rows[i]), round(float(scores[i]), 3)) for i in np.argsort(-scores, kind="stable") if speaks[i]]

    def _recency(self, rows: np.ndarray) -> np.ndarray:
        """1 for passages of the newest month among the rows down towards 0 for the oldest; 0 without a month."""
        known = self.index.columns.among("month", rows)
        place = {month: (i + 1) / len(known) for i, month in enumerate(known)}
        values = self.index.columns.values["month"]
        return np.array([place[values[code]] if code >= 0 else 0.0 for code in self.index.columns.codes["month"][rows]])
