"""The tool `search_documents`: passages that answer a question, each with its source.

Passages are data. Whatever one says, it is quoted or left out, never obeyed: control marks are removed when a
document is read (`passages.clean`), and whoever shows a passage to a language model shows it as a tool's result.
"""

import re
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from retrieval import embedder
from retrieval.chunks import excerpt
from retrieval.index import Index, open_index
from retrieval.passages import Kind, Passage
from retrieval.when import month_name, months_meant, months_until
from retrieval.words import cells_named, compact, stems
from tools.arguments import SearchDocuments
from tools.cells import find_cell
from tools.contract import Context, Result
from tools.errors import CannotAnswer

SHOWN = 5  # passages in a result
READ = 3  # passages a language model reads
# A passage's score is its cosine similarity to the question plus WORDS_COUNT times the share of the question's
# words it has (`WordIndex.scores`); below ENOUGH it does not speak of the question. Both set on all of
# tests/retrieval_questions.py, where the sum ranks a right passage first for 60 of 60 questions and reciprocal
# rank fusion, which also loses the measure of how relevant the best one is, for 56; ENOUGH costs one of the 60.
WORDS_COUNT = 0.4
ENOUGH = 0.47
FLEET_WORDS = 0.4  # share of the words that a fleet summary must have: summaries are alike in meaning
RECENT = 0.05  # what the newest month gains over the oldest
# Settled by the choice of months, or true of every summary: they do not tell one from another.
TIME_WORDS = ("last latest newest previous past recent month months monthly week weekly quarter quarterly year report "
              "summary summaries review overview period half season since "
              "january february march april may june july august september october november december")
YEARS_BACK = 3  # how far a month's name is looked for in the past


class FoundPassage(BaseModel):
    """A passage; `score` is by meaning and words, 0 to 1.4, comparable between questions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    n: int
    document: str
    page: int | None = None
    cell_model: str | None = None
    kind: Kind
    text: str
    source: str
    score: float
    queries: dict[str, Any] = Field(default_factory=dict)


class SearchDocumentsResult(Result):
    """Passages found, best first; empty with a `note` when the documents do not speak of it."""

    query: str
    passages: list[FoundPassage]
    note: str | None = None
    index: str  # embedding model and first digits of the corpus hash

    def brief(self) -> dict[str, Any]:
        """The best three, cut to the sentences nearest to the question."""
        wanted = set(stems(self.query))
        told = [{"n": p.n, "document": p.document, "text": excerpt(p.text, wanted, stems)}
                for p in self.passages[:READ]]
        return {"passages": told} | ({"note": self.note} if self.note else {})


def search_documents(arguments: SearchDocuments, context: Context) -> SearchDocumentsResult:
    """Find passages in cell datasheets, fleet summaries and added files, each with its document.

    Raises CannotAnswer without an index or for a cell model that neither the catalogue nor a file knows.
    """
    return search(arguments.query, context, arguments.kind, arguments.cell_model)


def search(query: str, context: Context, kind: Literal["datasheet", "fleet_summary"] | None = None,
           cell_model: str | None = None, limit: int = SHOWN) -> SearchDocumentsResult:
    """As `search_documents`, for the command line."""
    index = open_index(context.home)
    version = f"{index.manifest['model']}/{index.manifest['corpus_hash'][:12]}"
    rows, subject, note = _candidates(index, query, context, kind, cell_model)
    readable = np.array([p.readable_by(context.tenant) for p in index.passages], dtype=bool)
    found = _ranked(index, subject, rows, readable)[:limit]
    if not found:
        nothing = f"The documents say nothing on {query!r}" + (f" for {cell_model}." if cell_model else ".")
        note = f"{nothing} {note}" if note else nothing
    passages = [_found(n, index.passages[row], score) for n, (row, score) in enumerate(found, start=1)]
    return SearchDocumentsResult(query=query, passages=passages, note=note, index=version)


def _candidates(index: Index, query: str, context: Context, kind: str | None,
                cell_model: str | None) -> tuple[np.ndarray, str, str | None]:
    """Rows that scope, kind, cell, month and site allow; the question without the names these settle; a note."""
    rows = [r for r, p in enumerate(index.passages)
            if p.readable_by(context.tenant) and (kind is None or p.kind in (kind, "file"))]
    named, subject = cells_named(query)
    if cell_model is not None:
        rows = _about(index, rows, cell_model)
    elif named:
        rows = [r for r in rows if index.passages[r].cell_model in named
                or (index.passages[r].kind != "datasheet" and index.passages[r].cell_model is None)]
    rows, note = _in_time(index, query, rows)
    rows, subject = _at_site(index, subject, rows)
    return np.array(rows, dtype=np.int64), subject or query, note


def _about(index: Index, rows: Sequence[int], cell_model: str) -> list[int]:
    """Rows about the cell; a name that only a person's own files know is looked up in those."""
    try:
        name = find_cell(cell_model).name
    except CannotAnswer:
        key = compact(cell_model)
        own = [r for r in rows if index.passages[r].kind == "file" and key in compact(index.passages[r].searched)]
        if len(key) < 3 or not own:
            raise
        return own
    return [r for r in rows if index.passages[r].cell_model == name
            or (index.passages[r].kind == "file" and index.passages[r].cell_model is None)]


