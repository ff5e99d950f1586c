"""The floor a language model has to beat: keywords choose the tool, regular expressions read the last message.

Reads digits with their unit, ids, catalogue cell names and the sites of the demo fleet; no number words, no
Fahrenheit, no clock times. Of earlier turns it remembers only the pack or cell. Its keywords come from the
hand that wrote the judged questions, so it is a floor that knows them rather than a blind one.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from eval.score import Call
from tools.arguments import FindPacks, ForecastLife, RecommendChargingCurrent, SimulateCharge
from tools.cells import find_cell, load_catalogue
from tools.errors import CannotAnswer

SITES = ("Hamburg", "Oslo", "Phoenix", "Lyon", "Gothenburg", "Pune", "Tartu")
ASSET = re.compile(r"\b(?:PK-\d{4}(?:-C\d{2,3})?|UP-[0-9a-f]{4,12})\b", re.I)
NUMBER = r"(-?\d+(?:\.\d+)?)\s*"

# First hit wins: the narrower wish stands before the wider one.
TOOL_WORDS = (
    ("search_documents", r"datasheet|spec sheet|document|summary|report|search|look up"),
    ("simulate_charge", r"simulat|what happens if|what would happen|predict|model a|how long does"),
    ("diagnose", r"diagnos|wrong|fault\b|why|root cause|weak|broken"),
    ("find_packs", r"\bpacks\b|\blist\b|\brank"),
    ("forecast_life", r"forecast|project|how long will|\byears?\b|last\b|end of life"),
    ("recommend_charging_current", r"recommend|suggest|what current|which current|how hard|charg"),
    ("estimate_soh", r"health|\bsoh\b|degrad|worn|wear"),
    ("get_status", r"status|state|how full|live|right now|check"),
)
PRIORITY_WORDS = (("fastest", r"fast|quick"), ("longest_life", r"gentl|protect|longest"),
                  ("balanced", r"balanced|compromise"))
SORT_WORDS = (("soh", r"health|soh"), ("temperature", r"hottest|coldest"), ("spread", r"spread|imbalance"),
              ("cycles", r"cycles"), ("soc", r"emptiest|fullest"))


def keyword_calls(messages: Sequence[Mapping[str, str]]) -> list[Call]:
    """The call that the keywords of the last message suggest; none where no tool or no subject is named."""
    text = messages[-1]["content"]
    name = next((tool for tool, words in TOOL_WORDS if re.search(words, text, re.I)), None)
    if name is None:
        return []
    if name == "search_documents":
        return [Call(name=name, arguments={"query": text} | _document_kind(text) | _cell(text))]
    if name == "find_packs":
        return [Call(name=name, arguments=_find_packs(text))]
    subject = next(filter(None, (_subject(m["content"]) for m in reversed(messages))), {})
    fields = {"simulate_charge": SimulateCharge, "recommend_charging_current": RecommendChargingCurrent,
              "forecast_life": ForecastLife}.get(name)
    if not subject or (fields is None and "asset_id" not in subject):
        return []
    numbers = _numbers(text) if fields else {}
    return [Call(name=name, arguments=subject | {k: v for k, v in numbers.items() if k in fields.model_fields})]


def _subject(text: str) -> dict[str, str]:
    asset = ASSET.search(text)
    if not asset:
        return _cell(text)
    name = asset.group()
    return {"asset_id": "UP-" + name[3:].lower() if name[:2].upper() == "UP" else name.upper()}


def _numbers(text: str) -> dict[str, Any]:
    """Every reading of a number with its unit; the caller keeps those its tool has."""
    percents = [float(p) for p in re.findall(NUMBER + r"(?:%|percent)", text, re.I)]
    target = re.search(r"\bto\s+" + NUMBER + r"(?:%|percent)", text, re.I)
    found = {
        "temperature_c": _first(r"(?:°\s?C|deg(?:rees)?C?\b)", text),
        "time_limit_min": _first(r"min", text),
        "current_a": _first(r"(?:A|amps?|amperes?)\b", text),
        "c_rate": _first(r"C\b", text, flags=0),
        "charge_c_rate": _first(r"C\b", text, flags=0),
        "years": _first(r"years?\b", text),
        "cycles_per_week": _first(r"cycles (?:per|a) week", text),
        "target_soc_percent": float(target.group(1)) if target else None,
        "soc_end_percent": float(target.group(1)) if target else None,
        "soc_percent": next((p for p in percents if not target or p != float(target.group(1))), None),
        "priority": next((p for p, words in PRIORITY_WORDS if re.search(words, text, re.I)), None),
    }
    found["soc_start_percent"] = found["soc_percent"]
    return {field: value for field, value in found.items() if value is not None}


def _first(unit: str, text: str, flags: int = re.I) -> float | None:
    match = re.search(NUMBER + unit, text, flags)
    return float(match.group(1)) if match else None


def _find_packs(text: str) -> dict[str, Any]:
    below, above = (rf"(?:{words})\s+{NUMBER}" for words in ("below|under|less than", "above|over|more than"))
    limit = re.search(r"\b(?:top|the)\s+(\d+)\b|\b(\d+)\s+(?:hottest|coldest|worst|best)", text, re.I)
    found = {
        "soh_below_percent": _first_after(below, r"(?:%|percent)", text),
        "soh_above_percent": _first_after(above, r"(?:%|percent)", text),
        "temperature_above_c": _first_after(above, r"(?:°|deg)", text),
        "temperature_below_c": _first_after(below, r"(?:°|deg)", text),
        "spread_above_mv": _first_after(above, r"mV", text),
        "has_fault": True if re.search(r"\bfault", text, re.I) else None,
        "site": next((site for site in SITES if site in text), None),
        "limit": int(limit.group(1) or limit.group(2)) if limit else None,
    }
    if re.search(r"\w+est\b|worst|rank|sort", text, re.I):
        found["sort_by"] = next((field for field, words in SORT_WORDS if re.search(words, text, re.I)), None)
        found["descending"] = True if re.search(r"hottest|highest|largest|most|best", text, re.I) else None
    found = {field: value for field, value in found.items() if value is not None and field in FindPacks.model_fields}
    return found | _cell(text)


def _first_after(comparison: str, unit: str, text: str) -> float | None:
    match = re.search(comparison + unit, text, re.I)
    return float(match.group(1)) if match else None


def _document_kind(text: str) -> dict[str, str]:
    if re.search(r"datasheet|spec sheet", text, re.I):
        return {"kind": "datasheet"}
    return {"kind": "fleet_summary"} if re.search(r"summary|report", text, re.I) else {}


def _cell(text: str) -> dict[str, str]:
    """The first run of up to three words that the catalogue knows, if any."""
    makers = {cell.manufacturer.split()[0].casefold() for cell in load_catalogue()}
    words = re.findall(r"[\w.\-]+", text)
    for start, word in enumerate(words):
        if word.casefold() not in makers:
            continue
        for size in (3, 2):
            name = " ".join(words[start:start + size]).rstrip(".")
            try:
                find_cell(name)
            except CannotAnswer:
                continue
            return {"cell_model": name}
    return {}
