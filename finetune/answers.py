"""How an answer reads: the sentences that the model learns to write from a tool's brief result.

Every number is copied from the result; value, unit, reason, uncertainty and source are said where the result has
them. English and German; a question in another language is answered in English for now.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from oracle.render_german import REFUSED
from tools.words.language import is_german

Brief = Mapping[str, Any]


def answer(name: str, brief: Brief, question: str) -> str:
    """The answer to one call's brief result, in the language of the question."""
    german = is_german(question)
    if "error" in brief:
        sentence = _sentence(brief["error"])
        return REFUSED.format(sentence) if german else sentence
    return " ".join(FORMS[name][german](brief).split())


def _g(value: float) -> str:
    return f"{value:g}"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else text + "."


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _current(b: Brief, per_cell: str, pack: str) -> str:
    if "pack_current_a" in b:
        return f"{_g(b['current_a'])} A {per_cell} ({_g(b['pack_current_a'])} A {pack}, {_g(b['c_rate'])}C)"
    return f"{_g(b['current_a'])} A {per_cell} ({_g(b['c_rate'])}C)"


def _end(b: Brief) -> float:
    """Where the charge ends: the target, or what is reached where the limits stop it short."""
    return b["reached_soc_percent"] if "reached_soc_percent" in b else b["target_soc_percent"]


def _recommend_en(b: Brief) -> str:
    if not b["current_a"]:
        return f"Do not charge now: {_sentence(b['binding_constraint'])} Envelope: {b['envelope']}."
    parts = [f"Charge at {_current(b, 'per cell', 'for the pack')} now"]
    if "final_current_a" in b:
        parts.append(f", falling to {_g(b['final_current_a'])} A")
    parts.append(f". Reason: {_sentence(b['binding_constraint'])}")
    if b.get("deadline_met") is False:
        parts.append(f" The deadline cannot be met: {_g(b['soc_at_deadline_percent'])} % by then, "
                     f"{_g(_end(b))} % after {_g(b['earliest_time_min'])} min.")
    elif "charge_time_min" in b:
        met = ", in time" if b.get("deadline_met") else ""
        parts.append(f" It reaches {_g(_end(b))} % in {_g(b['charge_time_min'])} min{met}.")
    if "min_anode_potential_v" in b:
        parts.append(f" The anode stays at {_g(b['min_anode_potential_v'])} V or more, "
                     f"the cell at {_g(b['max_temperature_c'])} °C or less.")
    source = f"checked by {b['verified_by']}" if "verified_by" in b else "not checked by a simulation"
    physics = f"; physics alone would allow {_g(b['physics_limit_a'])} A" if "physics_limit_a" in b else ""
    return "".join(parts) + f" Envelope: {b['envelope']}, {source}{physics}."


def _recommend_de(b: Brief) -> str:
    if not b["current_a"]:
        return f"Jetzt nicht laden: {_sentence(b['binding_constraint'])} Grenzen: {b['envelope']}."
    text = f"Laden Sie jetzt mit {_current(b, 'pro Zelle', 'für das Pack')}"
    if "final_current_a" in b:
        text += f", später {_g(b['final_current_a'])} A"
    text += f". Grund: {_sentence(b['binding_constraint'])}"
    if b.get("deadline_met") is False:
        text += (f" Die Frist ist nicht zu halten: dann {_g(b['soc_at_deadline_percent'])} %, "
                 f"{_g(_end(b))} % nach {_g(b['earliest_time_min'])} min.")
    elif "charge_time_min" in b:
        met = ", rechtzeitig" if b.get("deadline_met") else ""
        text += f" {_g(_end(b))} % sind nach {_g(b['charge_time_min'])} min erreicht{met}."
    if "min_anode_potential_v" in b:
        text += (f" Die Anode bleibt bei mindestens {_g(b['min_anode_potential_v'])} V, "
                 f"die Zelle bei höchstens {_g(b['max_temperature_c'])} °C.")
    source = f"geprüft mit {b['verified_by']}" if "verified_by" in b else "nicht mit einer Simulation geprüft"
    physics = f"; physikalisch wären {_g(b['physics_limit_a'])} A möglich" if "physics_limit_a" in b else ""
    return text + f" Grenzen: {b['envelope']}, {source}{physics}."


