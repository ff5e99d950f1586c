"""The claim "a million passages": built with progress, searched within 20 ms, memory stated; kinds of FAISS compared.

The passages and their vectors are synthetic (`eval.synthetic_passages`), everything else is the program's own:
`write_index` builds, `search` answers.

A run is a row of steps, each kept in a file as soon as it is measured: an interrupted run goes on with the step that
it was in.
"""

import json
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from eval.report import commit, header, people, print_header
from eval.synthetic_passages import Synthetic, embedder, part, sentences, vectors_of
from tools.contract import Context

KINDS = ("Flat", "HNSW", "IVF-Flat", "IVF-SQ8", "IVF-PQ")
QUESTIONS, CHANGED, NEIGHBOURS = 200, 1000, 10
CANDIDATES = 100  # the nearest in meaning that a search compares exactly (`Index.near`)


@dataclass(frozen=True)
class Steps:
    """What was measured so far under `home`, of the run that `of` describes; of another run everything is removed."""

    home: Path
    of: dict[str, Any]

    def take(self, name: str, measured: Callable[[], Any]) -> Any:
        """The step's figures: measured now and kept, or kept from before an interruption."""
        done = self._done()
        if name in done:
            people.print(f"{name}: kept from before")
            return done[name]
        people.print(f"{name} ...")
        done[name] = measured()
        self.home.mkdir(parents=True, exist_ok=True)
        unfinished = self.home / "steps.json.part"
        unfinished.write_text(json.dumps({"of": self.of, "done": done}), encoding="utf-8")
        os.replace(unfinished, self.home / "steps.json")
        return done[name]

    def _done(self) -> dict[str, Any]:
        try:
            kept = json.loads((self.home / "steps.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        if kept["of"] != self.of:
            shutil.rmtree(self.home)
            return {}
        return kept["done"]


def measure(chunks: int, compare: int = 50_000, home: Path | None = None) -> dict[str, Any]:
    """Kinds compared on `compare` vectors; then `chunks` passages built, searched, changed and searched again.

    What is built and measured lies under `home` until the run is through (default: of this size in the folder for
    temporary files), so that the same call goes on after an interruption.
    """
    import faiss
    import torch

    faiss.omp_set_num_threads(1)  # two threads that wait for each other cost more than they give for one question
    torch.set_num_threads(1)
    count = min(compare, chunks)
    home = home or Path(tempfile.gettempdir()) / f"battery-oracle-scale-{chunks}-{count}"
    steps = Steps(home, {"chunks": chunks, "compared_on": count, "commit": commit()})
    try:
        report = {"chunks": chunks, "compared_on": count, "kinds": kinds(count, steps)} | _whole(chunks, home, steps)
    except KeyboardInterrupt:
        people.print(f"Interrupted; the same command goes on where it was. What there is lies in {home}.")
        raise
    shutil.rmtree(home)
    return header() | report


# -- kinds of index


def kinds(count: int, steps: Steps) -> list[dict[str, Any]]:
    """Every kind on the same vectors: recall of the 10 nearest, milliseconds a question, MB, seconds to build."""
    vectors = vectors_of(np.arange(count))
    asked = vectors_of(np.random.default_rng(1).integers(count, 10 * count, QUESTIONS))
    truth = _nearest_of(asked, [(0, vectors)])
    return [steps.take(f"{kind} on {count} vectors", lambda kind=kind: _kind(kind, vectors, asked, truth))
            for kind in KINDS]


def _nearest_of(asked: np.ndarray, parts: Iterator[tuple[int, np.ndarray]] | Sequence) -> np.ndarray:
    """The 10 nearest rows to each question, int64 [questions, 10], one by one; parts are (first row, vectors)."""
    best = np.full((len(asked), NEIGHBOURS), -np.inf, dtype=np.float32)
    rows = np.full((len(asked), NEIGHBOURS), -1, dtype=np.int64)
    for first, vectors in parts:
        scores = np.concatenate([best, asked @ vectors.T], axis=1)
        numbers = np.concatenate([rows, np.tile(np.arange(first, first + len(vectors)), (len(asked), 1))], axis=1)
        chosen = np.argpartition(-scores, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
        best, rows = (np.take_along_axis(of, chosen, axis=1) for of in (scores, numbers))
    return rows


def _recall(found: Sequence[np.ndarray], truth: np.ndarray) -> float:
    """Share of the true nearest that were found."""
    shares = [len(set(map(int, f)) & set(map(int, t))) / len(t) for f, t in zip(found, truth, strict=True)]
    return round(float(np.mean(shares)), 3)


def _kind(kind: str, vectors: np.ndarray, asked: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
    import faiss

    from retrieval.vectors import TRAINING, new_index

    began = time.process_time()
    index = new_index(kind, len(vectors), vectors[:TRAINING])
    index.add(vectors)
    built = time.process_time() - began
    found = index.search(asked, NEIGHBOURS)[1]
    wall, cpu = _timed([lambda v=v: index.search(v[None, :], NEIGHBOURS) for v in asked])
    return {"kind": kind, "build_cpu_s": round(built, 1), "mb": round(faiss.serialize_index(index).nbytes / 1e6),
            "p95_ms": wall, "p95_cpu_ms": cpu, "recall_at_10": _recall(found, truth)}


def _timed(calls: Sequence[Callable[[], Any]]) -> tuple[float, float]:
    """95th percentile of wall and of processor milliseconds."""
    walls, cpus = [], []
    for call in calls:
        wall, cpu = time.perf_counter(), time.process_time()
        call()
        walls.append(1e3 * (time.perf_counter() - wall))
        cpus.append(1e3 * (time.process_time() - cpu))
    return round(float(np.quantile(walls, 0.95)), 2), round(float(np.quantile(cpus, 0.95)), 2)


# -- the whole library


def _whole(chunks: int, home: Path, steps: Steps) -> dict[str, Any]:
    from retrieval.index import folder

    def first_build() -> dict[str, float]:
        shutil.rmtree(folder(home), ignore_errors=True)
        return _built(home, Synthetic(chunks))[0]

    def change() -> dict[str, float]:
        told, rebuilt = _built(home, Synthetic(chunks, start=CHANGED))
        return told if rebuilt else _built(home, Synthetic(chunks))[0]  # interrupted just after it: the other way round

    report = {"build": steps.take(f"building {chunks} passages", first_build)}
    report |= steps.take("searching", lambda: _opened(home, chunks))
    report |= steps.take("recall against exact comparison", lambda: recall(home, chunks))
    report["change"] = steps.take(f"{CHANGED} passages gone, {CHANGED} new", change)
    report["search_after_change"] = steps.take("searching after that", lambda: _searched(home, chunks))
    return report


def _built(home: Path, passages: Synthetic) -> tuple[dict[str, float], bool]:
    """(seconds of wall and processor, whether there was anything to build)."""
    from retrieval.index import write_index

    wall, cpu = time.perf_counter(), time.process_time()
    with _bar("passages") as bar:
        task = bar.add_task("", total=len(passages))

        def tell(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)
            if done == total:
                bar.console.print("embedded; now the lists of vectors, the words and the passages themselves")

        manifest = write_index(home, passages, tell, embed=embedder())
    return {"s": round(time.perf_counter() - wall, 1),
            "cpu_s": round(time.process_time() - cpu, 1)}, manifest["rebuilt"]


def _bar(title: str) -> Progress:
    return Progress(TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=people)


def _opened(home: Path, chunks: int) -> dict[str, Any]:
    """Memory, disk and speed of the index as it was built."""
    from retrieval.index import folder, open_index

    before = _resident_mb()
    index = open_index(home)
    first = _searched(home, chunks)
    disk = sum(f.stat().st_size for f in folder(home).rglob("*") if f.is_file()) / 1e6
    return {"vectors": index.manifest["vectors"], "disk_mb": round(disk), "resident_mb": round(_resident_mb()),
            "resident_before_opening_mb": round(before), "search": first}


def recall(home: Path, chunks: int) -> dict[str, float]:
    """How many of the 10 truly nearest passages the index gives, as its 10 nearest and among its 100 candidates."""
    from retrieval.index import open_index
    from retrieval.vectors import STEP, nearest

    embed, index = embedder(), open_index(home)
    asked = embed([p.embedded for p in Synthetic(QUESTIONS, start=3 * chunks)])
    everything = np.ones(index.manifest["rows"], dtype=bool)
    with _bar("compared one by one") as bar:
        task = bar.add_task("", total=chunks)

        def parts() -> Iterator[tuple[int, np.ndarray]]:
            for start in range(0, chunks, STEP):
                some = Synthetic(min(STEP, chunks - start), start=start)
                yield start, embed([passage.embedded for passage in some])
                bar.update(task, completed=start + len(some))

        truth = _nearest_of(asked, parts())
    return {f"recall_at_10_of_{count}": _recall([nearest(index.faiss, vector, everything, count) for vector in asked],
                                                truth) for count in (NEIGHBOURS, CANDIDATES)}


def _searched(home: Path, chunks: int) -> dict[str, Any]:
    """Questions of one tenant and of an operator, through `search`; with and without embedding the question."""
    from retrieval.embedder import embed_question
    from retrieval.search import search

    rng = np.random.default_rng(2)
    everyone, one = Context(home=home), Context(home=home, tenant="tenant 3")
    asked = [f"{sentences()[rng.integers(120)][:-1].lower()} for {part(int(rng.integers(chunks)))}?"
             for _ in range(QUESTIONS)]
    for question in asked[:5]:
        search(question, everyone)
    embed_question.cache_clear()
    report = {"answered": 0}
    for name, context in (("new_question", everyone), ("operator", everyone), ("one_tenant", one)):
        wall, cpu = _timed([lambda q=q, c=context: search(q, c) for q in asked])  # the first embeds each question
        report |= {f"{name}_p95_ms": wall, f"{name}_p95_cpu_ms": cpu}
    return report | {"answered": sum(bool(search(q, everyone).passages) for q in asked[:20])}


def _resident_mb() -> float:
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def print_report(report: Mapping[str, Any]) -> None:
    """Both tables, for people, on stderr."""
    print_header(f"Retrieval at scale: {report['chunks']} synthetic passages", report)
    table = Table("kind", "recall@10", "p95 ms", "p95 CPU ms", "MB", "build CPU s",
                  title=f"FAISS on {report['compared_on']} vectors")
    for row in report["kinds"]:
        table.add_row(row["kind"], f"{row['recall_at_10']:.3f}", f"{row['p95_ms']:g}", f"{row['p95_cpu_ms']:g}",
                      str(row["mb"]), f"{row['build_cpu_s']:g}")
    people.print(table)
    people.print(f"{report['vectors']}: built in {report['build']['s']:g} s ({report['build']['cpu_s']:g} s CPU), "
                 f"{report['disk_mb']} MB on disk, {report['resident_mb']} MB resident with it open "
                 f"({report['resident_before_opening_mb']} before)")
    for name, key in (("search", "search"), (f"search after {CHANGED} gone and {CHANGED} new", "search_after_change")):
        told = report[key]
        people.print(f"{name}: p95 {told['operator_p95_ms']:g} ms (CPU {told['operator_p95_cpu_ms']:g}) over all, "
                     f"{told['one_tenant_p95_ms']:g} ms (CPU {told['one_tenant_p95_cpu_ms']:g}) for one tenant; "
                     f"with embedding the question {told['new_question_p95_ms']:g} ms (CPU "
                     f"{told['new_question_p95_cpu_ms']:g}); answered {told['answered']} of 20")
    people.print(f"recall of the 10 nearest against exact comparison: {report[f'recall_at_10_of_{NEIGHBOURS}']:.3f}, "
                 f"among the {CANDIDATES} candidates {report[f'recall_at_10_of_{CANDIDATES}']:.3f}")
    people.print(f"change in place: {report['change']['s']:g} s ({report['change']['cpu_s']:g} s CPU)")
