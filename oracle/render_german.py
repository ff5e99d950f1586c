"""Tool results as plain German sentences, as `oracle.render` writes them in English.

What a tool says in words (reasons, findings, warnings, refusals) stays as the tool wrote it, in English.
"""

from collections.abc import Callable, Iterator
from typing import Any

from oracle.render_numbers import is_pack, number, quoted, subject, where

NO_SOURCE = ("Dafür habe ich weder ein Ergebnis noch ein Dokument. Nennen Sie ein Pack (etwa PK-0042) oder eine Zelle "
             "(etwa LG M50LT) und was Sie wissen wollen: Ladestrom, Gesundheit, Zustand, Lebensdauer, ein Wert aus dem "
             "Datenblatt.")
UNUSABLE = "Die Frage kann ich so nicht verwenden: {}"
REFUSED = "Darauf gibt es keine Antwort, denn: {}"


def _recommendation(r: dict[str, Any]) -> Iterator[str]:
    state = f"{number(r['soc_percent'])} % bei {number(r['temperature_c'])} °C, Gesundheit {number(r['soh_percent'])} %"
    if r["current_a"] <= 0:
        yield f"{subject(r)}: jetzt nicht laden (0 A), Ausgangslage {state}"
        yield f"Grund: {r['binding_constraint']}"
    else:
        yield f"Laden Sie {subject(r)} mit {_currents(r)}, Ausgangslage {state}"
        yield f"Die Grenze: {r['binding_constraint']}"
        yield from _course(r)
        yield from _deadline(r)
        yield from _extremes(r)
    physics = r.get("physics_limit_a") if r["envelope"] == "datasheet" else None
    yield f"Grenzen nach: {r['envelope']}" + (
        f" (die Physik allein ließe {number(physics)} A pro Zelle zu)" if physics is not None else "")
    if r.get("verified_by"):
        yield f"Geprüft mit {r['verified_by']}"
    elif r["current_a"] > 0:
        yield "Dieser Strom wurde NICHT mit einer Simulation geprüft"
    if versus := r.get("versus_cc_cv"):
        yield (f"Einfaches CC-CV mit {number(versus['cc_cv_current_a'])} A pro Zelle braucht "
               f"{number(versus['cc_cv_time_min'])} min; zum Vergleich der Lebensdauer: {versus['life_note']}")
    yield from r.get("assumptions", ())


def _simulation(r: dict[str, Any]) -> Iterator[str]:
    yield (f"{subject(r)} erreicht mit {_currents(r)} von {number(r['soc_start_percent'])} % bei "
           f"{number(r['temperature_c'])} °C aus {number(r['reached_soc_percent'])} % in "
           f"{number(r['charge_time_min'])} min ({r['end_reason']})")
    yield from _extremes(r)
    yield f"Lithium-Plating: {r['plating_words']}"
    if r.get("envelope_warning"):
        yield f"Warnung: {r['envelope_warning']}"
    yield f"Grenzen nach: {r['envelope']}; gerechnet mit {r['version']}"
    yield from r.get("assumptions", ())


def _life(r: dict[str, Any]) -> Iterator[str]:
    yield (f"{subject(r)} behält nach {number(r['years'])} Jahren {number(r['capacity_percent'])} % der Kapazität "
           f"(zwischen {number(r['capacity_low_percent'])} und {number(r['capacity_high_percent'])} %)")
    yield (f"Angenommen sind {number(r['cycles_per_week'])} Zyklen pro Woche mit "
           f"{number(r['depth_of_discharge_percent'])} % Tiefe, geladen mit {number(r['charge_c_rate'])}C, bei "
           f"{number(r['temperature_c'])} °C, ab {number(r['soh_percent'])} % Gesundheit")
    for share in (80, 70):
        if r.get(f"years_to_{share}_percent") is not None:
            yield f"{share} % sind nach {number(r[f'years_to_{share}_percent'])} Jahren erreicht"
    yield f"Was altern lässt: {r['drivers']}"
    yield r["caveat"]
    yield f"Quelle: {r['version']}"
    yield from r.get("assumptions", ())


def _status(r: dict[str, Any]) -> Iterator[str]:
    yield f"{r['asset_id']} ({r['cell_model']}, {r['site']}), Stand {r['time']}: Ladung {number(r['soc_percent'])} %"
    yield f"Gesundheitszustand {_interval(r)}, aus {r['soh_source']}"
    spread = f", Spreizung {number(r['spread_mv'])} mV" if r.get("spread_mv") is not None else ""
    yield (f"Temperatur {number(r['temperature_c'])} °C{spread}, {number(r['voltage_v'])} V, "
           f"{number(r['current_a'])} A, {number(r['cycles'])} Zyklen")
    yield "Fehler: " + (", ".join(r["faults"]) or "keine")
    yield from _simulated(r, "Dies ist ein simuliertes Pack")


def _packs(r: dict[str, Any]) -> Iterator[str]:
    yield f"{r['count']} von {r['of_packs']} Packs passen ({r['filters']}), Reihenfolge: {r['order']}"
    yield "".join(f"\n- {p['asset_id']}, {p['site']}: SoH {number(p['soh_percent'])} %, "
                  f"{number(p['temperature_c'])} °C, Spreizung {number(p['spread_mv'])} mV, "
                  f"SoC {number(p['soc_percent'])} %, {number(p['cycles'])} Zyklen, Fehler {p['fault']}"
                  for p in r["packs"])
    yield from _simulated(r, "\nDies sind simulierte Packs")


