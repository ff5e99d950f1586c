"""What the command line does with the index: build, add and remove files, tell its state."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from retrieval.documents import datasheet_passages
from retrieval.files import READERS
from retrieval.index import Progress, folder, open_index, other_model, write_index
from retrieval.ingest import ingest
from retrieval.overview import overview_passages
from retrieval.own_sheets import own_passages
from retrieval.passages import Passage
from retrieval.summaries import fleet_passages
from tools import confirmed
from tools.contract import Context
from tools.errors import CannotAnswer

Reading = Callable[[str, int, int], None]  # (file, pages done, pages)


def build_index(context: Context, progress: Progress | None = None) -> dict[str, Any]:
    """Catalogue, confirmed facts, fleet summaries and added files into the index; the manifest, with `rebuilt`.

    Nothing is done if the corpus has not changed. `progress(done, total)` counts embedded passages.
    """
    passages = [*datasheet_passages(), *overview_passages(), *own_passages(context.home), *fleet_passages(context),
                *_added(context)]
    return write_index(context.home, passages, progress, context.embedding_model)


def confirm_facts(context: Context, document: str, *wanted, **said) -> dict[str, Any]:
    """`tools.confirmed.confirm` for the context's tenant; what is searched follows."""
    return _indexed(context, confirmed.confirm(context.home, context.tenant, document, *wanted, **said))


def withdraw_facts(context: Context, document: str, fields: Sequence[str] = ()) -> dict[str, Any]:
    """`tools.confirmed.withdraw` for the context's tenant; what is searched follows."""
    return _indexed(context, confirmed.withdraw(context.home, context.tenant, document, fields))


def _indexed(context: Context, report: dict[str, Any]) -> dict[str, Any]:
    """The report, once an index that is there is up to date; where it cannot be, why: limits hold all the same."""
    if not folder(context.home).exists():
        return report
    try:
        build_index(context)
    except CannotAnswer as reason:
        report["not_indexed"] = f"Search does not know of it until `oracle index build`: {reason}"
    return report


def add_files(paths: Iterable[Path], context: Context, progress: Progress | None = None,
              reading: Reading | None = None) -> dict[str, Any]:
    """Add files, or every readable file of a folder, for the context's tenant alone, and rebuild.

    A file of the same name replaces the one before. `refused` names those that could not be read, each with its
    reason; raises CannotAnswer when that is all of them. What the files state on a cell waits to be confirmed.
    `reading(name, done, total)` counts the pages of a file.
    """
    read, refused = _ingested(_files(paths), context, reading)
    for passages, stated in read:
        confirmed.keep(context.home, stated)
        _store(context, stated.document, passages)
    remarks = [remark for _, stated in read for remark in stated.remarks]
    return build_index(context, progress) | {
        "added": [stated.document for _, stated in read], "refused": refused, "remarks": remarks,
        "facts": {stated.document: len(stated.facts) for _, stated in read}}


def _ingested(paths: Sequence[Path], context: Context, reading: Reading | None):
    """([(passages, facts)], {name: why not}) of the files; raises CannotAnswer when none could be read."""
    read, refused = [], {}
    for path in paths:
        try:
            read.append(ingest(path, context.tenant, partial(reading, path.name) if reading else None))
        except CannotAnswer as reason:
            refused[path.name] = str(reason)
    if not read:
        more = f" ({len(refused) - 1} more files could not be read either.)" if len(refused) > 1 else ""
        raise CannotAnswer(next(iter(refused.values())) + more)
    return read, refused


def remove_document(name: str, context: Context, progress: Progress | None = None) -> dict[str, Any]:
    """Remove a file that the context's tenant added, and rebuild; CannotAnswer if there is none by that name."""
    path = _stored(context, name)
    if not path.exists():
        mine = sorted({p.document for p in _added(context) if p.tenant == context.tenant})
        known = f"added are {', '.join(mine)}" if mine else "nothing has been added"
        raise CannotAnswer(f"There is no added document {name!r}; {known}.")
    path.unlink()
    kept = confirmed.forget(context.home, context.tenant, name)
    return build_index(context, progress) | {"removed": name, "confirmed_facts_kept": kept}


def index_status(context: Context) -> dict[str, Any]:
    """What is indexed, as far as the context may know; `ready` False with the reason if it cannot be searched."""
    try:
        index = open_index(context.home)
    except CannotAnswer as reason:
        return {"ready": False, "reason": str(reason)}
    columns, mine = index.columns, index.columns.readable(context.tenant)
    count = dict.fromkeys(("datasheet", "fleet_summary", "file"), 0) | columns.counts("kind", mine)
    return {"ready": True, "model": index.model, "dimension": index.manifest["dimension"],
            "created": index.manifest["created"], "corpus_hash": index.manifest["corpus_hash"],
            "vectors": index.manifest["vectors"], "passages": int(mine.sum()), "passages_by_kind": count,
            "added": columns.among("document", mine & columns.is_any("kind", ("file",))),
            "warning": other_model(index, context.embedding_model)}


def _files(paths: Iterable[Path]) -> list[Path]:
    chosen: list[Path] = []
    for path in map(Path, paths):
        inside = _readable(path) if path.is_dir() else [path]
        if not inside:
            raise CannotAnswer(f"{path} holds no file that can be read ({', '.join(sorted(READERS))}).")
        chosen += inside
    twice = [name for name, count in Counter(p.name for p in chosen).items() if count > 1]
    if twice:
        raise CannotAnswer(f"More than one file is named {twice[0]}: rename one, a document is known by its name.")
    return chosen


def _readable(directory: Path) -> list[Path]:
    return sorted(p for p in directory.rglob("*") if p.is_file() and p.suffix.lower() in READERS)


def _stored(context: Context, name: str) -> Path:
    """Where a tenant's document of this name is kept; the name itself never becomes a path."""
    key = hashlib.sha256(json.dumps([context.tenant, name]).encode()).hexdigest()[:24]
    return folder(context.home) / "documents" / f"{key}.json"


def _store(context: Context, name: str, passages: Sequence[Passage]) -> None:
    path = _stored(context, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps([p.record() for p in passages]), encoding="utf-8")
    os.replace(part, path)


def _added(context: Context) -> list[Passage]:
    stored = sorted((folder(context.home) / "documents").glob("*.json"))
    try:
        return [Passage(**record) for path in stored for record in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        raise CannotAnswer(f"An added document under {folder(context.home) / 'documents'} is damaged: delete that "
                           "folder and add your files again.") from None
