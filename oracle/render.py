"""Tool results as plain sentences: what a person reads when the model's own words could not be trusted.

Value, unit, reason, uncertainty, source; nothing that is not in the result.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from oracle import render_charging, render_german
from oracle.quantities import MAX_LIST
from oracle.render_numbers import label, number, quantity, quoted, where

NO_SOURCE = ("I have no tool result or document behind an answer to that. Name a pack (like PK-0042) or a cell "
             "(like LG M50LT) and say what you want to know: charging current, health, status, life, a datasheet fact.")
UNUSABLE = "I could not use the question as it is: {}"


def turn(calls: Sequence[Any], rejected: Sequence[str] = (), german: bool = False) -> str:
    """All results of a turn ({name, arguments, result} objects) as text; without any, what went wrong.

    `german`: in German, but for the sentences that the tools themselves wrote.
    """
    paragraphs = [result(call.name, call.result, german) for call in _settled(calls)]
    if paragraphs:
        return "\n\n".join(paragraphs)
    if not rejected:
        return render_german.NO_SOURCE if german else NO_SOURCE
    return (render_german.UNUSABLE if german else UNUSABLE).format(rejected[-1])


def result(name: str, values: dict[str, Any], german: bool = False) -> str:
    """One tool's full result, or its {"error": sentence}, as sentences."""
    if "error" in values:
        return render_german.REFUSED.format(_sentence(values["error"])) if german else _sentence(values["error"])
    writer = (render_german.WRITERS if german else _WRITERS).get(name, _anything)
    try:
        return " ".join(_sentence(s) for s in writer(values) if s)
    except (KeyError, TypeError):  # a result of another version: every field rather than a nice sentence
        return " ".join(_sentence(s) for s in _anything(values))


def _settled(calls: Sequence[Any]) -> list[Any]:
    """The calls without refusals that a later call of the same tool mended."""
    return [c for i, c in enumerate(calls)
            if "error" not in c.result or not any(d.name == c.name and "error" not in d.result for d in calls[i + 1:])]


def _sentence(text: str) -> str:
    """A sentence with its full stop; leading line breaks stay, they start a paragraph or a list item."""
    text = text.rstrip()
    if text[:1].islower() and not text[1:2].isupper():
        text = text[0].upper() + text[1:]
    return text if text.endswith((".", "!", "?", ":")) or not text else text + "."


def _anything(values: dict[str, Any]) -> Iterator[str]:
    """Every field of a result, without the curves."""
    yield "; ".join(_fields(values))


def _fields(values: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for field, value in values.items():
        name = f"{prefix}{label(field)}"
        if value is None or value == "" or value == [] or value == {}:
            continue
        if isinstance(value, dict):
            yield from _fields(value, f"{name}, ")
        elif isinstance(value, list | tuple):
            if len(value) <= MAX_LIST:
                yield f"{name}: " + ", ".join(_item(field, v) for v in value)
        else:
            yield f"{name}: {quantity(field, value)}"


def _item(field: str, value: Any) -> str:
    return " / ".join(_fields(value)) if isinstance(value, dict) else quantity(field, value)


def _status(r: dict[str, Any]) -> Iterator[str]:
    yield f"{r['asset_id']} ({r['cell_model']}, {r['site']}) as of {r['time']}: SoC {number(r['soc_percent'])} %"
    yield f"State of health {_interval(r)}, from {r['soh_source']}"
    spread = f", spread {number(r['spread_mv'])} mV" if r.get("spread_mv") is not None else ""
    yield (f"Temperature {number(r['temperature_c'])} °C{spread}, {number(r['voltage_v'])} V, "
           f"{number(r['current_a'])} A, {number(r['cycles'])} cycles")
    yield "Faults: " + (", ".join(r["faults"]) or "none")
    if r.get("simulated"):
        yield "This is a simulated pack"


def _packs(r: dict[str, Any]) -> Iterator[str]:
    yield f"{r['count']} of {r['of_packs']} packs fit ({r['filters']}), {r['order']}"
    rows = [f"{p['asset_id']}, {p['site']}: SoH {number(p['soh_percent'])} %, {number(p['temperature_c'])} °C, "
            f"spread {number(p['spread_mv'])} mV, SoC {number(p['soc_percent'])} %, {number(p['cycles'])} cycles, "
            f"fault {p['fault']}" for p in r["packs"]]
    yield "\n" + "\n".join(f"- {row}" for row in rows) if rows else ""
    if r.get("simulated"):
        yield "\nThese are simulated packs"


def _soh(r: dict[str, Any]) -> Iterator[str]:
    if not r.get("valid", True):
        yield f"The health of {r['asset_id']} cannot be estimated: {r['reason']}"
        if r.get("telemetry_soh_percent") is not None:
            yield f"Its telemetry reports {number(r['telemetry_soh_percent'])} %"
        return
    yield f"State of health of {r['asset_id']} ({r['cell_model']}): {_interval(r)}"
    if r.get("capacity_ah") is not None:
        yield f"Capacity of a cell {number(r['capacity_ah'])} Ah of {number(r['nominal_capacity_ah'])} Ah"
    if r.get("weakest_cell"):
        yield f"Weakest cell: {r['weakest_cell']}"
    when = f", record of {r['record_time']}" if r.get("record_time") else ""
    yield f"Method: {r['method']}{when}"


def _diagnosis(r: dict[str, Any]) -> Iterator[str]:
    yield f"{r['asset_id']} ({r['cell_model']}): {len(r['findings']) or 'no'} finding" + "s" * (len(r["findings"]) != 1)
    for f in r["findings"]:
        where = f" in {', '.join(f['cells'])}" if f.get("cells") else ""
        since = f", since {f['since']}" if f.get("since") else ""
        yield (f"\n- {f['fault'].replace('_', ' ')}{where}: {f['evidence']} (severity {f['severity']}, confidence "
               f"{f['confidence']}{since}). {f['what_to_do']}")
    yield "\nChecked: " + ", ".join(r["checks_ran"])
    if r.get("checks_not_possible"):
        yield "Not checked: " + "; ".join(f"{c} ({why})" for c, why in r["checks_not_possible"].items())
    if r.get("simulated"):
        yield "This is a simulated pack"


def _passages(r: dict[str, Any]) -> Iterator[str]:
    if not r["passages"]:
        yield r.get("note") or "Not in the documents"
        return
    if r.get("answer"):
        yield r["answer"]
        first = r["passages"][0]
        yield f"Source: {where(first)}"
        yield r.get("warning") or ""
        return
    yield "The documents say:"
    yield from quoted(r)


def _interval(r: dict[str, Any]) -> str:
    value = f"{number(r['soh_percent'])} %"
    if r.get("soh_low_percent") is None:
        return value
    return f"{value} (90 % interval {number(r['soh_low_percent'])} to {number(r['soh_high_percent'])} %)"


_WRITERS: dict[str, Callable[[dict[str, Any]], Iterator[str]]] = {
    "get_status": _status, "find_packs": _packs, "estimate_soh": _soh, "diagnose": _diagnosis,
    "simulate_charge": render_charging.simulation, "recommend_charging_current": render_charging.recommendation,
    "forecast_life": render_charging.life, "search_documents": _passages,
}
