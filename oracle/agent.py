"""The agent behind chat, API and command line: LangChain's loop, our rules for arguments, grounding and audit."""

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import openai
import tenacity
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, ModelResponse, hook_config
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from oracle import audit, grounding, render, untrusted
from oracle.calls import CallRecord, prepare, run
from oracle.conversation import checked, within_reach
from oracle.errors import ModelUnavailable, QuestionTooLong
from oracle.events import Answered, ToolCalled, ToolReturned
from oracle.first_step import schemas_for, thought_over
from oracle.prompts import SYSTEM, result_text
from oracle.settings import SERVED_NAME, Settings
from tools.contract import Context, Tool
from tools.errors import BadArgument
from tools.toolset import tool_named
from tools.words.language import has_german, is_german

MAX_ROUNDS = 4  # of tool calls in one turn
MAX_CORRECTIONS = 1  # of arguments that could not be used
MAX_ANSWER_TOKENS = 400
MODEL_TIMEOUT_S = 180.0
INCOMPLETE = "no complete answer"
RETRIED = (openai.APIConnectionError, openai.InternalServerError)  # a time-out is a connection error


@dataclass
class Turn:
    """What happens while one question is answered; the audit record is made from it."""

    messages: list[dict[str, str]]
    context: Context
    began: float = field(default_factory=time.monotonic)
    outputs: list[dict[str, Any]] = field(default_factory=list)  # what the model wrote, raw
    calls: list[CallRecord] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)  # {name, raw, error}
    steps: dict[str, int] = field(default_factory=dict)  # tool call id -> its place in the turn
    one_at_a_time: threading.Lock = field(default_factory=threading.Lock)  # LangChain runs parallel calls in threads
    asked: int = 0  # tool calls so far
    rounds: int = 0
    first_made: dict[str, int] = field(default_factory=dict)  # a call's key: the round in which it was first made
    stuck: bool = False  # the model repeats itself
    tokens: dict[str, int] = field(default_factory=lambda: {"prompt_tokens": 0, "completion_tokens": 0})

    @property
    def over(self) -> bool:
        """True when no further model step would help."""
        return self.stuck or self.rounds > MAX_ROUNDS or len(self.rejected) > MAX_CORRECTIONS

    def heard(self, message: AIMessage) -> None:
        """Keep what the model wrote."""
        self.outputs.append({"content": message.text, "tool_calls": [
            {"name": c["name"], "arguments": c["args"]} for c in message.tool_calls],
            "finish_reason": message.response_metadata.get("finish_reason")})
        for call in message.tool_calls:
            self.asked += 1
            self.steps[call["id"]] = self.asked
        usage = message.usage_metadata or {}
        self.tokens["prompt_tokens"] += usage.get("input_tokens", 0)
        self.tokens["completion_tokens"] += usage.get("output_tokens", 0)
        self.rounds += bool(message.tool_calls)

    def grounds(self) -> list[grounding.Call]:
        return [grounding.Call(c.name, c.arguments, c.result, c.read) for c in self.calls]


