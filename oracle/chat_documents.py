"""Datasheets dropped into the chat: what they state as a table, and the buttons that confirm it."""

import json
import logging
import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oracle.chat_tables import escape, rows_table
from tools.contract import Context
from tools.errors import BadArgument, CannotAnswer

log = logging.getLogger(__name__)
KINDS = [".pdf", ".docx", ".html", ".htm", ".md", ".markdown", ".csv", ".txt", ".parquet"]
MAX_DOUBTED_BUTTONS = 6
BY_TEMPERATURE = {"charge_derating": "charging current by temperature",
                  "discharge_derating": "discharging current by temperature"}
STATES = {"confirmed": "confirmed", "unconfirmed": "not confirmed", "doubtful": "doubtful", "impossible": "cannot be"}


@dataclass
class DocumentTurn:
    """Files added in the chat. It is no part of the conversation that the language model reads."""

    names: list[str]
    told: list[str] = field(default_factory=list)  # sentences on what was read
    outcome: list[str] = field(default_factory=list)  # and on what was confirmed
    documents: list[dict[str, Any]] = field(default_factory=list)  # as tools.confirmed.overview
    reading: str = "Reading"
    problem: str = ""
    question: str = ""
    answered: None = None

    @property
    def running(self) -> bool:
        return bool(self.reading) and not self.problem

    def messages(self) -> list[dict[str, Any]]:
        """As chatbot messages: the files, the sentences, a table a document with its buttons."""
        shown = [{"role": "user", "content": escape(f"Added: {', '.join(self.names)}")}]
        if self.running:
            shown.append(_html(f'<div class="working">{escape(self.reading)}</div>'))
        shown += [_html(f'<div class="problem">{escape(self.problem)}</div>')] if self.problem else []
        shown += _paragraphs(self.told)
        shown += [message for document in self.documents for message in _document(document)]
        return shown + _paragraphs(self.outcome)


def added(turn: DocumentTurn, paths: Sequence[str], context: Context) -> Iterator[None]:
    """Read uploaded files into the index, telling the pages as they come; yields when there is something to show."""
    from retrieval.library import add_files
    from tools.uploads import keep_named

    news: queue.Queue[str | None] = queue.Queue()

    def work() -> None:
        try:
            kept = {path: said for path in paths if (said := keep_named(Path(path), context))}  # charge records
            turn.told = list(kept.values())
            if len(kept) == len(paths):
                return
            report = add_files([Path(path) for path in paths if path not in kept], context,
                               progress=lambda done, total: news.put(f"Indexing passage {done} of {total}"),
                               reading=lambda name, done, total: news.put(f"Reading {name}: page {done} of {total}"))
            turn.told += [*report["refused"].values(), *report["remarks"]]
            turn.documents = _overview(context, report["added"])
            for name in report["added"]:
                turn.told.append(f"{name} can be searched now. Its facts limit nothing until you confirm them.")
        except (CannotAnswer, BadArgument) as reason:
            turn.problem = str(reason)
        except Exception as error:  # a person gets a sentence, the log the traceback
            log.exception("the files %s were not added", paths)
            turn.problem = f"The files could not be added because of an internal error ({type(error).__name__})."
        finally:
            turn.reading = ""
            news.put(None)

    threading.Thread(target=work, daemon=True).start()
    while (line := news.get()) is not None:
        while not news.empty() and line is not None:  # only the newest line is worth showing
            line = news.get()
        if line is None:
            break
        turn.reading = line
        yield
    for path in paths:
        Path(path).unlink(missing_ok=True)  # the upload; the index keeps what was read
    yield


def chosen(value: Any) -> dict[str, Any] | None:
    """What a pressed button asks to confirm, {document, fields}; None for any other button."""
    try:
        wanted = json.loads(value)["confirm"]
        return {"document": str(wanted["document"]), "fields": [str(name) for name in wanted["fields"]]}
    except (TypeError, ValueError, KeyError):
        return None


