"""One command per claim: python -m eval.run NAME [--json]. Tables go to stderr, JSON to stdout."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from eval.report import people
from eval.score import QUESTIONS_FILE, load_questions
from oracle.settings import Settings

app = typer.Typer(name="python -m eval.run", help=__doc__, no_args_is_help=True, add_completion=False,
                  suggest_commands=True, pretty_exceptions_enable=False)
Json = Annotated[bool, typer.Option("--json", help="The report as JSON on stdout.")]


@app.callback()
def _names():
    """One command per claim; every report names the commit and the machine it ran on."""


@app.command("tool-calls")
def tool_calls(
    questions: Annotated[Path, typer.Option(help="Judged questions, JSON lines.", exists=True)] = QUESTIONS_FILE,
    base_url: Annotated[str, typer.Option(help="OpenAI endpoint of the tuned model; empty: the settings'.")] = "",
    held_out: Annotated[str, typer.Option(help="In place of --questions: phrasings that never train, of these files of "
                                               "finetune/phrasings (NAME,...) or all.")] = "",
    at_most: Annotated[int, typer.Option(help="So many of the held-out phrasings, drawn by --seed.", min=1)] = 200,
    also: Annotated[list[str], typer.Option(help="NAME=URL of another endpoint, e.g. the untuned base.")] = (),
    ablate: Annotated[bool, typer.Option(help="The tuned model also with less help in decoding.")] = False,
    only_baseline: Annotated[bool, typer.Option(help="No model: only the keyword floor and the ceiling.")] = False,
    pass_k: Annotated[int, typer.Option(help="Also ask each question so often in other surroundings, e.g. 5.",
                                        min=0, max=20)] = 0,
    seed: Annotated[int, typer.Option(help="Draws other surroundings.")] = 0,
    as_json: Json = False,
):
    """The model picks the right tool with the right arguments (judged questions, first step)."""
    from eval.held_out import held_out_questions
    from eval.tool_calls import endpoints, measure, print_report

    settings = Settings()
    models = [] if only_baseline else endpoints(base_url or settings.llm_url, also, ablate)
    if held_out:
        asked = held_out_questions([] if held_out == "all" else held_out.split(","), at_most, seed)
        title = f"held-out phrasings: {held_out}"
    else:
        asked, title = load_questions(questions), questions.name
    _tell(measure(asked, title, models, settings, pass_k, seed), print_report, as_json)


@app.command("answers")
def answers(
    questions: Annotated[Path | None, typer.Option(help="Judged questions, JSON lines.", exists=True)] = None,
    base_url: Annotated[str, typer.Option(help="OpenAI endpoint of the model; empty: the settings'.")] = "",
    as_json: Json = False,
):
    """Every number of an answer has a source; unknowns are said to be unknown (whole agent, served model)."""
    from eval.answer_judge import QUESTIONS_FILE as ANSWERS_FILE
    from eval.answers import measure, print_report

    settings = Settings()
    if base_url:
        settings = settings.model_copy(update={"vllm_url": base_url})
    _tell(measure(questions or ANSWERS_FILE, settings), print_report, as_json)


@app.command("charging")
def charging(
    count: Annotated[int, typer.Option(help="How many scenarios to draw.", min=1)] = 60,
    seed: Annotated[int, typer.Option(help="Draws other scenarios.")] = 20,
    envelope: Annotated[str, typer.Option(help="physics or datasheet.")] = "physics",
    work: Annotated[Path | None, typer.Option(help="JSON lines to write as it goes and to resume from.")] = None,
    as_json: Json = False,
):
    """Recommended charges hold every limit in the DFN, keep their deadlines and are near the fastest possible."""
    from eval.charging import measure, print_report

    _tell(measure(count, seed, envelope, work), print_report, as_json)


@app.command("world-model")
def world_model(
    seed: Annotated[int, typer.Option(help="Draws other protocols, temperatures and health.")] = 1,
    runs: Annotated[int, typer.Option(help="One-hour runs per cell model.", min=6)] = 24,
    data: Annotated[Path | None, typer.Option(help="Directory with measured cells, to hold both against.")] = None,
    as_json: Json = False,
):
    """The world model answers as the DFN does, on hours it never saw."""
    from eval.world_model import measure, print_report

    _tell(measure(seed, runs, data), print_report, as_json)


@app.command("world-model-speed")
def world_model_speed(
    charges: Annotated[int, typer.Option(help="One-hour charges.", min=2)] = 1024,
    as_json: Json = False,
):
    """One-hour charges through the world model and through PyBaMM's DFN and SPMe, in one run."""
    from eval.world_speed import measure, print_report

    _tell(measure(charges), print_report, as_json)


@app.command("simulator")
def simulator(
    data: Annotated[Path | None, typer.Option(help="Directory with the measured cells' parquet files.")] = None,
    as_json: Json = False,
):
    """PyBaMM's DFN against measured LG M50 and A123 26650 cells, published parameters beside ours."""
    from eval.simulator import print_report, report

    _tell(report(data), print_report, as_json)


