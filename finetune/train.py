"""LoRA fine-tuning in two phases: the dense base first (every expert at once), then the experts and the router apart.

    python -m finetune.train --samples 30000

The dense phase trains one adapter; each expert then starts from it, so the mixture begins where the dense model
ended and every token of the first phase has taught all experts. Checkpoints are written as it goes; the same
command continues an interrupted run, and `--start finetune/adapter` goes on from a finished adapter. On several
devices: `accelerate launch -m finetune.train` (finetune/devices.py).
"""

import hashlib
import json
import math
import os
import time
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated

import torch
import typer
from safetensors.torch import load_file
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from finetune import moe
from finetune.base import EXPERTS, EXPERTS_PER_TOKEN, load_tokenizer
from finetune.dataset import data_hash, held_out_samples, prefix_ids, training_samples
from finetune.devices import Devices
from finetune.packing import ATTENTION, TOKENS_PER_PACK, epoch, predictions

CHECKPOINT_SECONDS = 180
CLIP_NORM = 1.0
WEIGHTS = "adapter_model.safetensors"


@dataclass(frozen=True)
class Plan:
    """A run: how many samples in all, which share of them trains the mixture, and the optimiser's numbers."""

    samples: int
    moe_share: float
    rank: int
    learning_rate: float
    tokens_per_pack: int
    balance_weight: float
    seed: int
    start: str = ""  # first digits of the SHA-256 of the adapter it goes on from
    packs_per_step: int = 0  # over all processes; 0: one each
    weights: str = ""  # NAME=TIMES,...: files of phrasings that are filled more or less often
    experts: int = EXPERTS
    top_k: int = EXPERTS_PER_TOKEN
    fillings: int = 0  # of every phrasing; 0: not recorded

    @property
    def dense_samples(self) -> int:
        return round(self.samples * (1 - self.moe_share))

    def rate(self, done: int) -> float:
        """Learning rate after `done` samples: linear warm-up over 2 %, then a cosine down to 5 %."""
        share = min(done / self.samples, 1.0)
        return self.learning_rate * min(share / 0.02, 1.0, 0.05 + 0.95 * (1 + math.cos(math.pi * share)) / 2)


class MasterAdamW:
    """AdamW on float32 copies of bfloat16 parameters: small steps are not lost in rounding."""

    def __init__(self, parameters: list[torch.nn.Parameter]):
        self.parameters = parameters
        self.masters = [p.detach().float().clone() for p in parameters]
        self.adam = torch.optim.AdamW(self.masters, betas=(0.9, 0.98), weight_decay=0.01)

    def step(self, rate: float, devices: Devices) -> None:
        """One step from the parameters' gradients, summed over the processes; clears them."""
        for parameter, master in zip(self.parameters, self.masters, strict=True):
            master.grad = None if parameter.grad is None else parameter.grad.float()
            if master.grad is None and devices.count > 1:  # an expert that no token of this process chose
                master.grad = torch.zeros_like(master)
            parameter.grad = None
        devices.sum([master.grad for master in self.masters if master.grad is not None])
        torch.nn.utils.clip_grad_norm_(self.masters, CLIP_NORM)
        for group in self.adam.param_groups:
            group["lr"] = rate
        self.adam.step()
        with torch.no_grad():
            for parameter, master in zip(self.parameters, self.masters, strict=True):
                parameter.copy_(master)

    def state(self) -> dict:
        return {"masters": self.masters, "adam": self.adam.state_dict()}

    def load(self, state: dict) -> None:
        with torch.no_grad():
            for mine, theirs in zip(self.masters, state["masters"], strict=True):
                mine.copy_(theirs)
            for parameter, master in zip(self.parameters, self.masters, strict=True):
                parameter.copy_(master)
        self.adam.load_state_dict(state["adam"])


def pad_token() -> int:
    """The tokenizer's id of padding."""
    return load_tokenizer().pad_token_id


