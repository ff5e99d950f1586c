"""Which passages a question may be answered from: scope, kind, cell, site and month, before anything is compared."""

import re
from dataclasses import dataclass

import numpy as np

from retrieval.asked import asked
from retrieval.index import Index
from retrieval.names import cells_meant, unknown_name
from retrieval.when import month_name, months_meant, months_until
from retrieval.words import stems
from tools.cells import find_cell
from tools.errors import CannotAnswer

YEARS_BACK = 3  # how far a month's name is looked for in the past
_FLEET = re.compile(r"\b(packs?|fleets?|flotte|depots?|reports?|summar\w+|pk-?\d+|soh|state of health|faults?|"
                    r"alarms?|sites?|tenants?|vehicles?|trucks?|buses)\b", re.IGNORECASE)
_SHEET = re.compile(r"\b(?:data ?sheets?|spec\w*|sheets?|datenbl\w+)\b", re.IGNORECASE)
_COMPARING = re.compile(r"\b(?:compar\w*|against|versus|vs|rest|than|others?|all|every|vergl\w*)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Wanted:
    """Rows that may answer; the question without the names that chose them.

    `named`: cells of the catalogue; `unknown`: what reads like the name of a cell that no document knows; `fleet`:
    the question is about packs, not about a datasheet.
    """

    rows: np.ndarray
    subject: str
    named: tuple[str, ...] = ()
    unknown: str | None = None
    note: str | None = None
    fleet: bool = False


def wanted(index: Index, query: str, readable: np.ndarray, kind: str | None, cell_model: str | None) -> Wanted:
    """Rows for a question; `readable` bool [rows] is what the scope may read.

    Raises CannotAnswer for a cell model that neither the catalogue nor a readable file knows.
    """
    columns, unknown = index.columns, None
    named, subject = cells_meant(query)
    kind = None if _mistaken(kind, query, subject, bool(named or cell_model)) else kind
    allowed = readable & columns.is_any("kind", (kind, "file")) if kind else readable.copy()
    if cell_model is not None:
        named, mask = _about(index, allowed, cell_model)
        allowed &= mask
    elif named:
        allowed &= _of_cells(index, named) | (~columns.is_any("kind", ("datasheet",)) & ~columns.has("cell_model"))
    elif unknown := unknown_name(subject):
        own = _own_files(index, allowed, unknown)
        if own.any():
            allowed, unknown = own, None
    allowed, note = _in_time(index, query, allowed)
    allowed, subject, sites = _at_site(index, subject, allowed)
    fleet = kind == "fleet_summary" or bool(sites) or bool(_FLEET.search(query))
    if fleet and kind is None and not _SHEET.search(query) and (allowed & _summaries(index)).any():
        allowed &= ~columns.is_any("kind", ("datasheet",))
    return Wanted(np.flatnonzero(allowed), subject or query, tuple(sorted(named)), None if fleet else unknown, note,
                  fleet)


def _mistaken(kind: str | None, query: str, subject: str, of_a_cell: bool) -> bool:
    """A kind that the question speaks against, as a small language model may choose it: a cell's mass is in no fleet
    summary, the packs of a site are in no datasheet."""
    fleet, sheet = _FLEET.search(query), _SHEET.search(query)
    if kind == "fleet_summary":
        return of_a_cell and not fleet and bool(sheet or asked(subject).things)
    return kind == "datasheet" and bool(fleet) and not sheet and not of_a_cell


def _summaries(index: Index) -> np.ndarray:
    return index.columns.is_any("kind", ("fleet_summary",))


def _of_cells(index: Index, names: set[str]) -> np.ndarray:
    return index.columns.is_any("cell_model", names)


def _about(index: Index, allowed: np.ndarray, cell_model: str) -> tuple[set[str], np.ndarray]:
    """The cell's name and the rows about it; a name that only a person's own files know is looked up in those."""
    try:
        names = {find_cell(cell_model).name}
    except CannotAnswer:
        names, _ = cells_meant(cell_model)
        if not names:
            own = _own_files(index, allowed, cell_model)
            if not own.any():
                raise
            return set(), own
    unnamed_files = index.columns.is_any("kind", ("file",)) & ~index.columns.has("cell_model")
    return names, _of_cells(index, names) | unnamed_files


def _own_files(index: Index, allowed: np.ndarray, name: str) -> np.ndarray:
    """Rows of a person's own files that say every word of the name; bool [rows]."""
    rows = allowed & index.columns.is_any("kind", ("file",))
    words = stems(name)
    return rows & saying(index, words) if words else np.zeros_like(rows)


def saying(index: Index, words: list[str]) -> np.ndarray:
    """Rows whose searched text has all the stems; bool [rows]."""
    count = np.zeros(len(index.columns.alive), dtype=np.int16)
    for stem in set(words):
        count[index.words.having(stem)] += 1
    return count == len(set(words))


def _at_site(index: Index, query: str, allowed: np.ndarray) -> tuple[np.ndarray, str, set[str]]:
    """Fleet summaries of the sites the question names, other passages stay; the question without those; the sites.

    Summaries of all sites stay where it compares.
    """
    with_site = allowed & index.columns.has("site")
    if not with_site.any():
        return allowed, query, set()
    patterns = {site: re.compile(rf"\b{re.escape(site)}\b", re.IGNORECASE)
                for site in index.columns.among("site", np.flatnonzero(with_site))}
    named = {site for site, pattern in patterns.items() if pattern.search(query)}
    for site in named:
        query = patterns[site].sub(" ", query)
    if not named:
        return allowed, query, named
    others = ~index.columns.has("site")
    if not _COMPARING.search(query):
        others &= ~_summaries(index)
    return allowed & (index.columns.is_any("site", named) | others), query.strip(), named


def _in_time(index: Index, query: str, allowed: np.ndarray) -> tuple[np.ndarray, str | None]:
    """Fleet summaries of the months the question names, other passages stay; a note if none is of that time."""
    columns = index.columns
    with_month = allowed & columns.has("month")
    if not with_month.any():
        return allowed, None
    months = columns.among("month", np.flatnonzero(with_month))
    meant = months_meant(query, months_until(months[-1], YEARS_BACK))
    if not meant:
        return allowed, None
    kept = ~_summaries(index) | columns.is_any("month", meant)
    if len(meant & set(months)) > 2:  # a trend needs more than two
        kept |= ~columns.has("month")
    if meant & set(months):
        return allowed & kept, None
    return allowed & kept, f"The fleet summaries cover {month_name(months[0])} to {month_name(months[-1])}."