@app.command("diagnose")
def diagnose(
    seed: Annotated[int, typer.Option(help="Of the simulated fleet; the limits were chosen on seeds 1 and 7.")] = 8,
    sound: Annotated[int, typer.Option(help="Packs without a fault.", min=1)] = 120,
    per_size: Annotated[int, typer.Option(help="Packs per fault and size.", min=1)] = 2,
    jobs: Annotated[int, typer.Option(help="Processes.", min=1)] = 1,
    as_json: Json = False,
):
    """Seeded faults are found before a limit is crossed, with few false alarms."""
    from eval.diagnose import measure, print_report

    _tell(measure(seed, sound, per_size, jobs), print_report, as_json)


@app.command("lifetime")
def lifetime(
    data: Annotated[Path, typer.Option(help="Directory with lifetime/ and soh_cycles/ of the public data sets.")],
    as_json: Json = False,
):
    """Lives of measured cells: from the first 100 cycles, and from the first third of a life."""
    from eval.lifetime import measure, print_report

    _tell(measure(data), print_report, as_json)


@app.command("ageing")
def ageing(
    cycles: Annotated[int, typer.Option(help="Cycles of each life.", min=2)] = 200,
    cells: Annotated[list[str], typer.Option(help="Cell models; left out: all four with a set of their own.")] = (),
    verify: Annotated[bool, typer.Option(help="Also live one life cycle by cycle.")] = True,
    as_json: Json = False,
):
    """Recommended charges cost less lithium than CC-CV of the same time, in PyBaMM's ageing DFN."""
    from eval.ageing_comparison import CELLS, measure, print_report

    _tell(measure(cycles, tuple(cells) or CELLS, verify=verify), print_report, as_json)


@app.command("retrieval")
def retrieval(
    questions: Annotated[Path | None, typer.Option(help="Judged questions, JSON lines.", exists=True)] = None,
    ask: Annotated[bool, typer.Option(help="Also ask the whole program, at the settings' model.")] = False,
    as_json: Json = False,
):
    """The right passage first, the right number, and 'not in the documents' when it is not there."""
    from eval.retrieval import QUESTIONS_FILE as RETRIEVAL_FILE
    from eval.retrieval import measure, print_report, whole_program
    from tools.contract import Context

    settings = Settings()
    context = Context(home=settings.home, tenant=settings.tenant, fleet_url=settings.fleet_url,
                      embedding_model=settings.embedding_model)
    program = whole_program(settings) if ask else None
    _tell(measure(questions or RETRIEVAL_FILE, context, program), print_report, as_json)


@app.command("retrieval-scale")
def retrieval_scale(
    chunks: Annotated[int, typer.Option(help="Synthetic passages to build and search.", min=1000)] = 1_000_000,
    compare: Annotated[int, typer.Option(help="Vectors on which the kinds of FAISS index are compared.",
                                         min=1000)] = 50_000,
    as_json: Json = False,
):
    """A million passages: built with progress, searched within 20 ms, memory; kinds of FAISS index compared."""
    from eval.retrieval_scale import measure, print_report

    _tell(measure(chunks, compare), print_report, as_json)


@app.command("routing")
def routing(
    questions: Annotated[Path | None, typer.Option(help="Questions, JSON lines.", exists=True)] = None,
    model: Annotated[str, typer.Option(help="Checkpoint; empty: the settings', else base and adapter.")] = "",
    plot: Annotated[Path | None, typer.Option(help="HTML page to draw the figure to.")] = None,
    per_intent: Annotated[int, typer.Option(help="So many conversations of each intent, 20 or more to "
                                                 "tell from chance; 0: all.", min=0)] = 0,
    seed: Annotated[int, typer.Option(help="Shuffles the intents for chance's share.")] = 0,
    as_json: Json = False,
):
    """Whether the mixture's experts specialise: routing by intent, load, information against chance."""
    from eval.routing import DEVELOPMENT_FILE, measure, print_report
    from eval.routing_plot import write

    report = measure(questions or DEVELOPMENT_FILE, model or Settings().model_path, per_intent, seed)
    if plot:
        write(report, plot)
    _tell(report, print_report, as_json)


@app.command("soh")
def soh(
    data: Annotated[Path, typer.Option(help="Directory with soh_cycles/ of the public data sets.")],
    shipped: Annotated[bool, typer.Option(help="Judge with the shipped weights, on cells they have not seen.")] = False,
    as_json: Json = False,
):
    """State of health of measured cells from one charge, split by cell."""
    from eval.soh import measure, print_report

    _tell(measure(data, shipped), print_report, as_json)


@app.command("world-life")
def world_life(
    seed: Annotated[int, typer.Option(help="Draws other lives.")] = 1,
    lives: Annotated[int, typer.Option(help="Lives of 500 cycles; half as many of 5 mixed years.", min=1)] = 6,
    as_json: Json = False,
):
    """The life rates say what PyBaMM's ageing DFN says, on lives never trained on, and ten years are quick."""
    from eval.world_life import measure, print_report

    _tell(measure(seed, lives), print_report, as_json)


def _tell(report: dict, print_report: Callable[[dict], None], as_json: bool) -> None:
    print_report(report)
    if as_json:
        print(json.dumps(report, ensure_ascii=False, default=lambda number: number.item()))  # NumPy's


def main() -> None:
    """The command line: 0 measured, 1 could not measure (one sentence on stderr), 2 wrong usage."""
    try:
        app()
    except (ValueError, ConnectionError) as error:
        people.print(f"[red]{error}[/red]")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
