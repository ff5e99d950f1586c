"""The columns of a person's own fleet tables, and reading them: typed, plausible values or all that is wrong."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tools.errors import CannotAnswer

if TYPE_CHECKING:
    import pandas as pd

SHOWN_ERRORS = 50
Errors = list[tuple[int, str, str]]  # line (the header is 1; 0: the whole file), column, sentence


@dataclass(frozen=True)
class Column:
    """One column: `kind` is number, whole, text or time; bounds are what is plausible, in the name's unit."""

    name: str
    kind: str
    meaning: str
    low: float | None = None
    high: float | None = None
    required: bool = True


PACK_COLUMNS = (
    Column("pack_id", "text", "PK- and four digits, as PK-1001"),
    Column("site", "text", "site name"),
    Column("cell_model", "text", "a cell of the catalogue, as people write it"),
    Column("series", "whole", "cell groups in series", 1, 400),
    Column("parallel", "whole", "cells in parallel in a group", 1, 400),
    Column("commissioned", "time", "date of first use, ISO 8601"),
    Column("time", "time", "when the telemetry was taken, ISO 8601, UTC unless it says otherwise"),
    Column("soc_percent", "number", "state of charge", 0, 100),
    Column("soh_percent", "number", "state of health, percent of new capacity", 50, 110),
    Column("temperature_c", "number", "mean of the pack's sensors", -50, 90),
    Column("temperature_min_c", "number", "coldest sensor; the mean if left out", -50, 90, False),
    Column("temperature_max_c", "number", "hottest sensor; the mean if left out", -50, 90, False),
    Column("voltage_v", "number", "pack voltage", 0.5, 2000),
    Column("current_a", "number", "pack current, charge positive", -5000, 5000),
    Column("spread_mv", "number", "highest minus lowest cell voltage", 0, 2000),
    Column("cycles", "number", "equivalent full cycles since new", 0, 50000))
RECORD_COLUMNS = (
    Column("asset_id", "text", "a pack (PK-1001, voltage of the whole pack) or a cell in it (PK-1001-C07)"),
    Column("started", "time", "when the charge began, ISO 8601; the same for all rows and cells of a charge"),
    Column("t_s", "number", "seconds since then, rising", 0, 1e6),
    Column("voltage_v", "number", "V of the cell, or of the pack", 0.1, 2000),
    Column("current_a", "number", "A of the whole pack, charge positive", -0.5, 5000),
    Column("temperature_c", "number", "degC", -50, 90))


class ImportFailed(CannotAnswer):
    """Nothing was imported; `errors` holds every problem as (line, column, sentence)."""

    def __init__(self, path: Path, errors: Errors):
        self.errors = sorted(errors, key=lambda e: (e[0], e[1]))
        lines = [f"line {line}, {column}: {text}" if line else f"{column}: {text}"
                 for line, column, text in self.errors[:SHOWN_ERRORS]]
        more = f"\n... and {len(errors) - SHOWN_ERRORS} more" if len(errors) > SHOWN_ERRORS else ""
        super().__init__(f"Nothing was imported from {path.name}, it has {len(errors)} error"
                         f"{'s' if len(errors) > 1 else ''}:\n" + "\n".join(lines) + more)


def schema_text() -> str:
    """The columns of both kinds of table, with units and plausible ranges."""
    parts = []
    for title, columns in (("Packs, one row each, or one for each time:", PACK_COLUMNS),
                           ("Charge records, one row per sample:", RECORD_COLUMNS)):
        parts += [title] + [f"  {c.name:18} {c.kind:7} {c.meaning}{_range_text(c)}{'' if c.required else ' (optional)'}"
                            for c in columns]
    return "\n".join(parts)


def _range_text(column: Column) -> str:
    return "" if column.low is None else f"; {column.low:g} to {column.high:g}"


