"""Years: how a cell's lithium is lost under any usage, from rates learnt on ageing runs of PyBaMM's DFN.

What is known is kept exact: the SEI's thickness grows with the root of time, `d(L^2)/dt = 2 k(T)`, also while the cell
rests; lost lithium is counted; capacity and resistance follow from it by the cell's own balance. Learnt is what one
stretch of current does: how long it takes once the voltage limit holds it back, how far the cell warms, how much
lithium it plates. Several networks, trained apart, answer together: where they differ, the forecast is less sure.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from tools.parameters import GAS_CONSTANT, KELVIN, REFERENCE_K

WEIGHTS = Path(__file__).parent / "weights" / "life-OKane2022.safetensors"
NETWORKS, WIDTH = 5, 40
FEATURES, TARGETS = 19, 4
PLATING_SCALE = 1e-3  # percent; plating is learnt as log(1 + plated / scale)
COOLING_S = 1500.0  # a cell's warmth decays with its heat capacity over its cooling, 80 J/K over 0.053 W/K
DISCHARGE_C_RATE = 0.5
# Rough anode potential, an input: diffusion time and exchange current of Chen et al., J. Electrochem. Soc. 167, 080534
# (2020), with the activation energies of the set; A/m2 at 1C follows from 5.1 Ah on 3.36 m2.
DIFFUSION_S, DIFFUSION_ENERGY, EXCHANGE_1C, EXCHANGE_ENERGY = 1040.0, 3.03e4, 2.2, 3.5e4
ALONG = (0.4, 0.7, 1.0)  # where along a stretch it is estimated
MAX_VOLTAGE_V = 4.2
# What was learnt: C-rate of the new cell, degC, lithium lost in percent of new capacity.
C_RATE, AMBIENT_C, LOST_PERCENT = (0.05, 2.1), (-10.0, 60.0), (0.0, 40.0)
STEP_YEARS, STEP_PERCENT, LAST_PERCENT = 0.25, 0.75, 38.0
HOURS_PER_YEAR = 8766.0


@dataclass(frozen=True)
class Cycle:
    """One way to use a cell: charge to the top of its window, rest, discharge to the bottom, rest until the next.

    Charging is constant current, then constant voltage. C-rates of the new cell; states of charge 0 to 1.
    """

    charge_c_rate: float
    low_soc: float
    high_soc: float
    temperature_c: float
    per_year: float
    discharge_c_rate: float = DISCHARGE_C_RATE

    @classmethod
    def of(cls, charge_c_rate: float, depth: float, temperature_c: float, per_year: float,
           mean_soc: float = 0.5) -> "Cycle":
        return cls(charge_c_rate, mean_soc - depth / 2, mean_soc + depth / 2, temperature_c, per_year)


@dataclass(frozen=True)
class Life:
    """Equally long arrays from new on. Lithium in percent of new capacity, with the networks' standard deviation of
    what was plated; capacity in percent of new; resistance added since new in ohm (own size of the set)."""

    years: np.ndarray
    sei_percent: np.ndarray
    plating_percent: np.ndarray
    plating_spread_percent: np.ndarray
    capacity_percent: np.ndarray
    added_ohm: np.ndarray

    def capacity_lost_percent(self) -> tuple[np.ndarray, np.ndarray]:
        """Capacity lost to SEI and to plating: what is gone, shared as the lithium is."""
        lithium = np.maximum(self.sei_percent + self.plating_percent, 1e-12)
        lost = 100 - self.capacity_percent
        return lost * self.sei_percent / lithium, lost * self.plating_percent / lithium


class LifeRates(nn.Module):
    """NETWORKS small networks over stretches of current, and the constants that turn lithium into capacity.

    `constants`: first SEI thickness (m), growth per percent of lithium (m), k at 25 degC (m2/s), its activation energy
    (J/mol), ohm per percent of SEI. `balance` (2, N): lithium lost and capacity, percent of new. `windows` (4, N):
    stoichiometries x_0, x_100, y_0, y_100 over the same losses. `potentials` (2, M): negative and positive open-circuit
    potential (V) over stoichiometry 0 to 1.
    """

    def __init__(self, constants: Tensor, balance: Tensor, windows: Tensor, potentials: Tensor, width: int = WIDTH):
        super().__init__()
        for name, value in (("constants", constants), ("balance", balance), ("windows", windows),
                            ("potentials", potentials)):
            self.register_buffer(name, value)
        self.register_buffer("shift", torch.zeros(FEATURES))
        self.register_buffer("spread", torch.ones(FEATURES))
        sizes = (FEATURES, width, width, TARGETS)
        self.weights = nn.ParameterList([torch.randn(NETWORKS, a, b) / a**0.5
                                         for a, b in zip(sizes, sizes[1:], strict=False)])
        self.biases = nn.ParameterList([torch.zeros(NETWORKS, 1, b) for b in sizes[1:]])

    def features(self, rows: Tensor) -> Tensor:
        """(N, FEATURES) of stretches (N, 6): C-rate, degC, from and to state of charge, lithium lost, added ohm."""
        c_rate, ambient_c, start, end, lost, ohm = rows.unbind(1)
        kelvin = ambient_c + KELVIN
        inverse = (1 / kelvin - 1 / REFERENCE_K) / GAS_CONSTANT
        cold = inverse * EXCHANGE_ENERGY
        x_0, x_100, y_0, y_100 = _between(self.windows, lost / self.balance[0, -1]).unbind(0)
        size, width = c_rate.abs(), (end - start).abs()
        gap = (x_100 - x_0) * c_rate / 3600 * DIFFUSION_S / 15 * torch.exp(inverse * DIFFUSION_ENERGY)
        kinetic = 2 * GAS_CONSTANT * kelvin / 96485 * torch.asinh(c_rate * EXCHANGE_1C * torch.exp(cold))
        anode = []
        for share in ALONG:
            x = x_0 + (start + share * (end - start)) * (x_100 - x_0)
            anode.append(20 * (_between(self.potentials[:1], x + gap)[0] - kinetic))
        rest_v = (_between(self.potentials[1:], y_0 + end * (y_100 - y_0))
                  - _between(self.potentials[:1], x_0 + end * (x_100 - x_0)))[0]
        return torch.stack([torch.sign(c_rate), torch.log(size + 0.01), size, cold, size * torch.exp(cold),
                            torch.log(size + 0.01) + cold, start, end, width, x_0 + start * (x_100 - x_0),
                            x_0 + end * (x_100 - x_0), lost / 10, ohm * size * 100, torch.log(width + 0.02), *anode,
                            MAX_VOLTAGE_V - rest_v, MAX_VOLTAGE_V - rest_v - kinetic], 1)

    def raw(self, rows: Tensor) -> Tensor:
        """(NETWORKS, N, TARGETS): log of the time over constant current's, log of SEI speed over the resting cell's,
        warmth at the end (10 K), log(1 + plated / scale)."""
        hidden = ((self.features(rows) - self.shift) / self.spread).expand(NETWORKS, -1, -1)
        for number, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            hidden = torch.baddbmm(bias, hidden, weight)
            if number < len(self.weights) - 1:
                hidden = torch.nn.functional.silu(hidden)
        return hidden

    def targets(self, rows: Tensor, outputs: Tensor) -> Tensor:
        """What `raw` should say for outputs (N, 4): hours, SEI speed, K warmer, percent plated."""
        hours, speed, warmer_c, plated = outputs.unbind(1)
        return torch.stack([torch.log(hours / self.shortest_hours(rows)).clamp(min=0), torch.log(speed),
                            warmer_c / 10, torch.log1p(plated / PLATING_SCALE)], 1)

    def shortest_hours(self, rows: Tensor) -> Tensor:
        """Hours of a stretch if its current holds throughout."""
        c_rate, _, start, end, lost, _ = rows.unbind(1)
        return ((end - start).abs() * self.capacity(lost) / 100 / c_rate.abs()).clamp(min=1e-4)

    def capacity(self, lost_percent: Tensor) -> Tensor:
        """Capacity in percent of new after a loss of lithium."""
        return _between(self.balance[1:], lost_percent / self.balance[0, -1])[0]

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Hours, SEI speed, K warmer, percent plated and its standard deviation, each (N,)."""
        time, speed, warmer, plated = self.raw(rows).unbind(2)
        percent = PLATING_SCALE * torch.expm1(plated.clamp(0, 12))
        charging = (rows[:, 0] > 0).float()
        hours = self.shortest_hours(rows) * torch.exp(time.mean(0).clamp(0, 5))
        return (hours, torch.exp(speed.mean(0).clamp(-0.5, 4)), 10 * warmer.mean(0), charging * percent.mean(0),
                charging * percent.std(0))

    def live(self, uses: Sequence[tuple[float, Cycle]], wear_percent: Callable[[float], float] | None = None) -> Life:
        """Live through `uses`, each for so many years, from new.

        `wear_percent(years)` is capacity lost in ways not modelled here; it counts as lithium lost, not as SEI.
        Where losses leave what was learnt they go on as they went last. A step is a quarter of a year or a tenth of the
        age, shorter where more than 0.75 % would plate; plating takes the rate of the step's middle, as the last two
        rates tell.
        """
        first_m, per_percent_m, _, _, ohm_per_percent = (float(v) for v in self.constants)
        film2, sei, plated, spread, now = first_m**2, 0.0, 0.0, 0.0, 0.0
        rows = [(0.0, 0.0, 0.0, 0.0)]
        with torch.inference_mode():
            for years, cycle in uses:
                end, last = now + years, None
                while now < end - 1e-9:
                    lost = sei + plated + (float(wear_percent(now)) if wear_percent else 0.0)
                    if lost > LAST_PERCENT:
                        break
                    warm_hours, plates, unsure = self._cycle(cycle, lost, sei * ohm_per_percent)
                    a_year = plates * cycle.per_year
                    share = min(end - now, max(STEP_YEARS, now / 10), STEP_PERCENT / max(a_year, 1e-9))
                    slope = (plates - last[1]) / (now - last[0]) if last else 0.0
                    last = (now, plates)
                    film2 += 2 * self.growth_m2_per_s(cycle.temperature_c) * 3600 * share * (
                        HOURS_PER_YEAR + cycle.per_year * warm_hours)
                    sei = (film2**0.5 - first_m) / per_percent_m
                    plated += cycle.per_year * share * max(plates + slope * share / 2, 0.0)
                    spread += cycle.per_year * share * unsure
                    now += share
                    rows.append((now, sei, plated, spread))
        if now < sum(years for years, _ in uses) - 1e-9:  # beyond what was learnt: as it went last
            before, (at, *values) = rows[-2], rows[-1]
            end = sum(years for years, _ in uses)
            rows.append((end, *(v + (v - b) / (at - before[0]) * (end - at)
                                for v, b in zip(values, before[1:], strict=True))))
        years, sei, plated, spread = np.array(rows).T
        with torch.inference_mode():
            capacity = self.capacity(torch.tensor(sei + plated, dtype=torch.float32)).numpy()
        return Life(years, sei, plated, spread, capacity, sei * ohm_per_percent)

    def growth_m2_per_s(self, temperature_c: float) -> float:
        _, _, at_reference, energy, _ = (float(v) for v in self.constants)
        return at_reference * float(np.exp(energy / GAS_CONSTANT * (1 / REFERENCE_K - 1 / (temperature_c + KELVIN))))

    def _cycle(self, cycle: Cycle, lost: float, ohm: float) -> tuple[float, float, float]:
        """Extra SEI hours (beyond those of a cell at ambient), percent plated and its deviation, for one cycle."""
        rows = torch.tensor([[cycle.charge_c_rate, cycle.temperature_c, cycle.low_soc, cycle.high_soc, lost, ohm],
                             [-cycle.discharge_c_rate, cycle.temperature_c, cycle.high_soc, cycle.low_soc, lost, ohm]],
                            dtype=torch.float32)
        hours, speed, warmer, plated, deviation = self(rows)
        # after a stretch the warmth decays: 5.4 % faster growth per K at 25 degC, the activation energy's slope
        slope = float(self.constants[3]) / GAS_CONSTANT / (cycle.temperature_c + KELVIN) ** 2
        cooling = torch.expm1(slope * warmer).clamp(-0.5, 5) * COOLING_S / 3600
        return float((hours * (speed - 1) + cooling).sum()), float(plated[0]), float(deviation[0])


