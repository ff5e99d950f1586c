"""PyBaMM DFN with lumped heat, built once per process and solved for any current, temperature and state."""

from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any, Literal

import numpy as np

from tools.errors import CannotAnswer
from tools.parameters import (
    KELVIN,
    AgedState,
    CellModel,
    Parameterisation,
    aged_state,
    parameter_values,
    series_ohm,
)

ANODE_POTENTIAL = "Negative electrode surface potential difference at separator interface [V]"
TEMPERATURE = "Volume-averaged cell temperature [C]"
INPUTS = ("Current function [A]", "Ambient temperature [K]", "Initial temperature [K]", "Contact resistance [Ohm]",
          "Initial concentration in negative electrode [mol.m-3]",
          "Initial concentration in positive electrode [mol.m-3]")
OUTPUTS = ("Voltage [V]", TEMPERATURE, ANODE_POTENTIAL)
Mesh = Literal["coarse", "fine"]
# Points, and how much thinner a particle's shells are towards its surface, where concentration is steep.
# With 12 thinning shells a charge at 0 to 25 degC has its anode potential at most 0.8 mV too high and its voltage at
# most 0.6 mV too low against "fine", for all four parameter sets; 20 even shells miss by up to 3 and 7 mV.
MESHES = {
    "coarse": ({"x_n": 10, "x_s": 4, "x_p": 6, "r_n": 12, "r_p": 10}, 3.0),
    "fine": ({"x_n": 20, "x_s": 10, "x_p": 20, "r_n": 24, "r_p": 24}, 2.5),
}
_one_at_a_time = Lock()
FIRST_STEP_S = 5.0  # without a first step the solver feels its way from nanoseconds: 2 ms after each change of current


@dataclass(frozen=True)
class Trace:
    """One charge, sampled: equally long arrays. Current is positive when charging, per cell."""

    t_s: np.ndarray
    voltage_v: np.ndarray
    current_a: np.ndarray
    temperature_c: np.ndarray
    anode_potential_v: np.ndarray
    soc_percent: np.ndarray

    @property
    def charge_time_min(self) -> float:
        return float(self.t_s[-1]) / 60

    @property
    def min_anode_potential_v(self) -> float:
        return float(self.anode_potential_v.min())

    @property
    def max_voltage_v(self) -> float:
        return float(self.voltage_v.max())

    @property
    def max_temperature_c(self) -> float:
        return float(self.temperature_c.max())

    @property
    def capacity_charged_ah(self) -> float:
        return float(np.sum(self.current_a[1:] * np.diff(self.t_s)) / 3600)

    @property
    def energy_wh(self) -> float:
        power_w = self.current_a[1:] * (self.voltage_v[1:] + self.voltage_v[:-1]) / 2
        return float(np.sum(power_w * np.diff(self.t_s)) / 3600)


def joined(traces: list[Trace]) -> Trace:
    """Consecutive traces as one; their times are already absolute."""
    names = Trace.__dataclass_fields__
    return Trace(**{name: np.concatenate([getattr(trace, name) for trace in traces]) for name in names})


@dataclass(frozen=True)
class _Built:
    """A solver, its discretised model, and two compiled functions: `outputs(y, inputs)`, the OUTPUTS at states y
    (states, moments), and `at_rest(inputs)`, the state before the first current."""

    solver: Any
    model: Any
    outputs: Any
    at_rest: Any

    def solution_at_rest(self, inputs: dict[str, float]):
        """What `solver.step` goes on from; without it each run would have its first state worked out symbolically."""
        import pybamm

        return pybamm.Solution(np.array([0.0]), np.asarray(self.at_rest(_column(inputs))), self.model, inputs)


@lru_cache(maxsize=8)
def _built(parameterisation: Parameterisation, mesh: Mesh) -> _Built:
    """Current, temperatures, stoichiometries and series resistance are inputs of the solve."""
    # The envelope stops a charge, not the solver: its own cut-offs are moved out of the way.
    solver, built = discretised_dfn(parameterisation, *MESHES[mesh], (0.5, 6.0), FIRST_STEP_S, 2000)
    return _Built(solver, built, outputs_of(built), _at_rest(built))


