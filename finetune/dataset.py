"""Conversations to samples: what the model reads, and which tokens of it the model learns to write."""

import hashlib
import json
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from finetune.answers import answer
from finetune.base import load_tokenizer
from finetune.packing import Sample
from finetune.phrasings import NotWritten, Turn, phrasing_files, turn
from oracle.prompts import SYSTEM, call_text, result_text
from retrieval.toolset import ALL_TOOLS

Talk = tuple[dict[str, str], ...]  # messages of an earlier exchange

HELD_OUT_SHARE = 0.05
MAX_TOKENS = 700
NOISE = 0.3
AROUND = 0.12  # of the questions have something said around them
TALKED_BEFORE = 0.15  # of the questions that name their subject follow another question and its whole answer


@cache
def _tokenizer():
    return load_tokenizer()


@cache
def wire_tools() -> tuple[dict[str, Any], ...]:
    """The OpenAI function schemas of all tools."""
    return tuple(tool.wire_schema() for tool in ALL_TOOLS)


def render(messages: Sequence[dict[str, Any]], prompt: bool = False) -> str:
    """A conversation as text, by the same template that the server uses, system prompt and tools included."""
    system = {"role": "system", "content": SYSTEM}
    return _tokenizer().apply_chat_template([system, *messages], tools=list(wire_tools()), tokenize=False,
                                            add_generation_prompt=prompt)


@cache
def prefix_ids() -> tuple[int, ...]:
    """Tokens of system prompt and tool signatures, the same in front of every conversation."""
    return tuple(_tokenizer()(render([])).input_ids)


def encode(messages: Sequence[dict[str, Any]], history: int) -> Sample:
    """A sample whose assistant turns from message `history` on are learnt; the earlier ones are only read."""
    done, ids, learn = render([]), [], []
    for index, message in enumerate(messages):
        if message["role"] != "assistant" or index < history:
            continue
        for text, flag in _segments(messages[:index + 1], done):
            tokens = _tokenizer()(text).input_ids
            ids += tokens
            learn += [flag] * len(tokens)
            done += text
    return Sample(tuple(ids), tuple(learn))


def _segments(messages: Sequence[dict[str, Any]], done: str):
    """What precedes the last assistant turn, and the turn with its end mark."""
    before, whole = render(messages[:-1], prompt=True), render(messages).removesuffix("\n")
    yield before[len(done):], False
    yield whole[len(before):], True


