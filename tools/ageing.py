"""What one charge costs: lithium lost to SEI and plating in the DFN with OKane2022's own ageing."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tools.parameters import (
    FARADAY_C_PER_MOL,
    OKANE2022,
    CellModel,
    fresh_capacity_ah,
    parameter_values,
    particle_area_m2,
)
from tools.plans import Charge
from tools.riding import Stage
from tools.simulation import COARSE_MESH

NO_AGEING_MODEL = "unknown: the parameterisation describes no ageing"
SEI_LOSS = "Loss of lithium to negative SEI [mol]"
DEAD_LITHIUM = "X-averaged negative dead lithium concentration [mol.m-3]"
REST_S = 3600.0  # after a charge, reversibly plated lithium strips or dies within the hour
GAS_CONSTANT = 8.314462618


def has_ageing(model: CellModel) -> bool:
    """Only OKane2022 has SEI growth and plating fitted to a cell, and only for that cell is it claimed."""
    return model.parameterisation is OKANE2022 and model.stand_in is None


@dataclass(frozen=True)
class LithiumLost:
    """Percent of the new cell's capacity lost in one charge and the rest after it."""

    sei_percent: float
    plating_percent: float

    @property
    def total_percent(self) -> float:
        return self.sei_percent + self.plating_percent


@lru_cache(maxsize=1)
def _built():
    """(solver, model) of OKane2022 with solvent-diffusion-limited SEI and partially reversible plating.

    Partially reversible is what O'Kane et al. fitted: part of the plated lithium strips again, the rest dies.
    """
    import pybamm

    pybamm.set_logging_level("ERROR")
    values = parameter_values(OKANE2022).copy()
    values.update({name: "[input]" for name in (
        "Current function [A]", "Ambient temperature [K]", "Initial temperature [K]", "Initial SEI thickness [m]",
        "Initial concentration in negative electrode [mol.m-3]",
        "Initial concentration in positive electrode [mol.m-3]")})
    values.update({"Upper voltage cut-off [V]": 6.0, "Lower voltage cut-off [V]": 0.5})
    model = pybamm.lithium_ion.DFN({
        "thermal": "lumped", "SEI": "solvent-diffusion limited", "SEI film resistance": "average",
        "lithium plating": "partially reversible"})
    simulation = pybamm.Simulation(model, parameter_values=values, var_pts=COARSE_MESH,
                                   solver=pybamm.IDAKLUSolver(rtol=1e-6, atol=1e-8))
    simulation.build()
    return simulation.solver, simulation.built_model


def lithium_lost(charge: Charge, stages: tuple[Stage, ...], period_min: float) -> LithiumLost:
    """Lithium lost over a charge by `stages` and rest until `period_min`, at least an hour of it.

    Two charges compare fairly only over the same period, as SEI grows with time.
    """
    cell, solution, soc, spent_s = charge.virtual(), None, charge.soc_percent, 0.0
    steps = []
    for stage in stages:
        steps.append((stage.current_a, (stage.until_soc_percent - soc) * 36 * cell.capacity_ah / stage.current_a))
        soc, spent_s = stage.until_soc_percent, spent_s + steps[-1][1]
    steps.append((0.0, max(period_min * 60 - spent_s, REST_S)))
    solver, model = _built()
    for current_a, duration_s in steps:
        inputs = cell.inputs(current_a, charge.soc_percent)
        # SEI thickens on top of what age has grown, which slows it; a new cell starts at the set's 5 nm.
        inputs["Initial SEI thickness [m]"] = (
            parameter_values(OKANE2022)["Initial SEI thickness [m]"] + cell.aged.film_thickness_m)
        solution = solver.step(solution, model, duration_s, t_interp=np.linspace(0, duration_s, 2), inputs=inputs,
                               save=False)
    values = parameter_values(OKANE2022)
    volume_m3 = (values["Negative electrode thickness [m]"] * values["Electrode height [m]"]
                 * values["Electrode width [m]"])
    dead_mol = float(solution[DEAD_LITHIUM].entries[-1]) * volume_m3
    return LithiumLost(_percent(float(solution[SEI_LOSS].entries[-1])), _percent(dead_mol))


def sei_loss_percent(temperature_c: float, seconds: float) -> float:
    """Capacity (percent of new) that SEI has taken after `seconds` at this temperature, from a new cell.

    PyBaMM's solvent-diffusion-limited SEI in closed form: L dL/dt = c D V exp(-E/R (1/T - 1/T_ref)) / z, so
    L = sqrt(L0^2 + 2 k t), on particles and initial cracks.
    """
    values = parameter_values(OKANE2022)
    kelvin, volume = temperature_c + 273.15, values["SEI partial molar volume [m3.mol-1]"]
    arrhenius = np.exp(values["SEI growth activation energy [J.mol-1]"] / GAS_CONSTANT * (1 / 298.15 - 1 / kelvin))
    growth = (values["Bulk solvent concentration [mol.m-3]"] * values["SEI solvent diffusivity [m2.s-1]"] * volume
              * arrhenius / values["Ratio of lithium moles to SEI moles"])
    first_m = values["Initial SEI thickness [m]"]
    grown_m = np.sqrt(first_m**2 + 2 * growth * seconds) - first_m
    area_m2 = particle_area_m2(values) * OKANE2022.film_area_ratio
    return _percent(grown_m * area_m2 / volume * values["Ratio of lithium moles to SEI moles"])


def _percent(moles: float) -> float:
    return 100 * moles * FARADAY_C_PER_MOL / 3600 / fresh_capacity_ah(OKANE2022)