def _simulate_en(b: Brief) -> str:
    pack = f" per cell ({_g(b['pack_current_a'])} A for the pack)" if "pack_current_a" in b else ""
    text = (f"At {_g(b['current_a'])} A{pack}, {_g(b['c_rate'])}C, the {b['cell_model']} reaches "
            f"{_g(b['reached_soc_percent'])} % in {_g(b['charge_time_min'])} min and takes {_g(b['energy_wh'])} Wh. "
            f"Highest values: {_g(b['max_voltage_v'])} V and {_g(b['max_temperature_c'])} °C; "
            f"the anode falls to {_g(b['min_anode_potential_v'])} V. Plating risk: {_sentence(b['plating_risk'])}")
    warning = f" {_sentence(b['envelope_warning'])}" if "envelope_warning" in b else ""
    return text + warning + f" Source: {b['version']}."


def _simulate_de(b: Brief) -> str:
    pack = f" pro Zelle ({_g(b['pack_current_a'])} A für das Pack)" if "pack_current_a" in b else ""
    text = (f"Mit {_g(b['current_a'])} A{pack}, {_g(b['c_rate'])}C, erreicht die {b['cell_model']} "
            f"{_g(b['reached_soc_percent'])} % in {_g(b['charge_time_min'])} min und nimmt {_g(b['energy_wh'])} Wh auf."
            f" Höchstwerte: {_g(b['max_voltage_v'])} V und {_g(b['max_temperature_c'])} °C; "
            f"die Anode fällt auf {_g(b['min_anode_potential_v'])} V. Plating: {_sentence(b['plating_risk'])}")
    warning = f" {_sentence(b['envelope_warning'])}" if "envelope_warning" in b else ""
    return text + warning + f" Quelle: {b['version']}."


def _life_en(b: Brief) -> str:
    text = (f"After {_g(b['years'])} years I expect {_g(b['capacity_percent'])} % of the capacity, 90 % band "
            f"{_g(b['capacity_low_percent'])} to {_g(b['capacity_high_percent'])} %.")
    if "years_to_80_percent" in b:
        text += f" 80 % is reached after {_g(b['years_to_80_percent'])} years"
        text += f", 70 % after {_g(b['years_to_70_percent'])} years." if "years_to_70_percent" in b else "."
    return text + f" Drivers: {_sentence(b['drivers'])} Source: {b['version']}."


def _life_de(b: Brief) -> str:
    text = (f"Nach {_g(b['years'])} Jahren erwarte ich {_g(b['capacity_percent'])} % der Kapazität, 90-%-Band "
            f"{_g(b['capacity_low_percent'])} bis {_g(b['capacity_high_percent'])} %.")
    if "years_to_80_percent" in b:
        text += f" 80 % sind nach {_g(b['years_to_80_percent'])} Jahren erreicht"
        text += f", 70 % nach {_g(b['years_to_70_percent'])} Jahren." if "years_to_70_percent" in b else "."
    return text + f" Ursachen: {_sentence(b['drivers'])} Quelle: {b['version']}."


def _status_en(b: Brief) -> str:
    text = f"{b['asset_id']} ({b['cell_model']}, {b['site']}): {_g(b['soc_percent'])} % charge"
    if "soh_percent" in b:
        band = f" (90 % interval {b['soh_90_percent_interval']})" if "soh_90_percent_interval" in b else ""
        text += f", health {_g(b['soh_percent'])} %{band}"
    text += f", {_g(b['temperature_c'])} °C" if "temperature_c" in b else ""
    text += f", spread {_g(b['spread_mv'])} mV" if "spread_mv" in b else ""
    text += f", {_g(b['cycles'])} cycles" if "cycles" in b else ""
    return f"{text}. Faults: {b['faults']}. Telemetry of {b['time']}{_simulated(b)}."


def _status_de(b: Brief) -> str:
    text = f"{b['asset_id']} ({b['cell_model']}, {b['site']}): Ladung {_g(b['soc_percent'])} %"
    if "soh_percent" in b:
        band = f" (90-%-Intervall {b['soh_90_percent_interval']})" if "soh_90_percent_interval" in b else ""
        text += f", Gesundheit {_g(b['soh_percent'])} %{band}"
    text += f", {_g(b['temperature_c'])} °C" if "temperature_c" in b else ""
    return f"{text}. Fehler: {b['faults']}. Telemetrie vom {b['time']}{_simulated(b)}."


def _simulated(b: Brief) -> str:
    return f", {b['note']}" if "note" in b else ""


