"""Ageing in the DFN: lithium lost to SEI growth and to plating, for a charge, a cycle or a life.

The ageing parameters, chosen against measured fade (`python -m eval.run ageing` prints the comparison anew):

* SEI: solvent-diffusion limited with every constant of O'Kane et al., Phys. Chem. Chem. Phys. 24, 7909 (2022), on the
  particles and on their initial cracks: 3.1 % of capacity in the first year at 25 degC, where Schmalstieg et al.,
  J. Power Sources 257, 325 (2014), have 2.4 % in their fit; without the cracks it would be 1.1 %. The cracks add SEI
  only: PyBaMM's cracking submodel lets them carry the cell's current too, which makes it another cell than the one
  simulated over minutes (anode potential 10 mV lower in a 0.5C charge at 0 degC).
* Plating: rate constant and transfer coefficient of O'Kane et al., but lithium metal has unit activity: nothing plates
  while the local anode potential is above 0 V, below it the net Butler-Volmer rate, and all of it is lost ("onset").

Neither of PyBaMM's own options meets what was measured. Commercial NMC811 21700 cells lose 49 % (0.5C) and 25 % (1C) in
200 full cycles at 0 degC (Wang et al., Energies 14, 4724 (2021)): 0.25 and 0.13 % a cycle. This DFN loses 0.01 % in
either with "partially reversible" plating, where metal must first be 5 % of the cell's lithium to reach the activity
that stops it, and 4 to 5 % with "irreversible"; with the onset 0.08 and 0.30 %: as much as measured in the geometric
mean, with nothing fitted, though in the other order (the paper's abstract gives no more of the protocol: full CC-CV
cycles are assumed). "irreversible" plates above 0 V too (3 % in a 25 degC cycle that costs at most 0.04 % by LG's 500
cycles to 80 %), so no smaller rate constant can serve both temperatures.
The three other parameter sets describe no ageing: these constants are transferred to them for comparisons only.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from tools.parameters import (
    FARADAY_C_PER_MOL,
    GAS_CONSTANT,
    KELVIN,
    OKANE2022,
    REFERENCE_K,
    AgedState,
    CellModel,
    Parameterisation,
    aged_state,
    balance_after_loss,
    fresh_capacity_ah,
    parameter_values,
    particle_area_m2,
)
from tools.plans import Charge
from tools.riding import Stage
from tools.simulation import ANODE_POTENTIAL, TEMPERATURE, rested_inputs

NO_AGEING_MODEL = "unknown: the parameterisation describes no ageing"
Plating = Literal["onset", "partially reversible", "irreversible"]
PLATINGS: tuple[Plating, ...] = ("onset", "partially reversible", "irreversible")
# Plating within 1 % of the minute model's fine mesh at 0 and 10 degC, 0.5C and 1C (its coarse one: 4 %).
MESH = {"x_n": 10, "x_s": 5, "x_p": 8, "r_n": 15, "r_p": 12}
REST_S = 3600.0  # after a charge, reversibly plated lithium strips or dies within the hour
UNLIMITED_V = 10.0
SEI_LOSS = "Loss of lithium to negative SEI [mol]"
PLATED_LOSS = "Loss of lithium to negative lithium plating [mol]"
AREA_RATIO = OKANE2022.film_area_ratio


def has_ageing(model: CellModel) -> bool:
    """Only OKane2022 has SEI growth and plating fitted to a cell, and only for that cell is it claimed."""
    return model.parameterisation is OKANE2022 and model.stand_in is None


@dataclass(frozen=True)
class LithiumLost:
    """Lithium lost to SEI and to plating, percent of the new cell's capacity."""

    sei_percent: float = 0.0
    plating_percent: float = 0.0

    @property
    def total_percent(self) -> float:
        return self.sei_percent + self.plating_percent

    def __add__(self, other: "LithiumLost") -> "LithiumLost":
        return LithiumLost(self.sei_percent + other.sei_percent, self.plating_percent + other.plating_percent)


@dataclass(frozen=True)
class Sample:
    """One stretch, sampled: equally long arrays; current in A of the parameterisation, positive when charging."""

    t_s: np.ndarray
    current_a: np.ndarray
    voltage_v: np.ndarray
    temperature_c: np.ndarray
    anode_potential_v: np.ndarray
    sei_percent: np.ndarray
    plating_percent: np.ndarray

    @property
    def charged_ah(self) -> np.ndarray:
        """Charge put in since the start of the stretch."""
        mean_a = (self.current_a[1:] + self.current_a[:-1]) / 2
        return np.concatenate([[0.0], np.cumsum(mean_a * np.diff(self.t_s)) / 3600])


