"""The command `oracle`: machine output is JSON on stdout, everything else goes to stderr.

Exit codes: 0 done, 1 failed, 2 wrong arguments, 3 cannot be answered, 70 a fault of ours, 130 interrupted.
"""

import json
import signal
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from oracle.cli_soh import register as register_soh
from oracle.errors import BadQuestion, OracleError
from oracle.settings import Settings
from tools.errors import BadArgument, CannotAnswer

app = typer.Typer(help="Ask about a battery in plain language; every number comes from a tool that physics checked.",
                  no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
fleet = typer.Typer(help="The fleet database.", no_args_is_help=True)
index = typer.Typer(help="The searchable documents.", no_args_is_help=True)
audit = typer.Typer(help="The record of every answer.", no_args_is_help=True)
app.add_typer(fleet, name="fleet")
app.add_typer(index, name="index")
app.add_typer(audit, name="audit")
register_soh(app, lambda: _context(Settings()), lambda line: tell(line))


def main() -> None:
    """Entry point: one sentence and an exit code for whatever goes wrong."""
    for number in (signal.SIGTERM, signal.SIGHUP):  # leave in order, so that servers we started are stopped
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts background jobs with it ignored
    try:
        app()
    except (BadArgument, BadQuestion) as error:
        _fail(error, 2)
    except CannotAnswer as error:
        _fail(error, 3)
    except OracleError as error:
        _fail(error, 1)
    except KeyboardInterrupt:
        _fail("Interrupted.", 130)
    except OSError as error:
        _fail(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}.", 1)
    except Exception as error:  # a fault of ours: one sentence for the person, the traceback for whoever mends it
        _fail(f"Battery Oracle failed inside ({type(error).__name__}); please report it with {_kept()}.", 70)


def _kept() -> Path:
    """Append the traceback at hand to the log of errors; where that is."""
    log = Settings().home / "logs" / "errors.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as file:
        file.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} {traceback.format_exc()}\n")
    return log


def tell(line: str) -> None:
    """Progress, for people."""
    typer.echo(line, err=True)


def _fail(sentence: Any, code: int) -> None:
    tell(str(sentence))
    sys.exit(code)


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, default=str))


def _context(settings: Settings):
    from tools.contract import Context

    return Context(home=settings.home, tenant=settings.tenant, envelope=settings.envelope, fleet_url=settings.fleet_url,
                   embedding_model=settings.embedding_model)


@app.command()
def ask(question: str, as_json: Annotated[bool, typer.Option("--json", help="the whole answer as JSON")] = False):
    """Ask one question; starts the language model for it when none is running."""
    from oracle.conversation import checked
    from oracle.events import Answered, ToolCalled
    from oracle.server import language_model

    settings, messages = Settings(), [{"role": "user", "content": question}]
    checked(messages)
    with language_model(settings, tell):
        from oracle.agent import Agent

        for event in Agent(settings).stream(messages):
            if isinstance(event, ToolCalled):
                tell(f"{event.name} {json.dumps(event.arguments, ensure_ascii=False)}")
            elif isinstance(event, Answered):
                _print_json(vars(event)) if as_json else typer.echo(event.text)


@app.command()
def serve():
    """The language model and the OpenAI-compatible API, until interrupted."""
    from oracle.up import run_services

    run_services(Settings(), tell, chat=False)


@app.command()
def ui():
    """The language model and the chat, until interrupted."""
    from oracle.up import run_services

    run_services(Settings(), tell, api=False)


@app.command()
def up(build_only: Annotated[bool, typer.Option("--build-only", help="build what is missing, start nothing")] = False):
    """Build what is missing, then run language model, API and chat until interrupted."""
    from oracle.up import build_missing, check_ports, run_services

    settings = Settings()
    if not build_only:
        check_ports(settings)
    build_missing(settings, tell)
    if not build_only:
        run_services(settings, tell)


@app.command()
def tool(name: str, arguments: Annotated[str, typer.Argument(help='JSON, e.g. {"asset_id": "PK-0042"}')] = "{}"):
    """Run one tool directly; values may be numbers or words with a unit."""
    from retrieval.toolset import tool_named
    from tools.words import canonical

    try:
        raw = json.loads(arguments)
    except json.JSONDecodeError as error:
        raise BadArgument("arguments", f"The arguments are not JSON: {error}.") from None
    if not isinstance(raw, dict):
        raise BadArgument("arguments", 'The arguments must be a JSON object, like {"asset_id": "PK-0042"}.')
    chosen = tool_named(name)
    result = chosen.run(chosen.parse(canonical(raw, chosen.arguments)), _context(Settings()))
    _print_json(result.model_dump(mode="json", exclude_none=True))


@app.command()
def tools():
    """Every tool's schema as JSON."""
    from retrieval.toolset import ALL_TOOLS

    _print_json([t.wire_schema() for t in ALL_TOOLS])


@app.command()
def doctor():
    """What is installed, built and running, and how to mend what is not."""
    from oracle.doctor import examine

    report = examine(Settings())
    for finding in report:
        mark = "ok  " if finding["ok"] else "FAIL" if finding["needed"] else "-   "
        mend = f" -> {finding['mend']}" if not finding["ok"] and finding["mend"] else ""
        tell(f"{mark} {finding['what']}: {finding['state']}{mend}")
    _print_json(report)
    raise typer.Exit(int(any(f["needed"] and not f["ok"] for f in report)))


