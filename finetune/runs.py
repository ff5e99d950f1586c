"""Real tool runs for the training data: questions filled with assets that exist, their calls run, results recorded.

    python -m finetune.runs --home .oracle --out .oracle/runs.jsonl

Each line is {messages, calls: [{name, arguments}], results: [brief]}. An interrupted recording goes on where it was.
"""

import json
import random
from pathlib import Path
from typing import Annotated, Any

import typer
from tqdm import tqdm

from finetune.answers import is_german
from finetune.dataset import is_held_out
from finetune.phrasings import NotWritten, Turn, load_phrasings, turn
from retrieval.question import in_full
from retrieval.toolset import tool_named
from tools.contract import Context
from tools.errors import BadArgument, CannotAnswer

PER_TOOL = {"recommend_charging_current": 60, "simulate_charge": 30, "forecast_life": 30, "search_documents": 150}
OTHERS = 50
GERMAN = 40  # of each tool besides: answers in German are learnt from these


def chosen(seed: int) -> list[Turn]:
    """The questions to run: as many of each tool as PER_TOOL says, follow-ups and parallel calls among them."""
    rng, counts, turns = random.Random(seed), {}, []
    lines = [line for line in load_phrasings() if line["calls"] and not is_held_out(line)]
    rng.shuffle(lines)
    for line in lines * 2:
        name, german = line["calls"][0]["name"], is_german(line["messages"][-1]["content"])
        if counts.get((name, german), 0) >= (GERMAN if german else PER_TOOL.get(name, OTHERS)):
            continue
        try:
            turns.append(turn(line, rng, demo=True))
        except NotWritten:
            continue
        counts[name, german] = counts.get((name, german), 0) + 1
    return turns


def run(item: Turn, context: Context) -> dict[str, Any]:
    """One question with the brief results of its calls, or {"error": sentence} where a tool could not answer."""
    results = [_result(call, context) for call in _as_asked(item)]
    return {"messages": item.messages, "calls": item.calls, "results": results}


def _as_asked(item: Turn) -> list[dict[str, Any]]:
    """The calls with the query that a search is really asked, as in `oracle.calls.prepare`."""
    if len(item.canonical) != 1 or "query" not in item.canonical[0]["arguments"]:
        return list(item.canonical)
    call, said = item.canonical[0], [message["content"] for message in item.messages]
    return [call | {"arguments": call["arguments"] | {"query": in_full(call["arguments"]["query"], said)}}]


def _result(call: dict[str, Any], context: Context) -> dict[str, Any]:
    tool = tool_named(call["name"])
    try:
        return tool.run(tool.parse(call["arguments"]), context).brief()
    except (BadArgument, CannotAnswer) as error:
        return {"error": str(error)}


def main(home: Annotated[Path, typer.Option(help="home with demo fleet and index")] = Path(".oracle"),
         out: Annotated[Path, typer.Option(help="JSON lines to write")] = Path(".oracle/runs.jsonl"),
         seed: int = 0) -> None:
    """Record the runs that are missing."""
    context, done = Context(home=home), 0
    if out.exists():
        complete = [line for line in out.read_text(encoding="utf-8").split("\n")[:-1] if line]
        out.write_text("".join(f"{line}\n" for line in complete), encoding="utf-8")
        done = len(complete)
    turns = chosen(seed)
    with out.open("a", encoding="utf-8") as file:
        for item in tqdm(turns[done:], "run tools", len(turns), initial=done, unit="question"):
            file.write(json.dumps(run(item, context), ensure_ascii=False) + "\n")
            file.flush()


if __name__ == "__main__":
    typer.run(main)
