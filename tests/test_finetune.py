"""Fine-tuning: the base is untouched by upcycling, packs compute what single questions compute, words mean values."""

import json
import random
from dataclasses import asdict

import pytest
import torch
from safetensors.torch import load_file
from transformers import LlamaConfig, LlamaForCausalLM

from finetune import moe
from finetune.answers import answer
from finetune.base import base_hash, load_dense, load_tokenizer, upcycle
from finetune.dataset import call_message, call_samples, encode, held_out_samples, prefix_ids, render, wire_tools
from finetune.merge import ADAPTER
from finetune.packing import ATTENTION, Sample, epoch, pack_samples, predictions
from finetune.phrasings import NotWritten, carelessly, load_phrasings, phrasing_files, turn
from oracle.prompts import SYSTEM, prompt_hash
from tools.words import canonical

TEXTS = ("How healthy is pack 42?", "Charge the LG M50LT at C/3, please.", "ok")


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer()


@pytest.fixture(scope="module")
def dense():
    return load_dense(torch.float32).eval()


@torch.no_grad()
def logits(model, ids):
    return model(torch.tensor([ids])).logits[0]


def test_upcycling_changes_nothing(dense, tokenizer):
    ids = tokenizer(TEXTS[1]).input_ids
    assert torch.allclose(logits(upcycle(dense), ids), logits(dense, ids), atol=1e-3)


def test_a_pack_predicts_what_each_sample_predicts_alone(dense, tokenizer):
    prefix = tokenizer("<|im_start|>system\nYou know batteries.<|im_end|>\n").input_ids
    texts = [tokenizer(text).input_ids for text in TEXTS]
    alone = [logits(dense, prefix + ids)[len(prefix):-1] for ids in texts]
    samples = [Sample(tuple(ids), (False, *[True] * (len(ids) - 1))) for ids in texts]
    dense.set_attn_implementation(ATTENTION)
    try:
        with torch.no_grad():
            together, targets = predictions(dense, pack_samples(prefix, samples, 0, 256))
    finally:
        dense.set_attn_implementation("sdpa")
    assert torch.allclose(together, torch.cat(alone), atol=1e-3)
    assert targets.tolist() == [i for ids in texts for i in ids[1:]]


def test_the_mixture_goes_on_where_the_dense_phase_ended_and_exports_as_it_was(tokenizer):
    ids, rank = tokenizer(TEXTS[0]).input_ids, 2
    torch.manual_seed(0)
    first = moe.dense_student(rank, torch.float32).eval()
    with torch.no_grad():
        for parameter in moe.adapters(first).values():
            parameter.normal_(0, 0.02)
    second = moe.moe_student(rank, torch.float32, seed=3).eval()
    moe.split_into_experts(moe.adapters(first), second)
    assert torch.allclose(logits(second, ids), logits(first, ids), atol=1e-3)
    with torch.no_grad():
        for parameter in moe.adapters(second).values():
            parameter.add_(torch.randn_like(parameter) * 0.02)
    exported = moe.mixtral_with_adapter(dict(moe.adapters(second)), rank, torch.float32, seed=3).eval()
    assert torch.allclose(logits(exported, ids), logits(second, ids), atol=1e-3)
    assert not torch.allclose(logits(exported, ids), logits(first, ids), atol=1e-1)


def test_an_epoch_holds_every_sample_once():
    rng = random.Random(1)
    lengths = rng.choices(range(5, 150), k=300)
    samples = [Sample((1, *[rng.randrange(9, 99)] * n), (False, *[True] * n)) for n in lengths]
    packs = list(epoch([1, 2, 3], samples, 1920, 0, seed=5))
    assert sum(pack.samples for pack in packs) == 300
    assert sum(len(pack.learn) for pack in packs) == sum(sum(s.learn) for s in samples)


def test_arguments_are_the_persons_words_and_mean_the_value():
    from retrieval.toolset import tool_named

    rng, read, unread = random.Random(0), 0, 0
    for phrasing in rng.sample(load_phrasings(), 250):
        try:
            item = turn(phrasing, rng)
        except NotWritten:
            unread += 1
            continue
        for raw, exact in zip(item.calls, item.canonical, strict=True):
            values = canonical(raw["arguments"], tool_named(raw["name"]).arguments)
            assert values.keys() == exact["arguments"].keys()
            for name, value in exact["arguments"].items():
                same = abs(values[name] - value) < 0.01 if isinstance(value, float | int) else values[name] == value
                assert same, (item.messages, name, raw["arguments"][name], value)
                read += 1
    assert read > 250 and unread < 15


