"""Which PyBaMM parameterisation stands for a cell, and what an aged cell is in it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from tools.cells import Cell
from tools.errors import CannotAnswer

FARADAY_C_PER_MOL, GAS_CONSTANT = 96485.33212, 8.314462618
KELVIN, REFERENCE_K = 273.15, 298.15
SOH_RANGE_PERCENT = (60.0, 100.0)
RESISTANCE_DOUBLES_AT_SOH_PERCENT = 80.0


@dataclass(frozen=True)
class Parameterisation:
    """A published parameter set, what completes it, and where it holds.

    `completion(values)` adds what the published set lacks, each value with its source in the code.
    `film_area_ratio`: surface on which SEI grows over the particles' own surface (cracks included).
    `fresh_resistance_ohm`: 10 s charge resistance at 50 %, 25 degC of the set as simulated here; None where the
    set describes SEI growth on this very cell, so that its own film says how resistance rises.
    """

    name: str
    citation: str
    chemistry: str
    represents: str
    temperature_range_c: tuple[float, float]
    completion: Callable[[dict[str, Any]], dict[str, Any]]
    film_area_ratio: float = 1.0
    fresh_resistance_ohm: float | None = None


# What is calibrated below is printed against measured cells, before and after, by python -m eval.run simulator.
LAYERS = ("Negative electrode", "Separator", "Positive electrode", "Negative current collector",
          "Positive current collector")


def _complete_okane(values) -> dict[str, Any]:
    # Fitted to measured LG M50 cells (25 degC, C/10 discharge and C/3 charge of two cells; checked on four others
    # and at 0 and 10 degC, see above): the positive electrode's capacity. Held-out C/3 charges are 34 mV off
    # (RMSE) instead of 42, C/2 discharges 115 instead of 133. The negative electrode, and with it plating and SEI,
    # stays as published.
    positive = {"Positive electrode active material volume fraction":
                0.905 * values["Positive electrode active material volume fraction"]}
    # Heat capacity 80 J/K (the set's layers have 42.8): energy lost over a full cycle over the integral of the
    # temperature rise gives the conductance to the chamber, the decay after a discharge its time constant: 76 to
    # 86 J/K on four cells at 0 and 10 degC, their clamps included. That chamber's moving air cools at 30 W/m2/K; the
    # set's 10 W/m2/K stays, as it is still air.
    heat = {f"{layer} specific heat capacity [J.kg-1.K-1]":
            80 / 42.8 * values[f"{layer} specific heat capacity [J.kg-1.K-1]"] for layer in LAYERS}
    return positive | heat


def _complete_mohtat(values) -> dict[str, Any]:
    # The set's cooling area, 0.41 m2, is its electrode unrolled. Folded into a pouch about 4 mm thick the same
    # volume has two faces of volume / 4 mm each; the edges are left out, which errs to the warm side.
    # Its fitted entropy makes a charging cell cool by 5 K at 0.8C: zero as in the other sets, again the warm side.
    return {"Cell cooling surface area [m2]": 2 * values["Cell volume [m3]"] / 4e-3,
            "Negative electrode OCP entropic change [V.K-1]": 0.0,
            "Positive electrode OCP entropic change [V.K-1]": 0.0}


def _complete_ecker(values) -> dict[str, Any]:
    # The set describes one 0.156 Ah electrode pair with that pair's own faces as cooling area. In the
    # 7.5 x 106 x 100 mm pouch (the part number's dimensions) 48 pairs share the pouch's outer surface.
    faces_m2 = 2 * (0.106 * 0.100 + 0.0075 * 0.106 + 0.0075 * 0.100)
    pairs = 7.5 / values["Nominal cell capacity [A.h]"]
    return {"Cell cooling surface area [m2]": faces_m2 / pairs, "Cell volume [m3]": 0.0075 * 0.106 * 0.100 / pairs}


def _graphite_ocp(x):
    """Open-circuit potential (V) of graphite: Safari and Delacourt, J. Electrochem. Soc. 158, A562 (2011)."""
    return (0.6379 + 0.5416 * np.exp(-305.5309 * x) + 0.044 * np.tanh(-(x - 0.1958) / 0.1088)
            - 0.1978 * np.tanh((x - 1.0571) / 0.0854) - 0.6875 * np.tanh((x + 0.0117) / 0.0529)
            - 0.0175 * np.tanh((x - 0.5692) / 0.0875))


def _lfp_ocp(y):
    """Open-circuit potential (V) of LFP, between charge and discharge: Safari and Delacourt (2011)."""
    return (3.4323 - 0.8428 * np.exp(-80.2493 * (1 - y) ** 1.3198) - 3.2474e-6 * np.exp(20.2645 * (1 - y) ** 3.8003)
            + 3.2482e-6 * np.exp(20.2646 * (1 - y) ** 3.7995))


def _complete_prada(values) -> dict[str, Any]:
    import pybamm

    # Foils: Chen et al., J. Electrochem. Soc. 167, 080534 (2020), as Prada et al. give none.
    foils = {
        f"{side} current collector {key}": value
        for side, thickness, conductivity, density, heat, thermal in (
            ("Negative", 12e-6, 58411000.0, 8960.0, 385.0, 401.0),
            ("Positive", 16e-6, 36914000.0, 2700.0, 897.0, 237.0))
        for key, value in (("thickness [m]", thickness), ("conductivity [S.m-1]", conductivity),
                           ("density [kg.m-3]", density), ("specific heat capacity [J.kg-1.K-1]", heat),
                           ("thermal conductivity [W.m-1.K-1]", thermal))
    }
    # 26 mm x 65 mm cylinder (datasheet). Cell heat capacity 1100 J/kg/K measured on this cell by Forgez et al.,
    # J. Power Sources 195, 2961 (2010); mass 76 g (datasheet). Every layer gets the cell's mean, which is what a
    # lumped model uses. Free air convection 10 W/m2/K as in the other sets.
    volume_m3 = 3.14159265 * 0.013**2 * 0.065
    mean_density = 0.076 / volume_m3
    layers = {f"{layer} {key}": value
              for layer in LAYERS
              for key, value in (("density [kg.m-3]", mean_density), ("specific heat capacity [J.kg-1.K-1]", 1100.0),
                                 ("thermal conductivity [W.m-1.K-1]", 1.0))}
    # The set is for 25 degC. Activation energies, so that cold charging is not too rosy: graphite diffusion
    # 30.3 kJ/mol and electrolyte 17.1 kJ/mol, both Ecker et al., J. Electrochem. Soc. 162, A1836 (2015).
    def scaled(reference, energy_j_per_mol):
        def value(*arguments):
            base = reference(*arguments) if callable(reference) else reference
            return base * pybamm.exp(energy_j_per_mol / 8.314462618 * (1 / 298.15 - 1 / arguments[-1]))
        return value
    cold = {"Negative particle diffusivity [m2.s-1]": scaled(values["Negative particle diffusivity [m2.s-1]"], 30300.0),
            "Electrolyte conductivity [S.m-1]": scaled(values["Electrolyte conductivity [S.m-1]"], 17100.0),
            "Electrolyte diffusivity [m2.s-1]": scaled(values["Electrolyte diffusivity [m2.s-1]"], 17100.0)}
    # Open-circuit voltage. Prada et al. print no potentials; PyBaMM lends the set graphite with SiOx of another cell.
    # Those of a graphite/LFP cell instead, and the window that the C/30 average of charge and discharge at 25 degC
    # of a measured A123 26650 has in them, which needs 0.29 (of 0.374) active LFP: 6 mV off instead of 100 mV.
    window = {"Negative electrode OCP [V]": _graphite_ocp, "Positive electrode OCP [V]": _lfp_ocp,
              "Positive electrode active material volume fraction": 0.290,
              "Initial concentration in negative electrode [mol.m-3]":
                  0.7785 * values["Maximum concentration in negative electrode [mol.m-3]"],
              "Initial concentration in positive electrode [mol.m-3]":
                  0.0273 * values["Maximum concentration in positive electrode [mol.m-3]"]}
    # Resistance. PyBaMM lends graphite the kinetics of the LG M50, which alone resist 36 mOhm; the whole cell has 9.7.
    # Rate constant and a series resistance (foils, tabs) are fitted to the 1 s resistance of the same cell type in
    # drive cycles at 5 and 25 degC, the rate constant's activation energy is Ecker et al.'s (2015) for graphite.
    # Held out: 3 % too low at 35, 5 % at -5, 29 % at -25 degC, so in deep cold it is too rosy. LFP's hysteresis
    # (20 mV either way at 25 degC, 35 at -5) is in no set.
    def exchange_current(c_e, c_surface, c_max, kelvin):
        arrhenius = pybamm.exp(53400.0 / 8.314462618 * (1 / 298.15 - 1 / kelvin))
        return 1.014e-5 * arrhenius * (c_e * c_surface * (c_max - c_surface)) ** 0.5
    resistance = {"Negative electrode exchange-current density [A.m-2]": exchange_current,
                  "Contact resistance [Ohm]": 0.00435}
    # SEI film constants only carry the resistance rise of an aged cell: the values of PyBaMM's other sets.
    film = {"SEI resistivity [Ohm.m]": 2e5, "SEI partial molar volume [m3.mol-1]": 9.585e-5,
            "Ratio of lithium moles to SEI moles": 2.0, "Initial SEI thickness [m]": 5e-9}
    surface_m2 = 3.14159265 * (0.026 * 0.065 + 2 * 0.013**2)
    return foils | layers | cold | window | resistance | film | {
        "Cell cooling surface area [m2]": surface_m2, "Cell volume [m3]": volume_m3,
        "Total heat transfer coefficient [W.m-2.K-1]": 10.0}


# film_area_ratio of OKane2022: its initial cracks, 1 + 2 x length x width x density = 1 + 2 x 20 nm x 15 nm x 3.18e15.
OKANE2022 = Parameterisation(
    "OKane2022", "O'Kane et al., Phys. Chem. Chem. Phys. 24, 7909 (2022)", "NMC", "LG M50, 5 Ah", (-20.0, 60.0),
    _complete_okane, film_area_ratio=2.908)
PRADA2013 = Parameterisation(
    "Prada2013", "Prada et al., J. Electrochem. Soc. 160, A616 (2013), completed and calibrated", "LFP",
    "A123 26650", (-20.0, 60.0), _complete_prada, fresh_resistance_ohm=0.0097)
MOHTAT2020 = Parameterisation(
    "Mohtat2020", "Mohtat et al., J. Electrochem. Soc. 167, 110561 (2020)", "NMC", "UMich NMC532 pouch, 5 Ah",
    (-20.0, 60.0), _complete_mohtat, fresh_resistance_ohm=0.0103)
ECKER2015 = Parameterisation(
    "Ecker2015", "Ecker et al., J. Electrochem. Soc. 162, A1836 and A1849 (2015), scaled to 7.5 Ah", "NMC",
    "Kokam 7.5 Ah pouch", (-20.0, 60.0), _complete_ecker, fresh_resistance_ohm=0.283)
PARAMETERISATIONS = (OKANE2022, PRADA2013, MOHTAT2020, ECKER2015)

OWN = {"lg-inr21700-m50lt": OKANE2022, "lg-inr21700-m50t": OKANE2022, "lg-inr21700-m50": OKANE2022,
       "a123-anr26650m1-b": PRADA2013, "umich-nmc532-pouch": MOHTAT2020, "kokam-slpb75106100": ECKER2015}
STAND_INS = {"NMC": OKANE2022, "NCA": OKANE2022, "Ni-rich": OKANE2022, "not stated": OKANE2022, "LFP": PRADA2013}


@dataclass(frozen=True)
class CellModel:
    """A parameterisation standing for a cell at the cell's own size.

    `scale` is cell current over the set's current at equal C-rate. `stand_in` is the sentence that names a
    parameterisation which is not the cell's own; None where it is.
    """

    cell: Cell
    parameterisation: Parameterisation
    scale: float
    stand_in: str | None

    @property
    def fresh_capacity_ah(self) -> float:
        return self.cell.capacity_nominal_ah


def model_of(cell: Cell) -> CellModel:
    """The parameterisation for `cell`, scaled to its capacity.

    Raises CannotAnswer for a chemistry that no parameterisation covers and for a cell of unknown capacity.
    """
    own = OWN.get(cell.id)
    chosen = own or STAND_INS.get(cell.chemistry)
    if chosen is None:
        raise CannotAnswer(f"No parameterisation covers {cell.name} ({cell.chemistry_stated}), so it cannot be "
                           "simulated; the nearest that can are LG M50LT (NMC) and A123 26650 (LFP).")
    if cell.capacity_nominal_ah is None:
        raise CannotAnswer(f"No source states the capacity of {cell.name}, so it cannot be simulated.")
    scale = cell.capacity_nominal_ah / fresh_capacity_ah(chosen)
    return CellModel(cell, chosen, scale, None if own else _stand_in_sentence(cell, chosen))


def has_model(cell: Cell) -> bool:
    return cell.capacity_nominal_ah is not None and (cell.id in OWN or cell.chemistry in STAND_INS)


def _stand_in_sentence(cell: Cell, chosen: Parameterisation) -> str:
    why = f"same chemistry family, {cell.chemistry_stated}"
    if cell.chemistry == "not stated":
        why = "the chemistry is not stated, its voltage window is that of layered oxides"
    return (f"{cell.name} has no parameterisation of its own: {chosen.name} ({chosen.represents}; {why}) stands in, "
            f"scaled to {cell.capacity_nominal_ah:g} Ah, so simulated values are indicative only.")


@lru_cache(maxsize=8)
def parameter_values(parameterisation: Parameterisation):
    """The completed PyBaMM ParameterValues; copy before changing."""
    import pybamm

    values = pybamm.ParameterValues(parameterisation.name)
    values.update(parameterisation.completion(values), check_already_exists=False)
    return values


@dataclass(frozen=True)
class AgedState:
    """Electrode state of a cell of given health, in the parameterisation's own size.

    Stoichiometries (negative x, positive y) at 0 and 100 % charge, capacity in Ah, resistance added since new in ohm
    and the thickness in m of the SEI film that has it.
    """

    soh_percent: float
    capacity_ah: float
    x_0: float
    x_100: float
    y_0: float
    y_100: float
    added_resistance_ohm: float
    film_thickness_m: float


@lru_cache(maxsize=8)
def _electrode_solver(parameterisation: Parameterisation):
    """PyBaMM's electrode state-of-health solver and (Q_n, Q_p, Q_Li) in Ah of the fresh cell."""
    import pybamm

    values = parameter_values(parameterisation)
    parameters = pybamm.LithiumIonParameters()
    solver = pybamm.lithium_ion.ElectrodeSOHSolver(values, param=parameters)
    quantities = (parameters.n.Q_init, parameters.p.Q_init, parameters.Q_Li_particles_init)
    totals = tuple(float(values.evaluate(quantity)) for quantity in quantities)
    return solver, totals