def confirmed(turns: Sequence[Any], wanted: dict[str, Any], context: Context) -> None:
    """Confirm for the person who pressed the button; the outcome is told in the newest turn of the document."""
    from retrieval.library import confirm_facts

    turn = next((t for t in reversed(turns) if isinstance(t, DocumentTurn) and wanted["document"] in
                 [d["document"] for d in t.documents]), None)
    if turn is None:
        return
    try:
        report = confirm_facts(context, wanted["document"], wanted["fields"])
        turn.outcome = [_outcome(report), *(f"Not confirmed: {label(left['field'])} {left['value']}: {left['why']}."
                                            for left in report["left"])]
        turn.documents = _overview(context, [d["document"] for d in turn.documents])
    except (CannotAnswer, BadArgument) as reason:
        turn.outcome = [str(reason)]


def _outcome(report: dict[str, Any]) -> str:
    count = len(report["confirmed"])
    tighter = [f"{label(f['field'])} {f['value']}" for f in report["confirmed"] if f["effect"] == "tightens"]
    told = f"{count} fact{'s' * (count != 1)} of {report['document']} confirmed for {report['cell']}."
    told += f" Tighter now: {', '.join(tighter)}." if tighter else ""
    return f"{told} {report['note']}" if report["note"] else told


def _overview(context: Context, names: Sequence[str]) -> list[dict[str, Any]]:
    from tools.confirmed import overview

    return [document for name in names for document in overview(context.home, context.tenant, name)
            if document["facts"]]


def _document(document: dict[str, Any]) -> list[dict[str, Any]]:
    rows = [{"fact": label(f["field"]), "value": f["value"], "page": f["page"] or "", "state": STATES[f["state"]],
             "quote": f["quote"], "remark": "; ".join(filter(None, (f["qualifier"], f["why"])))}
            for f in document["facts"]]
    kind = "" if document["known_cell"] else " (a cell that the catalogue does not know)"
    about = f"{document['document']} on {document['cell'] or 'a cell that it does not name'}{kind}"
    message = _html(f'<div class="packs documents"><h6>{escape(about)}</h6>{rows_table(rows)}</div>')
    options = _options(document)
    return [message | {"options": options} if options else message]


def _options(document: dict[str, Any]) -> list[dict[str, str]]:
    """A button for all that raises no question, and one for each doubted fact; what widens a limit has none here."""
    waiting = [f for f in document["facts"] if f["state"] == "unconfirmed" and f["effect"] != "widens"]
    doubted = [f for f in document["facts"] if f["state"] == "doubtful" and f["effect"] != "widens"
               and " to " not in f["value"]]
    options = [_option(document, [], f"Confirm {len(waiting)} facts")] if waiting else []
    return options + [_option(document, [f"{f['field']}={f['value'].split()[0]}"],
                              f"Confirm {label(f['field'])} {f['value']}") for f in doubted[:MAX_DOUBTED_BUTTONS]]


def _option(document: dict[str, Any], fields: list[str], label: str) -> dict[str, str]:
    return {"value": json.dumps({"confirm": {"document": document["document"], "fields": fields}}), "label": label}


def label(name: str) -> str:
    """A field in a person's words: "lowest charging temperature" for charge_temperature_min_c."""
    from retrieval.topics import LABELS

    window, _, end = name.removesuffix("_c").rpartition("_")
    if window in LABELS and end in ("min", "max"):
        return f"{'lowest' if end == 'min' else 'highest'} {LABELS[window]}"
    return BY_TEMPERATURE.get(name) or LABELS.get(name) or name.replace("_", " ")


def _paragraphs(sentences: Sequence[str]) -> list[dict[str, Any]]:
    return [_html("".join(f"<p>{escape(sentence)}</p>" for sentence in sentences))] if sentences else []


def _html(markup: str) -> dict[str, Any]:
    import gradio as gr

    return {"role": "assistant", "content": gr.HTML(value=markup, padding=False, container=False)}
