"""The neural world model: how a cell answers a constant current, step after step.

Physics keeps what it knows exactly: charge is counted, heat is balanced, equilibrium potentials are the cell's own,
and concentrations in the particles follow the exact relaxation of a sphere. A small network closes the rest: how
far the electrodes' surfaces and overpotentials depart from that when reaction and electrolyte are uneven.
All sizes are those of the parameterisation; rows of a batch are independent; currents are C-rates of the new cell.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from tools.world.constants import GAS_CONSTANT, GRID, REFERENCE_K, SPHERE_ROOTS, CellConstants

MODES = len(SPHERE_ROOTS)
ELECTROLYTE_SECONDS = (3.0, 12.0, 40.0, 120.0, 400.0)
MEMORY = 12
MEMORY_SECONDS = (15.0, 3000.0)
WIDTH = 64
KELVIN = 273.15


class State(NamedTuple):
    """Tensors of a batch of B cells.

    `x`, `y` (B,): mean stoichiometries; `kelvin`, `ambient_k` (B,); `filters` (B, F): currents as each relaxation
    process has felt them; `memory` (B, MEMORY); `ohm` (B,): resistance added by age.
    """

    x: Tensor
    y: Tensor
    kelvin: Tensor
    ambient_k: Tensor
    filters: Tensor
    memory: Tensor
    ohm: Tensor


class CellWorld(nn.Module):
    """One cell model's world: constants as buffers, the closure as weights."""

    def __init__(self, scalars: Tensor, tables: Tensor, balance: Tensor, width: int = WIDTH):
        super().__init__()
        for name, value in (("scalars", scalars), ("tables", tables), ("balance", balance)):
            self.register_buffer(name, value)
        (self.capacity_ah, self.heat_j_per_k, self.cooling_w_per_k, self.negative_ah, self.negative_energy,
         self.positive_ah, self.positive_energy) = (float(v) for v in scalars)
        roots = torch.tensor(SPHERE_ROOTS)
        weights = 2 / roots**2
        self.register_buffer("root_rates", roots**2, persistent=False)
        self.register_buffer("surface_weights", weights, persistent=False)
        self.at_once = 0.2 - float(weights.sum())
        self.log_electrolyte = nn.Parameter(torch.tensor(ELECTROLYTE_SECONDS).log())
        self.electrolyte_energy = nn.Parameter(torch.full((len(ELECTROLYTE_SECONDS),), 1.7))  # 10 kJ/mol
        low, high = (torch.tensor(s).log() for s in MEMORY_SECONDS)
        self.log_memory = nn.Parameter(torch.linspace(low, high, MEMORY))
        self.memory_energy = nn.Parameter(torch.full((MEMORY,), 2.5))
        self.kinetics = nn.Parameter(torch.tensor([[1.0, 3.5], [3.0, 3.5], [0.3, 5.0]]))  # 1/C-rate, 10 kJ/mol
        inputs = 2 * MODES + len(ELECTROLYTE_SECONDS) + MEMORY + 12
        self.network = nn.Sequential(nn.Linear(inputs, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(),
                                     nn.Linear(width, 6 + MEMORY))
        with torch.no_grad():
            self.network[-1].weight.mul_(0.1)
            self.network[-1].bias.zero_()

    @classmethod
    def of(cls, constants: CellConstants, width: int = WIDTH) -> "CellWorld":
        return cls(**{name: torch.from_numpy(value) for name, value in constants.arrays().items()}, width=width)

    def rested(self, soc_percent: Tensor, ambient_c: Tensor, soh_percent: Tensor,
               temperature_c: Tensor | None = None) -> State:
        """Cells at rest: all arguments (B,); the cell's temperature is the surroundings' unless given."""
        x_0, x_100, y_0, y_100, ohm = self.aged(soh_percent)
        share = soc_percent / 100
        kelvin = (ambient_c if temperature_c is None else temperature_c) + KELVIN
        rows = (len(soc_percent), 2 * MODES + len(ELECTROLYTE_SECONDS))
        return State(x_0 + share * (x_100 - x_0), y_0 + share * (y_100 - y_0), kelvin, ambient_c + KELVIN,
                     torch.zeros(rows), torch.zeros(rows[0], MEMORY), ohm)

    def aged(self, soh_percent: Tensor) -> tuple[Tensor, ...]:
        """x_0, x_100, y_0, y_100 and added ohm at a state of health (60 to 100 %), each (B,)."""
        place = (soh_percent - 60) / 40 * (len(self.balance) - 1)
        low = place.floor().clamp(0, len(self.balance) - 2).long()
        share = (place - low)[:, None]
        return ((1 - share) * self.balance[low] + share * self.balance[low + 1]).unbind(1)

    def at_rest(self, state: State) -> tuple[Tensor, Tensor]:
        """Equilibrium voltage and anode potential (V), both (B,)."""
        anode = self._look(0, state.x)
        return self._look(1, state.y) - anode, anode

    def step(self, state: State, c_rate: Tensor, dt_s: Tensor) -> tuple[State, Tensor, Tensor]:
        """One step of `dt_s` seconds at a constant C-rate, both (B,) or a scalar for the time.

        Returns the state, terminal voltage and anode potential (V, both (B,)) at the end of the step.
        """
        inverse = (1 / REFERENCE_K - 1 / state.kelvin) / GAS_CONSTANT * 1e4  # per 10 kJ/mol
        negative_s = self._look(2, state.x) * torch.exp(-self.negative_energy / 1e4 * inverse)
        positive_s = self._look(3, state.y) * torch.exp(-self.positive_energy / 1e4 * inverse)
        electrolyte = torch.exp(inverse[:, None] * self.electrolyte_energy - self.log_electrolyte)
        rates = torch.cat([self.root_rates / negative_s[:, None], self.root_rates / positive_s[:, None],
                           electrolyte], 1)
        current = c_rate[:, None]
        seconds = dt_s[:, None] if isinstance(dt_s, Tensor) else dt_s
        filters = current + (state.filters - current) * torch.exp(-rates * seconds)
        per_s = c_rate * (self.capacity_ah / 3600)
        x, y = state.x + per_s / self.negative_ah * dt_s, state.y - per_s / self.positive_ah * dt_s
        x_gap = self._gap(filters[:, :MODES], c_rate, negative_s, self.negative_ah)
        y_gap = -self._gap(filters[:, MODES:2 * MODES], c_rate, positive_s, self.positive_ah)
        kinetics = torch.asinh(current * self.kinetics[:, 0] * torch.exp(-inverse[:, None] * self.kinetics[:, 1]))
        duration = torch.log(seconds / 20) if isinstance(seconds, Tensor) else torch.full_like(
            current, float(torch.log(torch.tensor(seconds / 20.0))))
        out = self.network(torch.cat([
            filters, state.memory, current, kinetics, inverse[:, None], (x[:, None] - 0.45) * 3,
            (y[:, None] - 0.5) * 3, x_gap[:, None] * 5, y_gap[:, None] * 5, (x + x_gap)[:, None] * 3,
            (y + y_gap)[:, None] * 3, duration], 1))
        corrections = out[:, :6] * 0.1
        surface_x, surface_y = x + x_gap, y + y_gap
        open_v = self._look(1, surface_y + corrections[:, 0]) - self._look(0, surface_x + corrections[:, 1])
        voltage = open_v + corrections[:, 3]
        anode = self._look(0, surface_x + corrections[:, 2]) + corrections[:, 4]
        amperes = c_rate * self.capacity_ah
        watts = amperes * (corrections[:, 3] + corrections[:, 5] + amperes * state.ohm)
        kelvin = self._warmed(state, watts, dt_s)
        remembered = torch.exp(-torch.exp(inverse[:, None] * self.memory_energy - self.log_memory) * seconds)
        memory = out[:, 6:] + (state.memory - out[:, 6:]) * remembered
        after = State(x, y, kelvin, state.ambient_k, filters, memory, state.ohm)
        return after, voltage + amperes * state.ohm, anode

    def _gap(self, felt: Tensor, c_rate: Tensor, diffusion_s: Tensor, electrode_ah: float) -> Tensor:
        """Surface minus mean stoichiometry of a sphere: a third of the flux times diffusion time, mode by mode."""
        modes = felt @ self.surface_weights + self.at_once * c_rate
        return diffusion_s * modes * (self.capacity_ah / 3600 / 3 / electrode_ah)

    def _warmed(self, state: State, watts: Tensor, dt_s) -> Tensor:
        """Energy balance over a step: exact for a constant heat source."""
        steady = state.ambient_k + watts / self.cooling_w_per_k
        share = -self.cooling_w_per_k / self.heat_j_per_k * dt_s
        kept = torch.exp(share) if isinstance(share, Tensor) else float(torch.exp(torch.tensor(share)))
        return steady + (state.kelvin - steady) * kept

    def _look(self, table: int, stoichiometry: Tensor) -> Tensor:
        """Linear interpolation of a table over stoichiometry; straight on beyond its ends."""
        place = stoichiometry * (GRID - 1)
        low = place.detach().clamp(1, GRID - 3).long()
        values = self.tables[table]
        left = values[low]
        return left + (values[low + 1] - left) * (place - low)