def _at_site(index: Index, query: str, rows: list[int]) -> tuple[list[int], str]:
    """Fleet summaries of the sites the question names, other passages stay; the question without those names."""
    sites = {site for r in rows if (site := index.passages[r].site)}
    named = {site for site in sites if re.search(rf"\b{re.escape(site)}\b", query, re.IGNORECASE)}
    for site in named:
        query = re.sub(rf"\b{re.escape(site)}\b", " ", query, flags=re.IGNORECASE)
    if not named:
        return rows, query
    return [r for r in rows if index.passages[r].site in named or index.passages[r].site is None], query.strip()


def _in_time(index: Index, query: str, rows: list[int]) -> tuple[list[int], str | None]:
    """Fleet summaries of the months the question names, other passages stay; a note if none is of that time."""
    months = sorted({month for r in rows if (month := index.passages[r].month)})
    if not months:
        return rows, None
    meant = months_meant(query, months_until(months[-1], YEARS_BACK))
    if not meant:
        return rows, None
    kept = [r for r in rows if index.passages[r].kind != "fleet_summary" or index.passages[r].month in meant
            or (index.passages[r].month is None and len(meant & set(months)) > 2)]  # a trend needs more than two
    if meant & set(months):
        return kept, None
    return kept, f"The fleet summaries cover {month_name(months[0])} to {month_name(months[-1])}."


def _ranked(index: Index, subject: str, rows: np.ndarray, readable: np.ndarray) -> list[tuple[int, float]]:
    """(row, score), best first, of the passages that speak of the subject.

    Fleet summaries are alike, so those must also have enough of the question's words: another site is no answer.
    """
    if not len(rows):
        return []
    by_meaning = index.cosines(embedder.embed([subject])[0], rows)
    asked = set(stems(subject)) - set(stems(TIME_WORDS))
    by_words = index.words.scores(asked, readable)[rows]
    scores = by_meaning + WORDS_COUNT * by_words
    scores = scores + RECENT * _recency(index, rows)
    fleet = np.array([index.passages[row].kind == "fleet_summary" for row in rows])
    speaks = (scores >= ENOUGH) & (~fleet | (by_words >= FLEET_WORDS)) | (fleet & (not asked))
    return [(int(rows[i]), round(float(scores[i]), 3)) for i in np.argsort(-scores, kind="stable") if speaks[i]]


def _recency(index: Index, rows: np.ndarray) -> np.ndarray:
    """1 for passages of the newest month among `rows` down towards 0 for the oldest; 0 without a month."""
    months = [index.passages[row].month for row in rows]
    known = sorted(set(filter(None, months)))
    return np.array([(known.index(m) + 1) / len(known) if m else 0.0 for m in months])


def _found(n: int, passage: Passage, score: float) -> FoundPassage:
    return FoundPassage(n=n, document=passage.document, page=passage.page, cell_model=passage.cell_model,
                        kind=passage.kind, text=passage.text, source=passage.source, score=score,
                        queries=passage.queries)
