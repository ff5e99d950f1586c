"""The index on disk: FAISS vectors, passages, words and a manifest, replaced as a whole or not at all.

    index/CURRENT            name of the build in use, replaced atomically
    index/<build>/manifest.json, passages.jsonl, columns.npz, words.json, vectors.faiss, ...
    index/documents/*.json   a person's own files as passages; every build reads them again

A build takes over from the one before whatever did not change: of a small index the vectors, which are what takes
time; of a large one everything, to which new passages are added and in which those gone are marked, until a fifth
of it is gone.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from retrieval import embedder, vectors
from retrieval.passages import Passage
from retrieval.store import Columns, Passages, write_passages
from retrieval.words import WordIndex
from tools.errors import CannotAnswer

FORMAT = 2
GONE_SHARE = 0.2  # of a large build that may be dead before it is written anew
EXACT_UP_TO = 5_000  # passages that are compared one by one
Progress = Callable[[int, int], None]  # (done, total) passages embedded
Embed = Callable[[Sequence[str]], np.ndarray]  # texts -> unit vectors float32 [texts, dimension]


@dataclass(frozen=True)
class Index:
    """An opened build. Vectors are unit length, so their inner product is the cosine similarity."""

    manifest: dict[str, Any]
    passages: Passages
    columns: Columns
    faiss: Any
    words: WordIndex

    @property
    def model(self) -> str:
        """The embedding model of its vectors."""
        return self.manifest["model"]

    def cosines(self, vector: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Similarity of rows to a vector [dimension]; float32 [len(rows)]."""
        return vectors.exact(self.faiss, rows) @ vector if len(rows) else np.zeros(0, dtype=np.float32)

    def near(self, vector: np.ndarray | None, stems: set[str], rows: np.ndarray, readable: np.ndarray,
             count: int = 100) -> np.ndarray:
        """Of many rows those worth comparing exactly: the nearest in meaning and those with the rarest words."""
        if len(rows) <= EXACT_UP_TO:
            return rows
        allowed = np.zeros(len(readable), dtype=bool)
        allowed[rows] = True
        by_words = self.words.candidates(stems, readable, allowed, count)
        by_meaning = vectors.nearest(self.faiss, vector, allowed, count) if vector is not None else by_words
        return np.union1d(by_words, by_meaning)


def folder(home: Path) -> Path:
    return Path(home) / "index"


def open_index(home: Path) -> Index:
    """The build in use, kept open until another replaces it.

    Raises CannotAnswer if there is none or if it is damaged.
    """
    name = _current(home)
    if name is None:
        raise CannotAnswer("There is no document index yet: run `oracle index build`.")
    return _opened(folder(home) / name)


@lru_cache(maxsize=4)
def _opened(build: Path) -> Index:
    try:
        manifest = json.loads((build / "manifest.json").read_text(encoding="utf-8"))
        if manifest["format"] != FORMAT:
            raise CannotAnswer("The document index was written by another version: run `oracle index build`.")
        count = manifest["rows"]
        index = Index(manifest, Passages(build), Columns.load(build),
                      vectors.open_vectors(build / "vectors.faiss", count), WordIndex.load(build, count))
    except (OSError, ValueError, TypeError, KeyError, RuntimeError) as error:
        reason = type(error).__name__
        raise CannotAnswer(f"The document index cannot be read ({reason}): run `oracle index build`.") from None
    if not len(index.passages) == index.faiss.ntotal == len(index.columns.alive) == count:
        raise CannotAnswer("The document index is incomplete: run `oracle index build`.")
    return index


def other_model(index: Index, model: str) -> str | None:
    """One sentence if the index was made with another embedding model than the settings name; it still serves."""
    if index.model == model:
        return None
    return (f"The document index was built with the embedding model {index.model}, the settings name {model}: it is "
            "searched with its own until `oracle index build` has run.")


def _identities(passages: Iterable[Passage]) -> np.ndarray:
    """The first 16 bytes of each passage's SHA-256; [passages]."""
    records = (json.dumps(passage.record(), sort_keys=True).encode() for passage in passages)
    return np.array([hashlib.sha256(record).digest()[:16] for record in records], dtype="V16")


def corpus_hash(identities: np.ndarray, model: str) -> str:
    """SHA-256 over model, format and all passages in order."""
    return hashlib.sha256(f"{FORMAT} {model}\n".encode() + identities.tobytes()).hexdigest()


def write_index(home: Path, passages: Sequence[Passage], progress: Progress | None = None,
                model: str = embedder.MODEL, embed: Embed | None = None) -> dict[str, Any]:
    """Build and switch over; the manifest, with `rebuilt` False if the corpus is already what is indexed.

    The old build serves until the last step; an interrupted build leaves it in use. `embed` (default: the model's)
    gives the vectors of texts; passages that did not change are not embedded again.
    """
    root, identities = folder(home), _identities(passages)
    digest = corpus_hash(identities, model)
    root.mkdir(parents=True, exist_ok=True)
    with _only_builder(root):
        old = _usable(home, model)
        if old and old.manifest["corpus_hash"] == digest:
            return old.manifest | {"rebuilt": False}
        _sweep(root, keep=_current(home))
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:6]}"
        unfinished = root / f".building-{name}"
        unfinished.mkdir()
        try:
            made = _Build(unfinished, passages, model, embed or (lambda texts: embedder.embed(texts, model=model)),
                          progress)
            manifest = made.write(old, root / (_current(home) or ""), identities, digest)
            os.replace(unfinished, root / name)
            _switch(root, name)
        except BaseException:  # an interrupt too: leave nothing half-made behind
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        return manifest | {"rebuilt": True}