def discretised_dfn(parameterisation: Parameterisation, points: dict[str, int], stretch: float,
                    cut_offs_v: tuple[float, float], first_step_s: float, max_steps: int):
    """(solver, model) of the DFN with the INPUTS open: points and stretch as in MESHES, voltages at which a solve
    ends, and a limit on its steps, so that a current beyond the cell fails at once instead of creeping."""
    import pybamm

    pybamm.set_logging_level("ERROR")
    values = parameter_values(parameterisation).copy()
    values.update({name: "[input]" for name in INPUTS})
    values.update(dict(zip(("Lower voltage cut-off [V]", "Upper voltage cut-off [V]"), cut_offs_v, strict=True)))
    model = pybamm.lithium_ion.DFN({"thermal": "lumped", "contact resistance": "true"})
    shells = dict.fromkeys(
        ("negative particle", "positive particle"),
        pybamm.MeshGenerator(pybamm.Exponential1DSubMesh, {"side": "right", "stretch": stretch}))
    solver = pybamm.IDAKLUSolver(rtol=1e-4, atol=1e-5, on_extrapolation="ignore",
                                 options={"max_num_steps": max_steps, "dt_init": first_step_s})
    simulation = pybamm.Simulation(model, parameter_values=values, solver=solver, var_pts=points,
                                   submesh_types=model.default_submesh_types | shells)
    simulation.build()
    return simulation.solver, simulation.built_model


def outputs_of(model):
    """One compiled function for all outputs; PyBaMM's own lookup takes as long as the solve."""
    import casadi

    t, y = casadi.MX.sym("t"), casadi.MX.sym("y", model.len_rhs_and_alg)
    inputs = {name: casadi.MX.sym(name) for name in INPUTS}
    found = [model.get_processed_variable(name).to_casadi(t, y, inputs=inputs) for name in OUTPUTS]
    return casadi.Function("outputs", [y, casadi.vertcat(*inputs.values())], [casadi.vertcat(*found)])


def _at_rest(model):
    import casadi

    inputs = {name: casadi.MX.sym(name) for name in INPUTS}
    first = model.concatenated_initial_conditions.to_casadi(inputs=inputs)
    return casadi.Function("at_rest", [casadi.vertcat(*inputs.values())], [first])


def _column(inputs: dict[str, float]) -> np.ndarray:
    return np.array([[inputs[name]] for name in INPUTS])


def rested_inputs(parameterisation: Parameterisation, aged: AgedState, soc: float, ambient_c: float,
                  start_c: float | None = None) -> dict[str, float]:
    """PyBaMM inputs of an aged cell at rest at `soc` (0 to 1), at the surroundings' temperature unless `start_c` is
    given."""
    values = parameter_values(parameterisation)
    x = aged.x_0 + soc * (aged.x_100 - aged.x_0)
    y = aged.y_0 + soc * (aged.y_100 - aged.y_0)
    return {
        "Ambient temperature [K]": ambient_c + KELVIN,
        "Initial temperature [K]": (ambient_c if start_c is None else start_c) + KELVIN,
        "Initial concentration in negative electrode [mol.m-3]":
            x * values["Maximum concentration in negative electrode [mol.m-3]"],
        "Initial concentration in positive electrode [mol.m-3]":
            y * values["Maximum concentration in positive electrode [mol.m-3]"],
    }


@dataclass(frozen=True)
class CellState:
    """A cell during a charge: charge, temperature and time so far, and the solver's state (None while at rest)."""

    start_soc_percent: float
    soc_percent: float
    temperature_c: float
    t_s: float = 0.0
    solution: object = None