def _between(tables: Tensor, place: Tensor) -> Tensor:
    """Linear interpolation of tables (K, M), each over 0 to 1, at places (N,); (K, N). Beyond its ends: their value."""
    at = (place * (tables.shape[1] - 1)).clamp(0, tables.shape[1] - 1.001)
    low = at.long()
    return tables[:, low] + (at - low) * (tables[:, low + 1] - tables[:, low])


def outside(cycle: Cycle) -> str | None:
    """Why the rates may not be used for a cycle; None where they may."""
    for value, (low, high), words in ((cycle.charge_c_rate, C_RATE, "C"), (cycle.temperature_c, AMBIENT_C, "degC")):
        if not low <= value <= high:
            return f"{value:g} {words} is outside the {low:g} to {high:g} {words} that the ageing rates were learnt for"
    return None


@lru_cache(maxsize=1)
def life_rates() -> LifeRates | None:
    """The trained rates; None where none are shipped. Raises ValueError for weights that are not what they say."""
    from safetensors import safe_open

    if not WEIGHTS.exists():
        return None
    with safe_open(WEIGHTS, "pt") as file:
        about = json.loads(file.metadata()["about"])
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    rates = LifeRates(*(tensors[name] for name in ("constants", "balance", "windows", "potentials")), about["width"])
    rates.load_state_dict(tensors)
    if about["kind"] != "life rates" or not all(bool(torch.isfinite(t).all()) for t in tensors.values()):
        raise ValueError(f"{WEIGHTS.name} holds no usable life rates: train them anew.")
    rates.about = about
    return rates.eval().requires_grad_(False)