def _balance(parameterisation: Parameterisation, lithium_ah: float) -> dict[str, float]:
    solver, (negative_ah, positive_ah, _) = _electrode_solver(parameterisation)
    solution = solver.solve({"Q_n": negative_ah, "Q_p": positive_ah, "Q_Li": lithium_ah})
    return {key: float(solution[key]) for key in ("x_0", "x_100", "y_0", "y_100", "Q")}


def balance_after_loss(parameterisation: Parameterisation, lost_ah: float) -> dict[str, float]:
    """x_0, x_100, y_0, y_100 and capacity Q (Ah) of a cell that has lost this much cyclable lithium."""
    return _balance(parameterisation, _electrode_solver(parameterisation)[1][2] - lost_ah)


@lru_cache(maxsize=8)
def fresh_capacity_ah(parameterisation: Parameterisation) -> float:
    """Capacity between the set's voltage limits at rest, Ah in the set's own size."""
    return _balance(parameterisation, _electrode_solver(parameterisation)[1][2])["Q"]


@lru_cache(maxsize=256)
def aged_state(parameterisation: Parameterisation, soh_percent: float) -> AgedState:
    """What `soh_percent` means: the one definition of an aged cell.

    Capacity is lost with cyclable lithium (LLI), which shifts the stoichiometries. All of that lithium sits in
    SEI. OKane2022: a film over particles and cracks of the thickness that this SEI has, with the set's molar volume
    and resistivity. Sets without ageing of their own: a film whose resistance doubles the cell's 10 s resistance at
    80 % health (the usual end-of-life convention), linear in lost capacity. A new cell has no extra film (its set was
    fitted with its own). The film acts as a resistance in series. It does not lower the potential that decides on
    plating, as lithium plates beneath it: PyBaMM's plating overpotential leaves the film's drop out too, after Yang
    et al., J. Power Sources 360, 28 (2017). What age costs at the anode is the shifted stoichiometry.
    Valid from 60 to 100 %; above 100 is taken as 100. Raises CannotAnswer below 60.
    """
    from scipy.optimize import brentq

    if soh_percent < SOH_RANGE_PERCENT[0]:
        raise CannotAnswer(
            f"A state of health of {soh_percent:g} % is below what the models cover; the nearest is 60 %.")
    soh_percent = min(soh_percent, SOH_RANGE_PERCENT[1])
    fresh_lithium_ah = _electrode_solver(parameterisation)[1][2]
    wanted_ah = fresh_capacity_ah(parameterisation) * soh_percent / 100
    lithium_ah = fresh_lithium_ah
    if soh_percent < 100:
        lithium_ah = brentq(lambda q: _balance(parameterisation, q)["Q"] - wanted_ah,
                            fresh_lithium_ah - 1.3 * (fresh_capacity_ah(parameterisation) - wanted_ah) - 1e-6,
                            fresh_lithium_ah, xtol=1e-6)
    balance = _balance(parameterisation, lithium_ah)
    added_ohm = _added_resistance_ohm(parameterisation, fresh_lithium_ah - lithium_ah, soh_percent)
    values = parameter_values(parameterisation)
    film_m = added_ohm * particle_area_m2(values) / values["SEI resistivity [Ohm.m]"]
    return AgedState(soh_percent, balance["Q"], balance["x_0"], balance["x_100"], balance["y_0"], balance["y_100"],
                     added_ohm, film_m)


