"""The claim "the mixture specialises": which experts the tokens of each intent are sent to, against chance.

Development questions are read by the model with the right call written after them (teacher forcing, canonical values).
The intent is the tool to call. Routing follows intent where the mutual information of intent and expert is above what
it is when the intents are shuffled over the conversations; tokens of one conversation stay together, as they belong
together. Words differ between intents, so a router that looks at words alone is above chance too.
"""

import copy
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track
from rich.table import Table

from eval.report import header, people, print_header
from eval.score import ANY_TEXT, QUESTIONS_FILE, Question, load_questions

DEVELOPMENT_FILE = QUESTIONS_FILE.with_name("development.jsonl")
NO_CALL, SEVERAL = "no_call", "several"
PARTS = ("question", "call")  # tokens that are read, tokens that are written
SHUFFLES = 200


@dataclass(frozen=True)
class Tokens:
    """One conversation after the shared prefix: token ids and which of them are read (question) or written (call)."""

    intent: str
    question: tuple[int, ...]
    call: tuple[int, ...] = ()


@dataclass(frozen=True)
class Routed:
    """How often each expert was chosen in each layer, [layers, experts] for either part."""

    intent: str
    picks: dict[str, np.ndarray]


def measure(path: Path, model_path: str, per_intent: int = 0, seed: int = 0) -> dict[str, Any]:
    """Routing of the served checkpoint at `model_path`, or where there is none of base and adapter.

    `per_intent`: so many conversations of each intent at most, 0 for all. Raises ValueError for a dense model.
    """
    questions = _chosen(load_questions(path), per_intent, seed)
    model, origin = load_model(model_path)
    prefix, conversations = encoded(questions)
    routed = route(model, prefix, conversations)
    return header() | {"questions": path.name, "n": len(questions), "model": origin,
                       "questions_sha256": hashlib.sha256(path.read_bytes()).hexdigest()[:12],
                       "experts_per_token": model.config.num_experts_per_tok,
                       "experts_differ_percent": expert_distance_percent(model)} | report(routed, seed)


def intent_of(question: Question) -> str:
    """The one tool of the first accepted answer, "several" or "no_call"."""
    names = {call.name for call in question.accept[0]}
    return names.pop() if len(names) == 1 else SEVERAL if names else NO_CALL


def _chosen(questions: Sequence[Question], per_intent: int, seed: int) -> list[Question]:
    if not per_intent:
        return list(questions)
    order, taken, chosen = np.random.default_rng(seed).permutation(len(questions)), Counter(), set()
    for i in order:
        intent = intent_of(questions[i])
        taken[intent] += 1
        if taken[intent] <= per_intent:
            chosen.add(i)
    return [q for i, q in enumerate(questions) if i in chosen]


def load_model(model_path: str):
    """The checkpoint in evaluation mode, and in words what it is; raises ValueError where it has no experts."""
    import torch
    from transformers import AutoModelForCausalLM

    if Path(model_path, "config.json").exists():
        model, origin = AutoModelForCausalLM.from_pretrained(model_path, dtype=torch.bfloat16), Path(model_path).name
    else:
        from finetune.merge import ADAPTER, manifest, merged

        model, origin = merged(), f"base and adapter {manifest(ADAPTER)['adapter_sha256'][:12]}"
    if not hasattr(model.config, "num_local_experts"):
        raise ValueError(f"{origin} is a dense model: it has no experts to route to.")
    return model.to("cuda" if torch.cuda.is_available() else "cpu").eval(), origin


def encoded(questions: Sequence[Question]) -> tuple[tuple[int, ...], list[Tokens]]:
    """Tokens of system prompt and tools, and of every conversation after them, by the training's own template."""
    from finetune.base import load_tokenizer
    from finetune.dataset import call_message, prefix_ids, render

    tokenizer, start = load_tokenizer(), len(render([]))
    conversations = []
    for question in questions:
        read = render(question.messages, prompt=True)
        calls = [{"name": call.name, "arguments": _written(call.arguments, question)} for call in question.accept[0]]
        written = render([*question.messages, call_message(calls)])[len(read):] if calls else ""
        conversations.append(Tokens(intent_of(question), tuple(tokenizer(read[start:]).input_ids),
                                    tuple(tokenizer(written).input_ids)))
    return prefix_ids(), conversations


def _written(arguments: Mapping[str, Any], question: Question) -> dict[str, Any]:
    return {k: question.messages[-1]["content"] if v == ANY_TEXT else v for k, v in arguments.items()}


def route(model, prefix: Sequence[int], conversations: Sequence[Tokens]) -> list[Routed]:
    """Run every conversation after the prefix, which is computed once, and count the experts chosen."""
    import torch

    shared, found = None, []
    with torch.inference_mode():
        if prefix:
            ids = torch.tensor([prefix], device=model.device)
            shared = model.model(input_ids=ids, use_cache=True).past_key_values
        for tokens in track(conversations, description="routing", console=people):
            ids = torch.tensor([[*tokens.question, *tokens.call]], device=model.device)
            out = model.model(input_ids=ids, past_key_values=copy.deepcopy(shared), use_cache=shared is not None,
                              output_router_logits=True)
            chosen = torch.stack([logits.topk(model.config.num_experts_per_tok, -1).indices
                                  for logits in out.router_logits]).cpu().numpy()  # [layers, tokens, top k]
            parts = np.split(chosen, [len(tokens.question)], axis=1)
            found.append(Routed(tokens.intent, {name: _counts(part, model.config.num_local_experts)
                                                for name, part in zip(PARTS, parts, strict=True)}))
    return found


