"""The chat: a person asks, sees every tool call live, then the grounded answer with its figure and sources."""

import html
import logging
import os
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from oracle.chat_documents import KINDS, DocumentTurn, added, chosen, confirmed
from oracle.chat_view import Step, Turn, turn_messages
from oracle.errors import OracleError
from oracle.events import Answered, ToolCalled, ToolReturned
from tools.contract import Context
from tools.errors import BadArgument, CannotAnswer

log = logging.getLogger(__name__)

EXAMPLES = (
    ("Charge in time", "PK-0042 is at 12 degrees and 20 percent, I leave in 40 minutes, how hard can I charge it?"),
    ("Charge a cell gently", "What is the gentlest way to charge an LG M50LT from 10 to 80 percent at 5 °C?"),
    ("Look at the fleet", "Which packs are below 85 % health?"),
    ("Look ahead", "How long will PK-0007 last at 5 cycles a week?"),
    ("Ask the datasheet", "What does the datasheet of the A123 26650 say about charging below 0 °C?"),
    ("Find the trouble", "Is anything wrong with PK-0013?"),
)
ENVELOPES = {
    "datasheet": ("Datasheet limits", "Every charge keeps the cell maker's limits and the physical ones."),
    "physics": ("Physics limits", "The maker's current limit is lifted; voltage, temperature and plating limits hold."),
}
EMPTY_HINT = "Type a question first, for example: how healthy is PK-0042?"
BUSY_HINT = "Wait for the answer, or stop it first."
NOTE = "The battery's own management system has the last word on every charge."
STOPPED = "Stopped before the answer was ready."
TEXT_PIECES, PIECE_S = 14, 0.03  # an answer appears in at most so many pieces, so far apart
MAX_QUESTION_CHARACTERS = 4000
MAX_CONCURRENT = 16
MAX_UPLOAD = "50mb"
FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Liberation Sans", "sans-serif")
MONO = ("ui-monospace", "SF Mono", "Menlo", "Consolas", "Liberation Mono", "monospace")


def build_chat(agent, context: Context | None = None):
    """The chat as gradio Blocks.

    `agent.stream(messages)` yields ToolCalled, ToolReturned and Answered; `context` (tools.contract.Context,
    default: the agent's own) names the tenant and the envelope shown in the header. Give the Blocks
    `**appearance()` where they are launched or mounted.
    """
    import gradio as gr

    with gr.Blocks(title="Battery Oracle", analytics_enabled=False, fill_height=True, fill_width=True) as blocks:
        turns = gr.State([])
        with gr.Row(elem_id="top", equal_height=True):
            gr.HTML(lambda: _header(context or agent.context), elem_id="brand", padding=False)  # at each page load
            files_button = gr.UploadButton("Add files", elem_id="files", size="sm", scale=0, min_width=96,
                                           file_count="multiple", file_types=KINDS)
            fresh = gr.Button("New chat", elem_id="fresh", size="sm", scale=0, min_width=96)
        chatbot = gr.Chatbot(
            elem_id="chat", show_label=False, container=False, scale=1, height="100%", layout="bubble",
            autoscroll=False, placeholder=_asset("chat_welcome.html"), latex_delimiters=[], buttons=["copy"],
            feedback_options=None,
            examples=[{"text": text, "display_text": f"{title}\n{text}"} for title, text in EXAMPLES])
        with gr.Column(elem_id="ask", scale=0):
            box = gr.Textbox(
                elem_id="question", show_label=False, container=False, autofocus=True, lines=1, max_lines=6,
                max_length=MAX_QUESTION_CHARACTERS, submit_btn=True, stop_btn=False,
                placeholder="Ask about a pack or a cell")
            hint = gr.HTML(_hint(), elem_id="hint", padding=False)
        _wire(agent, box, fresh, chatbot, turns, hint)
        _wire_documents(lambda: context or agent.context, files_button, chatbot, turns)
    return blocks


