"""How one turn of the conversation looks: tool steps, answer, figure, sources. Text in, gradio messages out.

Everything that comes from a person, a file or a model is escaped; the tags are only ours.
"""

import html
import json
from dataclasses import dataclass, field
from typing import Any

from oracle.events import Answered
from oracle.plots import figure_for

UNITS = (  # longest suffix first
    ("_cycles_per_week", "per week"), ("_percent", "%"), ("_years", "years"), ("_c_rate", "C"), ("_mohm", "mΩ"),
    ("_min", "min"), ("_kwh", "kWh"), ("_ah", "Ah"), ("_wh", "Wh"), ("_mv", "mV"), ("_kw", "kW"), ("_a", "A"),
    ("_v", "V"), ("_c", "°C"), ("_s", "s"), ("_w", "W"))
ABBREVIATIONS = {"soc": "charge (SoC)", "soh": "health (SoH)", "id": "id", "cc": "CC", "cv": "CV"}
FACTS = (  # what stands over a charge plan: field, caption, CSS class
    ("current_a", "Charge now with", "first"), ("charge_time_min", "Charge time", ""),
    ("max_temperature_c", "Warmest", ""), ("min_anode_potential_v", "Lowest anode potential", ""),
    ("binding_constraint", "What holds the current back", "wide"))
MAX_ROWS = 100


@dataclass
class Step:
    """One tool call; `result` is None while it runs."""

    name: str
    arguments: dict[str, Any]
    result: dict[str, Any] | None = None


@dataclass
class Turn:
    """One question and everything shown for it. `problem` is the sentence that stands in for a missing answer."""

    question: str
    steps: dict[int, Step] = field(default_factory=dict)
    text: str = ""
    answered: Answered | None = None
    problem: str = ""


def turn_messages(turn: Turn) -> list[dict[str, Any]]:
    """The turn as chatbot messages, in the order a person reads them."""
    shown = [{"role": "user", "content": plain(turn.question)}]
    shown += [_step_message(step, running=not turn.problem) for step in turn.steps.values()]
    if turn.text:
        shown.append({"role": "assistant", "content": plain(turn.text)})
    if turn.problem:
        shown.append({"role": "assistant", "content": _html(f'<div class="problem">{_escape(turn.problem)}</div>'),
                      "options": [{"value": turn.question, "label": "Try again"}]})
    if turn.answered:
        shown += _evidence(turn)
    return shown


def plain(text: str) -> str:
    """Markdown that shows the text's own characters where HTML or strike-through would swallow them."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("~", "&#126;")


def signature(name: str, arguments: dict[str, Any]) -> str:
    """recommend_charging_current(asset_id=PK-0042, soc_percent=20)"""
    return f"{name}({', '.join(f'{k}={_value(v)}' for k, v in arguments.items())})"


def label_of(name: str) -> tuple[str, str]:
    """("charge time", "min") for charge_time_min: a person's words and the unit of a field name."""
    if name == "c_rate":
        return "C-rate", "C"
    stem, unit = next(((name[: -len(s)], u) for s, u in UNITS if name.endswith(s) and name != s[1:]), (name, ""))
    return " ".join(ABBREVIATIONS.get(word, word) for word in stem.split("_")), unit


def result_html(result: dict[str, Any]) -> str:
    """A result as readable tables, without the curves that only a figure needs."""
    scalars = [(k, v) for k, v in result.items() if not isinstance(v, dict | list)]
    parts = [_pairs_table(scalars)] if scalars else []
    for name, value in result.items():
        if value and isinstance(value, dict | list) and not _is_curves(name, value):
            parts.append(f"<h6>{html.escape(label_of(name)[0])}</h6>{_nested(value)}")
    return "".join(parts)


def _step_message(step: Step, running: bool) -> dict[str, Any]:
    title = "`" + signature(step.name, step.arguments).replace("`", "'") + "`"
    metadata = {"title": title, "status": "pending" if step.result is None and running else "done"}
    if step.result is None:
        content = _arguments_html(step.arguments)
    elif "error" in step.result:
        metadata["title"] = "⚠ " + title
        content = _arguments_html(step.arguments) + f'<div class="problem">{_escape(step.result["error"])}</div>'
    else:
        content = (_arguments_html(step.arguments) + "<h6>Result</h6>" + result_html(step.result)
                   + _raw_json(step.result))
    return {"role": "assistant", "content": _html(f'<div class="step">{content}</div>'), "metadata": metadata}


