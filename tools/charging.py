"""The charging current a cell or pack should take now, and the plan behind it."""

from dataclasses import dataclass
from typing import Any

from tools.arguments import RecommendChargingCurrent
from tools.assets import resolve_subject
from tools.cells import find_cell
from tools.contract import Context, EnvelopeName
from tools.envelope import ANODE_MARGIN_V, Limits, limits, standard_current_a
from tools.parameters import OWN, PARAMETERISATIONS, has_model, model_of
from tools.plans import (
    Charge,
    Plan,
    cc_cv_trace,
    checked,
    expected_time_min,
    physics_current_a,
    plan,
    soc_after,
)
from tools.recommendation import (
    IfWarmed,
    Limit,
    LimitsUsed,
    ProtocolStage,
    RecommendChargingCurrentResult,
    VersusCcCv,
)
from tools.riding import Stage
from tools.simulation import Trace, version
from tools.subject import Subject

DEFAULT_TARGET_PERCENT = 80.0
WARM_C = 25.0
BOUND_WORDS = {
    "anode": "lithium plating (anode potential)", "voltage": "charge voltage", "temperature": "cell temperature",
}


def recommend_charging_current(arguments: RecommendChargingCurrent, context: Context) -> RecommendChargingCurrentResult:
    """Charging current to use now, with the staged plan, its time and the limits it keeps.

    The world model searches, the DFN holds every plan to the envelope: priority fastest takes all it allows,
    longest_life the gentlest that meets the deadline (without one the maker's standard current, at most 0.3C),
    balanced the gentlest that meets the deadline (without one midway between standard and fastest). Charging that is
    not allowed gives `current_a` 0.
    Raises CannotAnswer for unknown cells and for cells without any stated charge current and capacity.
    """
    subject = resolve_subject(arguments, context)
    target = DEFAULT_TARGET_PERCENT if arguments.target_soc_percent is None else arguments.target_soc_percent
    simulated = has_model(subject.cell)
    # Physics alone can only be trusted where there is physics: without a model the maker's limits hold.
    envelope = context.envelope if simulated else "datasheet"
    request = _Request(subject, target, arguments.time_limit_min, arguments.priority or "balanced", envelope,
                       _assumptions(subject, arguments))
    at_start = limits(subject.cell, subject.temperature_c, subject.soc_percent, envelope)
    refused = at_start.refused
    if subject.soc_percent >= target:
        refused = (f"already at {subject.soc_percent:g} %, the target is {target:g} %: nothing to charge; "
                   "name a higher target to go on")
    if refused:
        return _refusal(request, at_start, refused)
    return _planned(request, at_start) if simulated else _datasheet_only(request, at_start)


def warm_up() -> None:
    """Build the models that recommendations need, so that the first question is answered as fast as the next."""
    for parameterisation in PARAMETERISATIONS:
        cell = next(find_cell(name) for name, own in OWN.items() if own is parameterisation)
        plan(Charge(model_of(cell), 40.0, 42.0, WARM_C, 100.0, "physics", ANODE_MARGIN_V), "fastest")


@dataclass(frozen=True)
class _Request:
    subject: Subject
    target_soc_percent: float
    time_limit_min: float | None
    priority: str
    envelope: EnvelopeName
    assumptions: tuple[str, ...]

    def fields(self) -> dict[str, Any]:
        """The result's fields that say what was asked."""
        s = self.subject
        return {"asset_id": s.asset_id, "cell_model": s.cell.name, "parallel": s.parallel, "priority": self.priority,
                "soc_percent": s.soc_percent, "target_soc_percent": self.target_soc_percent,
                "temperature_c": s.temperature_c, "soh_percent": s.soh_percent, "deadline_min": self.time_limit_min,
                "envelope": self.envelope}


