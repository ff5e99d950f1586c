"""Lithium a charge costs, read off its trace: quick enough for every answer."""

import numpy as np

from tools.plans import Charge
from tools.simulation import KELVIN, Trace

# Plating below 0 V in percent of capacity per second: 1.4 eta^2 / I with the anode potential eta in V and I in A of a
# 5 Ah cell, within 10 % of what the DFN of tools/ageing.py plates across the electrode at 0 to 10 degC, -5 to -26 mV.
PLATING_PERCENT_PER_S, PLATING_AH = 1.4, 5.0


def lithium_lost_percent(charge: Charge, trace: Trace, period_min: float) -> float:
    """Percent of the new cell's capacity lost to SEI and plating over the trace and rest until `period_min`.

    SEI as in `tools.ageing`: its thickness squared grows at a rate that temperature alone decides.
    """
    from tools.ageing import new_film_m, sei_growth_m2_per_s, sei_percent_of

    seconds = np.diff(trace.t_s)
    kelvin = (trace.temperature_c[1:] + trace.temperature_c[:-1]) / 2 + KELVIN
    rest_s = max(period_min * 60 - float(trace.t_s[-1]), 0.0)
    squared = 2 * (np.sum(sei_growth_m2_per_s(kelvin) * seconds)
                   + sei_growth_m2_per_s(charge.temperature_c + KELVIN) * rest_s)
    film_m = new_film_m() + charge.virtual().aged.film_thickness_m
    grown_m = float(np.sqrt(film_m**2 + squared) - film_m)
    below_v = np.maximum(-trace.anode_potential_v[1:], 0.0)
    current_a = trace.current_a[1:] * PLATING_AH / charge.cell.capacity_nominal_ah
    plated = float(np.sum(PLATING_PERCENT_PER_S * below_v**2 / np.maximum(current_a, 1e-6) * seconds))
    return float(sei_percent_of(charge.model.parameterisation, grown_m)) + plated