@fleet.command("demo")
def fleet_demo(seed: int = 0):
    """Build the demonstration fleet."""
    from oracle.up import build_fleet

    _print_json(build_fleet(Settings(), tell, seed))


@fleet.command("import")
def fleet_import(files: list[Path], tenant: Annotated[str, typer.Option(help="whose packs these are")] = ""):
    """Import packs or charge records from CSV or Parquet; all rows of a file or none."""
    from tools.fleet.importing import import_file

    settings = Settings()
    owner = tenant or settings.tenant
    if not owner:
        raise BadArgument("tenant", "Say whose packs these are: --tenant NAME or ORACLE_TENANT.")
    for file in files:
        _print_json(import_file(file, settings.home, owner, settings.fleet_url))
    if (settings.home / "index").exists():  # the summaries tell what is in the store
        from oracle.up import build_index

        build_index(settings, tell)


@fleet.command("schema")
def fleet_schema():
    """The columns that `fleet import` reads."""
    from tools.fleet.importing import schema_text

    typer.echo(schema_text())


@index.command("build")
def index_build():
    """Index catalogue, fleet summaries and added files; nothing to do when nothing changed."""
    from oracle.up import build_index

    _print_json(build_index(Settings(), tell))


@index.command("add")
def index_add(files: list[Path]):
    """Add files or folders (PDF, DOCX, HTML, Markdown, CSV, text) for the tenant of the settings.

    What a datasheet states on a cell is read too, and waits: see `oracle index facts` and `confirm`.
    """
    from oracle.cli_documents import pages_read, tell_added
    from retrieval.library import add_files

    report = add_files(files, _context(Settings()), _progress("passages"), pages_read(tell))
    tell_added(report, tell)
    _print_json(report)
    raise typer.Exit(3 * bool(report["refused"]))


@index.command("remove")
def index_remove(name: str):
    """Remove an added file."""
    from retrieval.library import remove_document

    _print_json(remove_document(name, _context(Settings()), _progress("passages")))


@index.command("facts")
def index_facts(document: Annotated[str, typer.Argument(help="an added file; empty: all")] = ""):
    """What added datasheets state on a cell: value, page, quote, and whether it is confirmed."""
    from oracle.cli_documents import tell_facts
    from tools.confirmed import overview

    settings = Settings()
    report = overview(settings.home, settings.tenant, document)
    tell_facts(report)
    _print_json(report)


@index.command("confirm")
def index_confirm(document: str,
                  fields: Annotated[list[str] | None, typer.Argument(help="FIELD or FIELD=VALUE; none: all")] = None,
                  cell: Annotated[str, typer.Option(help="which cell it is about, known or new")] = "",
                  chemistry: Annotated[str, typer.Option(help="NMC, NCA, LFP, LTO, Na-ion")] = "",
                  widen: Annotated[bool, typer.Option("--widen", help="let the named fields widen a limit")] = False):
    """Confirm facts of a datasheet: only then can they limit (or, by name and --widen, widen) a charge."""
    from retrieval.library import confirm_facts

    report = confirm_facts(_context(Settings()), document, fields or (), cell, chemistry, widen)
    for left in report["left"]:
        tell(f"not confirmed: {left['field']} = {left['value']} ({left['why']})")
    _print_json(report)


@index.command("withdraw")
def index_withdraw(document: str, fields: Annotated[list[str] | None, typer.Argument(help="none: all")] = None):
    """Take back what was confirmed of a datasheet."""
    from retrieval.library import withdraw_facts

    _print_json(withdraw_facts(_context(Settings()), document, fields or ()))


@index.command("search")
def index_search(query: str, kind: str | None = None, cell_model: str | None = None):
    """Search as the model would."""
    given = {"query": query, "kind": kind, "cell_model": cell_model}
    tool("search_documents", json.dumps({k: v for k, v in given.items() if v is not None}))


@index.command("status")
def index_status_command():
    """What is indexed."""
    from retrieval.library import index_status

    _print_json(index_status(_context(Settings())))


@audit.command("list")
def audit_list(limit: int = 20):
    """The newest answers, one JSON object a line."""
    from oracle.audit import newest

    for row in newest(Settings(), limit):
        _print_json(row)


@audit.command("show")
def audit_show(audit_id: str):
    """The whole record of one answer."""
    from oracle.audit import read

    _print_json(read(Settings(), audit_id))


@audit.command("replay")
def audit_replay(audit_id: str):
    """Run an answer's tool calls again; exit code 1 when a result differs."""
    from dataclasses import replace

    from oracle.audit import read, replay
    from retrieval.toolset import ALL_TOOLS

    settings = Settings()
    record = read(settings, audit_id)
    context = replace(_context(settings), tenant=record["tenant"], envelope=record["envelope"])
    outcome = replay(record, ALL_TOOLS, context)
    _print_json({"id": record["id"], "same": all(o["same"] for o in outcome), "calls": outcome})
    raise typer.Exit(int(not all(o["same"] for o in outcome)))


def _progress(what: str):
    from oracle.up import progress

    return progress(tell, what)


if __name__ == "__main__":
    main()