class Agent:
    """Answers questions: `Agent(settings)` talks to the vLLM of the settings; safe to share between threads."""

    def __init__(self, settings: Settings, model: BaseChatModel | None = None, tools: Sequence[Tool] | None = None):
        if tools is None:
            from retrieval.toolset import ALL_TOOLS as tools
        self.settings, self.tools = settings, tuple(tools)
        self.context = Context(home=settings.home, tenant=settings.tenant, envelope=settings.envelope,
                               fleet_url=settings.fleet_url, embedding_model=settings.embedding_model)
        self.model = model or chat_model(settings)
        self.schemas = [tool.wire_schema() for tool in self.tools]
        self._graph = create_agent(self.model, tools=list(self.schemas), system_prompt=SYSTEM,
                                   middleware=[_Rules(self.tools)], context_schema=Turn)

    def answer(self, messages: Sequence[dict[str, Any]]) -> Answered:
        """The answer alone; see `stream`."""
        *_, last = self.stream(messages)
        return last

    def stream(self, messages: Sequence[dict[str, Any]]) -> Iterator[ToolCalled | ToolReturned | Answered]:
        """Tool calls as they happen, then the grounded and audited answer.

        `messages`: {role: user | assistant, content: text}, the question last. Raises BadQuestion,
        QuestionTooLong or ModelUnavailable, each with one sentence; every turn is audited, failed ones too.
        """
        turn = Turn(checked(messages), self.context)
        try:
            yield from self._work(turn)
            text, report = self._settle(turn)
        except (ModelUnavailable, QuestionTooLong) as error:
            audit.write(self.settings, self._record(turn, "", {"grounded": False}, error=str(error)))
            raise
        text = untrusted.noted(text, turn.grounds(), self.context)
        cited = grounding.citations(text, turn.grounds())
        audit_id = audit.write(self.settings, self._record(turn, text, report))
        yield Answered(text, [c.shown() for c in turn.calls], cited, report, audit_id, dict(turn.tokens))

    def _work(self, turn: Turn) -> Iterator[ToolCalled | ToolReturned]:
        """Let the model call tools until it answers."""
        start = {"messages": [message_of(m) for m in within_reach(turn.messages)]}
        yield from self._graph.stream(start, context=turn, stream_mode="custom",
                                      config={"recursion_limit": 10 * (MAX_ROUNDS + 2)})

    def _settle(self, turn: Turn) -> tuple[str, dict[str, Any]]:
        """The text to show and the grounding report: as answered, answered again, or rendered from the results."""
        report = {"grounded": True, "regenerated": False, "rendered_plainly": False, "unsupported": []}
        german = is_german(turn.messages[-1]["content"])
        text, faults = self._judged(turn)
        if not faults and german and turn.calls and not has_german(text):
            return self._rendered(turn, german), report | {"rendered_plainly": True}
        if not faults:
            return text, report
        report["unsupported"] = faults
        if text and not turn.over and INCOMPLETE not in faults:  # a text without end would not end the second time
            report["regenerated"] = True
            self._regenerate(turn, text, faults)
            text, faults = self._judged(turn)
            if not faults:
                return text, report
        return self._rendered(turn, german), report | {"rendered_plainly": True}

    def _rendered(self, turn: Turn, german: bool) -> str:
        return render.turn(turn.grounds(), [r["error"] for r in turn.rejected], german)

    def _judged(self, turn: Turn) -> tuple[str, list[str]]:
        """The model's newest text and what is wrong with it."""
        last = turn.outputs[-1] if turn.outputs else {"content": "", "tool_calls": ["none"], "finish_reason": None}
        text = last["content"].strip()
        if last["tool_calls"] or turn.over:
            return "", ["no answer"]
        if not text or last["finish_reason"] == "length" or "<tool_call>" in text or "<|im_" in text:
            return text, [INCOMPLETE]
        verdict = grounding.check(text, turn.grounds(), turn.messages)
        claims = untrusted.claims(text, turn.grounds(), turn.messages, self.context)
        return text, [*verdict.unsupported, *verdict.missing, *claims]

    def _regenerate(self, turn: Turn, text: str, faults: list[str]) -> None:
        """Ask once more, naming what had no source."""
        complaint = (f"Not in the tool results or left out: {'; '.join(faults)}. "
                     "Answer again from the tool results only, and state what was left out.")
        asked = [SystemMessage(SYSTEM), *(message_of(m) for m in within_reach(turn.messages))]
        for call in turn.calls:
            tool_call = {"name": call.name, "args": call.raw, "id": f"call-{call.step}"}
            asked.append(AIMessage("", tool_calls=[tool_call]))
            asked.append(ToolMessage(result_text(call.read), tool_call_id=tool_call["id"]))
        asked += [AIMessage(text), HumanMessage(complaint)]
        bound = self.model.bind_tools(list(self.schemas))
        turn.heard(_reached(lambda: bound.invoke(asked)))

    def _record(self, turn: Turn, text: str, report: dict[str, Any], error: str | None = None) -> dict[str, Any]:
        return {"tenant": self.settings.tenant, "envelope": self.settings.envelope, "messages": turn.messages,
                "outputs": turn.outputs, "calls": [c.record() for c in turn.calls], "rejected": turn.rejected,
                "grounding": report, "answer": text, "error": error,
                "versions": audit.versions(self.settings, self.schemas),
                "latency_s": round(time.monotonic() - turn.began, 3)}


