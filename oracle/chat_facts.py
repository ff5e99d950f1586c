"""The few numbers of a result that a person acts on, and the reasons behind them, as the tool gave them."""

from typing import Any

from oracle.chat_tables import number_text

Fact = tuple[str, str, str]  # caption, value, note
Reason = tuple[str, str]  # what it is, in words


def facts(name: str, result: dict[str, Any]) -> list[Fact]:
    """The numbers of a result, most important first; nothing for a tool whose answer is not a few numbers."""
    find = {"recommend_charging_current": _plan_facts, "simulate_charge": _simulated_facts,
            "forecast_life": _life_facts, "get_status": _status_facts, "estimate_soh": _health_facts}.get(name)
    return [fact for fact in find(result) if fact] if find else []


def reasons(name: str, result: dict[str, Any]) -> list[Reason]:
    """Why these numbers: what binds, who checked, what was assumed, how far to trust them."""
    find = {"recommend_charging_current": _plan_reasons, "simulate_charge": _simulated_reasons,
            "forecast_life": _life_reasons}.get(name)
    found = find(result) if find else []
    return [reason for reason in found if reason[1]] + [("", note) for note in result.get("assumptions") or ()]


def warning(result: dict[str, Any]) -> str:
    """What must not be overlooked: a charge outside the envelope, a deadline that is missed."""
    if result.get("deadline_met") is False and result.get("soc_at_deadline_percent") is not None:
        return (f"Not full in time: {result['soc_at_deadline_percent']:.0f} % after "
                f"{number_text(result['deadline_min'])} min.")
    return result.get("envelope_warning") or ""


def _plan_facts(result: dict[str, Any]) -> list[Fact | None]:
    return [_current_fact(result), _time_fact(result), *_kept_facts(result)]


def _current_fact(result: dict[str, Any]) -> Fact | None:
    current_a, pack_a, c_rate = (result.get(k) for k in ("current_a", "pack_current_a", "c_rate"))
    if current_a is None:
        return None
    if current_a == 0:
        return "Charge now with", "0 A", "no charging in this state"
    rate = f"{number_text(c_rate, 3)} C" if c_rate else ""
    cell = f"{current_a:.2f} A"
    if pack_a is None or result.get("parallel", 1) == 1:
        return "Charge now with", cell, " · ".join(filter(None, ("per cell", rate)))
    return "Charge now with", f"{pack_a:.1f} A", " · ".join(filter(None, (f"pack; {cell} per cell", rate)))


def _time_fact(result: dict[str, Any]) -> Fact | None:
    minutes, met, reached = (result.get(k) for k in ("charge_time_min", "deadline_met", "reached_soc_percent"))
    if minutes is None:
        return None
    note = f"to {number_text(reached, 3)} %" if reached is not None else ""
    if met is not None and result.get("deadline_min"):
        note += f"{'; within' if met else '; not within'} {number_text(result['deadline_min'])} min"
    return "Charge time", f"{minutes:.1f} min", note


def _kept_facts(result: dict[str, Any]) -> list[Fact]:
    """How close a charge comes to the limits of temperature and anode potential."""
    kept, limits = [], result.get("limits") or {}
    warmest, anode = result.get("max_temperature_c"), result.get("min_anode_potential_v")
    if warmest is not None:
        limit = (limits.get("max_temperature_c") or {}).get("value")
        kept.append(("Warmest", f"{warmest:.1f} °C", f"limit {number_text(limit)} °C" if limit is not None else ""))
    if anode is not None:
        kept.append(("Anode potential", f"{anode * 1000:.0f} mV", "at its lowest; lithium plates below 0"))
    return kept


def _plan_reasons(result: dict[str, Any]) -> list[Reason]:
    checked = result.get("verified_by") or ("" if result.get("current_a") == 0 else "not simulated")
    physics_a = result.get("physics_limit_a")
    lifted = f"{physics_a:.2f} A per cell" if physics_a and result.get("envelope") == "datasheet" else ""
    return [("Held back by", result.get("binding_constraint", "")), ("Checked in", checked),
            ("Physics alone would allow", lifted), ("Compared", _comparison(result.get("versus_cc_cv") or {}))]


