"""Training in blocks of seeds, a stage each: paper presets take too many steps for one stage of all seeds."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import jax
import numpy as np

from figures.common.stages import Arrays, Stage
from sims.training.linear_losses import ShiftMoments
from sims.training.pairs import SecondMoments

Moments = TypeVar("Moments", SecondMoments, ShiftMoments)


def seed_stages(
    name: str, train: Callable[[Moments], Arrays], moments: Moments, *, per_stage: int = 12, share: float
) -> list[Stage]:
    """Stages that call `train` with the training sets of `per_stage` seeds each; one stage where that is all of them.

    Every array of `train` has seeds as its first axis, see `joined_seeds`. `share` is of all stages together.
    """
    seeds = len(jax.tree.leaves(moments)[0])
    if seeds <= per_stage:
        return [Stage(name, partial(train, moments), share)]
    firsts = range(0, seeds, per_stage)
    blocks = [jax.tree.map(lambda leaf, first=first: leaf[first : first + per_stage], moments) for first in firsts]
    return [
        Stage(f"{name}, seeds from {first}", partial(train, block), share / len(firsts))
        for first, block in zip(firsts, blocks, strict=True)
    ]


def joined_seeds(runs: Sequence[Arrays]) -> Arrays:
    """What the stages gave, of all seeds."""
    if len(runs) == 1:
        return runs[0]
    return {name: np.concatenate([run[name] for run in runs]) for name in runs[0]}
