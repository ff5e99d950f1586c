"""Passages on disk, read one by one, and the columns by which a search picks them."""

import json
import mmap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from retrieval.passages import Passage

COLUMNS = ("kind", "tenant", "cell_model", "site", "month", "document")


class Passages(Sequence):
    """The passages of a build; each is read from the file when it is asked for."""

    def __init__(self, build: Path):
        self._starts = np.load(build / "starts.npy")
        with (build / "passages.jsonl").open("rb") as file:
            self._text = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if self._starts[-1] else b""
        if len(self._text) != self._starts[-1]:
            raise ValueError("passages.jsonl is cut short")
        self._read = lru_cache(maxsize=4096)(self._from_file)

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, row: int) -> Passage:
        if not 0 <= row < len(self):
            raise IndexError(row)
        return self._read(int(row))

    def _from_file(self, row: int) -> Passage:
        return Passage(**json.loads(self._text[self._starts[row]:self._starts[row + 1]]))


def write_passages(build: Path, passages: Iterable[Passage], before: Path | None = None) -> None:
    """Write passages.jsonl and where each line starts; after the lines of the build `before`."""
    lengths = [np.zeros(1, dtype=np.int64)]
    with (build / "passages.jsonl").open("wb") as file:
        if before:
            lengths.append(np.diff(np.load(before / "starts.npy")))
            with (before / "passages.jsonl").open("rb") as old:
                while piece := old.read(1 << 24):
                    file.write(piece)
        lines = (json.dumps(p.record()).encode() + b"\n" for p in passages)
        lengths.append(np.fromiter((file.write(line) for line in lines), dtype=np.int64))
    np.save(build / "starts.npy", np.cumsum(np.concatenate(lengths)))


@dataclass(frozen=True)
class Columns:
    """Per row: codes of what a search filters by (`values[column][code]`, -1 for None), whether it is public and
    whether it is still part of the corpus; int32 and bool [rows]."""

    codes: dict[str, np.ndarray]
    values: dict[str, list[str]]
    public: np.ndarray
    alive: np.ndarray

    @classmethod
    def of(cls, passages: Iterable[Passage], before: "Columns | None" = None) -> "Columns":
        """Columns of passages, after those of `before`."""
        values = {c: list(before.values[c]) if before else [] for c in COLUMNS}
        code = {c: {value: i for i, value in enumerate(values[c])} for c in COLUMNS}
        rows, public = [], []
        for passage in passages:
            told = [getattr(passage, c) for c in COLUMNS]
            rows.append([-1 if v is None else code[c].setdefault(v, len(code[c]))
                         for c, v in zip(COLUMNS, told, strict=True)])
            public.append(passage.public)
        table = np.array(rows, dtype=np.int32).reshape(-1, len(COLUMNS))
        codes = {c: np.concatenate([before.codes[c], table[:, i]]) if before else np.ascontiguousarray(table[:, i])
                 for i, c in enumerate(COLUMNS)}
        fresh = np.array(public, dtype=bool)
        joined = np.concatenate([before.public, fresh]) if before else fresh
        alive = np.concatenate([before.alive, np.ones_like(fresh)]) if before else np.ones_like(fresh)
        return cls(codes, {c: list(code[c]) for c in COLUMNS}, joined, alive)

    def save(self, build: Path) -> None:
        np.savez(build / "columns.npz", public=self.public, alive=self.alive, **self.codes)
        (build / "columns.json").write_text(json.dumps(self.values), encoding="utf-8")

    @classmethod
    def load(cls, build: Path) -> "Columns":
        with np.load(build / "columns.npz") as kept:
            arrays = {name: kept[name] for name in kept.files}
        values = json.loads((build / "columns.json").read_text(encoding="utf-8"))
        return cls({c: arrays[c] for c in COLUMNS}, values, arrays["public"], arrays["alive"])

    def readable(self, tenant: str | None) -> np.ndarray:
        """Rows that a scope may read; bool [rows]. Scope None reads everything.

        A scope's own sheet of a cell stands in for the public one, and for None also in for those of its tenants.
        """
        rows = self.alive & (self.public | self.is_any("tenant", (tenant,))) if tenant is not None else self.alive
        sheets = self._own_sheets
        if not len(sheets):
            return rows
        mine = self.is_any("tenant", (tenant,))[sheets] if tenant is not None else ~self.has("tenant")[sheets]
        rows = rows.copy()
        rows[sheets[~mine]] = False
        instead = self.is_any("cell_model", self.among("cell_model", sheets[mine]))
        return rows & ~(instead & self.public & self.is_any("kind", ("datasheet",)))

    @cached_property
    def _own_sheets(self) -> np.ndarray:
        """Rows of datasheet passages that are not public: what tenants confirmed."""
        return np.flatnonzero(self.alive & ~self.public & self.is_any("kind", ("datasheet",)))

    def is_any(self, column: str, wanted: Iterable[str]) -> np.ndarray:
        """Rows whose column is one of the values; bool [rows]."""
        known = [i for i, value in enumerate(self.values[column]) if value in set(wanted)]
        codes = self.codes[column]
        if len(known) == 1:
            return codes == known[0]
        return np.isin(codes, known) if known else np.zeros(len(codes), dtype=bool)

    def counts(self, column: str, rows: np.ndarray) -> dict[str, int]:
        """How many rows have each value of a column."""
        counts = np.bincount(self.codes[column][rows] + 1, minlength=len(self.values[column]) + 1)[1:]
        return {value: int(n) for value, n in zip(self.values[column], counts, strict=True) if n}

    def has(self, column: str) -> np.ndarray:
        """Rows with a value in the column; bool [rows]."""
        return self.codes[column] >= 0

    def among(self, column: str, rows: np.ndarray) -> list[str]:
        """The values of a column that occur in rows, sorted."""
        return sorted(self.counts(column, rows))
