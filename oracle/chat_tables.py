"""Arguments and results as readable HTML tables. Everything is escaped; the tags are only ours."""

import html
import json
from typing import Any

UNITS = (  # longest suffix first
    ("_cycles_per_week", "per week"), ("_percent", "%"), ("_years", "years"), ("_c_rate", "C"), ("_mohm", "mΩ"),
    ("_min", "min"), ("_kwh", "kWh"), ("_ah", "Ah"), ("_wh", "Wh"), ("_mv", "mV"), ("_kw", "kW"), ("_a", "A"),
    ("_v", "V"), ("_c", "°C"), ("_s", "s"), ("_w", "W"))
WORDS = {"soc": "charge (SoC)", "soh": "health (SoH)", "cc": "CC", "cv": "CV", "id": "ID"}
MAX_ROWS = 100
DIGITS = 4  # significant; the JSON below a table has all of them


def label_of(name: str) -> tuple[str, str]:
    """("charge time", "min") for charge_time_min: a person's words and the unit of a field name."""
    if name == "c_rate":
        return "C-rate", "C"
    stem, unit = next(((name[: -len(s)], u) for s, u in UNITS if name.endswith(s)), (name, ""))
    return " ".join(WORDS.get(word, word) for word in stem.split("_")), unit


def value_text(value: Any, name: str = "", digits: int = DIGITS) -> str:
    """A value as a person writes it, with the unit its field name carries."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        unit = label_of(name)[1]
        return number_text(value, digits) + (f" {unit}" if unit else "")
    if isinstance(value, dict):
        return ", ".join(f"{label_of(k)[0]} {value_text(v, k)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(value_text(v) for v in value[:MAX_ROWS])
    return str(value)


def number_text(value: float, digits: int = DIGITS) -> str:
    """At most `digits` significant figures, whole numbers in full, no exponent for ordinary sizes."""
    if abs(value) < 1e-9:
        return "0"
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{value:.0f}"
    return f"{round(value):d}" if abs(value) >= 10 ** digits else f"{value:.{digits}g}"


def result_html(result: dict[str, Any]) -> str:
    """A result as tables, without the curves that only a figure needs, and its JSON behind one click."""
    shown = {k: v for k, v in result.items() if not _is_curves(k, v)}
    parts = [pairs_table({k: v for k, v in shown.items() if not isinstance(v, dict | list | tuple)})]
    for name, value in shown.items():
        if value and isinstance(value, dict | list | tuple):
            parts.append(f"<h6>{escape(label_of(name)[0])}</h6>{_nested(value)}")
    return "".join(parts) + _raw_json(shown)


def pairs_table(values: dict[str, Any]) -> str:
    """Name and value, one pair a row; {"value", "source"} is a value with its source beneath."""
    rows = []
    for name, value in values.items():
        source = ""
        if isinstance(value, dict) and "source" in value and set(value) <= {"value", "source"}:
            source = f"<small>{escape(value['source'])}</small>"
            value = value.get("value")
        cell = escape(value_text(value, name)) + source
        rows.append(f"<tr><th>{escape(label_of(name)[0])}</th><td>{cell}</td></tr>")
    return f'<table class="pairs"><tbody>{"".join(rows)}</tbody></table>' if rows else ""


def rows_table(rows: list[dict[str, Any]]) -> str:
    """One row an entry, one column a field, units in the head."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    head = "".join(f"<th>{escape(label)}{f' <i>{unit}</i>' if unit else ''}</th>"
                   for label, unit in map(label_of, names))
    body = "".join("<tr>" + "".join(f"<td>{escape(value_text(row.get(name)))}</td>" for name in names) + "</tr>"
                   for row in rows[:MAX_ROWS])
    return (f'<div class="scroll"><table class="rows"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
            "</div>")


def escape(value: Any) -> str:
    """Text as HTML shows it, quotes included, on one line."""
    return " ".join(html.escape(str(value)).split())


def _nested(value: Any) -> str:
    if isinstance(value, dict):
        return pairs_table(value)
    if all(isinstance(row, dict) for row in value):
        return rows_table(list(value))
    return "".join(f"<p>{escape(value_text(v))}</p>" for v in value[:MAX_ROWS])


def _is_curves(name: str, value: Any) -> bool:
    """What a figure draws; a pack's `series` is its number of cells in series."""
    return name == "series" and not isinstance(value, int)


def _raw_json(shown: dict[str, Any]) -> str:
    text = html.escape(json.dumps(shown, indent=1, ensure_ascii=False, default=str))
    return f'<details class="raw"><summary>JSON</summary><pre>{text}</pre></details>'