def test_careless_writing_leaves_slots_alone():
    rng = random.Random(0)
    for _ in range(200):
        text = carelessly("Could [PACK] be charged at [TEMP] degrees, please?", rng)
        assert "[PACK]" in text and "[TEMP]" in text


def test_only_the_new_assistant_turns_are_learnt(tokenizer):
    messages = [{"role": "user", "content": "Status of pk 7?"}, {"role": "assistant", "content": "It rests."},
                {"role": "user", "content": "And its health?"},
                call_message([{"name": "estimate_soh", "arguments": {"asset_id": "pk 7"}}]),
                {"role": "tool", "content": '{"soh_percent":91}'}, {"role": "assistant", "content": "91 %."}]
    sample = encode(messages, history=3)
    learnt = tokenizer.decode([i for i, flag in zip(sample.ids, sample.learn, strict=True) if flag])
    assert learnt == ('<tool_call>\n{"name": "estimate_soh", "arguments": {"asset_id": "pk 7"}}\n</tool_call><|im_end|>'
                      "91 %.<|im_end|>")


def test_training_tokens_are_the_template_s_tokens(tokenizer):
    """Samples are put together from pieces; the whole conversation, calls as objects, gives the same tokens."""
    calls = [{"name": "recommend_charging_current", "arguments": {"asset_id": "pk 7", "temperature_c": "12 °C"}}]
    question = {"role": "user", "content": "pk 7, 12 °C, amps?"}
    result = {"role": "tool", "content": '{"current_a":1.4}'}
    final = {"role": "assistant", "content": "Charge at 1.4 A."}
    sample = encode([question, call_message(calls), result, final], history=1)
    as_served = {"role": "assistant", "content": None,
                 "tool_calls": [{"type": "function", "function": c} for c in calls]}
    whole = tokenizer(render([question, as_served, result, final]).removesuffix("\n")).input_ids
    assert [*prefix_ids(), *sample.ids] == whole


@pytest.mark.served
def test_the_server_reads_the_tokens_that_training_wrote(served_agent):
    """vLLM's own rendering of the agent's request, token for token."""
    import httpx

    question = {"role": "user", "content": "Wie gesund ist pk 42 bei 90 F?"}
    url = served_agent.settings.llm_url.removesuffix("/v1") + "/tokenize"
    body = {"model": "battery-oracle", "messages": [{"role": "system", "content": SYSTEM}, question],
            "tools": list(wire_tools()), "add_generation_prompt": True}
    served = httpx.post(url, json=body, timeout=60).json()["tokens"]
    trained = encode([question, {"role": "assistant", "content": "x"}], history=1)
    assert served == [*prefix_ids(), *trained.ids[:trained.learn.index(True)]]


def test_answers_copy_the_result_and_follow_the_language():
    brief = {"cell_model": "LG M50LT", "current_a": 1.44, "pack_current_a": 23.0, "c_rate": 0.3,
             "target_soc_percent": 80.0, "earliest_time_min": 108.1, "deadline_met": False,
             "soc_at_deadline_percent": 42.2, "binding_constraint": "LG M50LT datasheet, 0 to 25 degC",
             "min_anode_potential_v": 0.013, "max_temperature_c": 14.4, "envelope": "datasheet", "verified_by": "DFN"}
    english = answer("recommend_charging_current", brief, "How hard can I charge it?")
    german = answer("recommend_charging_current", brief, "Wie stark kann ich das Pack laden?")
    for text in (english, german):
        assert all(part in text for part in ("1.44 A", "23 A", "108.1 min", "0.013 V", "DFN", "0 to 25 degC"))
    assert "cannot be met: 42.2 %" in english and "Frist" in german
    assert answer("get_status", {"error": "PK-9 is unknown"}, "PK-9?") == "PK-9 is unknown."


def test_the_shipped_adapter_belongs_to_this_base_and_this_prompt():
    provenance = json.loads((ADAPTER / "provenance.json").read_text())
    assert provenance["base_sha256"] == base_hash()
    assert provenance["prompt_hash"] == prompt_hash()
    assert (ADAPTER / "adapter_model.safetensors").stat().st_size < 40e6