class Run:
    """One training run and its checkpoint file."""

    def __init__(self, plan: Plan, folder: Path, devices: Devices, start: Path | None = None,
                 prefix: tuple[int, ...] = ()):
        self.plan, self.folder, self.devices = plan, folder, devices
        self.prefix = prefix or prefix_ids()
        self.dtype = torch.bfloat16
        self.phase, self.done, self.losses, self.history = "dense", 0, [], []
        self.pad_id = pad_token()
        saved = self._load()
        self._enter(saved["phase"] if saved else "dense")
        if start and not saved:
            self._go_on_from(start)
        if saved:
            self.optimizer.load(saved["optimizer"])
            self.done, self.losses, self.history = saved["done"], saved["losses"], saved["history"]

    @property
    def checkpoint(self) -> Path:
        return self.folder / "checkpoint.pt"

    def _load(self) -> dict | None:
        if not self.checkpoint.exists():
            return None
        saved = torch.load(self.checkpoint, weights_only=True, map_location="cpu")
        if saved["plan"]["rank"] != self.plan.rank:
            rank = saved["plan"]["rank"]
            raise SystemExit(f"{self.checkpoint} has rank {rank}: name another --work folder or that rank.")
        return saved

    def save(self) -> None:
        if not self.devices.is_main:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        state = {"plan": asdict(self.plan), "phase": self.phase, "done": self.done, "losses": self.losses,
                 "history": self.history, "optimizer": self.optimizer.state()}
        torch.save(state, self.checkpoint.with_suffix(".tmp"))
        os.replace(self.checkpoint.with_suffix(".tmp"), self.checkpoint)

    def _enter(self, phase: str) -> None:
        learnt = moe.adapters(self.student) if phase == "moe" and hasattr(self, "student") else {}
        if phase == "dense":
            self.student = moe.dense_student(self.plan.rank, self.dtype)
        else:
            plan = self.plan
            self.student = moe.moe_student(plan.rank, self.dtype, plan.seed, plan.experts, plan.top_k)
            moe.split_into_experts(learnt, self.student)
        self.phase = phase
        self.model = self.student.get_base_model()
        self.devices.place(self.student.train(), self.model.model.layers)
        self.model.set_attn_implementation(ATTENTION)
        self.optimizer = MasterAdamW(list(moe.adapters(self.student).values()))

    def _go_on_from(self, adapter: Path) -> None:
        """Begin the dense phase where a finished adapter is, its experts averaged."""
        finished = load_file(adapter / WEIGHTS)
        if (rank := moe.rank_of(finished)) > self.plan.rank:
            raise SystemExit(f"{adapter} has rank {rank}, more than --rank {self.plan.rank}: name {rank} or more.")
        moe.go_on_from(moe.averaged(finished), self.student)
        self.optimizer = MasterAdamW(list(moe.adapters(self.student).values()))

    def train(self, samples: list) -> None:
        """All samples of the plan, the dense phase and then the mixture, with progress and checkpoints."""
        self.history.append({"from_sample": self.done, "data": data_hash(samples), "plan": asdict(self.plan)})
        last = time.monotonic()
        with tqdm(total=self.plan.samples, initial=self.done, unit="sample", desc="train",
                  disable=not self.devices.is_main) as bar:
            for packs in self._steps(samples):
                if self.phase == "dense" and self.done >= self.plan.dense_samples:
                    self.save()
                    self._enter("moe")
                self._learn(packs)
                bar.update(sum(pack.samples for pack in packs))
                bar.set_postfix(phase=self.phase, loss=f"{sum(self.losses[-50:]) / len(self.losses[-50:]):.3f}")
                if time.monotonic() - last > CHECKPOINT_SECONDS:
                    self.save()
                    last = time.monotonic()
        self.save()

    def _steps(self, samples: list):
        """The packs of each step, of as many epochs as the plan needs; a continued run shuffles anew."""
        seed = self.plan.seed + self.done
        while True:
            packs = epoch(self.prefix, samples, self.plan.tokens_per_pack, self.pad_id, seed)
            while step := list(islice(packs, self.plan.packs_per_step or self.devices.count)):
                if self.done >= self.plan.samples:
                    return
                yield step
            seed += 1

    def _learn(self, packs: list) -> None:
        """One step: the mean loss over the learnt tokens of all its packs, whichever process computes them."""
        learnt, told = sum(len(pack.learn) for pack in packs), torch.zeros(1, device=self.devices.device)
        for pack, counts in self.devices.share(packs):
            logits, targets = predictions(self.model, pack.to(self.devices.device))
            loss = cross_entropy(logits, targets) * (counts * len(pack.learn) / learnt)
            total = loss
            if self.phase == "moe":
                total = loss + self.plan.balance_weight * counts / len(packs) * moe.balance_loss(self.model)
            total.backward()
            told += loss.detach()
        self.devices.sum([told])
        self.optimizer.step(self.plan.rate(self.done), self.devices)
        self.done += sum(pack.samples for pack in packs)
        self.losses.append(round(told.item(), 4))

    @torch.no_grad()
    def judge(self, samples: list) -> dict[str, float]:
        """Held-out loss, the share of samples whose every token is the model's first choice, and how improbable the
        right answer as a whole is: the mean of minus its log probability."""
        self.student.eval()
        losses, nats, right, rows = [], 0.0, 0, 0
        for pack in epoch(self.prefix, samples, self.plan.tokens_per_pack, self.pad_id, 0):
            pack = pack.to(self.devices.device)
            logits, targets = predictions(self.model, pack)
            losses.append(cross_entropy(logits, targets).item())
            nats += losses[-1] * len(targets)
            row = (pack.learn - pack.prefix) // ((pack.tokens.shape[1] - pack.prefix) // pack.rows)
            wrong = row[logits.argmax(-1) != targets].unique()
            right, rows = right + pack.samples - len(wrong), rows + pack.samples
        self.student.train()
        loss = sum(losses) / len(losses)
        return {"held_out_loss": round(loss, 4), "held_out_all_tokens_right": round(right / rows, 4),
                "held_out_nats_per_answer": round(nats / rows, 3)}