def appearance() -> dict[str, Any]:
    """Theme, style sheet and page head: keyword arguments of gradio's launch and mount_gradio_app."""
    import gradio as gr

    theme = gr.themes.Base(
        primary_hue="teal", secondary_hue="teal", neutral_hue="slate", radius_size="lg",
        font=[gr.themes.Font(name) for name in FONTS], font_mono=[gr.themes.Font(name) for name in MONO])
    return {"theme": theme, "css": _asset("chat.css"), "head": _asset("chat_head.html")}


def launch(agent, host: str = "127.0.0.1", port: int = 7860, context: Context | None = None, block: bool = True):
    """Serve the chat at http://host:port until interrupted; with `block` False return the Blocks (`.close()`)."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # before gradio is imported: nothing leaves the machine
    blocks = build_chat(agent, context)
    blocks.queue(default_concurrency_limit=MAX_CONCURRENT)
    blocks.launch(server_name=host, server_port=port, prevent_thread_lock=not block, quiet=True, share=False,
                  inbrowser=False, ssr_mode=False, footer_links=[], max_file_size=MAX_UPLOAD, enable_monitoring=False,
                  **appearance())
    return blocks


def respond(agent, turns: list[Turn], question: str) -> Iterator[None]:
    """Ask the agent, write what it tells into turns[-1] as it comes; yields when there is something new to show."""
    messages = conversation(turns)
    turn = Turn(question=question)
    turns.append(turn)
    yield
    try:
        for event in agent.stream([*messages, {"role": "user", "content": question}]):
            yield from _show(turn, event)
        if turn.answered is None:
            turn.problem = "The question ended without an answer; please ask it again."
    except Exception as error:  # whatever it is, the person gets a sentence and keeps the conversation
        log.exception("the question %r was not answered", question)
        turn.problem = problem_sentence(error)
    yield


def conversation(turns: list[Turn]) -> list[dict[str, str]]:
    """What was said so far, as the agent reads it: a question without an answer keeps its sentence."""
    messages = []
    for turn in (turn for turn in turns if isinstance(turn, Turn)):
        said = turn.answered.text if turn.answered else turn.problem or STOPPED
        messages += [{"role": "user", "content": turn.question}, {"role": "assistant", "content": said}]
    return messages


def problem_sentence(error: Exception) -> str:
    """One sentence for a person; the traceback goes to the log."""
    if isinstance(error, OracleError | BadArgument | CannotAnswer):
        return str(error)
    return f"This could not be answered because of an internal error ({type(error).__name__}); your question is kept."


def _show(turn: Turn, event) -> Iterator[None]:
    if isinstance(event, ToolCalled):
        turn.steps[event.step] = Step(event.name, event.arguments)
        yield
    elif isinstance(event, ToolReturned):
        step = turn.steps.setdefault(event.step, Step(event.name, {}))
        step.result = event.result
        yield
    elif isinstance(event, Answered):
        for text in _pieces(event.text):
            turn.text = text
            yield
            time.sleep(PIECE_S)
        turn.answered = event


def _pieces(text: str) -> Iterator[str]:
    """The text's beginnings, growing by whole words, the last one whole."""
    words = text.split(" ")
    step = max(1, -(-len(words) // TEXT_PIECES))
    for end in range(step, len(words) + step, step):
        yield " ".join(words[:end])


def _wire(agent, box, fresh, chatbot, turns, hint) -> None:
    import gradio as gr

    shown = [chatbot, turns, box, hint]
    busy, idle = {"submit_btn": False, "stop_btn": True}, {"submit_btn": True, "stop_btn": False}

    def ask(question: str, history: list[Turn]):
        if not (question or "").strip():
            yield gr.skip(), gr.skip(), gr.skip(), _hint(EMPTY_HINT)
            return
        if history and history[-1].running:
            yield gr.skip(), gr.skip(), gr.skip(), _hint(BUSY_HINT)
            return
        box_update = gr.Textbox(value="", **busy)
        for _ in respond(agent, history, question.strip()):
            yield _messages(history), history, box_update, _hint()
            box_update = gr.skip()
        yield gr.skip(), history, gr.Textbox(**idle), _hint()

    def example(event: gr.SelectData, history: list[Turn]):
        yield from ask(event.value["text"], history)

    def again(event: gr.SelectData, history: list[Turn]):
        if chosen(event.value):
            yield gr.skip(), gr.skip(), gr.skip(), gr.skip()
            return
        failed = next((i for i, t in enumerate(history) if t.problem and t.question == event.value), None)
        yield from ask(event.value, [t for i, t in enumerate(history) if i != failed])

    def stop(history: list[Turn]):
        if history and history[-1].running:
            history[-1].problem = STOPPED
        return _messages(history), history, gr.Textbox(**idle), _hint()

    options = {"show_progress": "hidden", "api_visibility": "private"}
    running = [
        box.submit(ask, [box, turns], shown, **options),
        chatbot.example_select(example, [turns], shown, **options),
        chatbot.option_select(again, [turns], shown, **options)]
    box.stop(stop, [turns], shown, cancels=running, **options)
    fresh.click(lambda: ([], [], gr.Textbox(value="", **idle), _hint()), None, shown, cancels=running, **options)


def _wire_documents(scope, files_button, chatbot, turns) -> None:
    """Files dropped or chosen become a turn; its buttons confirm what they state."""
    import gradio as gr

    def add(paths: list[str], history: list[Turn | DocumentTurn]):
        turn = DocumentTurn([Path(path).name for path in paths])
        history.append(turn)
        yield _messages(history), history
        for _ in added(turn, paths, scope()):
            yield _messages(history), history

    def confirm(event: gr.SelectData, history: list[Turn | DocumentTurn]):
        wanted = chosen(event.value)
        if wanted is None:
            return gr.skip(), gr.skip()
        confirmed(history, wanted, scope())
        return _messages(history), history

    options = {"show_progress": "hidden", "api_visibility": "private"}
    files_button.upload(add, [files_button, turns], [chatbot, turns], **options)
    chatbot.option_select(confirm, [turns], [chatbot, turns], **options)


def _messages(turns: list[Turn | DocumentTurn]) -> list[dict[str, Any]]:
    return [message for turn in turns
            for message in (turn.messages() if isinstance(turn, DocumentTurn) else turn_messages(turn))]


def _header(context: Context) -> str:
    name, meaning = ENVELOPES[context.envelope]
    scope = f"Tenant {html.escape(context.tenant)}" if context.tenant else "All tenants"
    return (_asset("chat_header.html").replace("{scope}", scope).replace("{fleet}", _fleet_chip(context))
            .replace("{envelope}", name).replace("{meaning}", html.escape(meaning)))


def _fleet_chip(context: Context) -> str:
    """Says where the packs in scope are simulated; nothing for a fleet of real ones."""
    from tools.fleet import open_fleet
    from tools.fleet.tables import Pack

    try:
        fleet = open_fleet(context)
        simulated = {pack.simulated for pack in fleet.all(fleet.mine(Pack))}
    except CannotAnswer:
        return '<li class="chip demo">Fleet not readable</li>'
    text = {(True,): "Simulated demo fleet", (False, True): "Partly simulated fleet", (): "No packs yet"}.get(
        tuple(sorted(simulated)))
    return f'<li class="chip demo" title="No real vehicle is behind a simulated pack.">{text}</li>' if text else ""


def _hint(text: str = "") -> str:
    """The line under the question box: a hint, or the standing note."""
    css = "hint" if text else "note"
    return f'<p class="{css}" role="status">{html.escape(text or NOTE)}</p>'


def _asset(name: str) -> str:
    return files("oracle").joinpath(name).read_text(encoding="utf-8")
