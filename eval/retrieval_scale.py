"""The claim "a million passages": built with progress, searched within 20 ms, memory stated; kinds of FAISS compared.

The passages are synthetic: three of 120 sentences on batteries each, with part numbers and values of their own. Their
vectors are the mean of the sentences' real embeddings and some noise, since embedding a million texts takes hours on a
CPU. Everything else is the program's own: `write_index` builds, `search` answers.
"""

import hashlib
import resource
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from eval.report import header, people, print_header
from retrieval.passages import Passage
from tools.contract import Context

KINDS = ("Flat", "HNSW", "IVF-Flat", "IVF-SQ8", "IVF-PQ")
TENANTS, QUESTIONS, CHANGED, NEIGHBOURS = 20, 200, 1000, 10
NOISE = 0.35  # of the length of a sentence's vector
SUBJECTS = ("charging current", "discharge current", "storage temperature", "cell voltage", "capacity fade", "mass",
            "coolant flow", "contactor", "insulation resistance", "state of charge", "firmware version", "fuse rating")
SENTENCES = ("The {} was measured at the end of line.", "The maximum {} is given by the maker.",
             "After the repair the {} stayed within its limits.", "A technician reported an unusual {} in winter.",
             "The supplier changed the {} in the second revision.", "Tests of the {} at high temperature are pending.",
             "The {} depends on age and temperature.", "For transport the {} has to be checked and noted.",
             "An alarm on the {} was acknowledged by the depot.", "The manual explains how the {} is calibrated.")


class Synthetic(Sequence):
    """`count` passages that are the same for the same numbers; made when asked for."""

    def __init__(self, count: int, start: int = 0):
        self.count, self.start = count, start

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, i: int) -> Passage:
        if not 0 <= i < self.count:
            raise IndexError(i)
        n = self.start + i
        a, b, c = _three(n)
        told = sentences()
        text = f"{told[a]} {told[b]} {told[c]} Part {part(n)}, value {n * 7919 % 9973 / 10:g}."
        return Passage(document=f"Synthetic report {n // 8}", text=text, kind="file", source="synthetic",
                       page=n % 8 + 1, tenant=f"tenant {n % TENANTS}")


def part(n: int) -> str:
    """A part number that a few hundred passages in a million share."""
    return f"BX{n * 48271 % 5003:04d}"


def _three(n: int) -> tuple[int, int, int]:
    return n * 31 % 120, n * 17 // 120 % 120, n * 13 // 14400 % 120


@lru_cache(maxsize=1)
def sentences() -> tuple[str, ...]:
    return tuple(sentence.format(subject) for sentence in SENTENCES for subject in SUBJECTS)


@lru_cache(maxsize=1)
def _bases() -> tuple[np.ndarray, np.ndarray]:
    """Real embeddings of the sentences [120, 384], and unit noise [4096, 384]."""
    from retrieval.embedder import embed

    noise = np.random.default_rng(0).standard_normal((4096, 384)).astype(np.float32)
    return embed(sentences()), noise / np.linalg.norm(noise, axis=1, keepdims=True)


