"""How one turn of the conversation looks: tool steps, answer, facts, figure, sources. Turns in, gradio messages out."""

import logging
from dataclasses import dataclass, field
from typing import Any

from oracle.chat_tables import escape, number_text, pairs_table, result_html, rows_table, value_text
from oracle.events import Answered
from oracle.plots import figure_for

log = logging.getLogger(__name__)


@dataclass
class Step:
    """One tool call; `result` is None while it runs."""

    name: str
    arguments: dict[str, Any]
    result: dict[str, Any] | None = None

    @property
    def answered(self) -> bool:
        return self.result is not None and "error" not in self.result


@dataclass
class Turn:
    """One question and everything shown for it. `problem` is the sentence that stands in for a missing answer."""

    question: str
    steps: dict[int, Step] = field(default_factory=dict)
    text: str = ""
    answered: Answered | None = None
    problem: str = ""

    @property
    def running(self) -> bool:
        return self.answered is None and not self.problem


def turn_messages(turn: Turn) -> list[dict[str, Any]]:
    """The turn as chatbot messages, in the order a person reads them."""
    shown = [{"role": "user", "content": plain(turn.question)}]
    shown += [_step_message(step, turn.running) for step in turn.steps.values()]
    if turn.running and not turn.text and all(step.result is not None for step in turn.steps.values()):
        work = "Writing the answer and checking its numbers" if turn.steps else "Reading the question"
        shown.append(_assistant(f'<div class="working">{work}</div>'))
    if turn.text:
        shown.append({"role": "assistant", "content": plain(turn.text)})
    if turn.problem:
        shown.append(_assistant(f'<div class="problem">{escape(turn.problem)}</div>')
                     | {"options": [{"value": turn.question, "label": "Try again"}]})
    if turn.answered:
        shown += _evidence(turn)
    return shown


def plain(text: str) -> str:
    """Markdown that shows the text's own characters where HTML or strike-through would swallow them."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("~", "&#126;")


def signature(name: str, arguments: dict[str, Any]) -> str:
    """recommend_charging_current(asset_id=PK-0042, soc_percent=20)"""
    return f"{name}({', '.join(f'{k}={value_text(v, digits=6)}' for k, v in arguments.items())})"


def facts(name: str, result: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(caption, value, note) of the few numbers a person acts on, as the tool gave them."""
    if name == "recommend_charging_current":
        return [fact for fact in (_current_fact(result), _time_fact(result), *_kept_facts(result)) if fact]
    return []


def _current_fact(result: dict[str, Any]) -> tuple[str, str, str] | None:
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


def _time_fact(result: dict[str, Any]) -> tuple[str, str, str] | None:
    minutes, met = result.get("charge_time_min"), result.get("deadline_met")
    if minutes is None:
        return None
    note = f"to {number_text(result['reached_soc_percent'], 3)} %" if result.get("reached_soc_percent") else ""
    if met is not None and result.get("deadline_min"):
        note += f"{'; within' if met else '; not within'} {number_text(result['deadline_min'])} min"
    return "Charge time", f"{minutes:.1f} min", note


def _kept_facts(result: dict[str, Any]) -> list[tuple[str, str, str]]:
    """How close the plan comes to the limits of temperature and anode potential."""
    kept, limits = [], result.get("limits") or {}
    warmest, anode = result.get("max_temperature_c"), result.get("min_anode_potential_v")
    if warmest is not None:
        limit = (limits.get("max_temperature_c") or {}).get("value")
        kept.append(("Warmest", f"{warmest:.1f} °C", f"limit {number_text(limit)} °C" if limit is not None else ""))
    if anode is not None:
        kept.append(("Anode potential", f"{anode * 1000:.0f} mV", "at its lowest; lithium plates below 0"))
    return kept


def _comparison(versus: dict[str, Any]) -> str:
    """Against a plain charge: minutes, and the capacity each of the two costs where that is known."""
    saved, lost, plain_lost = (versus.get(k) for k in
                               ("minutes_saved", "lithium_lost_percent", "cc_cv_lithium_lost_percent"))
    text = (f"{abs(saved):.1f} min {'faster' if saved >= 0 else 'slower'} than plain CC-CV "
            f"at {versus['cc_cv_current_a']:.2f} A per cell")
    if lost is not None and plain_lost is not None:
        text += f"; costs {number_text(lost, 2)} % of capacity, the plain charge {number_text(plain_lost, 2)} %"
    return text


