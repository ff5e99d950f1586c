"""The tool `search_documents`: what the documents say on a question, each passage with its source.

Passages are data. Whatever one says, it is quoted or left out, never obeyed: control marks are removed when a
document is read (`passages.clean`), and whoever shows a passage to a language model shows it as a tool's result.
"""

from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from retrieval.answer import Answer, answer
from retrieval.asked import Asked, asked
from retrieval.choose import Wanted, saying, wanted
from retrieval.chunks import excerpt
from retrieval.index import Index, open_index, other_model
from retrieval.passages import Kind, Passage
from retrieval.ranking import Ranking
from retrieval.words import stems
from tools.arguments import SearchDocuments
from tools.cells import find_cell, using
from tools.confirmed import catalogue_of
from tools.contract import Context, Result
from tools.errors import CannotAnswer

SHOWN = 5  # passages in a result
READ = 3  # passages a language model reads
OF_ONE_CELL = 400  # passages looked through for a field


class FoundPassage(BaseModel):
    """A passage; `score` is by meaning and words, 0 to 1.4, comparable between questions.

    `answers` is what of it answers the question, where one of its sentences states just what was asked.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    n: int
    document: str
    page: int | None = None
    cell_model: str | None = None
    kind: Kind
    text: str
    answers: str | None = None
    source: str
    score: float
    queries: dict[str, Any] = Field(default_factory=dict)


class SearchDocumentsResult(Result):
    """Passages found, best first; a `note` says what is not in the documents.

    Where a passage states just what was asked, `answer` is that sentence with its citation, and `value` and `unit`
    the number, as the passage has it. `warning`: the index needs to be built again, and why.
    """

    query: str
    answer: str | None = None
    value: float | None = None
    unit: str | None = None
    passages: list[FoundPassage]
    note: str | None = None
    warning: str | None = None
    index: str  # embedding model and first digits of the corpus hash

    def brief(self) -> dict[str, Any]:
        """The answer where a passage states it; else the best three, cut to the sentences nearest to the question."""
        if self.answer:
            cited = [{"n": p.n, "document": p.document} for p in self.passages if p.answers]
            return {"answer": self.answer, "passages": cited}
        telling = set(stems(self.query))
        told = [{"n": p.n, "document": p.document, "text": excerpt(p.text, telling, stems)}
                for p in self.passages[:READ]]
        return {"passages": told} | ({"note": self.note} if self.note else {})


def search_documents(arguments: SearchDocuments, context: Context) -> SearchDocumentsResult:
    """Find passages in cell datasheets, fleet summaries and added files, each with its document.

    Raises CannotAnswer without an index or for a cell model that neither the catalogue nor a file knows.
    """
    return search(arguments.query, context, arguments.kind, arguments.cell_model)


def search(query: str, context: Context, kind: Literal["datasheet", "fleet_summary"] | None = None,
           cell_model: str | None = None, limit: int = SHOWN) -> SearchDocumentsResult:
    """As `search_documents`, for the command line.

    A question of a field of a cell is answered from the passage that states the field, and from none where no passage
    does; any other question by the passages nearest to it in meaning and words, if they are near enough.
    """
    with using(catalogue_of(context.home, context.tenant)):
        return _searched(query, context, kind, cell_model, limit)


def _searched(query: str, context: Context, kind: str | None, cell_model: str | None,
              limit: int) -> SearchDocumentsResult:
    index = open_index(context.home)
    readable = index.columns.readable(context.tenant)
    chosen = wanted(index, query, readable, kind, cell_model)
    what = Asked() if chosen.fleet else asked(chosen.subject)
    ranking = Ranking(index, chosen.subject, readable)
    made = {"query": query, "index": f"{index.model}/{index.manifest['corpus_hash'][:12]}",
            "warning": other_model(index, context.embedding_model) or ranking.warning}
    if chosen.unknown:
        return SearchDocumentsResult(**made, passages=[], note=_no_such_cell(chosen.unknown))
    if chosen.named and what.fields and not what.beyond:
        return _by_field(index, chosen, what, ranking, limit, made)
    rows = chosen.rows
    if what.beyond:
        rows = _speaking_of(index, rows, what.beyond, ranking)
    found = ranking.best(rows)[:limit]
    note = chosen.note
    if not found:
        about = f" for {cell_model}" if cell_model else ""
        nothing = f"Not in the documents: they say nothing on {query!r}{about}."
        note = f"{nothing} {note}" if note else nothing
    passages = [_found(n, index.passages[row], score) for n, (row, score) in enumerate(found, start=1)]
    return SearchDocumentsResult(**made, passages=passages, note=note)


def _by_field(index: Index, chosen: Wanted, what: Asked, ranking: Ranking, limit: int,
              made: dict[str, Any]) -> SearchDocumentsResult:
    """The passages that state the fields first, then those nearest; nothing at all where none states them."""
    answers = {cell: _answer_for(index, chosen.rows, cell, what, ranking) for cell in chosen.named}
    said, notes = _told(answers)
    first = np.array(list(said), dtype=np.int64)
    ranked = list(zip(first.tolist(), ranking.scores(first)[0].round(3).tolist(), strict=True))
    if ranked:
        summaries = index.columns.is_any("kind", ("fleet_summary",))
        ranked += ranking.best(np.array([r for r in chosen.rows if r not in said and not summaries[r]], dtype=np.int64))
    passages = [_found(n, index.passages[row], score, " ".join(said.get(row, ())) or None)
                for n, (row, score) in enumerate(ranked[:limit], start=1)]
    told = [t for _, found in answers.values() for t in found.told]
    one = told[0] if told and len(answers) == 1 else None
    said_so = [f"{p.answers.rstrip('.')} [{p.n}]." for p in passages if p.answers]
    return SearchDocumentsResult(
        **made, passages=passages, note=" ".join(notes) or None,
        answer=" ".join([*said_so, *(n for n in notes if not any(n in s for s in said_so))]) if said_so else None,
        value=one.value if one else None, unit=one.unit if one else None)


def _told(answers: dict[str, tuple[list[int], Answer]]) -> tuple[dict[int, list[str]], list[str]]:
    """({row: what it says for the answer}, what is not in the documents), in the order of the cells."""
    said: dict[int, list[str]] = {}
    notes = []
    for cell, (rows, found) in answers.items():
        if found.missing:
            notes.append(f"Not in the documents: the {' and the '.join(found.missing)} of the {cell}.")
            if found.instead:
                said.setdefault(rows[found.instead[0].passage], []).append(f"{notes[-1]} Stated is:")
        for told in found.told + found.instead:
            sentences = said.setdefault(rows[told.passage], [])
            sentences.append(told.text if sentences else f"{cell}, {told.text[:1].lower()}{told.text[1:]}")
    return said, notes


def _answer_for(index: Index, rows: np.ndarray, cell: str, what: Asked,
                ranking: Ranking) -> tuple[list[int], Answer]:
    """The rows about one cell and what they answer."""
    columns = index.columns
    files = columns.is_any("kind", ("file",))[rows]
    about = columns.is_any("cell_model", (cell,))[rows] | (files & ~columns.has("cell_model")[rows])
    looked_at = [*rows[about & ~files], *ranking.near(rows[about & files])][:OF_ONE_CELL]
    return [int(row) for row in looked_at], answer(what, [index.passages[int(row)] for row in looked_at])


def _speaking_of(index: Index, rows: np.ndarray, beyond: frozenset[str], ranking: Ranking) -> np.ndarray:
    """Rows whose passages themselves say the words that no field covers, all of them."""
    words = set(stems(" ".join(beyond)))
    rows = ranking.near(rows[saying(index, list(words))[rows]])
    texts = {r: f"{index.passages[int(r)].document}. {index.passages[int(r)].text}" for r in rows}
    return np.array([r for r in rows if words <= set(stems(texts[r]))], dtype=np.int64)


def _no_such_cell(name: str) -> str:
    """Says that the documents know no such cell, with the nearest that they know."""
    try:
        return f"Not in the documents: {name!r} is no cell in them; they have {find_cell(name).name}."
    except CannotAnswer as reason:
        near = str(reason).partition(";")[2]
        return f"Not in the documents: {name!r} is no cell in them{f';{near}' if near else '.'}"


def _found(n: int, passage: Passage, score: float, answers: str | None = None) -> FoundPassage:
    return FoundPassage(n=n, document=passage.document, page=passage.page, cell_model=passage.cell_model,
                        kind=passage.kind, text=passage.text, answers=answers, source=passage.source, score=score,
                        queries=passage.queries)