def vectors_of(numbers: np.ndarray) -> np.ndarray:
    """Unit vectors of the passages with these numbers, float32 [n, 384]."""
    told, noise = _bases()
    a, b, c = (np.array(column) for column in _three(numbers))
    made = (told[a] + told[b] + told[c]) / 3 + NOISE * (noise[numbers % 4096] + noise[numbers // 4096 % 4096]) / 2**0.5
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def measure(chunks: int, compare: int = 50_000, home: Path | None = None) -> dict[str, Any]:
    """Kinds compared on `compare` vectors; then `chunks` passages built, searched, changed and searched again."""
    import faiss
    import torch

    faiss.omp_set_num_threads(1)  # two threads that wait for each other cost more than they give for one question
    torch.set_num_threads(1)
    report = header() | {"chunks": chunks, "compared_on": min(compare, chunks), "kinds": kinds(min(compare, chunks))}
    if home is not None:
        return report | _whole(chunks, home)
    with tempfile.TemporaryDirectory() as folder:
        return report | _whole(chunks, Path(folder))


# -- kinds of index


def kinds(count: int) -> list[dict[str, Any]]:
    """Every kind on the same vectors: recall of the 10 nearest, milliseconds a question, MB, seconds to build."""
    vectors = vectors_of(np.arange(count))
    asked = vectors_of(np.random.default_rng(1).integers(count, 10 * count, QUESTIONS))
    truth, rows = None, []
    for kind in KINDS:
        row, found = _kind(kind, vectors, asked)
        truth = found if truth is None else truth
        recall = np.mean([len(set(f) & set(t)) / NEIGHBOURS for f, t in zip(found, truth, strict=True)])
        rows.append(row | {"recall_at_10": round(float(recall), 3)})
        people.print(f"compared on {count} vectors: {rows[-1]}")
    return rows


def _kind(kind: str, vectors: np.ndarray, asked: np.ndarray) -> tuple[dict[str, Any], np.ndarray]:
    import faiss

    from retrieval.vectors import TRAINING, new_index

    began = time.process_time()
    index = new_index(kind, len(vectors), vectors[:TRAINING])
    index.add(vectors)
    built = time.process_time() - began
    found = index.search(asked, NEIGHBOURS)[1]
    wall, cpu = _timed([lambda v=v: index.search(v[None, :], NEIGHBOURS) for v in asked])
    return {"kind": kind, "build_cpu_s": round(built, 1), "mb": round(faiss.serialize_index(index).nbytes / 1e6),
            "p95_ms": wall, "p95_cpu_ms": cpu}, found


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


def _whole(chunks: int, home: Path) -> dict[str, Any]:
    from retrieval.index import folder, open_index, write_index

    def build(passages: Synthetic, title: str) -> dict[str, float]:
        wall, cpu = time.perf_counter(), time.process_time()
        with Progress(TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=people) as bar:
            task = bar.add_task(title, total=len(passages))
            write_index(home, passages, lambda done, total: bar.update(task, completed=done, total=total),
                        embed=_embedder())
        return {"s": round(time.perf_counter() - wall, 1), "cpu_s": round(time.process_time() - cpu, 1)}

    built = build(Synthetic(chunks), f"building {chunks} passages")
    before = _resident_mb()
    index = open_index(home)
    first = _searched(home, chunks)
    disk = sum(f.stat().st_size for f in folder(home).rglob("*") if f.is_file()) / 1e6
    report = {"build": built, "vectors": index.manifest["vectors"], "disk_mb": round(disk),
              "resident_mb": round(_resident_mb()), "resident_before_opening_mb": round(before), "search": first}
    changed = build(Synthetic(chunks, start=CHANGED), f"{CHANGED} gone, {CHANGED} new")
    return report | {"change": changed, "search_after_change": _searched(home, chunks)}


def _embedder() -> Callable[[Sequence[str]], np.ndarray]:
    """Vectors by text: the number of a synthetic passage is found again from its sentences."""
    place = {sentence: i for i, sentence in enumerate(sentences())}
    told, noise = _bases()

    def embed(texts: Sequence[str]) -> np.ndarray:
        parts = [[place[f"{s}."] for s in text.removeprefix(". ").split(". ")[:3]] for text in texts]
        salt = np.array([int.from_bytes(hashlib.blake2b(t.encode(), digest_size=3).digest()) for t in texts])
        made = told[np.array(parts)].mean(axis=1) + NOISE * (noise[salt % 4096] + noise[salt // 4096 % 4096]) / 2**0.5
        return made / np.linalg.norm(made, axis=1, keepdims=True)

    return embed


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
    people.print(f"change in place: {report['change']['s']:g} s ({report['change']['cpu_s']:g} s CPU)")
