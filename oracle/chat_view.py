"""How one turn of the conversation looks: tool steps, answer, facts, figure, sources. Turns in, gradio messages out."""

import logging
from dataclasses import dataclass, field
from typing import Any

from oracle.chat_facts import facts, reasons, warning
from oracle.chat_tables import escape, pairs_table, result_html, rows_table, value_text
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
    """Markdown that shows the text's own characters where HTML, strike-through, images or links would swallow them.

    A passage may be quoted in an answer: nothing of it is ever loaded from elsewhere or made a link.
    """
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace("~", "&#126;")
    return text.replace("![", "&#33;&#91;").replace("](", "]&#40;").replace("][", "]&#91;")


def signature(name: str, arguments: dict[str, Any]) -> str:
    """recommend_charging_current(asset_id=PK-0042, soc_percent=20)"""
    return f"{name}({', '.join(f'{k}={value_text(v, digits=6)}' for k, v in arguments.items())})"


def _evidence(turn: Turn) -> list[dict[str, Any]]:
    """What stands under an answer: facts and figures of its tools, found packs, cited passages, the audit id."""
    import gradio as gr

    shown = []
    steps = [s for s in turn.steps.values() if s.answered]
    for step in steps:
        if step.name == "get_status" and len(steps) > 1:
            continue  # looked up on the way to another answer
        shown += [_assistant(m) for m in (_packs_html(step), _findings_html(step), _facts_html(step)) if m]
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


def _findings_html(step: Step) -> str:
    findings = step.result.get("findings") if step.name == "diagnose" else None
    return "".join(map(_finding_html, findings or ()))


def _finding_html(finding: dict[str, Any]) -> str:
    fault, cells = str(finding.get("fault", "")).replace("_", " "), ", ".join(finding.get("cells") or ())
    return (f'<div class="finding {escape(finding.get("severity", ""))}"><b>{escape(fault)}</b>'
            f"<span>{escape(cells or 'whole pack')}</span><p>{escape(finding.get('evidence', ''))}</p>"
            f"<p>{escape(finding.get('what_to_do', ''))}</p></div>")


def _facts_html(step: Step) -> str:
    cards = "".join(f"<div><span>{escape(caption)}</span><b>{escape(value)}</b><small>{escape(note)}</small></div>"
                    for caption, value, note in facts(step.name, step.result))
    if not cards:
        return ""
    careful = warning(step.result)
    lines = f'<p class="careful">{escape(careful)}</p>' if careful else ""
    for name, text in reasons(step.name, step.result):
        lines += f"<p>{f'<b>{escape(name)}</b> ' if name else ''}{escape(text)}</p>"
    css = "facts none" if step.result.get("current_a") == 0 and step.name != "get_status" else "facts"
    return f'<div class="{css}">{cards}{f"""<div class="reasons">{lines}</div>""" if lines else ""}</div>'


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