def call_message(calls: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """An assistant turn that calls tools, as the template renders it."""
    return {"role": "assistant", "content": call_text(calls)}


def first_answer(item: Turn) -> str:
    """The first answer to a person's words: the calls, or the reply when nothing is to be called."""
    return call_text(item.calls) if item.calls else item.reply


def call_sample(item: Turn, written: Callable[[Turn], str] = first_answer) -> Sample:
    """A person's words and the first answer to them, as `written`."""
    return encode([*item.messages, {"role": "assistant", "content": written(item)}], history=len(item.messages))


def is_held_out(phrasing: dict[str, Any]) -> bool:
    """Whether a phrasing never trains: by the hash of its words, so that adding lines moves none."""
    digest = hashlib.sha256(json.dumps(phrasing["messages"]).encode()).digest()
    return digest[0] < 256 * HELD_OUT_SHARE


def _call_samples(seed: int, phrasing: dict[str, Any], fillings: int, talks: Sequence[Talk] = (),
                  written: Callable[[Turn], str] = first_answer) -> list[Sample]:
    rng = random.Random(f"{seed} {phrasing['messages']}")
    samples = []
    for _ in range(fillings):
        try:
            item = turn(phrasing, rng, NOISE, said_around=AROUND)
        except NotWritten:
            continue
        if talks and _names_its_subject(item) and rng.random() < TALKED_BEFORE:
            item = replace(item, messages=(*rng.choice(talks), *item.messages))
        if item.calls or item.reply:
            sample = call_sample(item, written)
            samples += [sample] * (len(sample.ids) <= MAX_TOKENS)
    return samples


def _names_its_subject(item: Turn) -> bool:
    """A first question that needs no earlier one: every call has a pack, a cell or a cell type that it names."""
    return len(item.messages) == 1 and bool(item.calls) and all(
        {"asset_id", "cell_model"} & call["arguments"].keys() for call in item.calls)


def call_samples(fillings: int, seed: int, held_out: bool = False, workers: int = 2, talks: Sequence[Talk] = (),
                 weights: Mapping[str, float] | None = None,
                 written: Callable[[Turn], str] = first_answer) -> list[Sample]:
    """`fillings` fillings of every training (or held-out) phrasing; the same seed gives the same samples.

    `talks`: exchanges that some of the questions come after, so that real, long answers before them are no surprise.
    `weights`: how many times as often the phrasings of a file are filled, by the file's name; parts of a filling are
    drawn. `written`: how the answer to a filling is written.
    """
    lines = [(line, fillings * (weights or {}).get(name, 1.0)) for name, found in phrasing_files().items()
             for line in found if is_held_out(line) == held_out]
    rng = random.Random(seed)
    counted = [(line, int(times) + (rng.random() < times % 1)) for line, times in lines]
    with ProcessPoolExecutor(workers) as pool:
        work = pool.map(partial(_call_samples, seed, talks=talks, written=written), *zip(*counted, strict=True),
                        chunksize=32)
        return [s for batch in tqdm(work, "fill phrasings", len(counted), unit="line") for s in batch]


def training_samples(fillings: int, seed: int, runs: Path, weights: Mapping[str, float] | None = None) -> list[Sample]:
    """All samples that train: first calls and replies, and the answers to real tool runs where there are any.

    `weights` as in `call_samples`; the recorded runs count as the file "answers".
    """
    weights, recorded = weights or {}, recorded_runs(runs)
    names = ("answers", *phrasing_files())
    if unknown := [name for name in weights if name not in names]:
        raise ValueError(f"There are no phrasings {unknown[0]!r}; there are {', '.join(names)}.")
    talks = [(run["messages"][-1], {"role": "assistant", "content": told(run)}) for run in recorded]
    whole, part = divmod(weights.get("answers", 3.0), 1)  # recorded runs are few beside the fillings
    some = random.Random(seed).sample(recorded, round(part * len(recorded)))
    return (call_samples(fillings, seed, talks=talks, weights=weights)
            + answer_samples(recorded) * int(whole) + answer_samples(some))


def held_out_samples(seed: int, weights: Mapping[str, float] | None = None,
                     written: Callable[[Turn], str] = first_answer) -> list[Sample]:
    """First calls and replies of the phrasings that never train, one filling each; the rest as in `call_samples`."""
    return call_samples(1, seed + 1, held_out=True, weights=weights, written=written)


def data_hash(samples: Sequence[Sample]) -> str:
    """First 12 hex digits of the SHA-256 of all tokens, in order."""
    digest = hashlib.sha256()
    for sample in samples:
        digest.update(repr(sample.ids).encode())
    return digest.hexdigest()[:12]


def recorded_runs(path: Path) -> list[dict[str, Any]]:
    """The lines of `python -m finetune.runs`; none where nothing was recorded."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def answer_samples(runs: Sequence[dict[str, Any]]) -> list[Sample]:
    """Whole exchanges, call and answer, from recorded tool runs."""
    return [sample for sample in map(exchange, runs) if len(sample.ids) <= MAX_TOKENS]


def told(run: dict[str, Any]) -> str:
    """The answer to a recorded run."""
    question = run["messages"][-1]["content"]
    return "\n".join(answer(call["name"], brief, question)
                     for call, brief in zip(run["calls"], run["results"], strict=True))


def exchange(run: dict[str, Any]) -> Sample:
    """A recorded run as a sample: the question, its calls, their results, the answer."""
    results = [{"role": "tool", "content": result_text(brief)} for brief in run["results"]]
    final = {"role": "assistant", "content": told(run)}
    return encode([*run["messages"], call_message(run["calls"]), *results, final], history=len(run["messages"]))