def series_ohm(parameterisation: Parameterisation, aged: AgedState) -> float:
    """Resistance in series of the aged cell: the set's own (foils, tabs) and what age added."""
    return parameter_values(parameterisation)["Contact resistance [Ohm]"] + aged.added_resistance_ohm


def _added_resistance_ohm(parameterisation: Parameterisation, lost_ah: float, soh_percent: float) -> float:
    if parameterisation.fresh_resistance_ohm is not None:
        return parameterisation.fresh_resistance_ohm * (100 - soh_percent) / (100 - RESISTANCE_DOUBLES_AT_SOH_PERCENT)
    values = parameter_values(parameterisation)
    area_m2 = particle_area_m2(values)
    sei_mol = lost_ah * 3600 / FARADAY_C_PER_MOL / values["Ratio of lithium moles to SEI moles"]
    film_m = sei_mol * values["SEI partial molar volume [m3.mol-1]"] / (area_m2 * parameterisation.film_area_ratio)
    return film_m * values["SEI resistivity [Ohm.m]"] / area_m2


def particle_area_m2(values) -> float:
    """Surface of all negative particles, m2: 3 x volume fraction / radius x electrode volume."""
    volume_m3 = (values["Negative electrode thickness [m]"] * values["Electrode height [m]"]
                 * values["Electrode width [m]"])
    fraction, radius_m = (values[f"Negative {name}"] for name in (
        "electrode active material volume fraction", "particle radius [m]"))
    return 3 * fraction / radius_m * volume_m3