@dataclass(frozen=True)
class VirtualCell:
    """A cell of given health in surroundings of given temperature, simulated at its own size.

    `rested(soc_percent)` is the cell at rest at ambient temperature; `step` charges it. States never change, so any
    number of currents can be tried from one.
    """

    model: CellModel
    aged: AgedState
    ambient_c: float
    mesh: Mesh = "coarse"

    @property
    def capacity_ah(self) -> float:
        """Capacity now, Ah of the cell."""
        return self.aged.capacity_ah * self.model.scale

    def rested(self, soc_percent: float) -> CellState:
        return CellState(soc_percent, soc_percent, self.ambient_c)

    def step(self, state: CellState, current_a: float, duration_s: float,
             samples: int = 6) -> tuple[CellState, Trace]:
        """Charge at a constant `current_a` (cell; negative discharges) for `duration_s`.

        Raises CannotAnswer when the solver finds no solution (a current far beyond the cell).
        """
        import pybamm

        built = _built(self.model.parameterisation, self.mesh)
        inputs = self.inputs(current_a, state.start_soc_percent)
        try:
            with _one_at_a_time:  # the model object keeps the state it starts from
                solution = built.solver.step(state.solution or built.solution_at_rest(inputs), built.model, duration_s,
                                             inputs=inputs, save=False, t_interp=np.linspace(0, duration_s, samples))
        except pybamm.SolverError:
            raise CannotAnswer(f"The model finds no solution for {current_a:.3g} A at {state.soc_percent:.0f} % and "
                               f"{state.temperature_c:.0f} degC: that current is beyond this cell.") from None
        elapsed_s = np.asarray(solution.t) - float(solution.t[0])
        given = np.tile(_column(inputs), len(elapsed_s))
        voltage, temperature, anode = np.asarray(built.outputs(solution.y, given))
        temperature = np.round(temperature, 9) + 0.0  # 0 degC from kelvin is -6e-14: not allowed
        soc = state.soc_percent + current_a * elapsed_s / 36 / self.capacity_ah
        trace = Trace(state.t_s + elapsed_s, voltage, np.full(elapsed_s.shape, float(current_a)), temperature, anode,
                      soc)
        after = CellState(state.start_soc_percent, float(soc[-1]), float(temperature[-1]), state.t_s + duration_s,
                          solution)
        return after, trace

    def charge(self, state: CellState, current_a: float, until_soc_percent: float,
               samples: int = 6) -> tuple[CellState, Trace]:
        """Charge at `current_a` until the state of charge is reached."""
        duration_s = (until_soc_percent - state.soc_percent) * 36 * self.capacity_ah / current_a
        return self.step(state, current_a, duration_s, samples)

    def inputs(self, current_a: float, start_soc_percent: float) -> dict[str, float]:
        """PyBaMM inputs for a charge (current in A of the cell) that began at rest at `start_soc_percent`."""
        return {"Current function [A]": -current_a / self.model.scale,
                "Contact resistance [Ohm]": series_ohm(self.model.parameterisation, self.aged),
                **rested_inputs(self.model.parameterisation, self.aged, start_soc_percent / 100, self.ambient_c)}


def virtual_cell(model: CellModel, soh_percent: float, ambient_c: float, mesh: Mesh = "coarse") -> VirtualCell:
    """The cell at this health and ambient temperature (degC).

    Raises CannotAnswer outside the temperatures the parameterisation is used for or the health range.
    """
    low, high = model.parameterisation.temperature_range_c
    if not low <= ambient_c <= high:
        nearest = low if ambient_c < low else high
        raise CannotAnswer(f"{ambient_c:g} degC is outside the {low:g} to {high:g} degC in which "
                           f"{model.parameterisation.name} can be simulated; the nearest is {nearest:g} degC.")
    return VirtualCell(model, aged_state(model.parameterisation, round(soh_percent, 2)), ambient_c, mesh)


def version(model: CellModel) -> str:
    """What computed a simulated number, e.g. "PyBaMM 26.10 DFN, OKane2022"."""
    from importlib.metadata import version as installed

    release = ".".join(installed("pybamm").split(".")[:2])
    return f"PyBaMM {release} DFN, {model.parameterisation.name}"