@dataclass(frozen=True)
class _Build:
    """One build on its way."""

    into: Path
    passages: Sequence[Passage]
    model: str
    embed: Embed
    progress: Progress | None

    def write(self, old: Index | None, old_build: Path, identities: np.ndarray, digest: str) -> dict[str, Any]:
        known = np.load(old_build / "identities.npy") if old else np.zeros(0, dtype="V16")
        kept = old.columns.alive & np.isin(known, identities) if old else np.zeros(0, dtype=bool)
        if old and vectors.kind_for(len(kept)) != "Flat" and kept.sum() >= (1 - GONE_SHARE) * len(kept):
            columns = self._extended(old, old_build, identities, known, kept)
        else:
            columns = self._anew(old, identities)
        columns.save(self.into)
        documents = np.stack([columns.codes["document"], columns.codes["tenant"]])[:, columns.alive]
        manifest = {
            "format": FORMAT, "model": self.model, "dimension": embedder.dimension(self.model), "corpus_hash": digest,
            "created": datetime.now(UTC).isoformat(timespec="seconds"), "passages": int(columns.alive.sum()),
            "rows": len(columns.alive), "vectors": vectors.kind_for(len(columns.alive)),
            "documents": np.unique(documents, axis=1).shape[1],
            "passages_by_kind": columns.counts("kind", columns.alive)}
        (self.into / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        return manifest

    def _anew(self, old: Index | None, identities: np.ndarray) -> Columns:
        """Everything written again; vectors of texts that did not change come from the old build."""
        import faiss

        known = {old.passages[r].digest: r for r in range(len(old.passages))} if old else {}
        count = len(self.passages)

        if self.progress:
            self.progress(0, count)
        scratch = self.into / "scratch.npy"
        made = np.lib.format.open_memmap(scratch, mode="w+", dtype=np.float32, shape=(
            count, embedder.dimension(self.model)))
        for start in range(0, count, vectors.STEP):
            part = [self.passages[i] for i in range(start, min(start + vectors.STEP, count))]
            made[start:start + len(part)] = self._vectors(start, part, known, old)
        faiss.write_index(vectors.build(made), str(self.into / "vectors.faiss"))
        del made
        scratch.unlink()
        write_passages(self.into, self.passages)
        WordIndex.of(p.searched for p in self.passages).save(self.into)
        np.save(self.into / "identities.npy", identities)
        return Columns.of(self.passages)

    def _extended(self, old: Index, old_build: Path, identities: np.ndarray, known: np.ndarray,
                  kept: np.ndarray) -> Columns:
        """The old build with the passages gone marked and the new ones added."""
        import faiss

        fresh = [self.passages[int(i)] for i in np.flatnonzero(~np.isin(identities, known[kept]))]
        index = faiss.read_index(str(old_build / "vectors.faiss"))
        for start in range(0, len(fresh), vectors.STEP):
            part = fresh[start:start + vectors.STEP]
            index.add(self.embed([p.embedded for p in part]))
            if self.progress:
                self.progress(start + len(part), len(fresh))
        faiss.write_index(index, str(self.into / "vectors.faiss"))
        write_passages(self.into, fresh, before=old_build)
        WordIndex.of((p.searched for p in fresh), old.words).save(self.into)
        np.save(self.into / "identities.npy", np.concatenate([known, _identities(fresh)]))
        return Columns.of(fresh, replace(old.columns, alive=kept))

    def _vectors(self, first: int, part: Sequence[Passage], known: dict[str, int], old: Index | None) -> np.ndarray:
        """Unit vectors float32 [part, dimension] of the passages from `first` on; only what is new is embedded."""
        found = np.zeros((len(part), embedder.dimension(self.model)), dtype=np.float32)
        rows = [known.get(p.digest, -1) for p in part]
        reused = [i for i, row in enumerate(rows) if row >= 0]
        fresh = [i for i, row in enumerate(rows) if row < 0]
        if reused:
            found[reused] = vectors.exact(old.faiss, np.array([rows[i] for i in reused]))
        for start in range(0, len(fresh), 256):
            some = fresh[start:start + 256]
            found[some] = self.embed([part[i].embedded for i in some])
            if self.progress:
                self.progress(first + len(reused) + start + len(some), len(self.passages))
        return found


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


def _usable(home: Path, model: str) -> Index | None:
    """The old build, if it can be read and has this model's vectors."""
    try:
        index = open_index(home)
    except CannotAnswer:
        return None
    return index if index.model == model else None


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
