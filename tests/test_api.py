"""The API through the real OpenAI client and plain HTTP."""

import socket

import httpx
import openai
import pytest
from scripted import TOLD, Scripted, calls

from oracle.agent import Agent
from oracle.settings import SERVED_NAME, Settings
from oracle.up import start_api

RAW = {"cell_model": "LG M50LT", "c_rate": "0.5C"}
ASKED = [{"role": "user", "content": "Simulate LG M50LT at 0.5C"}]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def agent(tmp_path_factory):
    from langchain_core.messages import AIMessage

    model = Scripted(responses=[calls(("simulate_charge", RAW)), AIMessage(TOLD)])
    return Agent(Settings(home=tmp_path_factory.mktemp("api"), vllm_port=free_port()), model)


@pytest.fixture(scope="module")
def url(agent):
    port = free_port()
    stop = start_api(agent, "127.0.0.1", port)
    yield f"http://127.0.0.1:{port}/v1"
    stop()


@pytest.fixture
def client(url, agent):
    agent.model.i = 0
    return openai.OpenAI(base_url=url, api_key="none", max_retries=0)


def test_an_answer_is_an_openai_object_with_one_key_more(client):
    answer = client.chat.completions.create(model=SERVED_NAME, messages=ASKED, temperature=0.7)
    assert answer.choices[0].message.content == TOLD
    assert answer.choices[0].finish_reason == "stop" and answer.object == "chat.completion"
    extra = answer.model_extra["oracle"]
    assert extra["tool_calls"][0] | {"result": 0} == {
        "step": 1, "name": "simulate_charge", "arguments": {"cell_model": "LG M50LT", "c_rate": 0.5}, "result": 0}
    assert extra["grounding"]["grounded"] and extra["audit_id"] and extra["citations"] == []


def test_a_stream_tells_calls_then_the_answer(client):
    stream = client.chat.completions.create(model=SERVED_NAME, messages=ASKED, stream=True,
                                            stream_options={"include_usage": True})
    chunks = list(stream)
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == TOLD
    told = [next(iter(c.model_extra["oracle"])) for c in chunks if c.model_extra.get("oracle")]
    assert told[:2] == ["tool_called", "tool_returned"] and chunks[-2].model_extra["oracle"]["audit_id"]
    assert chunks[-1].choices == [] and chunks[-1].usage.total_tokens == 0


def test_models(client):
    assert [m.id for m in client.models.list()] == [SERVED_NAME]
    assert client.models.retrieve(SERVED_NAME).id == SERVED_NAME


@pytest.mark.parametrize("changes, status", [
    ({"model": "gpt-4"}, 404), ({"messages": []}, 400), ({"messages": [{"role": "user", "content": " "}]}, 400),
    ({"messages": [{"role": "user", "content": "a" * 16_385}]}, 413), ({"n": 2}, 400), ({"messages": 5}, 400)])
def test_errors_have_openai_s_shape(url, changes, status):
    reply = httpx.post(f"{url}/chat/completions", json={"model": SERVED_NAME, "messages": ASKED} | changes)
    assert reply.status_code == status
    assert set(reply.json()["error"]) == {"message", "type", "param", "code"}


def test_bad_json_is_a_400(url):
    reply = httpx.post(f"{url}/chat/completions", content=b"{bad", headers={"content-type": "application/json"})
    assert reply.status_code == 400 and "JSON" in reply.json()["error"]["message"]


def test_a_dead_language_model_is_a_503(tmp_path):
    port = free_port()
    stop = start_api(Agent(Settings(home=tmp_path, vllm_port=free_port())), "127.0.0.1", port)
    try:
        body = {"model": SERVED_NAME, "messages": ASKED}
        reply = httpx.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=body, timeout=30)
        assert reply.status_code == 503 and "does not answer" in reply.json()["error"]["message"]
        assert httpx.get(f"http://127.0.0.1:{port}/health").status_code == 503
    finally:
        stop()
