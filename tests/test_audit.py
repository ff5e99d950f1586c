"""Every answer leaves a record first, and a record can be replayed."""

import json
import sqlite3

import pytest
from scripted import TOLD, calls, question, scripted_agent

from oracle import audit
from oracle.errors import CannotRecord
from retrieval.toolset import ALL_TOOLS

RAW = {"cell_model": "LG M50LT", "c_rate": "0.5C", "temperature_c": "25 C"}


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    agent = scripted_agent(tmp_path_factory.mktemp("audit"), calls(("simulate_charge", RAW)), TOLD, tenant="acme")
    return agent, agent.answer(question("Simulate LG M50LT at 0.5C and 25 C"))


def test_a_record_holds_everything(answered):
    agent, answer = answered
    record = audit.read(agent.settings, answer.audit_id)
    assert record["answer"] == answer.text and record["messages"][-1]["role"] == "user"
    assert record["calls"][0]["raw"] == RAW
    assert record["calls"][0]["arguments"] == {"cell_model": "LG M50LT", "c_rate": 0.5, "temperature_c": 25}
    assert record["calls"][0]["result"] == answer.tool_calls[0]["result"]
    assert record["outputs"][0]["tool_calls"][0]["name"] == "simulate_charge"
    assert {"model", "prompt", "tools", "pybamm"} <= record["versions"].keys()
    assert record["grounding"]["grounded"] and record["latency_s"] > 0 and record["tenant"] == "acme"


def test_replay_repeats_and_finds_a_changed_result(answered):
    agent, answer = answered
    record = audit.read(agent.settings, answer.audit_id)
    assert [o["same"] for o in audit.replay(record, ALL_TOOLS, agent.context)] == [True]
    record["calls"][0]["result"]["charge_time_min"] *= 1.1
    outcome = audit.replay(record, ALL_TOOLS, agent.context)
    assert not outcome[0]["same"] and "charge_time_min" in outcome[0]["differences"][0]


def test_a_scope_sees_its_own_records(answered):
    agent, answer = answered
    others = agent.settings.model_copy(update={"tenant": "other"})
    assert audit.newest(others) == []
    assert [row["id"] for row in audit.newest(agent.settings)] == [answer.audit_id]
    with pytest.raises(CannotRecord, match="oracle audit list"):
        audit.read(others, answer.audit_id)


def test_without_a_record_there_is_no_answer(tmp_path):
    (tmp_path / "audit.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(CannotRecord, match="nothing is answered"):
        scripted_agent(tmp_path, "Hello.").answer(question("hi"))


def test_a_failed_question_is_recorded_too(tmp_path):
    import httpx2 as httpx
    import openai

    dead = openai.APIConnectionError(request=httpx.Request("POST", "http://127.0.0.1/"))
    agent = scripted_agent(tmp_path, dead, dead, "never")
    with pytest.raises(Exception, match="does not answer"):
        agent.answer(question("hi"))
    with sqlite3.connect(tmp_path / "audit.db") as database:
        (text,) = database.execute("SELECT record FROM answers").fetchone()
    assert "does not answer" in json.loads(text)["error"]