def _weights(text: str) -> dict[str, float]:
    try:
        return {name: float(times) for name, times in (part.split("=") for part in text.split(",") if part)}
    except ValueError:
        raise SystemExit(f"--weights {text!r} is not NAME=TIMES,..., as in --weights starter=0.5,answers=1.") from None


def _plan_large(base: str, dry_run: bool, numbers: tuple[int, ...]) -> None:
    from finetune.large import PUBLISHED, plan

    if not base or not dry_run:
        raise SystemExit(f"--base NAME and --dry-run go together, as in --base {next(iter(PUBLISHED))} --dry-run: "
                         "training itself is for the small base.")
    try:
        print(plan(base, *numbers))
    except ValueError as error:
        raise SystemExit(str(error)) from None


def main(
    samples: Annotated[int, typer.Option(help="samples to train on, fillings counted one by one")] = 30_000,
    moe_share: Annotated[float, typer.Option(help="share of the samples that trains the mixture")] = 0.25,
    rank: Annotated[int, typer.Option(help="LoRA rank; at least that of --start")] = 24,
    learning_rate: float = 1.5e-3,
    tokens_per_pack: int = TOKENS_PER_PACK,
    balance_weight: float = 0.01,
    fillings: Annotated[int, typer.Option(help="fillings of every phrasing")] = 12,
    seed: int = 0,
    work: Annotated[Path, typer.Option(help="folder of checkpoints")] = Path(".oracle/train"),
    out: Annotated[Path, typer.Option(help="folder of the finished adapter")] = Path("finetune/adapter"),
    results: Annotated[Path, typer.Option(help="from python -m finetune.runs")] = Path(".oracle/runs.jsonl"),
    start: Annotated[Path | None, typer.Option(help="folder of a finished adapter to go on from")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, ...; empty: what there is")] = "",
    packs_per_step: Annotated[int, typer.Option(help="packs of one step, over all processes; 0: one each")] = 0,
    weights: Annotated[str, typer.Option(help="NAME=TIMES,...: files of finetune/phrasings filled more or less often, "
                                              "and answers")] = "",
    base: Annotated[str, typer.Option(help="a large Mixture of Experts by name, with --dry-run")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what a run on --base would be")] = False,
    devices_planned: Annotated[int, typer.Option("--devices", help="devices that --dry-run reckons with")] = 8,
) -> None:
    """Train the adapter and write it with its model card."""
    if base or dry_run:
        return _plan_large(base, dry_run, (rank, devices_planned, samples, tokens_per_pack, packs_per_step))
    from finetune.export import write_adapter

    from_adapter = hashlib.sha256((start / WEIGHTS).read_bytes()).hexdigest()[:12] if start else ""
    plan = Plan(samples, moe_share, rank, learning_rate, tokens_per_pack, balance_weight, seed, from_adapter,
                packs_per_step, weights, fillings=fillings)
    devices = Devices(device)
    torch.manual_seed(seed)
    try:
        data = training_samples(fillings, seed, results, _weights(weights))
    except ValueError as error:
        raise SystemExit(str(error)) from None
    run = Run(plan, work, devices, start)
    started = time.monotonic()
    try:
        run.train(data)
    except KeyboardInterrupt:
        run.save()
        raise SystemExit(f"Stopped after {run.done} samples; the same command goes on from {run.checkpoint}.") from None
    minutes = round((time.monotonic() - started) / 60, 1)
    figures = run.judge(held_out_samples(seed)) | {"samples_seen": run.done, "minutes_of_last_start": minutes}
    if devices.is_main:
        write_adapter(run, out, figures)
        print(json.dumps(figures))
    devices.meet()
    devices.part()


if __name__ == "__main__":
    typer.run(main)
