"""Pieces of work in parts: keys, order and joining."""

import jax
import numpy as np
import pytest

from figures.common.parts import all_grouped, joined_parts, part_size, stages_of_parts
from figures.common.stages import Arrays, run_directly

KEY = jax.random.key(3)


def _draw(key) -> Arrays:
    draws = np.asarray(jax.random.normal(key, (2, 4)))
    return {"draws": draws, "mean": draws.mean(axis=1)}


def test_one_part_is_the_work_itself_with_its_key():
    (stage,) = stages_of_parts("draw", _draw, KEY, parts=1, share=0.5)
    assert (stage.name, stage.share) == ("draw", 0.5)
    np.testing.assert_array_equal(stage.work()["draws"], _draw(KEY)["draws"])


def test_parts_have_names_keys_and_shares_of_their_own():
    stages = stages_of_parts("draw", _draw, KEY, parts=3, share=0.6)
    assert [stage.name for stage in stages] == [f"draw, part {number} of 3" for number in (1, 2, 3)]
    assert sum(stage.share for stage in stages) == pytest.approx(0.6)
    draws = [stage.work()["draws"] for stage in stages]
    assert len({array.tobytes() for array in draws}) == 3


def test_groups_come_back_as_they_were_given():
    groups = [stages_of_parts(name, _draw, KEY, parts=parts, share=0.5) for name, parts in (("a", 1), ("b", 3))]
    results = all_grouped(run_directly, groups)
    assert [len(runs) for runs in results] == [1, 3]
    for runs, stages in zip(results, groups, strict=True):
        for run, stage in zip(runs, stages, strict=True):
            np.testing.assert_array_equal(run["draws"], stage.work()["draws"])


def test_models_are_laid_end_to_end_and_means_averaged():
    stages = stages_of_parts("draw", _draw, KEY, parts=3, share=1.0)
    joined = joined_parts([stage.work() for stage in stages], {"draws": 1})
    assert joined["draws"].shape == (2, 12)
    np.testing.assert_allclose(joined["mean"], joined["draws"].mean(axis=1))


def test_what_all_parts_share_keeps_its_type():
    joined = joined_parts([{"width": np.array([4])}] * 3, {})
    assert joined["width"].dtype == int
    np.testing.assert_array_equal(joined["width"], [4])


def test_parts_of_unequal_size_are_refused():
    assert part_size(12, 3) == 4
    with pytest.raises(ValueError, match="must divide 12; got 5"):
        part_size(12, 5)