def _comparison(versus: dict[str, Any]) -> str:
    """Against a plain charge: minutes, and the capacity each of the two costs where that is known."""
    saved, lost, plain_lost = (versus.get(k) for k in
                               ("minutes_saved", "lithium_lost_percent", "cc_cv_lithium_lost_percent"))
    if saved is None:
        return ""
    pace = f"{abs(saved):.1f} min {'faster' if saved > 0 else 'slower'} than" if abs(saved) >= 0.05 else "as fast as"
    text = f"{pace} plain CC-CV at {versus['cc_cv_current_a']:.2f} A per cell"
    if lost is not None and plain_lost is not None:
        text += f"; costs {number_text(lost, 2)} % of capacity, the plain charge {number_text(plain_lost, 2)} %"
    return text


def _simulated_facts(result: dict[str, Any]) -> list[Fact | None]:
    energy = result.get("energy_wh")
    return [_time_fact(result), *_kept_facts(result),
            ("Energy", f"{number_text(energy, 3)} Wh", "into one cell") if energy is not None else None]


def _simulated_reasons(result: dict[str, Any]) -> list[Reason]:
    return [("Ended", result.get("end_reason", "")), ("Lithium plating", result.get("plating_words", "")),
            ("Simulated in", result.get("version", ""))]


def _life_facts(result: dict[str, Any]) -> list[Fact | None]:
    capacity, low, high = (result.get(k) for k in
                           ("capacity_percent", "capacity_low_percent", "capacity_high_percent"))
    if capacity is None:
        return []
    years = result.get("years_to_80_percent")
    reached = "over 40 years" if years is None else "now" if years == 0 else f"{years:.1f} years"
    band = f"{low:.0f} to {high:.0f} %, 90 % band" if low is not None and high is not None else ""
    cycles = result.get("equivalent_full_cycles")
    return [(f"Capacity after {number_text(result['years'], 3)} years", f"{capacity:.1f} %", band),
            ("Down to 80 %", reached, "of new capacity"),
            ("Use", f"{cycles:.0f} cycles", "equivalent full cycles") if cycles is not None else None]


def _life_reasons(result: dict[str, Any]) -> list[Reason]:
    return [("Driven by", result.get("drivers", "")), ("Anchored to", result.get("anchor", "")),
            ("Model", result.get("version", "")), ("Trust", result.get("caveat", ""))]


def _status_facts(result: dict[str, Any]) -> list[Fact | None]:
    soc, soh, temperature, spread = (result.get(k) for k in
                                     ("soc_percent", "soh_percent", "temperature_c", "spread_mv"))
    low, high = result.get("soh_low_percent"), result.get("soh_high_percent")
    band = f"{number_text(low)} to {number_text(high)} %" if low is not None and high is not None else ""
    return [("Charge", f"{soc:.1f} %", "") if soc is not None else None,
            ("Health", f"{soh:.1f} %", band) if soh is not None else None,
            ("Temperature", f"{temperature:.1f} °C", "") if temperature is not None else None,
            ("Cell spread", f"{spread:.0f} mV", "highest minus lowest") if spread is not None else None]


def _health_facts(result: dict[str, Any]) -> list[Fact | None]:
    soh, low, high = (result.get(k) for k in ("soh_percent", "soh_low_percent", "soh_high_percent"))
    if soh is None or low is None or high is None:
        return []
    capacity, nominal = result.get("capacity_ah"), result.get("nominal_capacity_ah")
    return [("Health", f"{soh:.1f} %", f"{low:.1f} to {high:.1f} %, 90 % interval"),
            ("Capacity", f"{number_text(capacity, 3)} Ah", f"of {number_text(nominal, 3)} Ah, one cell")
            if capacity is not None and nominal is not None else None]
