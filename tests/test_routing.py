"""Routing by intent on a tiny Mixtral whose router is rigged, and the figures on counts that are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from eval.routing import (
    Routed,
    Tokens,
    expert_distance_percent,
    intent_of,
    load_model,
    mutual_information_bits,
    print_report,
    report,
    route,
)
from eval.routing_plot import figure, write
from eval.run import app
from eval.score import Call, Question

EXPERTS, LAYERS, VOCABULARY = 4, 2, 40
HEADER = {"questions": "q.jsonl", "questions_sha256": "0", "commit": "c", "machine": "m", "prompt": "p", "time": "t",
          "model": "tiny", "n": 40, "experts_differ_percent": [1.0] * LAYERS}


@pytest.fixture(scope="module")
def tiny():
    """Tokens below 20 go to experts 0 and 1, the others to 2 and 3, in the first layer; a random router after it."""
    import torch
    from transformers import MixtralConfig, MixtralForCausalLM

    torch.manual_seed(0)
    model = MixtralForCausalLM(MixtralConfig(
        vocab_size=VOCABULARY, hidden_size=16, intermediate_size=8, num_hidden_layers=LAYERS, num_attention_heads=2,
        num_key_value_heads=1, head_dim=8, num_local_experts=EXPERTS, num_experts_per_tok=2,
        sliding_window=None, max_position_embeddings=128)).eval()
    with torch.no_grad():
        model.model.embed_tokens.weight[:, 0] = torch.where(torch.arange(VOCABULARY) < 20, 30.0, -30.0)
        model.model.layers[0].self_attn.o_proj.weight.zero_()
        router = model.model.layers[0].mlp.gate.weight
        router.zero_()
        router[:, 0] = torch.tensor([2.0, 1.0, -1.0, -2.0])
    return model


def conversations(low_is="get_status", high_is="diagnose", n=20):
    rng = np.random.default_rng(1)
    found = []
    for _ in range(n):
        found.append(Tokens(low_is, tuple(rng.integers(0, 20, 12).tolist()), tuple(rng.integers(0, 20, 5).tolist())))
        found.append(Tokens(high_is, tuple(rng.integers(20, 40, 12).tolist()), (25, 30)))
    return found


def test_tokens_are_counted_at_the_experts_they_are_sent_to(tiny):
    routed = route(tiny, (), conversations(n=1))
    assert routed[0].picks["question"][0].tolist() == [12, 12, 0, 0]
    assert routed[0].picks["call"][0].tolist() == [5, 5, 0, 0]
    assert routed[1].picks["question"][0].tolist() == [0, 0, 12, 12]
    assert all(r.picks["question"].sum(1).tolist() == [24] * LAYERS for r in routed)


def test_the_shared_prefix_changes_nothing_but_the_time(tiny):
    """With the prefix computed once, a conversation is routed as when it is read as a whole."""
    prefix = (1, 22, 3, 24, 5)
    one = conversations(n=1)[0]
    apart = route(tiny, prefix, [one, one])
    whole = route(tiny, (), [Tokens("x", (*prefix, *one.question), one.call)])[0]
    alone = route(tiny, (), [Tokens("x", prefix)])[0]
    for routed in apart:  # the second finds the prefix as the first did
        assert (routed.picks["question"] == whole.picks["question"] - alone.picks["question"]).all()
        assert (routed.picks["call"] == whole.picks["call"]).all()


def test_a_router_that_follows_intent_is_above_chance_and_one_that_does_not_is_not(tiny):
    found = report(route(tiny, (), conversations()))["parts"]["question"]
    assert found["information_bits"][0] == pytest.approx(1.0)  # two equally frequent intents, apart: one bit
    assert found["shuffled_95_bits"][0] < 0.5
    assert found["share_percent"]["get_status"][0] == [50, 50, 0, 0]
    assert found["load_percent"][0] == [25, 25, 25, 25] and found["busiest_over_even"][0] == 1.0
    mixed = report(route(tiny, (), conversations("get_status", "get_status") + conversations("diagnose", "diagnose")))
    figures = mixed["parts"]["question"]
    assert figures["information_bits"][0] < 0.01 and figures["layers_above_chance"] == 0


def test_conversations_without_a_call_have_no_call_tokens():
    picks = np.ones((LAYERS, EXPERTS))
    routed = [Routed("no_call", {"question": picks, "call": 0 * picks}), Routed("diagnose", {"question": picks,
                                                                                           "call": picks})]
    found = report(routed, shuffles=5)
    assert found["intents"] == {"diagnose": 1, "no_call": 1}
    assert found["parts"]["call"]["intents"] == ["diagnose"]
    assert found["parts"]["question"]["intents"] == ["diagnose", "no_call"]


def test_one_conversation_of_each_intent_is_never_above_chance():
    """Shuffled, it is the same table with other names."""
    rng = np.random.default_rng(0)
    routed = [Routed(str(i), {"question": rng.integers(1, 40, (LAYERS, EXPERTS)), "call": np.zeros((LAYERS, EXPERTS))})
              for i in range(9)]
    assert report(routed)["parts"]["question"]["layers_above_chance"] == 0


def test_mutual_information_of_a_known_table():
    # Cover and Thomas 2006, Elements of Information Theory, example 2.2.1: I(X;Y) = 3/8 bit.
    table = np.array([[1 / 8, 1 / 16, 1 / 32, 1 / 32], [1 / 16, 1 / 8, 1 / 32, 1 / 32],
                      [1 / 16, 1 / 16, 1 / 16, 1 / 16], [1 / 4, 0, 0, 0]])
    assert mutual_information_bits(table) == pytest.approx(0.375)


@given(st.lists(st.integers(1, 50), min_size=3, max_size=3), st.lists(st.integers(1, 50), min_size=4, max_size=4))
def test_independent_counts_tell_nothing(rows, columns):
    assert mutual_information_bits(np.outer(rows, columns)) == pytest.approx(0, abs=1e-12)


def test_experts_that_are_copies_are_no_distance_apart(tiny):
    import copy

    assert min(expert_distance_percent(tiny)) > 10
    twins = copy.deepcopy(tiny)
    for layer in twins.model.layers:
        layer.mlp.experts.gate_up_proj.data[:] = layer.mlp.experts.gate_up_proj.data[:1]
    assert expert_distance_percent(twins) == [0.0] * LAYERS


def test_the_intent_is_the_tool():
    def question(*names):
        return Question(id="q", category="c", messages=[{"role": "user", "content": "?"}],
                        accept=[[Call(name=name, arguments={}) for name in names]])

    assert intent_of(question("diagnose")) == intent_of(question("diagnose", "diagnose")) == "diagnose"
    assert intent_of(question("diagnose", "get_status")) == "several" and intent_of(question()) == "no_call"


def test_a_dense_model_is_refused(tmp_path):
    from transformers import LlamaConfig, LlamaForCausalLM

    LlamaForCausalLM(LlamaConfig(vocab_size=16, hidden_size=8, intermediate_size=8, num_hidden_layers=1,
                                 num_attention_heads=1, num_key_value_heads=1)).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="dense"):
        load_model(str(tmp_path))


def test_the_figure_shows_every_expert_and_both_parts(tiny, tmp_path, capsys):
    found = HEADER | report(route(tiny, (), conversations()), shuffles=20)
    drawn = figure(found)
    maps = [trace for trace in drawn.data if trace.type == "heatmap"]
    assert len(maps) == 2 * EXPERTS and np.shape(maps[0].z) == (2, LAYERS)
    assert maps[0].z[1][0] == pytest.approx(25) and maps[0].z[0][0] == pytest.approx(-25)  # get_status, diagnose
    write(found, tmp_path / "new" / "routing.html")
    assert (tmp_path / "new" / "routing.html").stat().st_size > 10_000
    assert not list(tmp_path.rglob("*.tmp"))
    print_report(found)
    assert "above chance" in capsys.readouterr().err


def test_the_served_checkpoint_is_measured_with_the_real_template(tiny, tmp_path):
    """The whole command on a tiny checkpoint with the real vocabulary."""
    import json

    from transformers import MixtralConfig, MixtralForCausalLM

    config = tiny.config.to_dict() | {"vocab_size": 49_152, "max_position_embeddings": 4096}
    MixtralForCausalLM(MixtralConfig(**config)).save_pretrained(tmp_path / "model")
    run = CliRunner().invoke(app, ["routing", "--model", str(tmp_path / "model"), "--per-intent", "1", "--json",
                                   "--plot", str(tmp_path / "routing.html")])
    assert run.exit_code == 0, run.output
    found = json.loads(run.stdout)
    assert set(found["intents"]) >= {"no_call", "several", "diagnose"} and found["n"] == sum(found["intents"].values())
    assert len(found["parts"]["call"]["information_bits"]) == LAYERS and (tmp_path / "routing.html").exists()
