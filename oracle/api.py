"""The OpenAI-compatible API: plain OpenAI objects with one extra key, `oracle`."""

import json
import logging
import time
import uuid
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from oracle.api_uploads import MAX_UPLOAD_BYTES, install_uploads
from oracle.api_uploads import PATH as UPLOADS
from oracle.conversation import checked
from oracle.errors import BadQuestion, CannotRecord, ModelUnavailable, OracleError, QuestionTooLong
from oracle.events import Answered, ToolCalled, ToolReturned
from oracle.server import is_serving
from oracle.settings import SERVED_NAME

log = logging.getLogger(__name__)
MAX_BODY_BYTES = 1_000_000  # a long conversation; a single question is limited on its own
STATUS = ((QuestionTooLong, 413), (BadQuestion, 400), (ModelUnavailable, 503), (CannotRecord, 503))


class Message(BaseModel):
    """One message; roles other than user and assistant are accepted and not read."""

    model_config = ConfigDict(extra="ignore")

    role: str
    content: Any = None


class ChatRequest(BaseModel):
    """What is read of an OpenAI chat request; sampling options have no effect, answers are greedy."""

    model_config = ConfigDict(extra="ignore")

    model: str
    messages: list[Message]
    stream: bool = False
    stream_options: dict[str, Any] | None = None
    n: int | None = None


def build_api(agent) -> FastAPI:
    """The application around an agent (anything with `settings` and `stream(messages)`)."""
    app = FastAPI(title="Battery Oracle", docs_url="/docs")
    started = int(time.time())

    @app.get("/health")
    def health():
        up = is_serving(agent.settings.llm_url)
        return JSONResponse({"status": "ok" if up else "language model down"}, 200 if up else 503)

    @app.get("/v1/models")
    def models():
        return {"object": "list", "data": [_model(started)]}

    @app.get("/v1/models/{name}")
    def model(name: str):
        _require_known(name)
        return _model(started)

    @app.post("/v1/chat/completions")
    def complete(request: ChatRequest):
        _require_known(request.model)
        if request.n not in (None, 1):
            raise HTTPException(400, "n must be 1: there is one answer.")
        messages = [m.model_dump() for m in request.messages]
        checked(messages)
        if request.stream:
            return StreamingResponse(_server_sent(agent, messages, bool((request.stream_options or {}).get(
                "include_usage"))), media_type="text/event-stream", headers={"Cache-Control": "no-cache"})
        *_, answered = agent.stream(messages)
        return _completion(answered)

    install_uploads(app, agent)
    _install_errors(app)
    return app


def _completion(answered: Answered) -> dict[str, Any]:
    return {**_head("chat.completion"), "usage": _usage(answered), "oracle": _extra(answered), "choices": [
        {"index": 0, "finish_reason": "stop", "logprobs": None,
         "message": {"role": "assistant", "content": answered.text, "refusal": None}}]}


def _server_sent(agent, messages: list[dict[str, Any]], include_usage: bool) -> Iterator[str]:
    """Chunks: the role, each tool call as it happens (key `oracle`, empty delta), the answer, its end."""
    head = _head("chat.completion.chunk")
    yield _event(_chunk(head, {"role": "assistant", "content": ""}))
    try:
        for event in agent.stream(messages):
            if isinstance(event, ToolCalled):
                yield _event(_chunk(head, {}) | {"oracle": {"tool_called": vars(event)}})
            elif isinstance(event, ToolReturned):
                yield _event(_chunk(head, {}) | {"oracle": {"tool_returned": vars(event)}})
            else:
                yield from _answer_chunks(head, event, include_usage)
    except OracleError as error:
        yield _event(_error(str(error), _status(error)))
    except Exception:
        log.exception("the stream broke")
        yield _event(_error("The answer could not be made because of an internal error.", 500))
    yield "data: [DONE]\n\n"


def _answer_chunks(head: dict[str, Any], answered: Answered, include_usage: bool) -> Iterator[str]:
    words = answered.text.split(" ")
    for i, word in enumerate(words):
        yield _event(_chunk(head, {"content": word if i == 0 else f" {word}"}))
    yield _event(_chunk(head, {}, "stop") | {"oracle": _extra(answered)})
    if include_usage:
        yield _event({**head, "choices": [], "usage": _usage(answered)})


def _head(kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{uuid.uuid4().hex}", "object": kind, "created": int(time.time()), "model": SERVED_NAME}


def _chunk(head: dict[str, Any], delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    return {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}]}


def _event(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False, default=str)}\n\n"


def _extra(answered: Answered) -> dict[str, Any]:
    return {"tool_calls": answered.tool_calls, "citations": answered.citations, "grounding": answered.grounding,
            "audit_id": answered.audit_id}


def _usage(answered: Answered) -> dict[str, int]:
    prompt, completion = (answered.usage.get(k, 0) for k in ("prompt_tokens", "completion_tokens"))
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _model(created: int) -> dict[str, Any]:
    return {"id": SERVED_NAME, "object": "model", "created": created, "owned_by": "battery-oracle"}


def _require_known(name: str) -> None:
    if name != SERVED_NAME:
        raise HTTPException(404, f"The model {name!r} does not exist; there is {SERVED_NAME!r}.")


def _status(error: OracleError) -> int:
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def _error(sentence: str, status: int) -> dict[str, Any]:
    missing = "model_not_found" if "model" in sentence else "not_found"
    code = {404: missing, 413: "question_too_long", 503: "unavailable"}.get(status)
    kind = "invalid_request_error" if status < 500 else "server_error"
    return {"error": {"message": sentence, "type": kind, "param": None, "code": code}}


def _install_errors(app: FastAPI) -> None:
    """Every error in OpenAI's shape, one sentence, no traceback."""

    @app.middleware("http")
    async def limit_body(request: Request, forward):
        length = request.headers.get("content-length", "")
        longest = MAX_UPLOAD_BYTES if request.url.path == UPLOADS else MAX_BODY_BYTES
        if length.isdigit() and int(length) > longest:
            return JSONResponse(_error(f"The request is larger than {longest} bytes.", 413), 413)
        return await forward(request)

    @app.exception_handler(OracleError)
    def ours(_: Request, error: OracleError):
        return JSONResponse(_error(str(error), _status(error)), _status(error))

    @app.exception_handler(HTTPException)
    def http(_: Request, error: HTTPException):
        return JSONResponse(_error(str(error.detail), error.status_code), error.status_code)

    @app.exception_handler(RequestValidationError)
    def invalid(_: Request, error: RequestValidationError):
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:] if not isinstance(part, int)) or "body"
        unreadable = first["type"] == "json_invalid" or where == "body"
        sentence = ("The request is not a JSON object (Content-Type: application/json)." if unreadable
                    else f"The request's {where} is wrong: {first['msg']}.")
        return JSONResponse(_error(sentence, 400), 400)

    @app.exception_handler(Exception)
    def unexpected(_: Request, error: Exception):
        log.exception("internal error", exc_info=error)
        return JSONResponse(_error("The answer could not be made because of an internal error.", 500), 500)
