"""A person's file into passages to search and facts to confirm."""

import hashlib
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

from retrieval.chunks import WORDS_PER_CHUNK, chunks
from retrieval.facts import extract
from retrieval.files import read_document
from retrieval.names import cells_named
from retrieval.parsing import Document, Page, plain, sentences_of
from retrieval.passages import Passage
from tools.cells import load_catalogue
from tools.facts import DocumentFacts


def ingest(path: Path, tenant: str | None,
           progress: Callable[[int, int], None] | None = None) -> tuple[list[Passage], DocumentFacts]:
    """The file's passages and what it states on a cell; raises CannotAnswer with one sentence.

    `progress(done, total)` counts pages.
    """
    document = read_document(path, progress)
    stated = extract(document, hashlib.sha256(path.read_bytes()).hexdigest(), tenant)
    return list(_passages(document, stated, path, tenant)), stated


def _passages(document: Document, stated: DocumentFacts, path: Path, tenant: str | None) -> Iterator[Passage]:
    """Chunks of a page; each is about the one known cell it names, or else the one its whole document is about."""
    about = next((cell.name for cell in load_catalogue() if cell.id == stated.cell), None)
    stem = plain(path.stem.replace("_", " "))
    names = stem if stated.model in stem else f"{stem}, {stated.model}"
    for page in document.pages:
        for text in _pieces(page):
            named = cells_named(text)[0]
            yield Passage(document=document.name, text=text, kind="file", source=f"added file {document.name}",
                          page=page.number, tenant=tenant, names=names,
                          cell_model=next(iter(named)) if len(named) == 1 else about)


def _pieces(page: Page) -> Iterator[str]:
    """Running text in chunks; rows of a table together as far as they fit, each time under the table's heading."""
    for heading, group in groupby(sentences_of(page), key=lambda told: told[0]):
        sentences = [sentence for _, sentence in group]
        if not heading:
            yield from chunks(" ".join(sentences))
            continue
        room = WORDS_PER_CHUNK - len(heading.split())
        for rows in _filled(sentences, max(room, WORDS_PER_CHUNK // 2)):
            yield f"{heading.rstrip('.:')}: {rows}"


def _filled(sentences: list[str], words: int) -> Iterator[str]:
    """Sentences together up to so many words; a longer one is cut at words."""
    current: list[str] = []
    for word_list in (sentence.split()[i:i + words] for sentence in sentences
                      for i in range(0, len(sentence.split()), words)):
        if current and len(current) + len(word_list) > words:
            yield " ".join(current)
            current = []
        current += word_list
    if current:
        yield " ".join(current)
