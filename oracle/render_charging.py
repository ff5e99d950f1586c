"""Recommended, simulated and long-run charging as plain sentences; nothing safety-critical is ever left out."""

from collections.abc import Iterator
from typing import Any

from oracle.render_numbers import is_pack, number, subject


def recommendation(r: dict[str, Any]) -> Iterator[str]:
    """Current, what limits it, time, deadline, comparison, check and envelope."""
    yield from _current(r)
    state = f"{number(r['soc_percent'])} % at {number(r['temperature_c'])} °C, health {number(r['soh_percent'])} %"
    if r["current_a"] <= 0:
        yield f"{subject(r)}: no charging now, from {state}"
        yield f"Reason: {r['binding_constraint']}"
    else:
        yield f"It charges from {state}. The limit: {r['binding_constraint']}"
        yield from _plan(r)
        yield from _deadline(r)
        yield from _extremes(r)
    yield f"Envelope: {r['envelope']}" + (
        f" (physics alone would allow {number(r['physics_limit_a'])} A per cell)"
        if r.get("physics_limit_a") is not None and r["envelope"] == "datasheet" else "")
    if r.get("verified_by"):
        yield f"Checked by {r['verified_by']}"
    elif r["current_a"] > 0:
        yield "This current was NOT checked by a simulation"
    yield from _compared(r.get("versus_cc_cv"))
    yield from r.get("assumptions", ())


def simulation(r: dict[str, Any]) -> Iterator[str]:
    """How long a charge takes and what it does to the cell."""
    pack = f", {number(r['pack_current_a'])} A for the whole pack" if is_pack(r) else ""
    yield (f"{subject(r)} charged at {number(r['current_a'])} A per cell{pack} ({number(r['c_rate'])}C) from "
           f"{number(r['soc_start_percent'])} % at {number(r['temperature_c'])} °C reaches "
           f"{number(r['reached_soc_percent'])} % in {number(r['charge_time_min'])} min ({r['end_reason']})")
    yield from _extremes(r)
    yield f"Lithium plating: {r['plating_words']}"
    if r.get("envelope_warning"):
        yield f"Warning: {r['envelope_warning']}"
    yield f"Envelope: {r['envelope']}; computed by {r['version']}"
    yield from r.get("assumptions", ())


def life(r: dict[str, Any]) -> Iterator[str]:
    """Capacity after years of use, with its interval."""
    yield (f"{subject(r)} keeps {number(r['capacity_percent'])} % of its capacity after {number(r['years'])} years "
           f"(between {number(r['capacity_low_percent'])} and {number(r['capacity_high_percent'])} %)")
    yield (f"Use assumed: {number(r['cycles_per_week'])} cycles per week of "
           f"{number(r['depth_of_discharge_percent'])} % depth, charged at {number(r['charge_c_rate'])}C, at "
           f"{number(r['temperature_c'])} °C, starting from {number(r['soh_percent'])} % health")
    for share in (80, 70):
        if r.get(f"years_to_{share}_percent") is not None:
            yield f"It reaches {share} % after {number(r[f'years_to_{share}_percent'])} years"
    yield f"What ages it: {r['drivers']}"
    yield r["caveat"]
    yield f"Source: {r['version']}"
    yield from r.get("assumptions", ())


def _current(r: dict[str, Any]) -> Iterator[str]:
    if r["current_a"] <= 0:
        yield "Charge at 0 A"
        return
    rate = f" ({number(r['c_rate'])}C)" if r.get("c_rate") is not None else ""
    pack = f", which is {number(r['pack_current_a'])} A for the whole pack ({r['parallel']} in parallel)" \
        if is_pack(r) else ""
    yield f"Charge {subject(r)} at {number(r['current_a'])} A per cell{rate}{pack}"


def _plan(r: dict[str, Any]) -> Iterator[str]:
    stages = r.get("protocol", ())
    if len(stages) > 1:
        last = stages[-1]
        falls = "falls in stages to" if last["current_a"] < r["current_a"] else "ends at"
        yield f"The current {falls} {number(last['current_a'])} A per cell at {number(last['until_soc_percent'])} %"
    if r.get("charge_time_min") is not None:
        yield f"It reaches {number(r['reached_soc_percent'])} % in {number(r['charge_time_min'])} min"


def _deadline(r: dict[str, Any]) -> Iterator[str]:
    if r.get("deadline_met") is None:
        return
    limit = f" of {number(r['deadline_min'])} min" if r.get("deadline_min") is not None else ""
    if r["deadline_met"]:
        yield f"The time limit{limit} is met"
        return
    there = r.get("soc_at_deadline_percent")
    earliest = r.get("earliest_time_min")
    yield (f"The time limit{limit} is not met" + (f": by then it has {number(there)} %" if there is not None else "")
           + (f", {number(r['target_soc_percent'])} % takes {number(earliest)} min at least" if earliest else ""))


def _extremes(r: dict[str, Any]) -> Iterator[str]:
    parts = [f"{words} {number(r[field])} {unit}" for field, words, unit in (
        ("max_temperature_c", "at most", "°C"), ("max_voltage_v", "at most", "V per cell"),
        ("min_anode_potential_v", "anode potential at least", "V against lithium")) if r.get(field) is not None]
    if parts:
        yield "On the way: " + ", ".join(parts)


def _compared(versus: dict[str, Any] | None) -> Iterator[str]:
    if versus:
        yield (f"Plain CC-CV at {number(versus['cc_cv_current_a'])} A per cell takes "
               f"{number(versus['cc_cv_time_min'])} min")
        lost = versus.get("lithium_lost_percent")
        yield (f"Lithium lost in this charge: {number(lost)} %, with CC-CV "
               f"{number(versus['cc_cv_lithium_lost_percent'])} % ({versus['life_note']})"
               if lost is not None else versus["life_note"])
