"""The measurement at scale goes on where it was interrupted, and its recall is one against exact comparison."""

import numpy as np
import pytest

from eval.retrieval_scale import NEIGHBOURS, Steps, _built, _nearest_of, recall
from eval.synthetic_passages import Synthetic


def test_an_interrupted_run_goes_on_with_the_step_it_was_in(tmp_path):
    home, measured = tmp_path / "run", []

    def run(of, interrupt=False):
        steps = Steps(home, of)
        for name in ("first", "second"):
            def step(name=name):
                measured.append(name)
                if interrupt and name == "second":
                    raise KeyboardInterrupt
                return {"done": name}
            assert steps.take(name, step) == {"done": name}

    with pytest.raises(KeyboardInterrupt):
        run({"chunks": 5}, interrupt=True)
    run({"chunks": 5})
    assert measured == ["first", "second", "second"]
    run({"chunks": 6})  # another run takes nothing over
    assert measured[3:] == ["first", "second"]


def test_the_nearest_are_the_same_in_parts_as_at_once():
    rng = np.random.default_rng(0)
    vectors, asked = (rng.standard_normal((n, 16)).astype(np.float32) for n in (500, 7))
    truth = np.argsort(-(asked @ vectors.T), axis=1)[:, :NEIGHBOURS]
    found = _nearest_of(asked, [(start, vectors[start:start + 120]) for start in range(0, 500, 120)])
    assert [set(row) for row in found] == [set(row) for row in truth]


def test_an_exact_index_has_full_recall_and_a_second_build_finds_nothing_to_do(tmp_path):
    passages = Synthetic(1500)
    assert _built(tmp_path, passages)[1] and not _built(tmp_path, passages)[1]
    assert recall(tmp_path, 1500) == {"recall_at_10_of_10": 1.0, "recall_at_10_of_100": 1.0}