class AgeingCell:
    """A cell at rest that can be charged, rested and discharged while it ages; sizes are the parameterisation's.

    `before` is what it has lost already; `lost` counts from there. It begins at ambient temperature unless `start_c`
    is given.
    """

    def __init__(self, parameterisation: Parameterisation, ambient_c: float, soc: float,
                 before: LithiumLost | AgedState = LithiumLost(), plating: Plating = "onset",
                 start_c: float | None = None):
        self.parameterisation = parameterisation
        self.aged = before if isinstance(before, AgedState) else worn(parameterisation, before)
        self._solver, self._model = _built(parameterisation, plating)
        self._inputs = {"Initial SEI thickness [m]": new_film_m() + self.aged.film_thickness_m,
                        **rested_inputs(parameterisation, self.aged, soc, ambient_c, start_c)}
        self._solution = None
        self.hold(0.0, 3.0)  # the current control settles

    def hold(self, current_a: float, seconds: float, samples: int = 2, max_voltage_v: float = UNLIMITED_V) -> Sample:
        """`current_a` (negative discharges) for so long, held back where the voltage reaches its limit."""
        self._solution = self._solver.step(
            self._solution, self._model, seconds, t_interp=np.linspace(0, seconds, samples), save=False,
            inputs=self._inputs | {"CCCV current function [A]": -current_a, "Voltage function [V]": max_voltage_v})
        found, share = self._solution, 100 * FARADAY_C_PER_MOL / 3600 / fresh_capacity_ah(self.parameterisation)
        return Sample(np.asarray(found.t) - float(found.t[0]), -found["Current [A]"].entries,
                      found["Voltage [V]"].entries, found[TEMPERATURE].entries, found[ANODE_POTENTIAL].entries,
                      found[SEI_LOSS].entries * share, found[PLATED_LOSS].entries * share)

    @property
    def temperature_c(self) -> float:
        return float(self._solution[TEMPERATURE].entries[-1])

    @property
    def lost(self) -> LithiumLost:
        """Lost since the start; lithium that is plated now and may yet strip counts as lost."""
        share = 100 * FARADAY_C_PER_MOL / 3600 / fresh_capacity_ah(self.parameterisation)
        return LithiumLost(*(float(self._solution[name].entries[-1]) * share for name in (SEI_LOSS, PLATED_LOSS)))


@lru_cache(maxsize=256)
def worn(parameterisation: Parameterisation, lost: LithiumLost) -> AgedState:
    """The cell that has lost this lithium: stoichiometries shifted by all of it, a film from what the SEI took."""
    state = balance_after_loss(parameterisation, lost.total_percent / 100 * fresh_capacity_ah(parameterisation))
    grown_m = film_growth_m(parameterisation, lost.sei_percent)
    ohm = grown_m * ageing_values(parameterisation)["SEI resistivity [Ohm.m]"] / particle_area_m2(
        parameter_values(parameterisation))
    return AgedState(100 * state["Q"] / fresh_capacity_ah(parameterisation), state["Q"], state["x_0"],
                     state["x_100"], state["y_0"], state["y_100"], ohm, grown_m)


def capacity_percent(parameterisation: Parameterisation, lost: LithiumLost) -> float:
    """Capacity between the voltage limits at rest, percent of new."""
    return worn(parameterisation, lost).soh_percent


def film_growth_m(parameterisation: Parameterisation, sei_percent: float) -> float:
    """Thickness of the SEI that holds this much lithium, on particles and cracks."""
    values = ageing_values(parameterisation)
    moles = sei_percent / 100 * fresh_capacity_ah(parameterisation) * 3600 / FARADAY_C_PER_MOL
    area_m2 = particle_area_m2(parameter_values(parameterisation)) * AREA_RATIO
    return moles * values["SEI partial molar volume [m3.mol-1]"] / area_m2


def sei_percent_of(parameterisation: Parameterisation, grown_m: float) -> float:
    """Percent of the new capacity in an SEI that has grown by `grown_m`."""
    return grown_m / film_growth_m(parameterisation, 1.0)


def new_film_m() -> float:
    return parameter_values(OKANE2022)["Initial SEI thickness [m]"]


def sei_growth_m2_per_s(kelvin):
    """Rate of the SEI thickness squared, over 2: L dL/dt = c D V exp(-E/R (1/T - 1/298.15 K)), any shape."""
    values = parameter_values(OKANE2022)
    at_reference = (values["Bulk solvent concentration [mol.m-3]"] * values["SEI solvent diffusivity [m2.s-1]"]
                    * values["SEI partial molar volume [m3.mol-1]"])
    energy = values["SEI growth activation energy [J.mol-1]"]
    return at_reference * np.exp(energy / GAS_CONSTANT * (1 / REFERENCE_K - 1 / kelvin))


def sei_loss_percent(temperature_c: float, seconds: float) -> float:
    """Capacity (percent of new) that SEI has taken after `seconds` at this temperature, from a new OKane2022 cell.

    PyBaMM's solvent-diffusion-limited SEI in closed form, L = sqrt(L0^2 + 2 k t), on particles and initial cracks.
    """
    first_m = new_film_m()
    grown_m = np.sqrt(first_m**2 + 2 * sei_growth_m2_per_s(temperature_c + KELVIN) * seconds) - first_m
    return float(sei_percent_of(OKANE2022, grown_m))


