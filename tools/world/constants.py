"""What the world model need not learn: a cell's balances, equilibrium potentials, diffusion times and heat."""

from dataclasses import dataclass

import numpy as np

from tools.parameters import (
    GAS_CONSTANT,
    REFERENCE_K,
    SOH_RANGE_PERCENT,
    Parameterisation,
    aged_state,
    fresh_capacity_ah,
    parameter_values,
    series_ohm,
)

GRID = 4097
SOH_GRID = 41
ROOT_GROUPS = ((0, 1), (1, 2), (2, 3), (3, 4), (4, 6), (6, 9), (9, 15), (15, 30))


def sphere_modes() -> tuple[np.ndarray, np.ndarray, float]:
    """How concentration at the surface of a sphere relaxes under constant flux: rates q^2, weights 2 / q^2 and what
    is there at once.

    q are the positive roots of tan(q) = q, the weights of all of them sum to 1/5 (Crank, The Mathematics of
    Diffusion, 1975, eq. 6.45). Neighbouring high roots share a mode; those beyond the last follow at once.
    """
    roots = np.arange(1, ROOT_GROUPS[-1][1] + 1) * np.pi
    for _ in range(50):
        roots = np.arange(1, len(roots) + 1) * np.pi + np.arctan(roots)
    weights = 2 / roots**2
    summed = np.array([weights[low:high].sum() for low, high in ROOT_GROUPS])
    rates = np.array([2 * (high - low) / total for (low, high), total in zip(ROOT_GROUPS, summed, strict=True)])
    return rates, summed, 0.2 - float(summed.sum())


@dataclass(frozen=True)
class Electrode:
    """One electrode: capacity (Ah), open-circuit potential (GRID,) over stoichiometry 0 to 1 (V), diffusion time
    radius^2 / D (GRID,) at 25 degC (s) and the activation energy of D (J/mol)."""

    capacity_ah: float
    potential_v: np.ndarray
    diffusion_s: np.ndarray
    activation_j_per_mol: float


@dataclass(frozen=True)
class CellConstants:
    """Constants of a parameterisation in its own size. `balance` (SOH_GRID, 5): x_0, x_100,
    y_0, y_100 and the resistance in series (ohm) at each health."""

    capacity_ah: float
    negative: Electrode
    positive: Electrode
    heat_capacity_j_per_k: float
    cooling_w_per_k: float
    balance: np.ndarray

    def arrays(self) -> dict[str, np.ndarray]:
        """Named float32 arrays, as stored beside the weights."""
        scalars = [self.capacity_ah, self.heat_capacity_j_per_k, self.cooling_w_per_k,
                   self.negative.capacity_ah, self.negative.activation_j_per_mol,
                   self.positive.capacity_ah, self.positive.activation_j_per_mol]
        tables = np.stack([self.negative.potential_v, self.positive.potential_v,
                           self.negative.diffusion_s, self.positive.diffusion_s])
        return {"scalars": np.array(scalars, np.float32), "tables": tables.astype(np.float32),
                "balance": self.balance.astype(np.float32)}


def constants_of(parameterisation: Parameterisation) -> CellConstants:
    """Read the constants from the completed PyBaMM parameters."""
    import pybamm

    values = parameter_values(parameterisation)
    lithium = pybamm.LithiumIonParameters()
    heat = float(values.evaluate(lithium.rho_c_p_eff(pybamm.Scalar(REFERENCE_K)))) * values["Cell volume [m3]"]
    cooling = values["Total heat transfer coefficient [W.m-2.K-1]"] * values["Cell cooling surface area [m2]"]
    grid = np.linspace(*SOH_RANGE_PERCENT, SOH_GRID)
    states = [aged_state(parameterisation, float(soh)) for soh in grid]
    balance = np.array([[s.x_0, s.x_100, s.y_0, s.y_100, series_ohm(parameterisation, s)] for s in states])
    return CellConstants(fresh_capacity_ah(parameterisation), _electrode(values, lithium.n, "Negative"),
                         _electrode(values, lithium.p, "Positive"), heat, cooling, balance)


def _electrode(values, domain, side: str) -> Electrode:
    import pybamm

    stoichiometry = np.linspace(0, 1, GRID)
    inside = np.clip(stoichiometry, 1e-4, 1 - 1e-4)  # potentials run away at the very ends
    potential = _evaluated(values, domain.prim.U, pybamm.Vector(inside), REFERENCE_K)
    diffusion = values[f"{side} particle diffusivity [m2.s-1]"]

    def diffusivity(kelvin):
        found = diffusion(pybamm.Vector(inside), pybamm.Scalar(kelvin)) if callable(diffusion) else diffusion
        return np.broadcast_to(np.ravel(values.evaluate(found)) if callable(diffusion) else found, (GRID,))

    warm, cold = diffusivity(REFERENCE_K), diffusivity(263.15)
    energy = float(np.mean(np.log(warm / cold))) * GAS_CONSTANT / (1 / 263.15 - 1 / REFERENCE_K)
    return Electrode(float(values.evaluate(domain.Q_init)), potential,
                     values[f"{side} particle radius [m]"] ** 2 / warm, energy)


def _evaluated(values, function, stoichiometry, kelvin: float) -> np.ndarray:
    import pybamm

    return np.ravel(values.evaluate(function(stoichiometry, pybamm.Scalar(kelvin))))
