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
    shown += [_step_message(step) for step in turn.steps.values()]
    if turn.text:
        shown.append({"role": "assistant", "content": plain(turn.text)})
    if turn.problem:
        shown.append({"role": "assistant", "content": f'<div class="problem">{html.escape(turn.problem)}</div>',
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
    """A result as readable tables; series that only a figure needs are counted, not listed."""
    scalars = [(k, v) for k, v in result.items() if not isinstance(v, dict | list)]
    parts = [_pairs_table(scalars)] if scalars else []
    for name, value in result.items():
        if name == "series" or value in ({}, []):
            continue
        if isinstance(value, dict | list):
            parts.append(f"<h6>{html.escape(label_of(name)[0])}</h6>{_nested(value)}")
    return "".join(parts)


def _step_message(step: Step) -> dict[str, Any]:
    title = "`" + signature(step.name, step.arguments).replace("`", "'") + "`"
    metadata = {"title": title, "status": "pending" if step.result is None else "done"}
    if step.result is None:
        content = _arguments_html(step.arguments)
    elif "error" in step.result:
        metadata["title"] = "⚠ " + title
        content = _arguments_html(step.arguments) + f'<div class="problem">{_escape(step.result["error"])}</div>'
    else:
        content = (_arguments_html(step.arguments) + "<h6>Result</h6>" + result_html(step.result)
                   + _raw_json(step.result))
    return {"role": "assistant", "content": f'<div class="step">{content}</div>', "metadata": metadata}


def _evidence(turn: Turn) -> list[dict[str, Any]]:
    """What stands under an answer: the latest figure, found packs, the passages it cites, its audit id."""
    import gradio as gr

    shown = []
    done = [s for s in turn.steps.values() if s.result is not None and "error" not in s.result]
    tables = [_found_packs(s.result) for s in done if s.name == "find_packs"]
    shown += [{"role": "assistant", "content": t} for t in tables if t]
    figures = [f for f in (figure_for(s.name, s.result) for s in done) if f is not None]
    shown += [{"role": "assistant", "content": gr.Plot(value=f, show_label=False, container=False)} for f in figures]
    small = _citations_html(turn.answered.citations) + _audit_html(turn.answered)
    if small:
        shown.append({"role": "assistant", "content": f'<div class="evidence">{small}</div>'})
    return shown


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
    if not answered.audit_id:
        return ""
    checked = "numbers checked against the tool results" if answered.grounding.get("grounded") else ""
    return f'<div class="audit">{checked}{" · " if checked else ""}audit {_escape(answered.audit_id)}</div>'


def _arguments_html(arguments: dict[str, Any]) -> str:
    return "<h6>Arguments</h6>" + (_pairs_table(list(arguments.items())) if arguments else "<p>none</p>")


def _raw_json(result: dict[str, Any]) -> str:
    text = html.escape(json.dumps({k: v for k, v in result.items() if k != "series"}, indent=1, ensure_ascii=False))
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
    return f'<table class="rows"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


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