def read_table(path: Path) -> "pd.DataFrame":
    import pandas as pd

    if not path.is_file():
        raise CannotAnswer(f"There is no file {path}.")
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            return pd.read_parquet(path)
        if path.suffix.lower() == ".csv":
            return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig", skip_blank_lines=False)
    except Exception as error:  # the readers raise a dozen kinds; each means that the file is not what it says
        raise CannotAnswer(f"{path.name} cannot be read: {str(error).splitlines()[0]}.") from None
    raise CannotAnswer(f"{path.name} is neither .csv nor .parquet.")


def kind_of(path: Path, table: "pd.DataFrame") -> tuple[tuple[Column, ...], str]:
    """Which of the two tables this is; raises ImportFailed for missing or unknown columns or no rows."""
    have = [str(c).strip() for c in table.columns]
    table.columns = have
    is_records = "t_s" in have or "asset_id" in have
    columns, kind = (RECORD_COLUMNS, "charge records") if is_records else (PACK_COLUMNS, "packs")
    known = [c.name for c in columns]
    errors = [(0, c.name, f"column missing; {kind} need it: {c.meaning}") for c in columns
              if c.required and c.name not in have]
    errors += [(0, name, f"unknown column; the nearest is {nearest(name, known)}")
               for name in have if name not in known]
    errors += [(0, name, "column twice") for name in {n for n in have if have.count(n) > 1}]
    if not errors and table.empty:
        errors = [(0, known[0], "the file has no rows")]
    if errors:
        raise ImportFailed(path, errors)
    return columns, kind


def nearest(name: str, known: list[str]) -> str:
    from rapidfuzz import process

    return process.extractOne(name, known)[0]


def checked(table: "pd.DataFrame", columns: tuple[Column, ...]) -> tuple[list[dict[str, Any]], Errors]:
    """Rows of typed values, each with its "line", and every cell that is no such value."""
    errors: Errors = []
    rows: list[dict[str, Any]] = [{"line": n + 2} for n in range(len(table))]
    for column in columns:
        if column.name not in table:
            continue
        for row, raw in zip(rows, table[column.name].tolist(), strict=True):
            try:
                row[column.name] = _value(raw, column)
            except ValueError as problem:
                errors.append((row["line"], column.name, str(problem)))
    return rows, errors


def _value(raw: Any, column: Column) -> Any:
    """One typed, plausible value; None for an optional blank. Raises ValueError with the reason."""
    text = "" if raw is None else str(raw).strip()
    if text == "" or text.lower() in ("nan", "nat", "none", "null"):
        if column.required:
            raise ValueError("no value")
        return None
    if column.kind == "text":
        return text
    return _time(text) if column.kind == "time" else _number(text, column)


def _number(text: str, column: Column) -> float | int:
    try:
        value = float(text)
    except ValueError:
        comma = "; write a decimal point" if "," in text else ""
        raise ValueError(f"{text!r} is not a number{comma}") from None
    if not np.isfinite(value):
        raise ValueError(f"{text} is not a finite number")
    if column.kind == "whole" and value != int(value):
        raise ValueError(f"{text} is not a whole number")
    if not column.low <= value <= column.high:
        raise ValueError(f"{text} is outside {column.low:g} to {column.high:g}{_unit_hint(column, value)}")
    return int(value) if column.kind == "whole" else value


def _unit_hint(column: Column, value: float) -> str:
    if column.name.endswith("_c") and 90 < value < 400:
        return "; is it in kelvin or Fahrenheit? degC is needed"
    if column.name == "current_a" and column.low > -1 and value < 0:
        return "; charging is positive"
    if column.name == "voltage_v" and value > column.high:
        return "; is it in mV? V is needed"
    return ""


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not an ISO 8601 date or time") from None
    time = time if time.tzinfo else time.replace(tzinfo=UTC)
    if not datetime(1995, 1, 1, tzinfo=UTC) <= time <= datetime.now(UTC).replace(year=datetime.now(UTC).year + 1):
        raise ValueError(f"{text} is not a plausible time")
    return time
