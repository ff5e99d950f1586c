"""Choices of the training compared: the same samples in the same order, judged on phrasings that never train.

    python -m finetune.compare --samples 1200

The prompt's rendering of the tools is one of the choices: what it costs in tokens, and whether it helps.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import torch
import typer

from finetune.base import EXPERTS, EXPERTS_PER_TOKEN, load_tokenizer
from finetune.dataset import call_samples, data_hash, held_out_samples, wire_tools
from finetune.devices import Devices
from finetune.moe import adapters
from finetune.packing import TOKENS_PER_PACK
from finetune.train import Plan, Run
from oracle.prompts import SYSTEM


@dataclass(frozen=True)
class Choice:
    """One way to train: LoRA rank, the share of samples that trains the mixture, its experts and how many work, the prompt."""

    rank: int = 16
    moe_share: float = 0.0
    experts: int = EXPERTS
    top_k: int = EXPERTS_PER_TOKEN
    rendering: str = "signatures"


CHOICES = {
    "dense, rank 4": Choice(4), "dense, rank 16": Choice(16), "dense, rank 64": Choice(64),
    "dense, then mixture 4 top 2": Choice(moe_share=0.25), "mixture 4 top 2 from the start": Choice(moe_share=1.0),
    "mixture 4 top 1 from the start": Choice(moe_share=1.0, top_k=1),
    "mixture 8 top 2 from the start": Choice(moe_share=1.0, experts=8),
    "dense, tools by name alone": Choice(rendering="names"), "dense, tools as JSON": Choice(rendering="JSON"),
}

RENDERINGS = {  # how the prompt tells of a tool
    "signatures": lambda tool: f"{tool['name']}({', '.join(tool['parameters']['properties'])})",  # what is served
    "names": lambda tool: tool["name"],
    "JSON": json.dumps,
}


def prefix(rendering: str) -> tuple[int, ...]:
    """Tokens of system prompt and tools in front of every conversation, the tools rendered so."""
    tools = "".join(f"\n{RENDERINGS[rendering](tool['function'])}" for tool in wire_tools())
    return tuple(load_tokenizer()(f"<|im_start|>system\n{SYSTEM}\nTools:{tools}<|im_end|>\n").input_ids)


def measure(choice: Choice, samples: int, learning_rate: float, seed: int, data: list) -> dict[str, float]:
    """Train as chosen from the untuned base on the first `samples` of `data`; the held-out figures and what it took."""
    torch.manual_seed(seed)
    plan = Plan(samples, choice.moe_share, choice.rank, learning_rate, TOKENS_PER_PACK, 0.01, seed,
                experts=choice.experts, top_k=choice.top_k)
    with TemporaryDirectory() as work:
        run = Run(plan, Path(work), Devices(), prefix=prefix(choice.rendering))
        run.train(data)
        learnt = sum(p.numel() for p in adapters(run.student).values())
        return run.judge(held_out_samples(seed)) | {"learnt_numbers": learnt, "prompt_tokens": len(run.prefix)}


def main(
    samples: Annotated[int, typer.Option(help="samples that each choice trains on")] = 1200,
    only: Annotated[str, typer.Option(help="one of the choices by its name; empty: all")] = "",
    learning_rate: float = 1.5e-3,
    seed: int = 0,
) -> None:
    """Train every choice on the same samples and print its held-out figures, a JSON line each."""
    if only and only not in CHOICES:
        raise SystemExit(f"--only {only!r} is none of: {'; '.join(CHOICES)}.")
    data = call_samples(1, seed)
    for name in [only] if only else CHOICES:
        figures = measure(CHOICES[name], samples, learning_rate, seed, data)
        print(json.dumps({"choice": name, "samples": samples, "data": data_hash(data)} | figures), flush=True)


if __name__ == "__main__":
    typer.run(main)
