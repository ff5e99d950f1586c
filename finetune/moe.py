"""The Mixture of Experts as it is trained: experts that share the base's frozen matrices and differ in their LoRA.

All experts of an upcycled model start as one network, so the frozen weights are held once, and only the adapters
and the router exist per expert. `export_adapter` writes what was learnt as a PEFT adapter of the Mixtral model.
"""

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import nn
from transformers import LlamaForCausalLM

from finetune.base import EXPERTS, EXPERTS_PER_TOKEN, ROUTER_STD, FusedMlp, fuse, load_dense, upcycle

ATTENTION_TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj"]
EXPERT_TARGETS = ["gate_up_proj", "down_proj"]
MOE_PARAMETERS = ["mlp.experts.gate_up_proj", "mlp.experts.down_proj", "mlp.gate.weight"]


class MoeMlp(nn.Module):
    """Router and experts in place of a fused feed-forward network; computes what MixtralSparseMoeBlock computes."""

    def __init__(self, fused: FusedMlp, router: torch.Tensor, top_k: int):
        super().__init__()
        self.top_k = top_k
        self.gate = nn.Linear(router.shape[1], router.shape[0], bias=False, dtype=router.dtype)
        self.gate.weight.data = router
        self.experts = nn.ModuleList(_sharing(fused) for _ in range(router.shape[0]))
        self.balance_loss = torch.zeros(())

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        flat = hidden.reshape(-1, hidden.shape[-1])
        probabilities = self.gate(flat).float().softmax(-1)
        weights, chosen = probabilities.topk(self.top_k, -1)
        weights = weights / weights.sum(-1, keepdim=True)
        self.balance_loss = _balance_loss(probabilities, chosen)
        out = torch.zeros_like(flat)
        for index, expert in enumerate(self.experts):
            token, slot = torch.where(chosen == index)
            if len(token):
                out = out.index_add(0, token, expert(flat[token]) * weights[token, slot, None].to(flat.dtype))
        return out.view_as(hidden)


def _sharing(fused: FusedMlp) -> FusedMlp:
    twin = FusedMlp.__new__(FusedMlp)
    nn.Module.__init__(twin)
    for name in EXPERT_TARGETS:
        old = getattr(fused, name)
        with torch.device("meta"):
            new = nn.Linear(old.in_features, old.out_features, bias=False)
        new.weight = old.weight
        setattr(twin, name, new)
    return twin


def _balance_loss(probabilities: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """Load-balancing loss of the Switch Transformer (Fedus et al. 2022, eq. 4); 1 when perfectly even."""
    experts = probabilities.shape[-1]
    share = torch.nn.functional.one_hot(chosen, experts).float().sum(1).mean(0) / chosen.shape[-1]
    return experts * (share * probabilities.mean(0)).sum()


def dense_student(rank: int, dtype: torch.dtype) -> PeftModel:
    """Phase one: the fused dense model with LoRA on attention and feed-forward network (all experts at once)."""
    return _with_lora(fuse(load_dense(dtype)), rank, [*ATTENTION_TARGETS, *EXPERT_TARGETS])


def moe_student(rank: int, dtype: torch.dtype, seed: int, experts: int = EXPERTS,
                top_k: int = EXPERTS_PER_TOKEN) -> PeftModel:
    """Phase two: router and experts, LoRA on attention, every expert and the router."""
    model = fuse(load_dense(dtype))
    generator = torch.Generator().manual_seed(seed)
    for layer in model.model.layers:
        router = torch.randn(experts, model.config.hidden_size, generator=generator) * ROUTER_STD
        layer.mlp = MoeMlp(layer.mlp, router.to(dtype), top_k)
    return _with_lora(model, rank, [*ATTENTION_TARGETS, *EXPERT_TARGETS, "gate"])


def _with_lora(model: LlamaForCausalLM, rank: int, targets: list[str]) -> PeftModel:
    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=targets, task_type="CAUSAL_LM")
    return get_peft_model(model, config, autocast_adapter_dtype=False)


