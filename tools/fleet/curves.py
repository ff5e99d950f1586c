"""Reference charge curves: cell voltage over charge at constant current, by C-rate, temperature and health.

Computed with PyBaMM by `python -m tools.fleet.curve_build` and shipped as data/charge_curves.npz.
Each curve starts from rest at 0 % state of charge and ends at the upper voltage limit.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from tools.cells import Cell
from tools.parameters import OWN

CURVE_FILE = Path(__file__).parent.parent / "data" / "charge_curves.npz"


@dataclass(frozen=True, eq=False)
class Curves:
    """Curves of one parameterisation, for a cell of `nominal_ah`. Axes: C-rate, degC, SoH (all ascending).

    voltage_v and rise_c (self-heating of a single cell in still air) [c, t, s, m] at m equal steps of charge from
    0 to end_ah [c, t, s]; resistance_mohm [t, s] is the 10 s resistance at 50 % charge; capacity_ah [s]. The
    temperature axis is the cell's at the start.
    """

    parameterisation: str
    nominal_ah: float
    c_rates: np.ndarray
    temperatures_c: np.ndarray
    soh_percent: np.ndarray
    voltage_v: np.ndarray
    rise_c: np.ndarray
    end_ah: np.ndarray
    resistance_mohm: np.ndarray
    capacity_ah: np.ndarray

    def covers(self, c_rate: float, temperature_c: float) -> bool:
        return (self.c_rates[0] <= c_rate <= self.c_rates[-1]
                and self.temperatures_c[0] <= temperature_c <= self.temperatures_c[-1])

    def at(self, c_rate: float, temperature_c: float) -> tuple[np.ndarray, np.ndarray]:
        """Voltages [s, m] and end charges [s] (Ah) at one C-rate and temperature, linear between the grid's."""
        return _at(self, c_rate, temperature_c)

    def charge_between(self, low_v: np.ndarray, high_v: np.ndarray, c_rate: float, temperature_c: float,
                       soh_percent: np.ndarray | None = None) -> np.ndarray:
        """Ah that each health level takes between two voltages; [k], [k] -> [k, s].

        The levels are the grid's, or `soh_percent` [s], whose curves are interpolated as `for_soh` does: between two
        levels of the grid the charge between two voltages is not linear in health.
        """
        voltage, end = self.at(c_rate, temperature_c)
        if soh_percent is not None:
            between = np.array([_weights(self.soh_percent, s) for s in soh_percent])
            voltage, end = between @ voltage, between @ end
        steps = np.linspace(0, 1, voltage.shape[1])
        taken = [e * (np.interp(high_v, v, steps) - np.interp(low_v, v, steps))
                 for v, e in zip(voltage, end, strict=True)]
        return np.stack(taken, axis=-1)

    def for_soh(self, soh_percent: float, c_rate: float, temperature_c: float) -> tuple[np.ndarray, np.ndarray]:
        """Charge (Ah) and voltage (V) of the curve of one health, each [m]."""
        voltage, end = self.at(c_rate, temperature_c)
        s = _weights(self.soh_percent, soh_percent)
        return np.linspace(0, 1, voltage.shape[1]) * (s @ end), s @ voltage

    def self_heating(self, soh_percent: float, c_rate: float, temperature_c: float) -> np.ndarray:
        """Temperature rise (K) at the points of `for_soh`, [m]."""
        c, t = _weights(self.c_rates, c_rate), _weights(self.temperatures_c, temperature_c)
        return np.einsum("c,t,s,ctsm->m", c, t, _weights(self.soh_percent, soh_percent), self.rise_c)

    def resistance(self, soh_percent: float, temperature_c: float) -> float:
        """10 s resistance, mOhm."""
        return float(_weights(self.temperatures_c, temperature_c) @ self.resistance_mohm
                     @ _weights(self.soh_percent, soh_percent))


@lru_cache(maxsize=256)
def _at(curves: Curves, c_rate: float, temperature_c: float) -> tuple[np.ndarray, np.ndarray]:
    c, t = _weights(curves.c_rates, c_rate), _weights(curves.temperatures_c, temperature_c)
    return np.einsum("c,t,ctsm->sm", c, t, curves.voltage_v), np.einsum("c,t,cts->s", c, t, curves.end_ah)


def _weights(grid: np.ndarray, value: float) -> np.ndarray:
    """Linear interpolation weights [len(grid)], clipped to the grid."""
    eye = np.eye(len(grid))
    return np.array([np.interp(value, grid, row) for row in eye])


@lru_cache(maxsize=1)
def _all() -> dict[str, Curves]:
    names = ("c_rates", "temperatures_c", "soh_percent", "end_ah", "resistance_mohm", "capacity_ah")
    with np.load(CURVE_FILE, allow_pickle=False) as data:
        return {p: Curves(parameterisation=p, nominal_ah=float(data[f"{p}/nominal_ah"]),
                          voltage_v=data[f"{p}/voltage_v"] / 1e4, rise_c=data[f"{p}/rise_c"] / 100,
                          **{n: data[f"{p}/{n}"].astype(float) for n in names})
                for p in sorted({key.split("/")[0] for key in data.files})}


@lru_cache(maxsize=64)
def curves_of(cell: Cell) -> Curves | None:
    """Curves that describe this cell model, scaled to its nominal capacity; None if it has no parameterisation."""
    own = OWN.get(cell.id)
    known = own is not None and own.name in _all() and cell.capacity_nominal_ah is not None
    return scaled(_all()[own.name], cell.capacity_nominal_ah) if known else None


@lru_cache(maxsize=64)
def scaled(curves: Curves, nominal_ah: float) -> Curves:
    """The same curves for more or fewer identical electrode areas: charge times the ratio, resistance over it."""
    ratio = nominal_ah / curves.nominal_ah
    return replace(curves, nominal_ah=nominal_ah, end_ah=curves.end_ah * ratio, capacity_ah=curves.capacity_ah * ratio,
                   resistance_mohm=curves.resistance_mohm / ratio)
