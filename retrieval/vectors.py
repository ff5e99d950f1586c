"""Vectors by size: compared one by one in a small index, by lists in a large one (FAISS).

The kind follows from `python -m eval.run retrieval-scale` (table in README.md): up to FLAT_UP_TO passages the exact
comparison is quick enough; above, inverted lists with vectors of one byte a dimension keep nearly all of its neighbours
at a quarter of the memory, take additions and can be read through memory mapping. A graph (HNSW) is quicker but takes
more than the whole vectors in memory and cannot be mapped; product quantisation loses neighbours.
"""

from pathlib import Path
from typing import Any

import numpy as np

FLAT_UP_TO = 50_000
TRAINING = 50_000  # vectors that lists and quantiser are trained on
PROBES = 24  # lists looked into for one question
GRAPH_EFFORT = 96  # candidates kept while a graph is searched
STEP = 20_000  # rows added or decoded at a time


def lists_for(count: int) -> int:
    """Number of lists: about the square root of the count, as a power of two."""
    return 1 << max(6, round(np.log2(max(count, 1)) / 2))


def new_index(kind: str, count: int, sample: np.ndarray) -> Any:
    """An empty trained FAISS index: "Flat", "HNSW", "IVF-Flat", "IVF-SQ8" or "IVF-PQ", on inner products.

    `sample` float32 [n, dimension] of unit vectors, of which `count` will follow.
    """
    import faiss

    dimension, lists = sample.shape[1], lists_for(count)
    recipe = {"Flat": "Flat", "HNSW": "HNSW16", "IVF-Flat": f"IVF{lists},Flat", "IVF-SQ8": f"IVF{lists},SQ8",
              "IVF-PQ": f"IVF{lists},PQ{dimension // 8}"}[kind]
    index = faiss.index_factory(dimension, recipe, faiss.METRIC_INNER_PRODUCT)
    if kind == "HNSW":
        index.hnsw.efSearch = GRAPH_EFFORT
    if kind.startswith("IVF"):
        index.cp.niter, index.nprobe = 8, PROBES
        index.cp.min_points_per_centroid = 1  # no warnings where few are enough
        if hasattr(index, "pq"):
            index.pq.cp.min_points_per_centroid, index.pq.cp.max_points_per_centroid = 1, 64
            index.pq.cp.niter = 8
        index.train(sample)
    return index


def kind_for(count: int) -> str:
    return "Flat" if count <= FLAT_UP_TO else "IVF-SQ8"


def build(vectors: np.ndarray) -> Any:
    """A FAISS index of unit vectors, float32 [n, dimension], possibly memory-mapped."""
    count = len(vectors)
    index = new_index(kind_for(count), count, _spread(vectors))
    for start in range(0, count, STEP):
        index.add(np.ascontiguousarray(vectors[start:start + STEP]))
    return index


def _spread(vectors: np.ndarray) -> np.ndarray:
    """Vectors from all over, for training."""
    blocks, count = 50, len(vectors)
    size = max(1, min(TRAINING, count) // blocks)
    starts = np.linspace(0, max(0, count - size), blocks).astype(int)
    return np.concatenate([vectors[s:s + size] for s in starts])


def open_vectors(path: Path, count: int) -> Any:
    """The index of a file, memory-mapped where it is large."""
    import faiss

    large = kind_for(count) != "Flat"
    index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC if large else 0)
    if large:
        index.nprobe = PROBES
        index.make_direct_map()
    return index


def exact(index: Any, rows: np.ndarray) -> np.ndarray:
    """The vectors of rows, float32 [len(rows), dimension]."""
    return index.reconstruct_batch(np.ascontiguousarray(rows, dtype=np.int64))


def nearest(index: Any, vector: np.ndarray, allowed: np.ndarray, count: int) -> np.ndarray:
    """Up to `count` rows near the vector [dimension] among the allowed, bool [rows]; int64, best first.

    Rows that are not allowed are never compared: what a scope may not read has no part in the search.
    """
    import faiss

    bits = np.packbits(allowed, bitorder="little")
    selector = faiss.IDSelectorBitmap(len(allowed), faiss.swig_ptr(bits))
    lists = hasattr(index, "nprobe")
    params = faiss.SearchParametersIVF(sel=selector, nprobe=PROBES) if lists else faiss.SearchParameters(sel=selector)
    rows = index.search(vector[None, :], count, params=params)[1][0]
    return rows[rows >= 0]
