"""Charges of one cell from a cycler's file, read block by block: memory does not grow with the file.

CSV, tab-separated text and Parquet, with the headers of `tools.soh.columns`. Every problem of a file is one
sentence (CannotAnswer): no such column, values without a number, units that are mixed, time that runs backwards.
"""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tools.errors import CannotAnswer
from tools.soh.columns import Column, columns_of, missing, sign_of

if TYPE_CHECKING:
    import pandas as pd

BLOCK_ROWS = 200_000
HEADER_LINES = 60  # the header lies within the first lines of an export
ENCODINGS = ("utf-8-sig", "utf-16", "gb18030", "latin-1")
MAX_MISSING_SHARE = 0.02  # of a file's rows; they are left out and counted
KEPT_SAMPLES = 200_000  # of one charge; a longer one is thinned
REST_S = 1800.0  # a longer pause, or a discharge, ends a charge
RESET_S = 120.0  # a step time begins anew below this
Block = dict[str, np.ndarray]  # t_s, current_a, voltage_v, temperature_c; [n] each


@dataclass(frozen=True)
class Charge:
    """One charge, the end of the discharge before it and the rest after it; [n] arrays, charge positive.

    `temperature_c` is NaN where none is logged; `t_s` starts at 0.
    """

    number: int  # in the file, from 1
    started: datetime | None  # where the file has dates
    t_s: np.ndarray
    current_a: np.ndarray
    voltage_v: np.ndarray
    temperature_c: np.ndarray


@dataclass
class Report:
    """What was met while reading."""

    rows: int = 0
    left_out: int = 0  # rows without a number


def charges(path: Path, nominal_ah: float, report: Report | None = None,
            progress: Callable[[int], None] | None = None, reverse_sign: bool = False) -> Iterator[Charge]:
    """The charges of the file in order; `progress` is told the rows read so far.

    `reverse_sign`: the file counts charging current as negative.

    A current below C/100 is a rest. Raises CannotAnswer for a file that is not a record of one cell.
    """
    report, path = report if report is not None else Report(), Path(path)
    clock = _Clock(path.name)
    builder, idle_a = _Builder(path.name, clock), 0.01 * nominal_ah
    for block in _clean(path, nominal_ah, report, clock):
        if reverse_sign:
            block["current_a"] = -block["current_a"]
        yield from builder.add(block, idle_a)
        if progress:
            progress(report.rows)
    yield from builder.finish()
    if report.left_out > MAX_MISSING_SHARE * max(report.rows, 1):
        raise CannotAnswer(f"{path.name}: {100 * report.left_out / report.rows:.1f} % of {report.rows} rows have no "
                           "number for time, voltage or current; that is no record to judge a cell by.")


def is_record(path: Path) -> bool:
    """True for a file whose header names time, voltage and current."""
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            import pyarrow.parquet as pq

            header = pq.ParquetFile(path).schema_arrow.names
        elif path.suffix.lower() in (".csv", ".txt", ".tsv"):
            header = _find_header(path)[3]
        else:
            return False
        return "time" in (columns_of(header) or {})
    except (CannotAnswer, OSError, ValueError, UnicodeError):
        return False


# -- from file to clean blocks


def _clean(path: Path, nominal_ah: float, report: Report, clock: "_Clock") -> Iterator[Block]:
    for table, columns in _tables(path):
        block = {"t_s": clock.seconds(table["time"], columns["time"]),
                 "current_a": _numbers(table["current"]) * columns["current"].factor,
                 "voltage_v": _numbers(table["voltage"]) * columns["voltage"].factor}
        block["temperature_c"] = (_numbers(table["temperature"]) if "temperature" in columns
                                  else np.full(len(table), np.nan))
        if "state" in columns:
            block["current_a"] = _signed(block["current_a"], table["state"])
        known = np.isfinite(block["t_s"]) & np.isfinite(block["current_a"]) & np.isfinite(block["voltage_v"])
        report.left_out += int((~known).sum())
        block = {name: values[known] for name, values in block.items()}
        _check_units(path.name, block, columns, nominal_ah, report.rows)
        report.rows += len(table)
        yield block
    if not report.rows:
        raise CannotAnswer(f"{path.name} has a header but no rows.")


def _numbers(values: "pd.Series") -> np.ndarray:
    import pandas as pd

    if values.dtype == object or str(values.dtype).startswith(("str", "category")):
        values = values.astype(str).str.replace(",", ".", regex=False)
    return pd.to_numeric(values, errors="coerce").to_numpy(float)


def _signed(current_a: np.ndarray, state: "pd.Series") -> np.ndarray:
    signs = {word: sign_of(str(word)) for word in state.unique()}
    sign = state.map(signs).to_numpy(float)
    return np.where(sign == 0, current_a, sign * np.abs(current_a))


