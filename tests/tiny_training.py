"""A training run on a tiny random Llama, for the test of several processes: prints its losses and adapters' sum.

    python tiny_training.py FOLDER                                # one process
    torchrun --nproc_per_node 2 tiny_training.py FOLDER [sharded] # two
"""

import json
import random
import sys
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from finetune import moe, train
from finetune.devices import Devices
from finetune.packing import Sample

torch.set_num_threads(1)


def tiny(dtype: torch.dtype) -> LlamaForCausalLM:
    """Two layers of the base's build; the same weights in every process."""
    torch.manual_seed(5)
    return LlamaForCausalLM(LlamaConfig(
        vocab_size=256, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, pad_token_id=0)).to(dtype)


def main(folder: str, sharded: bool) -> None:
    moe.load_dense = tiny
    train.prefix_ids = lambda: tuple(range(1, 9))
    train.pad_token = lambda: 0
    devices = Devices("cpu", sharded)
    plan = train.Plan(samples=40, moe_share=0.5, rank=2, learning_rate=1e-2, tokens_per_pack=192, balance_weight=0.01,
                      seed=0, packs_per_step=2)
    rng = random.Random(1)
    samples = [Sample(tuple(rng.randrange(9, 256) for _ in range(n)), (False, *[True] * (n - 1)))
               for n in rng.choices(range(20, 60), k=15)]
    torch.manual_seed(0)
    run = train.Run(plan, Path(folder), devices)
    run.train(samples)
    figures = {"losses": run.losses, "phase": run.phase, "done": run.done, "sharded": run.devices.is_sharded,
               "processes": devices.count, "judged": run.judge(samples)["held_out_loss"],
               "adapters": {name: p.float().norm().item() for name, p in moe.adapters(run.student).items()}}
    if devices.is_main:
        print(json.dumps(figures))
    devices.meet()
    devices.part()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:] == ["sharded"])
