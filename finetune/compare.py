"""Choices of the training compared: the same samples in the same order, judged on phrasings that never train.

    python -m finetune.compare --samples 1200

The prompt's rendering of the tools and the writing of a call are among the choices. Where what is written differs,
compare `held_out_nats_per_answer` (minus the log probability of the whole right answer), not the loss per token.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import torch
import typer

from finetune.base import EXPERTS, EXPERTS_PER_TOKEN, load_tokenizer
from finetune.dataset import call_samples, data_hash, first_answer, held_out_samples, wire_tools
from finetune.devices import Devices
from finetune.moe import adapters
from finetune.packing import TOKENS_PER_PACK
from finetune.phrasings import Turn
from finetune.train import Plan, Run
from oracle.prompts import SYSTEM, call_text


@dataclass(frozen=True)
class Choice:
    """One way to train: LoRA rank, share of the samples for the mixture, experts and how many work, prompt, call."""

    rank: int = 16
    moe_share: float = 0.0
    experts: int = EXPERTS
    top_k: int = EXPERTS_PER_TOKEN
    rendering: str = "signatures"
    writing: str = "schema order"


CHOICES = {
    "dense, rank 4": Choice(4), "dense, rank 16": Choice(16), "dense, rank 64": Choice(64),
    "dense, then mixture 4 top 2": Choice(moe_share=0.25), "mixture 4 top 2 from the start": Choice(moe_share=1.0),
    "mixture 4 top 1 from the start": Choice(moe_share=1.0, top_k=1),
    "mixture 8 top 2 from the start": Choice(moe_share=1.0, experts=8),
    "dense, tools by name alone": Choice(rendering="names"), "dense, tools as JSON": Choice(rendering="JSON"),
    "dense, arguments as said": Choice(writing="as said"), "dense, scratchpad": Choice(writing="scratchpad"),
}

RENDERINGS = {  # how the prompt tells of a tool
    "signatures": lambda tool: f"{tool['name']}({', '.join(tool['parameters']['properties'])})",  # what is served
    "names": lambda tool: tool["name"],
    "JSON": json.dumps,
}


def as_said(item: Turn) -> str:
    """The first answer, the arguments of a call in the order in which the conversation has them."""
    return call_text(_in_order_said(item)) if item.calls else item.reply


def after_scratchpad(item: Turn) -> str:
    """The first answer, a call after a line of the words that it will use, in the order in which they were said."""
    words = dict.fromkeys(str(value) for call in _in_order_said(item) for value in call["arguments"].values())
    return "; ".join(words) + f"\n{first_answer(item)}" if words else first_answer(item)


def _in_order_said(item: Turn) -> list[dict[str, Any]]:
    text = "\n".join(message["content"] for message in item.messages).casefold()

    def place(argument: tuple[str, Any]) -> int:
        found = text.rfind(str(argument[1]).casefold())
        return found if found >= 0 else len(text)

    return [call | {"arguments": dict(sorted(call["arguments"].items(), key=place))} for call in item.calls]


WRITINGS = {"schema order": first_answer, "as said": as_said, "scratchpad": after_scratchpad}


def prefix(rendering: str) -> tuple[int, ...]:
    """Tokens of system prompt and tools in front of every conversation, the tools rendered so."""
    tools = "".join(f"\n{RENDERINGS[rendering](tool['function'])}" for tool in wire_tools())
    return tuple(load_tokenizer()(f"<|im_start|>system\n{SYSTEM}\nTools:{tools}<|im_end|>\n").input_ids)


def measure(choice: Choice, samples: int, learning_rate: float, seed: int, data: list,
            held_out: list) -> dict[str, Any]:
    """Train as chosen from the untuned base on the first `samples` of `data`; the held-out figures and what it took."""
    torch.manual_seed(seed)
    plan = Plan(samples, choice.moe_share, choice.rank, learning_rate, TOKENS_PER_PACK, 0.01, seed,
                experts=choice.experts, top_k=choice.top_k)
    with TemporaryDirectory() as work:
        run = Run(plan, Path(work), Devices(), prefix=prefix(choice.rendering))
        run.train(data)
        learnt = sum(p.numel() for p in adapters(run.student).values())
        return run.judge(held_out) | {"data": data_hash(data), "learnt_numbers": learnt,
                                      "prompt_tokens": len(run.prefix)}


def main(
    samples: Annotated[int, typer.Option(help="samples that each choice trains on")] = 1200,
    only: Annotated[list[str], typer.Option(help="one of the choices by its name, may be given again; else all")] = (),
    learning_rate: float = 1.5e-3,
    seed: int = 0,
) -> None:
    """Train every choice on the same samples and print its held-out figures, a JSON line each."""
    if unknown := [name for name in only if name not in CHOICES]:
        raise SystemExit(f"--only {unknown[0]!r} is none of: {'; '.join(CHOICES)}.")

    @cache
    def filled(writing: str) -> tuple[list, list]:
        written = WRITINGS[writing]
        return call_samples(1, seed, written=written), held_out_samples(seed, written=written)

    for name in only or CHOICES:
        choice = CHOICES[name]
        figures = measure(choice, samples, learning_rate, seed, *filled(choice.writing))
        print(json.dumps({"choice": name, "samples": samples} | figures), flush=True)


if __name__ == "__main__":
    typer.run(main)