def _check_units(name: str, block: Block, columns: dict[str, Column], nominal_ah: float, before: int) -> None:
    volts, amps = np.abs(block["voltage_v"]), np.abs(block["current_a"])
    large = volts > 100
    if large.any() and not large.mean() > 0.99:
        row = before + int(np.argmax(large)) + 1
        raise CannotAnswer(f"{name}: the units are mixed: most voltages are in V, but row {row} says "
                           f"{volts[large][0]:g}.")
    if large.any():
        raise CannotAnswer(f"{name}: voltages around {np.median(volts):.0f} are not one cell's in V; if they are mV, "
                           "call the column voltage_mv.")
    if len(amps) and np.median(amps[amps > 0.01 * nominal_ah] if (amps > 0.01 * nominal_ah).any() else [0]) > (
            30 * nominal_ah):
        raise CannotAnswer(f"{name}: currents around {np.median(amps[amps > 0]):.0f} A are more than 30C of a "
                           f"{nominal_ah:g} Ah cell; if they are mA, call the column current_ma.")


@dataclass
class _Clock:
    """Seconds from whatever a file calls time: numbers in a unit, h:mm:ss, or dates."""

    name: str
    origin: "pd.Timestamp | None" = None

    def seconds(self, values: "pd.Series", column: Column) -> np.ndarray:
        import pandas as pd

        plain = _numbers(values)
        if values.empty or np.isfinite(plain).mean() > 0.5:
            return plain * column.factor
        if pd.api.types.is_datetime64_any_dtype(values):
            moments = values
        else:
            text = values.astype(str).str.strip()
            spans = pd.to_timedelta(text.str.replace(r"^(\d+)d\s+", r"\1 days ", regex=True), errors="coerce")
            if spans.notna().mean() > 0.5:
                return spans.dt.total_seconds().to_numpy(float)
            moments = pd.to_datetime(text, errors="coerce", format="mixed")
        if moments.isna().mean() > 0.5:
            raise CannotAnswer(f"{self.name}: the times in {column.name!r} cannot be read, such as "
                               f"{str(values.iloc[0])!r}.")
        self.origin = moments.dropna().iloc[0] if self.origin is None else self.origin
        return (moments - self.origin).dt.total_seconds().to_numpy(float)

    def moment(self, after_s: float) -> datetime | None:
        """When the file says that it was; None where it has no dates."""
        return None if self.origin is None else self.origin.to_pydatetime().replace(tzinfo=UTC) + timedelta(
            seconds=after_s)


def _tables(path: Path) -> Iterator[tuple["pd.DataFrame", dict[str, Column]]]:
    """Blocks of the wanted columns, named by what they are."""
    if not path.is_file():
        raise CannotAnswer(f"There is no file {path}.")
    read = _parquet_tables if path.suffix.lower() in (".parquet", ".pq") else _text_tables
    try:
        yield from read(path)
    except CannotAnswer:
        raise
    except (OSError, ValueError, UnicodeError, csv.Error) as error:  # pandas' and arrow's own are ValueErrors
        raise CannotAnswer(f"{path.name} cannot be read: {str(error).splitlines()[0]}.") from None


def _parquet_tables(path: Path) -> Iterator[tuple["pd.DataFrame", dict[str, Column]]]:
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    columns = _known(file.schema_arrow.names, path.name)
    for batch in file.iter_batches(BLOCK_ROWS, columns=list(dict.fromkeys(
            file.schema_arrow.names[c.position] for c in columns.values()))):
        table = batch.to_pandas()
        yield table.rename(columns={c.name: what for what, c in columns.items()}), columns


def _text_tables(path: Path) -> Iterator[tuple["pd.DataFrame", dict[str, Column]]]:
    import pandas as pd

    encoding, line, separator, header = _find_header(path)
    columns = _known(header, path.name)
    wanted = {c.position: what for what, c in columns.items()}
    reader = pd.read_csv(path, sep=separator, encoding=encoding, skiprows=line + 1, header=None, usecols=list(wanted),
                         names=range(len(header)), chunksize=BLOCK_ROWS, on_bad_lines="skip", low_memory=True,
                         encoding_errors="replace", skipinitialspace=True, index_col=False)
    for table in reader:
        yield table.rename(columns=wanted), columns


def _known(header: list[str], name: str) -> dict[str, Column]:
    columns = columns_of(header)
    if columns is None:
        raise CannotAnswer(f"{name} has no columns for voltage and current, but {', '.join(map(str, header[:12]))}. "
                           "Call them time_s, voltage_v, current_a, temperature_c.")
    missing(columns, name)
    return columns