def _soh(r: dict[str, Any]) -> Iterator[str]:
    if not r.get("valid", True):
        yield f"Die Gesundheit von {r['asset_id']} lässt sich nicht schätzen: {r['reason']}"
        if r.get("telemetry_soh_percent") is not None:
            yield f"Seine Telemetrie meldet {number(r['telemetry_soh_percent'])} %"
        return
    yield f"Gesundheitszustand von {r['asset_id']} ({r['cell_model']}): {_interval(r)}"
    if r.get("capacity_ah") is not None:
        yield f"Kapazität einer Zelle {number(r['capacity_ah'])} Ah von {number(r['nominal_capacity_ah'])} Ah"
    if r.get("weakest_cell"):
        yield f"Schwächste Zelle: {r['weakest_cell']}"
    yield f"Verfahren: {r['method']}" + (f", Aufzeichnung vom {r['record_time']}" if r.get("record_time") else "")


def _diagnosis(r: dict[str, Any]) -> Iterator[str]:
    found = len(r["findings"])
    yield f"{r['asset_id']} ({r['cell_model']}): " + (f"{found} Befund" + "e" * (found > 1) if found else "kein Befund")
    for f in r["findings"]:
        where = f" in {', '.join(f['cells'])}" if f.get("cells") else ""
        since = f", seit {f['since']}" if f.get("since") else ""
        yield (f"\n- {f['fault'].replace('_', ' ')}{where}: {f['evidence']} (Schwere {f['severity']}, Sicherheit "
               f"{f['confidence']}{since}). {f['what_to_do']}")
    yield "\nGeprüft: " + ", ".join(r["checks_ran"])
    if r.get("checks_not_possible"):
        yield "Nicht geprüft: " + "; ".join(f"{c} ({why})" for c, why in r["checks_not_possible"].items())
    yield from _simulated(r, "Dies ist ein simuliertes Pack")


def _passages(r: dict[str, Any]) -> Iterator[str]:
    if not r["passages"]:
        yield "Das steht nicht in den Dokumenten" + (f": {r['note']}" if r.get("note") else "")
    elif r.get("answer"):
        yield f"Im Dokument steht: {r['answer']}"
        yield f"Quelle: {where(r['passages'][0], 'Seite')}"
        yield r.get("warning") or ""
    else:
        yield "In den Dokumenten steht:"
        yield from quoted(r)


def _currents(r: dict[str, Any]) -> str:
    rate = f" ({number(r['c_rate'])}C)" if r.get("c_rate") is not None else ""
    pack = f", das sind {number(r['pack_current_a'])} A für das ganze Pack" if is_pack(r) else ""
    return f"{number(r['current_a'])} A pro Zelle{rate}{pack}"


def _course(r: dict[str, Any]) -> Iterator[str]:
    stages = r.get("protocol", ())
    if len(stages) > 1:
        falls = "fällt in Stufen auf" if stages[-1]["current_a"] < r["current_a"] else "endet bei"
        yield (f"Der Strom {falls} {number(stages[-1]['current_a'])} A pro Zelle bei "
               f"{number(stages[-1]['until_soc_percent'])} %")
    if r.get("charge_time_min") is not None:
        yield f"{number(r['reached_soc_percent'])} % sind in {number(r['charge_time_min'])} min erreicht"


def _deadline(r: dict[str, Any]) -> Iterator[str]:
    if r.get("deadline_met") is None:
        return
    limit = f" von {number(r['deadline_min'])} min" if r.get("deadline_min") is not None else ""
    if r["deadline_met"]:
        yield f"Die Frist{limit} wird gehalten"
        return
    there, earliest = r.get("soc_at_deadline_percent"), r.get("earliest_time_min")
    yield (f"Die Frist{limit} ist nicht zu halten" + (f": bis dahin {number(there)} %" if there is not None else "")
           + (f", {number(r['target_soc_percent'])} % dauern mindestens {number(earliest)} min" if earliest else ""))


def _extremes(r: dict[str, Any]) -> Iterator[str]:
    parts = [f"{words} {number(r[field])} {unit}" for field, words, unit in (
        ("max_temperature_c", "höchstens", "°C"), ("max_voltage_v", "höchstens", "V pro Zelle"),
        ("min_anode_potential_v", "Anodenpotential mindestens", "V gegen Lithium")) if r.get(field) is not None]
    if parts:
        yield "Unterwegs: " + ", ".join(parts)


def _simulated(r: dict[str, Any], sentence: str) -> Iterator[str]:
    if r.get("simulated"):
        yield sentence


def _interval(r: dict[str, Any]) -> str:
    value = f"{number(r['soh_percent'])} %"
    if r.get("soh_low_percent") is None:
        return value
    return f"{value} (90-%-Intervall {number(r['soh_low_percent'])} bis {number(r['soh_high_percent'])} %)"


WRITERS: dict[str, Callable[[dict[str, Any]], Iterator[str]]] = {
    "get_status": _status, "find_packs": _packs, "estimate_soh": _soh, "diagnose": _diagnosis,
    "simulate_charge": _simulation, "recommend_charging_current": _recommendation, "forecast_life": _life,
    "search_documents": _passages,
}