def _evidence(turn: Turn) -> list[dict[str, Any]]:
    """What stands under an answer: facts and figures of its tools, found packs, cited passages, the audit id."""
    import gradio as gr

    shown = []
    for step in filter(lambda s: s.answered, turn.steps.values()):
        shown += [_assistant(markup) for markup in (_packs_html(step), _facts_html(step)) if markup]
        figure = _figure(step)
        if figure is not None:
            shown.append({"role": "assistant", "content": gr.Plot(value=figure, show_label=False, container=False)})
    small = _citations_html(turn.answered.citations) + _audit_html(turn.answered)
    return shown + ([_assistant(f'<div class="evidence">{small}</div>')] if small else [])


def _figure(step: Step):
    """The step's figure or None: a curve that cannot be drawn never costs the person the answer."""
    try:
        return figure_for(step.name, step.result)
    except Exception:
        log.exception("no figure for %s", step.name)
        return None


def _assistant(markup: str) -> dict[str, Any]:
    """Our own markup as a component: unlike Markdown it is not read out tag by tag by a screen reader."""
    import gradio as gr

    return {"role": "assistant", "content": gr.HTML(value=markup, padding=False, container=False)}


def _step_message(step: Step, running: bool) -> dict[str, Any]:
    title = "`" + signature(step.name, step.arguments).replace("`", "'") + "`"
    body = "<h6>Arguments</h6>" + (pairs_table(step.arguments) or "<p>none</p>")
    if step.answered:
        body += "<h6>Result</h6>" + result_html(step.result)
    elif step.result is not None:
        title = "⚠ " + title
        body += f'<div class="problem">{escape(step.result["error"])}</div>'
    status = "pending" if step.result is None and running else "done"
    return _assistant(f'<div class="step">{body}</div>') | {"metadata": {"title": title, "status": status}}


def _packs_html(step: Step) -> str:
    packs = step.result.get("packs") if step.name == "find_packs" else None
    return f'<div class="packs">{rows_table(list(packs))}</div>' if packs else ""


def _facts_html(step: Step) -> str:
    cards = "".join(f"<div><span>{escape(caption)}</span><b>{escape(value)}</b><small>{escape(note)}</small></div>"
                    for caption, value, note in facts(step.name, step.result))
    return f'<div class="facts">{cards}{_reasons_html(step.result)}</div>' if cards else ""


def _reasons_html(result: dict[str, Any]) -> str:
    """Why this number and not another, who checked it, and what was assumed."""
    lines = [f"<p><b>Held back by</b> {escape(result['binding_constraint'])}</p>"
             if result.get("binding_constraint") else ""]
    checked = result.get("verified_by")
    lines.append(f"<p><b>Checked in</b> {escape(checked)}</p>" if checked else "<p><b>Not simulated</b></p>")
    versus = result.get("versus_cc_cv")
    lines.append(f"<p><b>Compared</b> {escape(_comparison(versus))}</p>" if versus else "")
    lines += [f"<p>{escape(note)}</p>" for note in result.get("assumptions") or ()]
    return f'<div class="reasons">{"".join(lines)}</div>'


def _citations_html(citations: list[dict[str, Any]]) -> str:
    return "".join(
        f'<details class="cite"><summary><b>[{escape(c.get("n", ""))}]</b> {escape(c.get("document", ""))}'
        f'{_page(c.get("page"))}</summary><blockquote>{escape(c.get("passage", ""))}</blockquote></details>'
        for c in citations)


def _page(page: Any) -> str:
    return "" if page in (None, "") else f", page {escape(page)}"


def _audit_html(answered: Answered) -> str:
    report, notes = answered.grounding, []
    if answered.tool_calls and report.get("rendered_plainly"):
        notes.append("written from the tool results directly")
    elif answered.tool_calls and report.get("grounded"):
        notes.append("numbers checked against the tool results")
    if answered.audit_id:
        notes.append(f"audit {escape(answered.audit_id)}")
    return f'<div class="audit">{" · ".join(notes)}</div>' if notes else ""
