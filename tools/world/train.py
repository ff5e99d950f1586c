"""Fit the world model to runs of the DFN: `python -m tools.world.train --data DIR --only NAME --work DIR` (resumes)."""

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tools.parameters import KELVIN, PARAMETERISATIONS
from tools.world.constants import constants_of
from tools.world.generate import FIXED, MAX_C_RATES, SERIES
from tools.world.model import WIDTH, CellWorld
from tools.world.training import anneal, resume, save_checkpoint, write_weights

HELD_OUT = 0.08  # of the runs, by run
VOLTAGE_SCALE_V, ANODE_SCALE_V, TEMPERATURE_SCALE_K = 0.002, 0.002, 0.2
OUTLIER = 4.0  # in those scales
CHECKPOINT_SECONDS = 60.0


@dataclass(frozen=True)
class Runs:
    """N runs of S steps: `fixed` (N, 4) as in FIXED, `series` (S, N, 5) as in SERIES."""

    fixed: Tensor
    series: Tensor

    def __len__(self) -> int:
        return len(self.fixed)

    def take(self, rows: Tensor) -> "Runs":
        return Runs(self.fixed[rows], self.series[:, rows])


def load_runs(folder: Path, name: str) -> tuple[Runs, Runs]:
    """(training, held-out) runs of one parameterisation; the last share of the shards' runs is held out."""
    files = sorted(folder.glob(f"{name}-*-????.npz"))
    if not files:
        raise SystemExit(f"No runs of {name} in {folder}: make them with python -m tools.world.generate.")
    loaded = [np.load(file) for file in files]
    fixed = np.concatenate([np.stack([f[key] for key in FIXED], 1) for f in loaded])
    series = np.concatenate([np.stack([f[key] for key in SERIES], 2) for f in loaded])
    runs = Runs(torch.from_numpy(fixed), torch.from_numpy(series).transpose(0, 1).contiguous())
    held = max(1, int(len(runs) * HELD_OUT))
    order = torch.randperm(len(runs), generator=torch.Generator().manual_seed(0))
    return runs.take(order[held:]), runs.take(order[:held])


def rollout(world: CellWorld, runs: Runs) -> tuple[Tensor, Tensor, Tensor]:
    """Voltage, temperature (degC) and anode potential (S, B) of every step, each from the model's own last state."""
    soh, soc, ambient, start = runs.fixed.unbind(1)
    state = world.rested(soc, ambient, soh, start)
    found = []
    for row in runs.series:
        state, voltage, anode = world.step(state, row[:, 1], row[:, 0])
        found.append(torch.stack([voltage, state.kelvin - KELVIN, anode]))
    return torch.stack(found, 1).unbind(0)


def loss_of(world: CellWorld, runs: Runs) -> Tensor:
    voltage, temperature, anode = rollout(world, runs)
    _, _, true_v, true_c, true_anode = runs.series.unbind(2)
    return (_robust((voltage - true_v) / VOLTAGE_SCALE_V) + _robust((anode - true_anode) / ANODE_SCALE_V)
            + 0.5 * _robust((temperature - true_c) / TEMPERATURE_SCALE_K))


def _robust(errors: Tensor) -> Tensor:
    """Cauchy's loss: squares near zero, a logarithm far out, so that the few moments in which an electrode runs empty
    and its potential leaps by half a volt do not rule the rest."""
    return (OUTLIER**2 / 2 * torch.log1p((errors / OUTLIER) ** 2)).mean()


@torch.no_grad()
def errors_of(world: CellWorld, runs: Runs) -> dict[str, float]:
    """Mean absolute errors and the error of each run's lowest anode potential."""
    voltage, temperature, anode = rollout(world, runs)
    _, _, true_v, true_c, true_anode = runs.series.unbind(2)
    lowest = (anode.min(0).values - true_anode.min(0).values).abs()
    return {"voltage_mae_mv": 1e3 * float((voltage - true_v).abs().mean()),
            "anode_mae_mv": 1e3 * float((anode - true_anode).abs().mean()),
            "temperature_mae_k": float((temperature - true_c).abs().mean()),
            "lowest_anode_mae_mv": 1e3 * float(lowest.mean()),
            "lowest_anode_p95_mv": 1e3 * float(lowest.quantile(0.95))}


@torch.no_grad()
def margin_of(world: CellWorld, runs: Runs) -> dict[str, float]:
    """99 % quantile of the error on the unsafe side while charging near a limit: anode too high, voltage and
    temperature too low; infinite where no held-out run comes near one, so that nothing is built on it."""
    voltage, temperature, anode = rollout(world, runs)
    _, c_rate, true_v, true_c, true_anode = runs.series.unbind(2)
    charging = (c_rate > 0.05) & (true_anode < 0.06) & (true_anode > -0.03)

    def quantile(errors: Tensor) -> float:
        return max(float(errors[charging].quantile(0.99)), 0.0) if charging.any() else float("inf")

    return {"anode_v": round(quantile(anode - true_anode), 5), "voltage_v": round(quantile(true_v - voltage), 5),
            "temperature_c": round(quantile(true_c - temperature), 3)}


def train(name: str, data: Path, work: Path, minutes: float, batch: int, peak: float, width: int, seed: int,
          log=print) -> tuple[CellWorld, dict]:
    """Train for so many minutes of this process's time in all, resuming from `work`."""
    torch.manual_seed(seed)
    training, held = load_runs(data, name)
    world = CellWorld.of(constants_of(next(p for p in PARAMETERISATIONS if p.name == name)), width)
    optimiser = torch.optim.AdamW(world.parameters(), lr=peak, weight_decay=1e-4)
    checkpoint = work / f"{name}.pt"
    spent, epoch = resume(checkpoint, world, optimiser)
    budget, last, saved = minutes * 60, time.monotonic(), time.monotonic()
    while spent < budget:
        order = torch.randperm(len(training), generator=torch.Generator().manual_seed(seed + epoch))
        total = 0.0
        batches = order.split(batch)
        for rows in batches:
            anneal(optimiser, peak, spent / budget, 0.02, warm=min(1.0, (epoch + 1) / 3))
            loss = loss_of(world, training.take(rows))
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(world.parameters(), 1.0)
            optimiser.step()
            total += float(loss.detach())
            now = time.monotonic()
            spent, last = spent + now - last, now
        epoch += 1
        if time.monotonic() - saved > CHECKPOINT_SECONDS or spent >= budget:
            saved = time.monotonic()
            save_checkpoint(checkpoint, world, optimiser, spent, epoch)
            log(json.dumps({"name": name, "epoch": epoch, "minutes": round(spent / 60, 1),
                            "loss": round(total / len(batches), 3)}
                           | {key: round(value, 3) for key, value in errors_of(world, held).items()}))
    about = {"width": width, "max_c_rate": MAX_C_RATES[name], "margin": margin_of(world, held),
             "held_out": {key: round(value, 4) for key, value in errors_of(world, held).items()},
             "runs": len(training) + len(held), "epochs": epoch, "seed": seed, "version": f"world model {name} 1"}
    return world, about


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="checkpoints")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "weights")
    parser.add_argument("--only", nargs="*", default=[p.name for p in PARAMETERISATIONS])
    parser.add_argument("--minutes", type=float, default=30.0, help="for each parameterisation")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=4e-3)
    parser.add_argument("--width", type=int, default=WIDTH)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    for name in given.only:
        world, about = train(name, given.data, given.work, given.minutes, given.batch, given.learning_rate, given.width,
                      given.seed, lambda line: print(line, flush=True))
        write_weights(given.out / f"{name}.safetensors", world, about)


if __name__ == "__main__":
    main()
