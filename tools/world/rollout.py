"""The trained world models, ready to use: cells at rest, stepped with currents, many at once."""

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tools.errors import CannotAnswer
from tools.parameters import KELVIN, Parameterisation
from tools.world.model import CellWorld, State

WEIGHTS = Path(__file__).parent / "weights"
SOC_PERCENT, SOH_PERCENT, AMBIENT_C = (0.0, 100.0), (70.0, 100.0), (-20.0, 55.0)
STEP_S = (1.0, 60.0)


@dataclass(frozen=True)
class Margin:
    """What the model may be wrong by, on the unsafe side: the 99 % quantile over charges of cells not trained on."""

    anode_v: float
    voltage_v: float
    temperature_c: float


@dataclass(frozen=True)
class WorldState:
    """B cells at a moment: all tensors (B,) but `inner`. Voltage and anode potential belong to the last step's
    current; at rest from the beginning they are the equilibrium's."""

    inner: State
    soc_percent: Tensor
    voltage_v: Tensor
    anode_potential_v: Tensor
    x_span: tuple[Tensor, Tensor]  # negative stoichiometry at 0 % and from 0 to 100 %

    @property
    def temperature_c(self) -> Tensor:
        return self.inner.kelvin - KELVIN

    def take(self, rows: Tensor) -> "WorldState":
        """These rows, in this order; a row may come more than once."""
        return WorldState(self.inner.take(rows), self.soc_percent[rows], self.voltage_v[rows],
                          self.anode_potential_v[rows], tuple(part[rows] for part in self.x_span))

    def __len__(self) -> int:
        return len(self.soc_percent)


class World:
    """The world model of one parameterisation. Currents in A of the set's own size, positive when charging."""

    def __init__(self, parameterisation: Parameterisation, model: CellWorld, margin: Margin, max_c_rate: float,
                 version: str):
        self.parameterisation, self.model = parameterisation, model.eval().requires_grad_(False)
        self.margin, self.max_c_rate, self.version = margin, max_c_rate, version

    def rested(self, soc_percent, ambient_c, soh_percent, temperature_c=None) -> WorldState:
        """Cells at rest. Arguments are numbers or (B,) arrays or tensors, in percent and degC."""
        given = [soc_percent, ambient_c, soh_percent, ambient_c if temperature_c is None else temperature_c]
        soc, ambient, soh, own = (part.contiguous() for part in torch.broadcast_tensors(
            *(torch.atleast_1d(torch.as_tensor(value, dtype=torch.float32)) for value in given)))
        with torch.inference_mode():
            inner = self.model.rested(soc, ambient, soh, own)
            x_0, x_100, *_ = self.model.aged(soh)
            voltage, anode = self.model.at_rest(inner)
        return WorldState(inner, soc, voltage, anode, (x_0, x_100 - x_0))

    def step(self, state: WorldState, current_a: Tensor | float, dt_s: Tensor | float) -> WorldState:
        """The cells after `dt_s` seconds (1 to 60) at constant currents (B,)."""
        with torch.inference_mode():
            c_rate = torch.as_tensor(current_a, dtype=torch.float32) / self.model.capacity_ah
            c_rate = c_rate.expand(len(state)) if c_rate.ndim == 0 else c_rate
            inner, voltage, anode = self.model.step(state.inner, c_rate, dt_s)
            soc = (inner.x - state.x_span[0]) / state.x_span[1] * 100
            return replace(state, inner=inner, soc_percent=soc, voltage_v=voltage, anode_potential_v=anode)

    def outside(self, soc_percent: float, ambient_c: float, soh_percent: float, c_rate: float = 0.0) -> str | None:
        """Why the model may not be used here; None where it may."""
        for value, (low, high), words in ((soc_percent, SOC_PERCENT, "% charge"), (ambient_c, AMBIENT_C, "degC"),
                                          (min(soh_percent, 100.0), SOH_PERCENT, "% health"),
                                          (abs(c_rate), (0.0, self.max_c_rate), "C")):
            if not low <= value <= high:
                return (f"{value:g} {words} is outside the {low:g} to {high:g} {words} in which the world model of "
                        f"{self.parameterisation.represents} was trained.")
        return None


@lru_cache(maxsize=8)
def world_for(parameterisation: Parameterisation) -> World | None:
    """The trained world model of a parameterisation; None where none is shipped."""
    from safetensors import safe_open

    path = WEIGHTS / f"{parameterisation.name}.safetensors"
    if not path.exists():
        return None
    with safe_open(path, "pt") as file:
        about = json.loads(file.metadata()["about"])
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    model = CellWorld(tensors["scalars"], tensors["tables"], tensors["balance"], about["width"])
    model.load_state_dict(tensors)
    return World(parameterisation, model, Margin(**about["margin"]), about["max_c_rate"], about["version"])


def predict(parameterisation: Parameterisation, soc_percent: float, ambient_c: float, t_s: np.ndarray,
            current_a: np.ndarray, soh_percent: float = 100.0, start_c: float | None = None,
            longest_s: float = 60.0) -> dict[str, np.ndarray]:
    """One cell under a measured current: `current_a[i]` (charging positive, own size) holds from t_s[i-1] to t_s[i].

    Returns voltage_v, temperature_c, anode_potential_v and soc_percent at t_s (the first at rest). Raises
    CannotAnswer where no model was trained or the cell is outside what it was trained for.
    """
    world = world_for(parameterisation)
    if world is None:
        raise CannotAnswer(f"No world model was trained for {parameterisation.name}.")
    if why := world.outside(soc_percent, ambient_c, soh_percent):
        raise CannotAnswer(why)
    state = world.rested(soc_percent, ambient_c, soh_percent, start_c)
    names = ("voltage_v", "temperature_c", "anode_potential_v", "soc_percent")
    rows = [[float(getattr(state, name)) for name in names]]
    for amperes, seconds in zip(current_a[1:], np.diff(t_s), strict=True):
        parts = max(1, int(np.ceil(seconds / longest_s)))
        for _ in range(parts if seconds > 0 else 0):
            state = world.step(state, float(amperes), float(seconds) / parts)
        rows.append([float(getattr(state, name)) for name in names])
    return dict(zip(names, np.array(rows).T, strict=True))