def adapters(model: nn.Module) -> dict[str, nn.Parameter]:
    """The trainable parameters by name."""
    return {name: p for name, p in model.named_parameters() if p.requires_grad}


def split_into_experts(dense: dict[str, torch.Tensor], moe: PeftModel) -> None:
    """Give every expert the adapter that the dense phase learnt: the MoE then computes what the dense model does."""
    with torch.no_grad():
        for name, parameter in adapters(moe).items():
            source = dense.get(_dense_name(name))
            if source is not None:
                parameter.copy_(source)


def rank_of(adapter: dict[str, torch.Tensor]) -> int:
    """LoRA rank of a finished adapter in PEFT's layout."""
    return next(len(weight) for name, weight in adapter.items() if name.endswith("q_proj.lora_A.weight"))


def averaged(adapter: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A finished adapter in PEFT's layout as the dense student's: each expert matrix is the mean of the experts'."""
    rank = rank_of(adapter)
    found = {}
    for name, weight in adapter.items():
        name = name.replace("_A.weight", "_A.default.weight").replace("_B.weight", "_B.default.weight")
        if ".experts." not in name:
            found[name] = weight
            continue
        matrix = "gate_up_proj" if ".base_layer." in name else "down_proj"
        name = name.replace(".experts.", f".{matrix}.").replace(".base_layer.", ".")
        found[name] = (weight.view(EXPERTS, rank, -1).mean(0) if "lora_A" in name
                       else weight.view(-1, rank, EXPERTS).mean(-1))
    return {name: weight for name, weight in found.items() if ".mlp.gate." not in name}


def go_on_from(learnt: dict[str, torch.Tensor], student: PeftModel) -> None:
    """Give a dense student what an adapter of its rank or a lower one learnt.

    Ranks that are new keep their random A and B of zero: the student computes what the adapter does.
    """
    with torch.no_grad():
        for name, parameter in adapters(student).items():
            weight = learnt[name]
            parameter[:weight.shape[0], :weight.shape[1]].copy_(weight)


def _dense_name(name: str) -> str:
    head, _, tail = name.partition(".experts.")
    return f"{head}.{tail.split('.', 1)[1]}" if tail else name


def balance_loss(model: nn.Module) -> torch.Tensor:
    """Mean load-balancing loss over the layers of the last forward pass."""
    return torch.stack([m.balance_loss for m in model.modules() if isinstance(m, MoeMlp)]).mean()


def mixtral_with_adapter(weights: dict[str, torch.Tensor], rank: int, dtype: torch.dtype, seed: int) -> PeftModel:
    """The upcycled Mixtral with the trained student's adapter, as PEFT and vLLM know it."""
    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=ATTENTION_TARGETS,
                        target_parameters=MOE_PARAMETERS, task_type="CAUSAL_LM")
    model = get_peft_model(upcycle(load_dense(dtype), seed=seed), config, autocast_adapter_dtype=False)
    with torch.no_grad():
        for name, module in model.named_modules():
            if not hasattr(module, "lora_A"):
                continue
            parameter = getattr(module, "parameter_name", None)
            for side in ("lora_A", "lora_B"):
                target = getattr(module, side)["default"].weight
                target.copy_(_collect(weights, name, parameter, side, rank))
    return model


def _collect(weights: dict[str, torch.Tensor], name: str, parameter: str | None, side: str, rank: int):
    """A student's LoRA matrix in PEFT's layout: expert-major rows of A, rank-major columns of B."""
    if parameter is None or parameter == "weight":
        return weights[f"{name}.{side}.default.weight"]
    block = name.split(".experts")[0]
    per_expert = [weights[f"{block}.experts.{e}.{parameter}.{side}.default.weight"] for e in range(EXPERTS)]
    if side == "lora_A":
        return torch.cat(per_expert)
    return torch.stack(per_expert, dim=-1).reshape(-1, rank * EXPERTS)
