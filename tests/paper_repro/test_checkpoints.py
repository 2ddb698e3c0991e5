"""Stages that were computed before are not computed again, unless they could have become something else."""

import sys
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from figures.common.stages import Stage
from paper_repro.addresses import Address
from paper_repro.checkpoints import Checkpoints
from paper_repro.computing import Surroundings, versions
from paper_repro.engines import Here
from paper_repro.progress import Lines
from paper_repro.store import Store

ADDRESS = Address("fake", "quick", {}, 0, None, "version")
HERE = Surroundings({"XLA_FLAGS": "--some"}, versions())


@pytest.fixture
def run(tmp_path):
    """Runs stages a and b together, then c; returns what was computed and what was resumed."""

    def run(surroundings: Surroundings = HERE, failing: str = "") -> tuple[list[str], list[str]]:
        computed = []

        def work(name: str) -> dict:
            if name == failing:
                raise RuntimeError(name)
            computed.append(name)
            return {"x": np.full(2, ord(name))}

        checkpoints = Checkpoints(Store(tmp_path), ADDRESS, Here(surroundings), Lines(sys.stderr))
        try:
            several = checkpoints.all([Stage(name, partial(work, name), 0.3) for name in "ab"])
            alone = checkpoints("c", partial(work, "c"), share=0.4)
        except RuntimeError:
            return computed, checkpoints.resumed
        assert [arrays["x"][0] for arrays in (*several, alone)] == [ord(name) for name in "abc"]
        assert list(checkpoints.provenance()["stages"]) == ["a", "b", "c"]
        return computed, checkpoints.resumed

    return run


def test_what_is_finished_is_kept_and_comes_in_order(run, capsys):
    assert run(failing="b") == (["a"], [])
    capsys.readouterr()
    assert run() == (["b", "c"], ["a"])
    assert "[fake] a: from its checkpoint\n" in capsys.readouterr().err
    assert run() == ([], ["a", "b", "c"])


@pytest.mark.parametrize(
    "other",
    [replace(HERE, environment={"XLA_FLAGS": "--other"}), replace(HERE, versions=HERE.versions | {"jax": "0.1"})],
)
def test_other_flags_or_versions_compute_again(run, other):
    assert run() == (["a", "b", "c"], [])
    assert run(other) == (["a", "b", "c"], [])


def test_a_name_stands_for_one_stage(tmp_path):
    checkpoints = Checkpoints(Store(tmp_path), ADDRESS, Here(HERE), Lines(sys.stderr))
    with pytest.raises(ValueError, match="fake has two stages called 'a'"):
        checkpoints.all([Stage("a", dict, 0.5), Stage("a", dict, 0.5)])
