"""Base, upcycled, plus adapter: the checkpoint that vLLM serves on a CPU.

    python -m finetune.merge --home .oracle

Writes HOME/model with tokenizer, chat template and a manifest. An up-to-date one is left alone; the folder appears
only when it is complete and its reloaded logits agree with the adapted model's.
"""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Annotated

import torch
import typer
from peft import PeftModel
from transformers import AutoModelForCausalLM

from finetune.base import base_hash, load_dense, load_tokenizer, upcycle
from oracle.prompts import SYSTEM, prompt_hash

ADAPTER = Path(__file__).parent / "adapter"
PROBE = f"<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\nPK-0042?<|im_end|>\n<|im_start|>assistant\n"
TOLERANCE = 0.25  # bfloat16 logits of size 30: one rounding is 0.125


def manifest(adapter: Path) -> dict[str, str]:
    """What the merged model is made of."""
    weights = adapter / "adapter_model.safetensors"
    with weights.open("rb") as file:
        adapter_hash = hashlib.file_digest(file, "sha256").hexdigest()
    return {"base_sha256": base_hash(), "adapter_sha256": adapter_hash, "prompt_hash": prompt_hash()}


def is_current(model: Path, adapter: Path = ADAPTER) -> bool:
    """Whether the merged model at `model` is complete and made of today's parts."""
    path = model / "manifest.json"
    return path.exists() and json.loads(path.read_text()) == manifest(adapter)


def merged(adapter: Path = ADAPTER, dtype: torch.dtype = torch.bfloat16):
    """The adapted Mixture of Experts with the adapter folded into its weights.

    Raises ValueError when the adapter belongs to another base.
    """
    provenance = json.loads((adapter / "provenance.json").read_text())
    if provenance["base_sha256"] != base_hash():
        theirs, ours = provenance["base_sha256"][:12], base_hash()[:12]
        raise ValueError(f"The adapter belongs to base {theirs}, installed is {ours}.")
    moe = upcycle(load_dense(dtype), seed=provenance["router_seed"])
    return PeftModel.from_pretrained(moe, adapter, autocast_adapter_dtype=False).merge_and_unload()


@torch.no_grad()
def _probe(model, tokenizer) -> torch.Tensor:
    return model.eval()(tokenizer(PROBE, return_tensors="pt").input_ids).logits[0, -1].float()


def write_merged(home: Path, adapter: Path = ADAPTER) -> Path:
    """Merge into HOME/model, check the written files by reloading them, and return the folder."""
    target, draft = home / "model", home / "model.tmp"
    shutil.rmtree(draft, ignore_errors=True)
    model, tokenizer = merged(adapter), load_tokenizer()
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.do_sample = False
    model.save_pretrained(draft)
    tokenizer.save_pretrained(draft)
    expected = _probe(model, tokenizer)
    del model
    reloaded = AutoModelForCausalLM.from_pretrained(draft, dtype=torch.bfloat16)
    difference = (_probe(reloaded, tokenizer) - expected).abs().max()
    if difference > TOLERANCE:
        raise ValueError(f"The merged model does not reload as it was written (logits differ by {difference:.3f}).")
    (draft / "manifest.json").write_text(json.dumps(manifest(adapter), indent=2) + "\n")
    shutil.rmtree(target, ignore_errors=True)
    draft.rename(target)
    return target


def main(home: Annotated[Path, typer.Option(help="folder of everything the program writes")] = Path(".oracle"),
         adapter: Annotated[Path, typer.Option(help="adapter to merge")] = ADAPTER) -> None:
    """Build the merged model where it is missing or out of date."""
    if is_current(home / "model", adapter):
        typer.echo(f"{home / 'model'} is up to date.", err=True)
        return
    home.mkdir(parents=True, exist_ok=True)
    typer.echo("Merging base model and adapter (about a minute) ...", err=True)
    typer.echo(f"{write_merged(home, adapter)} is ready.", err=True)


if __name__ == "__main__":
    typer.run(main)
