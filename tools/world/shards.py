"""Runs to learn from, shard by shard: in parallel, with progress, resumed by leaving out what is there."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np


def write_shards(work: Callable[..., Path], tasks: Sequence[tuple], workers: int, label: str) -> None:
    """`work(*task)` in processes for each task whose last member, the shard's path, does not exist yet."""
    from rich.console import Console
    from rich.progress import Progress

    missing = [task for task in tasks if not task[-1].exists()]
    with Progress(console=Console(stderr=True)) as progress, ProcessPoolExecutor(workers) as pool:
        bar = progress.add_task(label, total=len(missing))
        for done in as_completed([pool.submit(work, *task) for task in missing]):
            done.result()
            progress.advance(bar)


def save_shard(path: Path, **arrays: np.ndarray) -> Path:
    """Write one shard, whole or not at all."""
    part = path.with_suffix(".part.npz")
    np.savez_compressed(part, **arrays)
    os.replace(part, path)
    return path
