"""A piece of work in parts of equal size, a stage each: paper presets make one stage of some pieces too long.

A quick preset takes one part, and so the same random numbers as the piece of work without any.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage, Stage


def stages_of_parts(
    name: str, work: Callable[[PRNGKeyArray], Mapping], key: PRNGKeyArray, *, parts: int, share: float
) -> list[Stage]:
    """Stages that call `work` with keys of their own, with the key itself where there is one; `share` is of all."""
    if parts == 1:
        return [Stage(name, partial(work, key), share)]
    return [
        Stage(f"{name}, part {number} of {parts}", partial(work, part_key), share / parts)
        for number, part_key in enumerate(jax.random.split(key, parts), start=1)
    ]


def part_size(whole: int, parts: int) -> int:
    """Size of one part. Raises ValueError where it is no whole number."""
    if whole % parts:
        raise ValueError(f"the number of parts must divide {whole}; got {parts}")
    return whole // parts


def all_grouped(stage: RunStage, groups: Sequence[Sequence[Stage]]) -> list[list[Arrays]]:
    """Results of the stages of every group, all computed together."""
    results = iter(stage.all([each for group in groups for each in group]))
    return [[next(results) for _ in group] for group in groups]


def joined_parts(runs: Sequence[Mapping], models_axis: Mapping[str, int]) -> Arrays:
    """Arrays of all parts: those named are laid end to end along their axis of models, of the others the mean.

    What is the same in all parts stays what it is, whole numbers too.
    """

    def joined(name: str) -> np.ndarray:
        arrays = [run[name] for run in runs]
        if name in models_axis:
            return np.concatenate(arrays, axis=models_axis[name])
        alike = all(np.array_equal(array, arrays[0]) for array in arrays)
        return np.asarray(arrays[0]) if alike else np.mean(arrays, axis=0)

    return {name: joined(name) for name in runs[0]}