def _planned(request: _Request, at_start: Limits) -> RecommendChargingCurrentResult:
    subject, model = request.subject, model_of(request.subject.cell)
    charge = Charge(model, subject.soc_percent, request.target_soc_percent, subject.temperature_c,
                    subject.soh_percent, request.envelope, at_start.anode_potential_margin_v)
    chosen = plan(charge, request.priority, request.time_limit_min)
    if not chosen.ride.stages:
        return _refusal(request, at_start, _nothing_fits(charge, at_start))
    stages, trace, backed_off = checked(charge, chosen.ride)
    reached = chosen.ride.reached_soc_percent
    notes = list(request.assumptions)
    if model.stand_in:
        notes.append(model.stand_in)
    if backed_off:
        notes.append(f"The first plan failed its check in the DFN and was lowered by {backed_off} x 3 %.")
    if reached < request.target_soc_percent - 0.01:
        notes.append(f"The plan ends at {reached:.1f} %: above that less than 0.02C keeps the limits.")
    limit_min = request.time_limit_min
    current_a, in_time = stages[0].current_a, _in_time(request, trace, reached, chosen)
    return RecommendChargingCurrentResult(
        **request.fields(), current_a=current_a, pack_current_a=_pack_current(subject, current_a),
        c_rate=current_a / subject.cell.capacity_nominal_ah,
        protocol=tuple(ProtocolStage(current_a=s.current_a, until_soc_percent=round(s.until_soc_percent, 3))
                       for s in _same_current(stages)),
        reached_soc_percent=reached, charge_time_min=trace.charge_time_min,
        deadline_met=None if limit_min is None else in_time,
        earliest_time_min=min(chosen.earliest_min, trace.charge_time_min),
        soc_at_deadline_percent=None if limit_min is None else soc_after(trace, limit_min),
        limits=_limits_used(at_start), binding_constraint=_binding(request, stages, at_start, trace, in_time),
        min_anode_potential_v=trace.min_anode_potential_v, max_temperature_c=trace.max_temperature_c,
        max_voltage_v=trace.max_voltage_v, verified_by=version(model) + (" standing in" if model.stand_in else ""),
        physics_limit_a=chosen.allowed_now_a if request.envelope == "physics" else physics_current_a(charge),
        if_warmed=_if_warmed(charge),
        versus_cc_cv=_versus(charge, trace), assumptions=tuple(notes),
        version=version(model) + (f"; searched with its {chosen.searched_by}" if chosen.searched_by else ""),
        series=series_of(trace))


def _in_time(request: _Request, trace: Trace, reached_percent: float, chosen: Plan) -> bool:
    """Whether the plan gets as far as any plan could, within the deadline; True without a deadline."""
    limit_min = request.time_limit_min
    return limit_min is None or (trace.charge_time_min <= limit_min + 1e-6
                                 and reached_percent >= chosen.furthest_soc_percent - 0.01)


def _if_warmed(charge: Charge) -> IfWarmed | None:
    """What warming a cold cell first would bring, for the fastest charge; None where nobody can say."""
    if charge.temperature_c >= WARM_C - 5:
        return None
    minutes = expected_time_min(charge, WARM_C)
    return None if minutes is None else IfWarmed(temperature_c=WARM_C, fastest_time_min=minutes)


def _binding(request: _Request, stages: tuple[Stage, ...], at_start: Limits, trace: Trace, in_time: bool) -> str:
    words = []
    for stage in stages:
        word = BOUND_WORDS.get(stage.bound_by) or (
            at_start.max_current_source if stage.bound_by == "current" else _cap_words(request))
        if not words or words[-1][0] != word:
            words.append((word, stage))
    firsts = list(dict.fromkeys(word for word, _ in words))
    text = firsts[0] + (f", later {' and '.join(firsts[1:])}" if len(firsts) > 1 else "")
    limit_min = request.time_limit_min
    if not in_time:
        text = (f"{limit_min:g} min is too short: {soc_after(trace, limit_min):.0f} % by then, "
                f"{trace.charge_time_min:.0f} min needed; limited by {text}")
    return text


def _cap_words(request: _Request) -> str:
    if request.time_limit_min is not None:
        return "the gentlest current that meets the deadline"
    return {"longest_life": "gentle current for long life"}.get(request.priority, "compromise between speed and life")


def _nothing_fits(charge: Charge, at_start: Limits) -> str:
    if charge.temperature_c > at_start.max_temperature_c - 1:
        return (f"Any charge would heat the cell above {at_start.max_temperature_c:g} degC: "
                f"let it cool well below that first.")
    return ("No current above 0.02C keeps the anode above 0 V against lithium and the voltage within its limit here: "
            "warm the cell first.")


def _refusal(request: _Request, at_start: Limits, reason: str) -> RecommendChargingCurrentResult:
    subject = request.subject
    return RecommendChargingCurrentResult(
        **request.fields(), current_a=0.0, pack_current_a=_pack_current(subject, 0.0), c_rate=0.0,
        reached_soc_percent=subject.soc_percent, limits=_limits_used(at_start), binding_constraint=reason,
        deadline_met=None if request.time_limit_min is None else subject.soc_percent >= request.target_soc_percent,
        assumptions=request.assumptions, version="catalogue limits")


