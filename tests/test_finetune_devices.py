"""Training on several processes learns what one learns; a large model's plan is counted on the model itself."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from finetune import large

HERE = Path(__file__).parent


def start(folder: Path, *launcher: str, sharded: str = "") -> subprocess.Popen:
    command = [sys.executable, *launcher, str(HERE / "tiny_training.py"), str(folder), *([sharded] if sharded else [])]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def figures(process: subprocess.Popen) -> dict:
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err[-2000:]
    return json.loads(out.strip().splitlines()[-1])


def test_two_processes_learn_what_one_learns(tmp_path):
    two = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
    alone = figures(start(tmp_path / "one"))
    together = figures(start(tmp_path / "two", *two))
    sharded = figures(start(tmp_path / "sharded", *two, sharded="sharded"))
    assert (alone["processes"], together["processes"], sharded["sharded"]) == (1, 2, True)
    for other in (together, sharded):
        assert (other["phase"], other["done"]) == ("moe", alone["done"])
        assert other["losses"] == pytest.approx(alone["losses"], abs=5e-4)
        assert other["judged"] == pytest.approx(alone["judged"], abs=5e-4)
        assert other["adapters"] == pytest.approx(alone["adapters"], rel=0.03, abs=0.003)
    assert alone["losses"][-1] < alone["losses"][0]
    resumed = figures(start(tmp_path / "two"))  # a checkpoint of two processes goes on in one
    assert (resumed["done"], resumed["losses"]) == (together["done"], together["losses"])
    assert resumed["adapters"] == pytest.approx(together["adapters"], abs=1e-5)


@pytest.fixture(scope="module")
def qwen():
    config = large.configuration("Qwen/Qwen3-30B-A3B")
    return large.empty_model(config), config


def test_the_published_sizes_come_out(qwen):
    """30.5 billion, 3.3 active (Qwen3 technical report, 2025, table 2); 15.7 and 2.4 (DeepSeek-V2, 2024, without the
    0.2 billion of an embedding)."""
    found = large.size(*qwen, rank=16)
    assert found.total == pytest.approx(30.5e9, rel=0.003) and found.active == pytest.approx(3.3e9, rel=0.02)
    config = large.configuration("deepseek-ai/DeepSeek-V2-Lite")
    found = large.size(large.empty_model(config), config, rank=16)
    assert found.total == pytest.approx(15.7e9, rel=0.003)
    assert found.active - 102400 * 2048 == pytest.approx(2.4e9, rel=0.03)


def test_lora_is_counted_as_peft_lays_it_out():
    from peft import LoraConfig, get_peft_model
    from transformers import AutoConfig, AutoModelForCausalLM

    _, values = large.PUBLISHED["Qwen/Qwen3-30B-A3B"]
    config = AutoConfig.for_model("qwen3_moe", **values | {
        "num_hidden_layers": 2, "hidden_size": 32, "moe_intermediate_size": 24, "num_experts": 4, "head_dim": 8,
        "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 64, "num_experts_per_tok": 2})
    modules, parameters = large.targets(config)
    counted = large.size(large.empty_model(config), config, rank=4).trainable
    adapted = get_peft_model(AutoModelForCausalLM.from_config(config), LoraConfig(
        r=4, target_modules=list(modules), target_parameters=list(parameters), task_type="CAUSAL_LM"))
    assert counted == sum(p.numel() for p in adapted.parameters() if p.requires_grad)


def test_a_target_that_is_not_there_is_named(qwen):
    model, _ = qwen
    with pytest.raises(ValueError, match="kv_b_proj is not in Qwen3MoeForCausalLM; it has .*q_proj"):
        large.adapted(model, ("q_proj", "kv_b_proj"), ())
    with pytest.raises(ValueError, match="mlp.router.weight is not in"):
        large.adapted(model, (), ("mlp.router.weight",))


def test_the_frozen_base_is_spread_and_the_rest_is_not(qwen):
    found = large.size(*qwen, rank=16)
    one, eight = (large.memory_gib(found, n, 1920) for n in (1, 8))
    assert one["frozen base"] == pytest.approx(30.53e9 * 2 / 2**30, rel=1e-3)
    assert eight["frozen base"] == pytest.approx(one["frozen base"] / 8)
    assert eight["adapters and optimiser"] == one["adapters and optimiser"]


def test_an_unknown_model_and_half_a_command_are_one_sentence():
    from typer.testing import CliRunner

    from finetune import train

    with pytest.raises(ValueError, match="no configuration of no/such/folder"):
        large.configuration("no/such/folder")
    app = train.typer.Typer()
    app.command()(train.main)
    done = CliRunner().invoke(app, ["--base", "Qwen/Qwen3-30B-A3B"])
    assert done.exit_code and "go together" in str(done.exception)


def test_the_plan_is_printed(monkeypatch):
    monkeypatch.setattr(large, "_samples_per_pack", lambda tokens: 20.0)
    text = large.plan("deepseek-ai/DeepSeek-V2-Lite", 16, 4, 30_000, 1920, 0)
    assert "15.71 billion" in text and "each of 4 devices" in text and "steps: about 375 for 30000 samples" in text
