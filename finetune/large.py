"""A large Mixture of Experts by name: its configuration, whether the LoRA targets are in it, what a run would take.

    python -m finetune.train --base Qwen/Qwen3-30B-A3B --dry-run --devices 8

The model is built without memory (PyTorch's meta device). The two configurations below are those that their makers
publish as config.json on the model's page (read 2025); any other name is asked for at the hub.
"""

import random
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

GIB = 2**30
# https://huggingface.co/Qwen/Qwen3-30B-A3B and https://huggingface.co/deepseek-ai/DeepSeek-V2-Lite, config.json
PUBLISHED: dict[str, tuple[str, dict[str, Any]]] = {
    "Qwen/Qwen3-30B-A3B": ("qwen3_moe", {
        "hidden_size": 2048, "intermediate_size": 6144, "moe_intermediate_size": 768, "num_hidden_layers": 48,
        "num_attention_heads": 32, "num_key_value_heads": 4, "head_dim": 128, "num_experts": 128,
        "num_experts_per_tok": 8, "decoder_sparse_step": 1, "mlp_only_layers": [], "norm_topk_prob": True,
        "vocab_size": 151936, "max_position_embeddings": 40960, "rms_norm_eps": 1e-6, "tie_word_embeddings": False}),
    "deepseek-ai/DeepSeek-V2-Lite": ("deepseek_v2", {
        "hidden_size": 2048, "intermediate_size": 10944, "moe_intermediate_size": 1408, "num_hidden_layers": 27,
        "num_attention_heads": 16, "num_key_value_heads": 16, "q_lora_rank": None, "kv_lora_rank": 512,
        "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128, "n_routed_experts": 64,
        "n_shared_experts": 2, "num_experts_per_tok": 6, "first_k_dense_replace": 1, "norm_topk_prob": False,
        "vocab_size": 102400, "max_position_embeddings": 163840, "rms_norm_eps": 1e-6, "tie_word_embeddings": False}),
}
ATTENTION = {"qwen3_moe": ("q_proj", "k_proj", "v_proj", "o_proj"),
             "deepseek_v2": ("q_proj", "kv_a_proj_with_mqa", "kv_b_proj", "o_proj")}
OTHER_ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
EXPERTS = ("mlp.experts.gate_up_proj", "mlp.experts.down_proj")
ROUTER = ("mlp.gate.weight",)
# Bytes of one trainable parameter in every process: bfloat16 weight and gradient, float32 master and its gradient,
# two moments of Adam.
TRAINED_BYTES = 2 + 2 + 4 + 4 + 8


@dataclass(frozen=True)
class Size:
    """Parameters of a model: in all, active per token, trained by LoRA, and of its largest layer."""

    total: int
    active: int
    trainable: int
    largest_layer: int
    hidden: int
    layers: int


def configuration(name: str):
    """The model's configuration: published values for the two above, else from the hub or a folder.

    Raises ValueError with one sentence where there is none.
    """
    from transformers import AutoConfig

    if name in PUBLISHED:
        kind, values = PUBLISHED[name]
        return AutoConfig.for_model(kind, **values)
    try:
        return AutoConfig.from_pretrained(name)
    except (OSError, ValueError) as error:
        known = ", ".join(PUBLISHED)
        raise ValueError(f"There is no configuration of {name} here or at the hub; known without a hub: {known}."
                         ) from error


def empty_model(config) -> nn.Module:
    """The model of a configuration without its weights."""
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config)


