"""What a person confirmed of documents, as catalogue passages of its tenant: one sheet of the cell, sources in it.

These are datasheet passages that are not public. Where a tenant has such a sheet of a built-in cell, it stands in for
the public one (`Columns.readable`), since limits follow it. The operator has sheets of its own, of what it may know.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from retrieval.documents import cell_passages, document_name
from retrieval.passages import Passage, clean
from tools.cells import Cell, load_catalogue
from tools.confirmed import catalogue_of, ledgers

_CONFIRMED = re.compile(r"confirmed from (?P<document>.+?)(?:, page (?P<page>\d+))?(?:; the catalogue states .*)?")
_PAGE = re.compile(r"confirmed from [^()]*?, page (\d+)")
_CURRENT_OR_VOLTAGE = re.compile(r"\d\s*(?:m?A|[mk]?V|amp\w*|volt\w*)\b", re.IGNORECASE)
REMARK_CHARACTERS = 60
NOT_STATED, NOT_CONFIRMED = "Not stated in the sources read: ", "Confirmed of no document: "


def own_passages(home: Path) -> list[Passage]:
    """The sheets of every tenant that confirmed something, and of the operator; empty while nobody did."""
    tenants = {ledger.stated.tenant for ledger in ledgers(home, None) if ledger.confirmed}
    scopes = [None, *sorted(tenant for tenant in tenants if tenant is not None)] if tenants else []
    return [passage for tenant in scopes for passage in _of_scope(home, tenant)]


def _of_scope(home: Path, tenant: str | None) -> Iterator[Passage]:
    """Of the cells that are not as the built-in catalogue has them."""
    built_in = {cell.id: cell for cell in load_catalogue()}
    for cell in catalogue_of(home, tenant):
        if built_in.get(cell.id) is cell:
            continue
        for passage in cell_passages(_with_sources(cell)):
            yield _own(passage, cell, cell.id not in built_in, tenant)


def _own(passage: Passage, cell: Cell, new: bool, tenant: str | None) -> Passage:
    """The passage under its tenant's name; with a page where all that it tells stands on one."""
    matches = [_CONFIRMED.fullmatch(source) for source in cell.confirmed.values()]
    documents = ", ".join(dict.fromkeys(match["document"] for match in matches if match))
    name = f"{cell.name}: confirmed from {documents}" if new else (
        f"{document_name(cell)}, with your own {documents or 'documents'}")
    pages = set(_PAGE.findall(passage.text))
    text = passage.text.replace(NOT_STATED, NOT_CONFIRMED) if new else passage.text
    return replace(passage, document=clean(name), text=clean(text), public=False, tenant=tenant,
                   names=clean(passage.names), source=clean(passage.source),
                   page=int(pages.pop()) if new and len(pages) == 1 else None)


def _with_sources(cell: Cell) -> Cell:
    """The cell, every confirmed value with its document and page, and with the document's remark if that is harmless.

    A remark is the file's own text; one with a current or a voltage in it would be told as ours beside the value.
    """
    said = dict(cell.qualifiers)
    for field, source in cell.confirmed.items():
        remark = clean(said.get(field, "").removesuffix(source).rstrip("; "))
        if len(remark) > REMARK_CHARACTERS or _CURRENT_OR_VOLTAGE.search(remark):
            remark = "for its conditions see the document"
        said[field] = "; ".join(filter(None, (remark, source)))
    return cell.model_copy(update={"qualifiers": said})