class _Rules(AgentMiddleware):
    """How this agent differs from LangChain's default: arguments are read, sourced and checked before a tool runs."""

    def __init__(self, tools: Sequence[Tool]):
        super().__init__()
        self._tools = tools  # `tools` is LangChain's own attribute

    @hook_config(can_jump_to=["end"])
    def before_model(self, state, runtime) -> dict[str, Any] | None:
        return {"jump_to": "end"} if runtime.context.over else None

    @hook_config(can_jump_to=["end"])
    def after_model(self, state, runtime) -> dict[str, Any] | None:
        return {"jump_to": "end"} if runtime.context.over else None

    def wrap_model_call(self, request, handler):
        turn = request.runtime.context
        reply = _reached(lambda: self._asked(request, handler, turn))
        turn.heard(reply)
        return ModelResponse([reply])

    def _asked(self, request, handler, turn: Turn) -> AIMessage:
        if turn.asked:  # a later call may take values from the results before it
            return handler(request).result[-1]
        said = [message["content"] for message in turn.messages]
        request = request.override(tools=schemas_for(self._tools, said), model_settings={"logprobs": True})
        reply = handler(request).result[-1]
        return thought_over(reply, request.model, self._tools, [request.system_message, *request.messages], said)

    def wrap_tool_call(self, request, handler) -> ToolMessage:
        """`handler` is LangChain's own execution; ours takes its place."""
        wanted, turn = request.tool_call, request.runtime.context
        with turn.one_at_a_time:
            read = self._called(wanted, turn, request.runtime.stream_writer)
        return ToolMessage(result_text(read), tool_call_id=wanted["id"], name=wanted["name"])

    def _called(self, wanted: dict[str, Any], turn: Turn, tell) -> dict[str, Any]:
        """What the model reads back: the result in brief, or what was wrong with its arguments."""
        try:
            tool = tool_named(wanted["name"], self._tools)
            said, results = [m["content"] for m in turn.messages], [c.result for c in turn.calls]
            call = prepare(tool, wanted["args"], said, untrusted.sources(results), turn.steps[wanted["id"]],
                           alone=len(turn.outputs[-1]["tool_calls"]) == 1)
            untrusted.refuse_prompted(tool, call, said, results)
            return self._run(tool, call, turn, tell)
        except BadArgument as error:
            turn.rejected.append({"name": wanted["name"], "raw": wanted["args"], "error": str(error)})
            return {"error": str(error), "argument": error.field}

    def _run(self, tool: Tool, call: CallRecord, turn: Turn, tell) -> dict[str, Any]:
        first_round = turn.first_made.setdefault(call.key, turn.rounds)
        same = next((c for c in turn.calls if c.key == call.key), None)
        if same is not None:  # twice in one breath is harmless, again after its result is a loop
            turn.stuck = turn.stuck or first_round != turn.rounds
            return same.read
        tell(ToolCalled(call.step, call.name, call.arguments))
        try:
            run(tool, call, turn.context, 1 + len(grounding.passages_of(turn.grounds())))
        except BadArgument as error:
            tell(ToolReturned(call.step, call.name, {"error": str(error)}))
            raise
        turn.calls = sorted([*turn.calls, call], key=lambda c: c.step)
        tell(ToolReturned(call.step, call.name, call.result))
        return call.read


def chat_model(settings: Settings) -> BaseChatModel:
    """LangChain's client for the served model: greedy, no retries of its own.

    The schemas are strict, so vLLM holds a call to its tool's schema from the opening tag on; whether to
    call and which tool stays the model's choice.
    """
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(model=SERVED_NAME, base_url=settings.llm_url, api_key="local", temperature=0, seed=0,
                      max_tokens=MAX_ANSWER_TOKENS, max_retries=0, timeout=MODEL_TIMEOUT_S)


def _reached(call):
    """A model call, tried once more when the server does not answer; raises ModelUnavailable or QuestionTooLong."""
    retrying = tenacity.Retrying(stop=tenacity.stop_after_attempt(2), wait=tenacity.wait_fixed(1), reraise=True,
                                 retry=tenacity.retry_if_exception_type(RETRIED))
    try:
        return retrying(call)
    except openai.BadRequestError as error:
        if "context length" in str(error) or "max_model_len" in str(error):
            raise QuestionTooLong("The conversation is longer than the model can read: ask in a new one.") from None
        raise ModelUnavailable(f"The language model refused the request: {error.message}") from None
    except openai.OpenAIError:
        raise ModelUnavailable("The language model does not answer at the moment; try again in a minute.") from None


def message_of(message: dict[str, str]) -> BaseMessage:
    """A turn {role, content} as LangChain's message."""
    kind = AIMessage if message["role"] == "assistant" else HumanMessage
    return kind(message["content"])
