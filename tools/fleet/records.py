"""A charge record: what a battery management system logged while a pack or a cell was charged."""

import io
from dataclasses import dataclass
from datetime import datetime

import numpy as np


@dataclass(frozen=True)
class ChargeRecord:
    """One (partial) charge; n samples, k cells in series.

    `cells` are the 1-based positions of the columns, or (0,) for one column of the mean cell voltage where
    only the pack voltage was logged. Current is that of the pack, positive into the battery.
    """

    started: datetime
    cells: tuple[int, ...]
    t_s: np.ndarray  # [n], s since `started`, strictly increasing
    current_a: np.ndarray  # [n], A, charge positive, pack current
    voltage_v: np.ndarray  # [n, k], V per cell
    temperature_c: np.ndarray  # [n, k], degC per cell; NaN where none was logged

    def __post_init__(self):
        n, k = len(self.t_s), len(self.cells)
        if self.current_a.shape != (n,) or self.voltage_v.shape != (n, k) or self.temperature_c.shape != (n, k):
            raise ValueError(f"a record of {n} samples and {k} cells has arrays of other shapes")

    def column(self, cell: int) -> "ChargeRecord":
        """The record of one cell (1-based position); raises ValueError if it was not logged."""
        j = self.cells.index(cell)
        return ChargeRecord(self.started, (cell,), self.t_s, self.current_a,
                            self.voltage_v[:, j:j + 1], self.temperature_c[:, j:j + 1])


NO_TEMPERATURE = np.iinfo(np.int16).min  # how bytes say NaN


def to_blob(record: ChargeRecord) -> bytes:
    """Compact bytes: s and mA as int32, 0.1 mV and 0.1 degC as (u)int16, deflated. Rounds to those units."""
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer, cells=np.asarray(record.cells, np.int16), t_s=np.rint(record.t_s * 10).astype(np.int32),
        current_a=np.rint(record.current_a * 1000).astype(np.int32),
        voltage_v=np.rint(record.voltage_v * 1e4).astype(np.uint16),
        temperature_c=np.where(np.isfinite(record.temperature_c), np.rint(np.nan_to_num(record.temperature_c) * 10),
                               NO_TEMPERATURE).astype(np.int16))
    return buffer.getvalue()


def from_blob(blob: bytes, started: datetime) -> ChargeRecord:
    """Inverse of `to_blob`."""
    with np.load(io.BytesIO(blob), allow_pickle=False) as arrays:
        tenths = arrays["temperature_c"]
        return ChargeRecord(started, tuple(int(c) for c in arrays["cells"]), arrays["t_s"] / 10,
                            arrays["current_a"] / 1000, arrays["voltage_v"] / 1e4,
                            np.where(tenths == NO_TEMPERATURE, np.nan, tenths / 10))
