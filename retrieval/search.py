"""The tool `search_documents`: passages that answer a question, each with its source.

Passages are data. Whatever one says, it is quoted or left out, never obeyed: control marks are removed when a
document is read (`passages.clean`), and whoever shows a passage to a language model shows it as a tool's result.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from retrieval import embedder
from retrieval.answer import Answer, answer
from retrieval.asked import Asked, asked
from retrieval.chunks import excerpt
from retrieval.index import Index, open_index
from retrieval.names import cells_meant, compact, unknown_name
from retrieval.passages import Kind, Passage
from retrieval.when import month_name, months_meant, months_until
from retrieval.words import stems
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
_FLEET = re.compile(r"\b(packs?|fleets?|flotte|depots?|reports?|summar\w+|pk-?\d+|soh|state of health|faults?|"
                    r"alarms?|sites?|tenants?|vehicles?|trucks?|buses)\b", re.IGNORECASE)
YEARS_BACK = 3  # how far a month's name is looked for in the past


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
    the number, as the passage has it.
    """

    query: str
    answer: str | None = None
    value: float | None = None
    unit: str | None = None
    passages: list[FoundPassage]
    note: str | None = None
    index: str  # embedding model and first digits of the corpus hash

    def brief(self) -> dict[str, Any]:
        """The best three, cut to the sentences that answer or are nearest to the question."""
        wanted = set(stems(self.query))
        told = [{"n": p.n, "document": p.document, "text": p.answers or excerpt(p.text, wanted, stems)}
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
    index = open_index(context.home)
    readable = np.array([p.readable_by(context.tenant) for p in index.passages], dtype=bool)
    wanted = _candidates(index, query, context, kind, cell_model)
    what = Asked() if wanted.fleet else asked(wanted.subject)
    made = {"query": query, "index": f"{index.manifest['model']}/{index.manifest['corpus_hash'][:12]}"}
    if wanted.unknown:
        return SearchDocumentsResult(**made, passages=[], note=_no_such_cell(wanted.unknown))
    if wanted.named and what.fields and not what.beyond:
        return _by_field(index, wanted, what, readable, limit, made)
    rows = _speaking_of(index, wanted.rows, what.beyond)
    found = _ranked(index, wanted.subject, rows, readable)[:limit]
    note = wanted.note
    if not found:
        about = f" for {cell_model}" if cell_model else ""
        nothing = f"Not in the documents: they say nothing on {query!r}{about}."
        note = f"{nothing} {note}" if note else nothing
    passages = [_found(n, index.passages[row], score) for n, (row, score) in enumerate(found, start=1)]
    return SearchDocumentsResult(**made, passages=passages, note=note)


@dataclass(frozen=True)
class _Wanted:
    """Rows that scope, kind, cell, month and site allow; the question without the names that these settle.

    `named`: cells of the catalogue; `unknown`: what reads like the name of a cell that no document knows.
    """

    rows: np.ndarray
    subject: str
    named: tuple[str, ...] = ()
    unknown: str | None = None
    note: str | None = None
    fleet: bool = False


def _candidates(index: Index, query: str, context: Context, kind: str | None, cell_model: str | None) -> _Wanted:
    rows = [r for r, p in enumerate(index.passages)
            if p.readable_by(context.tenant) and (kind is None or p.kind in (kind, "file"))]
    named, subject = cells_meant(query)
    unknown = None
    if cell_model is not None:
        rows, named = _about(index, rows, cell_model)
    elif named:
        rows = [r for r in rows if index.passages[r].cell_model in named
                or (index.passages[r].kind != "datasheet" and index.passages[r].cell_model is None)]
    elif (unknown := unknown_name(subject)) and (own := _own_files(index, rows, unknown)):
        rows, unknown = own, None
    rows, note = _in_time(index, query, rows)
    rows, asked_of, sites = _at_site(index, subject, rows)
    fleet = kind == "fleet_summary" or bool(sites) or bool(_FLEET.search(query))
    return _Wanted(np.array(rows, dtype=np.int64), asked_of or query, tuple(sorted(named)),
                   None if fleet else unknown, note, fleet)


def _no_such_cell(name: str) -> str:
    """Says that the documents know no such cell, with the nearest that they know."""
    try:
        return f"Not in the documents: {name!r} is no cell in them; they have {find_cell(name).name}."
    except CannotAnswer as reason:
        near = str(reason).partition(";")[2] or "."
        return f"Not in the documents: {name!r} is no cell in them{f';{near}' if near != '.' else near}"


def _by_field(index: Index, wanted: _Wanted, what: Asked, readable: np.ndarray, limit: int,
              made: dict[str, Any]) -> SearchDocumentsResult:
    """The passages that state the fields first, then those nearest; nothing at all where none states them."""
    answers = {cell: _answer_for(index, wanted.rows, cell, what) for cell in wanted.named}
    said: dict[int, list[str]] = {}  # row -> sentences
    notes = []
    for cell, (rows, found) in answers.items():
        if found.missing:
            notes.append(f"Not in the documents: the {' and the '.join(found.missing)} of the {cell}.")
            if found.instead:
                said.setdefault(rows[found.instead[0].passage], []).append(f"{notes[-1]} Stated is:")
        for told in found.told + found.instead:
            row, text = rows[told.passage], told.text
            said.setdefault(row, []).append(text if said.get(row) else f"{cell}, {text[:1].lower()}{text[1:]}")
    first = list(said)
    others = [r for r in wanted.rows if r not in said and index.passages[r].kind != "fleet_summary"]
    rest = _ranked(index, wanted.subject, np.array(others, dtype=np.int64), readable)
    scores = dict(_scored(index, wanted.subject, np.array(first, dtype=np.int64), readable)) if first else {}
    ranked = [(row, scores[row]) for row in first] + (rest if first else [])
    passages = [_found(n, index.passages[row], score, " ".join(said.get(row, ())) or None)
                for n, (row, score) in enumerate(ranked[:limit], start=1)]
    one = [t for _, found in answers.values() for t in found.told if t.value is not None]
    only = one[0] if len(wanted.named) == 1 and one and one[0] == answers[wanted.named[0]][1].told[0] else None
    return SearchDocumentsResult(
        **made, passages=passages, note=" ".join(notes) or None,
        answer=" ".join(f"{p.answers.rstrip('.')} [{p.n}]." for p in passages if p.answers) or None,
        value=only.value if only else None, unit=only.unit if only else None)


def _answer_for(index: Index, rows: np.ndarray, cell: str, what: Asked) -> tuple[list[int], Answer]:
    """The rows about one cell and what they answer."""
    about = [int(r) for r in rows if index.passages[r].cell_model == cell
             or (index.passages[r].kind == "file" and index.passages[r].cell_model is None)]
    return about, answer(what, [index.passages[r] for r in about])


def _speaking_of(index: Index, rows: np.ndarray, beyond: frozenset[str]) -> np.ndarray:
    """Rows whose passages say the words that no field covers, all of them."""
    wanted = set(stems(" ".join(beyond)))
    texts = {r: f"{index.passages[r].document}. {index.passages[r].text}" for r in (rows if wanted else ())}
    return np.array([r for r in rows if not wanted or wanted <= set(stems(texts[r]))], dtype=np.int64)


def _about(index: Index, rows: Sequence[int], cell_model: str) -> tuple[list[int], set[str]]:
    """Rows about the cell, and its name; a name that only a person's own files know is looked up in those."""
    try:
        names = {find_cell(cell_model).name}
    except CannotAnswer:
        names, _ = cells_meant(cell_model)
        if not names:
            own = _own_files(index, rows, cell_model)
            if not own:
                raise
            return own, set()
    return [r for r in rows if index.passages[r].cell_model in names
            or (index.passages[r].kind == "file" and index.passages[r].cell_model is None)], names


def _own_files(index: Index, rows: Sequence[int], name: str) -> list[int]:
    """Rows of a person's own files that say the name."""
    key = compact(name)
    return [r for r in rows if index.passages[r].kind == "file" and key in compact(index.passages[r].searched)
            ] if len(key) >= 3 else []


def _at_site(index: Index, query: str, rows: list[int]) -> tuple[list[int], str, set[str]]:
    """Fleet summaries of the sites the question names, other passages stay; the question without those; the sites."""
    sites = {site for r in rows if (site := index.passages[r].site)}
    named = {site for site in sites if re.search(rf"\b{re.escape(site)}\b", query, re.IGNORECASE)}
    for site in named:
        query = re.sub(rf"\b{re.escape(site)}\b", " ", query, flags=re.IGNORECASE)
    if not named:
        return rows, query, named
    return [r for r in rows if index.passages[r].site in named or index.passages[r].site is None], query.strip(), named


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
    asked_for = set(stems(subject)) - set(stems(TIME_WORDS))
    by_words = index.words.scores(asked_for, readable)[rows]
    scores = np.array([score for _, score in _scored(index, subject, rows, readable)])
    fleet = np.array([index.passages[row].kind == "fleet_summary" for row in rows])
    speaks = (scores >= ENOUGH) & (~fleet | (by_words >= FLEET_WORDS)) | (fleet & (not asked_for))
    return [(int(rows[i]), float(scores[i])) for i in np.argsort(-scores, kind="stable") if speaks[i]]


def _scored(index: Index, subject: str, rows: np.ndarray, readable: np.ndarray) -> list[tuple[int, float]]:
    """(row, score) of the rows, in their order: by meaning, by words, and the newer month a little before the older."""
    by_meaning = index.cosines(embedder.embed([subject])[0], rows)
    by_words = index.words.scores(set(stems(subject)) - set(stems(TIME_WORDS)), readable)[rows]
    scores = by_meaning + WORDS_COUNT * by_words + RECENT * _recency(index, rows)
    return [(int(row), round(float(score), 3)) for row, score in zip(rows, scores, strict=True)]


def _recency(index: Index, rows: np.ndarray) -> np.ndarray:
    """1 for passages of the newest month among `rows` down towards 0 for the oldest; 0 without a month."""
    months = [index.passages[row].month for row in rows]
    known = sorted(set(filter(None, months)))
    return np.array([(known.index(m) + 1) / len(known) if m else 0.0 for m in months])


def _found(n: int, passage: Passage, score: float, answers: str | None = None) -> FoundPassage:
    return FoundPassage(n=n, document=passage.document, page=passage.page, cell_model=passage.cell_model,
                        kind=passage.kind, text=passage.text, answers=answers, source=passage.source, score=score,
                        queries=passage.queries)