def _packs(b: Brief, none: str, head: str) -> str:
    if not b["packs"]:
        return none.format(**b)
    shown = "; ".join(re.sub(r" SoC .*", "", line) for line in b["packs"][:3])
    return head.format(**b) + f" {shown}{_simulated(b)}."


def _packs_en(b: Brief) -> str:
    return _packs(b, "No pack of {of_packs} fits ({filters}).",
                  "{count} of {of_packs} packs fit ({filters}), by {order}:")


def _packs_de(b: Brief) -> str:
    return _packs(b, "Kein Pack von {of_packs} passt ({filters}).",
                  "{count} von {of_packs} Packs passen ({filters}), nach {order}:")


def _soh_en(b: Brief) -> str:
    if not b["valid"]:
        return f"The health of {b['asset_id']} cannot be estimated: {_sentence(b['reason'])}"
    band = b["soh_90_percent_interval"]
    text = f"State of health of {b['asset_id']}: {_g(b['soh_percent'])} %, 90 % interval {band} %."
    text += f" Capacity {_g(b['capacity_ah'])} Ah." if "capacity_ah" in b else ""
    text += f" Weakest cell: {b['weakest_cell']}." if b.get("weakest_cell") else ""
    return text + f" Method: {b['method']}{_simulated(b)}."


def _soh_de(b: Brief) -> str:
    if not b["valid"]:
        return f"Die Gesundheit von {b['asset_id']} lässt sich nicht schätzen: {_sentence(b['reason'])}"
    band = b["soh_90_percent_interval"]
    text = f"Gesundheitszustand von {b['asset_id']}: {_g(b['soh_percent'])} %, 90-%-Intervall {band} %."
    text += f" Kapazität {_g(b['capacity_ah'])} Ah." if "capacity_ah" in b else ""
    return text + f" Verfahren: {b['method']}{_simulated(b)}."


def _diagnose_en(b: Brief) -> str:
    if not b["count"]:
        return f"No fault found in {b['asset_id']}. Checked: {b['checks_ran']}{_simulated(b)}."
    return f"{b['asset_id']}: {_findings(b)} Checked: {b['checks_ran']}{_simulated(b)}."


def _diagnose_de(b: Brief) -> str:
    if not b["count"]:
        return f"Kein Fehler in {b['asset_id']} gefunden. Geprüft: {b['checks_ran']}{_simulated(b)}."
    return f"{b['asset_id']}: {_findings(b)} Geprüft: {b['checks_ran']}{_simulated(b)}."


def _findings(b: Brief) -> str:
    told = []
    for n in range(1, b["count"] + 1):
        told += [_sentence(b[key]) for key in (f"finding_{n}", f"what_to_do_{n}") if key in b]
    return " ".join(told)


def _documents_en(b: Brief) -> str:
    return _documents(b, "Source", "The documents do not say")


def _documents_de(b: Brief) -> str:
    return _documents(b, "Quelle", "Das steht nicht in den Dokumenten")


def _documents(b: Brief, source: str, nothing: str) -> str:
    if "answer" in b:
        sources = dict.fromkeys(p["document"] for p in b["passages"])
        return f"{b['answer']} {source}: {', '.join(sources)}."
    if not b["passages"]:
        return _sentence(f"{nothing}: {b['note']}" if b.get("note") else nothing)
    best = b["passages"][0]
    return f"{_sentence(_upper(_first_sentences(best['text'])))} [{best['n']}] ({best['document']})"


def _first_sentences(text: str, words: int = 45) -> str:
    kept: list[str] = []
    for sentence in re.split(r"(?<=[.;])\s+", text.replace("...", " ").strip()):
        if kept and len(" ".join([*kept, sentence]).split()) > words:
            break
        kept.append(sentence)
    return " ".join(kept)


FORMS: dict[str, tuple[Callable[[Brief], str], Callable[[Brief], str]]] = {  # tool: English, German
    "recommend_charging_current": (_recommend_en, _recommend_de),
    "simulate_charge": (_simulate_en, _simulate_de),
    "forecast_life": (_life_en, _life_de),
    "get_status": (_status_en, _status_de),
    "find_packs": (_packs_en, _packs_de),
    "estimate_soh": (_soh_en, _soh_de),
    "diagnose": (_diagnose_en, _diagnose_de),
    "search_documents": (_documents_en, _documents_de),
}