def _datasheet_only(request: _Request, at_start: Limits) -> RecommendChargingCurrentResult:
    """A cell that nothing can simulate: the maker's current, the time by counting charge, and no verification."""
    subject, cell = request.subject, request.subject.cell
    standard_a = min(standard_current_a(cell)[0], at_start.max_current_a)
    current_a = at_start.max_current_a if request.priority == "fastest" else standard_a
    capacity_ah = cell.capacity_nominal_ah
    minutes = None
    if capacity_ah is not None:
        charged_ah = (request.target_soc_percent - subject.soc_percent) / 100 * capacity_ah * subject.soh_percent / 100
        minutes = charged_ah / current_a * 60
    note = (f"No parameterisation covers {cell.name} ({cell.chemistry_stated}): datasheet limits only, not simulated; "
            "the time is charge over current without the taper at the end.")
    limit_min = request.time_limit_min
    return RecommendChargingCurrentResult(
        **request.fields(), current_a=current_a, pack_current_a=_pack_current(subject, current_a),
        c_rate=None if capacity_ah is None else current_a / capacity_ah,
        protocol=(ProtocolStage(current_a=current_a, until_soc_percent=request.target_soc_percent),),
        reached_soc_percent=request.target_soc_percent, charge_time_min=minutes,
        deadline_met=None if limit_min is None or minutes is None else minutes <= limit_min,
        limits=_limits_used(at_start), binding_constraint=f"{at_start.max_current_source}; not simulated",
        assumptions=(*request.assumptions, note), version="catalogue limits")


def _versus(charge: Charge, trace: Trace) -> VersusCcCv | None:
    """Plain CC-CV at the maker's standard current (never above the envelope's) over the same charge."""
    from tools.ageing import NO_AGEING_MODEL, has_ageing
    from tools.wear import lithium_lost_percent

    standard_a = standard_current_a(charge.cell)[0]
    plain, simulated_by = cc_cv_trace(charge, standard_a)
    if plain is None or plain.soc_percent[-1] < trace.soc_percent[-1] - 0.01:
        return None
    ages, period_min = has_ageing(charge.model), max(plain.charge_time_min, trace.charge_time_min) + 60
    return VersusCcCv(
        cc_cv_current_a=float(plain.current_a[0]), cc_cv_time_min=plain.charge_time_min,
        cc_cv_min_anode_potential_v=plain.min_anode_potential_v,
        minutes_saved=plain.charge_time_min - trace.charge_time_min, simulated_by=simulated_by,
        lithium_lost_percent=lithium_lost_percent(charge, trace, period_min) if ages else None,
        cc_cv_lithium_lost_percent=lithium_lost_percent(charge, plain, period_min) if ages else None,
        life_note=(f"percent of capacity lost to SEI and plating in the same {period_min:.0f} min, charge and rest"
                   if ages else NO_AGEING_MODEL))


def _assumptions(subject: Subject, arguments: RecommendChargingCurrent) -> tuple[str, ...]:
    words = {"soc_percent": f"{subject.soc_percent:g} % charged", "soh_percent": f"{subject.soh_percent:g} % health",
             "temperature_c": f"{subject.temperature_c:g} degC"}
    assumed = [text for name, text in words.items() if (subject.sources or {}).get(name) == "default"]
    if arguments.target_soc_percent is None:
        assumed.append(f"target {DEFAULT_TARGET_PERCENT:g} %")
    found = [f"Assumed: {', '.join(assumed)}."] if assumed else []
    found.append("Surroundings at the cell's temperature, still air.")
    if subject.soh_percent > 100:
        found.append("A state of health above 100 % is simulated as 100 %.")
    return tuple(found)


def _pack_current(subject: Subject, current_a: float) -> float | None:
    return None if subject.asset_id is None else current_a * subject.parallel


def _same_current(stages: tuple[Stage, ...]) -> list[Stage]:
    """Stages whose current changes, whatever bound them."""
    following = (*stages[1:], None)
    return [s for s, after in zip(stages, following, strict=True) if after is None or after.current_a != s.current_a]


def _limits_used(at_start: Limits) -> LimitsUsed:
    return LimitsUsed(
        max_current_a=Limit(value=at_start.max_current_a, source=at_start.max_current_source),
        max_voltage_v=Limit(value=at_start.max_voltage_v, source=at_start.max_voltage_source),
        max_temperature_c=Limit(value=at_start.max_temperature_c, source=at_start.temperature_source),
        anode_potential_margin_v=Limit(value=at_start.anode_potential_margin_v, source=at_start.anode_potential_source))


def series_of(trace: Trace, points: int = 120) -> dict[str, list[float]]:
    """A trace thinned for plots."""
    every = max(1, len(trace.t_s) // points)
    rows = {"t_min": trace.t_s / 60, "current_a": trace.current_a, "voltage_v": trace.voltage_v,
            "temperature_c": trace.temperature_c, "anode_potential_v": trace.anode_potential_v,
            "soc_percent": trace.soc_percent}
    return {name: [round(float(v), 4) for v in values[::every]] for name, values in rows.items()}