def _evidence(turn: Turn) -> list[dict[str, Any]]:
    """What stands under an answer: the latest figure, found packs, the passages it cites, its audit id."""
    import gradio as gr

    shown = []
    done = [s for s in turn.steps.values() if s.result is not None and "error" not in s.result]
    tables = [_found_packs(s.result) for s in done if s.name == "find_packs"]
    shown += [{"role": "assistant", "content": _html(t)} for t in tables if t]
    for step in done:
        facts, figure = _facts(step), figure_for(step.name, step.result)
        shown += [{"role": "assistant", "content": _html(facts)}] if facts else []
        plot = figure and gr.Plot(value=figure, show_label=False, container=False)
        shown += [{"role": "assistant", "content": plot}] if plot else []
    small = _citations_html(turn.answered.citations) + _audit_html(turn.answered)
    if small:
        shown.append({"role": "assistant", "content": _html(f'<div class="evidence">{small}</div>')})
    return shown


def _facts(step: Step) -> str:
    """The few numbers of a charge that a person acts on, as the tool gave them."""
    if step.name != "recommend_charging_current":
        return ""
    cards = []
    for name, caption, css in FACTS:
        value = step.result.get(name)
        if value not in (None, ""):
            cards.append(f'<div class="{css}"><span>{caption}</span>'
                         f"<b>{_escape(_value(value))}{_unit_after(name, value)}</b></div>")
    return f'<div class="facts">{"".join(cards)}</div>' if cards else ""


def _html(content: str):
    """Our own markup as a component: unlike Markdown it is not read out tag by tag by a screen reader."""
    import gradio as gr

    return gr.HTML(value=content, padding=False, container=False)


def _found_packs(result: dict[str, Any]) -> str:
    packs = next((v for v in result.values() if isinstance(v, list) and v and isinstance(v[0], dict)), [])
    return f'<div class="packs">{_rows_table(packs)}</div>' if packs else ""


def _citations_html(citations: list[dict[str, Any]]) -> str:
    return "".join(
        f'<details class="cite"><summary><b>[{_escape(c.get("n", ""))}]</b> {_escape(c.get("document", ""))}'
        f'{_page(c.get("page"))}</summary><blockquote>{_escape(c.get("passage", ""))}</blockquote></details>'
        for c in citations)


def _page(page: Any) -> str:
    return "" if page in (None, "") else f", page {_escape(page)}"


def _audit_html(answered: Answered) -> str:
    report, notes = answered.grounding, []
    if answered.tool_calls and report.get("rendered_plainly"):
        notes.append("written from the tool results directly")
    elif answered.tool_calls and report.get("grounded"):
        notes.append("numbers checked against the tool results")
    if answered.audit_id:
        notes.append(f"audit {_escape(answered.audit_id)}")
    return f'<div class="audit">{" · ".join(notes)}</div>' if notes else ""


def _arguments_html(arguments: dict[str, Any]) -> str:
    return "<h6>Arguments</h6>" + (_pairs_table(list(arguments.items())) if arguments else "<p>none</p>")


def _raw_json(result: dict[str, Any]) -> str:
    readable = {k: v for k, v in result.items() if not _is_curves(k, v)}
    text = html.escape(json.dumps(readable, indent=1, ensure_ascii=False, default=str))
    return f'<details class="raw"><summary>JSON</summary><pre>{text.replace(chr(10), "&#10;")}</pre></details>'


def _nested(value: Any) -> str:
    if isinstance(value, dict):
        return _pairs_table(list(value.items()))
    if all(isinstance(row, dict) for row in value):
        return _rows_table(value)
    return f"<p>{_escape(', '.join(_value(v) for v in value[:MAX_ROWS]))}</p>"


def _pairs_table(pairs: list[tuple[str, Any]]) -> str:
    rows = []
    for name, value in pairs:
        label, unit = label_of(name)
        cell = _escape(_value(value)) + (f" {unit}" if unit and _is_number(value) else "")
        rows.append(f"<tr><th>{_escape(label)}</th><td>{cell}</td></tr>")
    return f'<table class="pairs"><tbody>{"".join(rows)}</tbody></table>'


def _rows_table(rows: list[dict[str, Any]]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row if not isinstance(row[name], dict | list)))
    head = "".join(f"<th>{_escape(label)}{f' <i>{unit}</i>' if unit else ''}</th>"
                   for label, unit in map(label_of, names))
    body = "".join("<tr>" + "".join(f"<td>{_escape(_value(row.get(name)))}</td>" for name in names) + "</tr>"
                   for row in rows[:MAX_ROWS])
    return (f'<div class="scroll"><table class="rows"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
            "</div>")


def _is_curves(name: str, value: Any) -> bool:
    """The arrays a figure draws; a pack's `series` is its number of cells in series."""
    return name == "series" and isinstance(value, dict)


def _value(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, dict):
        return ", ".join(f"{label_of(k)[0]} {_value(v)}{_unit_after(k, v)}" for k, v in value.items())
    if isinstance(value, list):
        return ", ".join(_value(v) for v in value[:MAX_ROWS])
    return str(value)


def _unit_after(name: str, value: Any) -> str:
    unit = label_of(name)[1]
    return f" {unit}" if unit and _is_number(value) else ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _escape(value: Any) -> str:
    return html.escape(str(value)).replace("~", "&#126;").replace("\n", " ")