def _find_header(path: Path) -> tuple[str, int, str, list[str]]:
    """(encoding, line, separator, names) of the header line."""
    for encoding in ENCODINGS:
        try:
            with path.open(encoding=encoding) as file:
                lines = [line.rstrip("\r\n") for line, _ in zip(file, range(HEADER_LINES), strict=False)]
            break
        except UnicodeError:
            continue
    for separator in ("\t", ",", ";"):
        for number, line in enumerate(lines):
            names = next(csv.reader([line], delimiter=separator), [])
            if len(names) > 2 and columns_of(names):
                return encoding, number, separator, names
    first = next((line for line in lines if line.strip()), "")
    raise CannotAnswer(f"{path.name} has no line that names columns for voltage and current; it begins with "
                       f"{first[:60]!r}. Call them time_s, voltage_v, current_a, temperature_c.")


# -- from blocks to charges


@dataclass
class _Builder:
    """Cuts blocks into charges; holds one charge at a time."""

    name: str
    clock: _Clock
    before: list[Block] = field(default_factory=list)  # end of the last discharge and the rest since
    parts: list[Block] = field(default_factory=list)
    charged_until_s: float = 0.0
    samples: int = 0
    number: int = 0
    shift_s: float = 0.0  # a step time begins anew at each step
    last_s: float = -np.inf

    def add(self, block: Block, idle_a: float) -> Iterator[Charge]:
        """Take a block; yields the charges that ended in it."""
        if not len(block["t_s"]):
            return
        block = block | {"t_s": self._unwrapped(block["t_s"])}
        current = block["current_a"]
        state = np.where(current > idle_a, 1, np.where(current < -idle_a, -1, 0))
        for first, last in _runs(state):
            part = {name: values[first:last] for name, values in block.items()}
            if state[first] == 1:
                self._keep(part)
                self.charged_until_s = float(part["t_s"][-1])
            elif state[first] == -1:
                yield from self.finish()
                self.before = [{name: values[-3:] for name, values in part.items()}]
            elif self.parts:
                yield from self._rest(part)
            else:
                self.before = [*self.before[-1:], _thinned(part, 20)]

    def finish(self) -> Iterator[Charge]:
        """The charge that is being built, if there is one."""
        if self.parts:
            parts = [*self.before, *self.parts]
            whole = {name: np.concatenate([p[name] for p in parts]) for name in self.parts[0]}
            rising = np.concatenate([[True], np.diff(whole["t_s"]) > 0])
            whole = {name: values[rising] for name, values in whole.items()}
            self.before, self.parts, self.samples, self.number = [], [], 0, self.number + 1
            start = float(whole["t_s"][0])
            yield Charge(self.number, self.clock.moment(start), whole["t_s"] - start, whole["current_a"],
                         whole["voltage_v"], whole["temperature_c"])

    def _rest(self, part: Block) -> Iterator[Charge]:
        """The rest after a charge belongs to it; after REST_S the charge has ended."""
        until = int(np.searchsorted(part["t_s"], self.charged_until_s + REST_S, side="right"))
        if until:
            self._keep({name: values[:until] for name, values in part.items()})
        if until < len(part["t_s"]):
            yield from self.finish()

    def _keep(self, part: Block) -> None:
        self.parts.append(part)
        self.samples += len(part["t_s"])
        if self.samples > 2 * KEPT_SAMPLES:
            whole = {name: np.concatenate([p[name] for p in self.parts])[::2] for name in part}
            self.parts, self.samples = [whole], len(whole["t_s"])

    def _unwrapped(self, t_s: np.ndarray) -> np.ndarray:
        """Times that never fall: a step time that begins anew goes on where the last step ended."""
        t = t_s + self.shift_s
        before = np.concatenate([[self.last_s], t[:-1]])
        for at in np.flatnonzero(t < before):
            raw = t_s[at]
            if not 0 <= raw <= RESET_S:
                earlier = before[at] - self.shift_s
                raise CannotAnswer(f"{self.name}: time runs backwards, from {earlier:g} s to {raw:g} s.")
            added = (t[at - 1] if at else self.last_s) - t[at] + max(raw, 1e-3)
            t[at:] += added
            self.shift_s += added
        self.last_s = float(t[-1])
        return t


def _thinned(part: Block, samples: int) -> Block:
    step = -(-len(part["t_s"]) // samples)
    return {name: values[::step] for name, values in part.items()}


def _runs(state: np.ndarray) -> Iterator[tuple[int, int]]:
    """(first, last + 1) of each stretch of one state."""
    edges = np.concatenate([[0], np.flatnonzero(np.diff(state)) + 1, [len(state)]])
    yield from zip(edges[:-1], edges[1:], strict=True)