def _counts(chosen: np.ndarray, experts: int) -> np.ndarray:
    return (chosen[..., None] == np.arange(experts)).sum((1, 2))


def expert_distance_percent(model) -> list[float]:
    """Per layer, how far the experts' matrices are apart: mean distance from their mean, in percent of its norm."""
    found = []
    for layer in model.model.layers:
        weights = layer.mlp.experts.gate_up_proj.detach().float()
        mean = weights.mean(0)
        found.append(round(100 * float((weights - mean).flatten(1).norm(dim=1).mean() / mean.norm()), 3))
    return found


# -- figures


def report(routed: Sequence[Routed], seed: int = 0, shuffles: int = SHUFFLES) -> dict[str, Any]:
    """Per part: `share_percent` [intent][layer][expert] of the picks, `load_percent` [layer][expert] of all, and the
    mutual information in bits per layer beside its mean and 95th percentile over shuffled intents."""
    intents = sorted({r.intent for r in routed})
    parts = {}
    for part in PARTS:
        used = [r for r in routed if r.picks[part].sum()]
        if used:
            parts[part] = _part(used, part, sorted({r.intent for r in used}), np.random.default_rng(seed), shuffles)
    return {"intents": {intent: sum(r.intent == intent for r in routed) for intent in intents}, "parts": parts}


def _part(routed: Sequence[Routed], part: str, intents: Sequence[str], rng: np.random.Generator,
          shuffles: int) -> dict[str, Any]:
    counts = np.stack([r.picks[part] for r in routed]).astype(float)  # [conversations, layers, experts]
    which = np.array([intents.index(r.intent) for r in routed])
    joint = _joint(counts, which, len(intents))
    chance = np.stack([mutual_information_bits(_joint(counts, rng.permutation(which), len(intents)))
                       for _ in range(shuffles)])
    load = counts.sum(0) / counts.sum((0, 2))[0]
    share = joint / joint.sum(-1, keepdims=True)
    bits, high = mutual_information_bits(joint), np.quantile(chance, 0.95, axis=0)
    return {"tokens_per_layer": int(counts.sum((0, 2))[0]), "intents": list(intents),
            "share_percent": {intent: _rounded(100 * share[:, i]) for i, intent in enumerate(intents)},
            "load_percent": _rounded(100 * load),
            "busiest_over_even": [round(float(v), 3) for v in load.max(1) * load.shape[1]],
            "information_bits": _rounded(bits, 5), "shuffled_mean_bits": _rounded(chance.mean(0), 5),
            "shuffled_95_bits": _rounded(high, 5),
            "layers_above_chance": int((bits > high + 1e-9).sum()), "layers": len(bits)}


def _joint(counts: np.ndarray, which: np.ndarray, intents: int) -> np.ndarray:
    """Picks as [layers, intents, experts]."""
    return np.einsum("ni,nle->lie", np.eye(intents)[which], counts)


def mutual_information_bits(joint: np.ndarray) -> np.ndarray:
    """Mutual information of the last two axes (intent, expert) of counts, in bits (Cover and Thomas 2006, eq. 2.28)."""
    p = joint / joint.sum((-2, -1), keepdims=True)
    apart = p.sum(-1, keepdims=True) * p.sum(-2, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(p > 0, p * np.log2(p / apart), 0.0)
    return terms.sum((-2, -1))


def _rounded(values: np.ndarray, digits: int = 2) -> list:
    return np.round(values, digits).tolist()


def print_report(found: Mapping[str, Any]) -> None:
    """One row per layer, for people, on stderr."""
    print_header(f"Routing: {found['n']} conversations ({found['questions']}, {found['questions_sha256']}), "
                 f"{found['model']}", found)
    for part, figures in found["parts"].items():
        table = Table(f"{part}: layer", "load of the experts, %", "busiest / even", "information, bits",
                      "shuffled, mean", "shuffled, 95 %", "experts apart, %")
        for layer in range(figures["layers"]):
            above = figures["information_bits"][layer] > figures["shuffled_95_bits"][layer]
            table.add_row(str(layer), "  ".join(f"{v:.0f}" for v in figures["load_percent"][layer]),
                          f"{figures['busiest_over_even'][layer]:.2f}", f"{figures['information_bits'][layer]:.4f}",
                          f"{figures['shuffled_mean_bits'][layer]:.4f}", f"{figures['shuffled_95_bits'][layer]:.4f}",
                          f"{found['experts_differ_percent'][layer]:.2f}", style="bold" if above else "")
        people.print(table)
        people.print(f"{part} tokens: intent tells of the expert above chance (95th percentile of {SHUFFLES} shuffles) "
                     f"in {figures['layers_above_chance']} of {figures['layers']} layers; mean "
                     f"{np.mean(figures['information_bits']):.4f} bits, shuffled "
                     f"{np.mean(figures['shuffled_mean_bits']):.4f}, most {max(figures['information_bits']):.4f}; "
                     f"busiest expert {max(figures['busiest_over_even']):.2f} times an even share at worst")
