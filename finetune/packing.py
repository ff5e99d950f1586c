"""Packs of samples that share one system prompt, so that its tokens are paid once a pack and not once a sample.

A pack is one row of tokens: the prefix (system prompt and tool signatures), then `rows` samples padded to one
`length`. Each sample sees the prefix and itself, and its positions go on where the prefix ends: exactly what the
model sees when it is asked that one question.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

ATTENTION = "shared_prefix"
TOKENS_PER_PACK = 1920
LENGTHS = (48, 64, 80, 96, 120, 128, 160, 192, 240, 320, 384, 480, 640, 960)  # divide 1920: one shape for all packs
LEARN_STEP = 128


@dataclass(frozen=True)
class Sample:
    """Token ids after the prefix, and which of them the model learns to write (never the first)."""

    ids: tuple[int, ...]
    learn: tuple[bool, ...]


@dataclass(frozen=True)
class Pack:
    """tokens, positions: int64 [1, prefix + rows * length]; learn: int64 [n] indices of tokens that are predicted.

    Of its rows, the first `samples` hold a sample and the others padding.
    """

    tokens: torch.Tensor
    positions: torch.Tensor
    learn: torch.Tensor
    prefix: int
    rows: int
    samples: int

    def to(self, device) -> "Pack":
        return replace(self, tokens=self.tokens.to(device), positions=self.positions.to(device),
                       learn=self.learn.to(device))


def pack_samples(prefix: Sequence[int], samples: Sequence[Sample], pad_id: int, tokens_per_pack: int = 0) -> Pack:
    """One pack from at least one sample; shorter samples are padded at their end, missing rows are padding."""
    start, length = len(prefix), _bucket(max(len(sample.ids) for sample in samples))
    rows = max(tokens_per_pack // length, len(samples))
    tokens, learn = list(prefix), []
    for row, sample in enumerate(samples):
        offset = start + row * length
        learn += [offset + i for i, flag in enumerate(sample.learn) if flag]
        tokens += [*sample.ids, *[pad_id] * (length - len(sample.ids))]
    tokens += [pad_id] * (length * (rows - len(samples)))
    positions = torch.cat([torch.arange(start), start + torch.arange(length).repeat(rows)])
    return Pack(torch.tensor([tokens]), positions[None], torch.tensor(learn), start, rows, len(samples))


def _bucket(length: int) -> int:
    return next((size for size in LENGTHS if size >= length), length)


def epoch(prefix: Sequence[int], samples: Sequence[Sample], tokens_per_pack: int, pad_id: int,
          seed: int) -> Iterator[Pack]:
    """All samples once, shuffled by `seed`, grouped by similar length so that little is padding."""
    order = list(samples)
    rng = random.Random(seed)
    rng.shuffle(order)
    packs = []
    for begin in range(0, len(order), 1024):
        window = sorted(order[begin:begin + 1024], key=lambda sample: len(sample.ids))
        while window:
            rows = [window.pop()]
            while window and _bucket(len(rows[0].ids)) * (len(rows) + 1) <= tokens_per_pack:
                rows.append(window.pop())
            packs.append(rows)
    rng.shuffle(packs)
    for rows in packs:
        yield pack_samples(prefix, rows, pad_id, tokens_per_pack)


def shared_prefix_attention(module, query, key, value, attention_mask, scaling, prefix, rows, **_):
    """Causal attention of every sample over the prefix and itself. query [1, H, T, D], key and value [1, KV, T, D]."""
    groups = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(groups, 1)[0], value.repeat_interleave(groups, 1)[0]
    query = query[0]
    shared = scaled_dot_product_attention(query[None, :, :prefix], key[None, :, :prefix], value[None, :, :prefix],
                                          is_causal=True, scale=scaling)[0]
    heads, _, dim = query.shape
    own_q, own_k, own_v = (x[:, prefix:].reshape(heads, rows, -1, dim) for x in (query, key, value))
    length = own_q.shape[2]
    to_prefix = (query[:, prefix:] @ key[:, :prefix].transpose(1, 2)).view(heads, rows, length, prefix)
    future = torch.ones(length, length, dtype=torch.bool, device=query.device).triu(1)
    to_own = (own_q @ own_k.transpose(2, 3)).masked_fill(future, float("-inf"))
    weights = (torch.cat([to_prefix, to_own], -1).float() * scaling).softmax(-1).to(query.dtype)
    from_prefix = weights[..., :prefix].reshape(heads, rows * length, prefix) @ value[:, :prefix]
    own = from_prefix + (weights[..., prefix:] @ own_v).reshape(heads, rows * length, dim)
    return torch.cat([shared, own], 1).transpose(0, 1)[None].contiguous(), None


AttentionInterface.register(ATTENTION, shared_prefix_attention)


def hidden_states(model, pack: Pack) -> torch.Tensor:
    """Last hidden states [T, hidden] of a causal language model for a pack."""
    return model.model(input_ids=pack.tokens, position_ids=pack.positions, use_cache=False,
                       prefix=pack.prefix, rows=pack.rows).last_hidden_state[0]


def predictions(model, pack: Pack) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits [n, vocabulary] and targets [n] of the tokens to learn; the head runs on these alone."""
    padded = torch.nn.functional.pad(pack.learn, (0, -len(pack.learn) % LEARN_STEP), value=1)
    logits = model.lm_head(hidden_states(model, pack)[padded - 1]).float()
    return logits[:len(pack.learn)], pack.tokens[0, pack.learn]