def targets(config) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(modules of attention, parameters of experts and router) that LoRA adapts, as ends of their names."""
    return ATTENTION.get(config.model_type, OTHER_ATTENTION), (*EXPERTS, *ROUTER)


def adapted(model: nn.Module, modules: tuple[str, ...], parameters: tuple[str, ...]) -> dict[str, torch.Size]:
    """Name and shape of every weight that LoRA would adapt; raises ValueError naming a target that is not there."""
    found: dict[str, torch.Size] = {}
    linear = {name: module for name, module in model.named_modules() if isinstance(module, nn.Linear)}
    weights = dict(model.named_parameters())
    for target in modules:
        hits = {f"{name}.weight": m.weight.shape for name, m in linear.items() if name.endswith(f".{target}")}
        _require(hits, target, model, {name.rpartition(".")[2] for name in linear})
        found |= hits
    for target in parameters:
        hits = {name: weight.shape for name, weight in weights.items() if name.endswith(f".{target}")}
        _require(hits, target, model, {name.split(".", 3)[-1] for name in weights if ".mlp." in name})
        found |= hits
    return found


def _require(hits: dict, target: str, model: nn.Module, there: set[str]) -> None:
    if not hits:
        raise ValueError(f"LoRA target {target} is not in {type(model).__name__}; it has "
                         f"{', '.join(sorted(there)[:12])}.")


def size(model: nn.Module, config, rank: int) -> Size:
    """Parameters counted on the model itself; LoRA as PEFT lays it out: A and B per matrix, per expert of a stack."""
    weights = {name: p.numel() for name, p in model.named_parameters()}
    share = _active_share(config)
    routed = sum(n for name, n in weights.items() if ".mlp.experts." in name)
    trainable = sum(rank * (sum(shape) if len(shape) == 2 else shape[0] * (shape[1] + shape[2]))
                    for shape in adapted(model, *targets(config)).values())
    layers = [sum(p.numel() for p in layer.parameters()) for layer in model.model.layers]
    total = sum(weights.values())
    return Size(total, round(total - routed * (1 - share)), trainable, max(layers), config.hidden_size, len(layers))


def _active_share(config) -> float:
    experts = next(value for name in ("num_experts", "n_routed_experts", "num_local_experts")
                   if (value := getattr(config, name, None)))
    return config.num_experts_per_tok / experts


def memory_gib(found: Size, devices: int, tokens_per_pack: int) -> dict[str, float]:
    """GiB on each of `devices` with FSDP: frozen base in bfloat16, what is trained, one layer together, activations.

    Activations: the input of every layer in bfloat16 (the rest is computed anew, layer by layer). Without working
    memory of kernels and the logits of the learnt tokens.
    """
    parts = {"frozen base": 2 * found.total / devices, "adapters and optimiser": TRAINED_BYTES * found.trainable,
             "two layers together": 2 * 2 * found.largest_layer if devices > 1 else 0.0,
             "activations": 2.0 * tokens_per_pack * found.hidden * found.layers}
    return {name: value / GIB for name, value in parts.items()} | {"in all": sum(parts.values()) / GIB}


def plan(name: str, rank: int, devices: int, samples: int, tokens_per_pack: int, packs_per_step: int) -> str:
    """What a run on the model would be, for people; raises ValueError where a target is not in the model."""
    config = configuration(name)
    model = empty_model(config)
    found, packs = size(model, config, rank), packs_per_step or devices
    count = len(adapted(model, *targets(config)))
    modules, parameters = targets(config)
    lines = [f"{name} ({type(model).__name__}), LoRA rank {rank} on {count} weights: "
             f"{', '.join((*modules, *parameters))}",
             f"parameters: {found.total / 1e9:.2f} billion, {found.active / 1e9:.2f} billion active per token, "
             f"{found.trainable / 1e6:.1f} million trained"]
    for number in dict.fromkeys((1, devices)):
        parts = memory_gib(found, number, tokens_per_pack)
        where = f"each of {number} devices" if number > 1 else "one device"
        lines.append(f"memory on {where}: {parts['in all']:.1f} GiB ("
                     + ", ".join(f"{part} {gib:.1f}" for part, gib in parts.items() if part != "in all") + ")")
    a_pack = _samples_per_pack(tokens_per_pack)
    lines += [f"a step: {packs} pack{'s' * (packs > 1)} of {tokens_per_pack} tokens and the system prompt, "
              f"{packs * tokens_per_pack} tokens, about {a_pack * packs:.0f} samples",
              f"steps: about {samples / a_pack / packs:.0f} for {samples} samples"]
    return "\n".join(lines)


def _samples_per_pack(tokens_per_pack: int, lines: int = 200) -> float:
    """Mean over packs of some phrasings, by the small base's tokenizer."""
    from finetune.dataset import call_sample
    from finetune.packing import epoch
    from finetune.phrasings import NotWritten, load_phrasings, turn

    rng, samples = random.Random(0), []
    for phrasing in rng.sample(load_phrasings(), lines):
        try:
            samples.append(call_sample(turn(phrasing, rng)))
        except NotWritten:
            continue
    return len(samples) / sum(1 for _ in epoch((), samples, tokens_per_pack, 0, 0))
