"""What both trainings share: a falling learning rate, checkpoints that resume, weights that say what made them."""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn


def anneal(optimiser: torch.optim.Optimizer, peak: float, progress: float, last: float, warm: float = 1.0) -> None:
    """Learning rate on a cosine from `peak` to its share `last` as `progress` goes from 0 to 1, times `warm`."""
    share = last + (1 - last) * (1 + math.cos(math.pi * min(progress, 1.0))) / 2
    for group in optimiser.param_groups:
        group["lr"] = peak * warm * share


def save_checkpoint(path: Path, model: nn.Module, optimiser: torch.optim.Optimizer, spent: float, epoch: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    torch.save({"model": model.state_dict(), "optimiser": optimiser.state_dict(), "spent": spent, "epoch": epoch}, part)
    os.replace(part, path)


def resume(path: Path, model: nn.Module, optimiser: torch.optim.Optimizer) -> tuple[float, int]:
    """(seconds spent, epochs done) of the checkpoint, which model and optimiser then hold; zeros without one."""
    if not path.exists():
        return 0.0, 0
    kept = torch.load(path, weights_only=True)
    model.load_state_dict(kept["model"])
    optimiser.load_state_dict(kept["optimiser"])
    return kept["spent"], kept["epoch"]


def write_weights(path: Path, model: nn.Module, about: Mapping[str, Any]) -> None:
    """The module's state as safetensors, with `about` as JSON in its metadata; whole or not at all."""
    from safetensors.torch import save

    tensors = {key: value.contiguous() for key, value in model.state_dict().items()}
    part = path.with_suffix(".part")
    part.write_bytes(save(tensors, metadata={"about": json.dumps(about)}))
    os.replace(part, path)
