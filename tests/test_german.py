"""German asked, German answered: also where code writes the answer, and every number of it from the results."""

import pytest
from scripted import calls, question, scripted_agent

from eval.languages import language_of
from oracle.audit import read
from oracle.grounding import Call, check
from oracle.render import turn
from oracle.render_german import WRITERS
from retrieval.toolset import ALL_TOOLS
from tools.words.language import is_german

ASKED = {
    "get_status": ("Wie geht es dem Pack PK-0016 jetzt?", {"asset_id": "PK-0016"}),
    "find_packs": ("Welche 3 Packs sind am heißesten?", {"sort_by": "temperature", "descending": True, "limit": "3"}),
    "estimate_soh": ("Wie gesund ist das Pack PK-0016 noch?", {"asset_id": "PK-0016"}),
    "diagnose": ("Was hat das Pack PK-0016 für Fehler?", {"asset_id": "PK-0016"}),
    "simulate_charge": ("Wie lange lädt die LG M50LT mit 0,3C von 20 auf 40 % bei 25 Grad?",
                        {"cell_model": "LG M50LT", "c_rate": "0,3C", "soc_start_percent": "20",
                         "soc_end_percent": "40 %", "temperature_c": "25 Grad"}),
    "recommend_charging_current": ("Mit welchem Strom darf ich die LG M50LT bei 20 Grad von 30 auf 50 % laden?",
                                   {"cell_model": "LG M50LT", "temperature_c": "20 Grad", "soc_percent": "30",
                                    "target_soc_percent": "50 %"}),
    "forecast_life": ("Wie viel Kapazität hat die LG M50LT nach 5 Jahren noch?",
                      {"cell_model": "LG M50LT", "years": "5 Jahren"}),
}


@pytest.mark.parametrize("tool", ASKED)
def test_what_code_writes_is_german_and_from_the_results(demo, tool):
    text, arguments = ASKED[tool]
    agent = scripted_agent(demo.home, calls((tool, arguments)), "Es sind 987 Gigawatt.", "Es sind 987 Gigawatt.")
    answered = agent.answer(question(text))
    record = read(agent.settings, answered.audit_id)
    grounds = [Call(c["name"], c["arguments"], c["result"], c["read"]) for c in record["calls"]]
    assert answered.grounding["rendered_plainly"] and answered.tool_calls
    assert language_of(answered.text) == "de"
    assert not check(answered.text, grounds, record["messages"]).unsupported


def test_a_datasheet_fact_told_in_english_is_told_in_german(indexed_home):
    english = "LG M50LT, mass: 68 g. Source: datasheet."
    agent = scripted_agent(indexed_home, calls(("search_documents", {"query": "Masse", "cell_model": "LG M50LT"})),
                           english, english)
    answered = agent.answer(question("Welche Masse hat die LG M50LT laut Datenblatt?"))
    assert language_of(answered.text) == "de" and "[1]" in answered.text


def test_a_german_answer_of_the_model_stays(demo):
    said = "Gesundheit des Packs: keine Zahl nötig, es ist von Ihnen."
    answered = scripted_agent(demo.home, calls(("get_status", {"asset_id": "PK-0016"})), said).answer(
        question("Wie geht es dem Pack PK-0016 jetzt?"))
    assert answered.text == said and not answered.grounding["rendered_plainly"]


def test_every_tool_is_written_in_german():
    assert set(WRITERS) == {tool.name for tool in ALL_TOOLS}


@pytest.mark.parametrize("rejected", [[], ["No pack."]])
def test_nothing_to_tell_is_said_in_german(rejected):
    assert language_of(turn([], rejected, german=True)) == "de"


@pytest.mark.parametrize("text, german", [
    ("Wie geht es PK-0016?", True), ("was ist mit pack 12", True), ("How is PK-0016?", False),
    ("was die pack ok", False), ("Combien d'ampères pour PK-0016 ?", False), ("PK-0016 status", False)])
def test_german_is_told_from_other_languages(text, german):
    assert is_german(text) is german