def lithium_lost(charge: Charge, stages: tuple[Stage, ...], period_min: float) -> LithiumLost:
    """Lithium lost over a charge by `stages` and rest until `period_min`, at least an hour of it.

    Two charges compare fairly only over the same period, as SEI grows with time.
    """
    model = charge.model
    aged = aged_state(model.parameterisation, round(charge.soh_percent, 2))
    cell = AgeingCell(model.parameterisation, charge.temperature_c, charge.soc_percent / 100, aged)
    soc, spent_s = charge.soc_percent, 0.0
    for stage in stages:
        current_a = stage.current_a / model.scale
        seconds = (stage.until_soc_percent - soc) * 36 * aged.capacity_ah / current_a
        cell.hold(current_a, seconds)
        soc, spent_s = stage.until_soc_percent, spent_s + seconds
    cell.hold(0.0, max(period_min * 60 - spent_s, REST_S))
    return cell.lost


@lru_cache(maxsize=8)
def ageing_values(parameterisation: Parameterisation):
    """Parameters with the ageing constants of OKane2022, its own or transferred; copy before changing.

    SEI on cracks of `AREA_RATIO` times the particles' surface: each mole of film takes that many moles of lithium, and
    solvent arrives as much faster, so the film grows as it would without.
    """
    values, source = parameter_values(parameterisation).copy(), parameter_values(OKANE2022)
    names = [name for name in source if "SEI" in name or "plating" in name.lower() or "ead lithium" in name
             or name.startswith(("Bulk solvent", "Lithium metal", "Lithium interstitial", "EC ", "Exchange-current "
                                 "density for stripping", "Initial plated", "Typical plated"))]
    first_m = source["Initial SEI thickness [m]"]
    values.update({name: source[name] for name in names} | {
        "Ratio of lithium moles to SEI moles": AREA_RATIO,
        "SEI solvent diffusivity [m2.s-1]": source["SEI solvent diffusivity [m2.s-1]"] * AREA_RATIO,
        # PyBaMM takes the run's own first thickness, which for an aged cell is not the new cell's
        "Dead lithium decay rate [s-1]":
            lambda thickness_m: source["Dead lithium decay constant [s-1]"] * first_m / thickness_m,
    }, check_already_exists=False)
    return values


@lru_cache(maxsize=8)
def _built(parameterisation: Parameterisation, plating: Plating):
    """(solver, discretised model): current, voltage limit, temperatures, stoichiometries and film are inputs."""
    import pybamm

    pybamm.set_logging_level("ERROR")
    values = ageing_values(parameterisation).copy()
    values.update({name: "[input]" for name in (
        "CCCV current function [A]", "Voltage function [V]", "Ambient temperature [K]", "Initial temperature [K]",
        "Initial SEI thickness [m]", "Initial concentration in negative electrode [mol.m-3]",
        "Initial concentration in positive electrode [mol.m-3]")}, check_already_exists=False)
    values.update({"Upper voltage cut-off [V]": 6.0, "Lower voltage cut-off [V]": 0.5})
    model = pybamm.lithium_ion.DFN({
        "thermal": "lumped", "SEI": "solvent-diffusion limited", "SEI film resistance": "average",
        "contact resistance": "true", "operating mode": "CCCV",
        "lithium plating": "irreversible" if plating == "onset" else plating}, build=False)
    if plating == "onset":
        name = "negative primary lithium plating"
        model.submodels[name] = _onset_plating(model.submodels[name])
    model.build_model()
    simulation = pybamm.Simulation(
        model, parameter_values=values, var_pts=MESH,
        solver=pybamm.IDAKLUSolver(rtol=1e-5, atol=1e-8, options={"max_num_steps": 20000}))
    simulation.build()
    return simulation.solver, simulation.built_model


def _onset_plating(stock):
    """PyBaMM's irreversible plating, with the net Butler-Volmer rate below 0 V and none above."""
    import pybamm

    class OnsetPlating(pybamm.lithium_plating.Plating):
        def get_coupled_variables(self, variables):
            self._conditions = (variables["Negative electrolyte concentration [mol.m-3]"],
                                variables["Negative electrode temperature [K]"])
            return super().get_coupled_variables(variables)

        def _get_standard_overpotential_variables(self, eta_stripping):
            self._eta_v = eta_stripping
            return super()._get_standard_overpotential_variables(eta_stripping)

        def _get_standard_reaction_variables(self, j_stripping):
            electrolyte, kelvin = self._conditions
            below = -self._eta_v * self.param.F / (self.param.R * kelvin)
            net = (pybamm.exp(self.phase_param.alpha_plating * below)
                   - pybamm.exp(-self.phase_param.alpha_stripping * below))
            exchange = self.phase_param.j0_plating(electrolyte, pybamm.Scalar(0), kelvin)
            return super()._get_standard_reaction_variables(-exchange * pybamm.maximum(net, 0))

    return OnsetPlating(stock.param, stock.domain, stock.x_average, stock.options, stock.phase)
