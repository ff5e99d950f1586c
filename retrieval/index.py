"""The index on disk: FAISS vectors, passages and a manifest, replaced as a whole or not at all.

    index/CURRENT            name of the build in use, replaced atomically
    index/<build>/manifest.json, passages.jsonl, vectors.faiss
    index/documents/*.json   a person's own files as passages; every build reads them again
"""

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from retrieval import embedder
from retrieval.passages import Passage
from retrieval.words import WordIndex
from tools.errors import CannotAnswer

FORMAT = 1
Progress = Callable[[int, int], None]  # (done, total) passages embedded


@dataclass(frozen=True)
class Index:
    """An opened build. Vectors are unit length, so their inner product is the cosine similarity."""

    manifest: dict[str, Any]
    passages: tuple[Passage, ...]
    faiss: Any
    words: WordIndex

    def cosines(self, vector: np.ndarray, allowed: np.ndarray) -> np.ndarray:
        """Similarity of the allowed passages to a query vector [dimension]; float32 [len(allowed)].

        Only allowed rows are ever compared: what a scope may not read has no part in the search.
        """
        import faiss

        selector = faiss.IDSelectorBatch(allowed.astype(np.int64))
        found, rows = self.faiss.search(vector[None, :], len(allowed), params=faiss.SearchParameters(sel=selector))
        by_row = dict(zip(rows[0].tolist(), found[0].tolist(), strict=True))
        return np.array([by_row[row] for row in allowed.tolist()], dtype=np.float32)


def folder(home: Path) -> Path:
    return Path(home) / "index"


def open_index(home: Path) -> Index:
    """The build in use, kept open until another replaces it.

    Raises CannotAnswer if there is none, if it is damaged, or if another embedding model made it.
    """
    name = _current(home)
    if name is None:
        raise CannotAnswer("There is no document index yet: run `oracle index build`.")
    return _opened(folder(home) / name)


@lru_cache(maxsize=4)
def _opened(build: Path) -> Index:
    import faiss

    try:
        manifest = json.loads((build / "manifest.json").read_text(encoding="utf-8"))
        lines = (build / "passages.jsonl").read_text(encoding="utf-8").splitlines()
        passages = tuple(Passage(**json.loads(line)) for line in lines)
        check_model(manifest)
        vectors = faiss.read_index(str(build / "vectors.faiss"))
    except (OSError, ValueError, TypeError, KeyError, RuntimeError) as error:
        reason = type(error).__name__
        raise CannotAnswer(f"The document index cannot be read ({reason}): run `oracle index build`.") from None
    if not len(passages) == vectors.ntotal == manifest["passages"]:
        raise CannotAnswer("The document index is incomplete: run `oracle index build`.")
    return Index(manifest, passages, vectors, WordIndex([p.searched for p in passages]))


def check_model(manifest: dict[str, Any]) -> None:
    """Raise CannotAnswer if the vectors are of another model than the one that embeds queries."""
    made_by = f"{manifest['model']} ({manifest['dimension']} dimensions)"
    used = f"{embedder.MODEL} ({embedder.DIMENSION} dimensions)"
    if made_by != used:
        raise CannotAnswer(f"The document index was built with the embedding model {made_by}, this program uses "
                           f"{used}: run `oracle index build`.")


def corpus_hash(passages: Sequence[Passage]) -> str:
    """SHA-256 over model, format and all passages in order."""
    digest = hashlib.sha256(f"{FORMAT} {embedder.MODEL}\n".encode())
    for passage in passages:
        digest.update(json.dumps(passage.record(), sort_keys=True).encode() + b"\n")
    return digest.hexdigest()


def write_index(home: Path, passages: Sequence[Passage], progress: Progress | None = None) -> dict[str, Any]:
    """Build and switch over; the manifest, with `rebuilt` False if the corpus is already what is indexed.

    The old build serves until the last step; an interrupted build leaves it in use. Vectors of passages that
    did not change are taken from the old build.
    """
    root, digest = folder(home), corpus_hash(passages)
    root.mkdir(parents=True, exist_ok=True)
    with _only_builder(root):
        old = _usable(home)
        if old and old.manifest["corpus_hash"] == digest:
            return old.manifest | {"rebuilt": False}
        _sweep(root, keep=_current(home))
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:6]}"
        unfinished = root / f".building-{name}"
        unfinished.mkdir()
        try:
            manifest = _write(unfinished, passages, _vectors(passages, old, progress), digest)
            os.replace(unfinished, root / name)
            _switch(root, name)
        except BaseException:  # an interrupt too: leave nothing half-made behind
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        return manifest | {"rebuilt": True}


@contextmanager
def _only_builder(root: Path):
    from filelock import FileLock, Timeout

    lock = FileLock(str(root / ".lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise CannotAnswer("Another build of the document index is running: wait until it has finished.") from None
    try:
        yield
    finally:
        lock.release()


def _usable(home: Path) -> Index | None:
    """The old build, if it can be read and has this program's vectors."""
    try:
        return open_index(home)
    except CannotAnswer:
        return None


def _vectors(passages: Sequence[Passage], old: Index | None, progress: Progress | None) -> np.ndarray:
    """Unit vectors float32 [passages, dimension]; only what is new is embedded."""
    known = {p.digest: row for row, p in enumerate(old.passages)} if old else {}
    vectors = np.zeros((len(passages), embedder.DIMENSION), dtype=np.float32)
    fresh = []
    for row, passage in enumerate(passages):
        if passage.digest in known:
            vectors[row] = old.faiss.reconstruct(known[passage.digest])
        else:
            fresh.append(row)
    kept = len(passages) - len(fresh)
    if progress:
        progress(kept, len(passages))
    if fresh:
        tell = (lambda n: progress(kept + n, len(passages))) if progress else None
        vectors[fresh] = embedder.embed([passages[row].embedded for row in fresh], tell)
    return vectors


def _write(into: Path, passages: Sequence[Passage], vectors: np.ndarray, digest: str) -> dict[str, Any]:
    import faiss

    index = faiss.IndexFlatIP(embedder.DIMENSION)
    index.add(vectors)
    faiss.write_index(index, str(into / "vectors.faiss"))
    lines = (json.dumps(p.record()) + "\n" for p in passages)
    (into / "passages.jsonl").write_text("".join(lines), encoding="utf-8")
    manifest = {
        "format": FORMAT, "model": embedder.MODEL, "dimension": embedder.DIMENSION, "corpus_hash": digest,
        "created": datetime.now(UTC).isoformat(timespec="seconds"), "passages": len(passages),
        "documents": len({(p.document, p.tenant) for p in passages}),
        "passages_by_kind": dict(Counter(p.kind for p in passages))}
    (into / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    return manifest


def _current(home: Path) -> str | None:
    try:
        return (folder(home) / "CURRENT").read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None


def _switch(root: Path, name: str) -> None:
    pointer = root / f".current-{name}"
    pointer.write_text(name, encoding="utf-8")
    os.replace(pointer, root / "CURRENT")


def _sweep(root: Path, keep: str | None) -> None:
    """Remove builds out of use and what interrupted builds left; the one in use stays for who is reading."""
    for entry in root.iterdir():
        if entry.is_dir() and entry.name not in (keep, "documents"):
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.name.startswith(".current-"):
            entry.unlink(missing_ok=True)