def test_an_interrupted_run_goes_on_where_it_was(tmp_path):
    from finetune.devices import Devices
    from finetune.train import Plan, Run

    plan = Plan(samples=8, moe_share=0.5, rank=2, learning_rate=1e-3, tokens_per_pack=192, balance_weight=0.01, seed=0)
    ids = prefix_ids()[-40:]
    samples = [Sample((*ids[:n], *ids[:4]), (False, *[True] * (n + 3))) for n in range(30, 38)]
    run = Run(plan, tmp_path, Devices("cpu"))
    run.train(samples[:4])
    assert run.done >= 8 and run.phase == "moe"
    again = Run(plan, tmp_path, Devices("cpu"))
    assert (again.done, again.phase, again.losses) == (run.done, "moe", run.losses)
    for name, parameter in moe.adapters(run.student).items():
        assert torch.equal(parameter, moe.adapters(again.student)[name]), name
    assert asdict(again.plan) == run.history[0]["plan"]


def test_a_finished_adapter_goes_on_at_a_higher_rank_as_it_was():
    finished = load_file(ADAPTER / "adapter_model.safetensors")
    rank, learnt = moe.rank_of(finished), moe.averaged(finished)
    ids = torch.tensor([prefix_ids()[-40:]])
    found = []
    for wanted in (rank, rank + 3):
        student = moe.dense_student(wanted, torch.float32)
        moe.go_on_from(learnt, student)
        with torch.no_grad():
            found.append(student(ids).logits)
    assert torch.allclose(*found, atol=1e-4)
    new = moe.adapters(student)
    assert all((new[name] if "lora_B" in name else new[name].T)[:, rank:].any() == ("lora_A" in name) for name in new)


def test_an_unknown_choice_and_unreadable_weights_are_named():
    from finetune import compare, train

    with pytest.raises(SystemExit, match="dense, rank 16"):
        compare.main(only=["rank 17"])
    with pytest.raises(SystemExit, match="NAME=TIMES"):
        train.main(weights="starter")


def test_choices_are_trained_and_judged_alike(monkeypatch):
    from finetune import compare

    def tiny(dtype):
        torch.manual_seed(5)
        return LlamaForCausalLM(LlamaConfig(
            vocab_size=49152, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, pad_token_id=0)).to(dtype)

    monkeypatch.setattr(moe, "load_dense", tiny)
    some = dict.fromkeys(phrasing_files(), 0.0) | {"several": 1.0}
    sets = call_samples(1, 0, weights=some), held_out_samples(0, some)

    def figures(**choice):
        return compare.measure(compare.Choice(**choice), 20, 1e-3, 0, *sets)

    small, wide, named = figures(rank=2), figures(rank=4), figures(rank=2, rendering="names")
    assert wide["learnt_numbers"] == 2 * small["learnt_numbers"]
    assert small["prompt_tokens"] == len(prefix_ids()) > named["prompt_tokens"]
    assert small == figures(rank=2)
    assert compare.prefix("signatures") == prefix_ids()


def test_a_call_is_written_in_the_order_said_or_after_the_words_it_uses():
    from finetune import compare

    asked = {"messages": [{"role": "user", "content": "25 minutes for PK-0042, it is at 30 %, go to 80 %"}],
             "calls": [{"name": "recommend_charging_current", "arguments": {
                 "asset_id": "PK-0042", "soc_percent": 30, "target_soc_percent": 80, "time_limit_min": 25}}]}
    item = turn(asked, random.Random(0))
    order = ["25 minutes", "PK-0042", "30 %", "80 %"]
    assert list(written_arguments(compare.as_said(item)).values()) == order
    scratch, _, call = compare.after_scratchpad(item).partition("\n")
    assert scratch.split("; ") == order
    assert list(written_arguments(call)) == ["asset_id", "soc_percent", "target_soc_percent", "time_limit_min"]


def written_arguments(call: str) -> dict[str, str]:
    return json.loads(call.removeprefix("<tool_call>\n").removesuffix("\n</tool_call>"))["arguments"]


def test_weights_say_how_often_a_file_is_filled(tmp_path):
    from finetune.dataset import training_samples

    only = dict.fromkeys(phrasing_files(), 0.0) | {"several": 1.0}
    once, twice = (len(training_samples(n, 0, tmp_path / "none", only)) for n in (1, 2))
    assert 30 < once <= len(phrasing_files()["several"]) and twice > 1.8 * once
    with pytest.raises(ValueError, match="several"):
        training_samples(1, 0, tmp_path / "none", {"severall": 1.0})
