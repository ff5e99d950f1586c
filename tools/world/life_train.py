"""Fit the life rates to ageing runs: `python -m tools.world.life_train --data DIR --work DIR` (resumes)."""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import huber_loss

from tools.ageing import (
    LithiumLost,
    capacity_percent,
    film_growth_m,
    new_film_m,
    sei_growth_m2_per_s,
    worn,
)
from tools.parameters import OKANE2022, REFERENCE_K, parameter_values
from tools.world.constants import constants_of
from tools.world.life import NETWORKS, WEIGHTS, WIDTH, LifeRates
from tools.world.life_generate import INPUTS, LOST_PERCENT
from tools.world.training import anneal, resume, save_checkpoint, write_weights

HELD_OUT = 0.1  # of the runs, by run
GRID = 41
POTENTIAL_STRIDE = 4  # of the world model's table of open-circuit potentials
TARGET_WEIGHTS = (0.5, 0.5, 0.5, 2.0)
TARGET_SCALES = (0.05, 0.03, 0.1, 0.1)
CHECKPOINT_SECONDS = 30.0
PEAK = 5e-3  # learning rate


def constants() -> tuple[Tensor, ...]:
    """What LifeRates need not learn, read from PyBaMM's parameters and balances."""
    one = worn(OKANE2022, LithiumLost(1.0, 0.0))
    values = torch.tensor([new_film_m(), film_growth_m(OKANE2022, 1.0), float(sei_growth_m2_per_s(REFERENCE_K)),
                           parameter_values(OKANE2022)["SEI growth activation energy [J.mol-1]"],
                           one.added_resistance_ohm], dtype=torch.float64)
    grid = np.linspace(0, LOST_PERCENT, GRID)
    states = [worn(OKANE2022, LithiumLost(0.0, float(lost))) for lost in grid]
    capacity = [capacity_percent(OKANE2022, LithiumLost(0.0, float(lost))) for lost in grid]
    windows = [[getattr(s, name) for s in states] for name in ("x_0", "x_100", "y_0", "y_100")]
    world = constants_of(OKANE2022)
    potentials = [side.potential_v[::POTENTIAL_STRIDE] for side in (world.negative, world.positive)]
    return values, *(torch.tensor(np.array(table), dtype=torch.float32)
                     for table in ([grid, capacity], windows, potentials))


def load_rows(folder: Path) -> tuple[Tensor, Tensor]:
    """(training, held-out) rows (runs, rows, fields), split by run."""
    files = sorted(folder.glob("life-*-????.npz"))
    if not files:
        raise SystemExit(f"No ageing runs in {folder}: make them with python -m tools.world.life_generate.")
    runs = torch.from_numpy(np.concatenate([np.load(file)["rows"] for file in files]))
    order = torch.randperm(len(runs), generator=torch.Generator().manual_seed(0))
    held = max(1, int(len(runs) * HELD_OUT))
    return runs[order[held:]], runs[order[:held]].flatten(0, 1)


def train(data: Path, work: Path, minutes: float, seed: int, log=print) -> tuple[LifeRates, dict]:
    """Train for so many minutes of this process's time in all, resuming from `work`."""
    torch.manual_seed(seed)
    runs, held = load_rows(data)
    training = runs.flatten(0, 1)
    rates = LifeRates(*constants())
    inputs, outputs = training[:, :len(INPUTS)], training[:, len(INPUTS):]
    features = rates.features(inputs)
    rates.shift.copy_(features.mean(0))
    rates.spread.copy_(features.std(0).clamp(min=1e-3))
    wanted = rates.targets(inputs, outputs)
    optimiser = torch.optim.AdamW(rates.parameters(), lr=PEAK, weight_decay=3e-2)
    checkpoint = work / "life.pt"
    spent, epoch = resume(checkpoint, rates, optimiser)
    weights, scales = torch.tensor(TARGET_WEIGHTS), torch.tensor(TARGET_SCALES)
    # Each network sees its own sample of the runs, so that they differ where little is known.
    seen = torch.rand(NETWORKS, len(runs), generator=torch.Generator().manual_seed(seed)) < 0.85
    shares = seen.repeat_interleave(runs.shape[1], 1)
    budget, last, saved = minutes * 60, time.process_time(), time.monotonic()
    while spent < budget:
        for rows in torch.randperm(len(training), generator=torch.Generator().manual_seed(epoch)).split(512):
            anneal(optimiser, PEAK, spent / budget, 0.01)
            wrong = huber_loss(rates.raw(inputs[rows]) / scales, (wanted[rows] / scales).expand(NETWORKS, -1, -1),
                               reduction="none", delta=2.0)
            loss = (wrong * weights * shares[:, rows, None]).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            now = time.process_time()
            spent, last = spent + now - last, now
        epoch += 1
        if time.monotonic() - saved > CHECKPOINT_SECONDS or spent >= budget:
            saved = time.monotonic()
            save_checkpoint(checkpoint, rates, optimiser, spent, epoch)
            log(json.dumps({"epoch": epoch, "cpu_minutes": round(spent / 60, 2)} | errors_of(rates, held)))
    return rates, {"kind": "life rates", "parameterisation": OKANE2022.name, "width": WIDTH, "epochs": epoch,
                   "rows": len(training), "seed": seed, "held_out": errors_of(rates, held),
                   "version": "life rates OKane2022 1"}


@torch.no_grad()
def errors_of(rates: LifeRates, rows: Tensor) -> dict[str, float]:
    """Errors on runs not trained on: of time and SEI speed in percent, of plating in percent of what was plated."""
    inputs, (hours, speed, warmer_c, plated) = rows[:, :len(INPUTS)], rows[:, len(INPUTS):].unbind(1)
    found = rates(inputs)
    much = plated > 0.01
    return {"hours_mae_percent": round(100 * float((found[0] / hours - 1).abs().mean()), 2),
            "sei_mae_percent": round(100 * float((found[1] / speed - 1).abs().mean()), 2),
            "warmer_mae_c": round(float((found[2] - warmer_c).abs().mean()), 3),
            "plating_error_percent": round(100 * float((found[3] - plated)[much].abs().sum() / plated[much].sum()), 2),
            "plating_median_error_percent": round(100 * float((found[3] / plated - 1)[much].abs().median()), 2),
            "plating_where_none_percent": round(float(found[3][plated == 0].mean()), 6)}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="checkpoint")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--minutes", type=float, default=4.0, help="of processor time")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    rates, about = train(given.data, given.work, given.minutes, given.seed, lambda line: print(line, flush=True))
    write_weights(given.out, rates, about)


if __name__ == "__main__":
    main()
