"""The merged model, served by vLLM, asked through the real OpenAI client."""

import openai
import pytest

from oracle.grounding import states_current
from oracle.settings import SERVED_NAME

pytestmark = pytest.mark.served
QUESTION = "PK-0042 is at 12 degrees and 20 percent, I leave in 40 minutes, how hard can I charge it?"


@pytest.fixture(scope="module")
def client(api_url):
    return openai.OpenAI(base_url=api_url, api_key="none", max_retries=0, timeout=300)


@pytest.fixture(scope="module")
def answer(client):
    return client.chat.completions.create(model=SERVED_NAME, messages=[{"role": "user", "content": QUESTION}])


def test_the_question_becomes_the_right_call(answer):
    call = answer.model_extra["oracle"]["tool_calls"][0]
    assert call["name"] == "recommend_charging_current"
    assert call["arguments"] == {"asset_id": "PK-0042", "temperature_c": 12, "soc_percent": 20, "time_limit_min": 40}


def test_the_answer_states_the_current_of_the_result(answer):
    result = answer.model_extra["oracle"]["tool_calls"][0]["result"]
    assert states_current(answer.choices[0].message.content, result["current_a"])
    assert answer.model_extra["oracle"]["grounding"]["grounded"]
    assert answer.model_extra["oracle"]["audit_id"]


def test_streaming_gives_the_same_answer(client, answer):
    stream = client.chat.completions.create(model=SERVED_NAME, stream=True,
                                            messages=[{"role": "user", "content": QUESTION}])
    chunks = list(stream)
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == answer.choices[0].message.content
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[-1].model_extra["oracle"]["tool_calls"][0]["name"] == "recommend_charging_current"


def test_a_greeting_calls_nothing(client):
    reply = client.chat.completions.create(model=SERVED_NAME, messages=[{"role": "user", "content": "hello there"}])
    assert reply.model_extra["oracle"]["tool_calls"] == []
