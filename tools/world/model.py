"""The neural world model: how a cell answers a constant current, step after step.

Physics keeps what it knows exactly: charge is counted, heat is balanced, equilibrium potentials are the cell's own,
and concentrations in the particles follow the exact relaxation of a sphere. A small network closes the rest: how
far the electrodes' surfaces and overpotentials depart from that when reaction and electrolyte are uneven.
All sizes are those of the parameterisation; rows of a batch are independent; currents are C-rates of the new cell.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from tools.parameters import GAS_CONSTANT, KELVIN, REFERENCE_K
from tools.world.constants import GRID, ROOT_GROUPS, CellConstants, sphere_modes

MODES = len(ROOT_GROUPS)
ELECTROLYTE_SECONDS = (3.0, 12.0, 40.0, 120.0, 400.0)
MEMORY = 12
MEMORY_SECONDS = (15.0, 3000.0)
WIDTH = 64


class State(NamedTuple):
    """Tensors of a batch of B cells.

    `x`, `y` (B,): mean stoichiometries; `kelvin`, `ambient_k` (B,); `filters` (F, B): the current as each relaxation
    process has felt it; `memory` (MEMORY, B); `ohm` (B,): resistance in series, what age added included.
    """

    x: Tensor
    y: Tensor
    kelvin: Tensor
    ambient_k: Tensor
    filters: Tensor
    memory: Tensor
    ohm: Tensor

    def take(self, rows: Tensor) -> "State":
        return State(*(part[..., rows] for part in self))


class CellWorld(nn.Module):
    """One cell model's world: constants as buffers, the closure as weights."""

    def __init__(self, scalars: Tensor, tables: Tensor, balance: Tensor, width: int = WIDTH):
        super().__init__()
        for name, value in (("scalars", scalars), ("tables", tables), ("balance", balance)):
            self.register_buffer(name, value)
        (self.capacity_ah, self.heat_j_per_k, self.cooling_w_per_k, self.negative_ah, self.negative_energy,
         self.positive_ah, self.positive_energy) = (float(v) for v in scalars)
        # Most sets have one diffusivity whatever the stoichiometry; then no table needs to be looked into.
        self.diffusion_s = [float(table[0]) if bool((table == table[0]).all()) else None for table in tables[2:]]
        self.register_buffer("potentials", torch.cat([tables[1], tables[0], tables[0]]), persistent=False)
        self.register_buffer("offsets", torch.tensor([[0], [GRID], [2 * GRID]]), persistent=False)
        rates, weights, self.at_once = sphere_modes()
        self.register_buffer("root_rates", torch.tensor(rates, dtype=torch.float32)[:, None], persistent=False)
        self.register_buffer("surface_weights", torch.tensor(weights, dtype=torch.float32)[None], persistent=False)
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
        count = len(soc_percent)
        return State(x_0 + share * (x_100 - x_0), y_0 + share * (y_100 - y_0), kelvin, ambient_c + KELVIN,
                     torch.zeros(2 * MODES + len(ELECTROLYTE_SECONDS), count), torch.zeros(MEMORY, count), ohm)

    def aged(self, soh_percent: Tensor) -> tuple[Tensor, ...]:
        """x_0, x_100, y_0, y_100 and added ohm at a state of health (60 to 100 %), each (B,)."""
        place = (soh_percent.clamp(60, 100) - 60) / 40 * (len(self.balance) - 1)
        low = place.floor().clamp(0, len(self.balance) - 2).long()
        share = (place - low)[:, None]
        return ((1 - share) * self.balance[low] + share * self.balance[low + 1]).unbind(1)

    def at_rest(self, state: State) -> tuple[Tensor, Tensor]:
        """Equilibrium voltage and anode potential (V), both (B,)."""
        positive, negative, _ = self._potentials(state.y, state.x, state.x)
        return positive - negative, negative

    def step(self, state: State, c_rate: Tensor, dt_s: Tensor | float) -> tuple[State, Tensor, Tensor]:
        """One step of `dt_s` seconds, a number or (B,), at constant C-rates (B,).

        Returns the state, terminal voltage and anode potential (V, both (B,)) at the end of the step.
        """
        warmth = (1 / REFERENCE_K - state.kelvin.reciprocal()) * (1e4 / GAS_CONSTANT)  # per 10 kJ/mol
        negative_s = self._diffusion_s(0, state.x, warmth, self.negative_energy)
        positive_s = self._diffusion_s(1, state.y, warmth, self.positive_energy)
        decay = self._decay(negative_s, positive_s, warmth, dt_s)
        felt = len(state.filters)
        filters = torch.lerp(c_rate.expand_as(state.filters), state.filters, decay[:felt])
        charged = c_rate * dt_s * (self.capacity_ah / 3600)
        x, y = state.x + charged / self.negative_ah, state.y - charged / self.positive_ah
        surface_x = x + self._gap(filters[:MODES], c_rate, negative_s, self.negative_ah)
        surface_y = y - self._gap(filters[MODES:2 * MODES], c_rate, positive_s, self.positive_ah)
        out = self._closure(state, filters, c_rate, warmth, (x, y, surface_x, surface_y), dt_s)
        shift_p, shift_n, shift_s, over_v, over_anode_v, heat_v = (out[:6] * 0.1).unbind(0)
        positive, negative, separator = self._potentials(surface_y + shift_p, surface_x + shift_n, surface_x + shift_s)
        amperes = c_rate * self.capacity_ah
        aged_v = amperes * state.ohm
        kelvin = self._warmed(state, amperes * (over_v + heat_v + aged_v), dt_s)
        memory = torch.lerp(out[6:], state.memory, decay[felt:])
        after = State(x, y, kelvin, state.ambient_k, filters, memory, state.ohm)
        return after, positive - negative + over_v + aged_v, separator + over_anode_v

    def _closure(self, state: State, filters: Tensor, c_rate: Tensor, warmth: Tensor, places: tuple[Tensor, ...],
                 dt_s: Tensor | float) -> Tensor:
        """The network: (6 + MEMORY, B) of shifts of the surfaces, overpotentials, heat and what to remember."""
        x, y, surface_x, surface_y = places
        scale, energy = self.kinetics.unbind(1)
        kinetics = torch.asinh(c_rate * scale[:, None] * torch.exp(-warmth * energy[:, None]))
        duration = torch.as_tensor(dt_s / 20, dtype=torch.float32).log().expand_as(x)
        found = torch.cat([filters, state.memory, c_rate[None], kinetics, torch.stack([
            warmth, (x - 0.45) * 3, (y - 0.5) * 3, (surface_x - x) * 5, (surface_y - y) * 5, surface_x * 3,
            surface_y * 3, duration])])
        first, _, second, _, last = self.network
        for layer in (first, second):
            found = nn.functional.silu(torch.addmm(layer.bias[:, None], layer.weight, found))
        return torch.addmm(last.bias[:, None], last.weight, found)

    def _decay(self, negative_s: Tensor, positive_s: Tensor, warmth: Tensor, dt_s: Tensor | float) -> Tensor:
        """What is left of each relaxation process after the step, (F + MEMORY, B)."""
        energies = torch.cat([self.electrolyte_energy, self.memory_energy])[:, None]
        seconds = torch.cat([self.log_electrolyte, self.log_memory])[:, None]
        rates = torch.cat([self.root_rates / negative_s, self.root_rates / positive_s,
                           torch.exp(warmth * energies - seconds)])
        return torch.exp(rates * -dt_s)

    def _diffusion_s(self, side: int, stoichiometry: Tensor, warmth: Tensor, energy: float) -> Tensor:
        """Radius squared over diffusivity, (B,)."""
        faster = torch.exp(warmth * (-energy / 1e4))
        constant = self.diffusion_s[side]
        if constant is not None:
            return constant * faster
        return faster * self.tables[2 + side][(stoichiometry * (GRID - 1)).long().clamp(0, GRID - 1)]

    def _gap(self, felt: Tensor, c_rate: Tensor, diffusion_s: Tensor, electrode_ah: float) -> Tensor:
        """Surface minus mean stoichiometry of a sphere: a third of the flux times diffusion time, mode by mode."""
        modes = (self.surface_weights @ felt)[0] + self.at_once * c_rate
        return diffusion_s * modes * (self.capacity_ah / 3600 / 3 / electrode_ah)

    def _warmed(self, state: State, watts: Tensor, dt_s: Tensor | float) -> Tensor:
        """Energy balance over a step: exact for a constant heat source."""
        steady = state.ambient_k + watts / self.cooling_w_per_k
        share = -self.cooling_w_per_k / self.heat_j_per_k * dt_s
        kept = torch.exp(share) if isinstance(share, Tensor) else math.exp(share)
        return steady + (state.kelvin - steady) * kept

    def _potentials(self, *stoichiometries: Tensor) -> tuple[Tensor, ...]:
        """Equilibrium potentials (V) of positive, negative and negative electrode at surface stoichiometries, each
        (B,): linear between the table's points and straight on beyond its ends."""
        place = torch.stack(stoichiometries) * (GRID - 1)
        low = place.detach().long().clamp(1, GRID - 3)
        share, low = place - low, low + self.offsets
        left = self.potentials[low]
        return torch.addcmul(left, self.potentials[low + 1] - left, share).unbind(0)
